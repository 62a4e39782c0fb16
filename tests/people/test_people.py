"""What people type: names and ids, cleaned, in cells that no spreadsheet runs, and one line per person on disk."""

from __future__ import annotations

import csv
import re
import unicodedata
from datetime import UTC, datetime, timedelta
from multiprocessing.synchronize import Barrier
from pathlib import Path
from typing import Any

import pytest
from fakes import append_rows
from hypothesis import given, settings
from hypothesis import strategies as st
from processes import CONTEXT

from engine.errors import InputError, StorageError
from engine.people import PEOPLE_COLUMNS, PeopleStore, Person, clean_id, clean_name
from engine.storage import clean_text, decode_cell, encode_cell, new_id, read_rows, write_table

COLUMNS = ("event_id", "text")
LINE_BREAKS = "\0\n\r\v\f\x1c\x1d\x1e\x85\u2028\u2029"
ONE_LINE = st.text(st.characters(codec="utf-8", exclude_characters=LINE_BREAKS))
TRICKY = st.text("=+-@＝＋－＠'\"\t\r\n,; \u00a0\u3000\ufeffa1")


def rows(*texts: str) -> list[dict[str, str]]:
    """Rows with running ids."""
    return [{"event_id": str(index), "text": text} for index, text in enumerate(texts)]


NEGATIVE = re.compile(r"-[0-9]+(\.[0-9]+)?(e[+-]?[0-9]+)?")
"""A number, which no spreadsheet takes for anything else."""


# --------------------------------------------------------------------------------------------- cells


@settings(deadline=None)
@given(ONE_LINE | TRICKY.filter(lambda text: not set(text) & set(LINE_BREAKS)))
def test_any_text_on_one_line_comes_back_from_a_cell(text: str) -> None:
    assert decode_cell(encode_cell(text)) == text


@settings(deadline=None)
@given(st.text() | TRICKY)
def test_no_text_becomes_a_formula_and_every_cell_is_one_line(text: str) -> None:
    cell = encode_cell(text)
    assert not cell.lstrip().startswith(tuple("=+-@＝＋－＠")) or NEGATIVE.fullmatch(cell)
    assert not cell.startswith(("\t", "\r"))
    assert not set(cell) & set(LINE_BREAKS)


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "＝", "＋", "－", "＠", "  =", "\t@", "\u3000+", "'="])
def test_what_a_spreadsheet_would_run_is_marked_as_text(start: str) -> None:
    assert encode_cell(f"{start}cmd|' /C calc'!A0").startswith("'")


@pytest.mark.parametrize(
    ("value", "cell"),
    [
        (None, ""),
        (True, "yes"),
        (False, "no"),
        (-3, "-3"),
        (-0.5, "-0.5"),
        (0.1 + 0.2, "0.3"),
        ("-3+1", "'-3+1"),
        ("", ""),
    ],
)
def test_numbers_stay_numbers_and_texts_stay_texts(value: object, cell: str) -> None:
    assert encode_cell(value) == cell


@given(st.floats(allow_nan=False, allow_infinity=False) | st.integers())
@settings(deadline=None)
def test_a_number_that_was_read_as_a_text_is_written_as_it_was(value: float) -> None:
    cell = encode_cell(value)
    assert encode_cell(decode_cell(cell)) == cell


@given(st.lists(ONE_LINE | TRICKY, max_size=4))
@settings(max_examples=50, deadline=None)
def test_a_file_has_one_line_per_row_and_gives_the_texts_back(tmp_path_factory: Any, texts: list[str]) -> None:
    path = tmp_path_factory.mktemp("rows") / "log.csv"
    append_rows(path, COLUMNS, rows(*texts))
    content = path.read_bytes().decode() if texts else ""
    assert len(content.splitlines()) == content.count("\n") == (len(texts) + 1 if texts else 0)
    assert [row["text"] for row in read_rows(path)] == [decode_cell(encode_cell(text)) for text in texts]


def test_a_name_with_a_line_break_stays_one_row(tmp_path: Path) -> None:
    append_rows(tmp_path / "log.csv", COLUMNS, rows("Ann\r\nB.", 'say "hi",\nBen'))
    assert (tmp_path / "log.csv").read_text() == 'event_id,text\n0,Ann B.\n1,"say ""hi"", Ben"\n'


def test_a_file_name_that_is_no_unicode_does_not_stop_a_log(tmp_path: Path) -> None:
    append_rows(tmp_path / "log.csv", COLUMNS, rows("clip-\udcff.mp4"))
    assert read_rows(tmp_path / "log.csv")[0]["text"].startswith("clip-")


# --------------------------------------------------------------------------------------------- texts and ids


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("张伟", "张伟"),
        ("  Ann \t B.\r\nC.\u2028D. ", "Ann B. C. D."),
        ("a\x00b\x1b[31mc", "a b [31mc"),
        ("gpj\u202eexe.\u2066ann\u2069\u200e", "gpjexe.ann"),
        ("\ufeffAnn\u200b", "Ann"),
        ("Ame\u0301lie", "Am\u00e9lie"),
        ("Ame\u200b\u0301lie", "Am\u00e9lie"),
        ("می\u200cخواهم", "می\u200cخواهم"),
        ("../../x", "../../x"),
    ],
)
def test_a_text_is_kept_but_for_what_cannot_be_seen(text: str, expected: str) -> None:
    assert clean_text(text, what="name", limit=200) == expected


@pytest.mark.parametrize("text", ["", "   ", "\n\t", "\u202e", "\u200c", "\u200c \u200d", "\x00"])
def test_a_text_without_anything_to_see_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="the name is empty"):
        clean_text(text, what="name", limit=200)


@pytest.mark.parametrize("length", [201, 10_000])
def test_a_text_over_the_limit_is_refused_and_not_repeated_in_full(length: int) -> None:
    assert clean_text("x" * 200, what="name", limit=200) == "x" * 200
    with pytest.raises(InputError, match=f"the name has {length} characters") as caught:
        clean_text("x" * length, what="name", limit=200)
    assert len(str(caught.value)) < 150


@settings(deadline=None)
@given(st.text(st.characters() | st.sampled_from("e\u0301\u200b\u200c\u202e \n"), min_size=1, max_size=50))
def test_a_clean_text_is_normal_and_cleaning_it_again_changes_nothing(text: str) -> None:
    try:
        line = clean_text(text, what="name", limit=200)
    except InputError:
        line = "refused"
    assert unicodedata.is_normalized("NFC", line)
    assert line.splitlines() == [line]
    assert {unicodedata.category(ch) for ch in line} & {"Cc", "Cs", "Zl", "Zp"} == set()
    assert clean_text(line, what="name", limit=200) == line


def test_ids_sort_by_time_are_file_names_and_differ() -> None:
    noon = datetime(2026, 11, 22, 12, tzinfo=UTC)
    ids = [new_id(noon + timedelta(seconds=offset)) for offset in range(100)]
    assert sorted(ids) == ids
    assert len({new_id(noon) for _ in range(100)}) == 100
    assert all(set(value) <= set("0123456789abcdefT-") for value in ids)


def test_csv_readers_of_others_see_the_same_cells(tmp_path: Path) -> None:
    write_table(tmp_path / "table.csv", COLUMNS, rows('a,"b"', "", "张伟"))
    with (tmp_path / "table.csv").open(newline="") as handle:
        assert list(csv.reader(handle)) == [list(COLUMNS), ["0", 'a,"b"'], ["1", ""], ["2", "张伟"]]


# --------------------------------------------------------------------------------------------- ids


@pytest.mark.parametrize(
    "text", ["007", "a.b-c_d", "张伟", '=HYPERLINK("x")', "../../x", "x" * 64, "Unknown", "ann unknown-1"]
)
def test_an_id_may_be_any_short_line(text: str) -> None:
    assert clean_id(f"  {text}\n") == text


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("a;b", "semicolon"),
        ("unknown-7", "reserved for strangers"),
        (" \u200bunknown-7", "reserved for strangers"),
        ("x" * 65, "65 characters"),
        ("x" * 10_000, "10000 characters"),
        ("", "employee id is empty"),
        (" \n ", "employee id is empty"),
    ],
)
def test_an_id_that_would_be_mistaken_is_refused(text: str, reason: str) -> None:
    with pytest.raises(InputError, match=reason) as caught:
        clean_id(text)
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 200


def test_a_name_may_be_longer_than_an_id_but_not_endless() -> None:
    assert clean_name("x" * 200) == "x" * 200
    with pytest.raises(InputError, match="the name has 10000 characters"):
        clean_name("x" * 10_000)


# --------------------------------------------------------------------------------------------- people


ODD = ['=HYPERLINK("x")', "../../x", "张伟", "Ann\nB.", "+49 30", "'quoted'", 'O"Neil, Ann', "-", "@ann", "\t=1+1"]


def test_nobody_is_known_before_somebody_is_put_in(tmp_path: Path) -> None:
    store = PeopleStore(tmp_path / "people.csv")
    assert (store.all(), store.names()) == ({}, {})
    store.remove("ann")
    assert store.all() == {}


def test_a_person_comes_back_with_everything(tmp_path: Path) -> None:
    ann = Person("7", "Ann", "Sales", "ann@example.org", "2026-11-22T09:00:00+01:00", "2026-11-20", active=False)
    PeopleStore(tmp_path / "people.csv").put(ann)
    assert PeopleStore(tmp_path / "people.csv").all() == {"7": ann}


@pytest.mark.parametrize("kept", range(len(ODD)))
def test_odd_names_come_back_and_run_in_no_spreadsheet(tmp_path: Path, kept: int) -> None:
    store = PeopleStore(tmp_path / "people.csv")
    text = ODD[kept]
    store.put(Person(clean_id(text), clean_name(text), department=text.strip().replace("\n", " ")))
    clean = clean_name(text)
    assert store.all()[clean] == Person(clean, clean, department=clean)


def test_odd_names_stay_one_line_and_one_cell_each(tmp_path: Path) -> None:
    store = PeopleStore(tmp_path / "people.csv")
    for text in ODD:
        store.put(Person(text, text, department=text))  # not cleaned first: the file must hold all the same
    raw = (tmp_path / "people.csv").read_bytes().decode()
    assert raw.count("\n") == len(raw.splitlines()) == len(ODD) + 1
    table = list(csv.reader(raw.splitlines()))
    assert {len(cells) for cells in table} == {len(PEOPLE_COLUMNS)}
    formulas = tuple("=+-@\t\r＝＋－＠")
    assert [cell for cells in table for cell in cells if cell.lstrip().startswith(formulas)] == []
    assert list(store.names().values()) == [text.replace("\n", " ") for text in ODD]


def test_putting_somebody_again_replaces_their_row_in_place(tmp_path: Path) -> None:
    store = PeopleStore(tmp_path / "people.csv")
    for key in "abc":
        store.put(Person(key, f"Name {key}"))
    store.put(Person("b", "New"))
    assert list(store.names().items()) == [("a", "Name a"), ("b", "New"), ("c", "Name c")]


@pytest.mark.parametrize(("gone", "left"), [("a", ["b", "c"]), ("c", ["a", "b"]), ("nobody", ["a", "b", "c"])])
def test_removing_takes_one_person_out(tmp_path: Path, gone: str, left: list[str]) -> None:
    store = PeopleStore(tmp_path / "people.csv")
    for key in "abc":
        store.put(Person(key, key))
    store.remove(gone)
    assert list(store.all()) == left


@pytest.mark.parametrize(("cell", "active"), [("yes", True), ("", True), ("no", False), (" No ", False), ("0", False)])
def test_a_table_made_by_hand_needs_only_id_and_name(tmp_path: Path, cell: str, active: bool) -> None:
    (tmp_path / "people.csv").write_text(f"name,employee_id,active\nAnn,7,{cell}\n")
    assert PeopleStore(tmp_path / "people.csv").all() == {"7": Person("7", "Ann", active=active)}


def test_the_last_line_of_a_table_made_by_hand_needs_no_line_end(tmp_path: Path) -> None:
    (tmp_path / "people.csv").write_text("employee_id,name\n7,Ann\n8,Ben")
    store = PeopleStore(tmp_path / "people.csv")
    store.put(Person("9", "Cleo"))
    assert store.names() == {"7": "Ann", "8": "Ben", "9": "Cleo"}


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"id;name\n7;Ann\n", id="other columns"),
        pytest.param(b"employee_id,name\n7,\xff\n", id="not UTF-8"),
        pytest.param(b'employee_id,name\n7,"' + b"x" * 200_000 + b"\n", id="endless cell"),
        pytest.param(b'employee_id,name\n7,"Ann\n8,Ben\n', id="open quote"),
    ],
)
def test_a_table_that_makes_no_sense_is_refused_and_left_alone(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "people.csv"
    path.write_bytes(content)
    for action in (PeopleStore(path).all, lambda: PeopleStore(path).put(Person("9", "Cleo"))):
        with pytest.raises(StorageError, match=r"people\.csv"):
            action()
    assert path.read_bytes() == content


def _put_many(path: Path, ids: list[str], start: Barrier) -> None:
    start.wait(60)
    for employee_id in ids:
        PeopleStore(path).put(Person(employee_id, f"Name {employee_id}"))


def test_two_processes_that_put_people_in_at_once_lose_nobody(tmp_path: Path) -> None:
    start = CONTEXT.Barrier(2)
    ids = [[f"{writer}{index}" for index in range(25)] for writer in "ab"]
    crew = [CONTEXT.Process(target=_put_many, args=(tmp_path / "people.csv", own, start)) for own in ids]
    for process in crew:
        process.start()
    for process in crew:
        process.join(60)
    assert [process.exitcode for process in crew] == [0, 0]
    assert set(PeopleStore(tmp_path / "people.csv").all()) == {*ids[0], *ids[1]}
