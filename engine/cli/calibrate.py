"""`muster calibrate`, `calibrate rollback`, `calibrate history`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from engine.calibration import ASSUMPTIONS, Operating, Report, Version, percent
from engine.cli.context import Author, Json, Workspace
from engine.cli.output import console, emit_json, rounded, table
from engine.errors import InputError
from engine.evaluation import Estimate
from engine.workbench import Workbench

__all__ = ["app"]

app = typer.Typer(help="The match threshold, tuned on the people enrolled here.", rich_markup_mode=None)

Reason = Annotated[str, typer.Option(help="Why; needed to change anything.")]


def _say(text: str) -> None:
    console.print(text, markup=False)


@app.callback(invoke_without_command=True)
def calibrate(
    context: typer.Context,
    target_fmr: Annotated[
        float | None,
        typer.Option(help="False matches per comparison, such as 1e-4; default: both targets of the settings."),
    ] = None,
    target_fpir: Annotated[
        float | None, typer.Option(help="Instead: share of strangers' searches that may name somebody, such as 0.01.")
    ] = None,
    apply: Annotated[bool, typer.Option("--apply", help="Put the proposed threshold in force.")] = False,
    author: Author = "",
    reason: Reason = "",
    workspace: Workspace = Path("data"),
    as_json: Json = False,
) -> None:
    """Evaluate the people enrolled here: error rates with intervals, a threshold, what cannot be said; --apply puts it in force."""
    if context.invoked_subcommand is not None:
        return
    if target_fmr is not None and target_fpir is not None:
        raise InputError("two targets", hint="give --target-fmr or --target-fpir")
    desk = Workbench(workspace).calibration
    report = desk.report(target_fmr, target_fpir)
    version = desk.apply(report, author=author, reason=reason) if apply else None
    if as_json:
        emit_json(_whole(report, version))
        return
    _show(report)
    if version is not None:
        _applied(version)
    elif desk.in_force().source == "settings":
        _say("The settings fix the threshold: nothing else is used until it is removed there.")


@app.command()
def rollback(author: Author, reason: Reason = "", workspace: Workspace = Path("data"), as_json: Json = False) -> None:
    """Go back to the threshold that was in force before, in the end to the derived one."""
    version = Workbench(workspace).calibration.rollback(author=author, reason=reason)
    if as_json:
        emit_json(vars(version))
    else:
        _applied(version)


@app.command()
def history(workspace: Workspace = Path("data"), as_json: Json = False) -> None:
    """List who put which threshold in force, when and why."""
    versions = Workbench(workspace).calibration.history()
    if as_json:
        emit_json([vars(each) for each in versions])
        return
    cells = [
        (
            each.version,
            each.made_at[:16].replace("T", " "),
            each.author,
            each.action if each.restores == each.version else f"{each.action} to {each.restores or 'the derived one'}",
            rounded(each.previous, 3),
            "derived" if each.threshold is None else f"{each.threshold:.3f}",
            each.people,
            each.reason,
        )
        for each in versions
    ]
    if cells:
        table("Calibrations", ("", "when", "by", "", "before", "then", "people", "why"), cells)
    else:
        _say("The threshold was never calibrated.")


def _applied(version: Version) -> None:
    now = "The derived threshold" if version.threshold is None else f"{version.threshold:.4f}"
    _say(f"{now} is in force (version {version.version}; it was {version.previous:.4f}). Running cameras take it over.")


def _span(found: Estimate) -> str:
    if not found.trials:
        return "not measured"
    return f"{percent(found.value)} ({percent(found.low)} – {percent(found.high)})"


def _show(report: Report) -> None:
    now, then = report.now, report.proposed
    origin = {"settings": "settings", "calibration": "calibrated", "derived": "derived"}[report.source]
    rows = [
        ("threshold", f"{now.threshold:.4f} ({origin})", f"{then.threshold:.4f} ({report.target})"),
        ("FMR of this gallery", _span(now.fmr), _span(then.fmr)),
        ("FMR expected", f"{now.model_fmr:.2g}", f"{then.model_fmr:.2g}"),
        ("FNMR of this gallery", _span(now.fnmr), _span(then.fnmr)),
        ("strangers named (FPIR), each person in turn", _span(now.fpir), _span(then.fpir)),
        ("strangers named, by the cameras' runners-up", _span(now.fpir_seen), _span(then.fpir_seen)),
        ("strangers named, expected", f"{now.model_fpir:.2g}", f"{then.model_fpir:.2g}"),
        ("enrolled people not named (FNIR)", _span(now.fnir), _span(then.fnir)),
        ("wrong punches a month, expected", f"{now.wrong_per_month:.2g}", f"{then.wrong_per_month:.2g}"),
    ]
    title = f"{len(report.gallery)} people, {len(report.gallery.templates)} templates, {report.gallery.model_id}"
    table(title, ("value (95% interval, over people)", "in force", "proposed"), rows)
    for each in dict.fromkeys((now.sentence, then.sentence)):
        _say(each)
    _say(report.support.statement)
    traffic = report.traffic
    _say(
        f"Counted on, a day: arrivals {traffic.arrivals_per_day:.3g}, strangers {traffic.strangers_per_day:.2g}; "
        f"{traffic.days_per_month:.3g} days a month ({traffic.source})."
    )
    if report.look_alikes:
        cells = [
            (
                each.first,
                each.second,
                f"{each.similarity:.3f}",
                f"{each.closest:.3f}",
                "YES" * each.reaches(then.threshold),
            )
            for each in report.look_alikes[:10]
        ]
        table("Most alike", ("", "", "similarity", "closest template", "at or above the proposed"), cells)
    if report.outliers:
        misfits = [
            (each.person, report.gallery.templates[each.row].template_id, f"{each.similarity:.3f}", each.nearest_person)
            for each in report.outliers[:10]
        ]
        table("Templates that do not fit their person", ("person", "template", "similarity", "resembles more"), misfits)
    for warning in report.warnings(then.threshold):
        _say(f"! {warning}")
    for assumption in ASSUMPTIONS:
        _say(f"· {assumption}")


def _point(found: Operating) -> dict[str, Any]:
    rates = {name: value for name, value in vars(found).items() if isinstance(value, Estimate)}
    return {
        **{name: value for name, value in vars(found).items() if name not in rates},
        **{
            name: {
                "value": each.value,
                "low": each.low,
                "high": each.high,
                "errors": each.errors,
                "trials": each.trials,
                "people": each.people,
            }
            for name, each in rates.items()
        },
        "sentence": found.sentence,
    }


def _whole(report: Report, version: Version | None) -> dict[str, Any]:
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
        "in_force": _point(report.now),
        "proposed": _point(report.proposed),
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
