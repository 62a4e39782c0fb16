"""The list of people who were erased, in the database: applied to every row that enters, and confirmed by each machine.

The list holds pseudonyms, which machines compute from the ids that they meet, with the key that seals the logs.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import sqlalchemy as sa

from engine.errors import Unreachable
from engine.incidents import IMAGE_COLUMNS
from engine.postgres.connection import Database, table
from engine.postgres.rows import PEOPLE
from engine.postgres.spool import Entry, Spool
from engine.postgres.watch import ERASURES, VersionWatch
from engine.storage import FileDocument, below, parse_json
from engine.storage.erasures import Erasure, Unconfirmed
from engine.storage.logs import Sealer
from engine.storage.vault import Vault

_LIST = table(
    "erasures",
    **dict.fromkeys(("site", "erasure_id", "pseudonym"), sa.Text),
    erased_at=sa.DateTime,
    complete=sa.Boolean,
    seq=sa.BigInteger,
)
_THINGS = table("erased_things", **dict.fromkeys(("site", "erasure_id", "recorder", "kind", "name"), sa.Text))
_SHOWS: Mapping[str, tuple[str, Sequence[str]]] = {
    "attendance": ("employee_id", ("evidence_image",)),
    "incidents": ("employee_ids", IMAGE_COLUMNS),
}
"""Logs whose rows name pictures: the column of those whom these show, and those of the pictures."""
_BEGUN = sa.text(
    "INSERT INTO muster.erasures (site, erasure_id, pseudonym, erased_at) VALUES (:site, :erasure, :pseudonym, :at)"
)
_COMPLETE = sa.text("UPDATE muster.erasures SET complete = true WHERE site = :site AND erasure_id = :erasure")
_HOLD = """INSERT INTO muster.erased_things (site, erasure_id, recorder, kind, name)
SELECT DISTINCT :site, :erasure, coalesce(a.recorder, ''), t.kind, t.name
FROM unnest(CAST(:ids AS text[]), CAST(:kinds AS text[]), CAST(:names AS text[])) AS t(id, kind, name)
LEFT JOIN muster.{log} a ON a.site = :site AND a.row_id = t.id ON CONFLICT DO NOTHING"""
_HERE = sa.text("INSERT INTO muster.machines (site, machine) VALUES (:site, :machine) ON CONFLICT DO NOTHING")
_DONE = sa.text(
    "INSERT INTO muster.confirmations (site, erasure_id, machine, detail) "
    "SELECT e.site, e.erasure_id, :machine, :detail FROM muster.erasures e JOIN muster.erasures o USING (site, pseudonym) "
    "WHERE e.site = :site AND o.erasure_id = :erasure AND e.seq <= o.seq ON CONFLICT DO NOTHING"
)
"""Earlier erasures of the same person, which were interrupted, are done with it."""
_UNCONFIRMED = sa.text("SELECT * FROM muster.unconfirmed(:site)")


@dataclass(frozen=True)
class _Since:
    """From when on rows under an id are about somebody else, who has it now; None: nobody has it."""

    time: datetime | None


class Erasures:
    """See `engine.storage.erasures.ForgetList`.

    Args:
        machine: name of this installation's chains.
        renew_copies: brings the local copies of people and templates up to date.
    """

    def __init__(
        self,
        database: Database,
        watch: VersionWatch,
        spool: Spool,
        sealer: Sealer,
        vault: Vault,
        machine: str,
        renew_copies: Callable[[], None],
    ) -> None:
        self._database, self._watch, self._spool, self._sealer, self._vault = database, watch, spool, sealer, vault
        self._machine, self._renew_copies = machine, renew_copies
        self._document = FileDocument(vault.workspace / "spool" / "erasures.json", mode=0o600)
        self._version: int | None = None
        self._erased: dict[str, datetime] = {}
        self._seen: int | None = -1

    # ----------------------------------------------------------------------------------------- rows that enter

    def applied(
        self,
        connection: sa.Connection,
        version: int | None,
        log: str,
        people: Collection[str],
        entries: Sequence[Entry],
    ) -> list[Entry]:
        """Return rows without the ids of people who were erased; pictures that only show these are erased.

        Args:
            version: of the list, in the transaction that writes the rows.
            people: columns that hold ids.
        """
        if version is None or not people:
            return list(entries)
        if version != self._version:
            query = sa.select(_LIST.c.pseudonym, sa.func.max(_LIST.c.erased_at)).where(
                _LIST.c.site == self._database.site
            )
            found = connection.execute(query.group_by(_LIST.c.pseudonym))
            self._erased = {row[0]: row[1] for row in found}
            self._version = version
        theirs = {
            each: erased
            for entry in entries
            for each in self._ids(entry.cells, people)
            if (erased := self._erased.get(self._sealer.pseudonym(each))) and each != self._sealer.pseudonym(each)
        }
        if not theirs:
            return list(entries)
        again = self._again(connection, theirs)
        return [self._without(entry, log, people, again) for entry in entries]

    @staticmethod
    def _ids(cells: Mapping[str, str], columns: Iterable[str]) -> list[str]:
        return [each for column in columns for each in cells.get(column, "").split(";") if each]

    def _again(self, connection: sa.Connection, erased: Mapping[str, datetime]) -> dict[str, _Since]:
        """Return who has the ids of erased people now: an id may have been given to somebody again."""
        query = sa.select(PEOPLE.c.employee_id, PEOPLE.c.enrolled_at, PEOPLE.c.active).where(
            PEOPLE.c.site == self._database.site, PEOPLE.c.employee_id == sa.func.any(list(erased))
        )
        found = dict.fromkeys(erased, _Since(None))
        for row in connection.execute(query):
            enrolled = datetime.fromisoformat(row.enrolled_at) if row.enrolled_at else None
            if enrolled is not None and enrolled > erased[row.employee_id]:
                found[row.employee_id] = _Since(enrolled)
            elif row.active:
                found[row.employee_id] = _Since(erased[row.employee_id])
        return found

    def _without(self, entry: Entry, log: str, people: Collection[str], again: Mapping[str, _Since]) -> Entry:
        time = _time(entry.cells.get("timestamp", ""))

        def is_erased(each: str) -> bool:
            since = again.get(each)
            return since is not None and not (since.time is not None and time is not None and time > since.time)

        subject, images = _SHOWS.get(log, ("", ()))
        if any(map(is_erased, self._ids(entry.cells, [subject]))):
            self._erase_pictures(entry.cells, images)
        changed = {
            column: ";".join(
                self._sealer.pseudonym(each) if is_erased(each) else each for each in entry.cells[column].split(";")
            )
            for column in people
            if entry.cells.get(column)
        }
        return replace(entry, cells={**entry.cells, **changed})

    def _erase_pictures(self, cells: Mapping[str, str], columns: Iterable[str]) -> None:
        place = self._vault.workspace
        for column in columns:
            if (name := cells.get(column, "")) and below(place, name, within="images") is not None:
                self._vault.erase(place / name)

    # ----------------------------------------------------------------------------------------- the list

    def begin(self, erasure_id: str, pseudonym: str, at: datetime) -> None:
        """See `ForgetList`."""
        values = {"site": self._database.site, "erasure": erasure_id, "pseudonym": pseudonym, "at": at}
        # whoever erases them here confirms in the end, and no process of this folder beside them
        self._settle(erasure_id)
        with self._database.work() as connection:
            connection.execute(_HERE, {"site": self._database.site, "machine": self._machine})
            connection.execute(_BEGUN, values)
        for log in _SHOWS:  # whoever has it now may have begun to write before
            with self._database.locked(log):
                pass

    def publish(
        self,
        erasure_id: str,
        *,
        punches: Mapping[str, str],
        incidents: Mapping[str, Collection[str]],
        pictures: Collection[str],
    ) -> None:
        """See `ForgetList`."""
        shown = [(each, "picture", name) for each, name in punches.items() if name]
        told = [(each, "incident", each) for each in incidents]
        told += [(each, "picture", name) for each, names in incidents.items() for name in names if name]
        told += [("", "picture", each) for each in pictures]  # which no row names
        place = {"site": self._database.site, "erasure": erasure_id}
        with self._database.work() as connection:
            for log, things in (("attendance", shown), ("incidents", told)):
                ids, kinds, names = (list(column) for column in zip(*things, strict=True)) if things else ([], [], [])
                connection.execute(
                    sa.text(_HOLD.format(log=log)), {**place, "ids": ids, "kinds": kinds, "names": names}
                )
            connection.execute(_COMPLETE, place)

    def pending(self) -> list[Erasure]:
        """See `ForgetList`; copies of people and templates are brought up to date."""
        try:
            version = self._watch.version(ERASURES)
            if version == self._seen:
                return []
            return self._pending(version)
        except Unreachable:
            return []

    def _pending(self, version: int | None) -> list[Erasure]:
        site, done = self._database.site, self._settled()
        with self._database.work() as connection:
            connection.execute(_HERE, {"site": site, "machine": self._machine})
            query = sa.select(_LIST.c.erasure_id, _LIST.c.pseudonym).where(_LIST.c.site == site, _LIST.c.complete)
            query = query.order_by(_LIST.c.seq)
            new = {row.erasure_id: row.pseudonym for row in connection.execute(query) if row.erasure_id not in done}
            things = sa.select(_THINGS.c.erasure_id, _THINGS.c.kind, _THINGS.c.name).where(
                _THINGS.c.site == site, _THINGS.c.erasure_id == sa.func.any(list(new))
            )
            found = connection.execute(things).all() if new else []
        if new:
            self._renew_copies()
        else:
            self._seen = version
        pictures, incidents = dict[str, set[str]](), dict[str, set[str]]()
        for erasure_id, kind, name in found:
            (pictures if kind == "picture" else incidents).setdefault(erasure_id, set()).add(name)
        return [
            Erasure(
                erasure_id,
                pseudonym,
                frozenset(pictures.get(erasure_id, ())) | self._set_aside(pseudonym),
                frozenset(incidents.get(erasure_id, ())),
            )
            for erasure_id, pseudonym in new.items()
        ]

    def _set_aside(self, pseudonym: str) -> frozenset[str]:
        """Take somebody's id out of the rows that the database refused; return the pictures that these name."""
        names = set[str]()

        def change(log: str, cells: Mapping[str, str]) -> Mapping[str, str]:
            subject, images = _SHOWS.get(log, ("", ()))
            if pseudonym in map(self._sealer.pseudonym, self._ids(cells, [subject])):
                names.update(cells[image] for image in images if cells.get(image))
            return {
                column: ";".join(
                    pseudonym if self._sealer.pseudonym(each) == pseudonym else each for each in text.split(";")
                )
                for column, text in cells.items()
            }

        self._spool.change_refused(change)
        return frozenset(names)

    def confirm(self, erasure: Erasure, detail: str) -> None:
        """See `ForgetList`."""
        place = {"site": self._database.site, "erasure": erasure.erasure_id, "machine": self._machine}
        with self._database.work() as connection:
            connection.execute(_HERE, {"site": self._database.site, "machine": self._machine})
            connection.execute(_DONE, place | {"detail": detail})
        self._settle(erasure.erasure_id)

    def _settle(self, erasure_id: str) -> None:
        with self._document.exclusive():
            self._document.write(json.dumps(sorted(self._settled() | {erasure_id}), indent=1).encode())

    def _settled(self) -> set[str]:
        """Return what this folder need not erase any more; a damaged file counts as none, because erasing twice does no harm."""
        try:
            return {str(each) for each in parse_json(self._document.read() or b"[]")}
        except (ValueError, TypeError):
            return set()

    def unconfirmed(self) -> list[Unconfirmed]:
        """See `ForgetList`."""
        with self._database.work() as connection:
            if self._database.kind not in {"owner", "workbench"}:
                return []
            found = connection.execute(_UNCONFIRMED, {"site": self._database.site})
            return [Unconfirmed(row.erasure_id, row.machine, row.erased_at) for row in found]


def _time(text: str) -> datetime | None:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo is not None else None
