"""The engine's calibration results in the viewer's language."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime

from app.words import say, say_count, say_date, say_number, say_percent, say_time
from engine.tuning.calibration import CalibrationReport, ErrorTarget, Operating, ThresholdInForce, Traffic, how_often

_LEAST = 1e-6  # smaller rates were never measured and mean nothing to readers
Names = Callable[[str], str]
"""Looks up a person's name by id."""


def percent(share: float) -> str:
    """A share such as 2% or 0.4%, or that it is below what was ever measured."""
    return say_percent(share) if share == 0 or share >= _LEAST else f"< {say_percent(_LEAST)}"


def often(per_month: float) -> str:
    """How often something happens, short: `3 a month`, `1 in 4 months`."""
    count, span, unit = how_often(per_month)
    if not count:
        return say("< 1 in {years} years", years=span)
    if span == 1:
        return say("{count} a month", count=count) if unit == "month" else say("{count} a year", count=count)
    return say("1 in {months} months", months=span) if unit == "month" else say("1 in {years} years", years=span)


def again(found: Operating) -> str:
    """The share of arrivals that are asked to try again, short."""
    if found.try_again is None:
        return "–"
    return ("< " if found.at_most else "") + percent(found.try_again)


def sentence(found: Operating) -> str:
    """What a threshold means, see `Operating.sentence`."""
    count, span, unit = how_often(found.wrong_per_month)
    if not count:
        wrong = say("less than 1 wrong punch in {years} years", years=span)
    elif unit == "year":
        wrong = say_count("about 1 wrong punch a year", "about 1 wrong punch in {count} years", span)
    elif span > 1:
        wrong = say("about 1 wrong punch in {months} months", months=span)
    else:
        wrong = say_count("about {count} wrong punch a month", "about {count} wrong punches a month", count)
    if found.try_again is None:
        rest = say("second attempts are unknown because no one has two templates")
    elif found.at_most:
        rest = say("less than {share} of arrivals are asked to try again", share=percent(found.try_again))
    else:
        rest = say("{share} of arrivals are asked to try again", share=percent(found.try_again))
    return say("At {threshold}, {wrong}; {rest}.", threshold=say_number(found.threshold, 2), wrong=wrong, rest=rest)


def support(report: CalibrationReport) -> str:
    """How far the enrolled people support the figures, see `Support.statement`."""
    found = report.support
    if found.pairs:
        text = say(
            "{people} people ({comparisons} comparisons, {pairs} pairs) support a false-match rate down to {fmr} "
            "and named strangers down to {fpir}.",
            people=found.people,
            comparisons=say_number(found.comparisons),
            pairs=say_number(found.pairs),
            fmr=percent(found.smallest_fmr),
            fpir=percent(found.smallest_fpir),
        )
    else:
        text = say("False matches are unknown with fewer than two people.")
    if found.enough:
        basis = say("That is enough for this target, so the threshold uses their own scores.")
    elif report.prior is None:
        basis = say("The threshold uses an assumed curve because this model was never measured.")
    else:
        basis = say(
            "The threshold also uses the sample photos ({photos} photos of {people} people).",
            photos=report.prior.photos,
            people=report.prior.people,
        )
        if report.prior.alignment_id != report.gallery.alignment_id:
            basis += " " + say("Those were aligned differently.")
    return f"{text} {basis}"


def traffic(found: Traffic) -> str:
    """The source of the numbers of arrivals and strangers."""
    if found.source == "logs":
        return say_count(
            "Arrivals and strangers were counted on {count} working day of the last four weeks.",
            "Arrivals and strangers were counted on {count} working days of the last four weeks.",
            found.days,
        )
    if found.source == "assumed":
        return say(
            "The last four weeks hold few working days ({days}). Muster assumes two arrivals per person and one stranger a day.",
            days=found.days,
        )
    return say("You entered the arrivals and strangers.")


def warnings(report: CalibrationReport, threshold: float, names: Names) -> Iterator[str]:
    """Warnings to read before a threshold is put in force, see `CalibrationReport.warnings`; `traffic` covers the traffic."""
    alike = [pair for pair in report.look_alikes if pair.reaches(threshold)]
    if alike:
        pairs = ", ".join(say("{a} and {b}", a=names(pair.first), b=names(pair.second)) for pair in alike[:3])
        more = (
            " " + say_count("and {count} more pair", "and {count} more pairs", len(alike) - 3) if len(alike) > 3 else ""
        )
        yield (
            say("Look-alikes at or above {threshold}: {pairs}.", threshold=say_number(threshold, 3), pairs=pairs + more)
            + " "
            + say("Cameras may confuse them.")
        )
    if report.outliers:
        whose = ", ".join(dict.fromkeys(names(each.person) for each in report.outliers[:5]))
        yield say(
            "Templates that do not match their person: {count} ({whose}).", count=len(report.outliers), whose=whose
        )
    if report.scores.singles:
        yield say("People with one template: {count}. Their recognition is not measured.", count=report.scores.singles)


def foundation(report: CalibrationReport, found: Operating) -> Iterator[str]:
    """Findings from the logs of real passages, and the limit that these few people cannot rule out."""
    if report.support.pairs:
        yield say(
            "Upper limit of wrong punches from these people alone: {often}.", often=often(found.wrong_per_month_high)
        )
    seen = found.fpir_seen
    if seen.trials:
        yield say(
            "In four weeks someone else reached the threshold in {share} ({low} – {high}) of {count} camera searches.",
            share=percent(seen.value),
            low=percent(seen.low),
            high=percent(seen.high),
            count=seen.trials,
        )
    wrong = report.seen.wrong
    if wrong.hits:
        yield say("Punches revoked as someone else's: {count} of {all}.", count=wrong.hits, all=wrong.trials)


def origin(found: ThresholdInForce, target: ErrorTarget, people: int) -> str:
    """Where the threshold in force comes from; a derived one aims at a target for the people enrolled."""
    if found.source == "settings":
        return say("fixed in the settings")
    if found.source == "calibration" and found.version is not None:
        return say("applied by {author} on {day}", author=found.version.author, day=moment(found.version.made_at))
    return say(
        "derived from the people on the list, for 1 false match in {number} comparisons",
        number=say_number(float(f"{1 / target.rate(people):.2g}")),
    )


def moment(text: str) -> str:
    """Day and time of an ISO 8601 text."""
    try:
        time = datetime.fromisoformat(text)
    except ValueError:  # somebody edited the file
        return text
    return f"{say_date(time.date())}, {say_time(time)}"


def concerns(found: ThresholdInForce, people: int) -> Iterator[str]:
    """Reasons to review the threshold in force, see `Concern`."""
    version = found.version
    if not found.concerns or version is None or version.threshold is None:
        return
    chosen = say_number(version.threshold, 3)
    if found.source == "settings":
        yield say("The settings fix the threshold, so {chosen} from this page is not used.", chosen=chosen)
    elif found.source == "derived":
        yield say(
            "The threshold {chosen} belongs to another model or alignment ({model}). Muster uses a derived one. Choose again.",
            chosen=chosen,
            model=f"{version.model_id}, {version.alignment_id}",
        )
    else:
        yield say(
            "The threshold was chosen for {then} people; now there are {now}. Review it, because strangers are named more often.",
            then=version.people,
            now=people,
        )
