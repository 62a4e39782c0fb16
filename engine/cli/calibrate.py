"""`muster calibrate`, `calibrate rollback`, `calibrate history`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer import Option

from engine.cli.context import Author, Json, Reason, Workspace, open_workbench
from engine.cli.output import answer, emit_json, rounded, say, table
from engine.errors import InputError

if TYPE_CHECKING:
    from engine.evaluation import Estimate
    from engine.tuning.calibration import CalibrationReport, Operating, Version

app = typer.Typer(name="calibrate", invoke_without_command=True)


@app.callback()
def calibrate(
    context: typer.Context,
    target_fmr: Annotated[
        float | None, Option(show_default="from the settings", help="False matches per comparison, such as 1e-4.")
    ] = None,
    target_fpir: Annotated[
        float | None, Option(help="Instead: share of strangers who are named, such as 0.01.")
    ] = None,
    apply: Annotated[bool, Option("--apply", help="Use the proposed threshold from now on; needs --reason.")] = False,
    author: Author = "",
    reason: Reason = "",
    workspace: Workspace = Path("data"),
    as_json: Json = False,
) -> None:
    """Tune the match threshold on the people enrolled.

    The report shows error rates with 95% intervals, a proposed threshold, and what the data cannot tell.
    """
    if context.invoked_subcommand is not None:
        return
    if target_fmr is not None and target_fpir is not None:
        raise InputError("--target-fmr and --target-fpir exclude each other", hint="give one of them")
    desk = open_workbench(workspace).calibration
    report = desk.report(target_fmr, target_fpir)
    version = desk.apply(report, author=author, reason=reason) if apply else None
    if as_json:
        emit_json(_report_json(report, version) | {"answers": vars(desk.answers())})
        return
    _show(report)
    if (near := desk.answers()).answers:
        say(near.sentence)
    if version is not None:
        say(_applied(version))
    elif desk.in_force().source == "settings":
        say("The settings fix the threshold. To use a calibrated one, remove it there.")


@app.command()
def rollback(author: Author, reason: Reason = "", workspace: Workspace = Path("data"), as_json: Json = False) -> None:
    """Return to the previous threshold.

    The threshold before the first calibration is the one derived from the model.
    """
    version = open_workbench(workspace).calibration.rollback(author=author, reason=reason)
    answer(as_json, vars(version), _applied(version))


@app.command()
def history(workspace: Workspace = Path("data"), as_json: Json = False) -> None:
    """List the thresholds: who set them, when and why."""
    versions = open_workbench(workspace).calibration.history()
    if as_json:
        emit_json([vars(each) for each in versions])
        return
    if not versions:
        say("The threshold was never calibrated.")
        return
    cells = []
    for each in versions:
        target = "" if each.restores == each.version else f" to {each.restores or 'the derived one'}"
        threshold = "derived" if each.threshold is None else f"{each.threshold:.3f}"
        made = (each.version, each.made_at[:16].replace("T", " "), each.author, each.action + target)
        cells.append((*made, rounded(each.previous, 3), threshold, each.people, each.reason))
    table("Calibrations", ("", "time", "author", "action", "before", "after", "people", "reason"), cells)


def _applied(version: Version) -> str:
    now = "The derived threshold" if version.threshold is None else f"The threshold {version.threshold:.4f}"
    return f"{now} is in force (version {version.version}; before: {version.previous:.4f}). Running cameras adopt it."


def _span(found: Estimate) -> str:
    from engine.tuning.calibration import percent

    if not found.trials:
        return "not measured"
    return f"{percent(found.value)} ({percent(found.low)} – {percent(found.high)})"


def _monthly(found: Operating) -> str:
    return "not known" if found.wrong_per_month is None else f"{found.wrong_per_month:.2g}"


def _show(report: CalibrationReport) -> None:
    now, proposed = report.now.sentence, report.proposed.sentence
    say(now if now == proposed else f"In force: {now}\nProposed: {proposed}")
    say(report.passage(report.proposed))
    say(report.support.statement)
    traffic = report.traffic
    if traffic.known:
        say(
            f"Counted in the logs: {traffic.arrivals_per_day:.3g} arrivals and {traffic.strangers_per_day:.2g} strangers a day, "
            f"{traffic.days_per_month:.3g} working days a month."
        )
    _show_rates(report)
    _show_suspects(report)
    _show_limits(report)


def _show_rates(report: CalibrationReport) -> None:
    now, then = report.now, report.proposed
    origin = {"settings": "settings", "calibration": "calibrated", "derived": "derived"}[report.source]
    rows = [
        ("threshold", f"{now.threshold:.4f} ({origin})", f"{then.threshold:.4f} ({report.target})"),
        ("FMR in this gallery", _span(now.fmr), _span(then.fmr)),
        ("FMR, expected", f"{now.model_fmr:.2g}", f"{then.model_fmr:.2g}"),
        ("FNMR in this gallery", _span(now.fnmr), _span(then.fnmr)),
        ("strangers named (FPIR), leaving out one person at a time", _span(now.fpir), _span(then.fpir)),
        ("strangers named, from the cameras' runners-up", _span(now.fpir_seen), _span(then.fpir_seen)),
        ("strangers named in a look, expected", f"{now.model_fpir:.2g}", f"{then.model_fpir:.2g}"),
        ("strangers named in a passage, at most", f"{now.passage_fpir:.2g}", f"{then.passage_fpir:.2g}"),
        ("enrolled people not named (FNIR)", _span(now.fnir), _span(then.fnir)),
        ("enrolled people not named, expected", f"{now.try_again:.2g}", f"{then.try_again:.2g}"),
        ("wrong punches per month, expected", _monthly(now), _monthly(then)),
    ]
    title = f"{len(report.gallery)} people, {len(report.gallery.templates)} templates, {report.gallery.model_id}"
    table(title, ("value (95% interval, over people)", "in force", "proposed"), rows)


def _show_suspects(report: CalibrationReport) -> None:
    """Pairs of people who look alike, and templates that fit somebody else better."""
    if report.look_alikes:
        pairs = []
        for each in report.look_alikes[:10]:
            above = "YES" if each.reaches(report.proposed.threshold) else ""
            pairs.append((each.first, each.second, f"{each.similarity:.3f}", f"{each.closest:.3f}", above))
        table(
            "Most similar people", ("", "", "similarity", "closest template", "reaches the proposed threshold"), pairs
        )
    if report.outliers:
        templates = report.gallery.templates
        misfits = [
            (each.person, templates[each.row].template_id, f"{each.similarity:.3f}", each.nearest_person)
            for each in report.outliers[:10]
        ]
        title = "Templates that do not fit their person"
        table(title, ("person", "template", "similarity", "more similar to"), misfits)


def _show_limits(report: CalibrationReport) -> None:
    from engine.tuning.calibration import ASSUMPTIONS

    for warning in report.warnings(report.proposed.threshold):
        say(f"! {warning}")
    for assumption in ASSUMPTIONS:
        say(f"· {assumption}")


def _rates_json(found: Operating) -> dict[str, Any]:
    from engine.evaluation import Estimate

    rates = {name: value for name, value in vars(found).items() if isinstance(value, Estimate)}
    return {
        **{name: value for name, value in vars(found).items() if name not in rates},
        **{
            name: {key: getattr(each, key) for key in ("value", "low", "high", "errors", "trials", "people")}
            for name, each in rates.items()
        },
        "sentence": found.sentence,
    }


def _report_json(report: CalibrationReport, version: Version | None) -> dict[str, Any]:
    from engine.tuning.calibration import ASSUMPTIONS

    gallery, seen = report.gallery, report.seen
    return {
        "evaluation_id": report.evaluation_id,
        "made_at": report.made_at.isoformat(timespec="seconds"),
        "model": gallery.model_id,
        "alignment": gallery.alignment_id,
        "gallery_version": gallery.version,
        "people": len(gallery),
        "templates": len(gallery.templates),
        "people_with_one_template": report.scores.singles,
        "target": vars(report.target),
        "source": report.source,
        "in_force": _rates_json(report.now),
        "proposed": _rates_json(report.proposed),
        "support": vars(report.support),
        "traffic": vars(report.traffic),
        "taken_back": {"punches": seen.punches, "wrong": seen.wrong.hits, "interval": seen.wrong.interval},
        "look_alikes": [vars(each) for each in report.look_alikes],
        "outliers": [
            {**vars(each), "template_id": gallery.templates[each.row].template_id} for each in report.outliers
        ],
        "difficulty": [vars(each) for each in report.difficulty],
        "warnings": report.warnings(report.proposed_threshold),
        "assumptions": ASSUMPTIONS,
        "applied": vars(version) if version else None,
    }
