"""The log of requests: what people ask to have corrected in their own days, the leave that they ask for, and what became of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Literal
from zoneinfo import ZoneInfo

from engine.attendance.presence import Direction
from engine.config import Half
from engine.errors import InputError
from engine.storage import new_id
from engine.storage.logs import Logs
from engine.storage.logs.rows import RowType, TypedDayLog
from engine.words import phrase

RequestKind = Literal["add", "remove", "hours", "leave", ""]
RequestState = Literal["open", "approved", "declined", "withdrawn"]
Decision = Literal["approve", "decline", "withdraw", "reopen"]

_STATES: dict[str, RequestState] = {
    "approve": "approved",
    "decline": "declined",
    "withdraw": "withdrawn",
    "reopen": "open",
}


@dataclass(frozen=True)
class RequestRow:
    """A request, or what became of one.

    Attributes:
        action: `ask`, or a decision about the request that `refers_to` names; `reopen` takes the decision before it back.
        employee_id: whose day or leave it is, and who asks.
        kind: `add` a passage at `time`, `remove` the passage `event_id`, other `hours` of the day from `time` to `until`, or `leave`
            of the kind `value`. Empty in decisions.
        first, last: days, both included; of a correction the same working day.
        share, half: of each day of leave; None: whole days.
        author: who decided; of a request the person.
        reason: why, in the words of `author`; may be empty for leave and approvals.
    """

    request_id: str
    timestamp: datetime
    action: Literal["ask", "approve", "decline", "withdraw", "reopen"]
    employee_id: str
    kind: RequestKind
    first: date | None = None
    last: date | None = None
    time: datetime | None = None
    until: datetime | None = None
    direction: Direction | None = None
    event_id: str = ""
    value: str = ""
    share: float | None = None
    half: Half = ""
    refers_to: str = ""
    author: str = ""
    reason: str = ""

    @property
    def day(self) -> date:
        """Its first day."""
        return self.first or self.timestamp.date()

    @property
    def end(self) -> date:
        """Its last day."""
        return self.last or self.day

    @property
    def subject(self) -> tuple[object, ...]:
        """What is asked for, whenever and for whichever reason: two requests of one subject are doubled."""
        what = self.value if self.kind == "leave" else self.direction
        return self.employee_id, self.kind, self.first, self.last, self.time, self.until, self.event_id, what, self.half


REQUEST = RowType(RequestRow)


@dataclass(frozen=True)
class Request:
    """A request with the decisions about it, oldest first."""

    asked: RequestRow
    decisions: tuple[RequestRow, ...] = ()

    @property
    def id(self) -> str:
        """The id of the row that asked."""
        return self.asked.request_id

    @property
    def state(self) -> RequestState:
        """What became of it so far."""
        return _STATES[self.decisions[-1].action] if self.decisions else "open"

    @property
    def decision(self) -> RequestRow | None:
        """The decision in force; None: it is open."""
        return self.decisions[-1] if self.decisions and self.state != "open" else None

    @property
    def attempt(self) -> str:
        """Names what an approval writes: another one after a decision was taken back."""
        return f"{self.id}-{1 + sum(row.action == 'reopen' for row in self.decisions)}"


class RequestBook:
    """Writes and reads the log of requests."""

    def __init__(self, logs: Logs, zone: ZoneInfo) -> None:
        self.log = TypedDayLog(logs.daily("requests", REQUEST.columns, ("employee_id", "author")), REQUEST)
        self._zone = zone
        self._known: tuple[object, tuple[Request, ...]] = None, ()

    def all(self) -> tuple[Request, ...]:
        """Return all requests, oldest first; read again only if something was written.

        Raises:
            StorageError: the log cannot be read.
        """
        stamps = tuple(sorted(self.log.raw.stamps().items()))
        if self._known[0] != stamps:
            rows = self.log.on(self.log.days())
            decided: dict[str, list[RequestRow]] = {}
            for row in rows:
                if row.action != "ask":
                    decided.setdefault(row.refers_to, []).append(row)
            asked = (row for row in rows if row.action == "ask")
            self._known = stamps, tuple(Request(row, tuple(decided.get(row.request_id, ()))) for row in asked)
        return self._known[1]

    def find(self, request_id: str) -> Request:
        """Return a request.

        Raises:
            InputError: there is none with this id.
        """
        found = next((each for each in self.all() if each.id == request_id), None)
        if found is None:
            raise InputError(
                phrase("There is no request {request}", request=repr(request_id)),
                hint=phrase("`muster requests list --all` lists them"),
            )
        return found

    def ask(self, wanted: RequestRow, allow: Callable[[tuple[Request, ...]], None]) -> Request:
        """Write a request.

        Args:
            wanted: `timestamp` is the present.
            allow: called with all requests under the log's lock; may raise.

        Raises:
            StorageError: it could not be written.
        """
        now = wanted.timestamp.astimezone(self._zone)
        row = replace(wanted, request_id=new_id(now), timestamp=now)

        def write() -> Request:
            allow(self.all())
            self.log.append(now.date(), [row])
            return Request(row)

        return self.log.repeated(write)

    def decide(
        self,
        request_id: str,
        action: Decision,
        *,
        author: str,
        reason: str,
        now: datetime,
        effect: Callable[[Request], None],
    ) -> Request:
        """Decide about a request; what follows is written first, and only once.

        Args:
            effect: called with the request under the log's lock before the decision is written, and again if an earlier process was
                killed in between; writes what follows unless it is there, and may raise.

        Raises:
            InputError: there is no such request, or its state does not allow the decision.
            StorageError: the decision could not be written; deciding again goes on.
        """
        now = now.astimezone(self._zone)
        row = RequestRow(new_id(now), now, action, "", "", refers_to=request_id, author=author, reason=reason)

        def write() -> Request:
            found = self.find(request_id)
            _check_state(found, action)
            effect(found)
            made = replace(row, employee_id=found.asked.employee_id)
            self.log.append(now.date(), [made])
            return replace(found, decisions=(*found.decisions, made))

        return self.log.repeated(write)


def _check_state(found: Request, action: Decision) -> None:
    if action == "reopen":
        if found.state not in {"approved", "declined"}:
            raise InputError(phrase("This request is not decided"), hint=phrase("only a decision can be taken back"))
        return
    if found.state == "open":
        return
    decision = found.decision
    assert decision is not None
    by = decision.author or decision.employee_id
    text = {
        "approved": phrase("{author} has approved this request already", author=by),
        "declined": phrase("{author} has declined this request already", author=by),
        "withdrawn": phrase("This request was withdrawn"),
    }[found.state]
    raise InputError(text, hint=phrase("nothing needs to be done"))
