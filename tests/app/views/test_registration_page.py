"""The Registration page: details, consent, pictures, check."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from clips import guided_frames
from fakes import T0
from pages import open_page, texts
from registration import enrol, labels, photos, press, state, to_pictures, upload
from streamlit.testing.v1 import AppTest

from engine.enrolment import STEPS, Shot
from engine.face_reader import FaceReader
from engine.imaging import read_image
from engine.models import ModelStore
from engine.people import Person
from engine.types import Event, EventKind
from engine.workbench import Workbench

HOSTILE = "<img src=x onerror=alert(1)> ![](http://example.invalid/x) :smile: $x$"

pytestmark = [pytest.mark.models, pytest.mark.usefixtures("no_browser")]


# --------------------------------------------------------------------------------------------- who may


@pytest.mark.parametrize("role", ["viewer", None])
def test_who_may_not_enrol_sees_a_refusal_and_no_control(
    bench: Workbench, monkeypatch: pytest.MonkeyPatch, role: str | None
) -> None:
    page = open_page("registration", bench.workspace, monkeypatch, role)
    assert not page.exception
    assert not page.button
    assert not page.text_input
    assert ("role (viewer) does not allow" if role else "signed out") in texts(page)


@pytest.mark.parametrize("role", ["admin", "hr", "security"])
def test_the_others_begin_with_a_free_id(bench: Workbench, monkeypatch: pytest.MonkeyPatch, role: str) -> None:
    bench.people.put(Person("E007", "Bo", "Lab"))
    page = open_page("registration", bench.workspace, monkeypatch, role)
    assert not page.exception
    assert page.text_input[0].value == "E008"
    assert page.selectbox[0].options == ["Lab"]


def test_a_role_that_was_taken_away_meanwhile_cannot_enrol(
    bench: Workbench, monkeypatch: pytest.MonkeyPatch, samples: Path
) -> None:
    page = enrol(open_page("registration", bench.workspace, monkeypatch, "hr"), "Ann", *photos(samples, "madonna", 2))
    bench.accounts.change("hr", role="viewer")
    press(page, "Register")
    assert len(bench.gallery.current()) == 0


# --------------------------------------------------------------------------------------------- details and consent


@pytest.mark.parametrize(
    ("employee_id", "name", "problem"),
    [
        ("1", "Ann", "The id 1 is taken"),
        ("2", "", "name"),
        ("a;b", "Ann", "semicolon"),
        ("unknown-1", "Ann", "strangers"),
    ],
)
def test_details_that_cannot_be_used_are_said(
    bench: Workbench, monkeypatch: pytest.MonkeyPatch, employee_id: str, name: str, problem: str
) -> None:
    bench.people.put(Person("1", "Bo"))
    page = open_page("registration", bench.workspace, monkeypatch)
    page.text_input[0].set_value(employee_id)
    page.text_input[1].set_value(name)
    press(page, "Continue")
    assert problem in page.error[0].value
    assert state(page).stage == "details"
    assert ("?person=1" in texts(page)) == (employee_id == "1")


def test_no_picture_is_taken_without_consent(bench: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    page = open_page("registration", bench.workspace, monkeypatch)
    page.text_input[1].set_value("Ann")
    press(page, "Continue")
    (button,) = [each for each in page.button if each.label == "Continue"]
    assert button.disabled
    for text in ("30 days", "365 days", "until someone erases them", "until the person is erased"):
        assert text in texts(page)
    page.checkbox[0].check().run()
    press(page, "Continue")
    assert state(page).stage == "pictures"
    press(page, "Back")
    press(page, "Back")
    assert [each.value for each in page.text_input[:2]] == ["1", "Ann"]


# --------------------------------------------------------------------------------------------- pictures and check


def test_a_person_is_enrolled_from_files(bench: Workbench, monkeypatch: pytest.MonkeyPatch, samples: Path) -> None:
    bench.people.put(Person("0", "Bo", "Lab"))
    page = open_page("registration", bench.workspace, monkeypatch, "hr")
    page.selectbox[0].set_value("Lab")
    enrol(page, "Ann", *photos(samples, "madonna", 3))
    assert not page.exception
    assert "Safe to enrol" in texts(page)
    assert len(bench.gallery.current()) == 0  # nothing before the end
    assert not (bench.workspace / "images" / "enrolment").exists()
    press(page, "Register")
    assert not page.exception
    assert "Ann is registered" in texts(page)
    ann = bench.people.all()["1"]
    assert (ann.name, ann.department) == ("Ann", "Lab")
    assert ann.consent_at == bench.clock().astimezone(bench.config.zone).date().isoformat()
    assert len(bench.gallery.current().of("1")[0]) == 3
    assert bench.audit.read()[-1].author == "hr"
    kept = state(page)
    assert (kept.pieces, kept.compared, kept.capture) == ([], [], None)
    press(page, "Register someone else")
    assert page.text_input[0].value == "2"


def test_the_guided_capture_leads_to_an_enrolment(
    bench: Workbench, monkeypatch: pytest.MonkeyPatch, samples: Path, reader: FaceReader
) -> None:
    page = to_pictures(open_page("registration", bench.workspace, monkeypatch))
    assert "Start the camera" in texts(page)
    capture = state(page).capture
    assert capture is not None
    for index, frame in enumerate(guided_frames(read_image(samples / "train/madonna/05.jpg"), reader.detector, fps=6)):
        capture.feed(frame, index / 6)
    page.run()
    assert "All pictures taken" in texts(page)
    assert [label for label in labels(page) if label.startswith("Retake")] == [
        "Retake Front",
        "Retake Left",
        "Retake Right",
        "Retake Up",
    ]
    press(page, "Retake Left")
    assert [take.step for take in capture.guidance.takes] == ["front", "right", "up"]
    press(page, "Check")
    assert "Safe to enrol" in texts(page)
    press(page, "Remove Up")
    press(page, "Register")
    assert len(bench.gallery.current().of("1")[0]) == 2
    assert capture.guidance.takes == ()


def test_single_pictures_are_another_way(bench: Workbench, monkeypatch: pytest.MonkeyPatch, samples: Path) -> None:
    page = to_pictures(open_page("registration", bench.workspace, monkeypatch))
    page.segmented_control[0].select("single").run()
    for path in photos(samples, "madonna", 2):
        page.camera_input[0].set_value(("camera.jpg", path.read_bytes(), "image/jpeg"))
        page.run()
    assert len(state(page).pieces) == 2
    assert "Safe to enrol" in texts(press(page, "Check"))


def test_somebody_who_is_enrolled_already_is_refused_and_the_pictures_can_be_theirs(
    bench: Workbench, monkeypatch: pytest.MonkeyPatch, samples: Path
) -> None:
    bench.registrar.enrol_photos("7", "Mad", photos(samples, "madonna", 6))
    page = enrol(open_page("registration", bench.workspace, monkeypatch), "Ann", *photos(samples, "madonna", 10)[6:])
    assert "Already enrolled as Mad" in texts(page)
    assert "Register" not in labels(page)
    assert "/portrait?id=7" in texts(page)
    press(page, "Same person: add pictures to Mad")
    assert "Safe to add" in texts(page)
    press(page, "Add the pictures")
    assert len(bench.gallery.current().of("7")[0]) == 10
    assert list(bench.people.all()) == ["7"]


def test_a_look_alike_needs_a_reason_and_is_noted(
    bench: Workbench, monkeypatch: pytest.MonkeyPatch, samples: Path
) -> None:
    bench.registrar.enrol_photos("7", "Mad", photos(samples, "madonna", 6))
    page = enrol(open_page("registration", bench.workspace, monkeypatch), "Ann", *photos(samples, "elton_john", 2))
    nearest = bench.registrar.draft("1", "Ann", [piece.shot for piece in state(page).compared]).nearest[0]
    monkeypatch.setattr(bench.registrar, "_threshold", lambda _gallery: nearest.similarity - 1e-3)
    page.run()
    assert "Look-alike: ask a colleague" in texts(page)

    def register() -> bool:
        (button,) = [each for each in page.button if each.label == "Register"]
        return not button.disabled

    assert not register()
    page.checkbox[0].check().run()
    assert not register()
    page.text_input[0].set_value("brothers, both were here").run()
    assert register()
    press(page, "Register")
    assert "is registered" in texts(page)
    assert "said not to be 7" in bench.audit.read()[-1].detail
    assert "brothers, both were here" in bench.audit.read()[-1].detail


def test_two_people_in_one_enrolment_are_refused_until_one_is_removed(
    bench: Workbench, monkeypatch: pytest.MonkeyPatch, samples: Path
) -> None:
    paths = [*photos(samples, "madonna", 2), *photos(samples, "elton_john", 2)]
    page = enrol(open_page("registration", bench.workspace, monkeypatch), "Ann", *paths)
    assert "The pictures show different people" in texts(page)
    assert "Register" not in labels(page)
    press(page, "Remove picture 4")
    assert "Safe to enrol" in texts(page)
    assert "</span> outlier</span>" in texts(page)
    press(page, "Register")
    assert len(bench.gallery.current().of("1")[0]) == 2


def test_who_was_enrolled_meanwhile_is_noticed_at_the_end(
    bench: Workbench, monkeypatch: pytest.MonkeyPatch, samples: Path
) -> None:
    page = enrol(open_page("registration", bench.workspace, monkeypatch), "Ann", *photos(samples, "madonna", 3))
    bench.registrar.enrol_photos("7", "Mad", photos(samples, "madonna", 6))
    press(page, "Register")
    assert "Already enrolled as Mad" in texts(page)
    assert bench.gallery.current().people == ("7",)


# --------------------------------------------------------------------------------------------- from elsewhere


def test_pictures_are_added_to_a_person_that_the_address_names(
    bench: Workbench, monkeypatch: pytest.MonkeyPatch, samples: Path
) -> None:
    bench.registrar.enrol_photos("7", "Mad", photos(samples, "madonna", 3), consent_at="2026-11-03")
    page = open_page("registration", bench.workspace, monkeypatch, "security", query={"person": "7"})
    assert not page.text_input
    enrol(page, "", *photos(samples, "madonna", 5)[3:])
    assert "Safe to add" in texts(page)
    press(page, "Add the pictures")
    assert len(bench.gallery.current().of("7")[0]) == 5
    assert bench.people.all()["7"].consent_at == "2026-11-03"


def test_pictures_of_somebody_else_are_not_added_to_a_person(
    bench: Workbench, monkeypatch: pytest.MonkeyPatch, samples: Path
) -> None:
    bench.registrar.enrol_photos("7", "Mad", photos(samples, "madonna", 3))
    page = open_page("registration", bench.workspace, monkeypatch, query={"person": "7"})
    enrol(page, "", *photos(samples, "elton_john", 2))
    assert "This is not Mad" in texts(page)
    assert "Add the pictures" not in labels(page)


def test_an_address_that_names_nobody_says_so(bench: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    page = open_page("registration", bench.workspace, monkeypatch, query={"person": "<b>9</b>"})
    assert "No one has the id &lt;b&gt;9&lt;/b&gt;" in texts(page)
    press(page, "Register someone new")
    assert page.text_input[0].value == "1"


def stranger(bench: Workbench, paths: list[Path]) -> None:
    for number, path in enumerate(paths):
        event = Event(EventKind.UNKNOWN, T0 + timedelta(hours=number), "door", unknown_ids=("unknown-1",))
        bench.incidents.record(event, {"image": read_image(path)})


def test_a_stranger_is_enrolled_from_their_dossier(
    bench: Workbench, monkeypatch: pytest.MonkeyPatch, samples: Path
) -> None:
    stranger(bench, photos(samples, "madonna", 7))
    blank = Event(EventKind.UNKNOWN, T0 + timedelta(hours=9), "door", unknown_ids=("unknown-1",))
    bench.incidents.record(blank, {"image": np.full((300, 300, 3), 120, np.uint8)})
    page = open_page("registration", bench.workspace, monkeypatch, "security", query={"dossier": "unknown-1"})
    assert texts(page).count("/picture/images/unknown/") == 5
    assert "8 pictures of stranger 1 come along" in texts(page)
    to_pictures(page)  # consent is asked for as ever
    chosen = [piece.shot for piece in state(page).pieces]
    assert len(chosen) == 5
    spare = [each for each in state(page).looked.values() if isinstance(each, Shot) and each not in chosen]
    assert min(shot.quality.score for shot in chosen) >= max(shot.quality.score for shot in spare)
    assert "no face found" in texts(page)
    remove = [label for label in labels(page) if label.startswith("Remove")]
    press(page, remove[0])
    assert len(state(page).pieces) == 4
    page.checkbox[0].check()  # of those that were not chosen
    press(page, "Use selected pictures")
    assert len(state(page).pieces) == 5
    press(page, "Check")
    press(page, "Register")
    assert not page.warning
    assert "Settle their alerts" in texts(page)
    (dossier,) = bench.office.dossiers()
    assert dossier.employee_id == "1"
    # the dossier says who they are now, and settles what is open
    page = open_page("alerts", bench.workspace, monkeypatch, "security", query={"dossier": "unknown-1"})
    assert "This stranger is Ann" in texts(page)
    press(page, "Resolve 8 open alerts")
    assert {each.state for each in bench.alerts.all()} == {"resolved"}
    assert "Resolve" not in " ".join(labels(page))


def test_a_dossier_is_for_those_who_may_see_it(
    bench: Workbench, monkeypatch: pytest.MonkeyPatch, samples: Path
) -> None:
    stranger(bench, photos(samples, "madonna", 1))
    page = open_page("registration", bench.workspace, monkeypatch, "hr", query={"dossier": "unknown-1"})
    assert "Ask security to register" in texts(page)
    assert not page.text_input
    page = open_page("registration", bench.workspace, monkeypatch, "security", query={"dossier": "unknown-9"})
    assert "This dossier has no pictures" in texts(page)


# --------------------------------------------------------------------------------------------- states and words


def test_pictures_are_gone_when_the_page_is_left(
    bench: Workbench, monkeypatch: pytest.MonkeyPatch, samples: Path
) -> None:
    page = upload(to_pictures(open_page("registration", bench.workspace, monkeypatch)), *photos(samples, "madonna", 2))
    kept = state(page)
    assert len(kept.pieces) == 2
    away = AppTest.from_string("from app.views import registration\nregistration.forget()\n")
    for key in ("registration", "registration-camera"):
        away.session_state[key] = kept if key == "registration" else "context"
    away.run()
    assert "registration" not in away.session_state
    assert "registration-camera" not in away.session_state
    assert (kept.pieces, kept.compared, kept.capture) == ([], [], None)


def test_two_sessions_are_independent(bench: Workbench, monkeypatch: pytest.MonkeyPatch, samples: Path) -> None:
    one = upload(
        to_pictures(open_page("registration", bench.workspace, monkeypatch, "hr"), "Ann"),
        *photos(samples, "madonna", 2),
    )
    two = enrol(open_page("registration", bench.workspace, monkeypatch, "hr"), "Bob", *photos(samples, "elton_john", 2))
    press(two, "Register")
    assert state(one).person.name == "Ann"
    press(one, "Check")
    assert "The id 1 is already taken" in texts(one)
    press(one, "Choose another id")
    assert [each.value for each in one.text_input[:2]] == ["2", "Ann"]
    press(one, "Continue")
    press(one, "Continue")
    press(one, "Check")
    press(one, "Register")
    assert {key: row.name for key, row in bench.people.all().items()} == {"1": "Bob", "2": "Ann"}


def test_hostile_names_stay_text(bench: Workbench, monkeypatch: pytest.MonkeyPatch, samples: Path) -> None:
    bench.registrar.enrol_photos("7", HOSTILE, photos(samples, "madonna", 6), department=HOSTILE)
    page = enrol(open_page("registration", bench.workspace, monkeypatch), HOSTILE, *photos(samples, "madonna", 10)[6:])
    html = "".join(each.proto.body for each in page.get("html"))
    assert "Already enrolled as &lt;img src=x onerror=alert(1)&gt;" in html
    assert "<img src=x" not in html
    label = next(label for label in labels(page) if label.startswith("Same person"))
    assert "![](" not in label
    assert ":smile:" not in label
    assert "$x$" not in label


def test_every_sentence_is_there_in_german(bench: Workbench, monkeypatch: pytest.MonkeyPatch, samples: Path) -> None:
    monkeypatch.setenv("MUSTER_APP__LANGUAGE", "de")
    page = open_page("registration", bench.workspace, monkeypatch, "hr", language="de")
    assert page.text_input[0].label == "Personalnummer"
    page.text_input[1].set_value("Ann")
    press(page, "Weiter")
    page.checkbox[0].check().run()
    press(page, "Weiter")
    assert "Kamera starten" in texts(page)
    upload(page, *photos(samples, "madonna", 2))
    press(page, "Prüfung")
    assert "Kann registriert werden" in texts(page)


def test_missing_networks_are_said_at_the_start(
    bench: Workbench, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(bench, "models", ModelStore("onnx", folder=tmp_path / "nothing"))
    page = open_page("registration", bench.workspace, monkeypatch)
    assert not page.exception
    assert "The face models are missing" in texts(page)
    assert labels(page) == ["Download"]


def test_a_workspace_that_cannot_be_written_keeps_the_pictures(
    bench: Workbench, monkeypatch: pytest.MonkeyPatch, samples: Path
) -> None:
    page = enrol(open_page("registration", bench.workspace, monkeypatch), "Ann", *photos(samples, "madonna", 2))
    (bench.workspace / "images").write_text("in the way")
    press(page, "Register")
    assert not page.exception
    assert "images" in page.error[0].value
    assert len(state(page).compared) == 2
    assert bench.people.all() == {}
    (bench.workspace / "images").unlink()
    press(page, "Register")
    assert "Ann is registered" in texts(page)


def test_every_reason_of_the_capture_has_words() -> None:
    from app.views.registration import words

    source = Path(words.__file__).read_text(encoding="utf-8")
    engine = Path("engine/enrolment/capture.py").read_text(encoding="utf-8")
    gate = Path("engine/alignment.py").read_text(encoding="utf-8")
    reasons = set(re.findall(r'"((?:no|two|too|off|cut|not|other|turned|hold|looking|blurred)[a-z ]*)"', engine + gate))
    assert {"no face", "other way", "blurred", "cut off by the edge", "hold still"} <= reasons
    assert {reason for reason in reasons if f'"{reason}"' not in source} == set()
    assert len(STEPS) == 4
