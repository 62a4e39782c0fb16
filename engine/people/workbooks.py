"""Read the rows of an Excel file as texts, as a CSV file would hold them: days as ISO 8601, whole numbers without a point."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Callable, Sequence
from datetime import date, datetime, time
from pathlib import Path
from typing import Any

from engine.errors import ConfigError, InputError
from engine.people.text_files import read_content
from engine.words import Phrase, phrase

Lines = Sequence[tuple[int, Sequence[str]]]
"""Rows that are not blank, each with its number in the file, counted from 1."""

_MAX_UNPACKED = 128 * 2**20
_MAX_TAGS = {"row": 8 * 16_384, "part": 6_000_000}
"""In the XML of a row, which has at most 16,384 cells, and of a whole part. What reads it keeps a row, and much of a part, in memory."""
_MAX_ROWS = 2**20
_ROW_BEGINS = re.compile(rb"<(?:[\w.-]+:)?row[\s/>]")
_BLOCK = 2**20
_MAX_COLUMNS = 500  # a sheet with a format on whole rows has 16,384
_MAX_SEARCHED = 64 * 2**20
_NAMED = 5
_SHEET = re.compile(r"xl/worksheets/[^/]+\.xml")
_MERGED = re.compile(rb'<mergeCell ref="([A-Z]+)(\d+):([A-Z]+)(\d+)"')
_ONLY_THE_LIST = phrase("save only the list as a new file")
NO_VALUE = "#FORMULA!"
"""In place of the value of a formula that was never computed."""
_ZIP = b"PK\x03\x04"


def is_workbook(path: Path) -> bool:
    """Whether a file is an Excel file of today, whatever its name.

    Raises:
        InputError: the file is missing, or larger than 32 MiB.
    """
    return read_content(path).startswith(_ZIP)


def workbook_lines(path: Path, known: Callable[[Lines], int]) -> tuple[Lines, list[Phrase]]:
    """Return the rows of the sheet with most known columns, and warnings: which sheets are not read, and which cells are merged.

    A formula that was never computed reads as `NO_VALUE`.

    Raises:
        InputError: the file is damaged or something else.
        ConfigError: the package for Excel files is not installed.
    """
    try:
        from openpyxl import load_workbook  # type: ignore[import-untyped]  # noqa: PLC0415 - an extra, and slow to import
    except ImportError as error:
        raise ConfigError("reading Excel files needs a package", hint="pip install 'muster[office]'") from error
    content = io.BytesIO(read_content(path))
    try:
        with zipfile.ZipFile(content) as archive:
            every = archive.infolist()
            if sum(each.file_size for each in every) > _MAX_UNPACKED or any(_too_much(archive, each) for each in every):
                raise InputError(phrase("{path} unpacks to far more than a list", path=path.name), hint=_ONLY_THE_LIST)
            parts = [_part(archive, each) for each in every if _SHEET.fullmatch(each.filename)]
        sheets = _sheets(load_workbook(content, read_only=True, data_only=True))
        if any(b"<f" in part for part in parts):
            formulas = _sheets(load_workbook(content, read_only=True))
            sheets = {title: _without_values(rows, formulas[title]) for title, rows in sheets.items()}
    except InputError:
        raise
    except Exception as error:  # the parser raises anything for damaged files
        raise InputError(
            phrase(
                "{path} cannot be read as an Excel file: {error}",
                path=path.name,
                error=str(error) or type(error).__name__,
            ),
            hint=phrase('save it as .xlsx again, or as "CSV UTF-8"'),
        ) from error
    if not any(sheets.values()):
        return (), []
    best = max(sheets, key=lambda title: (known(sheets[title]), bool(sheets[title])))  # among equals the first
    others = [title for title, rows in sheets.items() if rows and title != best]
    warnings = []
    if others:
        warnings.append(phrase("read the sheet {sheet}, not {others}", sheet=best, others=", ".join(others)))
    if merged := [name for part in parts for name in _merged(part)]:
        text = phrase(
            "merged cells ({cells}): only the first row of each has the value; unmerge them and fill each row",
            cells=", ".join(merged[:_NAMED]) + (" …" if len(merged) > _NAMED else ""),
        )
        warnings.append(text)
    return sheets[best], warnings


def _too_much(archive: zipfile.ZipFile, part: zipfile.ZipInfo) -> bool:
    """Whether reading a part would take memory and time without end, although it is small: counted, not parsed."""
    tags = of_row = 0
    with archive.open(part) as content:
        while block := content.read(_BLOCK):
            if b"<!ENTITY" in block:
                return True
            rows = _ROW_BEGINS.split(block)
            tags += block.count(b"<")
            of_row = max(of_row + rows[0].count(b"<"), *(each.count(b"<") for each in rows[1:-1]), 0)
            if tags > _MAX_TAGS["part"] or (of_row > _MAX_TAGS["row"] and _SHEET.fullmatch(part.filename)):
                return True
            of_row = rows[-1].count(b"<") if len(rows) > 1 else of_row
    return False


def _part(archive: zipfile.ZipFile, part: zipfile.ZipInfo) -> bytes:
    """The XML of a sheet; of a huge one nothing: who writes those merges no cells."""
    return archive.read(part) if part.file_size <= _MAX_SEARCHED else b""


def _sheets(book: Any) -> dict[str, Lines]:
    sheets = {sheet.title: _rows(sheet) for sheet in book.worksheets if sheet.sheet_state == "visible"}
    book.close()
    return sheets


def _without_values(rows: Lines, formulas: Lines) -> Lines:
    """The rows, with `NO_VALUE` where there is a formula that no program has computed."""
    texts = {number: list(cells) for number, cells in rows}
    for number, cells in formulas:
        for place, cell in enumerate(cells):
            row = texts.setdefault(number, [])
            if cell.startswith("=") and not "".join(row[place : place + 1]):
                row += [""] * (place + 1 - len(row))
                row[place] = NO_VALUE
    return [(number, texts[number]) for number in sorted(texts) if texts[number]]


def _merged(part: bytes) -> list[str]:
    """Merged cells over several rows, such as `D300:D304`."""
    found = [match.groups() for match in _MERGED.finditer(part)]
    return [b"".join((a, b, b":", c, d)).decode() for a, b, c, d in found if b != d]


def _rows(sheet: Any) -> Lines:
    rows, blank = list[tuple[int, Sequence[str]]](), None
    for number, cells in enumerate(sheet.iter_rows(max_col=_MAX_COLUMNS), 1):
        if number > _MAX_ROWS:
            raise InputError(phrase("a sheet has more rows than Excel allows"), hint=_ONLY_THE_LIST)
        if cells is blank:  # the same for all rows of a gap, which may be a million
            continue
        texts = [_text(cell.value, str(getattr(cell, "number_format", ""))) for cell in cells]
        while texts and not texts[-1].strip():
            texts.pop()
        if texts:
            rows.append((number, texts))
        else:
            blank = cells
    return rows


def _text(value: object, number_format: str) -> str:
    """Return a cell as its text in a CSV file."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float) and value == int(value):
        # a column of ids may show leading zeros that are not part of the number
        return str(int(value)).zfill(len(number_format) if re.fullmatch("0+", number_format) else 0)
    if isinstance(value, datetime) and value.time() == time():
        value = value.date()
    return value.isoformat() if isinstance(value, date | time) else "" if value is None else str(value)
