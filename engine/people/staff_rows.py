"""Rows of a staff list as people and dates, with a message for each cell that is wrong or doubtful."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from datetime import date, datetime
from typing import Literal

from engine.config.ids import spelling
from engine.errors import InputError
from engine.people.basis import clean_consent
from engine.people.dates import DateOrder, NotADay, read_day
from engine.people.employment import NO_CAREER, UNDATED, Career, Dating, moved
from engine.people.store import Person, clean_department, clean_email, clean_id, clean_name
from engine.people.tables import (
    FIRST_NAMES,
    ID_HEADINGS,
    LAST_NAMES,
    RowMessage,
    Table,
    TableRow,
    headings,
    plain,
    sentence,
)
from engine.types import NOBODY
from engine.words import Phrase, phrase

STAFF_FIELDS = headings(
    employee_id=f"{ID_HEADINGS}, employee, mitarbeiter",
    name="name, full name, display name, employee name, employee, mitarbeiter, mitarbeitername, сотрудник, "
    "фио, имя и фамилия, фамилия и имя, imie i nazwisko, jmeno a prijmeni, 姓名, 员工姓名, 氏名, 社員名",
    first_name=FIRST_NAMES,
    last_name=LAST_NAMES,
    department="department, dept, abteilung, service, division, unit, bereich, team, group, отдел, подразделение, dzial, "
    "oddeleni, 部门, 部署, 所属",
    email="email, e mail, mail, email address, e mail address, e mail adresse, mail address, "
    "электронная почта, эл почта, 邮箱, 电子邮件, メールアドレス",
    active="active, aktiv, employed, status, employment status",
    consent_at="consent, consent at, consent date, consent given, einwilligung, einwilligung am",
    hired_on="hired on, hire date, date of hire, hired, entry date, start date, employment start, date of joining, joining date, "
    "joined, date joined, eintritt, eintrittsdatum, eintritt am, beschaftigt seit, date d entree, date entree, date d embauche, "
    "дата приема, дата приема на работу, data zatrudnienia, datum nastupu, 入职日期, 入社日, 入社年月日",
    left_on="left on, leaving date, leave date, termination date, terminated on, exit date, end date, employment end, relieving date, "
    "last working day, austritt, austrittsdatum, austritt am, date de sortie, date sortie, "
    "дата увольнения, data zwolnienia, datum odchodu, 离职日期, 退社日, 退職日",
    valid_from="valid from, effective date, effective from, gultig ab, wirksam ab, valable des",
    shift="shift, shift name, default shift, rota, schicht, equipe",
)
"""Accepted headings by field; the first is the usual one. `Employee` is the id (Frappe, ERPNext) unless another column is."""

_WORDS = headings(
    yes="yes, y, true, 1, x, active, employed, current, working, full time, fulltime, part time, parttime, permanent, regular, temporary, "
    "temp, fixed term, contract, contractor, freelance, freelancer, consultant, casual, seasonal, hourly, salaried, intern, internship, "
    "trainee, apprentice, working student, probation, on probation, probationary, on leave, parental leave, leave of absence, suspended, "
    "notice period, ja, aktiv, beschaftigt, vollzeit, teilzeit, befristet, unbefristet, festangestellt, minijob, aushilfe, azubi, "
    "auszubildender, auszubildende, praktikant, praktikantin, werkstudent, werkstudentin, probezeit, elternzeit, oui, actif, active, cdi, "
    "cdd, stagiaire, temps plein, temps partiel",
    no="no, n, false, 0, inactive, not active, left, former, terminated, resigned, retired, dismissed, deceased, separated, ended, "
    "departed, offboarded, alumni, nein, inaktiv, nicht aktiv, ausgeschieden, "
    "ausgetreten, rente, pensioniert, verstorben, ehemalig, non, inactif, "
    "parti, sorti, retraite",
)
_YES, _NO = (frozenset(_WORDS[answer]) for answer in ("yes", "no"))
_SPOILT_NUMBER = re.compile(r"\d([.,]\d+)?E\+\d+", re.IGNORECASE)
_DECIMAL = re.compile(r"(\d+)[.,]0+")


class StaffRows:
    """Turns the rows of a list into people and collects messages."""

    def __init__(
        self,
        table: Table,
        stored: Mapping[str, Person],
        now: datetime,
        order: DateOrder | None,
        shifts: Collection[str],
        basis: str = "",
    ) -> None:
        self._table, self._stored, self._now, self._order = table, stored, now, order
        self._shifts, self._basis = {plain(name): name for name in shifts}, basis
        self.messages: list[RowMessage] = list(table.messages)
        self.people: dict[str, Person] = {}
        self.datings: dict[str, Dating] = {}
        self.lines: dict[str, int] = {}
        self._spelling = {spelling(key): key for key in stored}
        self._numbers = self._numbers_as_texts()

    def _numbers_as_texts(self) -> frozenset[str]:
        """Ids that a spreadsheet wrote as numbers, 1042.0 for 1042, and that nobody has in this form; said once."""
        ids = [text for row in self._table.rows if (text := row.text("employee_id")) and text not in self._stored]
        found = [each for each in ids if _DECIMAL.fullmatch(each)]
        if found:
            text = phrase(
                "ids that end in .0, as spreadsheets write numbers ({count}): {id} is read as {bare}",
                count=len(found),
                id=found[0],
                bare=_DECIMAL.sub(r"\1", found[0]),
            )
            self._say(0, "employee_id", text, "warning")
        return frozenset(found)

    def _say(self, line: int, field: str, text: Phrase, level: Literal["error", "warning"] = "error") -> None:
        self.messages.append(RowMessage(line, self._table.headings.get(field, ""), level, text))

    def take(self, row: TableRow) -> None:
        """Turn a row into a person, or into messages."""
        employee_id = self._id(row)
        before = self._stored.get(employee_id, NOBODY)
        person = Person(
            employee_id,
            self._name(row, employee_id),
            # an empty cell keeps the stored value: a list without consents does not withdraw them
            self._cleaned(row, "department", clean_department) or before.department,
            self._cleaned(row, "email", clean_email) or before.email,
            before.enrolled_at,
            self._cleaned(row, "consent_at", self._consent)
            or (before.consent_at if before is not NOBODY else self._basis),
            self._active(row, before.active),
        )
        dating = self._dating(row, person)
        if employee_id in self.lines:
            text = phrase(
                "the id {id} is already in line {line}: remove one of the rows, or correct an id",
                id=employee_id,
                line=self.lines[employee_id],
            )
            self._say(row.line, "employee_id", text)
        elif employee_id:
            self.people[employee_id], self.lines[employee_id] = person, row.line
            self.datings[employee_id] = dating

    def _id(self, row: TableRow) -> str:
        if not row.text("employee_id"):
            name = " ".join(filter(None, (row.text(field) for field in ("name", "first_name", "last_name"))))
            self._say(
                row.line,
                "employee_id",
                phrase("the id is missing for {name}: write it in this cell", name=name)
                if name
                else phrase("the id is missing: write it in this cell"),
            )
            return ""
        employee_id = self._cleaned(row, "employee_id", clean_id)
        if employee_id in self._numbers:
            employee_id = _DECIMAL.sub(r"\1", employee_id)
        other = self._spelling.setdefault(spelling(employee_id), employee_id)
        if employee_id and employee_id not in self._stored and other != employee_id:
            told = {"id": employee_id, "other": other}
            text = (
                phrase("{id} counts as a new person, but {other} exists: did a spreadsheet change the id?", **told)
                if other in self._stored
                else phrase(
                    "{id} counts as a new person, but {other} is in line {line}: did a spreadsheet change the id?",
                    **told,
                    line=self.lines.get(other, "?"),
                )
            )
            self._say(row.line, "employee_id", text, "warning")
        elif _SPOILT_NUMBER.fullmatch(employee_id):
            text = phrase(
                "{id} looks like a long number that a spreadsheet cut short: format the column as text", id=employee_id
            )
            self._say(row.line, "employee_id", text, "warning")
        return employee_id

    def _name(self, row: TableRow, employee_id: str) -> str:
        headings = self._table.headings
        name, first, last = (row.text(field) for field in ("name", "first_name", "last_name"))
        if "name" in headings and "first_name" in headings and "last_name" not in headings:
            name = f"{first} {name}"  # beside a column of first names, `name` is the family name
        elif not name:
            name = f"{first} {last}"
        field = next(field for field in ("name", "last_name", "first_name") if field in headings)
        if not name.strip():
            self._say(
                row.line,
                field,
                phrase("the name of {id} is missing: write it in this cell", id=employee_id)
                if employee_id
                else phrase("the name is missing: write it in this cell"),
            )
            return ""
        if not any(ch.isalpha() for ch in name):
            # a row of sums, or a column of other numbers
            text = phrase("{name} is no name: write the name, or remove the row", name=name.strip())
            self._say(row.line, field, text)
        return self._cleaned(row, field, lambda _: clean_name(name))

    def _cleaned(self, row: TableRow, field: str, clean: Callable[[str], str]) -> str:
        """Return a field as stored; empty if the table has none, or one that cannot be used."""
        try:
            return clean(row.text(field))
        except InputError as error:
            self._say(row.line, field, sentence(error))
            return ""

    def _active(self, row: TableRow, default: bool) -> bool:
        word = plain(row.text("active"))
        if word and word not in _YES | _NO:
            told = row.text("active")
            text = (
                phrase(
                    "it is not known whether {text!r} means employed, so the person stays active: write yes or no",
                    text=told,
                )
                if default
                else phrase(
                    "it is not known whether {text!r} means employed, so the person stays inactive: write yes or no",
                    text=told,
                )
            )
            self._say(row.line, "active", text, "warning")
        return word in _YES if word in _YES | _NO else default

    def _consent(self, text: str) -> str:
        try:
            return clean_consent(text, self._now)
        except InputError as error:
            try:
                day = read_day(text, self._order)
            except NotADay:
                day = None
            if day is None or ":" in text:
                raise error from None
            return clean_consent(day.isoformat(), self._now)

    def _day(self, row: TableRow, field: str) -> date | None:
        try:
            return read_day(row.text(field), self._order) if row.text(field) else None
        except NotADay as error:
            self._say(row.line, field, error.reason)
            return None

    def _dating(self, row: TableRow, person: Person) -> Dating:
        """What the row dates, and warnings where its words and its dates disagree."""
        valid_from, hired_on, left_on = (self._day(row, field) for field in ("valid_from", "hired_on", "left_on"))
        shift = self._shifts.get(plain(row.text("shift"))) if row.text("shift") else None
        if row.text("shift") and shift is None:
            text = phrase(
                "{text!r} is not a shift of the settings, so it is left out: use {names}",
                text=row.text("shift"),
                names=", ".join(self._shifts.values()) or "–",
            )
            self._say(row.line, "shift", text, "warning")
        if hired_on and left_on and left_on < hired_on:
            text = phrase(
                "{last} is before the first day {first}: read as left and hired again; correct it if that is wrong",
                last=left_on,
                first=hired_on,
            )
            self._say(row.line, "left_on", text, "warning")
        left = left_on is not None and left_on < self._now.date()
        if (
            left_on
            and plain(row.text("active"))
            and left is person.active
            and (hired_on is None or hired_on <= left_on)
        ):
            text = phrase(
                "the row says {text!r}, but {day} as the last day: the day counts; correct it if that is wrong",
                text=row.text("active"),
                day=left_on,
            )
            self._say(row.line, "left_on", text, "warning")
        elif (
            not person.active
            and not left_on
            and self._stored.get(person.employee_id, NOBODY).active
            and person.employee_id in self._stored
        ):
            text = phrase(
                "{id} counts as left from today on: a column `left on` gives the last day", id=person.employee_id
            )
            self._say(row.line, "active", text, "warning")
        given = (valid_from, hired_on, left_on, shift)
        return UNDATED if not any(given) else Dating(*given, "staff list")

    def check_dates(self, careers: Mapping[str, Career], today: date) -> set[str]:
        """Apply the dates; return the ids of people whose row or dates change."""
        changed = set()
        for key, person in self.people.items():
            career, before = careers.get(key, NO_CAREER), self._stored.get(key)
            try:
                after = moved(career, before, person, self.datings[key], today)
            except InputError as error:
                self._say(self.lines[key], "left_on", sentence(error))
                continue
            if (person if after is career else person.at(after.on(today))) != before or after.rows != career.rows:
                changed.add(key)
        return changed

    def drop_bad(self) -> None:
        """Leave out the people in rows that have errors."""
        bad = self.bad_lines
        for key in [key for key, line in self.lines.items() if line in bad]:
            self.people.pop(key, None)

    @property
    def bad_lines(self) -> set[int]:
        """Lines with errors."""
        return {message.line for message in self.messages if message.level == "error"}

    def check_emails(self) -> None:
        """Check that no two people, listed or stored, share an address: calendars identify people by it."""
        owners: dict[str, list[str]] = {}
        people = {**self._stored, **self.people}
        for key, person in people.items():
            if person.email:
                owners.setdefault(person.email.casefold(), []).append(key)
        for keys in owners.values():
            for key in keys:
                others = [other for other in keys if other != key]
                if key in self.people and others:
                    self._say(self.lines[key], "email", self._same_address(key, others[0], people[key].email))

    def _same_address(self, key: str, other: str, email: str) -> Phrase:
        told = {"id": key, "other": other, "email": email}
        if line := self.lines.get(other):
            return phrase("{id} and {other} (line {line}) both have {email}: correct one of them", **told, line=line)
        return phrase("{id} and {other} (already stored) both have {email}: correct one of them", **told)
