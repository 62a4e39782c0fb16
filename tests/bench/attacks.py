"""How often the presentation checks are fooled, and how often they wrong a person: measured on rendered presentations.

Terms follow ISO/IEC 30107-3: APCER is the share of attack presentations that are taken for bona fide (here: `passed`), for each
instrument of attack on its own; BPCER the share of bona fide presentations taken for attacks (here: `failed`). A third answer,
`unproven`, is neither; its share is given, too, as the policy `require` turns it away. RIAPAR is what a kind of attack and
all bona fide presentations cost together at this setting: the standard defines it for a whole system as IAPAR + FRR; for this check
alone it is APCER + BPCER. Its interval joins those of its parts, so it is wider than 95% would need.

The frames go through the real detector, as the pipeline uses it, so landmarks scatter as they do in use. Limits were chosen on three
of the five people of the sample photos (`TUNED_ON`); figures are of the other two. With a folder of more people, `crowd` draws those whom
limits may be chosen on and those whom figures are reported for from different halves of it.
"""

from __future__ import annotations

import math
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import cv2
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
    "crowd",
    "markdown",
    "measure",
    "present",
    "render",
    "shown_to_checks",
    "subjects",
    "warp_head",
]

RGB = NDArray[np.uint8]

TUNED_ON = ("ben_afflek", "elton_john", "jerry_seinfeld")
HELD_OUT = ("madonna", "mindy_kaling")

START = datetime(2026, 11, 23, 8, tzinfo=UTC)
SCAN_EVERY = 3  # frames; in between the detector looks where the face was, as in the pipeline
_MIN_FACE_PX = 60
_MAX_GAP_S = 1.0
_MIN_EYES_PX = 33.0
_ENLARGED_PX = 300


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


def crowd(folder: Path, detector: Detector, count: int, *, tuning: bool = False) -> list[Subject]:
    """One photo each of so many people.

    Small photos are enlarged first.

    Args:
        folder: photos by person, `<person>/<any>.jpg`.
        detector: finds the faces.
        count: of people; fewer if there are not so many usable ones.
        tuning: the half of the people on which limits may be chosen; else the other half.
    """
    found: list[Subject] = []
    names = sorted(
        (path.name for path in folder.iterdir() if path.is_dir()), key=lambda name: zlib.crc32(name.encode())
    )
    for name in names:
        if len(found) == count:
            break
        if zlib.crc32(name[::-1].encode()) % 2 == tuning:
            continue
        photo = read_image(list_images(folder / name)[0])
        larger = math.ceil(_ENLARGED_PX / min(photo.shape[:2]))
        photo = np.asarray(cv2.resize(photo, None, fx=larger, fy=larger, interpolation=cv2.INTER_CUBIC), np.uint8)
        faces = detector.detect_photo(photo)
        if len(faces) == 1 and _frontal(faces.landmarks[0]):
            found.append(Subject(name, photo, faces.landmarks[0]))
    return found


def _frontal(landmarks: NDArray[np.float32]) -> bool:
    left, right, nose, *mouth = landmarks.astype(np.float64)
    down = np.mean(mouth, 0) - (left + right) / 2
    eyes_px = max(float(np.hypot(*(right - left))), 0.88 * float(np.hypot(*down)))
    # the nose between the eyes: how far along the line from one to the other
    along = float((nose - left) @ (right - left)) / max(float((right - left) @ (right - left)), 1e-6)
    return eyes_px >= _MIN_EYES_PX and abs(along - 0.5) <= 0.17


def largest_face(
    frame: RGB, near: NDArray[np.float32] | None, detector: Detector
) -> tuple[NDArray[np.float32], NDArray[np.float32]] | tuple[None, None]:
    """Box (4,) and landmarks (5, 2) of the largest face, looked for near a box or everywhere; None: there is none."""
    found = detector.detect(frame, _MIN_FACE_PX) if near is None else detector.detect_near(frame, near[None])
    if not len(found):
        return None, None
    largest = int(found.areas.argmax())
    return found.boxes[largest], found.landmarks[largest]


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
        time = START + timedelta(seconds=time_s)
        replayed |= bool(watch.observe(time, image))
        if tracks and tracks[-1].verdict.state is not LivenessState.UNPROVEN:
            continue  # verdicts stay, and there is one face only
        scan = index % SCAN_EVERY == 0 or box is None
        box, landmarks = largest_face(image, None if scan else box, detector)
        if landmarks is None:
            continue
        if time_s - last_s > _MAX_GAP_S:
            tracks.append(TrackLiveness(config))
        last_s = time_s
        crop = align(image, landmarks[None])[0] if scan else None
        tracks[-1].observe(time, landmarks, crop)
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
        rate and its 95% Clopper-Pearson interval under `bpcer` or `apcer`; of all bona fide kinds together under `bpcer`; and for attacks
        `riapar`. The intervals take presentations for independent, which those of one person are not.
    """
    return shown_to_checks(
        subjects(photos, detector, people, limit),
        detector,
        rounds=rounds,
        kinds=kinds,
        config=config,
        progress=progress,
    )


def shown_to_checks(
    faces: Sequence[Subject],
    detector: Detector,
    *,
    rounds: int = 1,
    kinds: Sequence[str] = BONA_FIDE + ATTACKS,
    config: PresentationConfig | None = None,
    progress: Callable[[str, int, int], None] = lambda *_: None,
) -> dict[str, Any]:
    """As `measure`, of these faces."""
    config = config or PresentationConfig()
    counts: dict[str, Counter[LivenessState]] = {kind: Counter() for kind in kinds}
    shown = [(face, kind, turn) for face in faces for kind in kinds for turn in range(rounds)]
    for done, (face, kind, turn) in enumerate(shown, 1):
        seed = zlib.crc32(f"{face.person}/{face.number}/{kind}/{turn}".encode())
        states = present(render(face, kind, seed), detector, config)
        counts[kind][_overall(states, LivenessState.PASSED if kind in ATTACKS else LivenessState.FAILED)] += 1
        progress("showing presentations", done, len(shown))
    bona_fide = {kind: _row(counts[kind], "bpcer", LivenessState.FAILED) for kind in kinds if kind in BONA_FIDE}
    attacks = {kind: _row(counts[kind], "apcer", LivenessState.PASSED) for kind in kinds if kind in ATTACKS}
    turned_away = Rate(
        sum(row["failed"] for row in bona_fide.values()), sum(row["presentations"] for row in bona_fide.values())
    )
    for row in attacks.values():
        row["riapar"] = _sum(Rate(row["passed"], row["presentations"]), turned_away)
    return {
        "people": sorted({face.person for face in faces}),
        "photos": len(faces),
        "bona_fide": bona_fide,
        "attacks": attacks,
        "bpcer": _rounded(turned_away.value, *turned_away.interval),
    }


def _rounded(value: float, low: float, high: float) -> dict[str, Any]:
    return {"value": round(value, 3), "interval": [round(low, 3), round(high, 3)]}


def _sum(apcer: Rate, bpcer: Rate) -> dict[str, Any]:
    """RIAPAR with an interval that holds whenever those of both parts do."""
    bounds = zip(apcer.interval, bpcer.interval, strict=True)
    return _rounded(apcer.value + bpcer.value if bpcer.trials else math.nan, *(sum(pair) for pair in bounds))


def _overall(states: Sequence[LivenessState], error: LivenessState) -> LivenessState:
    """The state of a presentation with several tracks: the error if there is one, else the other decision, else unproven."""
    other = LivenessState.FAILED if error is LivenessState.PASSED else LivenessState.PASSED
    return next((state for state in (error, other) if state in states), LivenessState.UNPROVEN)


def _row(counts: Counter[LivenessState], name: str, error: LivenessState) -> dict[str, Any]:
    rate = Rate(counts[error], counts.total())
    return {
        "presentations": rate.trials,
        **{state.value: counts[state] for state in LivenessState},
        name: _rounded(rate.value, *rate.interval),
    }


def markdown(result: dict[str, Any]) -> str:
    """The tables of docs/liveness.md from what `measure` returned."""
    lines: list[str] = []
    for group, title, name in (("bona_fide", "bona fide", "bpcer"), ("attacks", "attack", "apcer")):
        further = ["RIAPAR", "95% interval"] if group == "attacks" else []
        columns = [title, "shown", "passed", "unproven", "failed", name.upper(), "95% interval", *further]
        lines += ["| " + " | ".join(columns) + " |", "|" + " --- |" * len(columns)]
        for kind, row in result[group].items():
            cells = [kind, *(str(row[what]) for what in ("presentations", "passed", "unproven", "failed"))]
            cells += [cell for what in (name, "riapar") if what in row for cell in _cells(row[what])]
            lines.append("| " + " | ".join(cells) + " |")
        lines.append("")
    value, interval = _cells(result["bpcer"])
    return "\n".join([*lines, f"BPCER of all kinds: {value} ({interval})", ""])


def _cells(rate: dict[str, Any]) -> list[str]:
    low, high = rate["interval"]
    return [f"{rate['value']:.1%}", f"{low:.1%} – {min(high, 1):.1%}"]
