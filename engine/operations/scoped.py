"""A workbench as somebody sees it who may see the people of some departments only, or nobody but themselves.

A person belongs to a department on the days for which the dated employment says so. A closed day keeps the department of its sealed
sheet. What is not named here does not exist for them: a page that asks for more is refused, so that it cannot forget to filter.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import date
from types import SimpleNamespace
from typing import Any, Never, cast

from engine.access import Departments
from engine.attendance import Closing, Correction, DaySheet, Inside, Request
from engine.attendance.changes import SheetChange
from engine.config.ids import nobody_has
from engine.errors import InputError
from engine.people import AccountEntry, Balance
from engine.records import LeaveView, Outcome
from engine.records.names import replaced
from engine.storage.logs.rows import day_range
from engine.types import NOBODY, Person
from engine.words import phrase
from engine.workbench import Workbench

_ELSEWHERE = "…"


class _Only(SimpleNamespace):
    """Some attributes of an object; all others are refused."""

    def __getattr__(self, name: str) -> Never:
        if name.startswith("__"):
            raise AttributeError(name)
        raise InputError(
            f"this shows people of all departments ({name})", hint="ask an administrator for a role that sees them"
        )


class DepartmentView:
    """Answers about the people of some departments."""

    def __init__(self, whole: Workbench, departments: Departments) -> None:
        self.whole, self.departments = whole, departments

    def person(self, employee_id: str, day: date) -> Person:
        """A person's row as it holds on a day."""
        row = self.whole.people.known().get(employee_id, NOBODY)
        return row.at(self.whole.attendance.rota.position(employee_id, day))

    def sees(self, employee_id: str, day: date) -> bool:
        """Whether a person belongs to the departments on a day."""
        return self.departments.hold(self.person(employee_id, day).department)

    def holds(self, row: DaySheet) -> bool:
        """Whether a row of the sheet is theirs to see."""
        return self.departments.hold(row.department)

    def known(self) -> Mapping[str, Person]:
        """Everybody who belongs or belonged to the departments, in the latest one of these."""
        found: dict[str, Person] = {}
        for employee_id, row in self.whole.people.known().items():
            career = self.whole.people.dated().of(employee_id)
            dated = [each.value for each in career.rows if each.fact == "department"]
            held = [name for name in (*dated, row.department) if self.departments.hold(name)]
            if held:
                found[employee_id] = replace(row, department=held[-1])
        return found

    def readable(self, text: str) -> str:
        """A text from a log, without the ids of people of other departments."""
        own = self.known()
        others = {each: _ELSEWHERE for each in self.whole.people.known() if each not in own}
        return replaced(self.whole.office.readable(text), others) if text else text

    def corrections(self, first: date, last: date) -> list[Correction]:
        """See `CorrectionLog.about_days`."""
        rows = self.whole.attendance.corrections.about_days(first, last)
        return [row for row in rows if self.sees(row.employee_id, row.day)]

    def correct(self, employee_id: str, day: date, action: str, **values: Any) -> Correction:
        """See `Office.correct`; approvals only.

        Raises:
            InputError: it is no approval, or the person is not theirs on that day.
        """
        self._check(employee_id, day, action)
        return self.whole.office.correct(employee_id, day, action, **values)

    def correct_all(
        self, days: Iterable[DaySheet], action: Any, **values: Any
    ) -> list[tuple[Correction, InputError | None]]:
        """See `Office.correct_all`; approvals only.

        Raises:
            InputError: it is no approval, or a person is not theirs on a day; nothing was written.
        """
        wanted = list(days)
        for row in wanted:
            self._check(row.employee_id, row.day, action)
        return self.whole.office.correct_all(wanted, action, **values)

    def _check(self, employee_id: str, day: date, action: str) -> None:
        if action != "approve":
            raise InputError("you may approve corrections, not make them", hint="ask HR")
        if not self.sees(employee_id, day):
            raise nobody_has(employee_id, self.known(), phrase("choose somebody of your departments"))

    def leave(self, first: date, last: date, employee_id: str = "") -> list[LeaveView]:
        """See `LeaveDesk.entries`; an entry has only those days on which the person is theirs."""
        desk, found = self.whole.leave_desk, []
        for each in desk.entries(first, last, employee_id):
            days = day_range(each.entry.first_day, each.entry.last_day)
            own = [day for day in days if self.sees(each.entry.employee_id, day)]
            if len(own) == len(days):
                found.append(each)
            elif own and own[0] <= last and own[-1] >= first:
                entry = replace(each.entry, first_day=own[0], last_day=own[-1])
                found.append(LeaveView(entry, desk.working_days(entry)))
        return found

    def leave_years(self) -> set[int]:
        """Years in which somebody of theirs has leave."""
        rows = self.whole.leave.all()
        return {day.year for row in rows for day in (row.first_day, row.last_day) if self.sees(row.employee_id, day)}

    def balances(self, year: int, employee_id: str = "") -> list[Balance]:
        """See `LeaveDesk.balances`; of people who are theirs today."""
        if employee_id and not self._sees_today(employee_id):
            return []
        found = self.whole.leave_desk.balances(year, employee_id)
        return [each for each in found if self._sees_today(each.employee_id)]

    def account_entries(self, employee_id: str) -> list[AccountEntry]:
        """See `AccountDesk.entries`; of a person who is theirs today."""
        return self.whole.time_accounts.entries(employee_id) if self._sees_today(employee_id) else []

    def _sees_today(self, employee_id: str) -> bool:
        return self.sees(employee_id, self.whole.records.now().date())

    def open_requests(self) -> list[Request]:
        """See `RequestDesk.open`; of people who are theirs on all of the days."""
        return [each for each in self.whole.requests.open() if self._holds(each)]

    def all_requests(self) -> list[Request]:
        """See `RequestDesk.all`; of people who are theirs on all of the days."""
        return [each for each in self.whole.requests.all() if self._holds(each)]

    def outcome(self, request: Request) -> Outcome:
        """See `RequestDesk.outcome`.

        Raises:
            InputError: it is of somebody of other departments.
        """
        return self.whole.requests.outcome(self.request(request.id))

    def request(self, request_id: str) -> Request:
        """See `RequestDesk.find`.

        Raises:
            InputError: there is none, or it is of somebody of other departments.
        """
        found = self.whole.requests.find(request_id)
        if not self._holds(found):
            raise nobody_has(found.asked.employee_id, self.known(), phrase("choose somebody of your departments"))
        return found

    def _deciding(self, decide: Callable[..., Request]) -> Callable[..., Request]:
        """A decision of theirs, about requests of their people alone."""
        return lambda request_id, **values: decide(self.request(request_id).id, **values)

    def _holds(self, request: Request) -> bool:
        row = request.asked
        return all(self.sees(row.employee_id, day) for day in day_range(row.day, row.end))

    def requests(self) -> _Only:
        """What of `RequestDesk` is theirs."""
        desk = self.whole.requests
        return _Only(
            open=self.open_requests,
            all=self.all_requests,
            find=self.request,
            outcome=self.outcome,
            **{name: self._deciding(getattr(desk, name)) for name in ("approve", "decline", "reopen")},
        )

    def changed(self, closing: Closing) -> list[SheetChange]:
        """See `MonthDesk.changed`."""
        found = self.whole.months.changed(closing)
        return [each for each in found if self.sees(each.employee_id, each.day)]


class PersonView:
    """Answers about one person, for themselves."""

    def __init__(self, whole: Workbench, employee_id: str) -> None:
        self.whole, self.employee_id = whole, employee_id

    def sees(self, employee_id: str, day: date) -> bool:
        """Whether somebody is the person."""
        del day
        return employee_id == self.employee_id

    def holds(self, row: DaySheet) -> bool:
        """Whether a row of the sheet is theirs to see."""
        return row.employee_id == self.employee_id

    def known(self) -> Mapping[str, Person]:
        """The person alone."""
        own = self.whole.people.known().get(self.employee_id)
        return {} if own is None else {self.employee_id: own}

    def readable(self, text: str) -> str:
        """A text from a log, without the ids and names of other people."""
        if not text:
            return text
        others = {key: row for key, row in self.whole.people.known().items() if key != self.employee_id}
        words = {word: _ELSEWHERE for key, row in others.items() for word in (key, row.name) if word}
        return self.whole.office.readable(replaced(text, words))

    def corrections(self, first: date, last: date) -> list[Correction]:
        """See `CorrectionLog.about_days`."""
        rows = self.whole.attendance.corrections.about_days(first, last)
        return [row for row in rows if row.employee_id == self.employee_id]

    def inside(self) -> list[Inside]:
        """See `Office.inside`."""
        return [each for each in self.whole.office.inside() if each.employee_id == self.employee_id]

    def leave(self, first: date, last: date) -> list[LeaveView]:
        """See `LeaveDesk.entries`."""
        return self.whole.leave_desk.entries(first, last, self.employee_id)

    def balances(self, year: int) -> list[Balance]:
        """See `LeaveDesk.balances`."""
        return self.whole.leave_desk.balances(year, self.employee_id)


def _common(whole: Workbench) -> dict[str, Any]:
    """What is about nobody."""
    return {
        "workspace": whole.workspace,
        "clock": whole.clock,
        "config": whole.config,
        "settings": _Only(get=whole.settings.get),
    }


def of_person(whole: Workbench, employee_id: str) -> Workbench:
    """Return the workbench as far as it is about one person, for their own record."""
    view, book = PersonView(whole, employee_id), whole.attendance
    own = _Only(
        **_common(whole),
        view=view,
        people=_Only(known=view.known),
        attendance=_Only(day_of=book.day_of, corrections=_Only(about_days=view.corrections)),
        office=_Only(readable=view.readable, inside=view.inside),
        leave_desk=_Only(kinds=whole.leave_desk.kinds, entries=view.leave, balances=view.balances),
    )
    return cast(Workbench, own)


def seen_by(whole: Workbench, departments: Departments | None) -> Workbench:
    """Return the workbench for somebody who sees some departments only; None: everybody, so that it is the whole one."""
    if departments is None:
        return whole
    view, book = DepartmentView(whole, departments), whole.attendance
    own = _Only(
        **_common(whole),
        view=view,
        people=_Only(known=view.known, names=lambda: {key: row.name for key, row in view.known().items()}),
        attendance=_Only(
            rota=book.rota,
            closed=_Only(about=book.closed.about),
            corrections=_Only(about_days=view.corrections),
        ),
        office=_Only(readable=view.readable, correct=view.correct, correct_all=view.correct_all),
        leave_desk=_Only(
            kinds=whole.leave_desk.kinds, entries=view.leave, years=view.leave_years, balances=view.balances
        ),
        months=_Only(changed=view.changed),
        requests=view.requests(),
        time_accounts=_Only(entries=view.account_entries),
    )
    return cast(Workbench, own)
