"""The engine's calibration results in the viewer's language."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Literal

from app.words import say, say_count, say_moment, say_number, say_percent
from engine.tuning.calibration import (
    CalibrationReport,
    Operating,
    ThresholdInForce,
    Traffic,
    how_many,
    how_often,
)

FEWEST_PEOPLE = 10
"""Intervals over fewer people say next to nothing."""
_LEAST = 1e-6  # smaller rates were never measured and mean nothing to readers
Names = Callable[[str], str]
"""Looks up a person's name by id."""


def percent(share: float) -> str:
    """A share such as 2% or 0.4%, or that it is below what was ever measured."""
    return say_percent(share) if share == 0 or share >= _LEAST else f"< {say_percent(_LEAST)}"


def often(per_month: float | None) -> str:
    """How often something happens, short: `3 a month`, `1 in 4 months`; a dash if nobody knows."""
    if per_month is None:
        return "–"
    count, span, unit = how_often(per_month)
    if not count:
        return say("< 1 in {years} years", years=span)
    if span == 1:
        return say("{count} a month", count=count) if unit == "month" else say("{count} a year", count=count)
    return say("1 in {months} months", months=span) if unit == "month" else say("1 in {years} years", years=span)


def among(share: float) -> str:
    """How many of how many people, short: `1 in 1,000`."""
    count, total = how_many(share)
    if not count:
        return say("< 1 in {total}", total=say_number(total))
    return say("{count} in {total}", count=count, total=say_number(total))


def sentence(found: Operating) -> str:
    """What a threshold promises and what it costs, see `Operating.sentence`."""
    text = say(
        "At {threshold}, Muster mistakes {strangers} strangers for an employee and asks {arrivals} arriving employees to look again.",
        threshold=say_number(found.threshold, 2),
        strangers=_about(found.model_fpir),
        arrivals=_about(found.try_again),
    )
    if found.wrong_per_month is None:
        return text
    count, span, unit = how_often(found.wrong_per_month)
    if not count:
        wrong = say("That makes less than 1 wrong punch in {years} years.", years=span)
    elif unit == "year":
        wrong = say_count(
            "That makes about 1 wrong punch a year.", "That makes about 1 wrong punch in {count} years.", span
        )
    elif span > 1:
        wrong = say("That makes about 1 wrong punch in {months} months.", months=span)
    else:
        wrong = say_count(
            "That makes about {count} wrong punch a month.", "That makes about {count} wrong punches a month.", count
        )
    return f"{text} {wrong}"


def _about(share: float) -> str:
    count, total = how_many(share)
    if not count:
        return say("fewer than 1 in {total}", total=say_number(total))
    return say("about {count} in {total}", count=count, total=say_number(total))


def passage(report: CalibrationReport, found: Operating) -> str:
    """What a whole passage adds to a single look, see `CalibrationReport.passage`."""
    count, total = how_many(found.passage_fpir, at_most=True)
    most = say("at most {count} in {total}", count=count, total=say_number(total))
    return say(
        "Both figures are for a single look into the camera. To give a name, Muster needs at least {looks} looks that agree, and {share} "
        "of all looks. In a whole passage (up to {window} looks) it mistakes {strangers} strangers, even when wrong looks tend to come "
        "together.",
        looks=report.voting.min_agreeing,
        share=percent(report.voting.min_share),
        window=report.voting.window,
        strangers=most if count else say("fewer than 1 in {total}", total=say_number(total)),
    )


def confidence(report: CalibrationReport) -> tuple[Literal["good", "fair", "poor"], str, str]:
    """How far the figures can be trusted: a status, its name, and why in one sentence."""
    found, cohort = report.support, say_number(report.cohort.people)
    if found.people < FEWEST_PEOPLE:
        why = say_count(
            "Only {count} person is enrolled. The figures come from a cohort of {cohort} other people.",
            "Only {count} people are enrolled. The figures come from a cohort of {cohort} other people.",
            found.people,
            cohort=cohort,
        )
        return "poor", say("Low confidence"), why
    if not found.enough:
        why = say(
            "Your {people} people cannot prove the target alone. A cohort of {cohort} supports it.",
            people=say_number(found.people),
            cohort=cohort,
        )
        return "fair", say("Medium confidence"), why
    why = say("Your {people} people prove the target by themselves.", people=say_number(found.people))
    return "good", say("High confidence"), why


def support(report: CalibrationReport) -> str:
    """How far the enrolled people support the figures, see `Support.statement`."""
    found, cohort = report.support, report.cohort
    these = {
        "people": found.people,
        "comparisons": say_number(found.comparisons),
        "pairs": say_number(found.pairs),
    }
    if not found.pairs:
        text = say("Fewer than two people prove nothing about strangers.")
    elif found.enough:
        text = say(
            "These {people} people ({comparisons} comparisons, {pairs} pairs) can prove the target by themselves.",
            **these,
        )
    else:
        text = say(
            "These {people} people alone ({comparisons} comparisons, {pairs} pairs) could only prove a false-match rate below {fmr}, and "
            "less than {fpir} of strangers named.",
            **these,
            fmr=percent(found.smallest_fmr),
            fpir=percent(found.smallest_fpir),
        )
    size = {"photos": say_number(cohort.photos), "people": say_number(cohort.people)}
    if found.enough and found.pairs:
        text += " " + say("The threshold must suit them and a cohort ({photos} photos of {people} people).", **size)
    else:
        text += " " + say("The threshold rests on a cohort ({photos} photos of {people} people).", **size)
    if report.assumed:
        text += " " + say("It was measured with another model.")
    if cohort.alignment_id != report.gallery.alignment_id:
        text += " " + say("Its photos were aligned differently.")
    return text


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
            "The logs of the last four weeks hold few working days ({days}). Enter arrivals and strangers to see wrong punches per month.",
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
    """Findings from the logs of real passages."""
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


def origin(found: ThresholdInForce, people: int) -> str:
    """Where the threshold in force comes from; a derived one is that of the number of people enrolled."""
    if found.source == "settings":
        return say("fixed in the settings")
    if found.source == "calibration" and found.version is not None:
        return say("applied by {author} on {day}", author=found.version.author, day=moment(found.version.made_at))
    return say_count("derived for {count} person on the list", "derived for {count} people on the list", people)


def moment(text: str) -> str:
    """Day and time of an ISO 8601 text."""
    try:
        return say_moment(datetime.fromisoformat(text))
    except ValueError:  # somebody edited the file
        return text


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
