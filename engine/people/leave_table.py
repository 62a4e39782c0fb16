"""Read the rows of a leave list: who, when, how much of the day, which kind, and whether it was approved."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta

from engine.config import Half
from engine.people.absence import RowRefused, Who, taken_for
from engine.people.calendars import MAX_SPAN_DAYS
from engine.people.dates import ORDERS, DateOrder, NotADay, has_time, infer_order, needs_order, read_day
from engine.people.kinds import LeaveKinds, RequestStatus, part_in_cell, part_of_day, request_status
from engine.people.tables import FIRST_NAMES, ID_HEADINGS, LAST_NAMES, RowMessage, Table, TableRow, headings, plain
from engine.words import Phrase, phrase

LEAVE_FIELDS = headings(
    employee_id=ID_HEADINGS,
    first_name=FIRST_NAMES,
    last_name=LAST_NAMES,
    email="email, e mail, mail, email address, e mail address, e mail adresse",
    name="name, full name, employee name, mitarbeitername, "
    "фио, имя и фамилия, фамилия и имя, imie i nazwisko, jmeno a prijmeni, 姓名, 员工姓名, 氏名, 社員名",
    employee="employee, mitarbeiter, сотрудник, pracownik, zamestnanec",
    first_day="first day, from, from date, start, start date, begin, date, day, von, beginn, datum, tag, startdatum, date de debut, "
    "дата начала, начало, дата с, data od, od, data rozpoczecia, 开始日期, 开始时间, 開始日, 開始日付",
    last_day="last day, to, to date, until, end, end date, through, bis, ende, enddatum, date de fin, "
    "дата окончания, окончание, дата по, data do, data zakonczenia, 结束日期, 结束时间, 終了日, 終了日付",
    kind="kind, type, reason, absence, absence type, leave type, time off type, art, grund, abwesenheit, abwesenheitsart, "
    "urlaubsart, вид отпуска, тип отпуска, вид отсутствия, rodzaj urlopu, druh, 请假类型, 假期类型, 休暇種別, 休暇区分, 種別",
    status="status, state, approval, approval status, request status, leave status, genehmigung, genehmigungsstatus, antragsstatus, "
    "statut, estado, stato, статус, stav, 状态, 审批状态, 状態, 承認状況",
    half="half day, half, part of day, day part, portion, halbtags, halber tag, halbtag, tageshalfte, demi journee",
    half_day="half day date, halber tag am, date of half day",
    days="days, day count, number of days, duration, total days, total leave days, amount, tage, anzahl tage, anzahl, dauer, "
    "nombre de jours, дней, количество дней, 天数, 日数",
    reference="leave id, request id, absence id, entry id, leave application, reference, ref, antrag, antragsnummer, antrag id, vorgang, "
    "vorgangsnummer",
)
"""Accepted headings by field; the first is the usual one."""

IGNORED = "ignore"
"""In place of a kind: rows with this word are left out."""


@dataclass(frozen=True)
class LeaveRow:
    """A row of a leave list, or the part of it before, on or after a half day.

    Attributes:
        share, half: of each day; None: whole days.
        word: the kind as the file says it.
        status: without a column for it, every row counts as approved.
        place: number of the part within its row, 0 for the first.
    """

    line: int
    employee_id: str
    first: date
    last: date
    kind: str
    share: float | None
    half: Half
    word: str
    status: RequestStatus
    reference: str
    place: int = 0


class UnknownKind(RowRefused):
    """A row's kind is not known; `word`: as the file says it."""

    def __init__(self, word: str, reason: Phrase) -> None:
        super().__init__(reason, "kind")
        self.word = word


class LeaveTable:
    """Turns the rows of a table into entries.

    Args:
        order: of day and month, where they are written with slashes or dashes; None: as the columns tell.
        ignored: words of kinds whose rows are left out.
    """

    def __init__(
        self, table: Table, who: Who, kinds: LeaveKinds, order: DateOrder | None, ignored: frozenset[str]
    ) -> None:
        self._table, self._who, self._kinds, self._ignored = table, who, kinds, ignored
        spans = [(row.text("first_day"), row.text("last_day")) for row in table.rows]
        texts = [text for span in spans for text in span if text]
        self.order = order or infer_order(texts, [span for span in spans if all(span)])
        self.notes: list[RowMessage] = []
        if order is None and self.order is not None and needs_order(texts):
            other = next(each for each in ORDERS if each != self.order)
            text = phrase(
                "dates were read as {order}, the only order that fits all of them: if that is wrong, say date order {other}",
                order=ORDERS[self.order],
                other=other,
            )
            self.notes.append(RowMessage(0, "", "warning", text))

    def read(self, row: TableRow) -> list[LeaveRow]:
        """Return what a row says; nothing if its kind is to be ignored.

        Raises:
            RowRefused: a field cannot be used; the error names it.
        """
        row = self._with_person(row)
        employee_id = self._who.of_row(row)
        if said := taken_for(row, employee_id):
            self.notes.append(RowMessage(row.line, self.heading("employee_id"), "warning", said))
        first = self._day(row, "first_day")
        last = self._day(row, "last_day") if row.text("last_day") else first
        if last < first:
            text = phrase("{last} is before {first}: exchange or correct the days", last=last, first=first)
            raise RowRefused(text, "last_day")
        if (last - first).days > MAX_SPAN_DAYS:
            text = phrase(
                "{first} to {last} is more than {days} days: correct the year",
                first=first,
                last=last,
                days=MAX_SPAN_DAYS,
            )
            raise RowRefused(text, "last_day")
        if plain(row.text("kind")) in self._ignored:
            return []
        status = self._status(row)
        share, half, kind = self._kind(row, lenient=status in {"rejected", "cancelled"})
        found = LeaveRow(
            row.line, employee_id, first, last, kind, share, half, row.text("kind"), status, row.text("reference")
        )
        return list(self._parts(row, found))

    def _with_person(self, row: TableRow) -> TableRow:
        """The row with its column `employee` read as an id or as a name; `id` beside it is the request's own number."""
        told = dict(row.cells)
        if not (own := told.get("employee", "")):
            return row
        if plain(self._table.headings.get("employee_id", "")) == "id":
            told["reference"] = told.get("reference") or told["employee_id"]
            told["employee_id"] = ""
        if not told.get("employee_id") and (self._who.has_id(own) or not told.get("name")):
            told["employee_id" if self._who.has_id(own) else "name"] = own
        return TableRow(row.line, told)

    def heading(self, field: str) -> str:
        """The heading of a field as the file writes it."""
        given = self._table.headings
        return given.get(field, given.get("employee", "") if field in {"employee_id", "name"} else "")

    def _day(self, row: TableRow, field: str) -> date:
        text = row.text(field)
        if not text:
            raise RowRefused(phrase("the day is missing: write it as 2026-11-22"), field)
        try:
            found = read_day(text, self.order)
        except NotADay as error:
            raise RowRefused(error.reason, field) from error
        if has_time(text):
            said = phrase("the time of {text!r} was left out: leave is counted in days and halves of days", text=text)
            self.notes.append(RowMessage(row.line, self.heading(field), "warning", said))
        return found

    def _status(self, row: TableRow) -> RequestStatus:
        if "status" not in self._table.headings:
            return "approved"
        text = row.text("status")
        if not text:
            raise RowRefused(phrase("the status is empty: write approved, pending, rejected or cancelled"), "status")
        if (found := request_status(text)) is None:
            said = phrase("{text!r} is no known status: write approved, pending, rejected or cancelled", text=text)
            raise RowRefused(said, "status")
        return found

    def _kind(self, row: TableRow, *, lenient: bool) -> tuple[float | None, Half, str]:
        """The share and the half of the day, and the kind; `lenient`: an unknown kind is empty."""
        text = row.text("kind")
        known = self._kinds.exact(text)
        part = part_of_day(text)
        found = {known} if known else self._kinds.within(part[2] if part else text)
        if len(found) != 1 and not lenient:
            kinds = ", ".join(sorted(map(self._kinds.name, found)))
            raise UnknownKind(text, _unclear(text, kinds))
        share, half = self._share(row, part[:2] if part else None)
        return share, half, next(iter(found)) if len(found) == 1 else ""

    def _share(self, row: TableRow, told: tuple[float, Half] | None) -> tuple[float | None, Half]:
        """How much of the day is leave, from the kind's text, the column about halves and the number of days."""
        text = row.text("half")
        try:
            told = part_in_cell(text) or told
        except ValueError as error:
            said = phrase("{text!r} is no part of a day: write morning, afternoon, 0.5 or nothing", text=text)
            raise RowRefused(said, "half") from error
        count = _number(row.text("days"))
        if told is None and count is not None and 0 < count < 1:
            told = (count, "")
        return told or (None, "")

    def _parts(self, row: TableRow, found: LeaveRow) -> Iterator[LeaveRow]:
        """The row, divided where only one of its days is a half."""
        if row.text("half_day") and found.last > found.first:
            day = self._day(row, "half_day")
            if not found.first <= day <= found.last:
                said = phrase(
                    "{day} is not within {first} to {last}: correct it", day=day, first=found.first, last=found.last
                )
                raise RowRefused(said, "half_day")
            spans = [(found.first, day - timedelta(days=1), None), (day, day, found.share or 0.5)]
            spans.append((day + timedelta(days=1), found.last, None))
            for first, last, share in spans:
                if first <= last:
                    yield replace(
                        found, first=first, last=last, share=share, half=found.half if share else "", place=found.place
                    )
                    found = replace(found, place=found.place + 1)
            return
        count = _number(row.text("days"))
        if found.share is None and found.last > found.first and count is not None and count % 1:
            said = phrase(
                "{count:g} days from {first} to {last}: which day is a half is not said, give it a row of its own",
                count=count,
                first=found.first,
                last=found.last,
            )
            raise RowRefused(said, "days")
        yield found


def _unclear(text: str, kinds: str) -> Phrase:
    """Why a row's kind is not known; `kinds`: those that its text mentions."""
    if not text:
        return phrase("the kind of leave is missing: write it in this cell")
    if kinds:
        return phrase("{text!r} speaks of several kinds ({kinds}): say which kind it is", text=text, kinds=kinds)
    return phrase("{text!r} is no known kind of leave: say which kind it is", text=text)


def _number(text: str) -> float | None:
    """A number of days such as `2.5`, `0,5` or `3 days`; None: it is none."""
    words = text.replace(",", ".").split()
    try:
        return float(words[0]) if words and (len(words) == 1 or words[1][:1] in "dtj") else None
    except ValueError:
        return None
