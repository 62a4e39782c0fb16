"""Read the punches of terminals: ZKTeco's `attlog.dat`, and tables (CSV, Excel) with a punch or several in each row."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Literal

from engine.errors import InputError
from engine.people.absence import RowRefused
from engine.people.clock_times import combined, read_clock, read_moment
from engine.people.dates import DateOrder, NotADay
from engine.people.tables import RowMessage, Table, TableRow, headings, order_of_days, plain, read_table, with_columns
from engine.people.text_files import read_text
from engine.people.workbooks import is_workbook
from engine.words import Phrase, phrase

ClockDirection = Literal["in", "out", "both", "ignore"]
"""What a word of a file means; `both`: nobody said; `ignore`: no punch."""

CLOCK_FIELDS = headings(
    id="employee id, personnel number, personnel no, employee no, employee number, staff id, staff no, badge no, badge number, badge, "
    "user id, userid, person id, ac no, enno, en no, enroll number, enrollment no, pin, card no, card number, personalnummer, personalnr, "
    "personal nr, pers nr, mitarbeiternummer, mitarbeiternr, mitarbeiter id, mitarbeiter nr, ausweisnummer, ausweisnr, ausweis nr, "
    "ausweis, kartennummer, stempelnummer, matricule, numero de badge, numero badge, no badge, id, employee, mitarbeiter, no, "
    "табельный номер, таб номер, 工号, 员工编号, 员工号, 考勤号码, 社員番号, 従業員番号, 社員コード",
    datetime="date time, datetime, timestamp, date and time, punch time, punch date time, check time, checktime, event time, log time, "
    "scan time, record time, zeitstempel, datum uhrzeit, datum zeit, datum und uhrzeit, buchungszeit, zeitpunkt, date heure, "
    "date et heure, horodatage, дата и время, дата время, 打卡时间, 考勤时间, 刷卡时间, 打刻日時, 日時",
    date="date, day, work date, punch date, attendance date, datum, tag, buchungsdatum, arbeitstag, jour, date de pointage, "
    "дата, 日期, 日付, 年月日",
    time="time, clock, clock time, time of day, uhrzeit, zeit, heure, heure de pointage, время, 时间, 時刻, 打刻時刻",
    state="state, status, punch state, punch type, type, direction, in out, inout, i o, iomd, check type, checktype, attendance state, "
    "event, entry exit, richtung, buchungsart, art, kommen gehen, sens, evenement, type de pointage, "
    "направление, событие, 状态, 考勤状态, 打卡状态, 打刻区分",
    device="device, device name, device id, terminal, terminal id, reader, machine, mchn, machine no, location, door, camera, source, "
    "gerat, leser, standort, tur, appareil, lecteur, borne, site",
    # headings of a row with several times
    **{
        "in": "in, time in, clock in, check in, in time, punch in, arrival, start, start time, first in, in 1, kommen, kommt, beginn, von, "
        "ein, entree, arrivee, debut, heure d arrivee, heure d entree",
        "out": "out, time out, clock out, check out, out time, punch out, departure, end, end time, last out, out 1, gehen, geht, ende, "
        "bis, aus, sortie, depart, fin, heure de depart, heure de sortie",
        "in2": "in 2, time in 2, clock in 2, check in 2, break end, lunch end, kommen 2, pause ende, pausenende, entree 2, fin de pause",
        "out2": "out 2, time out 2, clock out 2, check out 2, gehen 2, sortie 2",
    },
)
"""Accepted headings by field, the most usual first."""
_ATTLOG_COLUMNS = {"id": phrase("id"), "time": phrase("time"), "state": phrase("state")}
"""What the columns of `attlog.dat` hold."""

_STATES: Mapping[str, ClockDirection] = {
    **{"0": "in", "1": "out", "2": "out", "3": "in"},
    **{"4": "in", "5": "out", "255": "both"},
}
"""Of ZKTeco: 0 check-in, 1 check-out, 2 break-out, 3 break-in, 4 overtime-in, 5 overtime-out, 255 none."""
_WORDS = headings(
    out="out, o, check out, checkout, clock out, c out, punch out, exit, leave, departure, end, off, logout, log out, break out, "
    "break start, start break, lunch out, overtime out, ot out, gehen, gehe, geht, g, ausgang, austritt, ende, pause beginn, "
    "pausenbeginn, pause start, sortie, s, depart, fin, debut de pause, выход, уход, 下班, 签退, 下班签退, 退勤, 退社",
    both="both, none, unknown, undefined, n a, beide, ohne",
    **{
        "in": "in, i, check in, checkin, clock in, c in, punch in, entry, enter, arrival, start, on, login, log in, break in, break end, "
        "end break, lunch in, overtime in, ot in, kommen, komme, kommt, k, eingang, eintritt, beginn, pause ende, pausenende, entree, e, "
        "arrivee, debut, fin de pause, вход, приход, 上班, 签到, 上班签到, 出勤, 出社",
    },
)
_KNOWN: Sequence[ClockDirection] = ("in", "out", "both")
DIRECTIONS: Mapping[str, ClockDirection] = {**_STATES, **{word: each for each in _KNOWN for word in _WORDS[each]}}
"""Words for directions, as `plain` writes them."""

ID_FIELDS = headings(
    terminal="terminal id, terminal, id in terminal, clock id, badge, badge no, badge number, badge id, card no, card number, user id, "
    "pin, enno, ac no, ausweis, ausweisnummer, ausweisnr, kartennummer, transponder, stempelnummer, numero de badge, id",
    employee_id="employee id, personnel number, personnel no, employee no, employee number, staff id, staff no, person, person id, "
    "personalnummer, personalnr, personal nr, mitarbeiternummer, mitarbeiter id, matricule, employee, mitarbeiter, id",
)
"""Accepted headings of a list that says whose an id of a terminal is."""
_ATTLOG = re.compile(r"\s*[^\t,;]+?\s*\t\s*\d{4}-\d\d?-\d\d? +\d\d?:\d\d(?::\d\d)?\s*(?:\t.*)?")
_LOOKED_AT = 20
_NO_ID = phrase("the id is missing: write it in this cell")
_SEVERAL: Sequence[tuple[str, ClockDirection]] = (("in", "in"), ("out", "out"), ("in2", "in"), ("out2", "out"))
"""Columns of a row with several times. `in, out, in 2, out 2`, in this order of time."""


@dataclass(frozen=True)
class ClockPunch:
    """One punch as a file says it.

    Attributes:
        line: of the file, from 1.
        who: the id in the terminal.
        time: as written, without a zone unless the file says one.
        direction: `both` if the file does not say it.
        device: as the file names it; may be empty.
    """

    line: int
    who: str
    time: datetime
    direction: ClockDirection
    device: str = ""


@dataclass
class ClockFile:
    """The content of a file.

    Attributes:
        messages: about rows that cannot be used, and about the whole file.
        unknown_words: words that are no known direction, with the number of rows left out for them.
        columns: headings by field; empty for `attlog.dat`.
        order: of day and month, where it mattered.
    """

    punches: list[ClockPunch] = field(default_factory=list)
    messages: list[RowMessage] = field(default_factory=list)
    unknown_words: Counter[str] = field(default_factory=Counter)
    columns: Mapping[str, str] = field(default_factory=dict)
    order: DateOrder | None = None

    def column(self, name: str) -> str:
        """The heading of a field as the file writes it; `attlog.dat` has none, so what is in the column, in the reader's language."""
        return self.columns.get(name, "") if self.columns else _ATTLOG_COLUMNS.get(name, name)

    def refuse(self, line: int, column: str, text: Phrase) -> None:
        """Leave a row out."""
        self.messages.append(RowMessage(line, self.column(column), "error", text))


def read_clock_file(
    path: Path,
    *,
    words: Mapping[str, ClockDirection] | None = None,
    columns: Mapping[str, str] | None = None,
    encoding: str | None = None,
    order: DateOrder | None = None,
) -> ClockFile:
    """Read a file of punches.

    Args:
        words: directions for words of the file, in place of what they usually mean.
        columns: headings by field of `CLOCK_FIELDS`, in place of the usual ones.
        encoding: of a text file; None: it is found out.
        order: of days with slashes or dashes; None: as all days of the file allow.

    Raises:
        InputError: the file holds no punches, or lacks a column.
        ConfigError: the package for Excel files is not installed.
    """
    known = {**DIRECTIONS, **{plain(word): direction for word, direction in (words or {}).items()}}
    if not is_workbook(path):
        text, warning = read_text(path, encoding)
        lines = text.splitlines()
        top = [line for line in lines if line.strip()][:_LOOKED_AT]
        if sum(_ATTLOG.fullmatch(line) is not None for line in top) > len(top) / 2:
            found = ClockFile(messages=[RowMessage(0, "", "warning", warning)] if warning else [])
            _attlog(found, lines, known)
            return found
    table = read_table(path, with_columns(CLOCK_FIELDS, columns or {}), encoding=encoding)
    for name, heading in (columns or {}).items():
        if name not in table.headings:
            raise InputError(
                phrase("{path} has no column {name!r}", path=path.name, name=heading),
                hint=phrase("its columns are {names}", names=", ".join(filter(None, table.header))),
            )
    return _ClockTable(path, table, known, order).read()


def read_ids(path: Path, *, encoding: str | None = None) -> dict[str, str]:
    """Read a list of ids of a terminal with the employee ids that they stand for.

    Raises:
        InputError: the file is no such list, or an id has two employee ids.
        ConfigError: the package for Excel files is not installed.
    """
    table = read_table(path, ID_FIELDS, encoding=encoding)
    if missing := [ID_FIELDS[name][0] for name in ID_FIELDS if name not in table.headings]:
        raise InputError(
            phrase("{path} has no column {name!r}", path=path.name, name=missing[0]),
            hint=phrase("give the columns terminal id and employee id"),
        )
    found: dict[str, str] = {}
    for row in table.rows:
        who, employee_id = row.text("terminal"), row.text("employee_id")
        if who and employee_id and found.setdefault(who, employee_id) != employee_id:
            raise InputError(
                phrase(
                    "line {line} of {path} says {new} for {who}, but it is {known} already",
                    line=row.line,
                    path=path.name,
                    new=employee_id,
                    who=who,
                    known=found[who],
                ),
                hint=phrase("keep one of them"),
            )
    return found


def _attlog(found: ClockFile, lines: Sequence[str], known: Mapping[str, ClockDirection]) -> None:
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        cells = [cell.strip() for cell in line.split("\t")]
        who, text, device, state = (*cells[:4], "", "", "", "")[:4]
        if not text:
            said = phrase(
                "{text!r} is no line of a terminal: correct it to id, time, device and state, divided by tabs, or delete it",
                text=line.strip()[:60],
            )
            found.refuse(number, "time", said)
            continue
        try:
            time = read_moment(text, None)
        except NotADay as error:
            found.refuse(number, "time", error.reason)
            continue
        if not who:
            found.refuse(number, "id", _NO_ID)
        elif (direction := _direction(found, number, state, known)) is not None:
            found.punches.append(ClockPunch(number, who, time, direction, device))


def _direction(
    found: ClockFile, line: int, text: str, known: Mapping[str, ClockDirection], default: ClockDirection = "both"
) -> ClockDirection | None:
    """Return what a word means; None: the row is left out."""
    word = plain(text)
    direction = known.get(word) if word else default
    if direction is None:
        found.unknown_words[text] += 1
        if found.unknown_words[text] == 1:
            said = phrase(
                "{text!r} is no known direction, so rows with it are left out: say whether it means in, out, both or ignore",
                text=text,
            )
            found.refuse(line, "state", said)
    return None if direction == "ignore" else direction


class _ClockTable:
    """Turns the rows of a table into punches."""

    def __init__(self, path: Path, table: Table, known: Mapping[str, ClockDirection], order: DateOrder | None) -> None:
        self._table, self._known = table, known
        has = table.headings.keys()
        if "id" not in has:
            raise InputError(
                phrase("{path} has no column with ids", path=path.name),
                hint=phrase('name one id, or say which it is (on the command line: --column id="…")'),
            )
        self._several = [each for each in _SEVERAL if each[0] in has]
        single = "datetime" in has or "time" in has
        if not single and not self._several:
            raise InputError(
                phrase("{path} has no column with times", path=path.name),
                hint=phrase('name one time, or say which it is (on the command line: --column time="…")'),
            )
        if single:
            self._several = []
        days = [
            row.text(name) for row in table.rows for name in ("datetime", "date", "time", "in", "out") if row.text(name)
        ]
        self._order, said = order_of_days(days, order)
        self._found = ClockFile(messages=[*table.messages, *said], columns=table.headings, order=self._order)

    def read(self) -> ClockFile:
        """Return all punches."""
        found = self._found
        spoilt = {message.line for message in found.messages if message.level == "error" and message.line}
        for row in self._table.rows:
            if row.line in spoilt:
                continue
            try:
                if not row.text("id"):
                    raise RowRefused(_NO_ID, "id")
                found.punches += list(self._punches(row))
            except RowRefused as error:
                found.refuse(row.line, error.field, error.reason)
        return found

    def _punches(self, row: TableRow) -> Iterator[ClockPunch]:
        if not self._several:
            name = "datetime" if row.text("datetime") else "time"
            time = self._moment(row, row.text("date"), name)
            direction = _direction(self._found, row.line, row.text("state"), self._known)
            if direction is not None:
                yield ClockPunch(row.line, row.text("id"), time, direction, row.text("device"))
            return
        before: datetime | None = None
        for name, direction in self._several:
            if not row.text(name):
                continue
            time = self._moment(row, row.text("date"), name)
            if before is not None and time < before and read_clock(row.text(name)):
                time += timedelta(days=1)  # the night goes on after midnight
            before = time
            yield ClockPunch(row.line, row.text("id"), time, direction, row.text("device"))

    def _moment(self, row: TableRow, day: str, name: str) -> datetime:
        if not row.text(name):
            raise RowRefused(phrase("the time is missing: write it as 2026-11-22 08:57"), name)
        try:
            if name == "datetime":
                return read_moment(row.text(name), self._order)
            return combined(day, row.text(name), self._order)
        except NotADay as error:
            raise RowRefused(error.reason, name) from error
