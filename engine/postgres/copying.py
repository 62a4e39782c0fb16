"""Copy the whole content of one store into another, from files into a database or back, continuing where an earlier copy ended.

Rows are copied unchanged with their seals, including rows that were tampered with. A chain in the target must be the beginning of the
same chain in the source, otherwise nothing is written to it. Pictures, day sheets, the outbox and receipts stay in the folder.
"""

from __future__ import annotations

import dataclasses
import heapq
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from itertools import islice
from typing import Any

from engine.errors import StorageError
from engine.gallery import Gallery
from engine.people import PeopleKeep, Person
from engine.postgres.sides import Side
from engine.storage import decode_cell, encode_cell
from engine.storage.logs import Journal
from engine.storage.logs.check import line_of
from engine.storage.logs.exact import Cells, Key
from engine.storage.logs.shelf import Shelf, stem
from engine.types import Progress

ADMINISTRATION = {"grant", "revoke"}
"""Actions that the database's audit log records before anything is copied there."""

_BATCH = 2000
_SAMPLES = 20
_ELSEWHERE = "copy into a new site (or folder), or remove what the target holds if nobody needs it"


@dataclass
class Copied:
    """The progress of a copy.

    Attributes:
        rows: written now.
        there: rows that the target had already.
        total: rows of the source.
        dropped: chains removed from the target because retention removed them from the source.
        people, templates, documents: how many the target holds now.
    """

    rows: int = 0
    there: int = 0
    total: int = 0
    dropped: int = 0
    people: int = 0
    templates: int = 0
    documents: int = 0


def copy(source: Side, target: Side, progress: Progress, done: Copied | None = None) -> Copied:
    """Copy the source into the target; nothing else may write to either meanwhile.

    Args:
        done: updated during the copy, so that it shows the progress if this raises; a second copy continues from there.

    Raises:
        StorageError: the target holds other rows, or cannot hold a row unchanged; rows written before stay.
        GalleryMismatch: templates are of another model than the settings'.
    """
    done = Copied() if done is None else done
    counts = {name: log.counts() for name, log in source.logs.items()}
    done.total = sum(sum(each.values()) for each in counts.values())
    _see_key(source, counts)
    over = {name: _see_target(source, target, name, counts[name]) for name in source.logs}
    for name in source.logs:
        _Log(source, target, name, counts[name], progress, done).copy(over[name])
    done.people = _copy_people(source.people, target.people)
    done.documents = _copy_documents(source, target)
    done.templates = sum(_copy_gallery(source, target, name) for name in source.galleries)
    return done


def _see_key(source: Side, counts: Mapping[str, Mapping[Key, int]]) -> None:
    """Check the key: rows sealed with another one could be copied, but later rows would be sealed with ours."""
    keys = [(log, key) for name, log in source.logs.items() for key, count in counts[name].items() if count]
    if not keys:
        return
    path = source.sealer.key_path
    hint = "restore the key that sealed them"
    if not path.exists():
        raise StorageError(f"{path} is missing, and {source.title} holds sealed rows", hint=hint)
    for log, key in keys[:: max(1, len(keys) // _SAMPLES)]:
        for row in islice(source.cells(log.name, key), _SAMPLES):
            if line_of(row, stem(log.name, *key), log.sealer, log.people, 0).authentic:
                return
    raise StorageError(f"the rows of {source.title} are not sealed with the key {path}", hint=hint)


def _see_target(source: Side, target: Side, name: str, counts: Mapping[Key, int]) -> list[Key]:
    """Return the target's chains that retention removed from the source.

    Raises:
        StorageError: the target holds rows that are not from the source.
    """
    over = []
    for key, count in target.logs[name].counts().items():
        chain = f"{stem(name, *key)} in {target.title}"
        if key in counts and count <= counts[key]:
            continue
        if key in counts:
            raise StorageError(f"{chain} has {count} rows, {source.title} {counts[key]}", hint=_ELSEWHERE)
        if key in _purged(source.journal, name):
            over.append(key)
        elif not apart(target, name, key):
            raise StorageError(f"{chain} has {count} rows and is not in {source.title}", hint=_ELSEWHERE)
    return over


def _purged(journal: Journal, name: str) -> set[Key]:
    rows = [(row["log"].partition("@"), row["day"]) for row in journal.file.authentic() if row["action"] == "purged"]
    return {(date.fromisoformat(day), recorder) for (log, _, recorder), day in rows if log == name}


def apart(side: Side, log: str, key: Key) -> bool:
    """Return whether a chain of the audit log records only grants of access to the database."""
    if log != "audit" or not key[1]:
        return False
    action = side.logs[log].columns.index("action")
    return all(row[action] in ADMINISTRATION for row in side.cells(log, key))


@dataclass
class _Log:
    """Copies one log."""

    source: Side
    target: Side
    name: str
    counts: Mapping[Key, int]
    progress: Progress
    done: Copied
    seen: int = field(default=0, init=False)

    def copy(self, over: Iterable[Key]) -> None:
        """Copy day by day, so that writers wait for one day at most."""
        source, target = self.source.logs[self.name], self.target.logs[self.name]
        self._tell(0)
        for day, recorder in over:
            with target.exclusive():
                target.part(day, recorder).drop()
            self.done.dropped += 1
        for day in sorted({day for day, _ in self.counts}):
            with source.exclusive(), target.exclusive():
                self._copy_day(source, target, day, sorted(recorder for at, recorder in self.counts if at == day))

    def _copy_day(self, source: Shelf, target: Shelf, day: date, recorders: list[str]) -> None:
        # several recorders are merged by time, as files are read: a table keeps the order of insertion
        time = source.columns.index("timestamp") if "timestamp" in source.columns else None
        streams = [self._named(day, each) for each in recorders]
        rows = heapq.merge(*streams, key=lambda row: "" if time is None else row[1][time])
        while batch := list(islice(rows, _BATCH)):
            target.restore(day, batch)
            self.done.rows += len(batch)
            self._tell(len(batch))
        for recorder in recorders:
            head, copied = source.part(day, recorder).running_head(), target.part(day, recorder)
            if head != copied.running_head():
                copied.set_running_head(head)

    def _named(self, day: date, recorder: str) -> Iterator[tuple[str, Cells]]:
        return ((recorder, row) for row in self._missing((day, recorder)))

    def _missing(self, key: Key) -> Iterator[Cells]:
        """Yield the rows of a chain that the target lacks."""
        rows = self.source.cells(self.name, key)
        redacted: set[str] = set()
        there = 0
        for there, row in enumerate(self.target.cells(self.name, key), 1):
            own = next(rows, None)
            if own != row:
                forgotten = self._forgotten(own, row)
                if not forgotten:
                    raise StorageError(
                        f"row {there} of {stem(self.name, *key)} differs between source and target", hint=_ELSEWHERE
                    )
                for person in forgotten - redacted:
                    self.target.logs[self.name].part(*key).redact(person)
                redacted |= forgotten
            if not there % _BATCH:
                self._tell(_BATCH)
        self._tell(there % _BATCH)
        self.done.there += there
        yield from rows

    def _forgotten(self, own: Cells | None, row: Cells) -> set[str]:
        """Return who is in the target's row but was forgotten in the source's; an empty set if the rows differ otherwise."""
        pseudonym = self.target.sealer.pseudonym
        named = self.target.logs[self.name].people
        people: set[str] = set()
        for index, (here, there) in enumerate(zip(own or (), row, strict=False)):
            if here == there:
                continue
            ids, others = decode_cell(here).split(";"), decode_cell(there).split(";")
            gone = {other for each, other in zip(ids, others, strict=False) if each != other}
            redacted = [pseudonym(each) if each in gone else each for each in others]
            if index not in named or ids != redacted:
                return set()
            people |= gone
        return people

    def _tell(self, count: int) -> None:
        self.seen += count
        self.progress(self.name, self.seen, sum(self.counts.values()))


def as_filed(people: Mapping[str, Person]) -> list[Person]:
    """Return people as read from a file that Muster wrote, since theirs may have been edited by hand."""

    def filed(person: Person) -> Person:
        texts: dict[str, Any] = {
            key: decode_cell(encode_cell(text)) for key, text in dataclasses.asdict(person).items() if key != "active"
        }
        return dataclasses.replace(person, **texts)

    return [filed(person) for person in people.values()]


def _copy_people(source: PeopleKeep, target: PeopleKeep) -> int:
    with target.exclusive():
        before, wanted = target.load(), as_filed(source.load())
        after = {person.employee_id: person for person in wanted}
        if as_filed(before) != wanted:
            if list(after)[: len(before)] != list(before):  # their order is the order of insertion
                target.save(before, {})
                before = {}
            target.save(before, after)
    return len(after)


def _copy_documents(source: Side, target: Side) -> int:
    count = 0
    for name, here in source.documents.items():
        document = target.documents[name]
        content = here.read()
        with document.exclusive():
            before = document.read()
            if content is None and before is not None:
                raise StorageError(f"{target.title} has {name}, {source.title} does not", hint=_ELSEWHERE)
            if content is not None and content != before:
                document.write(content)
        count += content is not None
    return count


def _rows(gallery: Gallery) -> list[tuple[str, str, float, bytes]]:
    """Return templates as files store them."""
    return [
        (each.template_id, each.person, round(each.quality, 4), row.tobytes())
        for each, row in zip(gallery.templates, gallery.embeddings, strict=True)
    ]


def _copy_gallery(source: Side, target: Side, name: str) -> int:
    store = target.galleries[name]
    wanted = source.galleries[name].current()
    with store.keep.exclusive():
        before = store.current()
        rows, there = _rows(wanted), _rows(before)
        if rows != there or (wanted.version, wanted.issued) != (before.version, before.issued):
            if rows[: len(there)] != there:
                empty = Gallery.empty(wanted.model_id, wanted.alignment_id, wanted.embeddings.shape[1])
                none = dataclasses.replace(empty, version=before.version, issued=before.issued)
                store.keep.save(before, none)
                before = none
            store.keep.save(before, wanted)
    return len(wanted.templates)
