"""Messages on their way: durable files, one for each address, until they are delivered or given up.

::

    outbox/20261122T204107-5f0c9a1e.json     one message for one address; ids only, no names, no credentials
    outbox/limits.json                       what each rule told of each camera lately
    outbox/….json.damaged                    files that could not be read
    log/deliveries-2026-11-22.csv            every attempt (append-only)

A message is removed after it was delivered. A crash in between sends it again, with the same message id: at least once.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Literal
from zoneinfo import ZoneInfo

from filelock import FileLock, Timeout
from pydantic import AwareDatetime, BaseModel, ConfigDict, TypeAdapter, ValidationError

from engine.config import NotificationRule, NotificationsConfig
from engine.incidents.log import IncidentRow
from engine.incidents.notifications.rules import Held, Message, compose, matches, targets
from engine.incidents.notifications.webhook import SendResult
from engine.storage import atomic_write, locked, new_id, storage_errors
from engine.storage.logs import FileLogs, Logs, RowType, TypedDayLog

log = logging.getLogger(__name__)

BACK_OFF_S = (10.0, 30.0, 120.0, 600.0, 3600.0)
"""Waits after the first, second, … failed attempt; the last one repeats, and bounds what a receiver may ask for."""

Sender = Callable[[Message], SendResult]
Result = Literal["delivered", "retry", "given up"]


@dataclass(frozen=True)
class DeliveryRow:
    """One attempt, as it stands in the log.

    Attributes:
        delivery_id: unique, sorts by time.
        timestamp: when it ended.
        message_id, incident_id, rule, channel: what went where; the channel without credentials.
        result: `retry` will be tried again.
        attempt: running number of the attempt, from 1.
        detail: what the receiver said.
    """

    delivery_id: str
    timestamp: datetime
    message_id: str
    incident_id: str
    rule: str
    channel: str
    result: Result
    attempt: int
    detail: str


DELIVERIES = RowType(DeliveryRow)


class _Window(BaseModel):
    """What a rule told of a camera within its `per_s`, and what it kept back since."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    sent: tuple[AwareDatetime, ...] = ()
    held: int = 0
    since: AwareDatetime | None = None


_Limits = dict[str, dict[str, _Window]]
_LIMITS = TypeAdapter(_Limits)


class Outbox:
    """Queues messages and delivers them. Several processes and threads may use one folder, each with an outbox of its own.

    Args:
        workspace: folder that holds `outbox/` and `log/`.
        zone: the workplace's time zone.
        config: the rules.
        clock: timezone-aware time.
        logs: makes the delivery log; default: files in the workspace.
    """

    def __init__(
        self,
        workspace: Path,
        zone: ZoneInfo,
        config: NotificationsConfig,
        *,
        clock: Callable[[], datetime],
        logs: Logs | None = None,
    ) -> None:
        self.folder = workspace / "outbox"
        self._limits_path = self.folder / "limits.json"
        self.log = (logs or FileLogs(workspace / "log")).daily("deliveries", DELIVERIES.columns)
        self.rows = TypedDayLog(self.log, DELIVERIES)
        self._zone = zone
        self._config = config
        self._clock = clock

    def submit(self, row: IncidentRow) -> int:
        """Queue the messages that the rules want for an incident; when this returns, they survive a crash.

        Args:
            row: the incident.

        Returns:
            How many were queued: one for each address of each rule that applies and is within its limit.

        Raises:
            StorageError: they could not be written; none is left behind.
        """
        rules = [rule for rule in self._config.rules if matches(rule, row, self._zone)]
        if not rules:
            return 0
        now = self._clock().astimezone(self._zone)
        messages: list[Message] = []
        with locked(self._limits_path):
            limits = self._limits()
            for rule in rules:
                cameras = limits.setdefault(rule.name, {})
                cameras[row.camera], within, held = _take(rule, cameras.get(row.camera, _Window()), now)
                if within:
                    messages += self._compose(rule, row, now, held)
            try:
                for message in messages:
                    self._write(message)
                atomic_write(self._limits_path, _LIMITS.dump_json(limits))
            except BaseException:
                for message in messages:
                    self._path(message).unlink(missing_ok=True)
                raise
        return len(messages)

    def _compose(self, rule: NotificationRule, row: IncidentRow, now: datetime, held: Held | None) -> list[Message]:
        return [
            compose(rule, target, row, message_id=new_id(now), now=now, zone=self._zone, held=held)
            for target in targets(rule)
        ]

    def _limits(self) -> _Limits:
        try:
            return _LIMITS.validate_json(self._limits_path.read_bytes())
        except FileNotFoundError:
            return {}
        except (OSError, ValidationError):
            _set_aside(self._limits_path)  # rather some messages too many than none
            return {}

    def waiting(self) -> list[Message]:
        """Messages that are not delivered yet, oldest first. Files that cannot be read are set aside and told."""
        messages = []
        for path in sorted(self.folder.glob("[0-9]*.json")):
            try:
                message = Message.model_validate_json(path.read_bytes())
            except FileNotFoundError:
                continue  # another process has just delivered it
            except ValidationError:
                _set_aside(path)
                continue
            except OSError as error:
                log.warning("%s cannot be read: %s", path, error.strerror)
                continue
            if message.message_id == path.stem:
                messages.append(message)
            else:
                _set_aside(path)
        return messages

    def drain(self, send: Sender, *, everything: bool = False) -> list[DeliveryRow]:
        """Try what is due, oldest first. An address that fails is not tried again in the same drain.

        One process drains at a time: while another does, nothing is tried and the answer is empty.

        Args:
            send: tries once; must not raise.
            everything: also try what is not due yet.

        Returns:
            One row for each attempt.

        Raises:
            StorageError: the outbox or the log cannot be written. What was delivered before is not lost.
        """
        if not self.folder.is_dir():
            return []
        lock = FileLock(self.folder / ".drain.lock", timeout=0)
        with storage_errors(self.folder):
            try:
                lock.acquire()
            except Timeout:
                return []
        try:
            deliveries: list[DeliveryRow] = []
            failed: set[tuple[str, str, int]] = set()
            for message in self.waiting():
                address = (message.rule, message.channel, message.place)
                if address in failed or not (everything or self._due(message)):
                    continue
                deliveries.append(self._attempt(message, send))
                if deliveries[-1].result == "retry":
                    failed.add(address)
            return deliveries
        finally:
            lock.release()

    def send_once(self, message: Message, send: Sender) -> DeliveryRow:
        """Try a message that is not in the outbox, such as a test, once; the attempt is logged, the message is not kept.

        Raises:
            StorageError: the log cannot be written.
        """
        outcome = send(message)
        delivery = self._delivery(message, "delivered" if outcome.result == "delivered" else "given up", outcome.detail)
        self._record(delivery)
        return delivery

    def _due(self, message: Message) -> bool:
        wait = message.next_at - self._clock()
        # a clock that was set back must not hold a message for longer than any wait could be
        return wait <= timedelta(0) or wait > timedelta(seconds=BACK_OFF_S[-1])

    def _attempt(self, message: Message, send: Sender) -> DeliveryRow:
        outcome = send(message)
        now = self._clock().astimezone(self._zone)
        end = message.created + timedelta(seconds=self._config.give_up_s)
        if outcome.result == "delivered":
            delivery = self._delivery(message, "delivered", outcome.detail)
        elif outcome.result == "refused" or now >= end:
            delivery = self._delivery(message, "given up", outcome.detail)
            log.error("message %s to %s is given up: %s", message.message_id, message.channel, outcome.detail)
        else:
            delivery = self._delivery(message, "retry", outcome.detail)
            if not message.attempts:
                log.warning("message %s to %s waits: %s", message.message_id, message.channel, outcome.detail)
        try:
            self._record(delivery)
        finally:  # a message that is out must not be sent again only because the log is full
            if delivery.result == "retry":
                wait = BACK_OFF_S[min(message.attempts, len(BACK_OFF_S) - 1)]
                wait = max(wait, min(outcome.retry_after_s or 0.0, BACK_OFF_S[-1]))
                next_at = min(now + timedelta(seconds=wait), end)
                self._write(message.model_copy(update={"attempts": message.attempts + 1, "next_at": next_at}))
            else:
                with storage_errors(self._path(message)):
                    self._path(message).unlink(missing_ok=True)
        return delivery

    def _delivery(self, message: Message, result: Result, detail: str) -> DeliveryRow:
        now = self._clock().astimezone(self._zone)
        return DeliveryRow(
            delivery_id=new_id(now),
            timestamp=now,
            message_id=message.message_id,
            incident_id=message.incident_id,
            rule=message.rule,
            channel=message.channel,
            result=result,
            attempt=message.attempts + 1,
            detail=detail,
        )

    def _record(self, delivery: DeliveryRow) -> None:
        with self.log.exclusive():
            self.rows.append(delivery.timestamp.date(), [delivery])

    def _path(self, message: Message) -> Path:
        return self.folder / f"{message.message_id}.json"

    def _write(self, message: Message) -> None:
        atomic_write(self._path(message), message.model_dump_json(indent=1).encode())


def _take(rule: NotificationRule, window: _Window, now: datetime) -> tuple[_Window, bool, Held | None]:
    """Count an incident against a rule's limit: the new window, whether it may be told, and what is told with it."""
    # times that lie ahead are of a clock that was set back; they do not count
    sent = tuple(time for time in window.sent if timedelta(0) <= now - time < timedelta(seconds=rule.per_s))
    if len(sent) >= rule.limit:
        return _Window(sent=sent, held=window.held + 1, since=window.since or now), False, None
    held = Held(window.held, window.since) if window.held and window.since else None
    return _Window(sent=(*sent, now)), True, held


def _set_aside(path: Path) -> None:
    try:
        path.replace(path.with_name(f"{path.name}.damaged"))
        log.warning("%s is damaged; it was renamed to %s.damaged", path, path.name)
    except OSError as error:
        log.warning("%s is damaged and cannot be renamed: %s", path, error.strerror)
