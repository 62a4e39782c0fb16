"""Scheduled reports by e-mail: queued once when they are due, written and sent from an outbox of their own.

Only ids of reports wait in the outbox, no figures and no names: a report is written when it is sent, so that it shows what holds then,
and nobody whom Muster has forgotten.
"""

from __future__ import annotations

import hashlib
import json
import logging
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import partial
from itertools import takewhile
from pathlib import Path
from urllib.parse import quote

from pydantic import AwareDatetime, BaseModel, ConfigDict, SecretStr, TypeAdapter, ValidationError

from engine.config import Config, ScheduledReport
from engine.errors import ConfigError, InputError, MusterError
from engine.incidents.notifications import (
    Attempts,
    Broker,
    Channels,
    DeliveryRow,
    Message,
    SendResult,
    channel_of,
    channel_of_webhook,
    key_of,
    post_webhook,
    send_apprise,
    understands,
)
from engine.operations.letters import Letter, heads_file, letter
from engine.operations.reporting import AttendanceReports
from engine.operations.schedule import Run, last_run, next_run, runs
from engine.operations.serving import check_installed
from engine.records import note_export
from engine.words import ENGLISH
from engine.workbench import Workbench

log = logging.getLogger(__name__)

STATE = "reports.json"
"""Document of the last report of each schedule."""
ENGINE = "engine"
"""Author of what Muster does by itself."""


class _Queued(BaseModel):
    """The last report of a schedule: its days, and when it was queued (never, if the schedule is new)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    first: date
    last: date
    queued: AwareDatetime | None = None


_STATES = TypeAdapter(dict[str, _Queued])


@dataclass(frozen=True)
class Planned:
    """A scheduled report, as commands and pages show it.

    Attributes:
        recipients: e-mail addresses, and service and host of the webhook.
        following: the next report.
        first, last, queued: the last report and when it was queued; None: there was none yet.
        delivered, waiting, given_up: messages of the last report.
        unknown_departments: of its settings, without anybody.
    """

    report: ScheduledReport
    recipients: tuple[str, ...]
    following: Run
    first: date | None
    last: date | None
    queued: datetime | None
    delivered: int
    waiting: int
    given_up: int
    unknown_departments: tuple[str, ...]


class ReportMail:
    """Sends the scheduled reports of a workspace. Several processes may each have one."""

    def __init__(self, bench: Workbench) -> None:
        self._bench, self._config, self.zone = bench, bench.config.reports, bench.config.zone
        self.outbox = bench.outbox.beside("outbox/reports")
        self._state = bench.store.document(STATE)
        self._attempts = Attempts()

    @property
    def now(self) -> datetime:
        """The present, in the workplace's zone."""
        return self._bench.clock().astimezone(self.zone)

    def report(self, name: str) -> ScheduledReport:
        """Return a scheduled report.

        Raises:
            InputError: the settings have no such report.
        """
        for each in self._config.scheduled:
            if each.name == name:
                return each
        names = ", ".join(each.name for each in self._config.scheduled)
        hint = (
            f"choose one of: {names}"
            if names
            else "add [[reports.scheduled]] to muster.toml, see docs/notifications.md"
        )
        raise InputError(f"there is no scheduled report {name!r}", hint=hint)

    def work(self) -> None:
        """Queue the reports that are due, and deliver what waits; called again and again.

        Raises:
            StorageError: something cannot be read or written; a later call goes on.
        """
        if self._bench.store.writes_sheets:  # recorders on a database may not read whole logs
            self.queue_due()
            self.deliver()

    def queue_due(self) -> int:
        """Queue each report that is due and was not queued yet, at most `catch_up_h` late; return how many.

        A new schedule begins with its next report.

        Raises:
            StorageError: the outbox, the state or the audit log cannot be written.
        """
        if not self._config.scheduled:
            return 0
        now, count = self.now, 0
        with self._state.exclusive():
            states = self._states()
            for report in self._config.scheduled:
                latest = last_run(report, now, self.zone)
                known = states.get(report.name)
                if known is None:
                    states[report.name] = _Queued(first=latest.first, last=latest.last)
                    self._keep(states)
                    continue
                # a clock that was ahead must not silence a report until then
                since = min(known.last, latest.last) + timedelta(days=1)
                for run in takewhile(lambda run: run.due <= now, runs(report, since, self.zone)):
                    late = now - run.due > timedelta(hours=self._config.catch_up_h)
                    if late:
                        log.warning("report %r of %s to %s was missed too long ago", report.name, run.first, run.last)
                    else:
                        self._queue(report, run, now, ENGINE)
                        count += 1
                    states[report.name] = _Queued(first=run.first, last=run.last, queued=None if late else now)
                    self._keep(states)
        return count

    def check(self) -> None:
        """Check that reports can be sent, so that a fault is told at the start rather than when a report is due.

        Raises:
            ConfigError: a package is missing, apprise does not understand `mail_server`, or the key of a webhook cannot be read.
        """
        for report in self._config.scheduled:
            if report.to and not understands(self._address(report.to[0])):
                raise ConfigError(
                    "reports.mail_server: apprise does not understand the address",
                    hint="see docs/notifications.md for how addresses are written",
                )
            if report.webhook is not None:
                key_of(report, self._bench.workspace)
        if any(report.format != "heads" for report in self._config.scheduled):
            check_installed("scheduled reports are", "jinja2", "xlsxwriter")

    def send(self, report: ScheduledReport, run: Run, author: str) -> list[DeliveryRow]:
        """Send a report at once, whatever was sent before; return the attempts (none while another process delivers).

        A message that could not be delivered waits in the outbox.

        Raises:
            StorageError: outbox or logs cannot be written.
        """
        queued = self._queue(report, run, self.now, author)
        return [row for row in self.deliver(everything=True) if row.message_id in queued]

    def deliver(self, *, everything: bool = False) -> list[DeliveryRow]:
        """Try the messages that are due, see `Outbox.drain`; each report is written once for all its addresses.

        Raises:
            StorageError: outbox or log cannot be written.
        """
        return self.outbox.drain(partial(self._try, {}), everything=everything)

    def letter(self, report: ScheduledReport, first: date, last: date) -> Letter:
        """Write a report, see `engine.operations.letters`.

        Raises:
            ConfigError: a package that makes the files is not installed.
            StorageError: the logs cannot be read.
        """
        config = self._bench.config
        language = report.language or config.app.language or "en"
        return letter(AttendanceReports(self._bench), report, first, last, config.organisation, language)

    def plan(self) -> list[Planned]:
        """Return the scheduled reports with their last and next run, in the order of the settings.

        Raises:
            StorageError: state, outbox or log cannot be read.
        """
        if not self._config.scheduled:
            return []
        states, now, waiting = self._states(), self.now, self.outbox.waiting()
        return [
            self._planned(report, states.get(report.name), [each for each in waiting if each.rule == report.name], now)
            for report in self._config.scheduled
        ]

    def _planned(
        self, report: ScheduledReport, last: _Queued | None, waiting: Sequence[Message], now: datetime
    ) -> Planned:
        results: list[str] = []
        if last is not None and last.queued is not None:
            until = last.queued + timedelta(seconds=self._bench.config.notifications.give_up_s)
            rows = self.outbox.log.read(last.queued.date(), min(until, now).date())
            results = [row.result for row in rows if row.rule == report.name and row.timestamp >= last.queued]
        sent = last is not None and last.queued is not None
        return Planned(
            report=report,
            recipients=recipients(report),
            following=next_run(report, now, self.zone),
            first=last.first if last and sent else None,
            last=last.last if last and sent else None,
            queued=last.queued if last else None,
            delivered=results.count("delivered"),
            waiting=len(waiting),
            given_up=results.count("given up"),
            unknown_departments=tuple(self._bench.people.unknown_departments(report.departments)),
        )

    def _queue(self, report: ScheduledReport, run: Run, now: datetime, author: str) -> set[str]:
        """Queue the messages of a report; return their ids, which are the same if it is queued again after a crash."""
        moment = run.due if author == ENGINE else now
        channels = {address: channel_of(self._address(address).get_secret_value()) for address in report.to}
        # the webhook has place 0 and no address: that may be a token
        webhook = {"": channel_of_webhook(report.webhook)} if report.webhook else {}
        messages = [
            Message(
                message_id=_message_id(report, address, moment),
                incident_id="",
                rule=report.name,
                channel=channel,
                place=place,
                created=now,
                next_at=now,
                title=f"{report.name}: {ENGLISH.span(run.first, run.last)}",
                body="",
                facts={"to": address, "first": run.first.isoformat(), "last": run.last.isoformat()},
            )
            for place, (address, channel) in enumerate({**webhook, **channels}.items(), 0 if webhook else 1)
        ]
        self.outbox.queue(messages)
        detail = f"{run.first} to {run.last}, addresses: {len(messages)}, format: {report.format}"
        self._bench.records.note("send_report", report.name, detail, author=author)
        return {message.message_id for message in messages}

    def _address(self, recipient: str) -> SecretStr:
        assert self._config.mail_server is not None  # the settings say so
        return mailbox_to(self._config.mail_server, recipient)

    def _try(self, letters: dict[tuple[str, date, date], Letter], message: Message) -> SendResult:
        """Try once without raising; `letters`: those that are written already."""
        reports = (each for each in self._config.scheduled if each.name == message.rule)
        report = next(reports, None)
        recipient = message.facts["to"]
        if report is None or not (recipient in report.to if recipient else report.webhook):
            return SendResult("refused", "the report or its address is no longer in the settings")
        first, last = (date.fromisoformat(message.facts[key]) for key in ("first", "last"))
        try:
            if (report.name, first, last) not in letters:
                written = letters[report.name, first, last] = self.letter(report, first, last)
                for name, content in written.files.items():
                    note_export(self._bench.records, "write_report", report.name, name, content, author=ENGINE)
            found, where = letters[report.name, first, last], (report.name, recipient)
            if recipient:
                return self._attempts.run(where, lambda: _mail(self._address(recipient), found))
            key = key_of(report, self._bench.workspace)
            return self._attempts.run(where, lambda: self._posted(report, key, message, found, last))
        except MusterError as error:
            return SendResult("retry", str(error))
        except Exception as error:  # noqa: BLE001 - services raise many things, whose texts may hold addresses
            return SendResult("retry", f"failed: {type(error).__name__}")

    def _posted(self, report: ScheduledReport, key: bytes, message: Message, written: Letter, last: date) -> SendResult:
        """Post heads in one line, as `muster verify --against` reads it."""
        assert report.webhook is not None  # the caller looked
        content = {
            "message": message.message_id,
            "rule": report.name,
            "created": message.created.isoformat(),
            "title": written.title,
            "heads": written.files[heads_file(last)].decode(),
        }
        body = json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()
        return post_webhook(report.webhook, key, body, message.message_id, self._bench.clock())

    def _states(self) -> dict[str, _Queued]:
        content = self._state.read()
        try:
            return _STATES.validate_json(content) if content else {}
        except ValidationError:
            log.warning("%s is damaged; scheduled reports begin with the next one", self._state.title)
            return {}

    def _keep(self, states: dict[str, _Queued]) -> None:
        self._state.write(_STATES.dump_json(states, indent=1))


def mailbox_to(mail_server: SecretStr, recipient: str) -> SecretStr:
    """Return the mailbox with a recipient, in apprise's notation."""
    server = mail_server.get_secret_value()
    separator = "&" if "?" in server else "?" if server.endswith("/") else "/?"
    return SecretStr(f"{server}{separator}to={quote(recipient, safe='@')}")


def check_delivery(workspace: Path, config: Config) -> None:
    """Check that notifications, MQTT and reports of some settings could be sent; no server would start with others.

    Raises:
        ConfigError: a package is missing, apprise does not understand an address, or a key cannot be read.
    """
    Channels(workspace, config.notifications, clock=lambda: datetime.now(config.zone))
    if config.mqtt.on:
        Broker(config.mqtt, "muster-check", workspace)
    for report in config.reports.scheduled:
        if report.webhook is not None:
            key_of(report, workspace)
    server = config.reports.mail_server
    if server is not None and not understands(server):
        raise ConfigError(
            "reports.mail_server: apprise does not understand the address",
            hint="see docs/notifications.md for how addresses are written",
        )


def recipients(report: ScheduledReport) -> tuple[str, ...]:
    """Return who gets a report, as it may be printed: e-mail addresses, and service and host of the webhook."""
    return (*report.to, *([channel_of_webhook(report.webhook)] if report.webhook else []))


def _message_id(report: ScheduledReport, address: str, moment: datetime) -> str:
    digest = hashlib.sha256(f"{report.name}\n{address}".encode()).hexdigest()
    return f"{moment:%Y%m%dT%H%M%S}-{digest[:12]}"


def _mail(address: SecretStr, written: Letter) -> SendResult:
    with tempfile.TemporaryDirectory(prefix="muster-report-") as folder:
        paths = [Path(folder) / name for name in written.files]
        for path, content in zip(paths, written.files.values(), strict=True):
            path.write_bytes(content)
        return send_apprise(address, written.title, written.body, paths)
