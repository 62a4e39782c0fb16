"""`muster replay`."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from zoneinfo import ZoneInfo

import typer
from typer import Option

from engine.cli.context import Json, Panel, Workspace, open_workbench
from engine.cli.output import counted, emit_json, rounded, say, table
from engine.cli.span import working_day

if TYPE_CHECKING:
    from engine.tuning.replay import Replay

app = typer.Typer()

_LIMITS = {
    "without_sighting": "Punches without a logged sighting, taken over unchanged",
    "unreadable": "Unreadable rows in the log of sightings (see `muster verify`)",
    "unexplained": "Tracks whose logged votes do not explain the logged decision, left unchanged",
    "disagreeing": "Tracks whose rows contradict the logged decision, not counted as changes",
    "tailgating": "Tailgating incidents that logged sightings do not explain, left unchanged",
    "shortened": "Long tracks replayed without their first frames",
    "undecided": "Tracks decided then and undecided now; at the door, Muster would have read more of their frames",
    "other_gallery": "Tracks compared with an earlier gallery, replayed with the similarities of that time",
}


@app.command(rich_help_panel=Panel.MEASURE)
def replay(
    threshold: Annotated[float, Option(help="Lowest similarity of an accepted match, -1 to 1.")],
    since: Annotated[str, Option(help="First day, YYYY-MM-DD.")],
    until: Annotated[str | None, Option(show_default="today", help="Last day, YYYY-MM-DD.")] = None,
    min_margin: Annotated[
        float | None, Option("--min-margin", show_default="as recorded", help="Lead in similarity over the runner-up.")
    ] = None,
    workspace: Workspace = Path("data"),
    as_json: Json = False,
) -> None:
    """Show what another threshold would have changed.

    The command replays the logged sightings and compares punches and alerts. It writes nothing.
    """
    workbench = open_workbench(workspace)
    first, last = working_day(since), working_day(until) if until else None
    result = workbench.replays.replay(threshold, first, last, min_margin=min_margin)
    if as_json:
        emit_json(dataclasses.asdict(result))
        return
    if result.changes:
        _show_changes(result, workbench.config.zone)
    if len(result.days) > 1:
        _show_days(result)
    for name, meaning in _LIMITS.items():
        if count := getattr(result.limits, name):
            say(f"{meaning}: {count}")
    say(_summary(result))


def _show_changes(result: Replay, zone: ZoneInfo) -> None:
    cells = [
        (
            f"{change.time.astimezone(zone):%Y-%m-%d %H:%M:%S}",
            change.camera,
            change.kind.value,
            _who(change.then, change.person_then),
            _who(change.now, change.person_now),
            rounded(change.similarity, 4),
            change.event_id or change.incident_id or change.picture,
            change.said,
        )
        for change in result.changes
    ]
    columns = ("time", "camera", "change", "then", "now", "similarity", "row or picture", "decided since")
    table("Changes", columns, cells)


def _who(decision: str, person: str) -> str:
    return f"{person} ({decision})" if person else decision


def _show_days(result: Replay) -> None:
    columns = ("day", "tracks", "punches then", "now", "unknown then", "now", "changes")
    cells = []
    for day in result.days:
        changes = ", ".join(f"{count} {kind.value}" for kind, count in day.changes.items())
        counts = (day.tracks, day.punches_then, day.punches_now, day.unknown_then, day.unknown_now)
        cells.append((day.day, *counts, changes))
    table("By day", columns, cells)


def _summary(result: Replay) -> str:
    """The result in one sentence."""
    from engine.tuning.replay import ChangeKind

    in_force = "none in force"
    if result.in_force:
        low, high = result.in_force
        in_force = f"instead of {low:.4f}" if low == high else f"instead of {low:.4f} to {high:.4f}"
    count = result.count
    punches, unknown = (sum(getattr(day, name) for day in result.days) for name in ("punches_then", "unknown_then"))
    lost, new = count(ChangeKind.LOST), count(ChangeKind.NEW)
    gone, appeared, passages = (count(kind) for kind in (ChangeKind.GONE, ChangeKind.APPEARED, ChangeKind.RECLASSIFIED))
    return (
        f"At {result.threshold:.4f} ({in_force}), {result.tracks} tracks from {result.first} to {result.last}: "
        f"of {punches} punches, {lost} would be missing and {new} new; "
        f"of {unknown} alerts about unknown people, {gone} would be gone and {appeared} new; "
        f"{counted(passages, 'tailgating incident')} would change class or disappear."
    )
