"""Whom live watching names among those that a plain loop names, over many streets with other people in each."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from engine.config import DetectionConfig
from engine.detection import MTCNNDetector
from engine.models import ModelStore
from tests.bench.apart import apart
from tests.bench.crowd import Clip
from tests.bench.loops import enrolled_workspace, facenet_loop, muster_loop
from tests.bench.street import render_street

__all__ = ["recall"]

Progress = Callable[[str, int, int], None]

_PEOPLE = 7
_SECONDS = 10.0
_PLAIN_FRAMES = 40


def recall(folder: Path, clips: int, progress: Progress) -> dict[str, Any]:
    """Watch streets live, and name the people of the same streets with facenet-pytorch.

    Args:
        folder: a folder of photos per person.
        clips: streets, each of seven people.
        progress: told of the street that is watched.

    Returns:
        `clips`; `enrolled` people who walked by; `every_frame`: how many Muster named with every frame looked at, and `kept` how many of
        these live; `reference`: how many the plain loop named in two of forty frames, at a similarity of .5 and with no promise of how
        often it is wrong, and `live` how many of these Muster named live; `missed`: (clip, person) of the first kind; `beyond`: named
        live and not by the plain loop; `share` of `every_frame` that was kept.

    Raises:
        MusterError: the photos do not do, or a loop ended early.
    """
    store = ModelStore("onnx")
    detector = MTCNNDetector(*store.mtcnn(), DetectionConfig(), workers=store.threads)
    found: list[tuple[Clip, set[str], set[str], set[str]]] = []
    for number in range(clips):
        progress("streets", number, clips)
        with tempfile.TemporaryDirectory() as scratch:
            place = Path(scratch)
            clip = render_street(place / "street.mp4", detector, folder, _PEOPLE, seconds=_SECONDS, seed=number + 1)
            enrolled_workspace(place / "workspace", clip.enrolment)
            live, slow = (set(apart(muster_loop, place / "workspace", clip, real)["named"]) for real in (True, False))
            found.append((clip, set(apart(facenet_loop, clip, _PLAIN_FRAMES)["people"]), live, slow))
    missed = [(number, person) for number, (_, _, live, slow) in enumerate(found) for person in sorted(slow - live)]
    every = sum(len(slow) for *_, slow in found)
    return {
        "clips": clips,
        "enrolled": sum(len(clip.enrolled) for clip, *_ in found),
        "every_frame": every,
        "kept": every - len(missed),
        "reference": sum(len(plain) for _, plain, *_ in found),
        "live": sum(len(plain & live) for _, plain, live, _ in found),
        "beyond": sum(len(live - plain) for _, plain, live, _ in found),
        "missed": missed,
        "share": 1 - len(missed) / max(every, 1),
    }
