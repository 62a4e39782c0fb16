"""Enrol, render, watch, compare: the whole way from photos to an attendance sheet on real faces."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from engine.attendance import DaySheet
from engine.demo.script import FPS, STRANGER, truth
from engine.demo.video import render_video
from engine.drawing import draw_tracks
from engine.enrolment import EnrolmentReport
from engine.errors import InputError
from engine.pipeline import FrameResult, RunStats
from engine.sources import VideoSource
from engine.storage import atomic_write
from engine.video import VideoWriter
from engine.workbench import Workbench

__all__ = ["DemoOutcome", "run_demo"]

CAMERA = "entrance"
MARK = "demo/truth.json"
Progress = Callable[[str, int, int], None]


@dataclass
class DemoOutcome:
    """What was expected and what was found.

    Attributes:
        checks: (what, expected, found), one row per expectation.
        sheet, incidents: rows of the day sheet and of the incident log.
        enrolled: reports.
        stats: counters of the run.
        files: what lies where, by name.
    """

    checks: list[tuple[str, str, str]] = field(default_factory=list)
    sheet: list[DaySheet] = field(default_factory=list)
    incidents: list[dict[str, str]] = field(default_factory=list)
    enrolled: list[EnrolmentReport] = field(default_factory=list)
    stats: RunStats = field(default_factory=RunStats)
    files: dict[str, Path] = field(default_factory=dict)

    @property
    def passed(self) -> bool:
        """Everything expected was found, and nothing else."""
        return all(expected == found for _, expected, found in self.checks)


def clear_demo(workspace: Path) -> None:
    """Empty a workspace that an earlier demo made; refuse one that holds anything else.

    Raises:
        InputError: the folder holds something that is not the demo's.
    """
    if workspace.exists() and not workspace.is_dir():
        raise InputError(f"{workspace} is not a folder", hint="give an empty or new folder with --workspace")
    if not workspace.exists() or not any(workspace.iterdir()):
        return
    if not (workspace / MARK).exists():
        raise InputError(
            f"{workspace} holds something that is not a demo", hint="give an empty or new folder with --workspace"
        )
    for name in (
        "people.csv", "leave.csv", "muster.toml", "seal.key", "gallery", "log", "attendance", "images", "outbox", "receipts", "demo",
        "spool",
    ):  # fmt: skip
        path = workspace / name
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)


def run_demo(workbench: Workbench, photos: Path, start: datetime, progress: Progress) -> DemoOutcome:
    """Run the demonstration in a workspace of its own.

    Args:
        workbench: of the demo's workspace, emptied by `clear_demo`.
        photos: the sample photos' folder.
        start: time of the video's first frame.
        progress: told of all that takes long.
    """
    outcome = DemoOutcome()
    folder = workbench.workspace / "demo"
    script = truth()
    atomic_write(workbench.workspace / MARK, json.dumps(script, indent=1).encode())
    people = sorted(path for path in (photos / "train").iterdir() if path.is_dir() and path.name != STRANGER)
    for index, person in enumerate(people):
        progress("enrolling from training photos", index, len(people))
        name = person.name.replace("_", " ").title()
        outcome.enrolled.append(
            workbench.enrol(
                person.name, name, sorted(person.glob("*.jpg")), department="Sample", author="demo", now=start
            )
        )
    progress("enrolling from training photos", len(people), len(people))
    video, annotated = folder / "entrance.mp4", folder / "entrance-annotated.mp4"
    render_video(video, workbench.reader.detector, photos, progress)

    source = VideoSource(video, CAMERA, start=start, fast=True)
    pipeline = workbench.pipeline(CAMERA)
    names = {key: row["name"] for key, row in workbench.known_people().items()}
    with VideoWriter(annotated, FPS) as writer:

        def show(result: FrameResult) -> None:
            caption = f"{CAMERA} · {result.frame.time.astimezone(workbench.config.zone):%H:%M:%S}"
            writer.write(draw_tracks(result.frame.image, result.tracks, names, alarmed=result.alarmed, caption=caption))
            progress("watching the entrance", pipeline.stats.frames, source.frame_count)

        outcome.stats = pipeline.run(source, show)
    day = workbench.attendance.day_of(start)
    outcome.sheet = workbench.attendance.sheet(day, workbench.known_people())
    outcome.incidents = workbench.incidents.log.read(day)
    outcome.checks = _compare(script, workbench, outcome, day_rows=workbench.attendance.log.read(day))
    outcome.files = {
        "day sheet": workbench.workspace / "attendance" / f"{day}.csv",
        "logs": workbench.workspace / "log",
        "pictures": workbench.workspace / "images",
        "video": video,
        "annotated video": annotated,
        "script of truth": workbench.workspace / MARK,
    }
    return outcome


def _compare(
    script: dict[str, object], workbench: Workbench, outcome: DemoOutcome, day_rows: list[dict[str, str]]
) -> list[tuple[str, str, str]]:
    expected = script["expected"]
    assert isinstance(expected, dict)
    punches = sorted(row["employee_id"] for row in day_rows if row["event"] == "punch")
    unknown = [row for row in outcome.incidents if row["kind"] == "unknown"]
    tailgating = sorted(row["classification"] for row in outcome.incidents if row["kind"] == "tailgating")
    strangers = {row["unknown_ids"] for row in unknown}
    return [
        ("punched once each", ", ".join(expected["punches"]), ", ".join(punches)),
        ("names withdrawn", "0", str(sum(row["event"] == "retract" for row in day_rows))),
        ("strangers", str(expected["strangers"]), str(len(strangers))),
        ("their episodes", str(expected["stranger_episodes"]), str(len(unknown))),
        ("tailgating", ", ".join(expected["tailgating"]), ", ".join(tailgating)),
    ]
