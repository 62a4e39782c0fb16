"""What a paper consists of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal, get_args

Kind = Literal["dpia", "workers", "door", "overseers", "retention", "changes"]
PAPERS: tuple[Kind, ...] = get_args(Kind)


@dataclass(frozen=True)
class Line:
    """A statement.

    Attributes:
        text: for people.
        source: the setting, file or command that it comes from; empty: none, as in a heading sentence.
        gap: somebody must fill it in.
    """

    text: str
    source: str = ""
    gap: bool = False


@dataclass(frozen=True)
class Part:
    """A part of a paper: lines, or a table of lines."""

    title: str
    lines: tuple[Line, ...] = ()
    head: tuple[str, ...] = ()
    rows: tuple[tuple[Line, ...], ...] = ()


@dataclass(frozen=True)
class Paper:
    """A paper.

    Attributes:
        title, lead: at its top. stamp: workplace, day and version.
    """

    kind: Kind
    title: str
    lead: str
    stamp: str
    parts: Sequence[Part] = field(default_factory=tuple)

    @property
    def gaps(self) -> int:
        """How many statements somebody must fill in."""
        cells = [cell for part in self.parts for row in part.rows for cell in row]
        return sum(line.gap for part in self.parts for line in part.lines) + sum(cell.gap for cell in cells)
