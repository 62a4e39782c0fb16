"""Leave of a person on a day, as values: parts of the day by kind."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Half = Literal["", "morning", "afternoon"]
"""Which half of a day; empty: it is not said, or it is no half."""


@dataclass(frozen=True)
class AwayPart:
    """Leave of one kind on one day.

    Attributes:
        kind: its key in the settings. name: as people read it.
        status: `on leave`, `remote` or `sick`.
        share: of the day, above 0 and at most 1.
        half: which one, as far as known.
        credit: see `LeaveKindConfig.credit`.
        paid: whether the day is paid.
    """

    kind: str
    name: str
    status: str
    share: float = 1.0
    half: Half = ""
    credit: Literal["full", "none", "unplanned"] = "full"
    paid: bool = True


@dataclass(frozen=True)
class Away:
    """All leave of a person on a day; parts never add up to more than the day, and the first counts most."""

    parts: tuple[AwayPart, ...]

    @property
    def share(self) -> float:
        """Of the day, at most 1."""
        return min(1.0, sum(part.share for part in self.parts))

    @property
    def whole(self) -> bool:
        """Whether nothing is left of the day."""
        return self.share > 0.999

    @property
    def status(self) -> str:
        """Status of a whole day."""
        return self.parts[0].status

    @property
    def half(self) -> Half:
        """Which half the person is away; empty: the whole day, or it is not known which part."""
        return self.parts[0].half if len(self.parts) == 1 else ""

    def shares(self, credit: str) -> float:
        """Share of the day with this credit."""
        return sum(part.share for part in self.parts if part.credit == credit)
