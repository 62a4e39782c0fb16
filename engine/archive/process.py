"""A backlog of recordings, from files to rows: workers observe, and the pipeline decides in the order of the recordings' starts.

Both run at the same time: while one segment is decided, workers observe the next ones. Only this process writes into the workspace.
"""

from __future__ import annotations

import functools
import logging
import math
import threading
import time as clock
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from engine.archive.crew import Crew
from engine.archive.decide import Decision, decide
from engine.archive.footage import Footage, Segment, digest, scan
from engine.archive.kept import DoneList, DoneRow, HeldSegments, SegmentFolder, Shelf, recording_id
from engine.archive.names import Listed
from engine.archive.observe import Observation, ObserveTask, Recipe
from engine.archive.report import FileOutcome, FileReport, Report
from engine.errors import InputError, MusterError, StorageError
from engine.face_reader import FaceReader
from engine.storage import claimed
from engine.types import Progress
from engine.workbench import Workbench

log = logging.getLogger(__name__)

_STEADY_S = 2.0
"""Muster checks a file that changed more recently again after this time, because it may still be growing."""
_LEAST_S, _SLOWEST_BYTES_S = 120.0, 2e6
"""Looking into a file takes no longer than this, and what reading it takes."""
_GROWING_S = 600.0
"""A file that changed more recently and does not state its length may be a stalled copy, so it is observed as a whole first."""


@dataclass
class _Recording:
    """A recording in progress."""

    listed: Listed
    report: FileReport
    rank: int
    footage: Footage | None = None
    state: tuple[int, int] = (0, 0)
    shelf: Shelf = field(default_factory=HeldSegments)
    segments: tuple[Segment, ...] = ()
    content: str = ""
    surveyed: threading.Event = field(default_factory=threading.Event)
    missing: set[int] = field(default_factory=set)
    changed: threading.Condition = field(default_factory=threading.Condition)
    waited_s: float = 0.0

    def seen(self, segment: Segment) -> None:
        """Note that a segment was observed, or cannot be."""
        with self.changed:
            self.missing.discard(segment.number)
            self.changed.notify_all()

    def wait(self, segments: Sequence[Segment]) -> None:
        """Wait until segments are observed.

        Raises:
            InputError: one cannot be observed.
        """
        began = clock.perf_counter()
        with self.changed:
            self.changed.wait_for(lambda: self.failed or self.missing.isdisjoint(each.number for each in segments))
        self.waited_s += clock.perf_counter() - began
        if self.failed:
            raise InputError(self.report.told)

    def observations(self) -> Iterator[Observation]:
        """Yield the observations of the segments as soon as each is there.

        Raises:
            InputError: a segment cannot be observed.
            StorageError: an observation is damaged.
        """
        for segment in self.segments:
            self.wait([segment])
            yield self.shelf.read(segment)

    def fail(self, error: MusterError) -> None:
        """Note that the recording cannot be decided to its end; the first reason counts."""
        with self.changed:
            if not self.report.told:
                self.report.told = str(error)
            self.report.outcome = FileOutcome.FAILED
            self.changed.notify_all()

    @property
    def failed(self) -> bool:
        return bool(self.report.told)


def process(
    bench: Workbench,
    recordings: Sequence[Listed],
    wrong: Sequence[InputError],
    hired: Callable[[Recipe], AbstractContextManager[Crew]],
    progress: Progress,
    steady_s: float = _STEADY_S,
) -> Report:
    """Observe and decide recordings, except for those decided before.

    Args:
        recordings: in the order of their starts.
        wrong: errors of further recordings, only reported.
        hired: returns workers for a recipe.
        steady_s: time after which to check a file again that changed more recently.

    Raises:
        GalleryMismatch: the gallery belongs to another model.
        InputError: another process works on this workspace's archive, or there are no workers.
        ModelUnavailable: the networks cannot be opened.
        StorageError: the workspace cannot be read or written.
    """
    began = clock.perf_counter()
    for store in (bench.gallery, bench.strangers, bench.anchors):
        store.current()
    recipe = Recipe.of(bench.config, bench.models)
    with claimed(bench.workspace / "archive" / "process") as first:
        if not first:
            raise InputError("another process works on this archive", hint="wait for it, or end it")
        backlog = _Backlog(bench, recordings, recipe, progress, steady_s)
        with hired(recipe) as crew:
            backlog.run(crew)
    reports = [each.report for each in backlog.recordings]
    reports += [FileReport("", told=str(error)) for error in wrong]
    return Report(reports, clock.perf_counter() - began, crew.retried, crew.replaced)


class _Backlog:
    """The recordings of one run: one thread surveys and observes, the caller's decides."""

    def __init__(
        self, bench: Workbench, recordings: Sequence[Listed], recipe: Recipe, progress: Progress, steady_s: float
    ) -> None:
        self._bench, self._recipe, self._progress, self._steady_s = bench, recipe, progress, steady_s
        self._done = DoneList(bench.workspace / "archive" / "done.csv")
        self._before = self._done.by_id()
        self.recordings = [
            _Recording(each, FileReport(str(each.path), each.camera, each.start.isoformat()), rank)
            for rank, each in enumerate(recordings)
        ]
        self._taken: dict[str, str] = {}
        self._error: BaseException | None = None
        self._pieces = self._seen = 0

    def run(self, crew: Crew) -> None:
        """Process all recordings.

        Raises:
            MusterError: whatever ended the observing thread.
        """
        thread = threading.Thread(target=self._observe, args=(crew,), name="observing", daemon=True)
        thread.start()
        try:
            for recording in self.recordings:
                recording.surveyed.wait()
                if self._error is not None:
                    raise self._error
                self._settle(recording)
            thread.join()
            if self._error is not None:
                raise self._error
        finally:
            crew.stop()
            thread.join()

    def _observe(self, crew: Crew) -> None:
        """Run the observing thread."""
        try:
            self._wait_until_steady()
            coming = iter(self.recordings)

            def more() -> bool:
                if (recording := next(coming, None)) is not None:
                    self._survey(recording, crew)
                return recording is not None

            crew.run(more)
        except BaseException as error:  # noqa: BLE001 - raised in the caller's thread
            self._error = error
            for recording in self.recordings:
                recording.fail(MusterError("nobody looks at it any more"))  # whoever waits for it
        finally:
            for recording in self.recordings:
                recording.surveyed.set()

    def _wait_until_steady(self) -> None:
        """Wait so that files that changed a moment ago can show that they are growing."""
        for recording in self.recordings:
            recording.state = _state(recording.listed.path)
        youngest = clock.time() - max((recording.state[1] / 1e9 for recording in self.recordings), default=0.0)
        if 0 <= youngest < self._steady_s:
            clock.sleep(self._steady_s - youngest)

    def _survey(self, recording: _Recording, crew: Crew) -> None:
        """Inspect a file and hand out its segments."""
        try:
            _in_time(functools.partial(self._look_into, recording), recording)
        except MusterError as error:
            recording.fail(error)
        except Exception as error:
            log.exception("%s cannot be looked into", recording.report.file)
            recording.fail(_odd(recording, error))
        if recording.footage is not None and not recording.failed:
            self._split(recording, recording.footage, crew)
        recording.surveyed.set()

    def _look_into(self, recording: _Recording) -> None:
        listed, report = recording.listed, recording.report
        if not listed.path.is_file():
            kind = "is a folder: name its files" if listed.path.is_dir() else "no such file"
            raise InputError(f"{listed.path}: {kind}", hint="check the path")
        self._check_steady(recording)
        if self._decided_before(recording):
            return
        recording.content = digest(listed.path)
        report.recording_id = recording_id(recording.content, listed)
        if self._known(recording):
            return
        footage = scan(listed.path, self._bench.config.camera(listed.camera).rotate)
        self._check_steady(recording)
        recording.footage = footage

    def _split(self, recording: _Recording, footage: Footage, crew: Crew) -> None:
        listed, report = recording.listed, recording.report
        least = self._bench.config.camera(listed.camera).min_face_px
        if self._bench.config.strangers.recognised_again:
            recording.shelf = SegmentFolder.of(
                self._bench.records.observations,
                report.recording_id,
                self._recipe.digest,
                least,
                footage.rotate,
                vault=self._bench.records.vault,
            )
        recording.segments = footage.segments()
        report.segments, report.seconds = len(recording.segments), footage.seconds
        report.shortened = footage.missing
        missing = [segment for segment in recording.segments if not recording.shelf.has(segment)]
        recording.missing = {segment.number for segment in missing}
        report.observed = len(missing)
        self._pieces += len(missing)
        for segment in missing:
            task = ObserveTask(listed.path, recording.content, footage, segment, least)
            self._hand_out(recording, segment, task, crew)

    def _check_steady(self, recording: _Recording) -> None:
        state = _state(recording.listed.path)
        if state != recording.state:
            raise InputError(
                f"{recording.listed.path}: the file is still being written",
                hint="run the command again when it is complete",
            )

    def _decided_before(self, recording: _Recording) -> bool:
        """Return whether the same file in the same state was decided before, without reading it."""
        listed, report = recording.listed, recording.report
        wanted = (report.file, listed.camera, listed.start, *recording.state)
        for row in self._before.values():
            if (row.file, row.camera, row.start, row.bytes, row.changed_ns) == wanted:
                report.recording_id, report.outcome = row.recording_id, FileOutcome.BEFORE
                return True
        return False

    def _known(self, recording: _Recording) -> bool:
        """Return whether the recording was decided before, or given twice."""
        report = recording.report
        name = report.recording_id
        if name in self._taken:
            report.outcome, report.told = FileOutcome.TWICE, f"the same recording as {self._taken[name]}"
            return True
        self._taken[name] = report.file
        if name in self._before:
            report.outcome = FileOutcome.BEFORE
            return True
        other = next((row for row in self._before.values() if row.content == recording.content), None)
        if other is not None:
            log.warning(
                "%s was decided before as camera %s from %s; those rows stay",
                report.file,
                other.camera,
                other.start.isoformat(),
            )
        return False

    def _hand_out(self, recording: _Recording, segment: Segment, task: ObserveTask, crew: Crew) -> None:
        def finished() -> None:
            recording.seen(segment)
            self._seen += 1
            self._progress("looking at segments", self._seen, self._pieces)

        def done(content: bytes) -> None:
            recording.shelf.put(segment, content)
            finished()

        def failed(error: MusterError) -> None:
            recording.fail(error)
            finished()

        crew.add((recording.rank, segment.number), task, done, failed)

    def _settle(self, recording: _Recording) -> None:
        """Decide a recording during or after its observation."""
        if recording.footage is None or recording.failed:
            return
        report, footage = recording.report, recording.footage
        began = clock.perf_counter()
        try:
            if not footage.whole and clock.time() - recording.state[1] / 1e9 < _GROWING_S:
                recording.wait(recording.segments)
            self._check_steady(recording)
            decision = decide(
                self._bench,
                self._networks,
                recording.listed.path,
                footage,
                recording.observations(),
                camera=recording.listed.camera,
                start=recording.listed.start,
                recording_id=report.recording_id,
                told=lambda done, total: self._progress(f"deciding {recording.listed.path.name}", done, total),
            )
        except (InputError, StorageError) as error:
            recording.fail(error)
            if _state(recording.listed.path) != recording.state:
                recording.shelf.clear()
            return
        except MusterError:
            raise
        except Exception as error:
            log.exception("%s cannot be decided", report.file)
            recording.fail(_odd(recording, error))
            return
        report.work_s = clock.perf_counter() - began - recording.waited_s
        self._keep(recording, decision, footage)

    @cached_property
    def _networks(self) -> FaceReader:
        return self._recipe.opened()

    def _keep(self, recording: _Recording, decision: Decision, footage: Footage) -> None:
        report, stats = recording.report, decision.stats
        report.frames = decision.frames
        report.unreadable = max(0, footage.count - decision.frames) + decision.lost
        report.outcome = FileOutcome.DECIDED
        report.tracks, report.punches, report.gaps = stats.tracks, stats.punches, list(decision.gaps)
        report.incidents = {kind: count for kind, count in stats.incidents.items() if count}
        self._done.add(
            DoneRow(
                report.recording_id,
                recording.content,
                report.file,
                report.camera,
                recording.listed.start,
                *recording.state,
                seconds=round(report.seconds, 3),
                frames=report.frames,
                tracks=report.tracks,
                punches=report.punches,
                incidents=sum(report.incidents.values()),
                decided_at=self._bench.clock().replace(microsecond=0),
            )
        )
        recording.shelf.clear()


def _in_time(work: Callable[[], None], recording: _Recording) -> None:
    """Run work on a file in a thread of its own, which is left behind if it hangs.

    Raises:
        InputError: it hangs.
    """
    errors: list[BaseException] = []

    def run() -> None:
        try:
            work()
        except BaseException as error:  # noqa: BLE001 - raised in the caller's thread
            errors.append(error)

    seconds = _LEAST_S + recording.state[0] / _SLOWEST_BYTES_S
    thread = threading.Thread(target=run, name="looking into a file", daemon=True)
    thread.start()
    for _ in range(math.ceil(seconds)):  # in steps: a run that was stopped for a while has not waited meanwhile
        thread.join(1.0)
        if not thread.is_alive():
            break
    else:
        raise InputError(
            f"{recording.listed.path}: not read within {seconds:.0f} s",
            hint="check the drive, and see whether a player shows it; the others are not affected",
        )
    for error in errors:
        raise error


def _odd(recording: _Recording, error: Exception) -> InputError:
    """One file must not end the run of all others, whatever is wrong with it."""
    return InputError(
        f"{recording.listed.path}: cannot be processed ({type(error).__name__}: {error})",
        hint="see whether a player shows it, or leave it out; the others are not affected",
    )


def _state(path: Path) -> tuple[int, int]:
    """Return a file's size and time of change; zeros if it is missing."""
    try:
        status = path.stat()
    except OSError:
        return 0, 0
    return status.st_size, status.st_mtime_ns
