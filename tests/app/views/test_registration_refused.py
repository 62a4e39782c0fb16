"""The Registration page: pictures that the check refuses, and users who know better."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from clips import guided_frames
from pages import open_page, texts
from registration import enrol, examined, labels, photos, press, state, to_pictures, upload

from app.views.registration.state import Registration, camera_name
from engine.enrolment import GuidedCapture, RefusedPhoto
from engine.face_reader import FaceReader
from engine.imaging import encode_jpeg, read_image
from engine.workbench import Workbench

pytestmark = [pytest.mark.models, pytest.mark.usefixtures("no_browser")]


def test_pictures_that_cannot_be_used_are_named_with_what_to_do(
    bench: Workbench, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, samples: Path
) -> None:
    page = to_pictures(open_page("registration", bench.workspace, monkeypatch))
    page.segmented_control[0].select("files").run()
    grey = encode_jpeg(np.full((200, 200, 3), 120, np.uint8))
    good = photos(samples, "madonna", 1)[0].read_bytes()
    page.file_uploader[0].set_value(
        [("grey.jpg", grey, "image/jpeg"), ("broken.jpg", b"no picture", "image/jpeg"), ("<b>.jpg", good, "image/jpeg")]
    )
    page.run()
    found = texts(page)
    assert "no face found: use a picture" in found
    assert "not a picture that can be read" in found
    assert len(state(page).pieces) == 1
    assert found.count("data:image/jpeg;base64,") == 2, "the good one and the grey one are shown"
    assert "Use anyway" not in labels(page), "neither shows a face"
    assert "<b>" not in found.replace("<b style", "")
    press(page, "Hide")
    assert "no face found" not in texts(page)


def spoilt(samples: Path) -> list[tuple[str, bytes, str]]:
    """Madonna without her chin, and upside down, as files."""
    image = read_image(photos(samples, "madonna", 1)[0])
    return [
        ("cut.jpg", encode_jpeg(image[:188]), "image/jpeg"),
        ("turned", encode_jpeg(np.ascontiguousarray(np.rot90(image, 2))), ""),
    ]


def test_a_refused_picture_with_a_face_can_be_used_anyway(
    bench: Workbench, monkeypatch: pytest.MonkeyPatch, samples: Path
) -> None:
    page = to_pictures(open_page("registration", bench.workspace, monkeypatch, "hr"))
    page.segmented_control[0].select("files").run()
    good = [(path.name, path.read_bytes(), "image/jpeg") for path in photos(samples, "madonna", 3)[1:]]
    page.file_uploader[0].set_value([*spoilt(samples), *good])
    page.run()
    found = texts(page)
    assert "the face is cut off: show all of it" in found
    assert "turned by 180°" in found
    assert len(state(page).pieces) == 3
    press(page, "Use anyway")
    found = texts(page)
    assert "used anyway" in found
    assert "Not used" not in found
    press(page, "Check")
    assert "Safe to enrol, with reservations" in texts(page)
    assert "The check refused 1 of them." in texts(page)
    press(page, "Remove picture 4")  # it is a refused one again
    assert "Not used (1)" in texts(page)
    assert "with reservations" not in texts(page)
    press(page, "Use anyway")
    press(page, "Register")
    assert "Ann is registered" in texts(page)
    assert len(bench.gallery.current().of("1")[0]) == 4
    row = bench.audit.read()[-1]
    assert (row.action, row.author, row.subject) == ("overrule", "hr", "1")
    assert row.detail.endswith("cut off by the edge, enrolled anyway")


def test_too_few_pictures_are_amber_with_what_they_cost(
    bench: Workbench, monkeypatch: pytest.MonkeyPatch, samples: Path
) -> None:
    page = to_pictures(open_page("registration", bench.workspace, monkeypatch))
    one, three = (f"{100 * bench.registrar.misses(count):.1f}" for count in (1, 3))
    assert float(one) > 3 * float(three) > 0
    assert "Take 3 or more pictures in different poses. With 1 picture, a single look misses" in texts(page)
    press(upload(page, *photos(samples, "madonna", 1)), "Check")
    found = texts(page)
    assert '<div class="m-notice m-warn"><h2>Safe to enrol, but with too few pictures</h2>' in found
    assert "With 1 picture, a single look misses the person in" in found
    assert "Add 2 more." in found
    assert "m-notice m-good" not in found
    press(page, "Add more pictures")
    press(upload(page, *photos(samples, "madonna", 3)[1:]), "Check")
    assert '<div class="m-notice m-good"><h2>Safe to enrol</h2>' in texts(page)
    press(page, "Remove picture 3")
    press(page, "Register")
    assert "Muster now recognises this person by" not in texts(page)
    assert "With 2 pictures, a single look misses" in texts(page)
    again = open_page("registration", bench.workspace, monkeypatch, query={"person": "1"})
    enrol(again, "", *photos(samples, "madonna", 4)[3:])
    assert '<div class="m-notice m-good"><h2>Safe to add</h2>' in texts(again), "those enrolled before count"


def test_more_files_than_are_examined_are_named(
    bench: Workbench, monkeypatch: pytest.MonkeyPatch, samples: Path
) -> None:
    monkeypatch.setattr("app.views.registration.pictures.MOST_PICTURES", 2)
    page = upload(to_pictures(open_page("registration", bench.workspace, monkeypatch)), *photos(samples, "madonna", 4))
    assert len(state(page).pieces) == 2
    found = texts(page)
    assert "Not used (2)" in found
    for name in ("06.jpg", "02.jpg"):
        assert name in found
    assert "this one was not examined" in found


def test_a_picture_of_the_guided_capture_is_used_anyway_until_it_is_taken_again(
    bench: Workbench, samples: Path, reader: FaceReader
) -> None:
    frames = list(guided_frames(read_image(samples / "train/madonna/05.jpg"), reader.detector, fps=6))
    found = Registration(("", ""))
    found.capture = GuidedCapture(bench.reader)
    for index, frame in enumerate(frames):
        found.capture.feed(frame, index / 6)
    assert found.count == 4
    refused = RefusedPhoto(camera_name("left"), "too dark", "", anyway=examined(bench, samples))
    found.refused = [refused]
    found.use_anyway(refused)
    assert (found.count, [piece.step for piece in found.pieces], found.refused) == (4, ["left"], [])
    found.retake("left")
    assert (found.count, found.pieces, found.refused) == (3, [], [])
