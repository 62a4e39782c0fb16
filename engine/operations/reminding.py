"""E-mails about single days and requests: a forgotten punch, requests that wait, and what was decided.

Only ids wait in the outbox. A message is written when it is sent: what somebody has settled meanwhile is told nobody, and an address is
that of the staff list or the account at that time.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from pydantic import AwareDatetime, BaseModel, ConfigDict, SecretStr, ValidationError

from engine.access import Account
from engine.attendance import DaySheet, Request, Status
from engine.errors import MusterError
from engine.incidents.notifications import Attempts, DeliveryRow, Message, SendResult, channel_of, send_apprise
from engine.operations.mailing import mailbox_to
from engine.operations.scoped import seen_by
from engine.words import Words
from engine.workbench import Workbench

log = logging.getLogger(__name__)

STATE = "reminders.json"
FOLDER = "outbox/letters"
FORGOTTEN, WAITING, DECIDED = "reminder of a forgotten punch", "requests that wait", "decision about a request"
DECIDES = "requests.decide"
_LATE = timedelta(days=3)
"""After a break of Muster, so many days are still reminded of."""
_SETTLES = timedelta(minutes=2)
"""A decision is told after so long: it may have been a slip that is taken back at once."""
_OPEN = frozenset({Status.MISSING_IN, Status.MISSING_OUT, Status.ABSENT})


class _Told(BaseModel):
    """Up to when people were told: the latest day of forgotten punches, the day of waiting requests, the moment of decisions."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    forgotten: date
    waiting: date
    decided: AwareDatetime


@dataclass(frozen=True)
class _Letter:
    """An e-mail to one address."""

    to: str
    title: str
    body: str


class Reminders:
    """Reminds people of a workspace. Several processes may each have one."""

    def __init__(self, bench: Workbench) -> None:
        self._bench, self._config, self.zone = bench, bench.config.reminders, bench.config.zone
        self.outbox = bench.outbox.beside(FOLDER)
        self._state = bench.store.document(STATE)
        self._attempts = Attempts()

    def work(self) -> None:
        """Queue what is due, and deliver what waits; called again and again.

        Raises:
            StorageError: something cannot be read or written; a later call goes on.
        """
        if self._bench.store.writes_sheets:  # recorders on a database may not read whole logs
            self.queue_due()
            self.deliver()

    def queue_due(self) -> int:
        """Queue each reminder that is due and was not queued yet; return how many. The first call begins with what comes later.

        Raises:
            StorageError: logs, outbox or state cannot be read or written.
        """
        now = self._bench.clock().astimezone(self.zone)
        today = now.date() if now.time() >= self._config.at else now.date() - timedelta(days=1)
        with self._state.exclusive():
            told = self._told()
            if told is None:
                self._keep(_Told(forgotten=now.date() - timedelta(days=1), waiting=today, decided=now))
                return 0
            messages: list[Message] = []
            if self._config.forgotten:
                first = max(told.forgotten + timedelta(days=1), today - _LATE)
                for offset in range(max(0, (today - first).days)):
                    messages += self._forgotten(first + timedelta(days=offset), now)
            if self._config.requests:
                if today > told.waiting:
                    messages += self._waiting(today, now)
                messages += self._decided(told.decided, now - _SETTLES, now)
            fresh = self._unsent(messages, today - _LATE, now.date())
            self.outbox.queue(fresh)
            self._keep(
                _Told(
                    forgotten=max(told.forgotten, today - timedelta(days=1)),
                    waiting=max(told.waiting, today),
                    decided=max(told.decided, now - _SETTLES),
                )
            )
        return len(fresh)

    def deliver(self, *, everything: bool = False) -> list[DeliveryRow]:
        """Try the messages that are due, see `Outbox.drain`.

        Raises:
            StorageError: outbox or log cannot be written.
        """
        return self.outbox.drain(self._try, everything=everything)

    # ----------------------------------------------------------------------------------------- what is due

    def _unsent(self, messages: Sequence[Message], first: date, last: date) -> list[Message]:
        """Those that were neither delivered nor given up before."""
        if not messages:
            return []
        sent = {row.message_id for row in self.outbox.log.read(first, last) if row.result != "retry"}
        return [each for each in messages if each.message_id not in sent]

    def _forgotten(self, day: date, now: datetime) -> list[Message]:
        people = self._bench.people.known()
        rows = self._bench.attendance.sheets.on(day, people)
        return [
            self._message(FORGOTTEN, row.employee_id, day, now, {"employee_ids": row.employee_id, "day": f"{day}"})
            for row in rows
            if self._is_forgotten(row) and people[row.employee_id].email
        ]

    def _is_forgotten(self, row: DaySheet) -> bool:
        """Whether a day has an odd number of passages, or none on a day of work without leave, and nobody does anything about it yet."""
        known = self._bench.people.known().get(row.employee_id)
        settled = bool(row.corrected_by) or row.pending is not None
        if row.status not in _OPEN or known is None or not known.active or settled:
            return False
        asked = any(
            each.state == "open" and each.asked.day <= row.day <= each.asked.end
            for each in self._bench.requests.of(row.employee_id)
        )
        return not asked and not self._bench.attendance.closed.about(row.day, row.day)

    def _waiting(self, today: date, now: datetime) -> list[Message]:
        return [
            self._message(WAITING, account.id, today, now, {"account": account.id})
            for account in self._bench.bindings.entitled(DECIDES)
            if account.email and account.role != "admin" and self._open_for(account)
        ]

    def _open_for(self, account: Account) -> list[Request]:
        """The requests about which an account may decide."""
        own = self._bench.bindings.person(account)
        found = seen_by(self._bench, account.scope).requests.open()
        return [each for each in found if own is None or each.asked.employee_id != own.employee_id]

    def _decided(self, since: datetime, until: datetime, now: datetime) -> list[Message]:
        people, found = self._bench.people.known(), []
        for each in self._bench.requests.all():
            row = each.decision
            if row is None or row.action == "withdraw" or not since < row.timestamp <= until:
                continue
            who = each.asked.employee_id
            if people[who].email:
                facts = {"employee_ids": who, "request": each.id, "decision": row.request_id}
                found.append(self._message(DECIDED, row.request_id, row.timestamp.date(), now, facts))
        return found

    def _message(self, rule: str, about: str, day: date, now: datetime, facts: dict[str, str]) -> Message:
        """A message whose id is the same if it is queued again after a crash."""
        digest = hashlib.sha256(f"{rule}\n{about}\n{day}".encode()).hexdigest()
        server = self._bench.config.reports.mail_server
        return Message(
            message_id=f"{day:%Y%m%d}T000000-{digest[:12]}",
            incident_id="",
            rule=rule,
            channel=channel_of(server.get_secret_value()) if server else "",
            place=int(digest[:6], 16),
            created=now,
            next_at=now,
            title=rule,
            body="",
            facts=facts,
        )

    # ----------------------------------------------------------------------------------------- what it says

    def _try(self, message: Message) -> SendResult:
        """Try once without raising."""
        server = self._bench.config.reports.mail_server
        if server is None:
            return SendResult("refused", "no mailbox is set")
        try:
            letter = self._letter(message)
            if letter is None or not letter.to:
                return SendResult("refused", "nobody needs to be told any more")
            address: SecretStr = mailbox_to(server, letter.to)
            return self._attempts.run(message.message_id, lambda: send_apprise(address, letter.title, letter.body))
        except MusterError as error:
            return SendResult("retry", str(error))
        except Exception as error:  # noqa: BLE001 - services raise many things, whose texts may hold addresses
            return SendResult("retry", f"failed: {type(error).__name__}")

    def _letter(self, message: Message) -> _Letter | None:
        facts = message.facts
        if message.rule == WAITING:
            return self._of_waiting(facts["account"])
        person = self._bench.people.known().get(facts["employee_ids"])
        if person is None or not person.active:
            return None
        account = self._bench.bindings.account(person.employee_id)
        words = Words((account.language if account else "") or self._bench.config.app.language or "en")
        if message.rule == FORGOTTEN:
            day = date.fromisoformat(facts["day"])
            rows = self._bench.attendance.sheets.between(day, day, self._bench.people.known(), person.employee_id)
            return self._of_forgotten(person.email, rows[0], words) if rows and self._is_forgotten(rows[0]) else None
        found = [each for each in self._bench.requests.of(person.employee_id) if each.id == facts["request"]]
        if not found or found[0].decision is None or found[0].decision.request_id != facts["decision"]:
            return None
        return self._of_decision(person.email, found[0], words)

    def _of_forgotten(self, to: str, row: DaySheet, words: Words) -> _Letter:
        say, day = words.say, words.span(row.day, row.day)
        what = {
            Status.MISSING_OUT: say("Muster saw you come, but not go."),
            Status.MISSING_IN: say("Muster saw you go, but not come."),
        }.get(row.status, say("Muster did not see you, and no leave is entered."))
        lines = [f"{day}: {what}", "", say("If you forgot to punch, ask for a correction.")]
        link = self._link(f"/me?day={row.day}&ask=punch")
        return _Letter(to, say("Forgotten punch? {day}", day=day), "\n".join([*lines, *link]))

    def _of_decision(self, to: str, request: Request, words: Words) -> _Letter:
        decision, say = request.decision, words.say
        assert decision is not None  # the caller looked
        span = words.span(request.asked.day, request.asked.end)
        title = (
            say("Your request was approved: {days}", days=span)
            if request.state == "approved"
            else say("Your request was declined: {days}", days=span)
        )
        why = self._bench.office.readable(decision.reason)
        lines = [
            title,
            *([f"{decision.author}: {why}"] if why else [say("Decided by {author}", author=decision.author)]),
        ]
        return _Letter(to, title, "\n".join([*lines, *self._link("/me")]))

    def _of_waiting(self, account_id: str) -> _Letter | None:
        account = next((each for each in self._bench.bindings.entitled(DECIDES) if each.id == account_id), None)
        count = len(self._open_for(account)) if account is not None else 0
        if account is None or not count:
            return None
        words = Words(account.language or self._bench.config.app.language or "en")
        told = words.say("Open requests: {count}", count=count)
        lines = [told, words.say("Decide about them on the page Requests in Muster."), *self._link("/requests")]
        return _Letter(account.email, told, "\n".join(lines))

    def _link(self, place: str) -> list[str]:
        return ["", f"{self._config.address}{place}"] if self._config.address else []

    # ----------------------------------------------------------------------------------------- state

    def _told(self) -> _Told | None:
        content = self._state.read()
        try:
            return _Told.model_validate_json(content) if content else None
        except ValidationError:
            log.warning("%s is damaged; reminders begin with the next ones", self._state.title)
            return None

    def _keep(self, told: _Told) -> None:
        self._state.write(told.model_dump_json(indent=1).encode())
