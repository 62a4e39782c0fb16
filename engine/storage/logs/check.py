"""Check a sealed file byte by byte: find rows that were changed, removed, moved or inserted."""

from __future__ import annotations

import csv
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, groupby
from math import inf
from typing import Literal

from engine.storage.files import csv_line
from engine.storage.logs.seals import Seal, Sealer, parse_seal

_NAMED = 20  # findings of one kind that are listed one by one


@dataclass(frozen=True)
class Finding:
    """A finding about a log.

    Attributes:
        file: its name.
        line: counted from 1 for the header; 0: the whole file.
        what: `changed`, `removed`, `moved`, `inserted`, `missing` (all: tampering or damage), or `torn`, `note`.
        detail: one line for people.
    """

    file: str
    line: int
    what: Literal["changed", "removed", "moved", "inserted", "missing", "torn", "note"]
    detail: str

    @property
    def harmless(self) -> bool:
        """Whether a crash or normal operation explains it."""
        return self.what in {"torn", "note"}


@dataclass(frozen=True)
class Head:
    """How far a file is sealed: the number of rows, and the chain's last value."""

    rows: int
    chain: str


@dataclass(frozen=True)
class Line:
    """A line of a sealed file.

    Attributes:
        number: of the line, from 1.
        cells: None if the line is not CSV.
        seal: None if the line has none.
        authentic: whether the seal belongs to the line.
    """

    number: int
    cells: list[str] | None
    seal: Seal | None
    authentic: bool

    @property
    def name(self) -> str:
        """The row's identifier and time, as far as they can be read."""
        return " ".join(cell for cell in (self.cells or [])[:2] if cell) or "unreadable"


def read_line(
    raw: bytes, stem: str, columns: Sequence[str], sealer: Sealer, people: Sequence[int], number: int = 0
) -> Line:
    """Read a line and verify its seal.

    Args:
        raw: the line without its end.
        stem: name of the file without suffix, part of every seal.
        columns: the header, `seal` last.
        people: indices of the columns with ids of people.
    """
    try:
        text = raw.decode("utf-8")
        (cells,) = csv.reader([text], strict=True)
    except (UnicodeDecodeError, csv.Error, ValueError):
        return Line(number, None, None, authentic=False)
    if len(cells) != len(columns) or csv_line(cells) != text + "\n":
        return Line(number, cells, parse_seal(cells[-1]) if cells else None, authentic=False)
    return line_of(cells, stem, sealer, people, number)


def line_of(cells: list[str], stem: str, sealer: Sealer, people: Sequence[int], number: int) -> Line:
    """Verify the seal of encoded cells, the last of which is the seal."""
    seal = parse_seal(cells[-1])
    own = seal is not None and sealer.own(stem, seal.number, cells[:-1], people) == seal.own
    return Line(number, cells, seal, authentic=own)


def check_content(
    content: bytes, file: str, columns: Sequence[str], sealer: Sealer, people: Sequence[int], heads: Sequence[Head]
) -> list[Finding]:
    """Return all findings about a sealed file; `heads` are those at earlier times, for the other arguments see `read_line`."""
    wanted = max((head.rows for head in heads), default=0)
    header, *rest = content.split(b"\n")
    tail = rest.pop() if rest else b""
    stem = file.removesuffix(".csv")
    lines = [read_line(raw, stem, columns, sealer, people, number) for number, raw in enumerate(rest, start=2)]
    findings: list[Finding] = []
    written = csv_line(columns).encode()
    if b"\n" not in content and written.startswith(content) and not wanted:
        tail = content
    elif header + b"\n" != written:
        findings.append(Finding(file, 1, "changed", "the header was changed"))
    if tail and wanted > max((line.seal.number for line in lines if line.seal), default=0):
        lines.append(Line(len(rest) + 2, None, None, authentic=False))  # the heads prove that it was complete once
    elif tail:
        detail = f"{len(tail)} bytes of an interrupted write; the next row removes them"
        findings.append(Finding(file, content.count(b"\n") + 1, "torn", detail))
    found = check_lines(lines, file, sealer, heads)
    if len(found) == 1 and not found[0].line:  # about the whole file: the details come first
        return [*findings, *found]
    return sorted([*findings, *found], key=lambda finding: finding.line)


def check_lines(lines: Sequence[Line], file: str, sealer: Sealer, heads: Sequence[Head]) -> list[Finding]:
    """Return all findings about the rows of a sealed chain.

    Args:
        lines: in their order, numbered from 2.
        heads: of the chain at earlier times.
    """
    if len(lines) > 1 and not any(line.authentic for line in lines):
        detail = f"none of its {len(lines)} rows has a seal of this key: it belongs to another key, or was rewritten"
        return [Finding(file, 0, "changed", detail)]
    wanted = max((head.rows for head in heads), default=0)
    findings = [*_order(lines, wanted, file), *_chain(lines, heads, file, sealer)]
    return sorted(_shortened(findings, file), key=lambda finding: finding.line)


def _order(lines: Sequence[Line], wanted: int, file: str) -> Iterator[Finding]:
    """Yield rows that were changed, inserted, removed or moved."""
    first: dict[int, Line] = {}
    numbers = {line.number: line.seal.number for line in lines if line.authentic and line.seal}
    # of two copies, the one after its own predecessor is the original
    for line in sorted(lines, key=lambda line: numbers.get(line.number, 0) - 1 != numbers.get(line.number - 1, 0)):
        if line.authentic and line.seal:
            if line.seal.number in first:
                detail = f"row {line.seal.number} ({line.name}) appears a second time"
                yield Finding(file, line.number, "inserted", detail)
            else:
                first[line.seal.number] = line
    broken = [line for line in lines if not line.authentic]
    claimed = {line.seal.number for line in broken if line.seal}
    last = max([wanted, *first, *(number for number in claimed if number <= len(lines))], default=0)
    missing = set(range(1, last + 1)) - set(first)
    free = sorted(missing - claimed)
    around = _neighbours(lines)
    for line in broken:
        number = line.seal.number if line.seal else 0
        if number not in missing:
            before, after = around[line.number]
            place = bisect_right(free, before)
            number = free.pop(place) if place < len(free) and free[place] < after else 0
        if not number:
            yield Finding(file, line.number, "inserted", f"a row that was never written ({line.name})")
        else:
            missing.discard(number)
            yield Finding(file, line.number, "changed", f"row {number} ({line.name}) was changed")
    ordered = sorted(first.values(), key=lambda line: line.number)
    for line, number in zip(ordered, sorted(first), strict=True):
        if line.seal and line.seal.number != number:
            yield Finding(file, line.number, "moved", f"row {line.seal.number} ({line.name}) was moved")
    for begin, end in _runs(sorted(missing)):
        row = first.get(begin - 1)
        which = f"row {begin} was" if begin == end else f"rows {begin} to {end} were"
        where = f"after row {begin - 1} ({row.name})" if row else "at the beginning" if begin == 1 else "there"
        yield Finding(file, row.number if row else 0, "removed", f"{which} removed {where}")


def _neighbours(lines: Sequence[Line]) -> dict[int, list[float]]:
    """Return for each line the highest number of an authentic row before it, and the lowest after it (infinity without one)."""
    numbers = [line.seal.number if line.authentic and line.seal else None for line in lines]
    before = accumulate((number or 0 for number in numbers), max, initial=0)
    after = list(accumulate((number or inf for number in reversed(numbers)), min, initial=inf))[-2::-1]
    return {line.number: around for line, *around in zip(lines, before, after, strict=False)}


def _chain(lines: Sequence[Line], heads: Sequence[Head], file: str, sealer: Sealer) -> Iterator[Finding]:
    """Yield seals that do not follow the one before, and heads that the chain does not reach."""
    chains = {0: ""}
    sealed = [(line.seal, line) for line in lines if line.authentic and line.seal]
    for seal, line in sorted(sealed, key=lambda pair: pair[0].number):
        before = chains.get(seal.number - 1)
        expected = seal.chain if before is None else sealer.chain(before, seal.own)
        chains[seal.number] = expected
        if expected != seal.chain:
            detail = f"row {seal.number} ({line.name}): its seal does not follow the row before"
            yield Finding(file, line.number, "changed", detail)
    for head in heads:
        if head.chain and chains.get(head.rows, head.chain) != head.chain:  # empty: the last row was damaged then
            yield Finding(file, 0, "changed", f"the first {head.rows} rows are not those that were sealed")


def _runs(numbers: Sequence[int]) -> list[tuple[int, int]]:
    """Return the first and the last number of each run of consecutive numbers."""
    groups = groupby(enumerate(numbers), lambda each: each[1] - each[0])
    runs = [[number for _, number in group] for _, group in groups]
    return [(run[0], run[-1]) for run in runs]


def _shortened(findings: Sequence[Finding], file: str) -> list[Finding]:
    """Return the findings with long lists of one kind cut short."""
    shown: list[Finding] = []
    for what in dict.fromkeys(finding.what for finding in findings):
        same = [finding for finding in findings if finding.what == what]
        shown += same[:_NAMED]
        if len(same) > _NAMED:
            shown.append(Finding(file, same[_NAMED].line, what, f"and {len(same) - _NAMED} more rows"))
    return shown
