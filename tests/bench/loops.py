"""The whole loop over a clip, picture after picture: ours, and what one would write in an afternoon.

The plain loops are the usual ones: find and embed every face of every frame with facenet-pytorch, or with dlib as the `face_recognition`
package calls it. They are timed on frames spread evenly over the clip.
"""

from __future__ import annotations

import importlib.util
import shutil
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.detection import Detector
from engine.embedding import normalised
from engine.imaging import read_image
from engine.models import FACENET, ModelStore, embedder_spec
from engine.pipeline import FrameResult
from engine.sources import VideoSource
from engine.sources.stream import Stream
from engine.types import Detections, TrackState
from engine.workbench import Workbench
from tests.bench.apart import cpu_s
from tests.bench.crowd import Clip

__all__ = ["decoding", "dlib_loop", "dlib_parts", "enrolled_workspace", "facenet_loop", "has_dlib", "muster_loop"]

RGB = NDArray[np.uint8]
Floats = NDArray[np.float32]
Reader = Callable[[RGB], Floats]

_SAME = 0.5  # similarity from which the plain facenet loop names somebody
_DLIB_SAME = 0.6  # distance below which face_recognition does
_OFTEN = 2  # sightings before a plain loop counts somebody as found
_STAY_S = 3.0


def enrolled_workspace(folder: Path, enrolment: Mapping[str, Sequence[Path]]) -> None:
    """A workspace in which people are enrolled with their photos."""
    workbench = Workbench(folder)
    for person, files in enrolment.items():
        workbench.registrar.enrol_photos(person, person.replace("_", " ").title(), list(files), author="bench")


class _Watched:
    """What comes of the tracks of a clip.

    Attributes:
        named: people whose names were shown. A name counts here though its person is a photograph, as all people of the clips are: then
            the check for presentation attacks may withhold the row.
        ended: when the last result came.
    """

    def __init__(self, began: float) -> None:
        self.named: set[str] = set()
        self.ended = [began]
        self._lasted: dict[int, float] = {}
        self._decided: set[int] = set()

    def __call__(self, result: FrameResult) -> None:
        self.ended.append(time.perf_counter())
        for track in result.tracks:
            self._lasted[track.track_id] = (track.last_seen - track.first_seen).total_seconds()
            if track.identity.state in {TrackState.KNOWN, TrackState.UNKNOWN}:
                self._decided.add(track.track_id)
            if track.identity.person is not None:
                self.named.add(track.identity.person)

    @property
    def stayed(self) -> tuple[int, int]:
        """How many tracks lasted three seconds, and how many of these were decided."""
        long = {key for key, seconds in self._lasted.items() if seconds >= _STAY_S}
        return len(long), len(long & self._decided)


class _Timed:
    """A detector whose searches, which run beside the loop, are timed."""

    def __init__(self, detector: Detector) -> None:
        self._search, self.seconds = detector.search, 0.0

    def __call__(self, *args: Any, **kwargs: Any) -> Detections:
        began = time.thread_time()
        try:
            return self._search(*args, **kwargs)
        finally:
            self.seconds += time.thread_time() - began


def muster_loop(workspace: Path, clip: Clip, live: bool) -> dict[str, Any]:
    """Our pipeline over a clip: as fast as it goes, or live at the clip's own rate.

    Returns:
        `fps`, `cores` used, `people` punched, `named`, `stayed` (see `_Watched`), `finding_ms` a frame, and counters of the run.
    """
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "workspace"
        shutil.copytree(workspace, folder)
        workbench = Workbench(folder)
        workbench.reader.warm()  # a recording's pipeline does not
        doze_s = workbench.config.sources.doze_s  # as `muster watch` does
        source = VideoSource(clip.path, "bench", start=datetime.now(UTC), fast=not live, doze_s=doze_s)
        pipeline = workbench.pipeline("bench", min_face_px=clip.smallest_face, live=live)
        searches = _Timed(workbench.reader.beside.detector)
        if live:
            workbench.reader.beside.detector.search = searches  # type: ignore[method-assign]
        used, began = cpu_s(), time.perf_counter()
        watched = _Watched(began)
        stats = pipeline.run(source, watched)
        # live, the time to settle what is open at the clip's end is not the loop's
        seconds = watched.ended[-2 if live and len(watched.ended) > 2 else -1] - began
        used = cpu_s() - used
        day = workbench.attendance.day_of(datetime.now(UTC))
        rows = workbench.attendance.log.read(day)
        return {
            "fps": stats.frames / seconds,
            "cores": used / (time.perf_counter() - began),
            "frames": stats.frames,
            "dropped": stats.dropped,
            "scans": stats.scans,
            "faces_per_frame": stats.faces / max(stats.frames, 1),
            "embedded": stats.embedded,
            "glances": stats.glances,
            "passed_over": stats.passed_over,
            "people": sorted({row.employee_id for row in rows if row.event == "punch"}),
            "named": sorted(watched.named),
            "stayed": watched.stayed,
            "finding_ms": (stats.stage_s.get("detection", 0.0) + searches.seconds) * 1000 / max(stats.frames, 1),
            "withdrawn": stats.retracted,
            "latencies_s": stats.latencies_s,
            "stage_ms": {name: value * 1000 / max(stats.frames, 1) for name, value in stats.stage_s.items()},
        }


def decoding(clip: Clip) -> dict[str, Any]:
    """Decode a clip at its own rate and look at none of its frames: `cores` used."""
    stream = Stream(str(clip.path))
    used, began = cpu_s(), time.perf_counter()
    frames = 0
    while stream.grab():
        frames += 1
        time.sleep(max(0.0, began + stream.position_s - time.perf_counter()))
    return {"frames": frames, "cores": (cpu_s() - used) / (time.perf_counter() - began)}


def _spread_frames(clip: Clip, count: int) -> Iterator[tuple[RGB, float]]:
    """Frames spread over a clip, and the seconds that reading each one took."""
    capture = cv2.VideoCapture(str(clip.path), cv2.CAP_FFMPEG)
    total = int(capture.get(cv2.CAP_PROP_FRAME_COUNT))
    wanted = set(np.linspace(total // 4, total - 2, count).astype(int).tolist())
    for index in range(total):
        began = time.perf_counter()
        if not capture.grab():
            break
        if index in wanted:
            _, raw = capture.retrieve()
            image = np.asarray(cv2.cvtColor(raw, cv2.COLOR_BGR2RGB), np.uint8)
            yield image, time.perf_counter() - began
    capture.release()


def _plain(clip: Clip, count: int, read: Reader, name: Callable[[Floats, Floats], int]) -> dict[str, Any]:
    """Time a plain loop; `read` gives the embeddings of a picture's faces, `name` the row of the nearest person or -1."""
    rows: list[Floats] = []
    owners: list[str] = []
    for person, files in clip.enrolment.items():
        for file in files:
            found = read(read_image(file))
            if len(found):
                rows.append(found[0])
                owners.append(person)
    gallery = np.stack(rows)
    seen: Counter[str] = Counter()
    seconds, faces, frames = 0.0, 0, 0
    for index, (image, reading_s) in enumerate(_spread_frames(clip, count + 1)):
        began = time.perf_counter()
        found = read(image)
        nearest = [name(gallery, row) for row in found]
        if index == 0:
            continue  # the first picture of a size warms up
        seconds += time.perf_counter() - began + reading_s
        frames += 1
        faces += len(found)
        seen.update({owners[row] for row in nearest if row >= 0})
    return {
        "fps": frames / seconds,
        "frames": frames,
        "faces_per_frame": faces / max(frames, 1),
        "people": sorted(person for person, times in seen.items() if times >= _OFTEN),
    }


def facenet_loop(clip: Clip, count: int) -> dict[str, Any]:
    """facenet-pytorch on every frame: its detector, its crops, its network (with the same weights as ours)."""
    import torch
    from facenet_pytorch import MTCNN

    spec = embedder_spec(FACENET)
    module = ModelStore("torch").module(spec.model_id)
    detector = MTCNN(
        image_size=160, margin=32, keep_all=True, min_face_size=clip.smallest_face, post_process=False, device="cpu"
    )

    finding_s: list[float] = []

    def read(image: RGB) -> Floats:
        began = time.perf_counter()
        crops = detector(image)
        finding_s.append(time.perf_counter() - began)
        if crops is None:
            return np.empty((0, spec.dimension), np.float32)
        faces = crops.numpy().astype(np.uint8).transpose(0, 2, 3, 1)
        with torch.inference_mode():
            rows = module(torch.from_numpy(normalised(faces, spec.normalisation))).numpy()
        return np.asarray(rows, np.float32)

    def name(gallery: Floats, row: Floats) -> int:
        scores = gallery @ row
        return int(scores.argmax()) if scores.max() >= _SAME else -1

    found = _plain(clip, count, read, name)
    return {**found, "finding_ms": float(np.median(finding_s[-found["frames"] :])) * 1000}


def has_dlib() -> bool:
    """The rival's parts are installed (extra `bench`)."""
    return all(importlib.util.find_spec(name) for name in ("dlib", "face_recognition_models"))


def dlib_parts() -> tuple[Any, Any, Any]:
    """The detector, landmarks and network that `face_recognition` uses, with its model files; see `has_dlib`."""
    import dlib

    found = importlib.util.find_spec("face_recognition_models")
    assert found is not None
    assert found.submodule_search_locations is not None
    models = Path(found.submodule_search_locations[0]) / "models"
    return (
        dlib.get_frontal_face_detector(),
        dlib.shape_predictor(str(models / "shape_predictor_5_face_landmarks.dat")),
        dlib.face_recognition_model_v1(str(models / "dlib_face_recognition_resnet_model_v1.dat")),
    )


def dlib_loop(clip: Clip, count: int) -> dict[str, Any]:
    """What `face_recognition.face_locations` and `face_encodings` do, with the same model files."""
    detector, landmarks, network = dlib_parts()

    def read(image: RGB) -> Floats:
        image = np.ascontiguousarray(image)
        rows = [network.compute_face_descriptor(image, landmarks(image, box), 1) for box in detector(image, 1)]
        return np.array(rows, np.float32).reshape(-1, 128)

    def name(gallery: Floats, row: Floats) -> int:
        distances = np.linalg.norm(gallery - row, axis=1)
        return int(distances.argmin()) if distances.min() <= _DLIB_SAME else -1

    return _plain(clip, count, read, name)
