"""Work beside the cameras: close days, erase expired data, deliver messages, publish."""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import Callable, Iterator

from engine.errors import MusterError, Tampered
from engine.incidents.notifications import Channels, Courier
from engine.operations.mailing import ReportMail
from engine.operations.memory import keep_for_recording
from engine.operations.mqtt import Publisher
from engine.operations.reminding import Reminders
from engine.workbench import Workbench

log = logging.getLogger(__name__)

_JOIN_S = 5.0
_SHEETS_S = 10.0
"""How often day sheets are exported if recorders write to a database."""
_ERASURES_S = 2.0
"""How often to look whether somebody was erased on another machine, which costs nothing while nobody was."""
_REPORTS_S = 20.0
"""How often scheduled reports are looked for."""
_MEMORY_S = 5.0
"""How often freed memory goes back to the system."""


@contextlib.contextmanager
def upkeep(work: Callable[[], object], every_s: float = 3600.0) -> Iterator[None]:
    """Call `work` at once and then every `every_s` seconds, in a thread of its own; failures are logged, and it is tried again."""
    closing = threading.Event()

    def run() -> None:
        while True:
            try:
                work()
            except MusterError as error:
                log.warning("upkeep is put off: %s", error)
            except Exception:
                log.exception("upkeep is put off")
            if closing.wait(every_s):
                return

    thread = threading.Thread(target=run, name="upkeep", daemon=True)
    thread.start()
    try:
        yield
    finally:
        closing.set()
        thread.join(_JOIN_S)


def _keep_house(bench: Workbench) -> None:
    """Seal what is not sealed yet, apply dated changes of people, close days that are over, erase expired data."""
    if bench.records.seals is not None:
        bench.records.seals.adopt()
    try:
        for employee_id in bench.people.take_effect():
            bench.records.note("change_person", employee_id, "employment", author="engine")
    except Tampered as error:  # the rest does not depend on it
        log.warning("dated changes of people wait: %s", error)
    bench.requests.finish()
    bench.records.close(bench.clock(), bench.people.known())
    bench.privacy.purge_in_time(author="engine")


class _SaidOnce:
    """Work that is repeated every other second: what goes wrong is logged once, as long as it is the same."""

    def __init__(self, work: Callable[[], object]) -> None:
        self._work, self._told = work, ""

    def __call__(self) -> None:
        try:
            self._work()
            self._told = ""
        except MusterError as error:
            if str(error) != self._told:
                log.error("somebody who was erased is not erased on this machine yet: %s", error)
            self._told = str(error)


@contextlib.contextmanager
def returning_memory() -> Iterator[None]:
    """Keep memory as suits recording, and within the context return what is free regularly; enter it before threads begin."""
    with upkeep(keep_for_recording(), _MEMORY_S):
        yield


@contextlib.contextmanager
def delivering(bench: Workbench) -> Iterator[None]:
    """Within the context, deliver notifications.

    Raises:
        ConfigError: a notification rule cannot be followed.
    """
    rules = bench.config.notifications
    with contextlib.ExitStack() as stack:
        if rules.rules:
            channels = Channels(bench.workspace, rules, clock=bench.clock)
            courier = Courier(
                bench.outbox, channels.send, interval_s=rules.interval_s, written=bench.incidents.log.find
            )
            stack.callback(courier.close)
        yield


@contextlib.contextmanager
def attended(bench: Workbench) -> Iterator[None]:
    """Within the context, deliver notifications, publish to the MQTT broker, send scheduled reports, close days that are over,
    apply dated changes of people, erase expired data and whoever was erased on another machine.

    Raises:
        ConfigError: a notification rule cannot be followed, or a scheduled report cannot be sent.
    """

    def keep_house() -> None:
        if bench.store.writes_sheets:
            _keep_house(bench)
        else:  # a recorder: others do the rest of this work
            bench.privacy.purge_in_time(author="engine")

    def follow() -> None:
        if bench.store.writes_sheets:
            bench.attendance.keeper.follow(bench.clock(), bench.people.known())

    mail = ReportMail(bench)
    mail.check()
    with upkeep(keep_house), contextlib.ExitStack() as stack:
        if bench.config.store:
            stack.enter_context(upkeep(follow, _SHEETS_S))
            stack.enter_context(upkeep(_SaidOnce(bench.privacy.catch_up), _ERASURES_S))
        stack.enter_context(delivering(bench))
        if bench.config.mqtt.on:
            stack.callback(Publisher(bench).close)
        if bench.config.reminders.wanted:
            stack.enter_context(upkeep(Reminders(bench).work, _REPORTS_S))
        if bench.config.reports.scheduled:
            stack.enter_context(upkeep(mail.work, _REPORTS_S))
        yield
