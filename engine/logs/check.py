"""Reads a sealed file byte by byte and names what does not hold: rows that were changed, removed, moved or inserted."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from engine.logs.seals import Seal, Sealer, parse_seal
from engine.storage import csv_line

__all__ = ["Finding", "Head", "check_content"]

_NAMED = 20  # findings of one kind that are told one by one


@dataclass(frozen=True)
class Finding:
    """Something noticed about a log.

    Attributes:
        file: its name.
        line: from 1, the header's; 0: the file as a whole.
        what: `changed`, `removed`, `moved`, `inserted`, `missing` (all: tampering or damage), or `torn`, `note`.
        detail: one line for people.
    """

    file: str
    line: int
    what: Literal["changed", "removed", "moved", "inserted", "missing", "torn", "note"]
    detail: str

    @property
    def harmless(self) -> bool:
        """Explained by a crash or the course of things."""
        return self.what in {"torn", "note"}


@dataclass(frozen=True)
class Head:
    """How far a file is sealed: its number of rows, and the chain's last value."""

    rows: int
    chain: str


@dataclass(frozen=True)
class _Line:
    number: int  # line of the file
    cells: list[str] | None
    seal: Seal | None  # None when it cannot be read
    authentic: bool

    @property
    def name(self) -> str:
        """How to call the row: its identifier and time, as far as they can be read."""
        return " ".join(cell for cell in (self.cells or [])[:2] if cell) or "unreadable"


def check_content(
    content: bytes,
    file: str,
    columns: Sequence[str],
    sealer: Sealer,
    canonical: Callable[[Sequence[str]], list[str]],
    heads: Sequence[Head],
) -> list[Finding]:
    """Everything that is wrong with a sealed file.

    Args:
        content: the file's bytes.
        file: its name with suffix; its stem is part of every seal.
        columns: the header it must have, `seal` last.
        sealer: holds the key.
        canonical: a row's cells as they are hashed.
        heads: what the file held at earlier times.
    """
    wanted = max((head.rows for head in heads), default=0)
    header, *rest = content.split(b"\n")
    tail = rest.pop() if rest else b""
    findings = []
    if content and header + b"\n" != csv_line(columns).encode():
        findings.append(Finding(file, 1, "changed", "the header is not what was written"))
    stem = file.removesuffix(".csv")
    lines = [_line(raw, number, stem, columns, sealer, canonical) for number, raw in enumerate(rest, start=2)]
    if tail or (content and not rest):
        whole = max((line.seal.number for line in lines if line.authentic and line.seal), default=0)
        if wanted > whole:
            lines.append(_Line(len(rest) + 2, None, None, authentic=False))  # its end was there once
        else:
            findings.append(
                Finding(
                    file,
                    len(rest) + 2,
                    "torn",
                    f"{len(tail) or len(header)} bytes of an interrupted write; the next row removes them",
                )
            )
    findings += _order(lines, wanted, file)
    findings += _chain(lines, heads, file, sealer)
    return sorted(_shortened(findings, file), key=lambda finding: finding.line)


def _line(
    raw: bytes,
    number: int,
    stem: str,
    columns: Sequence[str],
    sealer: Sealer,
    canonical: Callable[[Sequence[str]], list[str]],
) -> _Line:
    try:
        text = raw.decode("utf-8")
        (cells,) = csv.reader([text], strict=True)
    except (UnicodeDecodeError, csv.Error, ValueError):
        return _Line(number, None, None, authentic=False)
    seal = parse_seal(cells[-1]) if cells else None
    if seal is None or len(cells) != len(columns) or csv_line(cells) != text + "\n":
        return _Line(number, cells, seal, authentic=False)
    return _Line(number, cells, seal, sealer.own(stem, seal.number, canonical(cells[:-1])) == seal.own)


def _order(lines: Sequence[_Line], wanted: int, file: str) -> Iterator[Finding]:
    """Rows that are not as they were written, too many, too few, or at another place."""
    first: dict[int, _Line] = {}
    numbers = {line.number: line.seal.number for line in lines if line.authentic and line.seal}
    # of two copies the one that follows on its own predecessor is the original
    for line in sorted(lines, key=lambda line: numbers.get(line.number, 0) - 1 != numbers.get(line.number - 1, 0)):
        if line.authentic and line.seal:
            if line.seal.number in first:
                yield Finding(
                    file, line.number, "inserted", f"row {line.seal.number} ({line.name}) stands there a second time"
                )
            else:
                first[line.seal.number] = line
    broken = [line for line in lines if not line.authentic]
    claimed = {line.seal.number for line in broken if line.seal}
    missing = set(
        range(1, max([wanted, *first, *(number for number in claimed if number <= len(lines))], default=0) + 1)
    ) - set(first)
    for line in broken:
        number = line.seal.number if line.seal else None
        if number not in missing:
            number = min((each for each in missing - claimed if _fits(each, line, lines)), default=None)
        if number is None:
            yield Finding(file, line.number, "inserted", f"a row that was never written ({line.name})")
        else:
            missing.discard(number)
            yield Finding(file, line.number, "changed", f"row {number} ({line.name}) is not as it was written")
    ordered = sorted(first.values(), key=lambda line: line.number)
    for line, number in zip(ordered, sorted(first), strict=True):
        if line.seal and line.seal.number != number:
            yield Finding(file, line.number, "moved", f"row {line.seal.number} ({line.name}) stands at another place")
    for begin, end in _runs(sorted(missing)):
        after = first.get(begin - 1)
        which = f"row {begin} was" if begin == end else f"rows {begin} to {end} were"
        place = f"after row {begin - 1} ({after.name})" if after else "at the beginning" if begin == 1 else "there"
        yield Finding(file, after.number if after else 0, "removed", f"{which} removed {place}")


def _fits(number: int, line: _Line, lines: Sequence[_Line]) -> bool:
    """A missing row's number lies between those of the rows around a broken line."""
    before = [row.seal.number for row in lines if row.authentic and row.seal and row.number < line.number]
    after = [row.seal.number for row in lines if row.authentic and row.seal and row.number > line.number]
    return max(before, default=0) < number < min(after, default=number + 1)


def _chain(lines: Sequence[_Line], heads: Sequence[Head], file: str, sealer: Sealer) -> Iterator[Finding]:
    """Seals that do not follow on the one before, and heads that the file does not lead to."""
    chains = {0: ""}
    for line in sorted(
        (line for line in lines if line.authentic and line.seal), key=lambda line: line.seal.number if line.seal else 0
    ):
        seal = line.seal
        assert seal is not None
        before = chains.get(seal.number - 1)
        expected = seal.chain if before is None else sealer.chain(before, seal.own)
        chains[seal.number] = expected
        if expected != seal.chain:
            yield Finding(
                file,
                line.number,
                "changed",
                f"row {seal.number} ({line.name}): its seal does not follow on the row before",
            )
    for head in heads:
        if chains.get(head.rows, head.chain) != head.chain:
            yield Finding(file, 0, "changed", f"the first {head.rows} rows are not those that were sealed")


def _runs(numbers: Sequence[int]) -> list[tuple[int, int]]:
    runs: list[tuple[int, int]] = []
    for number in numbers:
        if runs and runs[-1][1] == number - 1:
            runs[-1] = (runs[-1][0], number)
        else:
            runs.append((number, number))
    return runs


def _shortened(findings: Sequence[Finding], file: str) -> list[Finding]:
    """A file that is wrong throughout is told in a few lines."""
    kept: list[Finding] = []
    for what in dict.fromkeys(finding.what for finding in findings):
        same = [finding for finding in findings if finding.what == what]
        kept += same[:_NAMED]
        if len(same) > _NAMED:
            kept.append(Finding(file, same[_NAMED].line, what, f"and {len(same) - _NAMED} more rows"))
    return kept
