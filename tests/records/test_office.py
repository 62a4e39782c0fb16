"""What HR and security do: texts lose names on their way into the logs, and a false match is taken back for good."""

from __future__ import annotations

import shutil
from datetime import timedelta
from pathlib import Path

import pytest
from fakes import T0, at
from hypothesis import given
from hypothesis import strategies as st
from paperwork import Clock, bench, enrol, face, picture, punch, stranger

from engine.attendance import valid_rows
from engine.config import Config
from engine.errors import InputError
from engine.face_reader import FaceReader
from engine.imaging import read_image, write_jpeg
from engine.models import ModelStore
from engine.records.names import Names, mentions, replaced, spells
from engine.workbench import Workbench

DAY = T0.date()

# ----------------------------------------------------------------------------------------- names


@pytest.mark.parametrize(
    ("employee_id", "name", "told"),
    [
        ("E7", "Mindy Kaling", False),
        ("mk1", "Mindy Kaling", False),
        ("4711", "Mindy Kaling", False),
        ("E", "Eve", False),
        ("li-4", "Bo Li", False),
        ("mindy_kaling", "Mindy Kaling", True),
        ("Mindy Kaling", "Mindy Kaling", True),
        ("m.kaling", "Mindy Kaling", True),
        ("mindy", "Mindy Kaling", True),
        ("kaling.mindy@example.org", "Mindy Kaling", True),
        ("jose", "José García", True),
        ("li", "Li", True),
        ("王伟", "王伟", True),
        ("E7", "", False),
    ],
)
def test_an_id_may_give_the_name_away(employee_id: str, name: str, told: bool) -> None:
    assert spells(employee_id, name) == told


@pytest.mark.parametrize(
    ("text", "word", "found"),
    [
        ("Ann was late", "ann", True),
        ("planned", "Ann", False),
        ("Ann's badge, (Ann)", "Ann", True),
        ("ask Ann-Marie", "Ann", True),
        ("今天王伟来了", "王伟", True),
        ("a dash – here", "–", True),
        ("anything", "", False),
    ],
)
def test_a_name_is_found_as_a_word_and_in_scripts_without_spaces_anywhere(text: str, word: str, found: bool) -> None:
    assert mentions(text, word) == found


@given(
    st.text(alphabet="ab.- _1", max_size=30), st.lists(st.text(alphabet="ab. 1", min_size=1, max_size=4), max_size=6)
)
def test_of_replaced_words_none_is_left(text: str, words: list[str]) -> None:
    answer = replaced(text, dict.fromkeys(words, "#"))
    assert not any(mentions(answer, word) for word in words)
    assert answer == text or any(mentions(text, word) for word in words)


@pytest.fixture
def workbench(tmp_path: Path) -> Workbench:
    workbench = bench(tmp_path, Clock(at(3600)))
    enrol(workbench, "E1", "Ada Lovelace", face(1))
    enrol(workbench, "E2", "Ada", face(0, 1))
    enrol(workbench, "elton_john", "Elton John", face(0, 0, 1))
    enrol(workbench, "E4", "John Smith")
    enrol(workbench, "E5", "John Smith")
    enrol(workbench, "王伟", "王伟")
    return workbench


def names(workbench: Workbench) -> Names:
    return Names(workbench.people, workbench.attendance.log.raw.sealer)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ""),
        ("Ada Lovelace let Ada in", "E1 let E2 in"),
        ("ADA  LOVELACE", "E1"),
        ("Adamant", "Adamant"),
        ("John Smith", "E4/E5"),  # two of that name: both are told
        ("a e1 badge", "a e1 badge"),
    ],
)
def test_people_stand_in_texts_by_their_ids(workbench: Workbench, text: str, expected: str) -> None:
    assert names(workbench).text(text) == expected
    assert names(workbench).ids(text) == expected


@pytest.mark.parametrize("text", ["Elton John forgot his badge", "elton_john forgot his badge", "今天王伟来了"])
def test_whose_id_spells_the_name_stands_by_a_pseudonym_that_can_be_read_again(workbench: Workbench, text: str) -> None:
    written = names(workbench).text(text)
    assert not any(mentions(written, word) for word in ("Elton", "elton_john", "王伟"))
    assert "erased-" in written
    assert names(workbench).readable(written) in {"elton_john forgot his badge", "今天王伟来了"}
    workbench.people.remove("elton_john")
    workbench.people.remove("王伟")
    assert names(workbench).readable(written) == written  # nobody can any more
    assert names(workbench).ids("elton_john") == "elton_john"  # who did something stands in a column of its own


# ----------------------------------------------------------------------------------------- corrections


def test_a_correction_is_made_by_an_id_and_its_reason_holds_no_name(workbench: Workbench) -> None:
    punch(workbench, "E1", T0, track="run-1")
    done = workbench.office.correct(
        "E1", DAY, "add", author="Ada", reason="Ada Lovelace and Elton John left", time=at(1800), direction="out"
    )
    assert done.author == "E2"
    log = workbench.attendance.corrections.raw.shelf.path(DAY).read_text(encoding="utf-8")
    assert not any(word in log for word in ("Ada", "Lovelace", "Elton", "elton_john"))
    (row,) = workbench.attendance.sheets.on(DAY, workbench.people.known())
    assert workbench.office.readable(row.correction_reason) == "E1 and elton_john left"
    with pytest.raises(InputError, match="E2 made the correction"):  # the same person by another name
        workbench.office.correct("E1", DAY, "approve", author="E2", reason="fine")
    with pytest.raises(InputError, match="reason is empty"):
        workbench.office.correct("E1", DAY, "status", author="Sam", reason=" ", value="sick")


def test_who_is_inside_is_read_from_log_and_corrections(workbench: Workbench) -> None:
    punch(workbench, "E1", T0, track="run-1")
    punch(workbench, "E2", at(60), track="run-2")
    assert [row.employee_id for row in workbench.office.inside()] == ["E2", "E1"]  # by name
    workbench.office.correct("E2", DAY, "add", author="Sam", reason="left", time=at(600), direction="out")
    assert [row.employee_id for row in workbench.office.inside()] == ["E1"]


# ----------------------------------------------------------------------------------------- this is not …


@pytest.mark.parametrize(("event_id", "message"), [("20260101T000000-00000000", "there is no punch"), ("", "no punch")])
def test_what_is_no_punch_cannot_be_taken_back(workbench: Workbench, event_id: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        workbench.office.not_this(event_id, author="Sam", reason="no")


def test_a_punch_without_its_picture_is_left_to_a_correction(workbench: Workbench) -> None:
    row = punch(workbench, "E1", T0, track="run-1", image="images/evidence/gone.jpg")
    forged = punch(workbench, "E2", T0, track="run-2", image="seal.id")
    for each in (row, forged):
        with pytest.raises(InputError, match="muster correct"):
            workbench.office.not_this(each.event_id, author="Sam", reason="no")
    assert len(valid_rows(workbench.attendance.log.read(DAY))) == 2


@pytest.mark.models
def test_a_picture_without_a_face_teaches_nothing(workbench: Workbench, reader: FaceReader, tmp_path: Path) -> None:
    write_jpeg(tmp_path / "images" / "evidence" / "1.jpg", picture())
    row = punch(workbench, "E1", T0, track="run-1", image="images/evidence/1.jpg")
    workbench.reader = reader
    with pytest.raises(InputError, match=r"1\.jpg: no face"):
        workbench.office.not_this(row.event_id, author="Sam", reason="no")
    assert len(workbench.anchors.current()) == 0
    assert len(valid_rows(workbench.attendance.log.read(DAY))) == 1


@pytest.mark.models
def test_a_false_match_is_taken_back_and_not_made_again(
    tmp_path: Path, samples: Path, store: ModelStore, reader: FaceReader
) -> None:
    """With a threshold far too low a stranger is taken for the only person who is enrolled."""
    late = T0.replace(hour=23, minute=58)
    clock = Clock(late + timedelta(hours=1))
    config = Config.model_validate({"matching": {"threshold": -0.1}})
    workbench = Workbench(tmp_path, config, models=store, clock=clock)
    workbench.reader = reader
    workbench.registrar.enrol_photos("X", "Xaver", sorted((samples / "train" / "elton_john").glob("*.jpg"))[:4])
    own = sorted((samples / "val" / "elton_john").glob("*.jpg"))[:3]
    others = sorted((samples / "val" / "madonna").glob("*.jpg"))

    def named(photos: list[Path]) -> list[Path]:
        return [photo for photo in photos if workbench.services().identify(read_image(photo))[0].match.person == "X"]

    mistaken, right = named(others), named(own)
    assert mistaken
    assert right == own
    evidence = tmp_path / "images" / "evidence" / f"{late:%Y%m%dT%H%M%S}-00000001.jpg"
    evidence.parent.mkdir(parents=True)
    shutil.copy(mistaken[0], evidence)
    row = punch(workbench, "X", late, track="run-1", image=evidence.relative_to(tmp_path).as_posix())
    again = punch(workbench, "X", late + timedelta(minutes=6), track="run-1")  # on the next day, the same track
    assert again.event == "punch"

    written = workbench.office.not_this(row.event_id, author="Sam", reason="this is not Xaver")
    assert (written.event, written.author, written.reason) == ("retract", "Sam", "this is not X")
    rows = workbench.attendance.log.read(DAY, DAY + timedelta(days=1))
    assert valid_rows(rows) == []  # all that the track had written
    assert len([each for each in rows if each.event == "retract"]) == 2
    assert named(others) == []
    assert named(own) == own
    with pytest.raises(InputError, match="taken back before"):
        workbench.office.not_this(row.event_id, author="Sam", reason="once more")
    assert len(workbench.anchors.current().templates) == 1
    assert [(each.action, each.subject) for each in workbench.audit.read()] == [
        ("enrol", "X"),
        ("not_this", "X"),
    ]
    assert [
        each for each in workbench.records.verify() if each.what != "note"
    ] == []  # its picture was put there by hand


# ----------------------------------------------------------------------------------------- nicknames


def test_a_nickname_goes_with_a_merge_and_can_be_taken_away(tmp_path: Path) -> None:
    workbench = bench(tmp_path)
    enrol(workbench, "E1", "Ada Lovelace", face(1))
    stranger(workbench, face(0, 1), T0, track="run-1")
    stranger(workbench, face(0, 0, 1), T0, track="run-2")
    workbench.office.nickname("unknown-2", "  Red   scarf ", author="Sam")
    assert workbench.dossiers.register().nicknames == {"unknown-2": "Red scarf"}
    workbench.office.merge("unknown-2", "unknown-1", author="Sam")
    assert workbench.dossiers.register().nicknames == {"unknown-1": "Red scarf"}
    assert workbench.dossiers.register().issued == {"unknown-1", "unknown-2"}
    workbench.office.nickname("unknown-1", "", author="Sam")
    assert workbench.dossiers.register().nicknames == {}
    for text in ("unknown-7", "Ada Lovelace", "E1"):
        with pytest.raises(InputError, match="somebody's name or identifier"):
            workbench.office.nickname("unknown-1", text, author="Sam")
    with pytest.raises(InputError, match="no dossier"):
        workbench.office.nickname("unknown-9", "Red scarf", author="Sam")
    with pytest.raises(InputError):
        workbench.office.nickname("unknown-1", "x" * 41, author="Sam")
