"""Photos that the check refused, with what they show and a way round; and people with too few photos."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from fakes import T0
from numpy.typing import NDArray
from paperwork import bench as paper_bench
from paperwork import enrol, face

from engine.enrolment import ENOUGH_PHOTOS, RefusedPhoto
from engine.enrolment.photos import examine_all, overrule
from engine.errors import EnrolmentRejected, InputError
from engine.face_reader import FaceReader
from engine.imaging import encode_jpeg, read_image, write_jpeg
from engine.people import Person
from engine.workbench import Workbench

Picture = NDArray[np.uint8]
MADONNA = ("05", "01", "06", "02", "12")
AMBER = np.array([230, 159, 0])

models = pytest.mark.models


@pytest.fixture
def bench(tmp_path: Path, reader: FaceReader) -> Workbench:
    found = Workbench(tmp_path / "data", clock=lambda: T0)
    found.__dict__["reader"] = reader
    return found


def madonna(samples: Path, *names: str) -> list[Path]:
    return [samples / "train" / "madonna" / f"{name}.jpg" for name in names or MADONNA]


def cut_off(image: Picture) -> Picture:
    """Madonna's first photo without her chin."""
    return image[:188]


def refused_as(reader: FaceReader, image: Picture) -> RefusedPhoto:
    shots, (refused,) = examine_all(reader, [("ann.jpg", np.ascontiguousarray(image))])
    assert shots == []
    return refused


# --------------------------------------------------------------------------------------------- what a refused photo shows


@models
@pytest.mark.parametrize(
    ("reason", "spoilt"),
    [
        ("cut off by the edge", cut_off),
        ("too small", lambda image: cv2.resize(image, None, fx=0.18, fy=0.18, interpolation=cv2.INTER_AREA)),
        ("too dark", lambda image: image // 12),
    ],
)
def test_a_refused_photo_with_a_face_can_be_used_anyway(
    reader: FaceReader, samples: Path, reason: str, spoilt: Callable[[Picture], Picture]
) -> None:
    first, second = (read_image(path) for path in madonna(samples)[:2])
    refused = refused_as(reader, spoilt(first))
    assert (refused.reason, refused.name) == (reason, "ann.jpg")
    assert refused.picture is not None
    assert refused.anyway is not None
    assert refused.anyway.overruled == reason
    ((good,), _) = examine_all(reader, [("good.jpg", second)])
    assert refused.anyway.embedding @ good.embedding > 0.5, "it shows the same person"
    assert good.overruled == ""


@models
def test_of_several_faces_the_chosen_one_is_framed(reader: FaceReader, samples: Path) -> None:
    first, second = (
        cv2.resize(read_image(path), (400, 400))
        for path in (madonna(samples)[0], samples / "train" / "elton_john" / "02.jpg")
    )
    pair = np.hstack([first, second]).astype(np.uint8)
    refused = refused_as(reader, pair)
    assert refused.reason == "several faces"
    assert refused.picture is not None
    assert refused.anyway is not None
    amber = np.abs(refused.picture.astype(int) - AMBER).max(-1) < 12
    middle = refused.picture.shape[1] / 2
    left = amber.nonzero()[1] < middle
    assert amber.sum() > 100
    assert left.all() or not left.any(), "one face has a frame"
    ((alone,), _) = examine_all(reader, [("alone.jpg", np.asarray(first if left.all() else second, np.uint8))])
    assert refused.anyway.embedding @ alone.embedding > 0.8
    assert (pair == np.hstack([first, second])).all(), "the photo itself is left alone"


@models
def test_without_a_face_there_is_a_picture_but_no_way_round(reader: FaceReader) -> None:
    nobody = refused_as(reader, np.full((900, 600, 3), 120, np.uint8))
    assert nobody.reason == "no face found"
    assert nobody.anyway is None
    assert nobody.picture is not None
    assert nobody.picture.shape == (320, 213, 3)
    _, (text,) = examine_all(reader, [("notes.txt", b"no picture")])
    assert (text.reason, text.picture, text.anyway) == ("not a picture", None, None)
    assert overrule([], [nobody, text], []) == ([], [nobody, text])
    for each in (nobody, text):
        with pytest.raises(InputError, match=rf"{each.name}: {each.reason}, so there is nothing to enrol"):
            overrule([], [nobody, text], [each.name])


# --------------------------------------------------------------------------------------------- enrolled anyway


@models
def test_photos_used_anyway_become_templates_and_are_noted(bench: Workbench, samples: Path, tmp_path: Path) -> None:
    cut, dark, turned = (tmp_path / name for name in ("cut.jpg", "dark.jpg", "turned.jpg"))
    image = read_image(madonna(samples)[0])
    write_jpeg(cut, cut_off(image))
    write_jpeg(dark, image // 12)
    write_jpeg(turned, np.ascontiguousarray(np.rot90(read_image(madonna(samples)[2]))))
    photos = [cut, dark, turned, *madonna(samples)[1:2]]
    report = bench.registrar.enrol_photos("7", "Mad", photos, use_anyway=[cut], author="hr")
    assert sorted(report.accepted) == sorted(map(str, (cut, turned, photos[3])))
    assert list(report.rejected) == [str(dark)]
    assert report.overruled == {str(cut): "cut off by the edge"}
    assert report.turned == {str(turned): 90}
    (row,) = [row for row in bench.audit.read() if row.action == "overrule"]
    assert (row.author, row.subject, row.timestamp) == ("hr", "7", T0)
    template = row.detail.removeprefix("template ").partition(":")[0]
    assert template in {each.template_id for each in bench.gallery.current().of("7")[0]}
    assert bench.registrar.picture(template).is_file()
    assert row.detail.endswith(": cut off by the edge, enrolled anyway")
    (found,) = bench.services().identify(read_image(madonna(samples)[3]))
    assert found.match.person == "7"


@models
def test_a_photo_used_anyway_must_show_the_same_person(bench: Workbench, samples: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.jpg"
    image = read_image(samples / "train" / "elton_john" / "02.jpg")
    write_jpeg(other, np.asarray(cv2.resize(image, None, fx=0.2, fy=0.2, interpolation=cv2.INTER_AREA), np.uint8))
    report = bench.registrar.enrol_photos("7", "Mad", [other, *madonna(samples)[:3]], use_anyway=[other])
    assert "does not look like the other photos" in report.rejected[str(other)]
    assert report.overruled == {}
    assert [row.action for row in bench.audit.read()] == ["enrol"]


@models
def test_nothing_is_stored_if_a_photo_shows_no_face(bench: Workbench, samples: Path, tmp_path: Path) -> None:
    nobody, text = tmp_path / "nobody.jpg", tmp_path / "notes.txt"
    nobody.write_bytes(encode_jpeg(np.full((300, 300, 3), 120, np.uint8)))
    text.write_text("who was on leave")
    with pytest.raises(InputError, match=r"nobody\.jpg: no face found, so there is nothing to enrol → leave"):
        bench.registrar.enrol_photos("7", "Mad", [nobody, *madonna(samples)[:3]], use_anyway=[nobody])
    assert bench.people.all() == {}
    with pytest.raises(EnrolmentRejected) as refused:
        bench.registrar.enrol_photos("7", "Mad", [nobody, text])
    assert [line.partition(": ")[0] for line in refused.value.left_out] == [str(nobody), str(text)]


# --------------------------------------------------------------------------------------------- too few photos


def test_active_people_with_one_or_two_templates_are_listed(tmp_path: Path) -> None:
    bench = paper_bench(tmp_path)
    for number in range(5):
        rows = [face(place, number) for place in range(number)]
        enrol(bench, f"E{number}", f"Ann {number}", *rows)
    assert bench.registrar.few_photos() == {"E1": 1, "E2": 2}
    bench.people.change("E2", active=False)
    assert bench.registrar.few_photos() == {"E1": 1}


def test_what_few_photos_cost_follows_the_threshold_in_force(tmp_path: Path) -> None:
    one, two, three = (paper_bench(tmp_path).registrar.misses(photos) for photos in (1, 2, 3))
    assert one > two > three > 0
    strict = paper_bench(tmp_path, matching={"threshold": 0.7}).registrar
    assert strict.misses(1) > 2 * one
    assert strict.advice.startswith("enrol 3 photos of each person: with one, a single look misses them in ")
    assert f"{100 * strict.misses(1):.2g}% of cases, with 3 in {100 * strict.misses(3):.2g}%" in strict.advice


@models
def test_a_draft_counts_the_templates_that_are_there(bench: Workbench, samples: Path) -> None:
    shots, _ = bench.registrar.examine((path.name, path) for path in madonna(samples)[:2])
    bench.people.put(Person("7", "Mad"))
    drafted = bench.registrar.draft("7", "Mad", shots)
    assert (drafted.before, drafted.templates, ENOUGH_PHOTOS) == (0, 2, 3)
    bench.registrar.enrol(drafted)
    assert bench.registrar.draft("7", "Mad", shots[:1]).templates == 3
