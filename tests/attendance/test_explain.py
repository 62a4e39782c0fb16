"""Why a row of the log says what it says, as values and as a sentence."""

from __future__ import annotations

import pytest

from app.words import translations
from app.words.terms import TERMS
from engine.attendance import PUNCH
from engine.attendance.explain import Explanation, Part, explain

ROW = {
    "event_id": "e1",
    "timestamp": "2026-11-23T08:57:00.000+01:00",
    "employee_id": "E1",
    "event": "punch",
    "camera": "door",
    "method": "face",
    "agreeing_frames": "8",
    "voting_frames": "8",
    "similarity": "0.7123",
    "runner_up": "E2",
    "runner_up_similarity": "0.2211",
    "threshold": "0.48",
    "liveness": "passed",
    "direction": "in",
    "reason": "",
    "evidence_image": "images/evidence/a.jpg",
    "model": "m",
    "gallery_version": "4",
    "refers_to": "",
}


def explained(taken_back: str | None = None, **cells: str) -> Explanation:
    return explain(PUNCH.parse(ROW | cells), taken_back)


def test_a_punch_is_explained_by_frames_similarities_and_liveness() -> None:
    found = explained()
    assert str(found) == "8 agreeing frames, similarity .71, next best .22 (E2), threshold .48, liveness passed"
    assert (found.row.agreeing_frames, found.row.similarity, found.taken_back) == (8, 0.7123, None)


@pytest.mark.parametrize(
    ("cells", "told"),
    [
        ({"agreeing_frames": "1", "voting_frames": "4"}, "1 agreeing frame, of 4 that voted, "),
        ({"event": "unidentified", "reason": "turned away"}, "not certain: turned away, "),
        ({"method": "sample"}, "made up for the sample, "),
        ({"runner_up": "", "runner_up_similarity": "-0.0877"}, "next best −.09, "),
        ({"liveness": "unproven"}, "liveness not proven"),
        ({"similarity": "1"}, "similarity 1.00, "),
    ],
)
def test_what_else_can_be_said(cells: dict[str, str], told: str) -> None:
    assert told in str(explained(**cells))


def test_what_was_taken_back_says_so_first() -> None:
    found = explained("it was somebody else")
    assert str(found).startswith("taken back: it was somebody else, 8 agreeing frames")


def test_an_empty_row_says_nothing() -> None:
    empty = dict.fromkeys(ROW, "") | {"timestamp": ROW["timestamp"], "event": "punch"}
    assert explained(**empty).parts == ()
    assert str(Part("threshold {value}", {"value": ".48"})) == "threshold .48"


def test_every_part_has_a_german_sentence_with_the_same_places() -> None:
    changes = [
        {},
        {"agreeing_frames": "1", "voting_frames": "4"},
        {"runner_up": ""},
        {"method": "sample"},
        {"event": "unidentified"},
        {"reason": "x"},
        {"liveness": "failed"},
        {"liveness": "unproven"},
    ]
    parts = [part for cells in changes for part in (*explained(**cells).parts, *explained("y", **cells).parts)]
    sentences = {TERMS.get(part.text, part.text) for part in parts}
    assert not any(translations("de").gettext(text) == text for text in sentences)
    for part in parts:
        assert all(
            value in translations("de").gettext(TERMS.get(part.text, part.text)).format(**part.values)
            for value in part.values.values()
            if value
        )
