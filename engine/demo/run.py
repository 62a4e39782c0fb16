"""Enrol, render, watch, compare: from photos to an attendance sheet with real faces, following a script."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path

from engine.attendance import DaySheet
from engine.demo.script import FPS, STRANGER, Pass
from engine.demo.video import render_video
from engine.errors import InputError
from engine.imaging import VideoWriter, draw_tracks
from engine.incidents import IncidentRow
from engine.pipeline import FrameResult, RunStats
from engine.sources import Source
from engine.storage import atomic_write
from engine.storage.state import LIST, TABLES
from engine.types import Progress
from engine.workbench import Workbench

CAMERA = "entrance"
MARK = "demo/truth.json"


@dataclass(frozen=True)
class Score:
    """The number of expected, found and matching things of a kind, and which were missed or extra, in words."""

    what: str
    expected: int
    found: int
    matched: int
    missed: tuple[str, ...] = ()
    extra: tuple[str, ...] = ()

    @property
    def precision(self) -> float:
        """Share of the found that was expected; 1 if nothing was found."""
        return self.matched / self.found if self.found else 1.0

    @property
    def recall(self) -> float:
        """Share of the expected that was found; 1 if nothing was expected."""
        return self.matched / self.expected if self.expected else 1.0


@dataclass
class DemoOutcome:
    """What was expected and what was found.

    Attributes:
        checks: (what, expected, found), one row per expectation.
        scores: precision and recall, if the script asks for them.
        dossiers: summaries of strangers, in words.
        files: places by title.
    """

    checks: list[tuple[str, str, str]] = field(default_factory=list)
    scores: list[Score] = field(default_factory=list)
    sheet: list[DaySheet] = field(default_factory=list)
    incidents: list[IncidentRow] = field(default_factory=list)
    dossiers: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    stats: RunStats = field(default_factory=RunStats)
    files: dict[str, Path] = field(default_factory=dict)

    @property
    def passed(self) -> bool:
        """Whether exactly the expected was found, and no log row was changed."""
        same = all(expected == found for _, expected, found in self.checks)
        return same and not self.faults and not any(score.missed or score.extra for score in self.scores)


@dataclass(frozen=True)
class Script:
    """Who passes the entrance when, and what a correct run finds.

    Attributes:
        video, annotated: names of the rendered video and of the one with the run drawn into it; empty: none.
        sheet: title and place of the day sheets.
        days: the first and the last.
        scenes: walks in seconds from the beginning of each scene, and its number of frames.
        frames: about as many as the source has.
        source: opens the rendered video at the times of the script.
        prepare: adds to the workspace what it needs besides people.
        judge: compares what was found with the script.
    """

    title: str
    video: str
    sheet: tuple[str, str]
    enrolled_at: datetime
    days: tuple[date, date]
    scenes: Sequence[tuple[Sequence[Pass], int]]
    frames: int
    truth: Mapping[str, object]
    source: Callable[[Path], Source]
    judge: Callable[[Workbench, DemoOutcome], None]
    prepare: Callable[[Workbench], None] = lambda _workbench: None
    annotated: str = ""


def clear_demo(workspace: Path) -> None:
    """Empty a workspace of an earlier demo.

    Raises:
        InputError: the folder holds something else.
    """
    if workspace.exists() and not workspace.is_dir():
        raise InputError(f"{workspace} is not a folder", hint="give an empty or new folder with --workspace")
    if not workspace.exists() or not any(workspace.iterdir()):
        return
    if not (workspace / MARK).exists():
        raise InputError(
            f"{workspace} holds something that is not a demo", hint="give an empty or new folder with --workspace"
        )
    files = (
        *TABLES,
        LIST,
        "muster.toml",
        "seal.key",
        "seal.id",
        "vault.id",
    )  # a list of seals without its key seals nothing
    folders = ("gallery", "faces", "log", "attendance", "images", "outbox", "receipts", "demo", "spool")
    for name in (*files, *folders):
        path = workspace / name
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)


def prepare_demo(workspace: Path) -> None:
    """Write the settings of a demo into its workspace: everything in it is made up, and its pictures are there to be looked at."""
    atomic_write(workspace / "muster.toml", b"# settings of the demonstration\n[encryption]\nat_rest = false\n")
    atomic_write(workspace / MARK, b"{}")


def run_demo(workbench: Workbench, photos: Path, script: Script, progress: Progress) -> DemoOutcome:
    """Run a script in a workspace of its own, emptied by `clear_demo`."""
    atomic_write(workbench.workspace / MARK, json.dumps(script.truth, indent=1).encode())
    _enrol(workbench, photos, script.enrolled_at, progress)
    script.prepare(workbench)
    video = workbench.workspace / "demo" / script.video
    title = f"rendering {script.title}"
    render_video(video, workbench.reader.detector, photos, script.scenes, lambda *done: progress(title, *done))
    outcome = DemoOutcome(stats=watch_demo(workbench, script, video, progress))
    outcome.files = {
        script.sheet[0]: workbench.workspace / script.sheet[1],
        "logs": workbench.workspace / "log",
        "pictures": workbench.workspace / "images",
        "video": video,
        **({"annotated video": video.with_name(script.annotated)} if script.annotated else {}),
        "script of truth": workbench.workspace / MARK,
    }
    outcome.sheet = workbench.attendance.sheets.between(*script.days, workbench.people.known())
    outcome.incidents = workbench.incidents.log.read(*script.days)
    script.judge(workbench, outcome)
    return outcome


def _enrol(workbench: Workbench, photos: Path, now: datetime, progress: Progress) -> None:
    people = sorted(path for path in (photos / "train").iterdir() if path.is_dir() and path.name != STRANGER)
    for index, person in enumerate(people):
        progress("enrolling from training photos", index, len(people))
        name = person.name.replace("_", " ").title()
        workbench.registrar.enrol_photos(
            person.name, name, sorted(person.glob("*.jpg")), department="Sample", author="demo", now=now
        )
    progress("enrolling from training photos", len(people), len(people))


def watch_demo(workbench: Workbench, script: Script, video: Path, progress: Progress) -> RunStats:
    """Watch a rendered video with the people who are enrolled; the annotated one goes beside it."""
    pipeline = workbench.pipeline(CAMERA)
    names = workbench.people.names()
    with VideoWriter(video.with_name(script.annotated), FPS) if script.annotated else nullcontext() as writer:

        def show(result: FrameResult) -> None:
            if writer is not None:
                caption = f"{CAMERA} · {result.frame.time.astimezone(workbench.config.zone):%H:%M:%S}"
                drawn = draw_tracks(result.frame.image, result.tracks, names, alarmed=result.alarmed, caption=caption)
                writer.write(drawn)
            progress(f"watching {script.title}", pipeline.stats.frames, script.frames)

        return pipeline.run(script.source(video), show)
