"""`muster demo`: a rendered day or week at an entrance, compared with what its script says."""

from __future__ import annotations

import dataclasses
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer import Option

from engine.cli.attendance import cell_table
from engine.cli.context import Json, Panel, moment, open_workbench
from engine.cli.output import emit_json, note, progress_bar, rounded, say, table
from engine.errors import InputError

if TYPE_CHECKING:
    from engine.demo.run import DemoOutcome, Script
    from engine.workbench import Workbench

app = typer.Typer()


@app.command(rich_help_panel=Panel.START)
def demo(
    workspace: Annotated[
        Path | None,
        Option(
            "--workspace",
            show_default="data/demo, or data/week with --week",
            help="Folder for the demo alone; the demo clears it first.",
        ),
    ] = None,
    start: Annotated[
        str | None,
        Option(
            show_default="today at 08:55, or last week",
            help="Time of the first frame, ISO 8601; with --week, any day of that week.",
        ),
    ] = None,
    week: Annotated[bool, Option("--week", help="Play a working week instead of one morning.")] = False,
    as_json: Json = False,
) -> None:
    """Play a made-up day and compare the logs with its script.

    The demo fetches models and sample photos, enrols people, watches a rendered entrance and checks what it recorded.

    The week adds people who come late or leave early, an absence, a stranger, a printed photo and a camera failure.

    The exit code is 1 if anything differs from the script.
    """
    from engine.config import load_config
    from engine.demo.run import clear_demo, prepare_demo, run_demo
    from engine.demo.week import prepare_week
    from engine.models import fetch_samples

    name = "week" if week else "demo"
    workspace = workspace or Path("data", name)
    clear_demo(workspace)
    (prepare_week if week else prepare_demo)(workspace)
    config = load_config(workspace)
    begin = moment(start, config.zone)
    with progress_bar(quiet=as_json) as progress:
        bench = open_workbench(workspace, config, progress=progress, begin=True)
        script = (_the_week if week else _the_minute)(bench, begin)
        outcome = run_demo(bench, fetch_samples(progress), script, progress)
    if as_json:
        files = {title: str(path) for title, path in outcome.files.items()}
        emit_json({"passed": outcome.passed, **(_week_json if week else _minute_json)(outcome), "files": files})
    else:
        (_show_week if week else _show_minute)(outcome, script.days[0])
        table("Files", ("", "path"), outcome.files.items())
    if not outcome.passed:
        note(f"the {name} did not match its script → see the differences above")
        raise typer.Exit(1)


def _the_minute(bench: Workbench, begin: datetime | None) -> Script:
    from engine.demo.minute import minute

    morning = datetime.now(UTC).astimezone(bench.config.zone).replace(hour=8, minute=55, second=0, microsecond=0)
    begin = begin or morning
    return minute(begin, bench.attendance.day_of(begin))


def _the_week(bench: Workbench, begin: datetime | None) -> Script:
    from engine.demo.week import week

    today = datetime.now(UTC).astimezone(bench.config.zone).date()
    first = begin.date() if begin else today - timedelta(days=7)
    monday = first - timedelta(days=first.weekday())
    if monday + timedelta(days=6) > today:
        raise InputError(f"the week of {monday} is not over", hint="choose an earlier --start")
    return week(monday, bench.config.zone)


def _minute_json(outcome: DemoOutcome) -> dict[str, Any]:
    from engine.attendance import cells
    from engine.incidents import INCIDENTS

    return {
        "checks": [dict(zip(("what", "expected", "found"), row, strict=True)) for row in outcome.checks],
        "attendance": list(map(cells, outcome.sheet)),
        "incidents": [INCIDENTS.texts(row) for row in outcome.incidents],
        "frames": outcome.stats.frames,
    }


def _week_json(outcome: DemoOutcome) -> dict[str, Any]:
    from engine.attendance import cells
    from engine.incidents import INCIDENTS

    return {
        "scores": [
            {**dataclasses.asdict(score), "precision": score.precision, "recall": score.recall}
            for score in outcome.scores
        ],
        "faults": outcome.faults,
        "sheet": list(map(cells, outcome.sheet)),
        "incidents": [INCIDENTS.texts(row) for row in outcome.incidents],
        "dossiers": outcome.dossiers,
    }


def _show_minute(outcome: DemoOutcome, day: date) -> None:
    from engine.attendance import cells
    from engine.cli.security import who

    checks = [(*row, "✓" if row[1] == row[2] else "✗ differs") for row in outcome.checks]
    table("Expected and found", ("", "expected", "found", ""), checks)
    clock = ("name", "first_in", "last_out")
    sheet = [
        (*(cells(each)[column] for column in clock), rounded(each.similarity_in or 0.0), each.status.value)
        for each in outcome.sheet
    ]
    table(f"Attendance on {day}", ("name", "first in", "last out", "similarity", "status"), sheet)
    incidents = [(f"{row.timestamp:%H:%M:%S}", row.kind, who(row), row.image) for row in outcome.incidents]
    table("Incidents", ("time", "kind", "who", "picture"), incidents)


def _show_week(outcome: DemoOutcome, monday: date) -> None:
    from engine.attendance import cells
    from engine.cli.security import who

    columns = ["date", "name", "first_in", "last_out", "hours", "status", "note"]
    cell_table(f"Week of {monday}", columns, list(map(cells, outcome.sheet)))
    incidents = [
        (f"{row.timestamp:%Y-%m-%d %H:%M}", row.kind.replace("_", " "), row.severity or "", who(row))
        for row in outcome.incidents
    ]
    table("Incidents", ("time", "kind", "severity", "who"), incidents)
    for dossier in outcome.dossiers:
        say(dossier)
    scores = []
    for score in outcome.scores:
        wrong = [f"missed {each}" for each in score.missed] + [f"extra {each}" for each in score.extra]
        rates = (f"{score.precision:.3f}", f"{score.recall:.3f}")
        scores.append((score.what, score.expected, score.found, *rates, "; ".join(wrong) or "✓"))
    table("Compared with the script", ("", "expected", "found", "precision", "recall", ""), scores)
    say("; ".join(outcome.faults) or "No log row was changed.")
