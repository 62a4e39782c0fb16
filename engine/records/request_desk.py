"""What people ask for about their own record, and what HR or their manager decides.

An approval writes the correction or the leave that was asked for, through the desks that write all others. A correction is made in the name
of who asked and approved by who decided; its id is that of the request, so that it is written once, whoever dies in between.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from typing import Any

from engine.attendance import Correction, DaySheet, Direction, PunchRow, Request, RequestBook, RequestRow
from engine.attendance.corrections import authors, holding, waiting
from engine.config import Half
from engine.config.ids import nobody_has
from engine.errors import InputError
from engine.people import Balance, Leave
from engine.records.books import Records
from engine.records.leave_desk import LeaveDesk, LeaveView
from engine.storage import clean_text
from engine.types import NOBODY, Person
from engine.words import phrase

LONGEST = 500
"""Characters of a reason."""
MOST_OPEN, MOST_A_DAY = 20, 40
"""Requests of one person that may be open, and that they may make within 24 hours."""
_DAY = timedelta(days=1)
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


class RequestDesk:
    """Takes requests, and decides about them in the name of somebody."""

    def __init__(self, records: Records, leave: LeaveDesk) -> None:
        self._records, self._leave = records, leave
        self._attendance = records.attendance
        self._book: RequestBook = records.attendance.requests

    # ------------------------------------------------------------------------------------------- look

    def of(self, employee_id: str) -> list[Request]:
        """Return the requests of one person, the latest first.

        Raises:
            StorageError: the log cannot be read.
        """
        return [each for each in self._book.all() if each.asked.employee_id == employee_id][::-1]

    def all(self) -> list[Request]:
        """Return the requests of everybody in the list of people, the latest first.

        Raises:
            StorageError: the log cannot be read.
        """
        people = self._records.people.known()
        return [each for each in self._book.all() if each.asked.employee_id in people][::-1]

    def open(self) -> list[Request]:
        """Return the requests that wait for a decision, the oldest first.

        Raises:
            StorageError: the log cannot be read.
        """
        people = self._records.people.known()
        return [each for each in self._book.all() if each.state == "open" and each.asked.employee_id in people]

    def find(self, request_id: str) -> Request:
        """Return a request.

        Raises:
            InputError: there is none with this id.
        """
        return self._book.find(request_id)

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
            self._check_open(row.day, row.end)
            after = self._attendance.foreseen(self._corrections(row, request.attempt), people)
        except InputError as error:
            return Outcome(before, before, error, passage=passage)
        return Outcome(before, after, passage=passage)

    def _of_leave(self, row: RequestRow) -> Outcome:
        problem = None
        try:
            self._check_open(row.day, row.end)
            entry = self._entry(row)
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

    # ------------------------------------------------------------------------------------------- ask

    def ask_passage(
        self, employee_id: str, day: date, at: time | datetime, direction: Direction, *, reason: str
    ) -> Request:
        """Ask for a passage that was forgotten.

        Raises:
            InputError: the request makes no sense or is doubled; nothing was written.
            StorageError: it could not be written.
        """
        person = self._asker(employee_id, day)
        if isinstance(at, time):
            at = self._attendance.moment_on(employee_id, day, at, direction, {employee_id: person})
        return self._ask_correction(employee_id, "add", day, reason, time=at, direction=direction)

    def ask_removal(self, employee_id: str, day: date, event_id: str, *, reason: str) -> Request:
        """Say that a recorded passage shows somebody else.

        Raises:
            InputError: the request makes no sense or is doubled; nothing was written.
            StorageError: it could not be written.
        """
        self._asker(employee_id, day)
        made = self._attendance.corrections.about_days(day, day)
        if any((each.action, each.refers_to) == ("remove", event_id) for each in holding(made)):
            raise InputError(phrase("This passage does not count already"), hint=phrase("nothing needs to be done"))
        return self._ask_correction(employee_id, "remove", day, reason, event_id=event_id)

    def ask_hours(self, employee_id: str, day: date, came: time, left: time, *, reason: str) -> Request:
        """Ask for other hours of a day than those that were recorded: its passages then do not count, these two do.

        Args:
            left: at or before `came`: on the next date.

        Raises:
            InputError: the request makes no sense or is doubled; nothing was written.
            StorageError: it could not be written.
        """
        person = self._asker(employee_id, day)
        begin = self._attendance.moment_on(employee_id, day, came, "in", {employee_id: person})
        rota = self._attendance.rota
        same = begin.astimezone(self._records.zone).date()
        end = rota.moment(same if left > came else same + _DAY, left)
        return self._ask_correction(employee_id, "hours", day, reason, time=begin, until=end)

    def ask_leave(
        self,
        employee_id: str,
        kind: str,
        first: date,
        last: date,
        *,
        reason: str = "",
        share: float | None = None,
        half: Half = "",
    ) -> Request:
        """Ask for leave.

        Args:
            kind, share, half: see `LeaveDesk.add`.

        Raises:
            InputError: the request makes no sense or is doubled; nothing was written.
            StorageError: it could not be written.
        """
        self._asker(employee_id, None)
        wanted = RequestRow("", self._records.now(), "ask", employee_id, "leave", first, last, value=kind)
        entry = self._entry(replace(wanted, share=0.5 if half and share is None else share, half=half))
        self._check_employed(employee_id, first)
        self._check_open(first, last)
        if not self._leave.working_days(entry):
            raise InputError(
                phrase("None of these days is a working day"), hint=phrase("give days on which you are expected")
            )
        why = self._reason(reason) if reason.strip() else ""
        return self._write(replace(wanted, value=entry.kind, share=entry.share, half=entry.half, reason=why))

    def _ask_correction(self, employee_id: str, kind: Any, day: date, reason: str, **about: Any) -> Request:
        why = self._reason(reason)
        row = RequestRow("", self._records.now(), "ask", employee_id, kind, day, day, reason=why, **about)
        self._attendance.foreseen(self._corrections(row, ""), self._records.people.known())
        return self._write(row)

    def _write(self, row: RequestRow) -> Request:
        found = self._book.ask(replace(row, author=row.employee_id), lambda known: _check_new(row, known))
        self._records.note("request_ask", row.employee_id, f"{found.id}: {told(found.asked)}", author=row.employee_id)
        return found

    def _asker(self, employee_id: str, day: date | None) -> Person:
        """Check that a person may ask for something about a working day; return their row."""
        people = self._records.people.known()
        if employee_id not in people or not people[employee_id].active:
            raise nobody_has(employee_id, people)
        if day is None:
            return people[employee_id]
        person = people[employee_id]
        if self._records.now() < self._attendance.rota.begins(employee_id, person.department, day):
            raise InputError(
                phrase("{day} has not come yet", day=day), hint=phrase("ask about a day that has been, or for leave")
            )
        self._check_employed(employee_id, day)
        raw = self._attendance.log.raw
        if (purged := raw.journal.purged(raw.name)) is not None and day <= purged:
            raise InputError(
                phrase("Muster keeps no record of {day} any more", day=day),
                hint=phrase("ask HR about days so long ago"),
            )
        self._check_open(day, day)
        return person

    def _check_employed(self, employee_id: str, day: date) -> None:
        """Refuse a day outside of the employment; without dates, one before the enrolment on which nobody saw the person."""
        person = self._records.people.known()[employee_id]
        employed = self._attendance.rota.position(employee_id, day).employed
        if employed is None:
            enrolled = _enrolled(person, self._records)
            employed = enrolled is None or day >= enrolled or bool(self._passages_of(employee_id, person, day))
        if not employed:
            raise InputError(
                phrase("{day} is not within your employment", day=day), hint=phrase("choose another day, or ask HR")
            )

    def _check_open(self, first: date, last: date) -> None:
        if found := self._attendance.closed.about(first, last):
            raise InputError(
                phrase("{first} to {last} is closed for payroll", first=found[0].first, last=found[0].last),
                hint=phrase("HR must reopen it first"),
            )

    def _reason(self, text: str) -> str:
        """Return a reason as it is logged.

        Raises:
            InputError: it is empty, too long, or no line of text.
        """
        if len(text) > LONGEST:
            raise InputError(
                phrase("The reason has {count} characters", count=len(text)),
                hint=phrase("use at most {limit}", limit=LONGEST),
            )
        if any(unicodedata.category(each) in {"Cc", "Zl", "Zp", "Cs"} for each in text):
            raise InputError(
                phrase("The reason has a line break or another control character"), hint=phrase("write it in one line")
            )
        return self._records.names.text(clean_text(text, what="reason", limit=LONGEST))

    # ------------------------------------------------------------------------------------------- decide

    def approve(self, request_id: str, *, author: str, own: str = "", word: str = "", beyond: bool = False) -> Request:
        """Approve a request: write the correction or the leave.

        Args:
            own: id of the person to whom the deciding account belongs, who decides nothing of their own.
            beyond: also if no days of this kind of leave are left for it.

        Raises:
            InputError: it is decided, it is the decider's own, or what it asks for cannot be written; nothing was written.
            StorageError: it could not be written; approving again goes on.
        """
        by = self._decider(author)

        def effect(found: Request) -> None:
            self._check_decider(found, by, own)
            if not self._is_written(found):
                self._carry_out(found, by, beyond=beyond)

        why = self._reason(word) if word.strip() else ""
        return self._decided(request_id, "approve", by, why, effect)

    def decline(self, request_id: str, *, author: str, word: str, own: str = "") -> Request:
        """Decline a request.

        Args:
            own: see `approve`. word: why, which the person reads.

        Raises:
            InputError: it is decided, it is the decider's own, or the word is missing.
            StorageError: it could not be written.
        """
        by, why = self._decider(author), self._reason(word)

        def effect(found: Request) -> None:
            self._check_decider(found, by, own)
            self._check_unwritten(found)

        return self._decided(request_id, "decline", by, why, effect)

    def withdraw(self, request_id: str, *, employee_id: str) -> Request:
        """Withdraw an open request in the name of who made it.

        Raises:
            InputError: it is decided, or somebody else's.
            StorageError: it could not be written.
        """

        def effect(found: Request) -> None:
            if found.asked.employee_id != employee_id:
                raise InputError(
                    phrase("This request is somebody else's"), hint=phrase("who made a request may withdraw it")
                )
            self._check_unwritten(found)

        return self._decided(request_id, "withdraw", employee_id, "", effect)

    def reopen(self, request_id: str, *, author: str, own: str = "") -> Request:
        """Take a decision back: what it wrote is revoked, and the request waits again.

        Raises:
            InputError: the request is not decided, it is the decider's own, or its month was closed meanwhile.
            StorageError: it could not be written; trying again goes on.
        """
        by = self._decider(author)

        def effect(found: Request) -> None:
            self._check_decider(found, by, own)
            if found.state == "approved":
                self._take_back(found, by)

        return self._decided(request_id, "reopen", by, "", effect)

    def finish(self) -> list[Request]:
        """Record the approvals of which a process that was killed wrote the correction or the leave, but not the decision.

        Raises:
            StorageError: something cannot be read or written.
        """
        done = []
        for each in self.open():
            if self._is_written(each):
                by = next((row.author for row in self._written(each) if row.action == "approve"), "engine")
                done.append(self._decided(each.id, "approve", by, "", lambda _found: None))
        return done

    def _decided(self, request_id: str, action: Any, by: str, why: str, effect: Callable[[Request], None]) -> Request:
        made = self._book.decide(
            request_id, action, author=by, reason=why, now=self._records.clock(), effect=effect
        )  # fmt: skip
        detail = f"{request_id}: {told(made.asked)}{f' ({why})' if why else ''}"
        self._records.note(f"request_{action}", made.asked.employee_id, detail, author=by)
        return made

    def _decider(self, author: str) -> str:
        return clean_text(self._records.names.ids(author), what="author", limit=100)

    def _check_decider(self, found: Request, by: str, own: str) -> None:
        theirs = found.asked.employee_id
        if theirs not in self._records.people.known():
            raise nobody_has(theirs, self._records.people.known())
        if theirs.casefold() in {by.casefold(), own.casefold()}:
            raise InputError(phrase("This request is your own"), hint=phrase("somebody else must decide it"))

    # ------------------------------------------------------------------------------------------- what an approval writes

    def _carry_out(self, found: Request, by: str, *, beyond: bool) -> None:
        row, people = found.asked, self._records.people.known()
        self._check_open(row.day, row.end)
        if row.kind != "leave":
            self._attendance.correct_together(self._corrections(row, found.attempt, by), people)
            return
        outcome = self._of_leave(row)
        if outcome.left is not None and outcome.left < 0 and not beyond:
            raise InputError(
                phrase("No days are left for this: {left:g} would remain", left=outcome.left),
                hint=phrase("decline it, or approve it nevertheless"),
            )
        entry = self._entry(row)
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

    def _corrections(self, row: RequestRow, attempt: str, by: str = "") -> list[Correction]:
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

    def _written(self, found: Request) -> list[Correction]:
        """The corrections that the approval of a request wrote."""
        return [each for each in self._held(found.asked) if each.correction_id.startswith(f"{found.attempt}-")]

    def _is_written(self, found: Request) -> bool:
        if found.asked.kind != "leave":
            return bool(self._written(found))
        return any(each.leave_id == _leave_id(found) for each in self._records.leave.all())

    def _check_unwritten(self, found: Request) -> None:
        if self._is_written(found):
            raise InputError(
                phrase("This request was approved already"), hint=phrase("nothing needs to be done")
            )  # fmt: skip

    def _take_back(self, found: Request, by: str) -> None:
        row = found.asked
        if row.kind == "leave":
            if self._is_written(found):
                self._leave.remove(_leave_id(found), author=by, reason=f"request {found.id} was opened again")
            return
        self._check_open(row.day, row.end)
        written, now = self._written(found), self._records.clock()
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

    def _entry(self, row: RequestRow) -> Leave:
        """The leave that a request asks for, checked.

        Raises:
            InputError: it makes no sense, or the person has such leave on one of its days.
        """
        return self._leave.foreseen(row.employee_id, row.value, row.day, row.end, share=row.share, half=row.half)

    def _passages(self, row: RequestRow) -> Sequence[PunchRow]:
        return self._passages_of(row.employee_id, self._records.people.known().get(row.employee_id, NOBODY), row.day)

    def _passages_of(self, employee_id: str, person: Person, day: date) -> Sequence[PunchRow]:
        return self._attendance.periods(employee_id, person, day, day).on(day)


def told(row: RequestRow) -> str:
    """What a request asks for, for the logs: `add out 17:02 on 2026-11-23`."""
    if row.kind == "leave":
        part = f" ({row.half or f'{row.share:g}'})" if row.share is not None else ""
        return f"leave {row.value} {row.day}{f' to {row.end}' if row.end != row.day else ''}{part}"
    what = {
        "add": f"add {row.direction} {row.time:%H:%M}" if row.time else "add",
        "remove": f"remove {row.event_id}",
        "hours": f"hours {row.time:%H:%M} to {row.until:%H:%M}" if row.time and row.until else "hours",
    }[row.kind]
    return f"{what} on {row.day}"


def _leave_id(found: Request) -> str:
    return f"{_STANDING}-{found.id}"


def _bare(row: RequestRow) -> Leave:
    """The leave of a request that cannot be entered as things are."""
    return Leave("", row.employee_id, row.day, row.end, row.value, share=row.share, half=row.half)


def _enrolled(person: Person, records: Records) -> date | None:
    try:
        moment = datetime.fromisoformat(person.enrolled_at)
    except ValueError:
        return None
    return (moment if moment.tzinfo is None else moment.astimezone(records.zone)).date()


def _check_new(row: RequestRow, known: Sequence[Request]) -> None:
    """Refuse a request that is doubled, or one too many.

    Raises:
        InputError: says why.
    """
    own = [each for each in known if each.asked.employee_id == row.employee_id]
    waiting_ones = [each for each in own if each.state == "open"]
    for each in waiting_ones:
        asked = each.asked
        both = asked.kind == row.kind == "leave" and asked.value == row.value
        overlaps = both and asked.day <= row.end and row.day <= asked.end
        other_half = asked.half and row.half and asked.half != row.half
        if asked.subject == row.subject or (overlaps and not other_half):
            raise InputError(
                phrase("You have asked for this already"), hint=phrase("withdraw the first request, or wait")
            )
    if len(waiting_ones) >= MOST_OPEN:
        raise InputError(
            phrase("{count} of your requests are open", count=len(waiting_ones)),
            hint=phrase("wait for a decision, or withdraw one"),
        )
    if sum(row.timestamp - each.asked.timestamp < _DAY for each in own) >= MOST_A_DAY:
        raise InputError(
            phrase("You have made {count} requests within a day", count=MOST_A_DAY), hint=phrase("go on tomorrow")
        )
