"""Runs the parts of a site, each in a process of its own, and starts again what ends.

The supervisor is small and does no work itself, so that it has no reason to fail: no networks, no pages, no logs of people. If it is
killed, its parts end by themselves: each is started with `--with-input` and ends when the pipe from here closes.
"""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from engine.masking import veiled
from engine.operations.standing import PartStanding, PartState

log = logging.getLogger(__name__)

_PAUSE_S, _LONGEST_S, _BRIEF_S = 0.5, 30.0, 4.0
"""Waits before a part is started again: the first; the longest; the longest for a part that had been running."""
_STEADY_S = 60.0
"""A part that ran for so long has left its trouble behind."""
_EPISODE_S = 600.0
"""What happens within this time after a part ended belongs to the same incident."""
_PATIENCE_S = 25.0
_TICK_S = 0.1
_ASKED_EVERY_S, _DEAF = 3.0, 20
"""How often a part is asked whether it is well, and how many times it may fail to answer before it is killed."""


@dataclass(frozen=True)
class WantedPart:
    """What is to run.

    Attributes:
        name: shown to people, such as `recorder`.
        command: module and arguments.
        settings: what it was started with; a part with others is started anew.
        reloads: it takes SIGHUP and reads the settings again.
        after_s: how long after the first part it starts, so that those before have the processor; at the first start only.
        well: whether its process, by its id, does its work; asked in a thread beside.
    """

    name: str
    command: tuple[str, ...]
    settings: str = ""
    reloads: bool = False
    after_s: float = 0.0
    well: Callable[[int], bool] = lambda _pid: True


class _Running:
    """One part and its process."""

    def __init__(self, part: WantedPart, due: float, told_until: float) -> None:
        self.part, self.due = part, due
        self.process: subprocess.Popen[bytes] | None = None
        self.state: PartState = "starting"
        self.since, self.began = _now(), 0.0
        self.restarts = self.failures = self.deaf = 0
        self.why = self.ended = ""
        self.was_well = False
        self.stale = False  # the settings have changed since it read them, perhaps
        self.told_until = told_until
        self.asked = 0.0
        self.kill_at: float | None = None

    def standing(self) -> PartStanding:
        """See there."""
        pid = self.process.pid if self.process is not None and self.process.poll() is None else 0
        return PartStanding(self.state, self.since, pid, self.restarts, self.why, self.ended)

    def become(self, state: PartState) -> None:
        """Change its state."""
        if state != self.state:
            self.state, self.since = state, _now()


class Supervisor:
    """Keeps parts running, from one thread that calls `tick`.

    Args:
        output: takes each line that a part writes to standard error, with the part's name; None: it goes where the supervisor's goes.
        incident: told once when a part ends by itself, and not again while that goes on: name and reason.
    """

    def __init__(
        self,
        *,
        output: Callable[[str, str], None] | None = None,
        incident: Callable[[str, str], None] = lambda _name, _why: None,
    ) -> None:
        self._output, self._incident = output, incident
        self._running: dict[str, _Running] = {}
        self._leaving: list[_Running] = []
        self._asking = threading.Thread(target=self._ask, name="well", daemon=True)
        self._ended = threading.Event()
        self._asking.start()

    def standings(self) -> dict[str, PartStanding]:
        """How the parts stand."""
        return {name: each.standing() for name, each in self._running.items()}

    def want(self, parts: Sequence[WantedPart], *, reload: bool = False) -> None:
        """Say what is to run: start, stop and restart what differs; `reload`: the others read their settings again, if they can."""
        wanted = {part.name: part for part in parts}
        now, first = time.monotonic(), not self._running
        told: dict[str, float] = {}
        for name, each in list(self._running.items()):
            part = wanted.get(name)
            same = part is not None and (part.command, part.settings) == (each.part.command, each.part.settings)
            if same and part is not None:
                each.part = part
                each.stale = each.stale or (reload and part.reloads)
                continue
            del self._running[name]
            told[name] = each.told_until
            self._end(each, now)
        for part in parts:
            if part.name not in self._running:
                due = now + part.after_s if first else now
                self._running[part.name] = _Running(part, due, told.get(part.name, 0.0))

    def tick(self) -> None:
        """Look after all parts; at least a few times a second."""
        now = time.monotonic()
        for each in list(self._leaving):
            if self._gone(each, now):
                self._leaving.remove(each)
        leaving = {each.part.name for each in self._leaving}
        for each in self._running.values():
            if each.process is None:
                if now >= each.due and each.part.name not in leaving:  # its ports and cameras must be free
                    self._start(each, now)
            elif (status := each.process.poll()) is not None:
                self._died(each, status, now)
            elif each.stale and each.was_well:  # before that, the signal would end it
                each.stale = False
                each.process.send_signal(signal.SIGHUP)
            elif each.deaf >= _DEAF:
                log.error("%s does not answer and is killed", each.part.name)
                each.process.kill()
                each.deaf = 0
            elif each.failures and each.was_well and now - each.began > _STEADY_S:
                each.failures = 0

    def close(self) -> None:
        """End all parts, and wait for them."""
        now = time.monotonic()
        self._ended.set()
        for each in self._running.values():
            self._end(each, now)
        self._running = {}
        while self._leaving:
            now = time.monotonic()
            self._leaving = [each for each in self._leaving if not self._gone(each, now)]
            time.sleep(0.02)

    # ------------------------------------------------------------------------------------------------ one part

    def _start(self, each: _Running, now: float) -> None:
        shown, carried = veiled([*each.part.command, "--with-input"][1:])
        words = [sys.executable, "-m", each.part.command[0], *shown]
        piped = subprocess.PIPE if self._output is not None else None
        each.began, each.was_well, each.stale, each.deaf, each.asked = now, False, False, 0, now
        each.become("starting")
        try:
            each.process = subprocess.Popen(
                words,
                stdin=subprocess.PIPE,
                stderr=piped,
                env={**os.environ, **carried},
                start_new_session=True,  # Ctrl-C in a terminal and its end are the supervisor's alone
            )
        except OSError as error:  # too many processes, or no memory
            self._waits(each, f"cannot be started: {error.strerror}", now)
            return
        if self._output is not None and each.process.stderr is not None:
            threading.Thread(target=self._read, args=(each.part.name, each.process), daemon=True).start()

    def _read(self, name: str, process: subprocess.Popen[bytes]) -> None:
        assert process.stderr is not None
        assert self._output is not None
        with process.stderr:
            for line in process.stderr:
                self._output(name, line.decode("utf-8", "replace").rstrip("\n"))

    def _died(self, each: _Running, status: int, now: float) -> None:
        why = f"ended by signal {-status}" if status < 0 else f"ended with exit code {status}"
        assert each.process is not None
        _clear(each.process)
        each.process = None
        self._waits(each, why, now)

    def _waits(self, each: _Running, why: str, now: float) -> None:
        longest = _BRIEF_S if each.was_well else _LONGEST_S
        pause = min(_PAUSE_S * 2**each.failures, longest)
        each.failures = min(each.failures + 1, 10)
        each.restarts += 1
        each.why, each.ended, each.due = why, _now(), now + pause
        each.become("waiting")
        log.error("%s %s; it is started again in %.1f s", each.part.name, why, pause)
        if now >= each.told_until:
            self._incident(each.part.name, why)
        each.told_until = now + _EPISODE_S

    def _end(self, each: _Running, now: float) -> None:
        each.become("stopping")
        if each.process is None or each.process.poll() is not None:
            return
        each.process.terminate()
        each.kill_at = now + _PATIENCE_S
        self._leaving.append(each)

    def _gone(self, each: _Running, now: float) -> bool:
        assert each.process is not None
        if each.process.poll() is not None:
            _clear(each.process)
            return True
        if each.kill_at is not None and now >= each.kill_at:
            log.error("%s does not end and is killed", each.part.name)
            each.process.kill()
        return False

    def _ask(self) -> None:
        """Ask the parts whether they are well, in a thread of its own: an answer may take a while."""
        while not self._ended.wait(_TICK_S):
            for each in list(self._running.values()):
                process, now = each.process, time.monotonic()
                pause = _ASKED_EVERY_S if each.was_well else 0.25
                if process is None or process.poll() is not None or now - each.asked < pause:
                    continue
                each.asked = now
                well = False
                with contextlib.suppress(Exception):
                    well = each.part.well(process.pid)
                if process is not each.process:
                    continue
                if well:
                    each.deaf, each.was_well = 0, True
                    if each.state == "starting":
                        each.become("running")
                elif each.was_well:
                    each.deaf += 1


def _clear(process: subprocess.Popen[bytes]) -> None:
    """After a part's process has ended, end what it started, too: such as readers of cameras that hang."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    if process.stdin is not None:
        with contextlib.suppress(OSError):
            process.stdin.close()


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")


@contextlib.contextmanager
def signals() -> Iterator[list[int]]:
    """A list to which SIGINT, SIGTERM and SIGHUP are added as they come."""
    came: list[int] = []

    def note(number: int, _frame: object) -> None:
        came.append(number)

    numbers = [signal.SIGINT, signal.SIGTERM, *([signal.SIGHUP] if hasattr(signal, "SIGHUP") else [])]
    before = {number: signal.signal(number, note) for number in numbers}
    try:
        yield came
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
