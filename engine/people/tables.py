"""Read tables made by people: any usual encoding and delimiter, headings in any order and by any usual name.

A fault in a row becomes a message with its line and heading; only a file that is not a table raises an error.
"""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from engine.errors import InputError
from engine.storage import decode_cell

MAX_BYTES = 32 * 2**20
_JOINERS = "\u200c\u200d"  # invisible, but some scripts are misspelt without them
_NOT_TEXT = {
    b"PK\x03\x04": "an Excel or ZIP file",
    b"\xd0\xcf\x11\xe0": "an old Excel file",
    b"%PDF": "a PDF file",
}


@dataclass(frozen=True)
class RowMessage:
    """A fault or a note about a row of an imported file.

    Attributes:
        line: of the file, counted from 1; 0 means the whole file.
        column: the heading as written in the file; empty means the whole row.
        level: an error stops the import of a table, or skips an event of a calendar; a warning does not.
        text: in plain words; unprintable characters become spaces.
    """

    line: int
    column: str
    level: Literal["error", "warning"]
    text: str

    def __post_init__(self) -> None:
        printable = "".join(ch if ch.isprintable() else " " for ch in self.text)
        object.__setattr__(self, "text", " ".join(printable.split()))


@dataclass(frozen=True)
class TableRow:
    """One row: its first line in the file, and its cells by field, each one tidy line."""

    line: int
    cells: Mapping[str, str]

    def text(self, field: str) -> str:
        """Return the cell of a field; empty if the table has no such column."""
        return self.cells.get(field, "")


@dataclass(frozen=True)
class Table:
    """The content of a table.

    Attributes:
        headings: as written in the file, by field.
        rows: those that are not blank.
        messages: faults and notes from reading.
    """

    headings: Mapping[str, str]
    rows: tuple[TableRow, ...]
    messages: tuple[RowMessage, ...]


def headings(**fields: str) -> dict[str, tuple[str, ...]]:
    """Return the accepted headings by field, from lists separated by commas."""
    return {field: tuple(names.split(", ")) for field, names in fields.items()}


def read_text(path: Path) -> tuple[str, str]:
    """Read a text file in UTF-8, UTF-16 or, failing these, Windows-1252.

    Returns:
        The text without a byte order mark, and a warning if the encoding was guessed, else an empty text.

    Raises:
        InputError: the file is missing, too large, or not text.
    """
    try:
        if path.stat().st_size > MAX_BYTES:
            raise InputError(
                f"{path} is larger than {MAX_BYTES >> 20} MiB", hint="remove everything but the list, or split it"
            )
        content = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: {error.strerror or error}", hint="give a file that can be read") from error
    for start, what in _NOT_TEXT.items():
        if content.startswith(start):
            raise InputError(f"{path} is {what}", hint='save it as "CSV UTF-8", then give that file')
    text, warning = _decoded(path, content)
    if "\0" in text:
        raise InputError(f"{path} contains zero bytes, so it is not a text file", hint='save it as "CSV UTF-8"')
    return text, warning


def _decoded(path: Path, content: bytes) -> tuple[str, str]:
    # no statistical guess: lists of names are too short (charset-normalizer reads Lefèvre, Muñoz and Øyvind as Central European)
    encoding = "utf-8-sig"
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        encoding = "utf-16"
    elif len(content) > 3 and not content[1] and content[0]:
        encoding = "utf-16-le"
    elif len(content) > 3 and not content[0] and content[1]:
        encoding = "utf-16-be"
    try:
        return content.decode(encoding), ""
    except UnicodeDecodeError as error:
        if encoding != "utf-8-sig":
            raise InputError(f"{path} is damaged UTF-16: {error.reason}", hint='save it as "CSV UTF-8"') from error
    try:
        return content.decode("cp1252"), (
            'the file is not UTF-8 and was read as Windows-1252: check names with accents, or save it as "CSV UTF-8"'
        )
    except UnicodeDecodeError as error:
        raise InputError(f"{path} is neither UTF-8, UTF-16 nor Windows-1252", hint='save it as "CSV UTF-8"') from error


def read_table(path: Path, fields: Mapping[str, Sequence[str]]) -> Table:
    """Read a CSV file with commas, semicolons or tabs; the first line that is not blank names the columns.

    Args:
        fields: the accepted headings of each field, in lower case without accents, hyphens or dots
            (`e mail` also matches `E-Mail`).

    Raises:
        InputError: the file is missing, not text or not CSV, or has no known heading, or two headings for one field.
    """
    text, warning = read_text(path)
    messages = [RowMessage(0, "", "warning", warning)] if warning else []
    skipped = 0
    if match := re.match(r"sep=.\r?\n", text):  # a line meant for Excel
        text, skipped = text[match.end() :], 1
    names = {plain(name): field for field, aliases in fields.items() for name in aliases}
    lines = _lines(path, text, _delimiter(text, names), skipped)
    if not lines:
        raise InputError(f"{path} is empty", hint="write the column names in the first line, then one row per entry")
    heading_line, header = lines[0][0], [" ".join(cell.split()) for cell in lines[0][1]]
    columns = _columns(path, header, names)
    if not columns:
        raise InputError(
            f"{path} has no known column in line {heading_line}: {', '.join(header)[:80]}",
            hint=f"known columns are {', '.join(aliases[0] for aliases in fields.values())}",
        )
    if others := [heading for heading in header if heading and plain(heading) not in names]:
        messages.append(RowMessage(heading_line, "", "warning", f"ignored columns: {', '.join(others)}"))
    rows = []
    for line, cells in lines[1:]:
        row, found = _row(line, cells, header, columns)
        rows.append(row)
        messages += found
    return Table({field: header[index] for field, index in columns.items()}, tuple(rows), tuple(messages))


def _columns(path: Path, header: Sequence[str], names: Mapping[str, str]) -> dict[str, int]:
    """Return the column number of each field in the header."""
    columns: dict[str, int] = {}
    for index, heading in enumerate(header):
        field = names.get(plain(heading))
        if field is None:
            continue
        if field in columns:
            raise InputError(
                f"{path}: the columns {header[columns[field]]!r} and {heading!r} mean the same", hint="keep one of them"
            )
        columns[field] = index
    return columns


def _row(
    line: int, cells: Sequence[str], header: Sequence[str], columns: Mapping[str, int]
) -> tuple[TableRow, list[RowMessage]]:
    """Return a row's tidied cells, and the messages about them."""
    messages = []
    if any(cell.strip() for cell in cells[len(header) :]):
        counts = f"the row has {len(cells)} cells, the header {len(header)}"
        messages.append(RowMessage(line, "", "error", f"{counts}: put cells that contain a delimiter in quotes"))
    tidy = {}
    for field, index in columns.items():
        tidy[field], level, found = _tidy(decode_cell(cells[index]) if index < len(cells) else "")
        if level:
            messages.append(RowMessage(line, header[index], level, found))
    return TableRow(line, tidy), messages


def plain(text: str) -> str:
    """Normalise a text for comparison: lower case, no accents, words of letters and digits, single spaces."""
    letters = unicodedata.normalize("NFKD", text.casefold())
    return " ".join(re.sub(r"[\W_]+", " ", "".join(ch for ch in letters if not unicodedata.combining(ch))).split())


def _delimiter(text: str, names: Mapping[str, str]) -> str:
    """Return the delimiter that gives the most known columns in the first line."""
    header = next((line for line in text.splitlines() if line.strip()), "")

    def known(delimiter: str) -> tuple[int, int]:
        cells = header.split(delimiter)
        return sum(plain(cell) in names for cell in cells), len(cells)

    return max(",;\t", key=known)


def _lines(path: Path, text: str, delimiter: str, skipped: int) -> list[tuple[int, list[str]]]:
    """Return the rows that are not blank, each with its first line, which pandas does not report."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    lines: list[tuple[int, list[str]]] = []
    start = 1 + skipped
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                lines.append((start, cells))
            start = reader.line_num + 1 + skipped
    except csv.Error as error:
        raise InputError(
            f"{path} cannot be read as CSV from line {start} on: {error}", hint="look for an unclosed quotation mark"
        ) from error
    return lines


def _tidy(cell: str) -> tuple[str, Literal["", "error", "warning"], str]:
    """Return the cell as one line without invisible characters, with the level and text of a message, if any."""
    level: Literal["", "error", "warning"] = ""
    found = ""
    characters = []
    for ch in cell:
        category = unicodedata.category(ch)
        if category in {"Cc", "Zl", "Zp"}:
            if ch not in "\t\r\n\u2028\u2029":
                return "", "error", f"the cell contains the control character U+{ord(ch):04X}: remove it"
            level, found = "warning", "a line break or tab in the cell became a space"
            characters.append(" ")
        elif category in {"Cf", "Cs", "Co"} and ch not in _JOINERS:
            level, found = "warning", f"an invisible character (U+{ord(ch):04X}) was removed"
        else:
            characters.append(ch)
    return unicodedata.normalize("NFC", " ".join("".join(characters).split())), level, found
