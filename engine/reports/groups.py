"""Days that wait for somebody's decision, grouped by cause, so that one decision can settle many of them. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from engine.attendance import LONG, DaySheet, Status
from engine.attendance.explain import Part

AWAITING = "awaiting approval"
_ORDER = (
    Status.NOT_COVERED,
    Status.MISSING_OUT,
    Status.MISSING_IN,
    Status.NOT_IDENTIFIED,
    LONG,
    Status.ABSENT,
    AWAITING,
)


@dataclass(frozen=True)
class OpenGroup:
    """Days with one cause.

    Attributes:
        kind: a status, `long day`, or `awaiting approval`.
        day: of an outage; None: the days differ.
        notes: what the days say, most frequent first; of an outage its times.
        rows: by day, name and id.
    """

    kind: str
    day: date | None
    notes: tuple[tuple[Part, ...], ...]
    rows: tuple[DaySheet, ...]

    @property
    def people(self) -> int:
        """How many people it is about."""
        return len({row.employee_id for row in self.rows})


def open_groups(rows: Iterable[DaySheet]) -> list[OpenGroup]:
    """Group days to settle, absences and corrections that await approval: outages by day, the others by kind and cause."""
    found: dict[tuple[str, date | None, str], list[DaySheet]] = {}
    for row in rows:
        if row.pending is None and (row.to_settle or row.status is Status.ABSENT):
            found.setdefault(_cause(row), []).append(row)
        if row.awaiting_approval:
            found.setdefault((AWAITING, None, ""), []).append(row)
    groups = [
        OpenGroup(
            kind,
            day,
            _notes(own),
            tuple(sorted(own, key=lambda row: (row.day, row.name.casefold(), row.employee_id))),
        )
        for (kind, day, _), own in found.items()
    ]
    order = {kind: place for place, kind in enumerate(_ORDER)}
    return sorted(groups, key=lambda group: (order.get(group.kind, len(order)), -len(group.rows)))


def _notes(rows: Sequence[DaySheet]) -> tuple[tuple[Part, ...], ...]:
    """What days say, each once, most frequent first."""
    said = {row.note: row.notes for row in rows if row.notes}
    counts = Counter(row.note for row in rows if row.notes)
    return tuple(said[text] for text, _ in counts.most_common())


def _cause(row: DaySheet) -> tuple[str, date | None, str]:
    if row.long:
        return LONG, None, ""
    if row.status is Status.NOT_COVERED:
        return row.status, row.day, ""
    # a person without pictures needs them once; a face that was not certain needs a look on that day
    cause = row.notes[0].text if row.status is Status.NOT_IDENTIFIED and row.notes else ""
    return row.status, None, cause
