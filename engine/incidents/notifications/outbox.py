"""Waiting messages: durable files, one per address, until a message is delivered or given up.

::

    outbox/20261122T204107-5f0c9a1e.json     one message for one address; ids only, no names, no credentials
    outbox/announced/….json                  an incident that is about to be written, until its messages are here
    outbox/staged-….json · told.json         messages on their way here · of which incidents they all are
    outbox/limits.json                       what each rule sent lately about each camera
    outbox/….json.damaged                    unreadable files
    outbox/reports/….json                    the same for scheduled reports, which may take a while: alerts never wait for them
    log/deliveries-2026-11-22.csv            every attempt (append-only)

A process that dies between an incident and its messages leaves the announcement, from which another tells it, and only once. Muster
removes a message after delivery. After a crash in between it sends the message again with the same id: at least once.
"""

from __future__ import annotations

import contextlib
import json
import logging
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Literal
from zoneinfo import ZoneInfo

from pydantic import AwareDatetime, BaseModel, ConfigDict, TypeAdapter, ValidationError

from engine.config import NotificationRule, NotificationsConfig
from engine.errors import StorageError
from engine.incidents.log import INCIDENTS, IncidentRow
from engine.incidents.notifications.rules import Held, Message, compose, matches, targets
from engine.incidents.notifications.webhook import SendResult
from engine.storage import atomic_write, claimed, locked, new_id, parse_json, storage_errors
from engine.storage.logs import FileLogs, Logs, RowType, TypedDayLog

log = logging.getLogger(__name__)

BACK_OFF_S = (10.0, 30.0, 120.0, 600.0, 3600.0)
"""Waits after the first, second, … failed attempt; the last one repeats, and is the longest that a receiver may ask for."""

_REMEMBERED = 2000
"""So many incidents are known to be told."""

Sender = Callable[[Message], SendResult]
Result = Literal["delivered", "retry", "given up"]


@dataclass(frozen=True)
class DeliveryRow:
    """One attempt.

    Attributes:
        delivery_id: sorts by time.
        timestamp: when the attempt ended.
        channel: without credentials.
        result: Muster repeats the attempt after `retry`.
        attempt: counted from 1.
        detail: the receiver's answer.
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
    """What a rule sent about a camera within its `per_s`, and what it has held back since."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    sent: tuple[AwareDatetime, ...] = ()
    held: int = 0
    since: AwareDatetime | None = None


_Limits = dict[str, dict[str, _Window]]
_LIMITS = TypeAdapter(_Limits)


class Outbox:
    """Queues messages and delivers them. Several processes and threads may share a folder, each with its own outbox.

    Args:
        workspace: folder of `outbox/` and `log/`.
        folder: of the messages, within the workspace.
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
        folder: str = "outbox",
    ) -> None:
        self.folder = workspace / folder
        self._limits_path, self._told_path = self.folder / "limits.json", self.folder / "told.json"
        self._announced = self.folder / "announced"
        self._workspace = workspace
        self._logs = logs = logs or FileLogs(workspace / "log")
        self.log = TypedDayLog(logs.daily("deliveries", DELIVERIES.columns), DELIVERIES)
        self._zone = zone
        self._config = config
        self._clock = clock

    def beside(self, folder: str) -> Outbox:
        """Return an outbox of other messages of the workspace, with the same delivery log."""
        return Outbox(self._workspace, self._zone, self._config, clock=self._clock, logs=self._logs, folder=folder)

    def announce(self, row: IncidentRow) -> None:
        """Note durably that an incident is about to be written, so that it is told even if this process dies then.

        Raises:
            StorageError: the note cannot be written.
        """
        if any(matches(rule, row, self._zone) for rule in self._config.rules):
            note = {"incident_id": row.incident_id, "facts": INCIDENTS.texts(row)}
            atomic_write(self._announcement(row.incident_id), json.dumps(note, ensure_ascii=False).encode())

    def reconcile(self, written: Callable[[str], object]) -> int:
        """Queue the messages of incidents that were announced and written, but not told; return how many messages.

        Args:
            written: returns whether the log has an incident, by its id.

        Raises:
            StorageError: a log cannot be read, or the messages cannot be written; another attempt continues.
        """
        self._finish()
        count, now = 0, self._clock()
        for path in sorted(self._announced.glob("[0-9]*.json")):
            with storage_errors(path), contextlib.suppress(FileNotFoundError):
                try:
                    row = INCIDENTS.parse_all([parse_json(path.read_bytes())["facts"]], str(path))[0]
                except (ValueError, KeyError, TypeError, StorageError):
                    _set_aside(path)
                    continue
                if written(row.incident_id):
                    count += self.submit(row)
                elif now.timestamp() - path.stat().st_mtime > self._config.give_up_s:  # it was never written
                    _unlink(path)
        return count

    def _finish(self) -> None:
        """Do what was left of a `submit` whose process died in the middle."""
        if not any(self.folder.glob("staged-*~*.json")):
            return
        with locked(self._limits_path):
            told = self._told()
            for path in sorted(self.folder.glob("staged-*~*.json")):
                if path.name.removeprefix("staged-").partition("~")[0] in told:
                    self._release(path)
                else:
                    _unlink(path)

    def submit(self, row: IncidentRow) -> int:
        """Queue messages durably: one for each address of each rule that applies to an incident and is within its limit.

        An incident is told once, however often this is called.

        Returns:
            How many were queued.

        Raises:
            StorageError: the messages cannot be written; none remains.
        """
        rules = [rule for rule in self._config.rules if matches(rule, row, self._zone)]
        if not rules:
            _unlink(self._announcement(row.incident_id))
            return 0
        now = self._clock().astimezone(self._zone)
        messages: list[Message] = []
        with locked(self._limits_path):
            told = self._told()
            if row.incident_id not in told:
                limits = self._limits()
                for rule in rules:
                    cameras = limits.setdefault(rule.name, {})
                    cameras[row.camera], within, held = _take(rule, cameras.get(row.camera, _Window()), now)
                    if within:
                        messages += self._compose(rule, row, now, held)
                self._queue_once(row.incident_id, messages, limits, told)
            _unlink(self._announcement(row.incident_id))
        return len(messages)

    def _queue_once(self, incident_id: str, messages: Sequence[Message], limits: _Limits, told: Sequence[str]) -> None:
        """Put the messages of an incident into the outbox: all of them as soon as it counts as told, or none."""
        staged = [self.folder / f"staged-{incident_id}~{each.message_id}.json" for each in messages]
        try:
            for path, message in zip(staged, messages, strict=True):
                atomic_write(path, message.model_dump_json(indent=1).encode())
            atomic_write(self._limits_path, _LIMITS.dump_json(limits))
            atomic_write(self._told_path, json.dumps([*told, incident_id][-_REMEMBERED:]).encode())
        except BaseException:
            for path in staged:
                path.unlink(missing_ok=True)
            raise
        for path in staged:
            self._release(path)

    def _release(self, path: Path) -> None:
        """Give a staged message its place among those that wait."""
        with storage_errors(path):
            path.replace(self.folder / path.name.partition("~")[2])

    def _announcement(self, incident_id: str) -> Path:
        return self._announced / f"{incident_id}.json"

    def _told(self) -> list[str]:
        """Return the incidents told last; a damaged file counts as none, because too many messages are better than none."""
        with storage_errors(self._told_path):
            try:
                return [str(each) for each in parse_json(self._told_path.read_bytes())]
            except FileNotFoundError:
                return []
            except (ValueError, TypeError):
                _set_aside(self._told_path)
                return []

    def queue(self, messages: Iterable[Message]) -> None:
        """Queue messages durably; one that already waits is replaced.

        Raises:
            StorageError: a message cannot be written.
        """
        for message in messages:
            self._write(message)

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
            _set_aside(self._limits_path)  # too many messages are better than none
            return {}

    def waiting(self) -> list[Message]:
        """Return the messages not delivered yet, oldest first; damaged files are renamed and logged."""
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
        """Try the messages that are due, oldest first, but an address that failed only once.

        Does nothing while another process drains the outbox.

        Args:
            send: tries once; must not raise.
            everything: also try messages that are not due yet.

        Returns:
            One row per attempt.

        Raises:
            StorageError: outbox or log cannot be written; earlier deliveries stay recorded.
        """
        if not self.folder.is_dir():
            return []
        deliveries: list[DeliveryRow] = []
        failed: set[tuple[str, str, int]] = set()
        with claimed(self.folder / "drain") as mine:
            for message in self.waiting() if mine else ():
                address = (message.rule, message.channel, message.place)
                if address in failed or not (everything or self._due(message)):
                    continue
                if not self._path(message).exists():  # erased since this began: somebody was forgotten
                    continue
                deliveries.append(self._attempt(message, send))
                if deliveries[-1].result == "retry":
                    failed.add(address)
        return deliveries

    def send_once(self, message: Message, send: Sender) -> DeliveryRow:
        """Try a message once that is not in the outbox, such as a test, and log the attempt.

        Raises:
            StorageError: the log cannot be written.
        """
        outcome = send(message)
        delivery = self._delivery(message, "delivered" if outcome.result == "delivered" else "given up", outcome.detail)
        self._record(delivery)
        return delivery

    def _due(self, message: Message) -> bool:
        wait = message.next_at - self._clock()
        # after a clock was set back, a message must not wait longer than the longest wait
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
        finally:  # a full log must not cause a delivered message to be sent again
            if delivery.result == "retry":
                wait = BACK_OFF_S[min(message.attempts, len(BACK_OFF_S) - 1)]
                wait = max(wait, min(outcome.retry_after_s or 0.0, BACK_OFF_S[-1]))
                next_at = min(now + timedelta(seconds=wait), end)
                self._put_off(message.model_copy(update={"attempts": message.attempts + 1, "next_at": next_at}))
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
        self.note([delivery])

    def note(self, deliveries: Sequence[DeliveryRow]) -> None:
        """Log attempts, all of one day.

        Raises:
            StorageError: the log cannot be written.
        """
        with self.log.exclusive():
            self.log.append(deliveries[0].timestamp.date(), list(deliveries))

    def _path(self, message: Message) -> Path:
        return self.folder / f"{message.message_id}.json"

    def _put_off(self, message: Message) -> None:
        """Write a message again, unless it was erased while it was tried."""
        with changing(self.folder):
            if self._path(message).exists():
                self._write(message)

    def _write(self, message: Message) -> None:
        atomic_write(self._path(message), message.model_dump_json(indent=1).encode())


def changing(folder: Path) -> AbstractContextManager[None]:
    """Hold the lock under which the waiting messages of a folder are changed or erased."""
    return locked(folder / "messages")


def _take(rule: NotificationRule, window: _Window, now: datetime) -> tuple[_Window, bool, Held | None]:
    """Count an incident against a rule's limit; return the new window, whether to send, and what was held back before."""
    # times in the future come from a clock that was set back; they do not count
    sent = tuple(time for time in window.sent if timedelta(0) <= now - time < timedelta(seconds=rule.per_s))
    if len(sent) >= rule.limit:
        return _Window(sent=sent, held=window.held + 1, since=window.since or now), False, None
    held = Held(window.held, window.since) if window.held and window.since else None
    return _Window(sent=(*sent, now)), True, held


def _unlink(path: Path) -> None:
    with storage_errors(path):
        path.unlink(missing_ok=True)


def _set_aside(path: Path) -> None:
    try:
        path.replace(path.with_name(f"{path.name}.damaged"))
        log.warning("%s is damaged; it was renamed to %s.damaged", path, path.name)
    except OSError as error:
        log.warning("%s is damaged and cannot be renamed: %s", path, error.strerror)
