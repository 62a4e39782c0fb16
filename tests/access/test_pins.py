"""PINs: what they may be, guessing slowed down, and passages written by them: in the log, on the sheet, explained, erased."""

from __future__ import annotations

import json
import threading
import zipfile
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from fakes import sighting
from log_builders import retraction
from numpy.typing import NDArray
from paperwork import Clock, bench, enrol, face, picture, punch

from app.words import translations
from app.words.terms import TERMS
from engine.access import PinBook
from engine.attendance import PUNCH, PunchRow
from engine.attendance.explain import explain
from engine.errors import InputError, StorageError
from engine.face_reader import FaceReader
from engine.imaging import read_image
from engine.storage import read_rows
from engine.workbench import Workbench

NOW = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
DAY = date(2026, 11, 23)
PIN = "482913"


@pytest.fixture
def book(tmp_path: Path) -> PinBook:
    book = PinBook(tmp_path / "pins.json")
    book.put("E1", PIN, NOW)
    return book


def answers(book: PinBook, employee_id: str, *tries: str, now: datetime = NOW) -> list[object]:
    """What each try is answered: right or not, or the seconds to wait."""
    found: list[object] = []
    for pin in tries:
        try:
            found.append(book.check(employee_id, pin, now))
        except InputError as error:
            found.append(error.hint)
    return found


# --------------------------------------------------------------------------------------------- the book


def test_without_a_file_nobody_has_a_pin(tmp_path: Path) -> None:
    book = PinBook(tmp_path / "pins.json")
    assert (book.any(), book.has("E1"), book.remove("E1")) == (False, False, False)
    assert not book.document.path.exists()
    assert not book.check("E1", PIN, NOW)
    assert (book.any(), book.has("E1")) == (False, False)


def test_the_right_pin_is_right_and_the_file_holds_its_slow_hash_alone(book: PinBook) -> None:
    assert answers(book, "E1", PIN, "482914", PIN) == [True, False, True]
    assert (book.any(), book.has("E1"), book.has("E2")) == (True, True, False)
    text = book.document.path.read_text()
    assert PIN not in text
    assert json.loads(text)[0]["hash"].startswith("$argon2id$")
    assert book.document.path.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(
    "pin",
    [
        "",
        "12345",
        "1234567890123",
        "48291a",
        "４８２９１３",
        "٤٨٢٩١٣",
        "482 913",
        "482913\n",
        "-48291",
        "000000",
        "777777777",
        "123456",
        "654321",
        "012345",
        "789012",
        "210987",
        "345678901234",
    ],
)
def test_pins_that_are_none_or_easy_to_guess_are_refused(book: PinBook, pin: str) -> None:
    with pytest.raises(InputError):
        book.put("E2", pin, NOW)
    assert not book.has("E2")


@pytest.mark.parametrize("pin", ["112233", "135790", "121212", "999990", "482913482913"])
def test_other_digits_are_accepted(book: PinBook, pin: str) -> None:
    book.put("E2", pin, NOW)
    assert book.check("E2", pin, NOW)


def test_made_up_pins_are_accepted_and_differ(book: PinBook) -> None:
    made = [book.generate() for _ in range(50)]
    assert len(set(made)) > 40
    book.put("E2", made[0], NOW)
    assert {len(pin) for pin in made} == {6}


@pytest.mark.parametrize("junk", ["", "x" * 100_000, "\ud800", "４８２９１３", "482913\n", "'; --"])
def test_junk_is_a_wrong_pin(book: PinBook, junk: str) -> None:
    assert answers(book, "E1", junk) == [False]
    assert answers(book, junk, PIN) == [False]


@pytest.mark.parametrize("employee_id", ["E1", "E9"])
def test_guessing_waits_twice_as_long_each_time_for_known_and_unknown_ids_alike(
    book: PinBook, employee_id: str
) -> None:
    assert answers(book, employee_id, *["111222"] * 7) == [False] * 5 + ["try again in 1 s"] * 2
    waits, moment = [], NOW + timedelta(seconds=1)
    for _ in range(11):
        reopened = PinBook(book.document.path)
        assert answers(reopened, employee_id, "111222", now=moment) == [False]
        (told,) = answers(reopened, employee_id, "111222", now=moment)
        waits.append(int(str(told).split()[3]))
        moment += timedelta(seconds=waits[-1])
    assert waits == [min(900, 2**power) for power in range(1, 12)]


def test_even_the_right_pin_waits_and_then_ends_the_count(book: PinBook) -> None:
    assert answers(book, "E1", *["111222"] * 5, PIN) == [False] * 5 + ["try again in 1 s"]
    later = NOW + timedelta(seconds=1)
    assert answers(book, "E1", PIN, *["111222"] * 5, now=later) == [True] + [False] * 5


def test_a_new_pin_ends_the_wait(book: PinBook) -> None:
    answers(book, "E1", *["111222"] * 5)
    book.put("E1", "907461", NOW)
    assert answers(book, "E1", PIN, "907461") == [False, True]


def test_many_guesses_at_once_are_all_counted(book: PinBook) -> None:
    found: list[object] = []
    threads = [
        threading.Thread(target=lambda: found.extend(answers(PinBook(book.document.path), "E1", "111222")))
        for _ in range(12)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    later = [each for each in found if each in {"try again in 1 s", "try again in 2 s"}]  # a wait, or a queue
    assert 1 <= found.count(False) <= 5
    assert found.count(False) + len(later) == 12


def test_what_was_typed_as_a_number_is_not_kept_and_guesses_do_not_fill_the_file(book: PinBook) -> None:
    for number in range(205):
        row = {"employee_id": f"?{number:016x}", "hash": "", "created_at": "", "failures": 1, "wait_until": ""}
        rows = json.loads(book.document.path.read_text())
        book.document.path.write_text(json.dumps([*rows, row]))
    assert not book.check("907461", "907461", NOW)  # a PIN in the wrong field
    rows = json.loads(book.document.path.read_text())
    assert "907461" not in book.document.path.read_text()
    assert len(rows) == 1 + 200
    assert [row["employee_id"] for row in rows[:2]] == ["E1", f"?{6:016x}"]
    assert book.has("E1")
    assert not book.has(rows[-1]["employee_id"])
    assert not book.check(rows[-1]["employee_id"], PIN, NOW)


def test_a_pin_taken_away_is_wrong(book: PinBook) -> None:
    assert book.remove("E1")
    assert not book.any()
    assert answers(book, "E1", PIN) == [False]
    assert "E1" not in book.document.path.read_text()


@pytest.mark.parametrize(
    "content",
    [
        b"[{",
        b"null",
        b"[1]",
        b"\xff",
        b'[{"hash": "x"}]',
        b'[{"employee_id": 1}]',
        b'[{"employee_id":"E1","failures":"2"}]',
        b'[{"employee_id":"E1","wait_until":"soon"}]',
        b'[{"employee_id":"E1","wait_until":"2026-11-23T08:00:00"}]',
    ],
)
def test_a_damaged_file_is_told_and_never_lets_in(book: PinBook, content: bytes) -> None:
    book.document.path.write_bytes(content)
    with pytest.raises(StorageError, match="damaged"):
        book.check("E1", PIN, NOW)
    assert book.document.path.read_bytes() == content


# --------------------------------------------------------------------------------------------- passages


@pytest.fixture
def clock() -> Clock:
    return Clock(NOW)


@pytest.fixture
def place(tmp_path: Path, clock: Clock) -> Workbench:
    """Ann without a template, with a PIN; Ben with a template."""
    workbench = bench(tmp_path, clock)
    enrol(workbench, "E1", "Ann Lee")
    enrol(workbench, "E2", "Ben", face(1, 0))
    workbench.kiosk.give_pin("E1", PIN, author="sam")
    return workbench


def pictures(workbench: Workbench) -> list[str]:
    return [path.relative_to(workbench.workspace).as_posix() for path in workbench.workspace.rglob("*.jpg")]


def test_a_passage_by_pin_is_a_row_with_a_picture_and_without_evidence_of_a_face(place: Workbench) -> None:
    row = place.kiosk.punch(" E1 ", PIN, "door", picture(77))
    assert row is not None
    (stored,) = place.attendance.log.read(DAY)
    assert (stored.employee_id, stored.event, stored.camera, stored.method) == (
        "E1",
        "punch",
        "door",
        "pin",
    )
    assert {
        PUNCH.texts(stored)[column]
        for column in (
            "agreeing_frames",
            "voting_frames",
            "similarity",
            "runner_up",
            "runner_up_similarity",
            "margin",
            "threshold",
            "model",
            "gallery_version",
            "refers_to",
            "author",
            "reason",
            "liveness",
        )
    } == {""}
    assert pictures(place) == [stored.evidence_image]
    assert abs(float(read_image(place.workspace / stored.evidence_image).mean()) - 77) < 2
    assert stored.timestamp == NOW
    assert place.records.verify() == []


def test_it_is_on_the_sheet_at_once(place: Workbench) -> None:
    place.kiosk.punch("E1", PIN, "door", None)
    (row,) = read_rows(place.workspace / "attendance" / f"{DAY}.csv")
    assert (row["employee_id"], row["name"], row["first_in"], row["punches"], row["similarity_in"]) == (
        "E1",
        "Ann Lee",
        "08:00:00",
        "1",
        "",
    )


def test_what_is_wrong_is_never_told(place: Workbench) -> None:
    place.kiosk.give_pin("E2", PIN, author="sam")
    place.staff.change("E2", author="sam", active=False)
    place.pins.put("E9", PIN, NOW)  # somebody who left people.csv by hand
    told = set()
    for number, pin in (("E1", "111222"), ("E7", PIN), ("E2", PIN), ("E9", PIN), ("", ""), ("Ann Lee", PIN)):
        with pytest.raises(InputError) as error:
            place.kiosk.punch(number, pin, "door", picture())
        told.add(str(error.value))
    assert told == {"number or PIN is wrong → try again, or ask HR"}
    assert pictures(place) == []
    assert place.attendance.log.read(DAY) == []


def test_who_guesses_at_the_door_waits(place: Workbench, clock: Clock) -> None:
    for _ in range(5):
        with pytest.raises(InputError, match="wrong"):
            place.kiosk.punch("E1", "111222", "door", None)
    with pytest.raises(InputError, match="too many wrong PINs"):
        place.kiosk.punch("E1", PIN, "door", None)
    clock.forward(seconds=1)
    assert place.kiosk.punch("E1", PIN, "door", None) is not None


def test_face_and_pin_share_one_cool_down(place: Workbench, clock: Clock) -> None:
    cool_down_s = place.config.events.cool_down_s
    events = []

    def by_pin() -> None:
        row = place.kiosk.punch("E1", PIN, "door", picture())
        events.append(row and row.event)

    punch(place, "E1", clock(), track="run-1")
    clock.forward(seconds=10)
    by_pin()  # seen again
    clock.forward(seconds=5)
    by_pin()  # the same passage
    clock.forward(seconds=cool_down_s - 15)
    by_pin()
    assert events == ["seen", None, "punch"]
    clock.forward(seconds=10)
    assert place.attendance.log.would_record(sighting("E1", clock())) == "seen"
    clock.forward(seconds=cool_down_s - 10)
    assert place.attendance.log.would_record(sighting("E1", clock())) == "punch"
    assert len(pictures(place)) == 2  # none of the one that was not written


@pytest.mark.parametrize("broken", [np.zeros((0, 0, 3), np.uint8), np.zeros((4, 4), np.float64)])
def test_a_picture_that_cannot_be_written_costs_no_passage(place: Workbench, broken: NDArray[np.uint8]) -> None:
    row = place.kiosk.punch("E1", PIN, "door", broken)
    assert row is not None
    assert row.evidence_image == ""


def test_a_folder_that_cannot_be_written_costs_no_passage(place: Workbench) -> None:
    (place.workspace / "images").write_text("in the way")
    row = place.kiosk.punch("E1", PIN, "door", picture())
    assert row is not None
    assert row.evidence_image == ""


def test_a_log_that_cannot_be_written_is_told_and_leaves_no_picture(place: Workbench) -> None:
    (place.workspace / "log" / f"attendance-{DAY}.csv").mkdir(parents=True)
    with pytest.raises(StorageError):
        place.kiosk.punch("E1", PIN, "door", picture())
    assert pictures(place) == []


def test_two_passages_by_pin_are_taken_back_one_by_one(place: Workbench, clock: Clock) -> None:
    first = place.kiosk.punch("E1", PIN, "door", None)
    clock.forward(hours=4)
    second = place.kiosk.punch("E1", PIN, "door", None)
    assert first is not None
    assert second is not None
    back = place.attendance.retract(
        retraction("E1", clock(), "door", first.track, "a colleague", author="sam"), place.people.known()
    )
    assert back is not None
    assert (back.refers_to, back.method) == (first.event_id, "pin")
    (row,) = place.attendance.sheets.on(DAY, place.people.known())
    assert (f"{row.first_in:%H:%M:%S}", row.punches) == ("12:00:00", 1)


def test_it_is_explained_without_talk_of_similarity(place: Workbench) -> None:
    place.kiosk.punch("E1", PIN, "door", picture())
    (stored,) = place.attendance.log.read(DAY)
    assert str(explain(stored)) == "the person entered their PIN at camera door, the picture of that moment is kept"
    assert str(explain(replace(stored, evidence_image=""))) == "the person entered their PIN at camera door"
    bare = replace(stored, evidence_image="", camera="", similarity=0.9, agreeing_frames=4)
    assert str(explain(bare)) == "the person entered their PIN at camera –"
    gone = explain(replace(stored, camera="{who}"), "a colleague")
    assert str(gone).startswith("taken back: a colleague, the person entered their PIN at camera {who}")


def test_every_part_of_it_has_a_german_sentence_with_the_same_places() -> None:
    for part in explain(PunchRow("e1", NOW, "E1", "punch", "door", "pin", evidence_image="a.jpg")).parts:
        text = translations("de").gettext(TERMS.get(part.text, part.text)).format(**part.values)
        assert text != part.text
        assert all(value in text for value in part.values.values())


# --------------------------------------------------------------------------------------------- people


def test_pins_are_given_and_taken_with_their_author_and_never_told(place: Workbench) -> None:
    made = place.kiosk.give_pin("E2", author="Ann Lee")
    assert place.pins.check("E2", made, NOW)
    place.kiosk.take_pin("E2", author="sam")
    for act in (
        lambda: place.kiosk.take_pin("E2", author="sam"),
        lambda: place.kiosk.give_pin("E7", author="sam"),
        lambda: place.kiosk.give_pin("E2", "123456", author="sam"),
        lambda: place.kiosk.give_pin("E2", author="x" * 200),
    ):
        with pytest.raises(InputError):
            act()
    assert [(row.author, row.action, row.subject, row.detail) for row in place.audit.read()] == [
        ("sam", "set_pin", "E1", ""),
        ("E1", "set_pin", "E2", ""),
        ("sam", "remove_pin", "E2", ""),
    ]
    assert not place.pins.has("E2")


@pytest.mark.parametrize("employee_id", ["E5", "ann.lee"])
def test_forgetting_somebody_ends_their_pin(tmp_path: Path, employee_id: str) -> None:
    workbench = bench(tmp_path, Clock(NOW))
    enrol(workbench, employee_id, "Ann Lee")
    enrol(workbench, "E2", "Ben")
    for each in (employee_id, "E2"):
        workbench.kiosk.give_pin(each, PIN, author="")
    assert workbench.kiosk.punch(employee_id, PIN, "door", picture()) is not None
    assert workbench.privacy.foresee(employee_id).pin
    receipt = workbench.privacy.forget(employee_id, author="sam", thorough=False)
    assert (receipt["pin"], receipt["pictures"], receipt["still_named_in"]) == (True, 1, [])
    assert [row["employee_id"] for row in json.loads(workbench.pins.document.path.read_text())] == ["E2"]
    assert workbench.pins.has("E2")
    assert pictures(workbench) == []
    with pytest.raises(InputError, match="number or PIN is wrong"):
        workbench.kiosk.punch(employee_id, PIN, "door", None)
    assert workbench.records.verify() == []


def test_a_pin_alone_is_enough_to_be_forgotten(place: Workbench) -> None:
    place.people.remove("E1")
    assert place.privacy.forget("E1", author="sam", thorough=False)["pin"] is True
    assert not place.pins.any()


@pytest.mark.models
def test_who_asks_what_is_held_is_told_of_the_pin_and_not_its_hash(
    place: Workbench, reader: FaceReader, tmp_path: Path
) -> None:
    place.__dict__["reader"] = reader
    place.kiosk.punch("E1", PIN, "door", picture())
    place.privacy.export_subject("E1", tmp_path / "out.zip")
    with zipfile.ZipFile(tmp_path / "out.zip") as archive:
        assert json.loads(archive.read("person.json"))["has_pin"] is True
        (row,) = json.loads(archive.read("attendance_log.json"))
        assert row["method"] == "pin"
        content = b"".join(archive.read(name) for name in archive.namelist())
    assert b"argon2" not in content
    assert row["evidence_image"].split("/")[-1] in str(archive.namelist())
