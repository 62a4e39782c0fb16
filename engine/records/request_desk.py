"""What people ask for about their own record, and what HR or their manager decides.

An approval writes the correction or the leave that was asked for, through the desks that write all others. A correction is made in the name
of who asked and approved by who decided; its id is that of the request, so that it is written once, whoever dies in between.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from typing import Any

from engine.attendance import Direction, PunchRow, Request, RequestBook, RequestRow
from engine.attendance.corrections import holding
from engine.config import Half
from engine.config.ids import nobody_has
from engine.errors import InputError
from engine.records.books import Records
from engine.records.leave_desk import LeaveDesk
from engine.records.request_effects import Outcome, RequestEffects
from engine.storage import clean_text
from engine.types import Person
from engine.words import phrase

LONGEST = 500
"""Characters of a reason."""
MOST_OPEN, MOST_A_DAY = 20, 40
"""Requests of one person that may be open, and that they may make within 24 hours."""
_DAY = timedelta(days=1)


class RequestDesk:
    """Takes requests, and decides about them in the name of somebody."""

    def __init__(self, records: Records, leave: LeaveDesk) -> None:
        self._records, self._leave = records, leave
        self._effects = RequestEffects(records, leave)
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
        return self._effects.outcome(request)

    def passages(self, employee_id: str, day: date) -> list[PunchRow]:
        """Return the recorded passages of a person's day that count, in order of time.

        Raises:
            StorageError: the logs cannot be read.
        """
        return self._effects.passages(employee_id, day)

    # ------------------------------------------------------------------------------------------- ask

    def ask_passage(
        self, employee_id: str, day: date, at: time | datetime, direction: Direction, *, reason: str
    ) -> Request:
        """Ask for a passage that was forgotten.

        Raises:
            InputError: the request makes no sense or is doubled; nothing was written.
            StorageError: it could not be written.
        """
        person = self._asker_about(employee_id, day)
        if isinstance(at, time):
            at = self._attendance.moment_on(employee_id, day, at, direction, {employee_id: person})
        return self._ask_correction(employee_id, "add", day, reason, time=at, direction=direction)

    def ask_removal(self, employee_id: str, day: date, event_id: str, *, reason: str) -> Request:
        """Say that a recorded passage shows somebody else.

        Raises:
            InputError: the request makes no sense or is doubled; nothing was written.
            StorageError: it could not be written.
        """
        self._asker_about(employee_id, day)
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
        person = self._asker_about(employee_id, day)
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
        self._asker(employee_id)
        wanted = RequestRow("", self._records.now(), "ask", employee_id, "leave", first, last, value=kind)
        entry = self._effects.entry(replace(wanted, share=0.5 if half and share is None else share, half=half))
        self._check_employed(employee_id, first)
        self._effects.check_open(first, last)
        if not self._leave.working_days(entry):
            raise InputError(
                phrase("None of these days is a working day"), hint=phrase("give days on which you are expected")
            )
        why = self._reason(reason) if reason.strip() else ""
        return self._write(replace(wanted, value=entry.kind, share=entry.share, half=entry.half, reason=why))

    def _ask_correction(self, employee_id: str, kind: Any, day: date, reason: str, **about: Any) -> Request:
        why = self._reason(reason)
        row = RequestRow("", self._records.now(), "ask", employee_id, kind, day, day, reason=why, **about)
        self._attendance.foreseen(self._effects.corrections(row, ""), self._records.people.known())
        return self._write(row)

    def _write(self, row: RequestRow) -> Request:
        found = self._book.ask(replace(row, author=row.employee_id), lambda known: _check_new(row, known))
        self._records.note("request_ask", row.employee_id, f"{found.id}: {told(found.asked)}", author=row.employee_id)
        return found

    def _asker(self, employee_id: str) -> Person:
        """Check that a person may ask for something; return their row."""
        people = self._records.people.known()
        if employee_id not in people or not people[employee_id].active:
            raise nobody_has(employee_id, people)
        return people[employee_id]

    def _asker_about(self, employee_id: str, day: date) -> Person:
        """Check that a person may ask for something about a working day; return their row."""
        person = self._asker(employee_id)
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
        self._effects.check_open(day, day)
        return person

    def _check_employed(self, employee_id: str, day: date) -> None:
        """Refuse a day outside of the employment; without dates, one before the enrolment on which nobody saw the person."""
        person = self._records.people.known()[employee_id]
        employed = self._attendance.rota.position(employee_id, day).employed
        if employed is None:
            enrolled = _enrolled(person, self._records)
            employed = enrolled is None or day >= enrolled or bool(self._effects.passages_of(employee_id, person, day))
        if not employed:
            raise InputError(
                phrase("{day} is not within your employment", day=day), hint=phrase("choose another day, or ask HR")
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
            if not self._effects.is_written(found):
                self._effects.carry_out(found, by, beyond=beyond)

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
            self._effects.check_unwritten(found)

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
            self._effects.check_unwritten(found)

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
                self._effects.take_back(found, by)

        return self._decided(request_id, "reopen", by, "", effect)

    def finish(self) -> list[Request]:
        """Record the approvals of which a process that was killed wrote the correction or the leave, but not the decision.

        Raises:
            StorageError: something cannot be read or written.
        """
        done = []
        for each in self.open():
            if self._effects.is_written(each):
                by = next((row.author for row in self._effects.written(each) if row.action == "approve"), "engine")
                done.append(self._decided(each.id, "approve", by, "", lambda _found: None))
        return done

    def _decided(self, request_id: str, action: Any, by: str, why: str, effect: Callable[[Request], None]) -> Request:
        made = self._book.decide(request_id, action, author=by, reason=why, now=self._records.clock(), effect=effect)
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
