"""Whether charts may compare people by name: only where an administrator gave a reason (`[attendance] compare_people`)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from engine.attendance import DaySheet
from engine.config import Config


def compares(config: Config) -> bool:
    """Whether people may be compared by name."""
    return bool(config.attendance.compare_people.strip())


def unnamed(rows: Iterable[DaySheet]) -> list[DaySheet]:
    """The same days without ids and names; the department stands for the name."""
    return [replace(row, employee_id="", name=row.department or "–") for row in rows]
