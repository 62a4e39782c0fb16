"""How often the presentation checks are fooled, and how often they wrong a person: measured on rendered presentations.

Terms follow ISO/IEC 30107-3: APCER is the share of attack presentations that are taken for bona fide (here: `passed`), for each
instrument of attack on its own; BPCER the share of bona fide presentations taken for attacks (here: `failed`). A third answer,
`unproven`, is neither; its share is given, too, as the policy `require` turns it away.

The frames go through the real detector, as the pipeline uses it, so landmarks scatter as they do in use. Limits were chosen on three
of the five people of the sample photos (`TUNED_ON`); figures are of the other two.
"""

from __future__ import annotations

import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.alignment import align
from engine.config import PresentationConfig
from engine.demo.heads import Expression, warp_head
from engine.detection import Detector
from engine.evaluation import Rate
from engine.imaging import list_images, read_image
from engine.liveness import LivenessState, StreamWatch, TrackLiveness
from tests.bench.presentations import ATTACKS, BONA_FIDE, FPS, Subject, render

__all__ = [
    "ATTACKS",
    "BONA_FIDE",
    "HELD_OUT",
    "TUNED_ON",
    "Expression",
    "Subject",
    "markdown",
    "measure",
    "present",
    "render",
    "subjects",
    "warp_head",
]

RGB = NDArray[np.uint8]

TUNED_ON = ("ben_afflek", "elton_john", "jerry_seinfeld")
HELD_OUT = ("madonna", "mindy_kaling")

_START = datetime(2026, 11, 23, 8, tzinfo=UTC)
_SCAN_EVERY = 3  # frames; in between the detector looks where the face was, as in the pipeline
_MIN_FACE_PX = 60
_MAX_GAP_S = 1.0
_MIN_EYES_PX = 33.0


def subjects(photos: Path, detector: Detector, people: Sequence[str] = HELD_OUT, limit: int = 100) -> list[Subject]:
    """Photos that can be rendered: one face, looking about ahead, large enough.

    Args:
        photos: folder {train,val}/<person>/<nn>.jpg.
        detector: finds the faces.
        people: whose.
        limit: most photos per person.
    """
    found: list[Subject] = []
    for person in people:
        usable = [
            (photo, faces.landmarks[0])
            for folder in ("val", "train")
            for photo in map(read_image, list_images(photos / folder / person))
            if len(faces := detector.detect_photo(photo)) == 1 and _frontal(faces.landmarks[0])
        ]
        found += [Subject(person, photo, points, number) for number, (photo, points) in enumerate(usable[:limit])]
    return found


def _frontal(landmarks: NDArray[np.float32]) -> bool:
    left, right, nose, *mouth = landmarks.astype(np.float64)
    down = np.mean(mouth, 0) - (left + right) / 2
    eyes_px = max(float(np.hypot(*(right - left))), 0.88 * float(np.hypot(*down)))
    # the nose between the eyes: how far along the line from one to the other
    along = float((nose - left) @ (right - left)) / max(float((right - left) @ (right - left)), 1e-6)
    return eyes_px >= _MIN_EYES_PX and abs(along - 0.5) <= 0.17


def present(frames: Iterable[RGB], detector: Detector, config: PresentationConfig) -> list[LivenessState]:
    """Show frames to the checks.

    Args:
        frames: RGB uint8 (H, W, 3) at 12.5 a second.
        detector: finds the face.
        config: limits.

    Returns:
        The state of every track of the largest face; `failed` for all when the stream was found frozen or looped.
    """
    watch = StreamWatch(config)
    tracks: list[TrackLiveness] = []
    box: NDArray[np.float32] | None = None
    last_s, replayed = -np.inf, False
    for index, image in enumerate(frames):
        time_s = index / FPS
        time = _START + timedelta(seconds=time_s)
        replayed |= bool(watch.observe(time, image))
        if tracks and tracks[-1].verdict.state is not LivenessState.UNPROVEN:
            continue  # verdicts stay, and there is one face only
        scan = index % _SCAN_EVERY == 0 or box is None
        found = detector.detect(image, _MIN_FACE_PX) if box is None or scan else detector.detect_near(image, box[None])
        if not len(found):
            box = None
            continue
        face = int(found.areas.argmax())
        box = found.boxes[face]
        if time_s - last_s > _MAX_GAP_S:
            tracks.append(TrackLiveness(config))
        last_s = time_s
        crop = align(image, found.landmarks[[face]])[0] if scan else None
        tracks[-1].observe(time, found.landmarks[face], crop)
    return [LivenessState.FAILED if replayed else track.verdict.state for track in tracks]


def measure(
    photos: Path,
    detector: Detector,
    *,
    people: Sequence[str] = HELD_OUT,
    limit: int = 100,
    rounds: int = 1,
    kinds: Sequence[str] = BONA_FIDE + ATTACKS,
    config: PresentationConfig | None = None,
    progress: Callable[[str, int, int], None] = lambda *_: None,
) -> dict[str, Any]:
    """Render presentations of every kind from every usable photo and count how the checks answer.

    An attack counts as passed if any of its tracks passes, a bona fide presentation as failed if any of its tracks fails.

    Args:
        photos: the sample photos' folder.
        detector: as the product opens it.
        people: whose photos; default: those that no limit was chosen on.
        limit: most photos per person.
        rounds: presentations of every kind per photo.
        kinds: of `BONA_FIDE` and `ATTACKS`.
        config: limits; default: the settings' defaults.
        progress: told of presentations.

    Returns:
        `people`, `photos`, and by kind under `bona_fide` and `attacks`: `presentations`; `passed`, `unproven` and `failed` as counts; the
        rate and its 95% Clopper-Pearson interval under `bpcer` or `apcer`. The intervals take presentations for independent, which
        those of one person are not.
    """
    config = config or PresentationConfig()
    faces = subjects(photos, detector, people, limit)
    counts: dict[str, Counter[LivenessState]] = {kind: Counter() for kind in kinds}
    shown = [(face, kind, turn) for face in faces for kind in kinds for turn in range(rounds)]
    for done, (face, kind, turn) in enumerate(shown, 1):
        seed = zlib.crc32(f"{face.person}/{face.number}/{kind}/{turn}".encode())
        states = present(render(face, kind, seed), detector, config)
        counts[kind][_overall(states, LivenessState.PASSED if kind in ATTACKS else LivenessState.FAILED)] += 1
        progress("showing presentations", done, len(shown))
    return {
        "people": list(people),
        "photos": len(faces),
        "bona_fide": {kind: _row(counts[kind], "bpcer", LivenessState.FAILED) for kind in kinds if kind in BONA_FIDE},
        "attacks": {kind: _row(counts[kind], "apcer", LivenessState.PASSED) for kind in kinds if kind in ATTACKS},
    }


def _overall(states: Sequence[LivenessState], error: LivenessState) -> LivenessState:
    """The state of a presentation with several tracks: the error if there is one, else the other decision, else unproven."""
    other = LivenessState.FAILED if error is LivenessState.PASSED else LivenessState.PASSED
    return next((state for state in (error, other) if state in states), LivenessState.UNPROVEN)


def _row(counts: Counter[LivenessState], name: str, error: LivenessState) -> dict[str, Any]:
    rate = Rate(counts[error], counts.total())
    low, high = rate.interval
    return {
        "presentations": rate.trials,
        **{state.value: counts[state] for state in LivenessState},
        name: {"value": round(rate.value, 3), "interval": [round(low, 3), round(high, 3)]},
    }


def markdown(result: dict[str, Any]) -> str:
    """The tables of docs/liveness.md from what `measure` returned."""
    lines: list[str] = []
    for group, title, name in (("bona_fide", "bona fide", "bpcer"), ("attacks", "attack", "apcer")):
        lines += [
            f"| {title} | shown | passed | unproven | failed | {name.upper()} | 95% interval |",
            "|" + " --- |" * 7,
        ]
        for kind, row in result[group].items():
            low, high = row[name]["interval"]
            cells = [kind, row["presentations"], row["passed"], row["unproven"], row["failed"]]
            lines.append("| " + " | ".join(map(str, cells)) + f" | {row[name]['value']:.1%} | {low:.1%} – {high:.1%} |")
        lines.append("")
    return "\n".join(lines)
