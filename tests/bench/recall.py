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
        `clips`; `enrolled` people who walked by; `reference`: how many of them the plain loop named in two of forty frames; `live` and
        `every_frame`: how many of these Muster named live and with every frame; `missed`: (clip, person) that live watching missed;
        `beyond`: named live and not by the plain loop.

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
            live, slow = (set(apart(muster_loop, place / "workspace", clip, real)["people"]) for real in (True, False))
            found.append((clip, set(apart(facenet_loop, clip, _PLAIN_FRAMES)["people"]), live, slow))
    missed = [(number, person) for number, (_, plain, live, _) in enumerate(found) for person in sorted(plain - live)]
    reference = sum(len(plain) for _, plain, _, _ in found)
    return {
        "clips": clips,
        "enrolled": sum(len(clip.enrolled) for clip, *_ in found),
        "reference": reference,
        "live": reference - len(missed),
        "every_frame": sum(len(plain & slow) for _, plain, _, slow in found),
        "beyond": sum(len(live - plain) for _, plain, live, _ in found),
        "missed": missed,
        "share": 1 - len(missed) / max(reference, 1),
    }
