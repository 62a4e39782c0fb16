"""The command line in the hands of somebody who makes mistakes: one line that names the file and the next step, never a traceback."""

from __future__ import annotations

import csv
import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from command import Answer, muster
from PIL import Image

from engine.face_reader import FaceReader
from engine.imaging import read_image
from engine.models import ModelStore
from engine.workbench import Workbench

pytestmark = pytest.mark.models

AGREED = ("--consent", "2026-11-01")


def _refused(answer: Answer, code: int, *words: str) -> None:
    assert answer.code == code, (answer.code, answer.err)
    assert "Traceback" not in answer.err + answer.out
    assert len(answer.error_lines) == 1, answer.err
    line = answer.error_lines[0]
    assert "→" in line, "an error names the next step"
    for word in words:
        assert word in line


@pytest.fixture(scope="module")
def bad(tmp_path_factory: pytest.TempPathFactory, samples: Path) -> Path:
    """A folder with every kind of bad input."""
    folder = tmp_path_factory.mktemp("bad")
    (folder / "text.jpg").write_text("this is not a picture", encoding="utf-8")
    photo = (samples / "val" / "ben_afflek" / "02.jpg").read_bytes()
    (folder / "cut.jpg").write_bytes(photo[: len(photo) // 2])
    Image.new("1", (20000, 20000)).save(folder / "huge.png", optimize=True)
    Image.fromarray(np.full((300, 300, 3), 120, np.uint8)).save(folder / "nobody.jpg")
    shutil.copy(samples / "train" / "elton_john" / "09.jpg", folder / "two.jpg")
    (folder / "video.mp4").write_bytes(b"\0" * 5000)
    (folder / "empty").mkdir()
    (folder / "columns.csv").write_text("file_x,file_y\na.jpg,b.jpg\n", encoding="utf-8")
    (folder / "missing.csv").write_text("file_x,file_y,Decision\nno.jpg,two.jpg,Yes\n", encoding="utf-8")
    (folder / "decision.csv").write_text("file_x,file_y,Decision\ntwo.jpg,cut.jpg,perhaps\n", encoding="utf-8")
    return folder


@pytest.mark.parametrize("name", ["text.jpg", "cut.jpg", "huge.png", "none.jpg"])
def test_a_picture_that_cannot_be_read(bad: Path, tmp_path: Path, name: str) -> None:
    (tmp_path / "w").mkdir()
    _refused(muster("identify", bad / name, "--workspace", tmp_path / "w"), 4, name)
    _refused(
        muster("enrol", *AGREED, "--id", "E1", "--name", "Ada", bad / name, "--workspace", tmp_path / "w"),
        7,
        name,
    )


@pytest.mark.parametrize(("name", "reason"), [("nobody.jpg", "no face"), ("two.jpg", "2 faces")])
def test_a_photo_that_does_not_show_one_face_is_not_enrolled(bad: Path, tmp_path: Path, name: str, reason: str) -> None:
    workspace = tmp_path / "w"
    _refused(
        muster("enrol", *AGREED, "--id", "E1", "--name", "Ada", bad / name, "--workspace", workspace),
        7,
        name,
        reason,
    )
    assert not (workspace / "people.csv").exists()
    assert not list(workspace.rglob("*.jpg"))


def test_an_empty_folder(bad: Path, tmp_path: Path) -> None:
    workspace = tmp_path / "w"
    _refused(muster("enrol", *AGREED, bad / "empty", "--workspace", workspace), 4, "empty", "no pictures")
    _refused(muster("evaluate", bad / "empty", "--workspace", workspace), 4, "empty")
    _refused(muster("watch", "--source", bad / "empty", "--camera", "c", "--workspace", workspace), 4, "empty")


@pytest.mark.parametrize(
    ("name", "word"),
    [("columns.csv", "Decision"), ("missing.csv", "no.jpg"), ("decision.csv", "perhaps"), ("none.csv", "none.csv")],
)
def test_a_table_of_pairs_that_cannot_be_used(bad: Path, tmp_path: Path, name: str, word: str) -> None:
    _refused(muster("evaluate", "--pairs", bad / name, "--workspace", tmp_path / "w"), 4, name, word)


def test_groups_that_cannot_be_used(bad: Path, tmp_path: Path) -> None:
    (tmp_path / "photos" / "ann").mkdir(parents=True)
    (tmp_path / "photos" / "ann" / "1.jpg").write_bytes(b"")
    (tmp_path / "groups.csv").write_text("person,group\nbob,m\n", encoding="utf-8")
    asked = ("evaluate", tmp_path / "photos", "--no-cache", "--workspace", tmp_path / "w", "--groups")
    _refused(muster(*asked, tmp_path / "groups.csv"), 4, "bob", "no photos")
    _refused(muster(*asked, bad / "columns.csv"), 4, "person and group")
    pairs = ("evaluate", "--pairs", bad / "columns.csv", "--groups", tmp_path / "groups.csv")
    _refused(muster(*pairs, "--workspace", tmp_path / "w"), 4, "grouped by person")


@pytest.mark.parametrize("name", ["video.mp4", "text.jpg", "none.mp4"])
def test_an_unreadable_video(bad: Path, tmp_path: Path, name: str) -> None:
    _refused(muster("watch", "--source", bad / name, "--camera", "c", "--workspace", tmp_path / "w"), 4, name)


def test_several_photos_one_of_them_bad(bad: Path, tmp_path: Path, samples: Path) -> None:
    good = samples / "val" / "ben_afflek" / "02.jpg"
    answer = muster("identify", good, bad / "text.jpg", "--workspace", tmp_path, "--json")
    _refused(answer, 4, "text.jpg")
    rows = json.loads(answer.out)
    assert [len(row["faces"]) for row in rows] == [1, 0]


def test_settings_that_make_no_sense(tmp_path: Path) -> None:
    (tmp_path / "muster.toml").write_text("[events]\ncool_down_s = -5\n", encoding="utf-8")
    _refused(muster("people", "--workspace", tmp_path), 3, "cool_down_s")
    (tmp_path / "muster.toml").write_text('timezone = "Mars/Olympus"\n', encoding="utf-8")
    _refused(muster("people", "--workspace", tmp_path), 3, "Mars/Olympus")


@pytest.mark.parametrize(
    ("options", "word"),
    [
        (("--day", "yesterday"), "yesterday"),
        (("--month", "2026-13"), "2026-13"),
        (("--day", "2026-01-01", "--month", "2026-01"), "--day"),
    ],
)
def test_a_report_of_a_day_that_is_none(tmp_path: Path, options: tuple[str, ...], word: str) -> None:
    _refused(muster("report", *options, "--workspace", tmp_path), 4, word)


def test_a_workspace_that_is_a_file(tmp_path: Path, samples: Path) -> None:
    place = tmp_path / "file"
    place.write_text("x", encoding="utf-8")
    photos = sorted((samples / "train" / "mindy_kaling").glob("*.jpg"))[:4]
    _refused(muster("enrol", *AGREED, "--id", "E1", *photos, "--workspace", place), 9, "file")


def test_forgetting_somebody_who_is_not_there(tmp_path: Path) -> None:
    _refused(muster("forget", "E404", "--workspace", tmp_path), 4, "E404")


def test_wrong_usage_says_how(tmp_path: Path) -> None:
    assert muster("watch", "--workspace", tmp_path).code == 2
    assert muster("models", "fetch", "no-such-model").code == 3
    assert "muster 0" in muster("--version").out


ODD_NAMES = [
    "../../x",
    '=HYPERLINK("http://example.invalid","x")',
    "张伟",
    "two\nlines",
    "@SUM(1)",
    "-2+3",
    'a,"b"',
    "\u202eevil",
]


@pytest.mark.parametrize("name", ODD_NAMES)
def test_an_odd_name_neither_escapes_nor_breaks_a_file(
    tmp_path: Path, samples: Path, store: ModelStore, reader: FaceReader, name: str
) -> None:
    place = tmp_path / "deep" / "er" / "w"
    photos = sorted((samples / "train" / "mindy_kaling").glob("*.jpg"))[:3]
    workbench = Workbench(place, models=store)
    workbench.__dict__["reader"] = reader  # opened once for all names
    workbench.registrar.enrol_photos(name, name, photos)
    assert {path.name for path in tmp_path.iterdir()} == {"deep"}
    assert {path.name for path in (tmp_path / "deep" / "er").iterdir()} == {"w"}
    raw = (place / "people.csv").read_text(encoding="utf-8")
    assert len(raw.splitlines()) == 2
    with (place / "people.csv").open(newline="", encoding="utf-8") as handle:
        (row,) = csv.DictReader(handle)
    assert not re.match(r"\s*[=+\-@]", row["name"])
    assert not re.match(r"\s*[=+\-@]", row["employee_id"])
    ((employee_id, person),) = workbench.people.all().items()
    if name.isprintable():
        assert (employee_id, person.name) == (name, name)
    assert "\n" not in person.name
    assert "\u202e" not in person.name
    (face,) = workbench.services().identify(read_image(photos[0]))
    assert face.match.person == employee_id
    workbench.privacy.forget(employee_id)
    assert workbench.people.all() == {}


def test_an_odd_name_on_the_command_line(tmp_path: Path, samples: Path) -> None:
    folder = tmp_path / "-1=HYPERLINK(x)\ny"
    shutil.copytree(samples / "train" / "mindy_kaling", folder)
    answer = muster("enrol", *AGREED, "--workspace", tmp_path / "w", "--json", "--", folder)
    assert answer.code == 0, answer.err
    (report,) = json.loads(answer.out)["enrolled"]
    assert (report["employee_id"], report["name"]) == ("-1=HYPERLINK(x)", "y")
    unconfirmed = muster("forget", "--workspace", tmp_path / "w", "--", report["employee_id"])
    _refused(unconfirmed, 4, report["employee_id"], "--yes")
    assert muster("forget", "--yes", "--workspace", tmp_path / "w", "--", report["employee_id"]).code == 0


def test_a_name_of_ten_kilobytes_is_refused(tmp_path: Path, samples: Path) -> None:
    photo = samples / "train" / "mindy_kaling" / "01.jpg"
    _refused(
        muster("enrol", *AGREED, "--id", "E1", "--name", "x" * 10_000, photo, "--workspace", tmp_path),
        4,
        "name",
        "10000",
    )
    _refused(
        muster("enrol", *AGREED, "--id", "x" * 10_000, photo, "--workspace", tmp_path),
        4,
        "employee id",
        "10000",
    )
    assert not (tmp_path / "people.csv").exists()


def test_a_gallery_of_another_model_is_refused(tmp_path: Path, samples: Path) -> None:
    photos = sorted((samples / "train" / "mindy_kaling").glob("*.jpg"))[:3]
    assert muster("enrol", *AGREED, "--id", "E1", *photos, "--workspace", tmp_path).code == 0
    answer = muster("people", "--workspace", tmp_path, MUSTER_EMBEDDING__MODEL="facenet-vggface2-512")
    _refused(answer, 8, "facenet-mobilefacenet-320", "facenet-vggface2-512")


def test_doctor_says_what_is_wrong(tmp_path: Path) -> None:
    well = muster("doctor", "--workspace", tmp_path, "--json")
    assert well.code == 0, well.out
    sick = muster("doctor", "--workspace", tmp_path, "--json", MUSTER_CACHE=str(tmp_path / "no-cache"))
    assert sick.code == 1
    wrong = [row for row in json.loads(sick.out)["checks"] if not row["ok"]]
    assert [row["what"] for row in wrong] == ["model facenet-ms1m-128", "model mobilefacenet-192"]
    assert "muster models fetch" in wrong[0]["found"]
