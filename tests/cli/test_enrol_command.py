"""`muster enrol` with files as people have them: each file that is left out is named with its reason, and a user may know better."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from command import muster
from PIL import Image

from engine.imaging import read_image, write_jpeg
from engine.people import Person
from engine.workbench import Workbench

pytestmark = pytest.mark.models


@pytest.fixture
def folder(tmp_path: Path, samples: Path) -> Path:
    """A folder of one person, with photos of many formats and other files."""
    place = tmp_path / "madonna"
    place.mkdir()
    photos = samples / "train" / "madonna"
    with Image.open(photos / "05.jpg") as first, Image.open(photos / "01.jpg") as second:
        first.save(place / "a.heic", format="HEIF", quality=90)
        second.save(place / "b.avif", quality=90)
    shutil.copy(photos / "06.jpg", place / "c.jfif")
    shutil.copy(photos / "02.jpg", place / "d")  # without an extension
    write_jpeg(place / "turned.jpg", np.ascontiguousarray(np.rot90(read_image(photos / "12.jpg"), 2)))
    write_jpeg(place / "cut.jpg", read_image(photos / "05.jpg")[:188])
    write_jpeg(place / "nobody.jpg", np.full((300, 300, 3), 120, np.uint8))
    (place / "notes.txt").write_text("photos of Madonna")
    (place / ".hidden").write_text("of the file manager")
    return place


def test_every_file_left_out_is_named_with_its_reason(folder: Path, tmp_path: Path) -> None:
    answer = muster("enrol", "--consent", "2026-11-01", folder, "--workspace", tmp_path / "w")
    assert answer.code == 0, answer.err
    left_out = [line for line in answer.err.splitlines() if line.startswith("left out: ")]
    assert len(left_out) == 3
    for name, reason in (
        ("cut.jpg", "the face is cut off by the edge → show the whole face"),
        ("nobody.jpg", "no face found → use a photo"),
        ("notes.txt", "not a picture that can be read → choose a picture"),
    ):
        assert any(f"{folder / name}: {reason}" in line for line in left_out), name
    assert f"{folder / 'turned.jpg'}: turned by 180°" in answer.err
    assert "too few photos" not in answer.err
    assert len(Workbench(tmp_path / "w").gallery.current().of("madonna")[0]) == 5


def test_programs_are_told_the_same(folder: Path, tmp_path: Path) -> None:
    answer = muster(
        "enrol",
        "--consent",
        "2026-11-01",
        folder,
        "--workspace",
        tmp_path / "w",
        "--use-anyway",
        folder / "cut.jpg",
        "--json",
    )
    assert answer.code == 0, answer.err
    told = json.loads(answer.out)
    (report,) = told["enrolled"]
    assert set(report["rejected"]) == {str(folder / "nobody.jpg"), str(folder / "notes.txt")}
    assert report["turned"] == {str(folder / "turned.jpg"): 180}
    assert report["overruled"] == {str(folder / "cut.jpg"): "cut off by the edge"}
    assert (report["templates"], told["failed"], told["left_out"]) == (6, {}, {})
    (row,) = [row for row in Workbench(tmp_path / "w").audit.read() if row.action == "overrule"]
    assert row.subject == "madonna"
    assert "cut off by the edge, enrolled anyway" in row.detail


def test_of_people_who_cannot_be_enrolled_each_file_is_named_too(folder: Path, tmp_path: Path) -> None:
    for path in folder.iterdir():
        if path.name not in {"nobody.jpg", "notes.txt"}:
            path.unlink()
    answer = muster("enrol", "--consent", "2026-11-01", folder, "--workspace", tmp_path / "w")
    assert answer.code == 7
    assert answer.err.count(str(folder / "nobody.jpg")) == answer.err.count(str(folder / "notes.txt")) == 1
    assert "madonna was not enrolled" in answer.error_lines[-1]
    told = json.loads(muster("enrol", "--consent", "2026-11-01", folder, "--workspace", tmp_path / "w", "--json").out)
    assert "nobody.jpg" in told["failed"]["madonna"]
    assert "notes.txt" in told["left_out"]["madonna"][0]


@pytest.mark.parametrize(
    ("name", "code", "problem"),
    [
        ("nobody.jpg", 4, "no face found, so there is nothing to enrol"),
        ("notes.txt", 4, "not a picture, so there is nothing to enrol"),
        ("other.jpg", 4, "is not among the photos"),
    ],
)
def test_a_file_that_shows_no_face_cannot_be_used_anyway(
    folder: Path, tmp_path: Path, name: str, code: int, problem: str
) -> None:
    answer = muster(
        "enrol", "--consent", "2026-11-01", folder, "--workspace", tmp_path / "w", "--use-anyway", folder / name
    )
    assert answer.code == code
    assert name in answer.error_lines[-1]
    assert problem in answer.error_lines[-1]
    assert not (tmp_path / "w" / "people.csv").exists()


def test_a_folder_or_an_archive_of_many_people_is_tried_first(samples: Path, tmp_path: Path) -> None:
    bench = Workbench(tmp_path / "w")
    bench.people.put(Person("E1", "Madonna Ciccone", consent_at="2026-01-05"))
    staff = tmp_path / "staff"
    for place, who in (("E1", "madonna/05"), ("Ciccone, Madonna", "madonna/01"), ("E2_Elton John", "elton_john/06")):
        (staff / place).mkdir(parents=True)
        shutil.copy(samples / "train" / f"{who}.jpg", staff / place / "a.jpg")
    (staff / "E3").mkdir()
    (staff / "E3" / "a.jpg").write_text("no picture")
    shutil.make_archive(str(tmp_path / "packed"), "zip", staff)
    for given in (staff, tmp_path / "packed.zip"):
        tried = muster("enrol", "--dry-run", given, "--workspace", tmp_path / "w", "--json")
        assert tried.code == 0, tried.err
        people = {
            each["id"]: (each["name"], each["result"], each["reason"]) for each in json.loads(tried.out)["people"]
        }
        assert people == {
            "E1": ("Madonna Ciccone", "enrol", "few photos"),
            "E2": ("Elton John", "enrol", "few photos"),
            "E3": ("E3", "nothing", "no usable photo"),
        }
    assert len(Workbench(tmp_path / "w").gallery.current()) == 0
    answer = muster("enrol", "--consent", "2026-11-01", tmp_path / "packed.zip", "--workspace", tmp_path / "w")
    assert answer.code == 7  # E3 has none
    after = Workbench(tmp_path / "w")
    assert {key: len(after.gallery.current().of(key)[0]) for key in after.gallery.current().people} == {
        "E1": 2,
        "E2": 1,
    }
    assert after.people.all()["E1"].name == "Madonna Ciccone"


def test_too_few_photos_are_said_with_what_they_cost(folder: Path, tmp_path: Path) -> None:
    workspace = tmp_path / "w"
    enrolled = muster(
        "enrol", "--consent", "2026-11-01", "--id", "E1", folder / "c.jfif", folder / "d", "--workspace", workspace
    )
    for answer in (enrolled, muster("people", "--workspace", workspace)):
        assert answer.code == 0, answer.err
        assert "too few photos: E1 (2) → enrol 3 photos of each person: with one, a single look misses" in answer.err
    doctor = muster("doctor", "--workspace", workspace, "--json")
    assert doctor.code == 0, doctor.out
    (row,) = [row for row in json.loads(doctor.out)["checks"] if row["what"] == "people with few photos"]
    assert (row["ok"], row["state"]) == (True, "advice")
    assert row["found"].startswith("E1 (2) → enrol 3 photos of each person")
