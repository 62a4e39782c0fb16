"""One chain of a log in the database: its rows in their order, its running head, and what `muster verify` asks of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import date
from typing import TYPE_CHECKING

import sqlalchemy as sa

from engine.postgres.connection import Database, table
from engine.storage import encode_cell
from engine.storage.logs import Finding, Head
from engine.storage.logs.check import Line, check_lines, line_of
from engine.storage.logs.exact import Cells, exactly_encoded
from engine.storage.logs.seals import parse_seal, without_person
from engine.storage.logs.shelf import stem

if TYPE_CHECKING:
    from engine.postgres.shelf import TableShelf

BEGIN = sa.text("SELECT * FROM muster.begin_rows(:site, :log, :day, :recorder, :ids)")
_PAGE = 2000  # rows copied at once

CHAINS = table(
    "chains",
    **{"site": sa.Text, "log": sa.Text, "day": sa.Date, "recorder": sa.Text, "head": sa.Text, "mac": sa.Text},
    **dict.fromkeys(("rows", "number", "revision"), sa.Integer),
)


class TablePart:
    """One chain in the database, see `engine.storage.logs.Chain`."""

    def __init__(self, shelf: TableShelf, database: Database, day: date, recorder: str) -> None:
        self.name = stem(shelf.name, day, recorder)
        self._shelf, self._database = shelf, database
        table, site = shelf.table, database.site
        self._rows = (table.c["_site"] == site, table.c["_day"] == day, table.c["_recorder"] == recorder)
        self._place: dict[str, object] = {"site": site, "log": shelf.name, "day": day, "recorder": recorder}
        self._chain = tuple(CHAINS.c[key] == value for key, value in self._place.items())

    def _head(self, connection: sa.Connection) -> Head | None:
        """Return the running head, if it is authentic."""
        found = connection.execute(
            sa.select(CHAINS.c.number, CHAINS.c.head, CHAINS.c.mac).where(*self._chain)
        ).one_or_none()
        if found is None:
            return None
        sound = found.mac == self._shelf.sealer.mac("head", self.name, str(found.number), found.head)
        return Head(found.number, found.head) if sound else None

    def running_head(self) -> Head | None:
        with self._database.work() as connection:
            return self._head(connection)

    def set_running_head(self, head: Head | None) -> None:
        self._shelf.need_lock()
        values: dict[str, object] = {"mac": ""}
        if head is not None:
            mac = self._shelf.sealer.mac("head", self.name, str(head.rows), head.chain)
            values = {"number": head.rows, "head": head.chain, "mac": mac}
        with self._database.work() as connection:
            connection.execute(BEGIN, {**self._place, "ids": []})
            connection.execute(sa.update(CHAINS).where(*self._chain).values(values))

    def head(self) -> Head:
        """Return how far the chain is sealed."""
        with self._database.work() as connection:
            head = self._head(connection)
            if head is not None:
                return head
            last = connection.execute(
                sa.select(self._shelf.table.c.seal)
                .where(*self._rows)
                .order_by(self._shelf.table.c["_position"].desc())
                .limit(1)
            ).scalar()
        seal = parse_seal(last or "")
        return Head(0, "") if seal is None else Head(seal.number, seal.chain)

    def _cells(
        self, connection: sa.Connection, after: int = 0, limit: int | None = None
    ) -> list[tuple[int, list[str]]]:
        columns = [self._shelf.table.c[column] for column in self._shelf.columns]
        position = self._shelf.table.c["_position"]
        query = sa.select(position, *columns).where(*self._rows, position > after).order_by(position).limit(limit)
        return [(row[0], list(row[1:])) for row in connection.execute(query)]

    def cells(self, closed: Callable[[], Head | None]) -> Iterator[Cells]:
        del closed
        last, full = 0, True
        while full:
            with self._database.work() as connection:
                found = self._cells(connection, last, _PAGE)
            for last, values in found:
                yield exactly_encoded(values, self._shelf.columns, f"row {last} of {self.name}")
            full = len(found) == _PAGE

    def read(self) -> list[dict[str, str]]:
        """Return all rows, oldest first."""
        with self._database.work() as connection:
            found = self._cells(connection)
        return [dict(zip(self._shelf.columns, cells, strict=True)) for _, cells in found]

    def _lines(self, found: Sequence[tuple[int, list[str]]]) -> list[Line]:
        sealer, people = self._shelf.sealer, self._shelf.people
        return [
            line_of([*map(encode_cell, cells[:-1]), cells[-1]], self.name, sealer, people, position + 1)
            for position, cells in found
        ]

    def authentic(self) -> list[dict[str, str]]:
        """Return the rows whose seals are valid."""
        with self._database.work() as connection:
            found = self._cells(connection)
        lines = self._lines(found)
        return [
            dict(zip(self._shelf.columns, cells, strict=True))
            for line, (_, cells) in zip(lines, found, strict=True)
            if line.authentic
        ]

    def check(self, *known: Head | None, anew: bool = True) -> list[Finding]:
        """Return all findings about the chain; `known` are heads from elsewhere. It is always verified `anew`."""
        del anew
        with self._database.work() as connection:
            running = self._head(connection)
            found = self._cells(connection)
        heads, file = [head for head in (*known, running) if head], f"{self.name}.csv"
        if not found and heads:
            detail = f"the rows are gone; there were {max(head.rows for head in heads)}"
            return [Finding(file, 0, "missing", detail)]
        findings = check_lines(self._lines(found), file, self._shelf.sealer, heads)
        if found and not heads:
            detail = "its running head is gone, so Muster cannot check whether rows are missing at the end"
            findings.append(Finding(file, 0, "note", detail))
        return findings

    def redact(self, person: str) -> int:
        """Replace a person's id by their pseudonym, which keeps seals valid; return how many rows named them."""
        shelf, count = self._shelf, 0
        shelf.need_lock()
        names = [shelf.columns[index] for index in shelf.people]
        if not names:
            return 0
        table = shelf.table
        near = sa.or_(*(table.c[name].contains(person, autoescape=True) for name in names))
        with self._database.work() as connection:
            query = sa.select(table.c["_position"], *(table.c[name] for name in names)).where(*self._rows, near)
            for position, *ids in connection.execute(query).all():
                redacted = (without_person(each, person, shelf.sealer) for each in ids)
                changes = {name: each for name, each in zip(names, redacted, strict=True) if each is not None}
                if changes:
                    count += 1
                    connection.execute(
                        sa.update(table).where(*self._rows, table.c["_position"] == position).values(changes)
                    )
        return count

    def drop(self) -> None:
        """Delete the chain on purpose."""
        self._shelf.need_lock()
        with self._database.work() as connection:
            connection.execute(sa.delete(self._shelf.table).where(*self._rows))
            connection.execute(sa.delete(CHAINS).where(*self._chain))
