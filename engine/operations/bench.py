"""How many cameras this machine can run: one is simulated live, and the processor time that it takes is measured.

The camera shows the demo's entrance at 1280×720. How Muster compares with other engines is measured by `make bench`.
"""

from __future__ import annotations

import math
import tempfile
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import numpy as np

from engine.demo.script import PASSES, STRANGER
from engine.demo.video import render_video
from engine.models.runtime import cores
from engine.sources import VideoSource
from engine.types import Progress
from engine.workbench import Workbench

FPS = 25.0

_BEGIN_S = 30.0  # in the demo's script: two people one behind the other, then another one
_ENROLMENT_PHOTOS = 6
_SPARE = 0.2  # of the processor, for pages, reports and the system
_DROPPED = 0.01  # more of the frames than this, and the camera is not kept up with


@dataclass(frozen=True)
class Load:
    """What one live camera takes on this machine.

    Attributes:
        cores, used: processors that Muster may use, and those that one camera kept busy, decoding included.
        frames, dropped: frames that were processed, and those left out because the machine was busy.
        latency_s: from a person's first good frame to their row on disk, 95th percentile; nan if nobody was recognised.
        recognised, shown: people recognised, of the enrolled people who walked by.
    """

    cores: int
    used: float
    frames: int
    dropped: int
    latency_s: float
    recognised: int
    shown: int

    @property
    def cameras(self) -> int:
        """Cameras that fit when a fifth of the processor is left to spare; 0 if the machine cannot keep up with one."""
        if self.dropped > _DROPPED * (self.frames + self.dropped):
            return 0
        return max(1, math.floor((1 - _SPARE) * self.cores / self.used))


def measure_load(photos: Path, progress: Progress, *, seconds: float = 20.0) -> Load:
    """Watch the demo's entrance live, with the sample photos of a folder.

    Raises:
        MusterError: models or photos cannot be read.
    """
    with tempfile.TemporaryDirectory() as folder:
        workbench = Workbench(Path(folder) / "workspace")
        walking = {walk.person for walk in PASSES if walk.start_s >= _BEGIN_S and walk.end_s <= _BEGIN_S + seconds}
        shown = sorted(walking - {STRANGER})
        for index, person in enumerate(shown):
            progress("enrolling", index, len(shown))
            files = sorted((photos / "train" / person).glob("*.jpg"))[:_ENROLMENT_PHOTOS]
            workbench.registrar.enrol_photos(person, person.replace("_", " ").title(), files, author="bench")
        clip = Path(folder) / "camera.mp4"
        passes = [walk for walk in PASSES if walk.end_s > _BEGIN_S and walk.start_s < _BEGIN_S + seconds]
        scene, rendering = (passes, round(seconds * FPS)), partial(progress, "rendering the camera's pictures")
        render_video(clip, workbench.reader.detector, photos, [scene], rendering, fps=FPS, begin_s=_BEGIN_S)
        source = VideoSource(clip, "bench", start=datetime.now(UTC), fast=False)
        pipeline = workbench.pipeline("bench", live=True)
        marks: list[tuple[float, float]] = []

        def mark(_result: object) -> None:
            marks.append((time.process_time(), time.perf_counter()))
            progress("watching live", len(marks), round(seconds * FPS))

        stats = pipeline.run(source, mark)
        (cpu, wall), (cpu_end, wall_end) = marks[0], marks[-2]  # the last one waits until everything is written
        rows = workbench.attendance.log.read(workbench.attendance.day_of(datetime.now(UTC)))
        latencies = stats.latencies_s
        return Load(
            cores=cores(),
            used=(cpu_end - cpu) / (wall_end - wall),
            frames=stats.frames,
            dropped=max(0, round(seconds * FPS) - stats.frames),  # also those that the source passed over
            latency_s=float(np.percentile(latencies, 95)) if latencies else math.nan,
            recognised=len({row.employee_id for row in rows if row.event == "punch"}),
            shown=len(shown),
        )
