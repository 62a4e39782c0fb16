"""`muster calibrate` as a user runs it, and on real faces: the threshold it writes is the one that the next punch is decided with."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from command import Answer, muster
from fakes import T0, unit
from paperwork import DIMENSION, bench

from engine.attendance import PunchRow
from engine.gallery import Template
from engine.imaging import read_image
from engine.models import FUSED, ModelStore
from engine.types import Frame
from engine.workbench import Workbench

STRANGER = "madonna"


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """Eight made-up people, two of whom look alike; no networks are needed."""
    generator = np.random.default_rng(0)
    centres = generator.normal(size=(8, DIMENSION))
    centres[7] = centres[0] + 0.4 * centres[7]
    rows, made = [], []
    for number, centre in enumerate(centres):
        for index in range(4):
            rows.append(unit(*(centre + 0.6 * generator.normal(size=DIMENSION)).tolist()))
            made.append(Template(f"t{number}{index}", f"E{number}", 0.9))
    bench(tmp_path).gallery.update(lambda old: old.add(made, np.stack(rows)))
    return tmp_path


def run(place: Path, *arguments: str, **environment: str) -> Answer:
    return muster("calibrate", *arguments, "--workspace", place, **environment)


def test_the_report_is_for_people(place: Path) -> None:
    answer = run(place)
    assert answer.code == 0, answer.err
    assert "8 people, 32 templates" in answer.out
    assert "strangers for an employee and asks about" in answer.out
    assert "In a whole passage (up to 25 looks)" in answer.out
    assert "These 8 people alone (224 comparisons, 28 pairs) could only prove" in answer.out
    assert "Look-alikes at or above" in answer.out
    assert "E0 and E7" in answer.out
    assert "nan" not in answer.out.lower()
    assert not (place / "calibration.json").exists(), "looking changes nothing"


def test_the_report_is_for_programs(place: Path) -> None:
    answer = run(place, "--json", "--target-fmr", "1e-3")
    found = json.loads(answer.out)
    assert found["target"] == {"fmr": 0.001, "fpir": None}
    assert (found["people"], found["templates"], found["model"]) == (8, 32, FUSED)
    for name in ("in_force", "proposed"):
        for rate in ("fmr", "fnmr", "fpir", "fnir"):
            each = found[name][rate]
            assert each["low"] <= each["value"] <= each["high"]
    assert found["proposed"]["threshold"] < found["in_force"]["threshold"]
    assert found["applied"] is None
    assert found["look_alikes"][0]["first"] + found["look_alikes"][0]["second"] == "E0E7"
    assert found["support"]["enough"] is False
    assert len(found["difficulty"]) == 8


def test_applying_going_back_and_the_history(place: Path) -> None:
    before = json.loads(run(place, "--json").out)["in_force"]["threshold"]
    told = run(place, "--apply", "--target-fpir", "0.01", "--author", "Lea", "--reason", "fewer tries")
    assert told.code == 0, told.err
    assert "is in force (version 1" in told.out
    assert (place / "calibration.json").exists()
    now = json.loads(run(place, "--json").out)
    assert (now["source"], now["in_force"]["threshold"] != before) == ("calibration", True)
    back = run(place, "rollback", "--author", "Ben", "--reason", "too loose", "--json")
    assert json.loads(back.out)["restores"] == 0
    assert json.loads(run(place, "--json").out)["in_force"]["threshold"] == before
    rows = json.loads(run(place, "history", "--json").out)
    assert [(row["action"], row["author"], row["reason"]) for row in rows] == [
        ("apply", "Lea", "fewer tries"),
        ("rollback", "Ben", "too loose"),
    ]
    listed = run(place, "history")
    assert "fewer tries" in listed.out
    assert "rollback to the derived one" in listed.out


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--apply", "--author", "Lea"), "the reason is empty"),
        (("--apply", "--reason", "why"), "the author is empty"),
        (("--target-fmr", "0.1", "--target-fpir", "0.1"), "exclude each other"),
        (("--target-fmr", "2"), "is no rate"),
        (("rollback", "--author", "Lea", "--reason", "why"), "nothing to go back to"),
    ],
)
def test_what_makes_no_sense_is_refused_in_one_line(place: Path, arguments: tuple[str, ...], says: str) -> None:
    answer = run(place, *arguments)
    assert answer.code == 4
    (line,) = answer.error_lines
    assert says in line
    assert not (place / "calibration.json").exists()


def test_a_threshold_in_the_settings_is_named_and_nothing_is_written(place: Path) -> None:
    (place / "muster.toml").write_text("[matching]\nthreshold = 0.5\n")
    looked = run(place)
    assert looked.code == 0, looked.err
    assert "The settings fix the threshold" in looked.out
    answer = run(place, "--apply", "--author", "Lea", "--reason", "why")
    assert answer.code == 4
    assert "muster.toml fixes the threshold at 0.5" in answer.error_lines[0]
    (place / "muster.toml").unlink()
    answer = run(place, "--apply", "--author", "Lea", "--reason", "why", MUSTER_MATCHING__THRESHOLD="0.5")
    assert "MUSTER_MATCHING__THRESHOLD fixes" in answer.error_lines[0]


def test_another_models_gallery_is_refused(place: Path) -> None:
    answer = run(place, "--apply", "--author", "Lea", "--reason", "why", MUSTER_EMBEDDING__MODEL="facenet-vggface2-512")
    assert answer.code == 8
    assert f"was made with {FUSED}" in answer.error_lines[0]
    assert not (place / "calibration.json").exists()


def test_the_doctor_tells_what_is_in_force_and_when_people_became_more(place: Path) -> None:
    def checks() -> dict[str, tuple[bool, str]]:
        found = json.loads(muster("doctor", "--json", "--workspace", place).out)["checks"]
        return {row["what"]: (row["ok"], row["found"]) for row in found}

    assert "derived from the people" in checks()["threshold"][1]
    run(place, "--apply", "--author", "Lea", "--reason", "why")
    found = checks()
    assert "by Lea" in found["threshold"][1]
    assert "calibration" not in found
    generator = np.random.default_rng(1)
    rows = generator.normal(size=(5, DIMENSION)).astype(np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    Workbench(place).gallery.update(lambda old: old.add([Template(f"n{n}", f"N{n}", 0.9) for n in range(5)], rows))
    ok, said = checks()["calibration"]
    assert not ok
    assert "calibrated for 8 people, now there are 13" in said


def test_nobody_enrolled_is_no_fault(tmp_path: Path) -> None:
    answer = run(tmp_path)
    assert answer.code == 0, answer.err
    assert "Fewer than two people prove nothing about strangers" in answer.out


# ----------------------------------------------------------------------------------------- real faces


@pytest.fixture(scope="module")
def enrolled(samples: Path, store: ModelStore, tmp_path_factory: pytest.TempPathFactory) -> Workbench:
    """Four people enrolled from their training photos."""
    workbench = Workbench(tmp_path_factory.mktemp("enrolled"), models=store)
    for person in sorted((samples / "train").iterdir()):
        if person.name != STRANGER:
            workbench.registrar.enrol_photos(
                person.name, person.name.replace("_", " ").title(), sorted(person.glob("*.jpg"))[:10]
            )
    return workbench


@pytest.mark.models
def test_real_people_are_recognised_at_the_proposed_threshold(enrolled: Workbench) -> None:
    report = enrolled.calibration.report()
    point = report.proposed
    assert point.fmr.errors == 0
    assert point.fnir.value < 0.1
    assert float(report.comparisons.genuine.mean()) > point.threshold > float(report.comparisons.impostor.mean())
    assert point.model_fpir <= 0.001
    assert report.outliers == []
    assert report.photos(point.threshold).fnmr[0].value >= report.photos(point.threshold).fnmr[-1].value


@pytest.mark.models
def test_the_threshold_that_was_applied_stands_in_the_next_punch(enrolled: Workbench, samples: Path) -> None:
    """A camera that is running all the while: a second process applies thresholds between two people's passages."""
    pipeline = enrolled.pipeline("door")
    rows = []

    def passes(person: str, minute: int) -> None:
        image = read_image(samples / "val" / person / "01.jpg")
        for index in range(12):
            time = T0 + timedelta(minutes=minute, seconds=index / 5)
            rows.extend(pipeline.process(Frame(image, time, "door", 60 * minute + index)).rows)
        blank = np.zeros((120, 160, 3), np.uint8)
        for index in range(15):
            time = T0 + timedelta(minutes=minute, seconds=10 + index / 5)
            rows.extend(pipeline.process(Frame(blank, time, "door", 60 * minute + 20 + index)).rows)

    derived = enrolled.calibration.threshold()
    passes("ben_afflek", 0)
    for target, minute, person in (("1e-3", 2, "elton_john"), ("1e-5", 4, "mindy_kaling")):
        answer = muster(
            "calibrate",
            "--apply",
            "--target-fmr",
            target,
            "--author",
            "Lea",
            "--reason",
            "test",
            "--json",
            "--workspace",
            enrolled.workspace,
        )
        assert answer.code == 0, answer.err
        passes(person, minute)
    last = pipeline.finish()
    rows.extend(last.rows if last else ())
    punches = {row.employee_id: row.threshold for row in rows if isinstance(row, PunchRow) and row.event == "punch"}
    versions = enrolled.calibration.history()
    assert list(punches) == ["ben_afflek", "elton_john", "mindy_kaling"]
    assert punches["ben_afflek"] == pytest.approx(derived, abs=1e-4)
    assert punches["elton_john"] == pytest.approx(versions[0].threshold, abs=1e-4)
    assert punches["mindy_kaling"] == pytest.approx(versions[1].threshold, abs=1e-4)
    assert punches["elton_john"] < derived < punches["mindy_kaling"]
