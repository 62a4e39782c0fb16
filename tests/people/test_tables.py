"""Tables from other programs: old encodings, Excel, titles above the header, headings of any spelling."""

from __future__ import annotations

import io
import re
import time
import zipfile
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from engine.errors import InputError
from engine.people.staff_rows import STAFF_FIELDS
from engine.people.tables import Table, read_table
from engine.people.text_files import ENCODINGS

Read = Callable[..., Table]


@pytest.fixture
def read(tmp_path: Path) -> Read:
    """Read a staff list with this content."""

    def reader(content: str | bytes, encoding: str | None = None) -> Table:
        path = tmp_path / "list.csv"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return read_table(path, STAFF_FIELDS, encoding=encoding)

    return reader


def cells(table: Table, *fields: str) -> list[tuple[str, ...]]:
    return [tuple(row.text(field) for field in fields) for row in table.rows]


# --------------------------------------------------------------------------------------------- encodings

LISTS = {
    "cp1252": [
        "Müller",
        "Renée",
        "Lefèvre, Muñoz, Øyvind",
        "Jürgen Groß, Bärbel Weiß",
        "José García, Íñigo Núñez",
        "Søren Kjær, Åse Østergård",
        "François Lefèvre, Hélène Bézier, Noël",
        "João Gonçalves, Conceição Simões",
        "Björn Åström, Märta Öberg",
    ],
    "cp1250": [
        "Stanisław",
        "Łukasz Wójcik, Małgorzata Dąbrowska, Grażyna Żak",
        "Jiří Dvořák, Věra Černá, Tomáš Růžička",
        "Jiří Novák",
        "Horváth Győző, Szűcs Ödön",
        "Krešimir Đurić, Željka Šarić",
    ],
    "cp1251": ["Иван", "Иван Петров, Анна Смирнова", "Олена Шевченко, Юрій Коваль", "ИВАНОВА"],
    "gb18030": ["刘洋", "王伟, 李娜, 张敏", "陈静, 黄磊"],
    "shift_jis": ["鈴木一郎", "山田太郎, 佐藤花子", "タナカ サトシ, 高橋 健"],
}


@pytest.mark.parametrize(("encoding", "names"), [(key, names) for key, each in LISTS.items() for names in each])
def test_an_old_encoding_is_guessed_from_few_names_and_shown(read: Read, encoding: str, names: str) -> None:
    wanted = names.split(", ")
    rows = "".join(f"E{index};{name}\n" for index, name in enumerate(wanted))
    table = read(f"id;name\n{rows}".encode(encoding))
    assert cells(table, "name") == [(name,) for name in wanted]
    (message,) = table.messages
    assert (message.line, message.level) == (0, "warning")
    assert ENCODINGS[encoding] in message.text
    assert any(word in message.text for word in wanted[0].split())


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_a_given_encoding_is_taken_without_a_word(read: Read, encoding: str) -> None:
    name = {"cp1253": "Γιώργος", "cp1254": "Ayşe Yılmaz", "cp1257": "Šarūnas", "big5": "陳怡君", "cp949": "김민준"}
    wanted = name.get(encoding) or LISTS.get(encoding, ["Łukasz"])[0]
    table = read(f"id;name\n7;{wanted}\n".encode(encoding), encoding)
    assert (cells(table, "name"), table.messages) == ([(wanted,)], ())


@pytest.mark.parametrize(
    ("content", "encoding", "word"),
    [
        (b"id\n7\n", "klingon", "not an encoding"),
        (b"id\nMu\x81\n", "shift_jis", "line 2"),
        (b"id\n\xff\n", "utf-8", "line 2"),
    ],
)
def test_a_wrong_encoding_is_refused(read: Read, content: bytes, encoding: str, word: str) -> None:
    with pytest.raises(InputError, match=word) as caught:
        read(content, encoding)
    assert "choose" in (caught.value.hint or "")


@pytest.mark.parametrize(
    ("encoding", "header", "row"),
    [
        ("cp1251", "Табельный номер;ФИО;Отдел;Дата приёма", "7;Иван Петров;Продажи;01.02.2026"),
        ("gb18030", "工号,姓名,部门,入职日期", "7,王伟,销售部,2026-02-01"),
        ("shift_jis", "社員番号,氏名,部署,入社日", "7,鈴木一郎,営業部,2026/02/01"),
        ("cp1250", "Osobní číslo;Jméno a příjmení;Oddělení;Datum nástupu", "7;Jiří Dvořák;Prodej;01.02.2026"),
    ],
)
def test_lists_with_headings_of_their_own_language_are_read(read: Read, encoding: str, header: str, row: str) -> None:
    table = read(f"{header}\n{row}\n".encode(encoding))
    wanted = tuple(re.split("[;,]", row))
    assert cells(table, "employee_id", "name", "department", "hired_on") == [wanted]


# --------------------------------------------------------------------------------------------- headers


@pytest.mark.parametrize("above", ["Staff list\n", "Acme, Inc.;;\nas of 2026-11-01;;\n\n", "Team;\n"])
def test_a_title_above_the_header_is_passed_over(read: Read, above: str) -> None:
    table = read(f"{above}id;name;department\n7;Ann;Service\n")
    line = above.count("\n") + 1
    assert cells(table, "employee_id", "name", "department") == [("7", "Ann", "Service")]
    assert table.rows[0].line == line + 1
    assert [message.line for message in table.messages] == [line]
    assert f"line {line}" in table.messages[0].text


def test_a_row_whose_words_are_headings_is_no_header(read: Read) -> None:
    table = read("id,name,department\n7,Team,Service\n")
    assert cells(table, "name", "department") == [("Team", "Service")]
    with pytest.raises(InputError, match="line 1"):  # the first line is what somebody meant as the header
        read("number,who\n7,Service\n")


@pytest.mark.parametrize(
    ("header", "row", "who", "said"),
    [
        (
            "ID,Employee #,First Name,Last Name",
            "31,1042,Ann,Ray",
            ("1042", "", "Ann", "Ray"),
            "the column ID is not read",
        ),
        ("Employee,Employee Name", "HR-EMP-7,Ann Ray", ("HR-EMP-7", "Ann Ray", "", ""), ""),
        ("ID,Employee", "7,Ann Ray", ("7", "Ann Ray", "", ""), ""),
        ("Employee No.,Employee", "7,Ann Ray", ("7", "Ann Ray", "", ""), ""),
        ("Employee,First Name,Last Name", "7,Ann,Ray", ("7", "", "Ann", "Ray"), ""),
        ("Staff №,Full name", "7,Ann Ray", ("7", "Ann Ray", "", ""), ""),
        ("ID,Employee,Employee Name", "7,7,Ann Ray", ("7", "Ann Ray", "", ""), "the column Employee is not read"),
        ("id,name,Display name", "7,ray,Ann Ray", ("7", "Ann Ray", "", ""), "the column name is not read"),
    ],
)
def test_headings_that_may_mean_two_things(read: Read, header: str, row: str, who: tuple[str, ...], said: str) -> None:
    table = read(f"{header}\n{row}\n")
    assert cells(table, "employee_id", "name", "first_name", "last_name") == [who]
    assert [message.text[: len(said)] for message in table.messages] == ([said] if said else [])


def test_the_most_usual_of_several_columns_counts(read: Read) -> None:
    header = "Employee #,Last name,First name,Employment Status,Status,Division,Department"
    table = read(f"{header}\n7,Ray,Ann,Full-Time,Inactive,Europe,Sales\n")
    assert cells(table, "department", "active") == [("Sales", "Inactive")]
    assert [message.text.split(",")[0] for message in table.messages] == [
        "the column Division is not read",
        "the column Employment Status is not read",
    ]


# --------------------------------------------------------------------------------------------- Excel


def workbook(**sheets: list[list[Any]]) -> bytes:
    book, stream = openpyxl.Workbook(), io.BytesIO()
    book.remove(book.active)
    for title, rows in sheets.items():
        sheet = book.create_sheet(title)
        for row in rows:
            sheet.append(row)
    book.save(stream)
    return stream.getvalue()


def test_an_excel_file_is_read_as_its_texts(read: Read) -> None:
    rows = [
        ["Staff of Acme", None],
        [None],
        ["Personalnr.", "Name", "Einwilligung", "Aktiv"],
        [1042, "Łukasz Żak", date(2026, 11, 2), True],
        [1043.0, "王伟", datetime(2026, 11, 2, 9, 30), False],  # noqa: DTZ001 - cells have no zone
        ["0044", "Ann", "2026-11-02", "ja"],
    ]
    table = read(workbook(Staff=rows))
    assert cells(table, "employee_id", "name", "consent_at", "active") == [
        ("1042", "Łukasz Żak", "2026-11-02", "yes"),
        ("1043", "王伟", "2026-11-02T09:30:00", "no"),
        ("0044", "Ann", "2026-11-02", "ja"),
    ]
    assert [row.line for row in table.rows] == [4, 5, 6]
    assert [message.line for message in table.messages] == [3]


def test_a_formula_that_was_never_computed_is_told_with_its_cell(read: Read) -> None:
    table = read(workbook(Staff=[["id", "name", "dept"], [7, "Ann", "=A2"], [8, "Ben", "Desk"], ["=A3", "Cem"]]))
    assert cells(table, "employee_id", "department") == [("7", ""), ("8", "Desk"), ("", "")]
    told = [(each.line, each.column, each.level) for each in table.messages]
    assert told == [(2, "dept", "error"), (4, "id", "error")]
    assert all("has no value" in each.text for each in table.messages)


def test_cells_merged_over_several_rows_are_told(read: Read) -> None:
    book, stream = openpyxl.Workbook(), io.BytesIO()
    sheet = book.active
    assert sheet is not None
    for row in (["Staff", None], ["id", "name"], [7, "Ann"], [8, "Ben"], [9, "Cem"]):
        sheet.append(row)
    for area in ("A1:B1", "B3:B4"):
        sheet.merge_cells(area)
    book.save(stream)
    told = [each.text for each in read(stream.getvalue()).messages if not each.line]
    assert told == ["merged cells (B3:B4): only the first row of each has the value; unmerge them and fill each row"]


def test_zeros_that_excel_only_shows_belong_to_an_id(read: Read) -> None:
    book, stream = openpyxl.Workbook(), io.BytesIO()
    sheet = book.active
    assert sheet is not None
    sheet.append(["id", "name"])
    sheet.append([17, "Ann"])
    sheet["A2"].number_format = "00000"
    book.save(stream)
    assert cells(read(stream.getvalue()), "employee_id") == [("00017",)]


def test_the_sheet_with_the_list_is_found(read: Read) -> None:
    table = read(workbook(Notes=[["for HR"]], Staff=[["id", "name"], [7, "Ann"]], Empty=[]))
    assert cells(table, "name") == [("Ann",)]
    assert [message.text for message in table.messages] == ["read the sheet Staff, not Notes"]


@pytest.mark.parametrize("content", [workbook(Staff=[]), workbook(Staff=[[None, "  "]])])
def test_an_empty_workbook_is_refused(read: Read, content: bytes) -> None:
    with pytest.raises(InputError, match="empty"):
        read(content)


def test_an_error_of_a_formula_is_no_value(read: Read) -> None:
    (message,) = read("id,name\n7,#N/A\n").messages
    assert (message.line, message.column, message.level) == (2, "name", "error")
    assert "#N/A" in message.text


def sheet(content: bytes, part: str = "xl/worksheets/sheet1.xml") -> bytes:
    """A workbook with this XML as a part of it."""
    made = io.BytesIO()
    whole = io.BytesIO(workbook(List=[["Id", "Name"], ["E1", "Ann"]]))
    with zipfile.ZipFile(whole) as old, zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as new:
        for name in old.namelist():
            new.writestr(name, content if name == part else old.read(name))
    return made.getvalue()


_BEGIN = b'<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>'
_END = b"</sheetData></worksheet>"


@pytest.mark.parametrize(
    "content",
    [
        lambda: sheet(_BEGIN + b"<row/>" * 6_100_000 + _END),
        lambda: sheet(_BEGIN + b"<row>" + b"<c/>" * 140_000 + b"</row>" + _END),
        lambda: sheet(_BEGIN.replace(b"<s", b"<x:s") + b"<x:row>" + b"<x:c/>" * 140_000 + b"</x:row>" + _END),
        lambda: sheet(_BEGIN + b'<row r="99999999999"><c><v>1</v></c></row>' + _END),
        lambda: sheet(b"<si/>" * 6_100_000, "xl/styles.xml"),
        lambda: sheet(b'<!DOCTYPE a [<!ENTITY b "bb"><!ENTITY c "&b;&b;">]>' + _BEGIN + _END),
        lambda: sheet(bytes(130 << 20), "docProps/app.xml"),
        lambda: b"Id,Name\n" + b"," * 3_000_000,
        lambda: b"Id,Name\n" + b"a,b\n" * 1_100_000,
        lambda: b'Id,Name\n"' + b'""' * 1_000_000,
    ],
    ids=[
        "rows",
        "a row",
        "a row with prefixes",
        "a far row",
        "styles",
        "entities",
        "another part",
        "columns",
        "lines",
        "a line",
    ],
)
def test_a_small_file_that_unpacks_to_much_is_refused_at_once(read: Read, content: Callable[[], bytes]) -> None:
    made = content()
    assert len(made) < 7_000_000
    began = time.process_time()
    with pytest.raises(InputError):
        read(made)
    assert time.process_time() - began < 6


def test_a_wide_and_long_list_is_none_of_those(read: Read) -> None:
    rows = [["Id", "Name", *(f"more {number}" for number in range(200))]]
    rows += [[f"E{row}", "Ann", *([row] * 200)] for row in range(300)]
    assert len(read(workbook(List=rows)).rows) == 300
