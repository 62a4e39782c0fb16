"""Corrections and approvals: rows with author, reason and time. The cameras' rows stay, and the sheet shows both."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from engine.attendance.presence import Direction, Mark
from engine.errors import InputError
from engine.storage.logs.rows import RowType

ACTIONS = ("add", "remove", "status", "approve", "revoke")
EXCUSES = ("as planned", "excused", "on leave", "remote", "sick", "absent", "present")
"""Statuses that a correction can set. `as planned` counts the planned hours as worked; `excused` credits them. `present` keeps the
times and, where these are not complete, credits the rest of the planned hours."""


@dataclass(frozen=True)
class Correction:
    """One row of the log of corrections.

    Attributes:
        timestamp: when it was made, timezone-aware.
        day: the working day that it corrects.
        action: `add` a passage, `remove` one (`refers_to`: its event id), set a `status` (`value`), `approve` the day's corrections so
            far, or `revoke` a correction (`refers_to`).
        time, direction: of an added passage; otherwise None. A direction of None is not known.
    """

    correction_id: str
    timestamp: datetime
    day: date
    employee_id: str
    action: str
    time: datetime | None = None
    direction: Direction | None = None
    value: str = ""
    refers_to: str = ""
    author: str = ""
    reason: str = ""


CORRECTION = RowType(Correction)


@dataclass(frozen=True)
class InForce:
    """The corrections of a person's day that are in force.

    Attributes:
        removed: event ids that do not count.
        status: replaces the computed one; may be empty.
        approved_by: who approved all of them; empty while one waits for approval.
    """

    added: tuple[Mark, ...] = ()
    removed: frozenset[str] = frozenset()
    status: str = ""
    by: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()
    approved_by: str = ""

    def __bool__(self) -> bool:
        return bool(self.by)


def holding(corrections: Iterable[Correction]) -> list[Correction]:
    """The corrections of one person's day that change something and were not revoked."""
    rows = list(corrections)
    revoked = {row.refers_to for row in rows if row.action == "revoke"}
    return [row for row in rows if row.correction_id not in revoked and row.action in {"add", "remove", "status"}]


def in_force(corrections: Iterable[Correction], *, approved: bool = False) -> InForce:
    """Combine the corrections of one person's day. An approval covers the corrections made before it.

    Args:
        approved: leave out what nobody has approved.
    """
    rows = list(corrections)
    if approved:
        rows = rows[: len(rows) - len(waiting(rows))]
    held = holding(rows)
    if not held:
        return InForce()
    last = max(place for place, row in enumerate(rows) if row.action != "approve")
    approvals = [row for row in rows[last + 1 :] if row.action == "approve"]
    statuses = [row.value for row in held if row.action == "status"]
    return InForce(
        added=tuple(
            Mark(row.time, row.correction_id, row.direction or "both")
            for row in held
            if row.action == "add" and row.time
        ),
        removed=frozenset(row.refers_to for row in held if row.action == "remove"),
        status=statuses[-1] if statuses else "",
        by=tuple(dict.fromkeys(row.author for row in held)),
        reasons=tuple(dict.fromkeys(row.reason for row in held)),
        approved_by=approvals[-1].author if approvals else "",
    )


def check(
    new: Correction, before: Sequence[Correction], events: Iterable[str], now: datetime, *, four_eyes: bool
) -> None:
    """Refuse a correction that makes no sense.

    Args:
        before: of the same person and day.
        events: event ids of the person's day.

    Raises:
        InputError: what is wrong, and what to do.
    """
    if new.action not in ACTIONS:
        raise InputError(f"{new.action!r} is no correction", hint=f"use one of {', '.join(ACTIONS)}")
    if new.action == "add" and new.time is None:
        raise InputError("a passage without a time", hint="give the time as 08:57")
    if new.action == "add" and new.time is not None and new.time > now:
        raise InputError(
            f"{new.time:%Y-%m-%d %H:%M} has not come yet", hint="correct what has been, plan leave instead"
        )
    if new.action == "remove" and new.refers_to not in set(events):
        raise InputError(
            f"{new.refers_to!r} is no passage of {new.employee_id} on {new.day}",
            hint="`muster report --json` lists them",
        )
    if new.action == "status" and new.value not in EXCUSES:
        raise InputError(f"{new.value!r} is no status", hint=f"use one of {', '.join(EXCUSES)}")
    if new.action == "revoke" and new.refers_to not in {row.correction_id for row in holding(before)}:
        raise InputError(
            f"{new.refers_to!r} is no correction of {new.employee_id} on {new.day} that holds",
            hint="`muster corrections` lists them",
        )
    if new.action == "approve":
        _check_approval(new, before, four_eyes=four_eyes)


def waiting(corrections: Iterable[Correction]) -> list[Correction]:
    """The corrections and revocations of one person's day that nobody has approved."""
    rows = list(corrections)
    last = max((place for place, row in enumerate(rows, 1) if row.action == "approve"), default=0)
    return rows[last:]


def authors(corrections: Iterable[Correction]) -> set[str]:
    """Who made the corrections that hold or wait, in lower case: with four eyes, none of them may approve."""
    rows = list(corrections)
    return {name.casefold() for name in (*(row.author for row in waiting(rows)), *in_force(rows).by)}


def _check_approval(new: Correction, before: Sequence[Correction], *, four_eyes: bool) -> None:
    if not authors(before):
        raise InputError(
            f"no correction holds for {new.employee_id} on {new.day}", hint="`muster corrections` lists what was made"
        )
    if four_eyes and new.author.casefold() in authors(before):
        raise InputError(f"{new.author} made the correction", hint="let somebody else approve it")
