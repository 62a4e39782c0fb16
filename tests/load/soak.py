"""Lets the live pipeline watch a looped clip for a long time and says whether memory and threads stay where they were.

    python tests/load/soak.py --minutes 60

The clip (two people, 640×360, 30 fps) is rendered from the sample photos; each round ends and begins anew in the same run, as at a
door where people come and go. Memory is compared with what it was after the first minute.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import cv2
import numpy as np

sys.path.insert(0, str(Path(__file__).parents[2]))

from engine.models import fetch_samples
from engine.models.runtime import cores
from engine.pipeline import FrameResult
from engine.types import Frame
from engine.workbench import Workbench
from tests.bench.crowd import ENROLLED, Clip, enrolment_of, render_clip
from tests.bench.loops import enrolled_workspace


class LoopedClip:
    """A clip over and over, in real time."""

    resting = catching_up = False
    skipped = 0

    def __init__(self, clip: Clip, seconds: float) -> None:
        self._clip, self._seconds = clip, seconds
        self._closed = False

    def __iter__(self) -> Iterator[Frame]:
        start, began, index = datetime.now(UTC), time.monotonic(), 0
        while True:
            capture = cv2.VideoCapture(str(self._clip.path), cv2.CAP_FFMPEG)
            while True:
                position = index / self._clip.fps
                ok, raw = capture.read()
                if self._closed or position > self._seconds:
                    capture.release()
                    return
                if not ok:
                    break
                time.sleep(max(0.0, began + position - time.monotonic()))
                image = np.asarray(cv2.cvtColor(raw, cv2.COLOR_BGR2RGB), np.uint8)
                yield Frame(image, start + timedelta(seconds=position), "soak", index)
                index += 1
            capture.release()

    def close(self) -> None:
        """See `Source`."""
        self._closed = True


def _held() -> tuple[float, int]:
    """Memory in MB and number of threads (Python's and the networks') of this process."""
    rows = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return int(rows["VmRSS"].split()[0]) / 1024, int(rows["Threads"])


def main() -> int:
    """Entry point."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--settle-s", type=float, default=60.0, help="memory counts from here on")
    seconds = parser.parse_args().minutes * 60
    settle = min(parser.parse_args().settle_s, seconds / 2)
    photos = fetch_samples()
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        enrolled_workspace(folder / "workspace", {person: enrolment_of(photos, person) for person in ENROLLED})
        workbench = Workbench(folder / "workspace")
        clip = render_clip(
            folder / "clip.mp4", workbench.reader.detector, photos, size=(640, 360), people=2, fps=30.0, seconds=12.0
        )
        pipeline = workbench.pipeline("soak", live=True)
        samples: list[tuple[float, float, int]] = []
        began = time.monotonic()
        used = time.process_time()

        def sink(_result: FrameResult) -> None:
            now = time.monotonic() - began
            if not samples or now - samples[-1][0] >= 5:
                samples.append((now, *_held()))
                print(f"{now:6.0f} s  {samples[-1][1]:7.1f} MB  {samples[-1][2]} threads", file=sys.stderr)

        stats = pipeline.run(LoopedClip(clip, seconds), sink)
        used = time.process_time() - used
    settled = [row for row in samples if row[0] >= settle] or samples[-1:]
    growth = max(row[1] for row in settled[-3:]) - settled[0][1]
    result = {
        "minutes": seconds / 60,
        "frames": stats.frames,
        "dropped": stats.dropped,
        "fps": stats.frames / seconds,
        "cores": used / seconds,
        "machine_cores": cores(),
        "settled_mb": settled[0][1],
        "growth_mb": growth,
        "threads": sorted({row[2] for row in settled}),
        "punches": stats.punches,
        "seen": stats.seen,
        "retracted": stats.retracted,
    }
    print(json.dumps(result, indent=1))
    # the search beside the loop has a thread only while it runs
    return 0 if growth < 20 and result["threads"][-1] - result["threads"][0] <= 1 else 1


if __name__ == "__main__":
    raise SystemExit(main())
