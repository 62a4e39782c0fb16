"""Search by photo, on real faces: where and when somebody was seen, what became of it, and what is never searched for."""

from __future__ import annotations

import json
import shutil
from datetime import timedelta
from pathlib import Path

import cv2
import numpy as np
import pytest
from command import muster
from fakes import T0, at
from numpy.typing import NDArray
from paperwork import Clock, picture, punch, stranger
from paperwork_faces import CONFIG, beside

from engine.config import StrangersConfig
from engine.errors import InputError
from engine.face_reader import FaceReader
from engine.gallery import SeenFace
from engine.imaging import crop_around, encode_jpeg, read_image
from engine.records import FaceSearch, Wanted
from engine.workbench import Workbench

pytestmark = pytest.mark.models

PEOPLE = ("ben_afflek", "elton_john", "jerry_seinfeld", "madonna", "mindy_kaling")
Image = NDArray[np.uint8]


def photos(samples: Path, person: str) -> list[Path]:
    return sorted((samples / "val" / person).glob("*.jpg"))


def opened(workspace: Path, reader: FaceReader) -> Workbench:
    workbench = Workbench(workspace, CONFIG, clock=Clock(at(7200)))
    workbench.reader = reader
    return workbench


@pytest.fixture(scope="module")
def made(samples: Path, reader: FaceReader, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Mindy is enrolled and has a punch; the others are strangers, each seen three times, Madonna with an alert."""
    workspace = tmp_path_factory.mktemp("searched") / "w"
    workbench = opened(workspace, reader)
    workbench.registrar.enrol_photos(
        "E7", "Mindy Kaling", sorted((samples / "train" / "mindy_kaling").glob("*.jpg"))[:3], author="hr"
    )
    for number, person in enumerate(PEOPLE):
        for shot, path in enumerate(photos(samples, person)[:3]):
            image = read_image(path)
            faces = reader.photo(image)
            best = int(faces.detections.areas.argmax())
            assert faces.embeddings is not None
            time, track = T0 - timedelta(days=shot, minutes=number), f"run-{number}-{shot}"
            known, unknown = person == "mindy_kaling", ""
            if known and not shot:
                place = workspace / "images" / "evidence" / f"{T0:%Y%m%dT%H%M%S}-00000001.jpg"
                crop = crop_around(image, faces.detections.boxes[best])
                workbench.records.vault.write(place, encode_jpeg(crop), f"evidence:{T0:%Y-%m}:E7")
                punch(workbench, "E7", time, track=track, image=place.relative_to(workspace).as_posix())
            elif not known and shot == 0:
                crop = crop_around(image, faces.detections.boxes[best])
                unknown = stranger(workbench, faces.embeddings[best], time, track=track, image=crop).unknown_ids[0]
            face = SeenFace(
                track,
                "gate" if shot else "door",
                time,
                time,
                "known" if known else "unknown",
                "E7" if known else "",
                unknown,
            )
            workbench.records.seen.record(face, faces.embeddings[best])
    return workspace


@pytest.fixture
def place(made: Path, reader: FaceReader, tmp_path: Path) -> Workbench:
    shutil.copytree(made, tmp_path / "w")
    return opened(tmp_path / "w", reader)


def probe(workbench: Workbench, path: Path) -> NDArray[np.float32]:
    return workbench.face_search.faces(read_image(path))[0].embedding


def test_another_photo_of_each_person_finds_them_first(place: Workbench, samples: Path) -> None:
    for number, person in enumerate(PEOPLE):
        answer = place.face_search.search(probe(place, photos(samples, person)[4]), Wanted(), author="sam")
        assert {each.face.track.rpartition("-")[0] for each in answer.seen} == {f"run-{number}"}, person
        scores = [each.similarity or 0.0 for each in answer.seen]
        assert scores == sorted(scores, reverse=True)
        assert [each.person for each in answer.people] == (["E7"] if person == "mindy_kaling" else [])


def test_a_sighting_leads_to_its_punch_or_alert_and_to_its_picture(place: Workbench, samples: Path) -> None:
    search = place.face_search
    answer = search.search(probe(place, photos(samples, "mindy_kaling")[4]), Wanted(), author="sam")
    (with_punch,) = (each for each in answer.seen if each.punch)
    assert (with_punch.key, with_punch.certain, with_punch.incident_id) == ("E7", True, "")
    assert with_punch.punch is not None
    assert with_punch.picture == with_punch.punch.evidence_image
    answer = search.search(probe(place, photos(samples, "ben_afflek")[4]), Wanted(), author="sam")
    (with_alert,) = (each for each in answer.seen if each.incident_id)
    assert with_alert.picture == place.incidents.find(with_alert.incident_id).image
    assert [each.person for each in answer.strangers] == [with_alert.key]
    # people decide later: the stranger is merged, named, and a punch taken back
    place.office.merge(with_alert.key, "unknown-2", author="sam")
    answer = search.search(probe(place, photos(samples, "ben_afflek")[4]), Wanted(), author="sam")
    assert {each.key for each in answer.seen if each.incident_id} == {"unknown-2"}
    place.office.name("unknown-2", "E7", author="sam")
    answer = search.search(probe(place, photos(samples, "ben_afflek")[4]), Wanted(), author="sam")
    assert {each.key for each in answer.seen if each.incident_id} == {"E7"}


def test_filters_hold_together(place: Workbench, samples: Path) -> None:
    row, day = probe(place, photos(samples, "mindy_kaling")[4]), T0.date()

    def found(**wanted: object) -> list[str]:
        return [each.face.track for each in place.face_search.search(row, Wanted(**wanted), author="sam").seen]  # type: ignore[arg-type]

    assert set(found()) == {"run-4-0", "run-4-1", "run-4-2"}
    assert found(camera="door") == ["run-4-0"]
    assert set(found(last=day - timedelta(days=1))) == {"run-4-1", "run-4-2"}
    assert found(first=day) == ["run-4-0"]
    assert found(who="strangers") == []
    assert len(found(at_least=-1)) == 15
    assert len(found(at_least=-1, who="strangers")) == 12
    assert found(at_least=-1, limit=4, skip=2) == found(at_least=-1)[2:6]


@pytest.mark.parametrize(
    ("image", "told"),
    [
        (np.full((480, 640, 3), 255, np.uint8), "no face"),
        (np.zeros((1, 1, 3), np.uint8), "no face"),
        (np.zeros((2, 900, 3), np.uint8), "no face"),
        (picture(), "no face"),
    ],
)
def test_a_picture_without_a_face_says_so(place: Workbench, image: Image, told: str) -> None:
    with pytest.raises(InputError, match=told):
        place.face_search.faces(image)


def test_a_tiny_face_says_how_large_it_must_be(place: Workbench, samples: Path) -> None:
    image = read_image(photos(samples, "madonna")[4])
    box = place.face_search.faces(image)[0].box
    side = float(box[2] - box[0])
    tiny = cv2.resize(image, None, fx=14 / side, fy=14 / side, interpolation=cv2.INTER_AREA)
    canvas = np.full((400, 400, 3), 128, np.uint8)
    canvas[: tiny.shape[0], : tiny.shape[1]] = tiny[:400, :400]
    with pytest.raises(InputError, match="too small"):
        place.face_search.faces(canvas)


def test_of_several_faces_the_main_one_comes_first_and_each_can_be_chosen(place: Workbench, samples: Path) -> None:
    crops = []
    for person in ("ben_afflek", "mindy_kaling"):
        image = read_image(photos(samples, person)[4])
        crops.append((crop_around(image, place.face_search.faces(image)[0].box, grow=0.4), 220 if not crops else 150))
    faces = place.face_search.faces(beside(*crops))
    assert [face.main for face in faces] == [True, False]
    firsts = [place.face_search.search(each.embedding, Wanted(), author="sam").seen[0].face.track for each in faces]
    assert [each[:5] for each in firsts] == ["run-0", "run-4"]


def test_nobody_searches_for_who_withdrew_their_consent(place: Workbench, samples: Path) -> None:
    place.staff.change("E7", author="hr", consent_at="2026-11-01")
    place.staff.change("E7", author="hr", consent_at="")
    with pytest.raises(InputError, match="withdrew"):
        place.face_search.search(probe(place, photos(samples, "mindy_kaling")[4]), Wanted(), author="sam")
    everybody = place.face_search.search(probe(place, photos(samples, "madonna")[4]), Wanted(at_least=-1), author="sam")
    assert "E7" not in {each.key for each in everybody.seen} | {each.person for each in everybody.people}


def test_who_is_forgotten_is_found_no_more_and_no_photo_is_kept(place: Workbench, samples: Path) -> None:
    row = probe(place, photos(samples, "mindy_kaling")[4])
    before = {path for path in place.workspace.rglob("*") if path.is_file() and path.suffix != ".lock"}
    assert (
        place.face_search.search(row, Wanted(camera="gate", first=T0.date() - timedelta(days=5)), author="sam").total
        == 2
    )
    after = {path for path in place.workspace.rglob("*") if path.is_file() and path.suffix != ".lock"}
    assert after == before
    noted = place.audit.read()[-1]
    assert (noted.author, noted.action, noted.subject) == ("sam", "search_face", "")
    assert noted.detail.startswith("from 2026-11-18, camera gate, from 0.")
    assert noted.detail.endswith("2 sightings")

    receipt = place.privacy.forget("E7", author="hr", thorough=False)

    assert receipt["faces_for_the_search_by_photo"] == 3
    answer = place.face_search.search(row, Wanted(at_least=-1), author="sam")
    assert (answer.total, answer.people) == (12, ())


def test_pictures_of_before_are_read_once_when_asked_for(place: Workbench, samples: Path) -> None:
    place.records.seen.remove(lambda faces, _rows: range(len(faces)))
    row = probe(place, photos(samples, "mindy_kaling")[4])
    assert place.face_search.search(row, Wanted(), author="sam").total == 0
    assert place.face_search.unread() == 5
    assert (
        FaceSearch(place.records, lambda: place.reader, lambda: 0.5, kept_days=0).unread() == 0
    )  # they would go at once

    def interrupted(_: str, done: int, of: int) -> None:
        assert of == 5
        if done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        place.face_search.read_pictures(author="sam", progress=interrupted)
    assert place.face_search.unread() == 3
    assert place.face_search.read_pictures(author="sam", progress=lambda *_: None) == 3
    noted = [row.detail for row in place.audit.read() if row.action == "read_pictures"]
    assert [detail.partition(" ")[0] for detail in noted] == ["2", "3"]
    assert place.face_search.read_pictures(author="sam", progress=lambda *_: None) == 0
    (found,) = place.face_search.search(row, Wanted(), author="sam").seen
    assert (found.key, found.punch is not None) == ("E7", True)


def test_pictures_of_strangers_become_no_embeddings_where_none_are_kept(place: Workbench) -> None:
    place.records.seen.remove(lambda faces, _rows: range(len(faces)))
    config = place.config.model_copy(update={"strangers": StrangersConfig(keep="incident")})
    quiet = Workbench(place.workspace, config, models=place.models, clock=place.clock)
    count = quiet.face_search.unread()
    assert 0 < count < place.face_search.unread()
    assert quiet.face_search.read_pictures(author="sam", progress=lambda *_: None) == count
    assert {face.state for face in quiet.records.seen.about(lambda _: True)} == {"known"}


def test_the_timeline_is_of_one_person_newest_first(place: Workbench) -> None:
    rows, total = place.face_search.timeline("E7", limit=2)
    assert ([each.face.track for each in rows], total) == (["run-4-0", "run-4-1"], 3)
    assert [each.face.track for each in place.face_search.timeline("E7", skip=2)[0]] == ["run-4-2"]
    madonna = next(each for each in place.office.dossiers() if each.incidents[0].tracks == ("run-3-0",))
    rows, total = place.face_search.timeline(madonna.unknown_id)
    assert ([each.face.track for each in rows], total) == (["run-3-0"], 1)
    assert place.face_search.timeline("E99") == ([], 0)


def test_the_command_finds_the_same(place: Workbench, samples: Path) -> None:
    photo = photos(samples, "mindy_kaling")[4]
    answer = muster("search", photo, "--workspace", place.workspace, "--json", "--author", "sam", "--limit", "2")
    assert answer.code == 0, answer.err
    told = json.loads(answer.out)
    assert ([each["id"] for each in told["people"]], told["total"], len(told["seen"])) == (["E7"], 3, 2)
    assert {each["id"] for each in told["seen"]} == {"E7"}
