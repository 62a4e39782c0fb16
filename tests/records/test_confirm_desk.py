"""The confirm queue on real faces: what is asked, what answers do and prove, and which pictures become templates."""

from __future__ import annotations

import json
import shutil
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from command import muster
from fakes import T0, at
from numpy.typing import NDArray
from paperwork import Clock, stranger
from paperwork_faces import CONFIG
from sightings import track

from engine.attendance import Sighting, valid_rows
from engine.errors import InputError
from engine.face_reader import FaceReader
from engine.imaging import crop_around, encode_jpeg, read_image
from engine.types import Identity, TrackState
from engine.workbench import Workbench

pytestmark = pytest.mark.models

MINDY, BEN = "E7", "E8"


def opened(workspace: Path, reader: FaceReader) -> Workbench:
    workbench = Workbench(workspace, CONFIG, clock=Clock(at(7200)))
    workbench.reader = reader
    return workbench


class Shots:
    """Faces of the sample photos, cropped as evidence is."""

    def __init__(self, samples: Path, reader: FaceReader) -> None:
        self._samples, self._reader = samples, reader

    def __call__(self, who: str, number: int) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
        image = read_image(sorted((self._samples / "val" / who).glob("*.jpg"))[number])
        faces = self._reader.photo(image)
        best = int(faces.detections.areas.argmax())
        assert faces.embeddings is not None
        return crop_around(image, faces.detections.boxes[best], grow=0.4), faces.embeddings[best]


def passed(
    workbench: Workbench, who: str, second: int, image: NDArray[np.uint8], off: float, *, certain: bool = True
) -> str:
    """A row of the attendance log with its picture, whose similarity lies so far from the threshold; return its id."""
    threshold = workbench.calibration.threshold()
    state = TrackState.KNOWN if certain else TrackState.UNKNOWN
    identity = Identity(state, who, 4, 5, threshold + off, BEN, 0.2, 0.3, threshold)
    model = workbench.gallery.current().model_id
    sighting = Sighting(who, at(second), "door", f"run-{second}", identity, model, 1, certain=certain)
    folder = "evidence" if certain else "unidentified"
    place = workbench.workspace / "images" / folder / f"{T0:%Y%m%dT%H%M%S}-{second:08}.jpg"
    workbench.records.vault.write(place, encode_jpeg(image), f"{folder}:{T0:%Y-%m}:{who}")
    name = place.relative_to(workbench.workspace).as_posix()
    row = workbench.attendance.record(sighting, workbench.people.known(), name)
    assert row is not None
    return row.event_id


@pytest.fixture(scope="module")
def shots(samples: Path, reader: FaceReader) -> Shots:
    return Shots(samples, reader)


@pytest.fixture(scope="module")
def made(
    samples: Path, reader: FaceReader, shots: Shots, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, dict[str, str]]:
    """Mindy and Ben are enrolled; passages of both, right, wrong, nearly and clear."""
    workspace = tmp_path_factory.mktemp("confirmed") / "w"
    workbench = opened(workspace, reader)
    for employee_id, name, folder in ((MINDY, "Mindy Kaling", "mindy_kaling"), (BEN, "Ben Afflek", "ben_afflek")):
        workbench.registrar.enrol_photos(
            employee_id, name, sorted((samples / "train" / folder).glob("*.jpg"))[:3], author="hr"
        )
    asked = {
        "right": passed(workbench, MINDY, 0, shots("mindy_kaling", 0)[0], 0.03),
        "clear": passed(workbench, BEN, 700, shots("ben_afflek", 0)[0], 0.2),
        "wrong": passed(workbench, BEN, 1400, shots("mindy_kaling", 1)[0], 0.01),
        "nearly": passed(workbench, MINDY, 2100, shots("mindy_kaling", 2)[0], -0.02, certain=False),
    }
    image, row = shots("ben_afflek", 1)
    threshold = workbench.calibration.threshold()
    stranger(workbench, row, at(2800), track="run-2800", image=image)
    workbench.sightings.record(
        track("run-2800", [{BEN: threshold - 0.05, MINDY: 0.1}] * 4, start_s=2800, threshold=threshold)
    )
    return workspace, asked


@pytest.fixture
def place(made: tuple[Path, dict[str, str]], reader: FaceReader, tmp_path: Path) -> Workbench:
    shutil.copytree(made[0], tmp_path / "w")
    return opened(tmp_path / "w", reader)


@pytest.fixture
def asked(made: tuple[Path, dict[str, str]]) -> dict[str, str]:
    return made[1]


def test_what_lies_near_the_threshold_is_asked_the_closest_first(place: Workbench, asked: dict[str, str]) -> None:
    found = place.confirm.questions()
    assert [each.question for each in found[:3]] == [asked["wrong"], asked["nearly"], asked["right"]]
    assert [(each.kind, each.employee_id) for each in found] == [
        ("punch", BEN),
        ("near miss", MINDY),
        ("punch", MINDY),
        ("near miss", BEN),  # a stranger, whom an alert shows
    ]
    for each in found:
        assert place.records.inside(each.picture)
        assert place.records.inside(each.portrait)
    assert [each.question for each in place.confirm.questions(near=0.015)] == [asked["wrong"]]
    assert asked["clear"] in {each.question for each in place.confirm.questions(near=0.3)}
    clock = place.clock
    assert isinstance(clock, Clock)
    clock.now = T0 + timedelta(days=14)
    assert place.confirm.questions() == []
    assert len(place.confirm.questions(days=15)) == 4


def test_an_answer_is_kept_sealed_and_audited_and_not_asked_again(place: Workbench, asked: dict[str, str]) -> None:
    row = place.confirm.answer(asked["nearly"], "yes", author="Ben Afflek")
    assert (row.employee_id, row.answer, row.kind, row.author) == (MINDY, "yes", "near miss", BEN)
    assert round(row.similarity - row.threshold, 3) == -0.02
    assert place.answers.rows() == [row]
    assert asked["nearly"] not in {each.question for each in place.confirm.questions()}
    assert place.audit.read()[-1].action == "confirm"
    assert [each.employee_id for _, each in place.records.attendance_rows() if each.event == "punch"] == [
        MINDY,
        BEN,
        BEN,
    ]  # a yes to a near miss makes no punch
    place.confirm.answer(asked["nearly"], "unsure", author="sam")
    assert place.answers.in_force()[asked["nearly"]].answer == "unsure"
    assert place.records.verify() == []
    path = place.answers.log.raw.shelf.path(T0.date())
    path.write_text(path.read_text(encoding="utf-8").replace(",yes,", ",no,"), encoding="utf-8")
    assert place.records.verify()


def test_a_no_takes_a_passage_back_and_remembers_the_face(place: Workbench, asked: dict[str, str]) -> None:
    place.confirm.answer(asked["wrong"], "no", author="sam")
    rows = [row for _, row in place.records.attendance_rows()]
    assert asked["wrong"] not in {row.event_id for row in valid_rows(rows)}
    assert [each.template_id for each in place.anchors.current().templates] == [asked["wrong"]]
    with pytest.raises(InputError, match="closed"):
        place.confirm.answer(asked["wrong"], "yes", author="sam")
    assert len(place.answers.rows()) == 1
    with pytest.raises(InputError, match="closed"):
        place.confirm.answer("nothing", "yes", author="sam")


def test_a_no_that_cannot_take_the_passage_back_is_no_answer(place: Workbench, asked: dict[str, str]) -> None:
    picture = next(each.picture for each in place.confirm.questions() if each.question == asked["wrong"])
    place.records.vault.write(
        place.workspace / picture, encode_jpeg(np.full((80, 80, 3), 120, np.uint8)), f"evidence:{T0:%Y-%m}:{BEN}"
    )
    with pytest.raises(InputError, match="no face"):
        place.confirm.answer(asked["wrong"], "no", author="sam")
    assert place.answers.rows() == []


def test_answers_are_told_against_the_threshold(place: Workbench, asked: dict[str, str]) -> None:
    assert place.calibration.answers().sentence.startswith("Nobody has answered")
    before = place.calibration.report(runs=10).proposed_threshold
    for question, said in (("right", "yes"), ("wrong", "no"), ("nearly", "yes")):
        place.confirm.answer(asked[question], said, author="sam")  # type: ignore[arg-type]
    near = place.calibration.answers()
    assert (near.right, near.missed, near.wrong, near.refused, near.answers) == (1, 1, 1, 0, 3)
    assert "Of 3 answers near the line, 2 are about faces at or above" in near.sentence
    assert near.genuine_missed.interval == pytest.approx((0.0126, 0.9874), abs=1e-3)  # Clopper-Pearson, 1 of 2
    lower = place.calibration.answers(near.threshold - 0.02)
    assert (lower.right, lower.missed) == (2, 0)  # the threshold itself is accepted
    assert place.calibration.report(runs=10).proposed_threshold == before
    told = json.loads(muster("calibrate", "--workspace", str(place.workspace), "--json").out)
    assert (told["answers"]["right"], told["answers"]["wrong"]) == (1, 1)


def test_a_confirmed_picture_becomes_a_template_when_asked(place: Workbench, asked: dict[str, str]) -> None:
    with pytest.raises(InputError, match="Nobody has confirmed"):
        place.confirmed.add(asked["right"], author="sam")
    place.confirm.answer(asked["right"], "yes", author="sam")
    assert len(place.gallery.current().of(MINDY)[0]) == 3  # a yes alone adds nothing
    report = place.confirmed.add(asked["right"], author="sam")
    assert (report.employee_id, report.templates) == (MINDY, 4)
    assert place.people.known()[MINDY].name == "Mindy Kaling"
    with pytest.raises(InputError, match="template already"):
        place.confirmed.add(asked["right"], author="sam")
    added = place.gallery.current().of(MINDY)[0][-1].template_id
    place.staff.remove_templates(MINDY, [added], author="sam")  # and it can be taken back
    assert len(place.gallery.current().of(MINDY)[0]) == 3


def test_a_picture_of_somebody_else_becomes_no_template_whoever_says_yes(
    place: Workbench, asked: dict[str, str]
) -> None:
    place.confirm.answer(asked["wrong"], "yes", author="sam")
    before = place.gallery.current().version
    with pytest.raises(InputError, match="not enough like"):
        place.confirmed.add(asked["wrong"], author="sam")
    assert place.gallery.current().version == before


def test_who_is_forgotten_is_asked_about_no_more_and_everybody_gets_their_answers(
    place: Workbench, asked: dict[str, str], tmp_path: Path
) -> None:
    place.confirm.answer(asked["right"], "yes", author="sam")
    assert [row["question"] for row in _held(place, tmp_path)] == [asked["right"]]
    place.privacy.forget(MINDY, author="sam")
    assert {each.employee_id for each in place.confirm.questions()} == {BEN}
    assert "Mindy" not in place.answers.log.raw.shelf.path(T0.date()).read_text(encoding="utf-8")


def _held(place: Workbench, folder: Path) -> list[dict[str, str]]:
    import zipfile

    place.privacy.export_subject(MINDY, folder / "mindy.zip")
    with zipfile.ZipFile(folder / "mindy.zip") as archive:
        return list(json.loads(archive.read("answers.json")))


def test_the_command_lists_and_answers(place: Workbench, asked: dict[str, str]) -> None:
    where = ("--workspace", str(place.workspace), "--json")
    listed = json.loads(muster("confirm", "list", "--days", "4000", *where).out)
    assert listed[0]["question"] == asked["wrong"]
    done = json.loads(muster("confirm", "answer", asked["right"], "yes", "--author", "sam", *where).out)
    assert (done["employee_id"], done["answer"]) == (MINDY, "yes")
    assert [row.answer for row in place.answers.rows()] == ["yes"]
