"""The punches of a file as rows of the attendance log: whose they are, when they were, and what is wrong with the others."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Literal, cast
from zoneinfo import ZoneInfo

from engine.attendance import IMPORTED, PunchRow
from engine.attendance.presence import Direction
from engine.config.ids import StaffIds, did_you_mean
from engine.people import ClockDirection, ClockFile, ClockPunch, DateOrder, RowMessage, in_zone
from engine.records.books import Records
from engine.storage import clean_text, new_id
from engine.words import Phrase, phrase

_EARLIEST_YEAR = 2001
"""A terminal that has lost its battery begins with 2000."""
_SAME_WORDS = 20
"""From so many punches on, it says something if all of them have one direction."""


@dataclass(frozen=True)
class ReadingOfPunches:
    """How to read a file of punches.

    Attributes:
        source: of all punches, shown in place of a camera; empty: what the file says.
        words: directions for words of the file.
        direction: of all punches, whatever the file says; None: as it says.
        people: employee ids by ids of the terminal.
        columns: headings by field of `CLOCK_FIELDS`.
        zone: of the terminal's clock; None: the workplace's.
        encoding, order: see `read_clock_file`.
    """

    source: str = ""
    words: Mapping[str, ClockDirection] = field(default_factory=dict)
    direction: Direction | None = None
    people: Mapping[str, str] = field(default_factory=dict)
    columns: Mapping[str, str] = field(default_factory=dict)
    zone: ZoneInfo | None = None
    encoding: str | None = None
    order: DateOrder | None = None


class ImportedRows:
    """Turns the punches of a file into rows of the log, and says what is wrong with the others."""

    def __init__(
        self, records: Records, how: ReadingOfPunches, found: ClockFile, keep_days: int | None, author: str
    ) -> None:
        self._records, self._how, self._found, self._author = records, how, found, author
        self._now = now = records.now()
        self._keep_days = keep_days
        self._oldest = date.min if keep_days is None else now.date() - timedelta(days=keep_days)
        self._ids = StaffIds(records.people.known())
        self._sources: dict[str, str] = {}
        self._respelt: set[str] = set()
        self.import_id = new_id(now)
        self.messages = list(found.messages)
        self.unknown_ids: Counter[str] = Counter()
        self.repeated = 0

    def rows(self) -> list[PunchRow]:
        """Return a row for each punch that can be used, each person's of one moment once."""
        rows: dict[tuple[str, datetime], PunchRow] = {}
        for punch in self._found.punches:
            employee_id = self._person(punch)
            time = self._moment(punch) if employee_id else None
            if time is None:
                continue
            row = self._row(punch, employee_id, time)
            before = rows.setdefault(row.content, row)
            if before is not row:
                self.repeated += 1
                if before.direction != row.direction:
                    text = phrase(
                        "an earlier line says {direction} for this person and moment, and counts: correct one of them",
                        direction=before.direction,
                    )
                    self._say(punch, "state", text, "warning")
        self._check_directions(rows.values())
        self._tell_unknown()
        return list(rows.values())

    def compare_known(self, rows: Collection[PunchRow]) -> None:
        """Tell how many rows that the log has already say another direction."""
        log = self._records.attendance.log
        logged = {
            row.content: row.direction
            for row in log.on(sorted({row.timestamp.date() for row in rows}))
            if row.method == IMPORTED and row.event == "punch"
        }
        if other := sum(logged.get(row.content) != row.direction for row in rows):
            text = phrase(
                "the log says another direction for {count} of the known punches, and it stays: take that import back first",
                count=other,
            )
            self.messages.append(RowMessage(0, "", "warning", text))

    def _row(self, punch: ClockPunch, employee_id: str, time: datetime) -> PunchRow:
        source, direction = self._source(punch), self._how.direction or punch.direction
        if direction == "both" and not self._how.direction:
            direction = self._records.attendance.plan.directions.get(source, "both")  # type: ignore[assignment]
        return PunchRow(
            "",
            time,
            employee_id,
            "punch",
            source,
            IMPORTED,
            self.import_id,
            author=self._author,
            direction=cast("Direction", direction),
        )

    def _say(self, punch: ClockPunch, column: str, text: Phrase, level: Literal["error", "warning"] = "error") -> None:
        self.messages.append(RowMessage(punch.line, self._found.column(column), level, text))

    def _person(self, punch: ClockPunch) -> str:
        """The person of an id; empty: nobody is known."""
        wanted = self._how.people.get(punch.who) or self._how.people.get(punch.who.lstrip("0")) or punch.who
        found = self._ids.find(wanted)
        if found is None:
            self.unknown_ids[punch.who] += 1
            return ""
        if found != wanted and wanted not in self._respelt:
            self._respelt.add(wanted)
            self._say(
                punch,
                "id",
                phrase(
                    "{id} is taken for {found}, the only id that differs in zeros or case alone",
                    id=wanted,
                    found=found,
                ),
                "warning",
            )
        return found

    def _moment(self, punch: ClockPunch) -> datetime | None:
        """The moment in the workplace's zone; None: it is refused."""
        zone = self._records.zone
        found = in_zone(punch.time, self._how.zone or zone)
        time, column = found.time.astimezone(zone), self._column()
        if time.year < _EARLIEST_YEAR:
            text = phrase("{day} cannot be: the terminal had lost its time, so correct the day", day=f"{time:%Y-%m-%d}")
            self._say(punch, column, text)
        elif time.astimezone(UTC) > self._now.astimezone(UTC):
            text = phrase(
                "{time} is in the future: check the terminal's clock and the time zone", time=f"{time:%Y-%m-%d %H:%M}"
            )
            self._say(punch, column, text)
        elif time.date() < self._oldest:
            text = phrase(
                "{day} is too old: attendance is kept for {count} days (retention.attendance), so from {oldest} on",
                day=f"{time:%Y-%m-%d}",
                count=self._keep_days,
                oldest=self._oldest,
            )
            self._say(punch, column, text)
        else:
            if found.note:
                self._say(punch, column, found.note, "warning")
            return time
        return None

    def _column(self) -> str:
        return next((name for name in ("datetime", "time", "in", "out") if name in self._found.columns), "time")

    def _source(self, punch: ClockPunch) -> str:
        given = self._how.source or punch.device
        if given not in self._sources:
            name = f"terminal {given}".strip() if not given or given.isdecimal() else given
            self._sources[given] = clean_text(self._records.names.ids(name), what="source", limit=60)
        return self._sources[given]

    def _check_directions(self, rows: Collection[PunchRow]) -> None:
        told = {row.direction for row in rows}
        if len(rows) >= _SAME_WORDS and len(told) == 1 and not told & {"both"} and self._how.direction is None:
            text = (
                phrase("every punch is an arrival: if people do not choose a key, read all of them as both")
                if told == {"in"}
                else phrase("every punch is a departure: if people do not choose a key, read all of them as both")
            )
            self.messages.append(RowMessage(0, "", "warning", text))

    def _tell_unknown(self) -> None:
        """One message for each id that nobody has, at its first line."""
        first: dict[str, ClockPunch] = {}
        for punch in self._found.punches:
            first.setdefault(punch.who, punch)
        for who, count in self.unknown_ids.items():
            wanted = self._how.people.get(who, who)
            asked = did_you_mean(wanted, self._records.people.known())
            what = phrase("say who it is, or import the staff list first")
            next_step = phrase("{question} If so, say who it is", question=asked) if asked else what
            text = (
                phrase(
                    "nobody has the id {id!r}, {count} punches left out: {next_step}",
                    id=wanted,
                    count=count,
                    next_step=next_step,
                )
                if count > 1
                else phrase("nobody has the id {id!r}, 1 punch left out: {next_step}", id=wanted, next_step=next_step)
            )
            self._say(first[who], "id", text)
