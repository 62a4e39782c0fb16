"""The challenge, through the real detector: people who follow it pass, photos that a hand moves as asked do not."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.face_reader import FaceReader
from tests.bench.attacks import subjects
from tests.bench.challenged import PERSON, PHOTO, challenged, in_words, straight


@pytest.mark.models
def test_people_pass_the_challenge_and_their_photos_do_not(reader: FaceReader, samples: Path) -> None:
    faces = straight(subjects(samples, reader.detector))[:3]
    result = challenged(faces, reader.detector, kinds=(PERSON, PHOTO))
    person, photo = (result["tries"][kind] for kind in (PERSON, PHOTO))
    assert person["tried"] == photo["tried"] == len(faces) >= 2
    assert person["passed"] >= person["tried"] - 1
    assert person["asked_s"] < person["whole_s"] < 10
    assert photo["passed"] == 0
    assert f"| {PHOTO} | {photo['tried']} | 0 | 0.0% |" in in_words(result)
