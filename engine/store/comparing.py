"""Proves that files and a database hold the same: row by row, cell by cell, and that the seals say the same of both."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import zip_longest

from engine.errors import StorageError
from engine.logs import Finding
from engine.logs.shelf import stem
from engine.people import Person
from engine.store.chains import Cells, Chains
from engine.store.connection import Unreachable
from engine.store.copying import Progress, apart, as_filed
from engine.store.sides import Side

__all__ = ["Comparison", "Difference", "compare"]

_NAMED = 20
_STEP = 5000
_NOTHING = "–"


@dataclass(frozen=True)
class Difference:
    """Something that is not the same.

    Attributes:
        where: chain, document or gallery.
        row: from 1; 0: it as a whole.
        column: empty: the whole row.
        files, database: what each of them holds.
    """

    where: str
    row: int
    column: str
    files: str
    database: str


@dataclass
class Comparison:
    """What was found.

    Attributes:
        counts: of what was compared.
        differences: the first of them. total: how many there are.
        administration: rows of the audit log that stand in the database alone, because they tell who was let into it.
        findings: what `muster verify` finds in the files, and so in the database, if nothing differs.
    """

    counts: dict[str, int] = field(default_factory=dict)
    differences: list[Difference] = field(default_factory=list)
    total: int = 0
    administration: int = 0
    findings: list[Finding] = field(default_factory=list)

    def add(self, differences: Iterable[Difference]) -> None:
        """Keep the first ones and count them all."""
        for each in differences:
            self.total += 1
            if len(self.differences) < _NAMED:
                self.differences.append(each)

    def count(self, what: str, number: int = 1) -> None:
        """So many were compared."""
        self.counts[what] = self.counts.get(what, 0) + number


def compare(files: Side, database: Side, progress: Progress) -> Comparison:
    """Compare all that two stores hold; rows are not in memory all at once.

    Args:
        files, database: the two.
        progress: told of rows per log.

    Raises:
        StorageError: one of them gives no answer.
    """
    result = Comparison()
    empty: set[str] = set()
    for name, log in files.logs.items():
        empty |= _compare_log(log, database.logs[name], progress, result)
    one, other = as_filed(files.people.load()), as_filed(database.people.load())
    result.count("people", len(one))
    result.add(_different_people(one, other))
    for name, document in files.documents.items():
        contents = document.read(), database.documents[name].read()
        result.count("documents", contents[0] is not None)
        if contents[0] != contents[1]:
            sizes = [_NOTHING if each is None else f"{len(each)} bytes" for each in contents]
            result.add([Difference(name, 0, "", *sizes)])
    for name in files.galleries:
        result.add(_different_templates(files, database, name, result))
    result.findings = list(files.check())
    result.add(_different_findings(result.findings, database.check(), empty))
    return result


def _compare_log(files: Chains, database: Chains, progress: Progress, result: Comparison) -> set[str]:
    """Compare the chains of a log; the files of those that have no rows."""
    name = files.shelf.name
    counts, others = files.counts(), database.counts()
    total, done = max(sum(counts.values()), sum(others.values())), 0
    progress(name, 0, total)
    for key in sorted({*counts, *others}):
        if key not in counts and apart(database, key):
            result.administration += others[key]
            continue
        where = stem(name, *key)
        result.count("chains")
        try:
            for number, pair in enumerate(zip_longest(files.read(key), database.read(key)), 1):
                done += 1
                if not done % _STEP:
                    progress(name, done, total)
                if pair[0] != pair[1]:
                    result.add(_different_cells(where, number, files.columns, *pair))
        except Unreachable:
            raise
        except StorageError as error:
            result.add([Difference(where, 0, "", error.message, "")])
        marks = files.mark(key), database.mark(key)
        if marks[0] != marks[1]:
            told = [" ".join(map(str, each)) if each else _NOTHING for each in marks]
            result.add([Difference(where, 0, "running head", *told)])
    result.count("rows", done)
    progress(name, done, total)
    return {f"{stem(name, *key)}.csv" for key in {*counts, *others} if not counts.get(key) and not others.get(key)}


def _different_cells(
    where: str, number: int, columns: Sequence[str], one: Cells | None, other: Cells | None
) -> Iterator[Difference]:
    if one is None or other is None:
        yield Difference(
            where, number, "", _NOTHING if one is None else one[0], _NOTHING if other is None else other[0]
        )
        return
    for column, here, there in zip(columns, one, other, strict=True):
        if here != there:
            yield Difference(where, number, column, here, there)


def _different_people(one: Sequence[Person], other: Sequence[Person]) -> Iterator[Difference]:
    for number, (here, there) in enumerate(zip_longest(one, other), 1):
        if here is None or there is None:
            ids = [_NOTHING if each is None else each.employee_id for each in (here, there)]
            yield Difference("people", number, "", *ids)
            continue
        for column in dataclasses.asdict(here):
            values = str(getattr(here, column)), str(getattr(there, column))
            if values[0] != values[1]:
                yield Difference("people", number, column, *values)


def _different_templates(files: Side, database: Side, name: str, result: Comparison) -> Iterator[Difference]:
    one, other = files.galleries[name].current(), database.galleries[name].current()
    where = f"gallery/{name}"
    result.count("templates", len(one.templates))
    for column in ("version", "issued"):
        values = str(getattr(one, column)), str(getattr(other, column))
        if values[0] != values[1]:
            yield Difference(where, 0, column, *values)
    rows = zip_longest(
        zip(one.templates, one.embeddings, strict=True), zip(other.templates, other.embeddings, strict=True)
    )
    for number, (here, there) in enumerate(rows, 1):
        if here is None or there is None:
            ids = [_NOTHING if each is None else each[0].template_id for each in (here, there)]
            yield Difference(where, number, "", *ids)
            continue
        cells = [
            {
                "template_id": template.template_id, "person": template.person, "quality": str(round(float(template.quality), 4)),
                "embedding": embedding.tobytes().hex(),
            }
            for template, embedding in (here, there)
        ]  # fmt: skip
        for column, value in cells[0].items():
            if value != cells[1][column]:
                yield Difference(where, number, column, value[:40], cells[1][column][:40])


def _different_findings(
    files: Sequence[Finding], database: Sequence[Finding], empty: Collection[str]
) -> Iterator[Difference]:
    """What the seals tell of one of the two alone; of a chain without rows no more can be told than that they are missing."""

    def told(findings: Sequence[Finding]) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for each in findings:
            if each.what != "torn":  # a write that was cut off is a matter of files
                missing = each.file in empty and not each.harmless
                found.setdefault(each.file, []).append("missing" if missing else f"{each.what}: {each.detail}")
        return found

    one, other = told(files), told(database)
    for file in sorted({*one, *other}):
        here, there = (sorted(each.get(file, [])) for each in (one, other))
        # of a file that is gone altogether files tell only when its day was closed, or when the next row comes
        if here != there and not (file in empty and not here):
            yield Difference(file, 0, "seals", "; ".join(here) or _NOTHING, "; ".join(there) or _NOTHING)
