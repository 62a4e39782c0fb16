"""The benchmark measures what it says; no test asks how fast."""

from __future__ import annotations

import copy
import json
import subprocess
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import cv2
import numpy as np
import pytest
from fakes import T0

from engine.config import DetectionConfig
from engine.detection import MTCNNDetector
from engine.errors import MusterError
from engine.models import ModelStore
from engine.sources import VideoSource
from engine.workbench import Workbench
from tests.bench.apart import apart
from tests.bench.crowd import ENROLLED, enrolment_of, render_clip
from tests.bench.loops import enrolled_workspace, facenet_loop, muster_loop
from tests.bench.others import muster_start, search_among
from tests.bench.page import BY_HAND, plot, write_page
from tests.bench.street import render_empty, render_street
from tests.bench.suite import TARGETS

ROOT = Path(__file__).parents[2]


def _loop(fps: float, people: list[str]) -> dict[str, Any]:
    return {
        "fps": fps,
        "people": people,
        "named": people,
        "finding_ms": 120.0,
        "peak_mb": 500.0,
        "frames": 10,
        "faces_per_frame": 1.0,
    }


def _live() -> dict[str, Any]:
    return {
        "frames": 200,
        "dropped": 1,
        "kept": 0.995,
        "cores": 0.9,
        "embedded": 30,
        "glances": 20,
        "passed_over": 2,
        "people": ["a"],
        "named": ["a"],
        "stayed": (4, 3),
        "finding_ms": 12.0,
        "shown": ("a", "b"),
        "latency_median_s": 0.3,
        "latency_p95_s": 0.6,
    }


RESULT: dict[str, Any] = {
    "date": "2026-11-22",
    "machine": {"cores": 2, "processor": "Some <CPU>", "system": "Linux"},
    "versions": {"muster": "0.1.0"},
    "ratios": {"detector_640x360_min40": 3.5, "detector_1920x1080_min60": 5.5, "embedder_1_face": 3.0},
    "medians_ms": {
        name: {"muster": 10.0, "facenet-pytorch": 35.0}
        for name in ("detector_640x360_min40", "detector_1920x1080_min60", "embedder_1_face")
    },
    "parity": {
        "detector_640x360_min40": {"iou_min": 1.0},
        "detector_1920x1080_min60": {"iou_min": 1.0},
        "embedder_1_face": {"cosine_min": 1.0},
    },
    "sgemm_gflops": 150.0,
    "facenet_share_of_sgemm": {"embedder_1_face": 0.9, "embedder_8_faces": 0.95},
    "loops": {
        "1920x1080_5": {
            "shown": ("a", "b"),
            "muster": _loop(40.0, ["a", "b"]),
            "facenet-pytorch": _loop(2.5, ["a"]),
            "face_recognition": _loop(0.7, ["a"]),
            "ratio": 16.0,
        },
        "street_7": {
            "shown": ("a",),
            "muster": _loop(26.0, ["a"]),
            "facenet-pytorch": _loop(1.3, ["a"]),
            "ratio": 20.0,
        },
        "640x360_1": {
            "shown": ("a",),
            "muster": _loop(90.0, ["a"]),
            "facenet-pytorch": _loop(9.0, ["a"]),
            "ratio": 10.0,
        },
    },
    "live": {
        name: _live() for name in ("street_7", "street_20", "1920x1080_5", "1920x1080_10", "640x360_1", "640x360_2")
    },
    "idle": {"cores": 0.14, "decoding": 0.1, "ratio": 1.4},
    "site": {"cores": 0.9, "kept": 0.991, "peak_mb": 1500.0, "last_mb": 1400.0, "cameras": {}},
    "search": {
        "1000000": {
            "templates": 1_000_000,
            "probe_ms": 4.0,
            "exact_ms": 20.0,
            "plain_ms": 200.0,
            "build_s": 2.0,
            "exact": False,
            "recall": 0.9995,
            "recall_5": 0.999,
            "peak_mb": 1700.0,
        }
    },
    "start": {"muster_s": 2.0, "torch_imported": False, "facenet_pytorch_s": 6.0},
}


def _with_targets() -> dict[str, Any]:
    result = copy.deepcopy(RESULT)
    result["targets"] = [
        {"work": work, "unit": unit, "found": read(result), "wanted": f"{sign} {limit:g}", "met": read(result) >= limit}
        for work, unit, read, sign, limit in TARGETS
    ]
    return result


def test_every_target_is_read_from_the_result() -> None:
    found = {(work, unit): read(RESULT) for work, unit, read, _, _ in TARGETS}
    assert found["MTCNN 640×360, 40 px", "× facenet-pytorch"] == 3.5
    assert found["search among 1,000,000", "recall"] == 0.9995
    assert found["live 1920×1080 at 25 fps, 5 people", "s to the row, 95%"] == 0.6
    assert found["street live at 25 fps, 7 people", "of the people named with every frame"] == 1.0
    assert found["street live at 25 fps, 7 people", "× facenet-pytorch in finding faces"] == 10.0
    assert found["street live at 25 fps, 20 people", "of those who stay 3 s decided"] == 0.75
    assert len(found) == len(TARGETS)


def test_the_page_tells_what_was_met_and_what_was_missed(tmp_path: Path) -> None:
    page = tmp_path / "docs" / "performance.md"
    write_page(page, _with_targets())
    text = page.read_text(encoding="utf-8")
    assert "| MTCNN 640×360, 40 px | × facenet-pytorch | 3.5 | >= 4 | **missed** |" in text
    assert "| MTCNN 1920×1080, 60 px | × facenet-pytorch | 5.5 | >= 5 | met |" in text
    assert "1,000,000 (index)" in text
    assert "(images/performance.svg)" in text
    assert not any(line.startswith("|") and not line.endswith("|") for line in text.splitlines())


def test_what_was_written_by_hand_at_the_end_of_a_page_stays(tmp_path: Path) -> None:
    page = tmp_path / "performance.md"
    page.write_text(f"Old figures.\n\n{BY_HAND}\n\nAn hour.\n")
    for _ in range(2):
        write_page(page, _with_targets())
    text = page.read_text(encoding="utf-8")
    assert text.endswith(f"\n\n{BY_HAND}\n\nAn hour.\n")
    assert (text.count("An hour."), "Old figures." in text) == (1, False)


def test_the_plot_has_a_bar_for_every_loop_in_proportion() -> None:
    space = "{http://www.w3.org/2000/svg}"
    tree = ElementTree.fromstring(plot(RESULT))
    bars = [float(bar.attrib["width"]) for bar in tree.iter(f"{space}rect") if bar.attrib.get("height") == "11"]
    widths = [width for width in bars if width != 11.0]  # without the legend
    assert len(widths) == 7
    assert widths[0] / widths[1] == pytest.approx(40.0 / 2.5, rel=0.01)
    labels = {text.text for text in tree.iter(f"{space}text")}
    assert {"1920×1080, 5", "640×360, 1", "25 fps", "face_recognition"} <= labels


def test_a_quick_run_has_no_page(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="quick"):
        write_page(tmp_path / "p.md", {"ratios": {}})
    assert not (tmp_path / "p.md").exists()


def test_a_small_gallery_is_searched_exactly() -> None:
    result = search_among(1500)
    assert (result["exact"], result["recall"], result["recall_5"]) == (True, 1.0, 1.0)


def _ends() -> dict[str, Any]:
    sys.exit(3)


def test_a_side_that_ends_early_is_told() -> None:
    with pytest.raises(MusterError, match="_ends ended early"):
        apart(_ends)


@pytest.mark.models
@pytest.mark.slow
def test_both_loops_find_the_same_people_in_a_clip(tmp_path: Path, store: ModelStore, samples: Path) -> None:
    detector = MTCNNDetector(*store.mtcnn(), DetectionConfig())
    clip = render_clip(tmp_path / "clip.mp4", detector, samples, size=(640, 360), people=2, fps=15, seconds=4)
    frames = list(VideoSource(clip.path, "clip", start=T0, fast=True))
    assert (len(frames), frames[0].image.shape) == (60, (360, 640, 3))
    assert [len(detector.detect(frame.image, 40)) for frame in frames[12::12]] == [2, 2, 2, 2]
    enrolled_workspace(tmp_path / "workspace", {person: enrolment_of(samples, person) for person in ENROLLED})
    ours = apart(muster_loop, tmp_path / "workspace", clip, False)
    live = apart(muster_loop, tmp_path / "workspace", clip, True)
    theirs = facenet_loop(clip, 4)
    assert ours["people"] == live["people"] == theirs["people"] == ["ben_afflek", "elton_john"] == list(clip.enrolled)
    assert ours["frames"] == 60
    assert live["frames"] + live["dropped"] == 60
    assert len(live["latencies_s"]) == 2
    assert ours["peak_mb"] > 100
    assert not Workbench(tmp_path / "workspace").attendance.log.days()  # a loop leaves the workspace as it was
    start = muster_start(tmp_path / "workspace", samples / "val" / "ben_afflek" / "05.jpg", "ben_afflek")
    assert start["torch_imported"] is False
    with pytest.raises(MusterError, match="did not recognise"):
        muster_start(tmp_path / "workspace", samples / "val" / "madonna" / "04.jpg", "ben_afflek")


@pytest.mark.models
@pytest.mark.slow
def test_the_people_of_a_street_are_found_by_the_loop(tmp_path: Path, store: ModelStore, samples: Path) -> None:
    detector = MTCNNDetector(*store.mtcnn(), DetectionConfig())
    clip = render_street(tmp_path / "street.mp4", detector, samples / "train", 4, size=(1280, 720), fps=15, seconds=6)
    first = next(iter(VideoSource(clip.path, "street", start=T0, fast=True))).image
    assert float(cv2.Laplacian(first, cv2.CV_32F).std()) > 20  # a wall of photographs, not a plain one
    enrolled_workspace(tmp_path / "workspace", clip.enrolment)
    found = apart(muster_loop, tmp_path / "workspace", clip, False)
    assert found["frames"] == 90
    assert "ben_afflek" in found["people"]  # the other's face is 36 pixels wide: too small for a sure name
    assert set(found["people"]) <= set(clip.enrolled)
    assert found["glances"] > 0


def test_an_empty_clip_shows_nothing_but_noise(tmp_path: Path) -> None:
    render_empty(tmp_path / "empty.mp4", size=(320, 180), fps=10, seconds=1)
    frames = [frame.image.astype(int) for frame in VideoSource(tmp_path / "empty.mp4", "empty", start=T0, fast=True)]
    assert len(frames) == 10
    assert 0 < np.abs(frames[0] - frames[5]).mean() < 8


@pytest.mark.models
@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads /proc")
def test_memory_and_threads_stay_where_they_are() -> None:
    answer = subprocess.run(
        [sys.executable, ROOT / "tests" / "load" / "soak.py", "--minutes", "0.3", "--settle-s", "6"],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
    )
    result = json.loads(answer.stdout)
    assert answer.returncode == 0, result
    assert result["growth_mb"] < 20
    assert result["threads"][-1] - result["threads"][0] <= 1  # the search beside the loop has one while it runs
    assert result["punches"] == 2
    assert result["frames"] > 100
    assert np.isfinite(result["settled_mb"])
