"""Departments whose people a manager or a token may see."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from engine.storage import clean_text
from engine.types import same_department

_LONGEST = 200


@dataclass(frozen=True)
class Departments:
    """Some departments; capitals do not matter. Without names, they hold nobody."""

    names: tuple[str, ...]

    @classmethod
    def of(cls, names: Iterable[str]) -> Departments:
        """Departments as somebody entered them, each once.

        Raises:
            InputError: a name is empty or cannot be one.
        """
        found = {
            same_department(name): name
            for name in (clean_text(each, what="department", limit=_LONGEST) for each in names)
        }
        return cls(tuple(found.values()))

    def hold(self, department: str) -> bool:
        """Whether somebody in a department belongs to them."""
        return bool(department) and same_department(department) in map(same_department, self.names)
