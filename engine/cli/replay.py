"""`muster replay`."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path

from engine.cli.attendance import days
from engine.cli.output import console, emit_json, rounded, table
from engine.replay import ChangeKind, Limits, Replay
from engine.workbench import Workbench

__all__ = ["replay"]

_LIMITS = {
    "without_sighting": "Punches without a logged sighting (older than the log, or made up), taken as they are",
    "unreadable": "Rows of the log of sightings that cannot be read (see muster verify)",
    "unexplained": "Tracks whose logged votes do not lead to the logged decision, left as they are",
    "disagreeing": "Tracks of which the logs say otherwise than their decision, not told as changes",
    "tailgating": "Tailgating incidents that logged sightings do not explain, left as they are",
    "shortened": "Long tracks replayed without their first frames",
    "undecided": "Tracks decided then and undecided now; at the door more of their frames would have been looked at",
    "other_gallery": "Tracks compared with another gallery than today's, replayed with the similarities of then",
}


def replay(
    threshold: float, since: str, until: str | None, min_margin: float | None, workspace: Path, as_json: bool
) -> None:
    """What another threshold would have changed."""
    workbench = Workbench(workspace)
    first, last = (days(text, None, workbench.clock().date())[0] for text in (since, until))
    result = workbench.replay(threshold, first, last if until else None, min_margin=min_margin)
    if as_json:
        emit_json(dataclasses.asdict(result))
        return
    zone = workbench.config.zone
    if result.changes:
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
        columns = ("when", "camera", "what", "then", "now", "similarity", "row or picture", "said since")
        table("What would have been different", columns, cells)
    if len(result.days) > 1:
        _show_days(result)
    for line in _limits(result.limits):
        console.print(line, markup=False)
    console.print(_summary(result), markup=False)


def _who(decision: str, person: str) -> str:
    return f"{person} ({decision})" if person else decision


def _show_days(result: Replay) -> None:
    columns = ("day", "tracks", "punches then", "now", "unknown then", "now", "changes")
    cells = [
        (
            day.day,
            day.tracks,
            day.punches_then,
            day.punches_now,
            day.unknown_then,
            day.unknown_now,
            ", ".join(f"{count} {kind.value}" for kind, count in day.changes.items()),
        )
        for day in result.days
    ]
    table("By day", columns, cells)


def _limits(limits: Limits) -> Iterator[str]:
    for name, meaning in _LIMITS.items():
        if count := getattr(limits, name):
            yield f"{meaning}: {count}"


def _summary(result: Replay) -> str:
    """One sentence."""
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
        f"of {punches} punches {lost} would be missing and {new} new; "
        f"of {unknown} alerts of unknown people {gone} would be gone and {appeared} new; "
        f"{passages} tailgating incident{'s' * (passages != 1)} would be of another class or none."
    )
