"""A crew of workers that keep their networks loaded: it hands failed tasks out again and replaces dead workers.

A task's result depends on the task alone, so any worker may run it, repeatedly and in any order. Workers write nothing: they return
bytes, and the caller keeps them.
"""

from __future__ import annotations

import itertools
import logging
import multiprocessing
import os
import signal
import threading
import time as clock
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Future, ProcessPoolExecutor, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from functools import lru_cache
from queue import PriorityQueue
from typing import Any, Protocol

from engine.archive.compat import kill_workers
from engine.archive.observe import Recipe
from engine.errors import ModelUnavailable, MusterError
from engine.face_reader import FaceReader
from engine.masking import mask_process
from engine.models.runtime import cores

log = logging.getLogger(__name__)

_TRIES = 3
_MOST_DEATHS = 3
"""The crew gives up a worker that dies this many times in a row before it is ready."""
_PAUSE_S = 0.5


class Task(Protocol):
    """A piece of work: a plain value that can be sent to another machine."""

    @property
    def where(self) -> str:
        """What the task works on, for messages."""

    @property
    def part_of(self) -> str:
        """What several tasks work on, such as a file; if one of them hangs, the others are not begun."""

    @property
    def deadline_s(self) -> float:
        """Longest time that the task may take."""

    def run(self, reader: FaceReader, recipe: Recipe) -> bytes:
        """Run the task with open networks; return the result."""


class WorkerLost(MusterError):
    """A worker's process, or its machine, has gone."""


@lru_cache(maxsize=1)
def _reader(recipe: Recipe) -> FaceReader:
    return recipe.opened()


def perform(task: Task | None, recipe: Recipe) -> bytes:
    """Run a task in a worker; None only opens the networks."""
    reader = _reader(recipe)
    return task.run(reader, recipe) if task is not None else b""


class Worker(ABC):
    """Does one task at a time in a process of its own."""

    @abstractmethod
    def start(self) -> None:
        """Start a process."""

    @abstractmethod
    def submit(self, task: Task | None) -> Future[bytes]:
        """Begin a task; None only opens the networks. The future raises `WorkerLost` if the process has gone."""

    @abstractmethod
    def close(self) -> None:
        """End the process at once."""


def _settle() -> None:
    """Leave Ctrl-C to the parent process, and end with it even if it is killed."""
    mask_process()
    signal.signal(signal.SIGINT, signal.SIG_IGN)

    def follow() -> None:
        parent = multiprocessing.parent_process()
        if parent is not None:
            parent.join()
        os._exit(1)

    threading.Thread(target=follow, daemon=True).start()


class LocalWorker(Worker):
    """A process of this machine."""

    def __init__(self, recipe: Recipe) -> None:
        self._recipe = recipe
        self.start()

    def start(self) -> None:
        self._pool = ProcessPoolExecutor(1, multiprocessing.get_context("spawn"), _settle)

    def submit(self, task: Task | None) -> Future[bytes]:
        return self._pool.submit(perform, task, self._recipe)

    def close(self) -> None:
        kill_workers(self._pool)


@dataclass(order=True)
class _Entry:
    rank: tuple[int, ...]
    number: int
    task: Task = field(compare=False)
    done: Callable[[bytes], None] = field(compare=False)
    failed: Callable[[MusterError], None] = field(compare=False)
    tries: int = field(default=0, compare=False)
    spent_s: float = field(default=0.0, compare=False)


class Crew:
    """Hands tasks to workers, lowest rank first. Only `add` and `stop` may be called from other threads.

    Attributes:
        retried: number of times a task was handed out again.
        replaced: number of workers replaced.
    """

    def __init__(self, workers: Sequence[Worker]) -> None:
        self.retried = self.replaced = 0
        self._workers = list(workers)
        self._queue = PriorityQueue[_Entry]()
        self._numbers = itertools.count()
        self._stopped = threading.Event()
        self._busy: dict[Future[bytes], tuple[Worker, _Entry | None]] = {}
        self._idle: list[Worker] = []
        self._deaths: dict[int, int] = {}
        self._hung: dict[str, MusterError] = {}

    def add(
        self, rank: tuple[int, ...], task: Task, done: Callable[[bytes], None], failed: Callable[[MusterError], None]
    ) -> None:
        """Add a task; any thread may call this.

        Args:
            rank: the crew runs the lowest first.
            task: to run.
            done: called with the result, in the thread that runs the crew.
            failed: called with the error after three failures.
        """
        self._queue.put(_Entry(rank, next(self._numbers), task, done, failed))

    def stop(self) -> None:
        """Start no more tasks; `run` returns soon."""
        self._stopped.set()

    def run(self, more: Callable[[], bool] = lambda: False) -> None:
        """Work until nothing is left.

        Args:
            more: adds tasks when few are waiting and returns False when there are none left. It runs in a thread of its own, because
                it may read large files.

        Raises:
            ModelUnavailable: a worker cannot open the networks.
            MusterError: no worker is left.
        """
        with ThreadPoolExecutor(1, "finding work") as aside:
            finding: Future[bool] | None = aside.submit(more)
            begun = exhausted = False
            then = clock.monotonic()
            while not self._stopped.is_set():
                if finding is not None and finding.done():
                    exhausted, finding = not finding.result(), None
                if finding is None and not exhausted and self._queue.qsize() < len(self._workers):
                    finding = aside.submit(more)
                if not self._queue.empty() and not begun:
                    begun = True
                    for worker in self._workers:
                        self._begin(worker, None)
                self._hand_out()
                at_work = any(entry for _, entry in self._busy.values())
                if finding is None and self._queue.empty() and not at_work:
                    return
                if finding is None and not self._busy:
                    raise WorkerLost(
                        "no worker is left", hint="look for what ends them (memory?), then run the command again"
                    )
                awaited: list[Future[Any]] = [*self._busy, *([finding] if finding else [])]
                wait(awaited, _PAUSE_S, FIRST_COMPLETED)
                for future in [each for each in self._busy if each.done()]:
                    self._settle(future, *self._busy.pop(future))
                # a run that was stopped for a while and goes on has not waited meanwhile
                passed, then = min(clock.monotonic() - then, 10 * _PAUSE_S), clock.monotonic()
                self._end_late(passed)

    def _hand_out(self) -> None:
        """Give idle workers the next tasks, but for those of what made a worker hang."""
        while self._idle and not self._queue.empty():
            entry = self._queue.get_nowait()
            if (error := self._hung.get(entry.task.part_of)) is not None:
                entry.failed(error)
            else:
                self._begin(self._idle.pop(0), entry)

    def _end_late(self, passed_s: float) -> None:
        """End workers that are beyond the deadline of their task; `passed_s`: time since this was done last."""
        for future, (worker, entry) in list(self._busy.items()):
            if entry is not None:
                entry.spent_s += passed_s
                if entry.spent_s > entry.task.deadline_s:
                    del self._busy[future]
                    self._give_up(worker, entry)

    def _give_up(self, worker: Worker, entry: _Entry) -> None:
        """End a worker that hangs, and go on without what it works on."""
        error = MusterError(
            f"{entry.task.where}: not finished after {entry.task.deadline_s:.0f} s, so its worker was ended",
            hint="see whether a player shows it, or leave it out; the others are not affected",
        )
        self._hung[entry.task.part_of] = error
        self._replace(worker)
        entry.failed(error)

    def _replace(self, worker: Worker) -> None:
        self.replaced += 1
        worker.close()
        worker.start()
        self._begin(worker, None)

    def _begin(self, worker: Worker, entry: _Entry | None) -> None:
        if entry is not None:
            entry.spent_s = 0.0
        try:
            answer = worker.submit(entry.task if entry is not None else None)
        except (BrokenExecutor, WorkerLost) as error:  # it died while it had nothing to do
            answer = Future()
            answer.set_exception(error)
        self._busy[answer] = (worker, entry)

    def _settle(self, answer: Future[bytes], worker: Worker, entry: _Entry | None) -> None:
        """Process a result or an error."""
        error = answer.exception()
        if error is None:
            self._deaths[id(worker)] = 0
            self._idle.append(worker)
            if entry is not None:
                entry.done(answer.result())
        elif isinstance(error, (BrokenExecutor, WorkerLost)):
            self._deaths[id(worker)] = self._deaths.get(id(worker), 0) + (entry is None)
            if entry is not None:
                self._again(entry, error)
            if self._deaths[id(worker)] < _MOST_DEATHS:
                self._replace(worker)
        elif entry is None or isinstance(error, ModelUnavailable):
            raise error
        else:
            self._idle.append(worker)
            self._again(entry, error)

    def _again(self, entry: _Entry, error: BaseException) -> None:
        entry.tries += 1
        if entry.tries < _TRIES:
            self.retried += 1
            self._queue.put(entry)
            return
        what, hint = f"{type(error).__name__}: {error}", ""
        if isinstance(error, (BrokenExecutor, WorkerLost)):
            what = "the worker died"
        elif isinstance(error, MusterError):
            what, hint = error.message, error.hint
        hint = hint or "run the command again; the others are not affected"
        entry.failed(MusterError(f"{entry.task.where}: {what}", hint=hint))

    def close(self) -> None:
        """End all workers."""
        for worker in self._workers:
            worker.close()


def local_crew(recipe: Recipe, workers: int | None) -> Crew:
    """Return a crew of processes on this machine, by default one per core."""
    return Crew([LocalWorker(recipe) for _ in range(workers or cores())])
