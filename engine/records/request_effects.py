"""What the approval of a request writes: the correction or the leave that was asked for, and how it is revoked.

A correction is made in the name of who asked and approved by who decided; its id begins with that of the request, so that it is written
once, whoever dies in between.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from engine.attendance import Correction, DaySheet, PunchRow, Request, RequestRow
from engine.attendance.corrections import authors, holding, waiting
from engine.errors import InputError
from engine.people import Balance, Leave
from engine.records.books import Records
from engine.records.leave_desk import LeaveDesk, LeaveView
from engine.types import NOBODY, Person
from engine.words import phrase

_STANDING = "request"
"""Leave that a request brought begins with this word and the request's id."""


@dataclass(frozen=True)
class Outcome:
    """What a request would change.

    Attributes:
        before, after: the day of a correction as it is and as it would be; None: nobody would be seen or expected.
        problem: why it cannot be approved as things are; None: it can.
        days: working days of the leave. balance: of its kind and year, before it; None: not of leave, or the kind has none.
        others: leave of colleagues of the same department on these days.
        passage: that somebody calls not theirs.
    """

    before: DaySheet | None = None
    after: DaySheet | None = None
    problem: InputError | None = None
    days: float = 0.0
    balance: Balance | None = None
    others: tuple[LeaveView, ...] = ()
    passage: PunchRow | None = None

    @property
    def left(self) -> float | None:
        """Days of this kind that would remain; None: the kind has no balance."""
        left = self.balance.left if self.balance else None
        return None if left is None else round(left - self.days, 2)


class RequestEffects:
    """Writes and foresees what requests ask for."""

    def __init__(self, records: Records, leave: LeaveDesk) -> None:
        self._records, self._leave, self._attendance = records, leave, records.attendance

    def outcome(self, request: Request) -> Outcome:
        """Return what an approval would change.

        Raises:
            StorageError: the logs cannot be read.
        """
        row = request.asked
        if row.kind == "leave":
            return self._of_leave(row)
        people = self._records.people.known()
        before = next(iter(self._attendance.sheets.between(row.day, row.day, people, row.employee_id)), None)
        passage = next((each for each in self._passages(row) if each.event_id == row.event_id), None)
        try:
            self.check_open(row.day, row.end)
            after = self._attendance.foreseen(self.corrections(row, request.attempt), people)
        except InputError as error:
            return Outcome(before, before, error, passage=passage)
        return Outcome(before, after, passage=passage)

    def _of_leave(self, row: RequestRow) -> Outcome:
        problem = None
        try:
            self.check_open(row.day, row.end)
            entry = self.entry(row)
        except InputError as error:
            problem, entry = error, _bare(row)
        found = self._leave.balances(row.day.year, row.employee_id)
        balance = next((each for each in found if each.kind == entry.kind and each.left is not None), None)
        people = self._records.people.known()
        own = people.get(row.employee_id, NOBODY).department
        others = [
            each
            for each in self._leave.entries(row.day, row.end)
            if each.entry.employee_id != row.employee_id
            and own
            and people.get(each.entry.employee_id, NOBODY).department == own
        ]
        days = self._leave.working_days(entry)
        return Outcome(problem=problem, days=days, balance=balance, others=tuple(others))

    def check_open(self, first: date, last: date) -> None:
        """Refuse days of a closed month.

        Raises:
            InputError: one of the days is closed.
        """
        if found := self._attendance.closed.about(first, last):
            raise InputError(
                phrase("{first} to {last} is closed for payroll", first=found[0].first, last=found[0].last),
                hint=phrase("HR must reopen it first"),
            )

    def carry_out(self, found: Request, by: str, *, beyond: bool) -> None:
        """Write the correction or the leave, in the name of who decided.

        Args:
            beyond: also if no days of this kind of leave are left.

        Raises:
            InputError: it cannot be written as things are; nothing was.
            StorageError: it could not be written.
        """
        row, people = found.asked, self._records.people.known()
        self.check_open(row.day, row.end)
        if row.kind != "leave":
            self._attendance.correct_together(self.corrections(row, found.attempt, by), people)
            return
        outcome = self._of_leave(row)
        if outcome.left is not None and outcome.left < 0 and not beyond:
            raise InputError(
                phrase("No days are left for this: {left:g} would remain", left=outcome.left),
                hint=phrase("decline it, or approve it nevertheless"),
            )
        entry = self.entry(row)
        self._leave.add(
            row.employee_id,
            entry.kind,
            row.day,
            row.end,
            author=by,
            reason=f"request {found.id}",
            share=entry.share,
            half=entry.half,
            leave_id=_leave_id(found),
            reference=found.id,
        )

    def corrections(self, row: RequestRow, attempt: str, by: str = "") -> list[Correction]:
        """What a request asks for as corrections of its day, in the name of who asked, and the approval by who decides.

        Args:
            attempt: see `Request.attempt`.
        """
        now = self._records.clock()

        def correction(action: str, author: str, **about: Any) -> Correction:
            return Correction("", now, row.day, row.employee_id, action, author=author, reason=row.reason, **about)

        before = self._held(row)
        if row.kind == "add":
            wanted = [correction("add", row.employee_id, time=row.time, direction=row.direction)]
        elif row.kind == "remove":
            wanted = [correction("remove", row.employee_id, refers_to=row.event_id)]
        else:
            gone = {each.refers_to for each in holding(before) if each.action == "remove"}
            rows = [each.event_id for each in self._passages(row) if each.event_id not in gone]
            wanted = [correction("remove", row.employee_id, refers_to=each) for each in rows]
            added = (each.correction_id for each in holding(before) if each.action != "remove")
            wanted += [correction("revoke", row.employee_id, refers_to=each) for each in added]
            wanted.append(correction("add", row.employee_id, time=row.time, direction="in"))
            wanted.append(correction("add", row.employee_id, time=row.until, direction="out"))
        # whoever made a correction of this day that waits does not approve it along with this one
        if not waiting(before) and (by.casefold() not in authors(before) or not self._four_eyes):
            wanted.append(correction("approve", by or "engine"))
        return [replace(each, correction_id=f"{attempt}-{place}") for place, each in enumerate(wanted, 1)]

    @property
    def _four_eyes(self) -> bool:
        return self._attendance.plan.config.four_eyes

    def _held(self, row: RequestRow) -> list[Correction]:
        made = self._attendance.corrections.about_days(row.day, row.day)
        return [each for each in made if each.employee_id == row.employee_id]

    def written(self, found: Request) -> list[Correction]:
        """The corrections that the approval of a request wrote."""
        return [each for each in self._held(found.asked) if each.correction_id.startswith(f"{found.attempt}-")]

    def is_written(self, found: Request) -> bool:
        """Whether what the request asks for was written by an approval that holds, or whose process was killed."""
        if found.asked.kind != "leave":
            return bool(self.written(found))
        return any(each.leave_id == _leave_id(found) for each in self._records.leave.all())

    def check_unwritten(self, found: Request) -> None:
        """Refuse another decision when an approval has written something already.

        Raises:
            InputError: it has.
        """
        if self.is_written(found):
            raise InputError(phrase("This request was approved already"), hint=phrase("nothing needs to be done"))

    def take_back(self, found: Request, by: str) -> None:
        """Revoke what an approval wrote.

        Raises:
            InputError: the month was closed meanwhile.
            StorageError: it could not be written.
        """
        row = found.asked
        if row.kind == "leave":
            if self.is_written(found):
                self._leave.remove(_leave_id(found), author=by, reason=f"request {found.id} was opened again")
            return
        self.check_open(row.day, row.end)
        written, now = self.written(found), self._records.clock()
        about = (now, row.day, row.employee_id)
        why = f"request {found.id} was opened again"
        wanted = [
            Correction("", *about, "revoke", refers_to=each.correction_id, author=row.employee_id, reason=why)
            for each in holding(self._held(row))
            if each in written
        ]
        if wanted and any(each.action == "approve" for each in written):
            wanted.append(Correction("", *about, "approve", author=by, reason=why))
        if wanted:
            self._attendance.correct_together(wanted, self._records.people.known())

    def entry(self, row: RequestRow) -> Leave:
        """The leave that a request asks for, checked.

        Raises:
            InputError: it makes no sense, or the person has such leave on one of its days.
        """
        return self._leave.foreseen(row.employee_id, row.value, row.day, row.end, share=row.share, half=row.half)

    def _passages(self, row: RequestRow) -> Sequence[PunchRow]:
        return self.passages_of(row.employee_id, self._records.people.known().get(row.employee_id, NOBODY), row.day)

    def passages_of(self, employee_id: str, person: Person, day: date) -> Sequence[PunchRow]:
        """The recorded passages of a person's day, those that do not count included."""
        return self._attendance.periods(employee_id, person, day, day).on(day)

    def passages(self, employee_id: str, day: date) -> list[PunchRow]:
        """Return the recorded passages of a person's day that count, in order of time.

        Raises:
            StorageError: the logs cannot be read.
        """
        person = self._records.people.known().get(employee_id, NOBODY)
        made = self._attendance.corrections.about_days(day, day)
        gone = {each.refers_to for each in holding(made) if each.action == "remove"}
        return [each for each in self.passages_of(employee_id, person, day) if each.event_id not in gone]


def _leave_id(found: Request) -> str:
    return f"{_STANDING}-{found.id}"


def _bare(row: RequestRow) -> Leave:
    """The leave of a request that cannot be entered as things are."""
    return Leave("", row.employee_id, row.day, row.end, row.value, share=row.share, half=row.half)
