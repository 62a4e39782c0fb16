"""Exports with hostile texts in every field: no spreadsheet finds a formula, whichever separator it splits at."""

from __future__ import annotations

import csv
import dataclasses
import io
import re
from collections.abc import Callable
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sheets import NOW, inside

from app.charts import tables
from engine.attendance import DaySheet, Status
from engine.reports import attlog, excel_bytes, muster_list_csv, punches_csv, sheet_csv, summary_csv
from engine.reports.punches import PassageInForce
from engine.storage import read_cell, table_cell, table_rows, table_text

STARTS = tuple("=+-@＝＋－＠")
NUMBER = re.compile(r"-[0-9.]+(e[+-]?[0-9]+)?")
HOSTILE = (
    "a;=1+1;b",
    "a,=1+1,b",
    "a\t=1+1\tb",
    'a;"=1+1";b',
    'x";=1+1',
    'x;"" =cmd|/C calc!A0',
    ";=1",
    "a; \u00a0@SUM(A1)",
    "a;＝1+1",
    "a;'=1+1",
    '"=1+1',
    "=1+1",
    "a;\n=1+1",
)
TEXTS = st.text(alphabet="ab=+-@＝'\";,\t \n\u00a0", max_size=9) | st.sampled_from(HOSTILE)


def hostile(blank: Any, text: str) -> Any:
    """A row with the text in each of its fields that hold a text."""
    return dataclasses.replace(
        blank,
        **{each.name: text for each in dataclasses.fields(blank) if type(getattr(blank, each.name)) is str},
    )


def days(text: str) -> list[DaySheet]:
    return [hostile(DaySheet("E1", date(2026, 11, 2), Status.ABSENT), text)]


def passages(text: str) -> list[PassageInForce]:
    blank = PassageInForce("E1", datetime(2026, 11, 2, 9, tzinfo=NOW.tzinfo), "in", "", "face", "")
    return [dataclasses.replace(hostile(blank, text), direction="in")]


EXPORTS: dict[str, Callable[[str], str]] = {
    "day sheets": lambda text: sheet_csv(days(text)),
    "payroll": lambda text: summary_csv(days(text)),
    "muster list": lambda text: muster_list_csv([hostile(inside("E1", "Ann"), text)]),
    "punches": lambda text: punches_csv(passages(text)),
    "attlog": lambda text: attlog(passages(text)),
    "charts": lambda text: tables.csv(tables.person_days(days(text)).assign(**{text: text})).decode(),
    "changes of a month, and rows of an incident": lambda text: table_text(("name", "b"), [{"name": text, "b": text}]),
}


def formulas(text: str) -> list[str]:
    """The cells that a spreadsheet takes for a formula, splitting at each of the separators."""
    return [
        cell
        for separator in ",;\t"
        for line in csv.reader(io.StringIO(text, newline=""), delimiter=separator)
        for cell in line
        if cell.lstrip(" \xa0\t\r\n\0").startswith(STARTS) and not NUMBER.fullmatch(cell.strip())
    ]


@pytest.mark.parametrize("export", EXPORTS)
def test_no_cell_is_a_formula_whichever_separator_a_spreadsheet_takes(export: str) -> None:
    for text in HOSTILE:
        assert not formulas(EXPORTS[export](text)), (export, text)


@settings(max_examples=400, deadline=None, database=None)
@given(st.lists(st.lists(TEXTS, min_size=3, max_size=3), min_size=1, max_size=3))
def test_neither_is_one_of_any_texts_beside_each_other_and_all_of_them_come_back(lines: list[list[str]]) -> None:
    columns = ("a", "b", "c")
    text = table_text(columns, [dict(zip(columns, cells, strict=True)) for cells in lines])
    assert not formulas(text), text
    back = table_rows(text.encode(), "test")
    assert [[*row.values()] for row in back] == [[re.sub("\n+", " ", cell) for cell in cells] for cells in lines]
    assert all(table_cell(read_cell(table_cell(cell))) == table_cell(cell) for cells in lines for cell in cells)


def test_a_workbook_that_is_saved_as_csv_holds_no_formula_either(tmp_path: Path) -> None:
    path = tmp_path / "days.xlsx"
    rows = [
        hostile(dataclasses.replace(*days(""), day=date(2026, 11, 2) + timedelta(days=n)), text)
        for n, text in enumerate(HOSTILE)
    ]
    path.write_bytes(excel_bytes(rows, title="a;=1+1", generated_at=NOW))
    book = openpyxl.load_workbook(path)
    for separator in ",;\t":
        saved = io.StringIO(newline="")
        for sheet in book:
            csv.writer(saved, delimiter=separator).writerows(
                [cell.value for cell in line] for line in sheet.iter_rows()
            )
        assert not formulas(saved.getvalue())
    assert all(cell.data_type != "f" for sheet in book for line in sheet.iter_rows() for cell in line)


def test_every_table_that_leaves_muster_is_written_by_one_function() -> None:
    top = Path(__file__).parents[2]
    ways = re.compile(r"csv\.(writer|DictWriter)|\.to_csv\(|\bcsv_line\(|\.to_excel\(")
    inner = {"engine/storage", "engine/tracking", "engine/archive", "engine/attendance"}  # files of their own
    found = {
        str(path.relative_to(top))
        for place in ("engine", "app")
        for path in (top / place).rglob("*.py")
        if ways.search(path.read_text(encoding="utf-8")) and "/".join(path.relative_to(top).parts[:2]) not in inner
    }
    # heads: names of files, numbers and hashes; who was erased: pseudonyms and times
    assert found <= {"engine/records/books.py", "engine/privacy/forgotten.py"}
