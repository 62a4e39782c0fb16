"""Compare files and a database row by row and cell by cell, and the findings about their seals."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import zip_longest

from engine.errors import StorageError
from engine.gallery import Gallery
from engine.people import Person
from engine.postgres.connection import Unreachable
from engine.postgres.copying import apart, as_filed
from engine.postgres.sides import Side
from engine.storage.logs import Finding
from engine.storage.logs.exact import Cells
from engine.storage.logs.shelf import stem
from engine.types import Progress

_KINDS = ("chains", "rows", "people", "documents", "templates")
_NAMED = 20
_STEP = 5000
_NOTHING = "–"
_SHOWN = 40  # digits of an embedding


@dataclass(frozen=True)
class Difference:
    """A difference between the two.

    Attributes:
        where: chain, document or gallery.
        row: counted from 1; 0: the whole of it.
        column: empty for the whole row.
        files, database: the value in each.
    """

    where: str
    row: int
    column: str
    files: str
    database: str


@dataclass
class Comparison:
    """The result of a comparison.

    Attributes:
        counts: how many things of each kind were compared.
        differences: the first ones.
        total: number of all differences.
        administration: rows of the audit log that only the database has, because they record who was granted access to it.
        findings: of `muster verify` in the files; the database has the same if nothing differs.
    """

    counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(_KINDS, 0))
    differences: list[Difference] = field(default_factory=list)
    total: int = 0
    administration: int = 0
    findings: list[Finding] = field(default_factory=list)

    def add(self, differences: Iterable[Difference]) -> None:
        """Keep the first differences and count all."""
        for each in differences:
            self.total += 1
            if len(self.differences) < _NAMED:
                self.differences.append(each)


def compare(files: Side, database: Side, progress: Progress) -> Comparison:
    """Compare the whole content of two stores, without holding all rows in memory.

    Raises:
        StorageError: a store cannot be read.
    """
    result = Comparison()
    empty: set[str] = set()
    for name in files.logs:
        empty |= _compare_log(files, database, name, progress, result)
    one, other = (list(map(_told_person, as_filed(side.people.load()))) for side in (files, database))
    result.counts["people"] += len(one)
    result.add(_different("people", one, other))
    for name, document in files.documents.items():
        contents = document.read(), database.documents[name].read()
        result.counts["documents"] += contents[0] is not None
        if contents[0] != contents[1]:
            sizes = [_NOTHING if each is None else f"{len(each)} bytes" for each in contents]
            result.add([Difference(name, 0, "", *sizes)])
    for name in files.galleries:
        where, here, there = f"gallery/{name}", files.galleries[name].current(), database.galleries[name].current()
        result.counts["templates"] += len(here.templates)
        versions = ({"version": str(each.version), "issued": str(each.issued)} for each in (here, there))
        result.add(_different_row(where, 0, *versions))
        result.add(_different(where, _told_templates(here), _told_templates(there)))
    result.findings = list(files.check())
    result.add(_different_findings(result.findings, database.check(), empty))
    return result


def _compare_log(files: Side, database: Side, name: str, progress: Progress, result: Comparison) -> set[str]:
    """Compare the chains of a log; return the file names of chains without rows in either store."""
    log, other = files.logs[name], database.logs[name]
    counts, others = log.counts(), other.counts()
    total, done = max(sum(counts.values()), sum(others.values())), 0
    progress(name, 0, total)
    for key in sorted({*counts, *others}):
        if key not in counts and apart(database, name, key):
            result.administration += others[key]
            continue
        where = stem(name, *key)
        result.counts["chains"] += 1
        try:
            for number, pair in enumerate(zip_longest(files.cells(name, key), database.cells(name, key)), 1):
                done += 1
                if not done % _STEP:
                    progress(name, done, total)
                if pair[0] != pair[1]:
                    result.add(_different_row(where, number, *(_named(log.columns, each) for each in pair)))
        except Unreachable:
            raise
        except StorageError as error:
            result.add([Difference(where, 0, "", error.message, "")])
        heads = (shelf.part(*key).running_head() for shelf in (log, other))
        told = ({"running head": f"{each.rows} {each.chain}" if each else _NOTHING} for each in heads)
        result.add(_different_row(where, 0, *told))
    result.counts["rows"] += done
    progress(name, done, total)
    return {f"{stem(name, *key)}.csv" for key in {*counts, *others} if not counts.get(key) and not others.get(key)}


def _named(columns: Sequence[str], cells: Cells | None) -> Mapping[str, str] | None:
    return None if cells is None else dict(zip(columns, cells, strict=True))


def _told_person(person: Person) -> Mapping[str, str]:
    return {column: str(value) for column, value in dataclasses.asdict(person).items()}


def _told_templates(gallery: Gallery) -> Iterator[Mapping[str, str]]:
    for template, embedding in zip(gallery.templates, gallery.embeddings, strict=True):
        yield {
            "template_id": template.template_id,
            "person": template.person,
            "quality": str(round(float(template.quality), 4)),
            "embedding": embedding.tobytes().hex(),
        }


def _different(
    where: str, one: Iterable[Mapping[str, str]], other: Iterable[Mapping[str, str]]
) -> Iterator[Difference]:
    for number, (here, there) in enumerate(zip_longest(one, other), 1):
        yield from _different_row(where, number, here, there)


def _different_row(
    where: str, number: int, here: Mapping[str, str] | None, there: Mapping[str, str] | None
) -> Iterator[Difference]:
    """Yield the differences of two rows with the same columns; the first column identifies a row."""
    if here is None or there is None:
        yield Difference(
            where, number, "", *(_NOTHING if each is None else next(iter(each.values())) for each in (here, there))
        )
        return
    for column, value in here.items():
        if value != there[column]:
            shown = _SHOWN if column == "embedding" else None
            yield Difference(where, number, column, value[:shown], there[column][:shown])


def _different_findings(
    files: Sequence[Finding], database: Sequence[Finding], empty: Collection[str]
) -> Iterator[Difference]:
    """Yield findings that differ; for a chain without rows, all that counts is that its rows are missing."""

    def told(findings: Sequence[Finding]) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for each in findings:
            if each.what != "torn":  # only files have interrupted writes
                missing = each.file in empty and not each.harmless
                found.setdefault(each.file, []).append("missing" if missing else f"{each.what}: {each.detail}")
        return found

    one, other = told(files), told(database)
    for file in sorted({*one, *other}):
        here, there = (sorted(each.get(file, [])) for each in (one, other))
        # files reveal the loss of a whole file only once its day was closed, or with the next row
        if here != there and not (file in empty and not here):
            yield Difference(file, 0, "seals", "; ".join(here) or _NOTHING, "; ".join(there) or _NOTHING)
