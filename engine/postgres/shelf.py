"""Logs as tables: one chain per recorder and day, sealed as in files; changes are found by counting rows."""

from __future__ import annotations

import contextlib
import json
import threading
import time as clock
import uuid
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import sqlalchemy as sa

from engine.errors import LockLost, StorageError, Unreachable
from engine.postgres.chain import BEGIN, CHAINS, TablePart
from engine.postgres.connection import Database
from engine.postgres.erasures import Erasures
from engine.postgres.spool import Entry, Spool
from engine.storage import decode_cell, encode_cell
from engine.storage.logs import Sealer
from engine.storage.logs.exact import Cells, Key
from engine.storage.logs.sealed import Row
from engine.storage.logs.seals import Seal
from engine.storage.logs.shelf import stem

_BEGIN = sa.text(
    "SELECT b.*, (SELECT max(e.seq) FROM muster.erasures e WHERE e.site = :site) AS erased "
    "FROM muster.begin_rows(:site, :log, :day, :recorder, :ids) b"
)
_END = sa.text("SELECT muster.end_append(:site, :log, :day, :recorder, :number, :mac)")
_OF_PERSON = sa.text("SELECT * FROM muster.told_of_person(:site, :key, :days)")
_OF_STRANGER = sa.text("SELECT * FROM muster.told_of_stranger(:site, :key, :days)")
_INCIDENT = sa.text("SELECT * FROM muster.told_incident(:site, :key)")
PATIENCE_S = 5.0
"""How long to wait for the lock of a log, and how long not to ask again after that: a camera's rows go to the spool meanwhile."""
_RECENT = 20_000
"""How many of its own rows a process remembers, so that it repeats nothing while the database is away."""
_DAYS_AT_ONCE = 4
"""Of how many days a recorder may ask what it must know before it writes."""
_MOST_DAYS = 400
_LONGEST_ID = 100


def log_table(name: str, columns: Sequence[str]) -> sa.Table:
    """Return the table of a log."""
    own = [sa.Column(f"c_{column}", sa.Text, key=column) for column in columns[:-1]]
    return sa.Table(
        name,
        sa.MetaData(schema="muster"),
        sa.Column("site", sa.Text, key="_site"),
        sa.Column("day", sa.Date, key="_day"),
        sa.Column("recorder", sa.Text, key="_recorder"),
        sa.Column("position", sa.Integer, key="_position"),
        sa.Column("row_id", sa.Text, key="_id"),
        sa.Column("seq", sa.Integer, key="_seq"),
        *own,
        sa.Column("seal", sa.Text, key="seal"),
    )


@dataclass
class _DayRows:
    """Rows of a day read before: how far per recorder, and the rows in the order of writing."""

    parts: dict[str, tuple[int, int]] = field(default_factory=dict)  # rows and revision by recorder
    rows: list[dict[str, str]] = field(default_factory=list)


@dataclass
class _Turn:
    """What a thread did within `TableShelf.exclusive`.

    Attributes:
        looked: it read the log, so that what it appends may depend on that.
        refused: why it has no lock; None: it has one.
    """

    looked: bool = False
    refused: StorageError | None = None


class _Turns(threading.local):
    """The turns of this thread, the innermost last."""

    def __init__(self) -> None:
        self.open: list[_Turn] = []


class TableShelf:
    """A log in the database, see `engine.storage.logs.Shelf` and `FileShelf`.

    Args:
        spool: takes rows that cannot be written now.
        recorder: name of the chain that this process appends to.
        erasures: who was erased, and must not enter under their id.
    """

    def __init__(
        self,
        database: Database,
        spool: Spool,
        recorder: str,
        name: str,
        columns: Sequence[str],
        sealer: Sealer,
        people: Sequence[str] = (),
        keys: Sequence[str] = (),
        *,
        erasures: Erasures,
    ) -> None:
        self.name, self.sealer, self.columns = name, sealer, tuple(columns)
        self.table = log_table(name, columns)
        self.people = [self.columns.index(column) for column in people]
        self._database, self._spool, self._recorder, self._keys = database, spool, recorder, tuple(keys)
        self._erasures = erasures
        self._known: dict[date, _DayRows] = {}
        self._mutex = threading.Lock()
        self._recent: deque[tuple[date, dict[str, str]]] = deque(maxlen=_RECENT)
        self._turns = _Turns()
        self._no_lock: tuple[float, StorageError] | None = None  # until when not to ask for the lock, and why

    @contextlib.contextmanager
    def exclusive(self) -> Iterator[None]:
        """Hold the log's lock at this site; without it, rows go to the spool, and nothing else can be changed."""
        turn = _Turn()
        with contextlib.ExitStack() as stack:
            if self._no_lock is not None and clock.monotonic() < self._no_lock[0]:
                turn.refused = self._no_lock[1]
            else:
                try:
                    stack.enter_context(self._database.locked(self.name, PATIENCE_S))
                    self._no_lock = None
                except Unreachable as error:
                    turn.refused = error
                except StorageError as error:
                    turn.refused, self._no_lock = error, (clock.monotonic() + PATIENCE_S, error)
            self._turns.open.append(turn)
            stack.callback(self._turns.open.pop)
            yield

    def need_lock(self) -> None:
        """Check that this thread may change what is written.

        Raises:
            StorageError: the lock could not be had.
        """
        if (turn := self._turn) is not None and turn.refused is not None:
            raise turn.refused

    @property
    def _turn(self) -> _Turn | None:
        return self._turns.open[-1] if self._turns.open else None

    def _looked(self) -> None:
        if (turn := self._turn) is not None:
            turn.looked = True

    # ----------------------------------------------------------------------------------------- writing

    def append(self, day: date, rows: Sequence[Row]) -> int:
        """See `engine.storage.logs.Shelf.append`; when this returns, the rows are in the database or in the spool.

        Raises:
            LockLost: the lock was lost since the log was read; nothing was written.
            StorageError: nothing was written, neither there nor in the spool.
        """
        entries = [self._entry(row) for row in rows]
        if not entries:
            return 0
        turn, why = self._turn or _Turn(), ""
        written = False
        if turn.refused is not None:
            why = turn.refused.message
        elif not self._spool.waits(self.name):
            try:
                self.insert(day, entries)
                written = True
            except StorageError as error:
                if self._database.lost and turn.looked:
                    self._database.forget_pause()
                    hint = "try again"
                    raise LockLost(
                        f"{self._database}: the connection broke, and the lock with it", hint=hint
                    ) from error
                why = error.message
        if not written:
            self._spool.put(self.name, day, entries, why)
        self._recent.extend((day, dict(entry.cells)) for entry in entries)
        return 0

    def _entry(self, row: Row) -> Entry:
        # as a file would return them
        cells = {column: decode_cell(_storable(encode_cell(row.get(column, "")))) for column in self.columns[:-1]}
        first = self.columns[0]
        return Entry(cells[first] if first.endswith("_id") and cells[first] else uuid.uuid4().hex, cells)

    def insert(self, day: date, entries: Sequence[Entry]) -> None:
        """Seal and write rows whose identifiers are not in the log yet.

        Raises:
            Unreachable: the database does not answer; the rows may have been written.
            StorageError: the database refuses.
        """
        place = {"site": self._database.site, "log": self.name, "day": day, "recorder": self._recorder}
        with self._database.work() as connection:
            found = connection.execute(_BEGIN, place | {"ids": [entry.row_id for entry in entries]}).one()
            people = [self.columns[index] for index in self.people]
            entries = self._erasures.applied(connection, found.erased, self.name, people, entries)
            known, name = set(found.known), stem(self.name, day, self._recorder)
            seal = Seal(found.number, "", found.head)
            rows: list[dict[str, object]] = []
            for entry in {entry.row_id: entry for entry in entries if entry.row_id not in known}.values():
                cells = [encode_cell(entry.cells.get(column, "")) for column in self.columns[:-1]]
                seal = self.sealer.next(seal, name, cells, self.people)
                rows.append(
                    {
                        "_site": self._database.site,
                        "_day": day,
                        "_recorder": self._recorder,
                        "_position": found.rows + len(rows) + 1,
                        "_id": entry.row_id,
                        **{column: entry.cells.get(column, "") for column in self.columns[:-1]},
                        "seal": str(seal),
                    }
                )
            if rows:
                connection.execute(sa.insert(self.table), rows)
                mac = self.sealer.mac("head", name, str(seal.number), seal.chain)
                connection.execute(_END, place | {"number": seal.number, "mac": mac})

    def restore(self, day: date, rows: Sequence[tuple[str, Cells]]) -> None:
        """See `engine.storage.logs.Shelf.restore`; a row with a duplicate identifier gets another key."""
        self.need_lock()
        by_id = self.columns[0].endswith("_id")
        decoded = [[*map(decode_cell, cells[:-1]), cells[-1]] for _, cells in rows]
        ids = [values[0] if by_id and len(values[0]) <= _LONGEST_ID else "" for values in decoded]
        place = {"site": self._database.site, "log": self.name, "day": day}
        with self._database.work() as connection:
            taken, positions = {""}, dict[str, int]()
            for recorder in sorted({each for each, _ in rows}):
                own = [row_id for (each, _), row_id in zip(rows, ids, strict=True) if each == recorder]
                begun = connection.execute(BEGIN, place | {"recorder": recorder, "ids": own}).one()
                taken.update(begun.known)
                positions[recorder] = begun.rows
            names = ("_recorder", "_position", "_id", *self.columns)
            content = list[dict[str, object]]()
            for (recorder, _), row_id, cells in zip(rows, ids, decoded, strict=True):
                positions[recorder] += 1
                key = (recorder, positions[recorder], uuid.uuid4().hex if row_id in taken else row_id)
                content.append(dict(zip(names, (*key, *cells), strict=True)))
                taken.add(row_id)
            # one statement, because each counts the rows; one text, because arrays are slow to send
            added = (
                sa.func.json_to_recordset(
                    sa.cast(sa.literal(json.dumps(content, ensure_ascii=False), sa.Text), sa.JSON)
                )
                .table_valued(
                    *(sa.column(name, sa.Integer if name == "_position" else sa.Text) for name in names), name="added"
                )
                .render_derived(with_types=True)
            )
            place_of = (sa.literal(self._database.site, sa.Text), sa.literal(day, sa.Date))
            values = sa.select(*place_of, *(added.c[name] for name in names))
            connection.execute(sa.insert(self.table).from_select(["_site", "_day", *names], values))

    # ----------------------------------------------------------------------------------------- reading

    def counts(self) -> dict[Key, int]:
        """See `engine.storage.logs.Shelf.counts`; counts the actual rows, whatever the chain's entry says."""
        table = self.table
        place = (table.c["_day"], table.c["_recorder"])
        counted = sa.select(*place, sa.func.count()).where(table.c["_site"] == self._database.site).group_by(*place)
        found: dict[Key, int] = {(day, each): 0 for day, recorders in self.parts().items() for each in recorders}
        with self._database.work() as connection:
            return found | {(day, recorder): count for day, recorder, count in connection.execute(counted)}

    def _chains(self, days: Sequence[date] | None = None) -> dict[date, dict[str, tuple[int, int]]]:
        """Return rows and revision by day and recorder."""
        wanted = [
            CHAINS.c.site == self._database.site,
            CHAINS.c.log == self.name,
            sa.or_(CHAINS.c.rows > 0, CHAINS.c.number > 0),  # or its rows are gone, which `check` must report
        ]
        if days is not None:
            wanted.append(CHAINS.c.day.in_(days))
        query = sa.select(CHAINS.c.day, CHAINS.c.recorder, CHAINS.c.rows, CHAINS.c.revision).where(*wanted)
        found: dict[date, dict[str, tuple[int, int]]] = {}
        with self._database.work() as connection:
            for row in connection.execute(query.order_by(CHAINS.c.day, CHAINS.c.recorder)):
                found.setdefault(row.day, {})[row.recorder] = (row.rows, row.revision)
        return found

    def parts(self) -> dict[date, list[str]]:
        return {day: list(found) for day, found in self._chains().items()}

    def witnessed(self) -> dict[date, list[str]]:
        return self.parts()  # the database keeps every chain's head

    def part(self, day: date, recorder: str = "") -> TablePart:
        return TablePart(self, self._database, day, recorder)

    def stamps(self, days: Sequence[date] | None = None) -> dict[date, object]:
        return {day: tuple(sorted(found.items())) for day, found in self._chains(days).items()}

    def read(self, days: Sequence[date]) -> dict[date, list[dict[str, str]]]:
        """See `engine.storage.logs.Shelf.read`; fetches only new rows."""
        self._looked()
        with self._mutex:
            now = self._chains(days)
            whole, grown = [], []
            for day in days:
                known = self._known.get(day)
                if day not in now:
                    self._known.pop(day, None)
                elif known is None or any(
                    now[day].get(each, (0, -1))[1] != revision or now[day][each][0] < count
                    for each, (count, revision) in known.parts.items()
                ):
                    self._known[day] = _DayRows()
                    whole.append(day)
                elif known.parts != now[day]:
                    grown.append(day)
            self._fetch([self.table.c["_day"].in_(whole)] if whole else [])
            for day in grown:
                parts = self._known[day].parts
                newer = [
                    sa.and_(self.table.c["_recorder"] == each, self.table.c["_position"] > parts.get(each, (0, 0))[0])
                    for each in now[day]
                ]
                self._fetch([self.table.c["_day"] == day, sa.or_(*newer)])
            for day in (*whole, *grown):
                for each, (_, revision) in now[day].items():
                    count = self._known[day].parts.get(each, (0, 0))[0]
                    self._known[day].parts[each] = (count, revision)
            rows = {day: list(self._known[day].rows) for day in days if day in self._known and self._known[day].rows}
            for old in list(self._known)[:-_MOST_DAYS]:
                del self._known[old]
            return rows

    def _fetch(self, wanted: Sequence[Any]) -> None:
        """Fetch rows and add them to the known ones."""
        if not wanted:
            return
        columns = [self.table.c[column] for column in self.columns]
        place = [self.table.c[key] for key in ("_day", "_recorder", "_position")]
        query = sa.select(*place, *columns).where(self.table.c["_site"] == self._database.site, *wanted)
        with self._database.work() as connection:
            for day, recorder, position, *cells in connection.execute(
                query.order_by(self.table.c["_day"], self.table.c["_seq"])
            ):
                known = self._known[day]
                known.parts[recorder] = (max(position, known.parts.get(recorder, (0, 0))[0]), 0)
                known.rows.append(dict(zip(self.columns, cells, strict=True)))

    def about(self, key: str, days: Sequence[date]) -> list[dict[str, str]]:
        """See `engine.storage.logs.Shelf.about`: rows of the database and of the spool.

        While the database cannot be asked, the rows that this process wrote lately take its place.
        """
        self._looked()
        query = _OF_PERSON if self.name == "attendance" else _OF_STRANGER
        try:
            with self._database.work() as connection:
                rows = []
                for start in range(0, len(days), _DAYS_AT_ONCE):
                    some = list(days[start : start + _DAYS_AT_ONCE])
                    found = connection.execute(query, {"site": self._database.site, "key": key, "days": some})
                    rows += [dict(row) for row in found.mappings()]
        except StorageError:
            rows = [cells for day, cells in self._recent if day in days and self._names(cells, key)]
        waiting = self._spool.waiting(self.name, key) if self._spool.waits(self.name) else []
        rows += [dict(entry.cells) for day, entry in waiting if day in days and self._names(entry.cells, key)]
        return list({row[self.columns[0]]: row for row in rows}.values())

    def find(self, row_id: str) -> list[dict[str, str]]:
        self._looked()
        table = self.table
        whole = sa.select(*(table.c[column] for column in self.columns)).where(
            table.c["_site"] == self._database.site, table.c["_id"] == row_id
        )
        try:
            with self._database.work() as connection:
                if self._database.kind in {"recorder", "kiosk"}:
                    incident = connection.execute(_INCIDENT, {"site": self._database.site, "key": row_id})
                    rows = [dict(row) for row in incident.mappings()]
                else:
                    rows = [dict(zip(self.columns, row, strict=True)) for row in connection.execute(whole)]
        except Unreachable:
            rows = [cells for _, cells in self._recent if cells[self.columns[0]] == row_id]
        waiting = self._spool.waiting(self.name, row_id) if self._spool.waits(self.name) and not rows else []
        return rows or [dict(entry.cells) for _, entry in waiting if entry.row_id == row_id]

    def _names(self, cells: Mapping[str, str], key: str) -> bool:
        return any(key in cells[column].split(";") for column in self._keys)


def _storable(text: str) -> str:
    """Replace what is no character: half of a pair, which neither a file nor a database takes."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")
