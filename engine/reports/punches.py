"""Passages that count, for the programs of others: as CSV, or as a ZKTeco terminal writes its `attlog.dat`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from engine.attendance import FACELESS, IMPORTED, Correction, PunchRow, valid_rows
from engine.attendance.periods import forces
from engine.attendance.presence import Direction
from engine.storage import table_cell, table_text

BY_HAND = "correction"
"""The method of passages that a correction adds."""
_STATES: Mapping[Direction, int] = {"in": 0, "out": 1, "both": 255}
_FACE, _OTHER = 15, 0
"""How terminals number the ways to verify a person: by face, or without one."""
_COLUMNS = ("employee_id", "timestamp", "direction", "camera", "kind", "method", "event_id")


@dataclass(frozen=True)
class PassageInForce:
    """One passage that counts.

    Attributes:
        time: timezone-aware, in the workplace's zone.
        camera: or the source of an import; empty: somebody added the passage by hand.
        method: as in the log, or `correction`.
        seen: a sighting within the cool-down of a punch.
    """

    employee_id: str
    time: datetime
    direction: Direction
    camera: str
    method: str
    event_id: str
    seen: bool = False


def passages_in_force(
    rows: Sequence[PunchRow],
    corrections: Iterable[Correction],
    first: date,
    last: date,
    zone: ZoneInfo,
    *,
    approved: bool,
) -> list[PassageInForce]:
    """Return the passages from `first` to `last`, both included, by time and person, as corrected.

    Args:
        rows: of the attendance log, from the day before `first` to two days after `last`.
        corrections: of the working days around them.
        approved: only approved corrections count.
    """
    own: dict[str, list[Correction]] = {}
    for correction in corrections:
        own.setdefault(correction.employee_id, []).append(correction)
    held = {who: list(forces(each, approved=approved).values()) for who, each in own.items()}
    removed = {event_id for each in held.values() for force in each for event_id in force.removed}
    found = [
        PassageInForce(
            row.employee_id,
            row.timestamp.astimezone(zone),
            row.direction or "both",
            row.camera,
            row.method,
            row.event_id,
            row.event == "seen",
        )
        for row in valid_rows(rows)
        if row.event_id not in removed
    ]
    found += [
        PassageInForce(who, mark.time.astimezone(zone), mark.direction, "", BY_HAND, mark.event_id)
        for who, each in held.items()
        for force in each
        for mark in force.added
    ]
    wanted = [each for each in found if first <= each.time.date() <= last]
    return sorted(wanted, key=lambda each: (each.time, each.employee_id))


def punches_csv(rows: Iterable[PassageInForce]) -> str:
    """Return passages as CSV, which `muster punches import` reads."""
    return table_text(
        _COLUMNS,
        (
            {
                "employee_id": row.employee_id,
                "timestamp": row.time.isoformat(timespec="seconds"),
                "direction": row.direction,
                "camera": row.camera,
                "kind": "seen" if row.seen else "punch",
                "method": row.method,
                "event_id": row.event_id,
            }
            for row in rows
        ),
    )


def attlog(rows: Sequence[PassageInForce], ids: Mapping[str, str] | None = None) -> str:
    """Return passages as `attlog.dat`: id, local time, number of the camera, state, way of verification, work code; divided by tabs.

    States are 0 for arrivals, 1 for departures and 255 where nobody knows. Cameras are numbered from 1 in the order of their names; 0 is a
    correction.

    Args:
        ids: of the terminal, by employee id; others stay as they are.
    """
    numbers = {name: number for number, name in enumerate(sorted({row.camera for row in rows} - {""}), 1)}
    lines = []
    for row in rows:
        who = table_cell((ids or {}).get(row.employee_id, row.employee_id))
        way = _OTHER if row.method in {BY_HAND, IMPORTED, *FACELESS} else _FACE
        cells = (
            f"{who:>9}",
            f"{row.time:%Y-%m-%d %H:%M:%S}",
            numbers.get(row.camera, 0),
            _STATES[row.direction],
            way,
            0,
        )
        lines.append("\t".join(map(str, cells)) + "\r\n")
    return "".join(lines)
