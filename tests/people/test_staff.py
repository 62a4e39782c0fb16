"""A staff list from somewhere else: any usual form is read, every mistake is named by its line, and it is all or nothing."""

from __future__ import annotations

import contextlib
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import typer
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.cli import hr
from engine.errors import InputError
from engine.people import PeopleStore, Person, RowMessage, StaffImport, clean_name, import_staff
from engine.people.staff_rows import STAFF_FIELDS
from engine.people.tables import read_table
from engine.storage import table_text
from engine.words import phrase

NOW = datetime(2026, 11, 22, 9, 0, tzinfo=ZoneInfo("Europe/Berlin"))
LIST = "id,name,department,email\n7,Ann Ray,Lab,ann@example.org\n8,Ben Okafor,Sales,ben@example.org\n"
ANN, BEN = Person("7", "Ann Ray", "Lab", "ann@example.org"), Person("8", "Ben Okafor", "Sales", "ben@example.org")


@pytest.fixture
def store(tmp_path: Path) -> PeopleStore:
    return PeopleStore(tmp_path / "people.csv", today=NOW.date)


def take(store: PeopleStore, content: str | bytes, *, dry_run: bool = False, **more: Any) -> StaffImport:
    """Import a list with this content."""
    path = store.keep.path.with_name("staff.csv")
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return import_staff(path, store, dry_run=dry_run, now=NOW, **more)


def found(result: StaffImport) -> list[tuple[int, str, str]]:
    return [(message.line, message.column, message.level) for message in result.messages]


# --------------------------------------------------------------------------------------------- what is understood


def test_a_list_is_taken_in(store: PeopleStore) -> None:
    result = take(store, LIST)
    assert (result.added, result.changed, result.unchanged, result.messages) == (("7", "8"), (), (), ())
    assert result.written
    assert store.all() == {"7": ANN, "8": BEN}


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_any_usual_file_is_read(store: PeopleStore, delimiter: str, encoding: str, newline: str) -> None:
    text = "Abteilung;Personalnr.;Name;E-Mail\nLab;7;Jörg Łoś;j@example.org\n"
    content = text.replace(";", delimiter).replace("\n", newline).encode(encoding)
    result = take(store, content)
    assert result.messages == ()
    assert store.all() == {"7": Person("7", "Jörg Łoś", "Lab", "j@example.org")}


def test_an_old_windows_file_is_read_with_a_warning(store: PeopleStore) -> None:
    result = take(store, "id;name\n7;Jörg Müller\n".encode("cp1252"))
    assert store.names() == {"7": "Jörg Müller"}
    assert found(result) == [(0, "", "warning")]
    assert "Windows-1252" in result.messages[0].text


@pytest.mark.parametrize(
    ("header", "row", "name"),
    [
        ("ID,Full Name", "7,Ann Ray", "Ann Ray"),
        ("Employee_ID,First name,Last name", "7,Ann,Ray", "Ann Ray"),
        ("Personalnummer,Nachname,Vorname", "7,Ray,Ann", "Ann Ray"),
        (
            "PERS.-NR.,Name,Vorname",
            "7,Ray,Ann",
            "Ann Ray",
        ),  # where first names have a column, `Name` is the family name
        ("staff no,surname", "7,Ray", "Ray"),
        ("matricule,nom,Prénom", "7,Ray,Ann", "Ann Ray"),
        ("id,name,first name,last name", "7,Ann B. Ray,Ann,Ray", "Ann B. Ray"),
    ],
)
def test_headings_by_their_usual_names(store: PeopleStore, header: str, row: str, name: str) -> None:
    assert take(store, f"{header}\n{row}\n").messages == ()
    assert store.names() == {"7": name}


def test_blank_lines_a_line_for_excel_and_blank_rows_are_passed_over_and_lines_still_count(store: PeopleStore) -> None:
    result = take(store, 'sep=;\n\nid;name\n;\n7;"Ann\nRay"\n\n;Ben\n')
    assert found(result) == [(5, "name", "warning"), (8, "id", "error")]


def test_a_cell_with_a_line_break_or_something_invisible_is_tidied_with_a_warning(store: PeopleStore) -> None:
    result = take(store, 'id,name\n7,"Ann\r\nRay"\n8,Ben\u200b Okafor\u202e\n9,  می\u200cخواهم \n')
    assert found(result) == [(2, "name", "warning"), (4, "name", "warning")]
    assert store.names() == {"7": "Ann Ray", "8": "Ben Okafor", "9": "می\u200cخواهم"}


@pytest.mark.parametrize(
    ("word", "active"), [("yes", True), ("Ja", True), ("1", True), ("", True), ("NO", False), ("inaktiv", False)]
)
def test_who_has_left_is_inactive(store: PeopleStore, word: str, active: bool) -> None:
    take(store, f"id,name,status\n7,Ann,{word}\n")
    assert store.all()["7"].active is active


@pytest.mark.parametrize(
    ("word", "active"),
    [
        ("Full-Time", True),
        ("part time", True),
        ("Contractor", True),
        ("TEILZEIT", True),
        ("Elternzeit", True),
        ("On Leave", True),
        ("Resigned", False),
        ("ausgetreten", False),
    ],
)
def test_any_word_for_an_employment_is_understood(store: PeopleStore, word: str, active: bool) -> None:
    store.put(Person("7", "Ann", active=not active))
    result = take(store, f"id,name,Employment Status\n7,Ann,{word}\n")
    assert store.all()["7"].active is active
    assert not result.errors


@pytest.mark.parametrize("active", [True, False])
def test_a_word_that_is_not_known_leaves_a_person_as_they_are_and_is_told(store: PeopleStore, active: bool) -> None:
    store.put(Person("7", "Ann", active=active))
    result = take(store, "id,name,Status\n7,Ann,Galactic\n8,Ben,Galactic\n")
    assert found(result) == [(2, "Status", "warning"), (3, "Status", "warning")]
    assert all("'Galactic'" in message.text and "write yes or no" in message.text for message in result.messages)
    assert {key: person.active for key, person in store.all().items()} == {"7": active, "8": True}


# --------------------------------------------------------------------------------------------- dates of employment


def dated(store: PeopleStore, employee_id: str = "7") -> list[tuple[str, str, str]]:
    assert store.employment is not None
    rows = store.employment.all()[employee_id].rows
    return [(str(row.valid_from or ""), row.fact, row.value) for row in rows]


@pytest.mark.parametrize(
    ("header", "row"),
    [
        ("Hire Date,Termination Date", "2026-01-05,2026-10-16"),
        ("Eintritt,Austritt", "05.01.2026,16.10.2026"),
        ("Entry date,Left on", "01/05/2026,10/16/2026"),  # only as month/day/year
        ("Date of Joining,Relieving Date", "46027,46311"),  # as a spreadsheet counts
        ("hired on,last working day", "2026-01-05 00:00:00,2026-10-16T00:00:00"),
    ],
)
def test_days_of_entry_and_leaving_are_read_as_people_write_them(store: PeopleStore, header: str, row: str) -> None:
    result = take(store, f"id,name,{header}\n7,Ann,{row}\n")
    assert not result.errors
    assert dated(store) == [("", "employed", "no"), ("2026-01-05", "employed", "yes"), ("2026-10-17", "employed", "no")]
    assert not store.all()["7"].active
    before = store.keep.path.read_bytes()
    assert take(store, f"id,name,{header}\n7,Ann,{row}\n").unchanged == ("7",)
    assert store.keep.path.read_bytes() == before


def test_a_day_that_may_be_two_is_refused_until_its_order_is_given(store: PeopleStore) -> None:
    content = "id,name,hire date\n7,Ann,03/04/2026\n"
    (message,) = take(store, content).errors
    assert (message.line, message.column) == (2, "hire date")
    assert "2026-04-03 or 2026-03-04" in message.text
    take(store, content, date_order="dmy")
    assert dated(store)[1] == ("2026-04-03", "employed", "yes")


def test_an_order_that_other_days_tell_is_said(store: PeopleStore) -> None:
    result = take(store, "id,name,hire date\n7,Ann,03/04/2026\n8,Ben,25/04/2026\n")
    assert [(message.line, "day/month/year" in message.text) for message in result.messages] == [(0, True)]
    assert dated(store)[1] == ("2026-04-03", "employed", "yes")


def test_another_department_holds_from_the_day_in_the_row(store: PeopleStore) -> None:
    store.put_all([ANN, BEN])
    result = take(store, "id,name,department,valid from\n7,Ann Ray,Shop,2026-10-12\n8,Ben Okafor,Shop,\n")
    assert result.changed == ("7", "8")
    assert dated(store) == [("", "department", "Lab"), ("2026-10-12", "department", "Shop")]
    assert dated(store, "8") == [("", "department", "Sales"), ("2026-11-22", "department", "Shop")]


def test_who_left_without_a_day_left_yesterday_and_that_is_told(store: PeopleStore) -> None:
    store.put(ANN)
    result = take(store, "id,name,status\n7,Ann Ray,left\n8,Ben,left\n")
    assert [message.text.split(":")[0] for message in result.messages] == ["7 counts as left from today on"]
    assert dated(store) == [("", "employed", "yes"), ("2026-11-22", "employed", "no")]
    assert not store.all()["8"].active


def test_words_and_days_that_disagree_are_told(store: PeopleStore) -> None:
    result = take(
        store, "id,name,status,left on\n7,Ann,active,2026-10-16\n8,Ben,left,2026-12-31\n9,Cem,left,2026-10-16\n"
    )
    assert found(result) == [(2, "left on", "warning"), (3, "left on", "warning")]
    assert {key: person.active for key, person in store.all().items()} == {"7": False, "8": True, "9": False}


def test_leaving_before_entry_is_a_mistake(store: PeopleStore) -> None:
    take(store, "id,name,hired on\n7,Ann,2026-03-01\n")
    (message,) = take(store, "id,name,left on\n7,Ann,2026-01-31\n").errors
    assert (message.line, message.column) == (2, "left on")
    assert "2026-03-01" in message.text


def test_a_shift_of_the_settings_is_assigned(store: PeopleStore) -> None:
    result = take(store, "id,name,shift\n7,Ann,EARLY\n8,Ben,swing\n", shifts=("early", "late"))
    assert dated(store)[-1] == ("2026-11-22", "shift", "early")
    assert found(result) == [(3, "shift", "warning")]
    assert "early, late" in result.messages[0].text


def test_a_consent_may_be_written_in_any_usual_form(store: PeopleStore) -> None:
    take(store, "id,name,Einwilligung\n7,Ann,22.11.2026\n")
    assert store.all()["7"].consent_at == "2026-11-22"


# --------------------------------------------------------------------------------------------- again, and beside others


def test_a_second_import_changes_nothing(store: PeopleStore) -> None:
    content = LIST.replace("email", "email,consent").replace(".org\n", ".org,2026-11-01\n")
    take(store, content)
    before = store.keep.path.read_bytes()
    result = take(store, content)
    assert (result.added, result.changed, result.unchanged) == ((), (), ("7", "8"))
    assert not result.written
    assert store.keep.path.read_bytes() == before


def test_our_own_file_is_a_staff_list(store: PeopleStore) -> None:
    for key, name in {"007": "=1+1", "a'b": "'quoted'", "x": "Ann, Ray; Dr."}.items():
        store.put(Person(key, name, "+49", active=key != "x"))
    before = store.all()
    result = import_staff(store.keep.path, store, dry_run=False, now=NOW)
    assert result.unchanged == tuple(before)
    assert store.all() == before


def test_people_who_are_not_in_the_file_stay_as_they_are(store: PeopleStore) -> None:
    others = {str(key): Person(str(key), f"Person {key}") for key in range(100, 112)}
    for person in others.values():
        store.put(person)
    result = take(store, LIST)
    assert [message.text.split(":")[0] for message in result.messages] == ["12 people are not in the file"]
    assert store.all() == {**others, "7": ANN, "8": BEN}


def test_what_the_list_does_not_say_is_kept(store: PeopleStore) -> None:
    ann = Person("7", "Ann", "Lab", "ann@example.org", "2026-01-02T09:00:00+01:00", "2026-01-01", active=False)
    store.put(ann)
    result = take(store, "id,name,department,consent\n7,Ann Ray,,\n")
    assert (result.added, result.changed) == ((), ("7",))
    assert store.all()["7"] == Person(
        "7", "Ann Ray", "Lab", "ann@example.org", ann.enrolled_at, "2026-01-01", active=False
    )


def test_a_dry_run_says_what_would_be_done_and_does_nothing(store: PeopleStore) -> None:
    result = take(store, LIST, dry_run=True)
    assert (result.added, result.written) == (("7", "8"), False)
    assert not store.keep.path.exists()


# --------------------------------------------------------------------------------------------- mistakes

MISTAKES = {
    "no id": (",Ann,a@b.org,yes,", "ID", "missing for Ann"),
    "an id of strangers": ("unknown-7,Ann,,,", "ID", "strangers"),
    "an id with a semicolon": ("a;b,Ann,,,", "ID", "semicolon"),
    "a long id": ("x" * 65 + ",Ann,,,", "ID", "65 characters"),
    "the same id": ("7,Ann,,,", "ID", "line 2"),
    "no name": ("9,,,,", "Name", "name of 9 is missing"),
    "a name of blanks": ("9,  ,,,", "Name", "name of 9 is missing"),
    "a long name": ("9," + "x" * 201 + ",,,", "Name", "201 characters"),
    "a control character": ("9,A\x07nn,,,", "Name", "U+0007"),
    "an address without a point": ("9,Ann,ann@example,,", "E-Mail", "ann@example.org"),
    "two addresses": ("9,Ann,a@b.org c@d.org,,", "E-Mail", "not an e-mail"),
    "an address of somebody else": ("9,Ann,FIRST@example.org,,", "E-Mail", "both have"),
    "a date that is none": ("9,Ann,,,2026-02-30", "Consent", "2026-02-30"),
    "a consent instead of its date": ("9,Ann,,,yes", "Consent", "2026-11-22"),
    "a consent of tomorrow": ("9,Ann,,,2026-11-23", "Consent", "future"),
    "the year one": ("9,Ann,,,0001-01-01T00:00:00+14:00", "Consent", "not a day"),
    "a comma without quotes": ("9,Ray, Ann,,,2026-11-22", "", "quotes"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_named_with_line_and_heading_and_keeps_everything_out(store: PeopleStore, mistake: str) -> None:
    row, column, word = MISTAKES[mistake]
    result = take(store, f"ID,Name,E-Mail,Active,Consent\n7,First,first@example.org,yes,2026-11-22\n{row}\n8,Last,,,\n")
    errors = [message for message in result.errors if message.line == 3]
    assert errors, result.messages
    assert {message.column for message in errors} >= {column}
    assert any(word in message.text for message in errors)
    assert all(message.text.isprintable() for message in result.messages)
    assert not result.written
    assert not store.keep.path.exists()


def test_every_mistake_is_told_at_once_in_the_order_of_the_file(store: PeopleStore) -> None:
    rows = "\n".join(row for row, _, _ in MISTAKES.values())
    result = take(store, f"ID,Name,E-Mail,Active,Consent\n7,First,first@example.org,,\n{rows}\n")
    lines = [message.line for message in result.errors]
    assert lines == sorted(lines)
    assert set(lines) >= set(range(3, 3 + len(MISTAKES)))


def test_two_people_with_one_address_are_named_with_their_lines(store: PeopleStore) -> None:
    result = take(store, "id,name,mail\n7,Ann,x@example.org\n8,Ben,X@Example.org\n")
    assert [(message.line, message.text.split(" both")[0]) for message in result.errors] == [
        (2, "7 and 8 (line 3)"),
        (3, "8 and 7 (line 2)"),
    ]


def test_the_address_of_a_stored_person_is_taken(store: PeopleStore) -> None:
    store.put(Person("1", "Old", email="x@example.org"))
    assert "already stored" in take(store, "id,name,mail\n7,Ann,x@example.org\n").errors[0].text
    assert not take(store, "id,name,mail\n7,Ann,x@example.org\n1,Old,y@example.org\n").errors  # it moves on


def test_an_id_that_a_spreadsheet_spoilt_is_a_warning(store: PeopleStore) -> None:
    store.put(Person("0017", "Ann"))
    result = take(store, "id,name\n17,Ann\n1.23E+11,Ben\n")
    assert [message.line for message in result.messages if "spreadsheet" in message.text] == [2, 3]
    assert set(store.all()) == {"0017", "17", "1.23E+11"}


@pytest.mark.parametrize(
    ("rows", "line", "word"),
    [
        ("E17,Ann\ne17,Ben", 3, "but E17 is in line 2"),
        ("0042,Ann\n42,Ben", 3, "but 0042 is in line 2"),
    ],
)
def test_what_a_spreadsheet_does_to_ids_is_told(store: PeopleStore, rows: str, line: int, word: str) -> None:
    result = take(store, f"id,name\n{rows}\n")
    assert [(message.line, message.level) for message in result.messages] == [(line, "warning")]
    assert word in result.messages[0].text


def test_an_id_that_a_spreadsheet_wrote_as_a_number_is_read_beside_others(store: PeopleStore) -> None:
    result = take(store, "id,name\n1042.0,Ann\nE7,Ben\n")
    assert (result.added, [message.line for message in result.messages]) == (("1042", "E7"), [0])
    again = take(store, "id,name\n1042,Ann\n1042.0,Ann\n")
    assert [(message.line, message.text) for message in again.errors] == [
        (3, "the id 1042 is already in line 2: remove one of the rows, or correct an id")
    ]


def test_a_row_of_sums_is_nobody(store: PeopleStore) -> None:
    result = take(store, "id,name\n7,Ann\nSumme,1042\n", skip_bad=True)
    assert result.added == ("7",)
    assert [(message.line, message.column) for message in result.errors] == [(3, "name")]


def test_a_column_of_ids_that_a_spreadsheet_wrote_as_numbers_is_read_and_said_once(store: PeopleStore) -> None:
    result = take(store, "Employee #,name\n1042.0,Ann\n1043.0,Ben\n")
    assert result.added == ("1042", "1043")
    assert [(message.line, message.column, message.level) for message in result.messages] == [
        (0, "Employee #", "warning")
    ]
    again = take(store, "Employee #,name\n1042.0,Ann\n1043.0,Ben\n")
    assert again.unchanged == ("1042", "1043")


def test_one_row_that_ends_before_it_begins_leaves_the_order_of_the_others_certain(store: PeopleStore) -> None:
    content = "id,name,hired on,left on\n1,Ann,21/01/2013,\n2,Ben,03/09/2018,\n3,Cem,05/06/2019,01/01/2001\n"
    result = take(store, content)
    assert (result.added, result.errors) == (("1", "2", "3"), ())
    told = [(message.line, message.column) for message in result.messages if "hired again" in message.text]
    assert told == [(4, "left on")]
    again = take(store, content)
    assert (again.unchanged, again.errors) == (("1", "2", "3"), ())


def test_the_rows_without_errors_can_be_imported(store: PeopleStore) -> None:
    content = "id,name,mail\n7,Ann,ann@example.org\n,Ben,\n9,Cem,nothing\n10,Dan,x@example.org\n11,Eve,X@example.org\n"
    assert not take(store, content).written
    result = take(store, content, skip_bad=True)
    assert (result.added, result.skipped, result.written) == (("7",), (3, 4, 5, 6), True)
    assert set(store.all()) == {"7"}
    assert {message.line for message in result.errors} == {3, 4, 5, 6}


def test_columns_that_are_not_read_are_named_once(store: PeopleStore) -> None:
    result = take(store, "id,name,Room,Shoe size\n7,Ann,4,39\n8,Ben,5,44\n")
    assert [message.text for message in result.messages] == ["ignored columns: Room, Shoe size"]
    assert result.messages[0].level == "warning"


@pytest.mark.parametrize("content", ["id,name\n", "id,name"])
def test_a_list_of_nobody_is_told(store: PeopleStore, content: str) -> None:
    assert [message.text for message in take(store, content).messages] == ["the file names nobody"]


@pytest.mark.parametrize(
    ("content", "word"),
    [
        (b"", "empty"),
        (b"\n\n", "empty"),
        (b"PK\x03\x04 and so on", "Excel"),
        (b"\xd0\xcf\x11\xe0 and so on", "old Excel"),
        (b"%PDF-1.7", "PDF"),
        (b"id,name\n7,A\0nn\n", "zero bytes"),
        (b"\xff\xfei\0d", "UTF-16"),
        (b"id,name\n7,\x81\n", "neither"),
        (b"colour,shape\nred,round\n", "no known column"),
        (b"id,department\n7,Lab\n", "names"),
        (b"name,department\nAnn,Lab\n", "ids"),
        (b"Badge,name,Employee ID\n7,Ann,7\n", "mean the same"),
        (b'id,name\n7,"Ann\n8,Ben\n', "line 2"),
        (b'id,name\n7,"' + b"x" * 200_000 + b'"\n', "line 2"),
    ],
)
def test_a_file_that_is_no_staff_list_is_refused_in_one_line(store: PeopleStore, content: bytes, word: str) -> None:
    with pytest.raises(InputError, match=word) as caught:
        take(store, content)
    assert caught.value.hint
    assert not store.keep.path.exists()


def test_a_file_that_is_not_there_or_is_a_folder_is_refused(store: PeopleStore, tmp_path: Path) -> None:
    for path in (tmp_path / "none.csv", tmp_path):
        with pytest.raises(InputError, match=str(path)):
            import_staff(path, store, dry_run=False, now=NOW)


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=200) | st.text('idname,;\t"\n\r=7é\ufeff\0', max_size=60).map(str.encode))
def test_no_file_makes_the_import_stumble(tmp_path_factory: Any, content: bytes) -> None:
    store = PeopleStore(tmp_path_factory.mktemp("any") / "people.csv")
    for before in (b"", b"id,name\n"):
        with contextlib.suppress(InputError):
            assert isinstance(take(store, before + content, dry_run=True), StaffImport)


def _visible(text: str) -> bool:
    try:
        return clean_name(text) == text and any(ch.isalpha() for ch in text)
    except InputError:
        return False


@settings(max_examples=40, deadline=None)
@given(st.lists((st.text(max_size=20) | st.text("=+-@'\"\t,; aé", max_size=8)).filter(_visible), max_size=8))
def test_any_name_comes_through_a_list(tmp_path_factory: Any, names: list[str]) -> None:
    store = PeopleStore(tmp_path_factory.mktemp("names") / "people.csv")
    rows = [{"id": f"E{index}", "name": name} for index, name in enumerate(names)]
    assert not take(store, table_text(("id", "name"), rows)).errors
    assert list(store.names().values()) == names


def test_messages_tell_the_heading_as_it_stands_in_the_file(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("Pers.-Nr.; NAME \n7;A\x01\n")
    table = read_table(tmp_path / "a.csv", STAFF_FIELDS)
    assert table.headings == {"employee_id": "Pers.-Nr.", "name": "NAME"}
    assert table.messages == (
        RowMessage(
            2, "NAME", "error", phrase("the cell contains the control character {code}: remove it", code="U+0001")
        ),
    )


# --------------------------------------------------------------------------------------------- the command


def test_the_command_takes_a_list_in_and_ends_with_one_when_it_cannot(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, workspace = tmp_path / "staff.csv", tmp_path / "work"
    path.write_text(LIST)
    hr.staff_import(path, dry_run=True, workspace=workspace)
    assert "the import would give: 2 added" in capsys.readouterr().out
    assert not (workspace / "people.csv").exists()
    hr.staff_import(path, dry_run=False, workspace=workspace)
    assert "2 added, 0 changed" in capsys.readouterr().out
    assert set(PeopleStore(workspace / "people.csv").all()) == {"7", "8"}
    path.write_text(LIST + "8,Cem,,\n")
    with pytest.raises(typer.Exit) as caught:
        hr.staff_import(path, dry_run=False, workspace=workspace)
    out = capsys.readouterr().out
    assert caught.value.exit_code == 1
    assert "the id 8 is already in line 3" in out
    assert "Nothing was written" in out
