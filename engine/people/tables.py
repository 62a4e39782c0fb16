"""Read tables made by people: CSV in any usual encoding, or Excel; headings in any order and by any usual name.

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
from engine.people.dates import ORDERS, DateOrder, infer_order, needs_order
from engine.people.text_files import read_text
from engine.people.workbooks import NO_VALUE, Lines, is_workbook, workbook_lines
from engine.storage import read_cell
from engine.words import Phrase, phrase

_JOINERS = "\u200c\u200d"  # invisible, but some scripts are misspelt without them
_TOP_LINES = 20  # in which the header must be; titles, dates and addresses come before it
_GENERIC = {"id", "name"}
"""Headings that give way to a more precise one: beside `Employee #`, `ID` is a number of the other program."""
_SPREADSHEET_ERRORS = {"#N/A", "#REF!", "#VALUE!", "#NAME?", "#DIV/0!", "#NULL!", "#NUM!"}


def _printable(text: str) -> str:
    return " ".join("".join(ch if ch.isprintable() else " " for ch in text).split())


@dataclass(frozen=True)
class RowMessage:
    """A fault or a note about a row of an imported file.

    Attributes:
        line: of the file, counted from 1; 0 means the whole file.
        column: the heading as written in the file; empty means the whole row.
        level: an error stops the import of a table, or skips an event of a calendar; a warning does not.
        text: in plain words, with what to do; pages show it in the reader's language. Unprintable characters become spaces.
    """

    line: int
    column: str
    level: Literal["error", "warning"]
    text: Phrase

    def __post_init__(self) -> None:
        object.__setattr__(self, "text", self.text.with_texts(_printable))


ID_HEADINGS = (
    "employee id, id, employee no, employee number, emp id, personnel number, personnel no, personnel id, staff id, staff no, "
    "staff number, badge, badge number, personalnummer, personalnr, personal nr, pers nr, mitarbeiternummer, mitarbeiternr, "
    "mitarbeiter id, mitarbeiter nr, matricule, табельный номер, табельный №, таб номер, личный номер, numer pracownika, osobni cislo, "
    "工号, 员工编号, 员工号, 社員番号, 従業員番号, 社員コード"
)
"""Headings of a column with employee ids, in every list."""
FIRST_NAMES = "first name, firstname, given name, forename, vorname, prenom, имя, imie, jmeno, 名"
LAST_NAMES = "last name, lastname, surname, family name, nachname, familienname, nom, фамилия, nazwisko, prijmeni, 姓"


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
        header: all headings, known or not.
    """

    headings: Mapping[str, str]
    rows: tuple[TableRow, ...]
    messages: tuple[RowMessage, ...]
    header: tuple[str, ...] = ()


def sentence(error: InputError) -> Phrase:
    """What an error says about a cell, with what to do."""
    if error.hint:
        return phrase("{what}: {hint}", what=error.message, hint=error.hint)
    return error.message if isinstance(error.message, Phrase) else phrase("{what}", what=error.message)


def headings(**fields: str) -> dict[str, tuple[str, ...]]:
    """Return the accepted headings by field, from lists separated by commas."""
    return {field: tuple(map(plain, names.split(", "))) for field, names in fields.items()}


def order_of_days(
    texts: Sequence[str], given: DateOrder | None, spans: Sequence[tuple[str, str]] = ()
) -> tuple[DateOrder | None, list[RowMessage]]:
    """Return the order of day and month in the days of a table, and what to say about it.

    Args:
        texts, spans: see `infer_order`.
        given: the order that somebody gave.
    """
    order = given or infer_order(texts, spans)
    if order is None or given or not needs_order(texts):
        return order, []
    text = phrase(
        "days such as 03/04/2026 are read as {order}, as all days of the file allow: give the order if that is wrong",
        order=ORDERS[order],
    )
    return order, [RowMessage(0, "", "warning", text)]


def with_columns(fields: Mapping[str, Sequence[str]], given: Mapping[str, str]) -> dict[str, Sequence[str]]:
    """Return accepted headings in which some fields have one heading alone, which then means nothing else.

    Args:
        given: headings by field.

    Raises:
        InputError: there is no such field.
    """
    if unknown := given.keys() - fields.keys():
        raise InputError(
            phrase("{name!r} is no column that is read", name=min(unknown)),
            hint=phrase("choose one of {names}", names=", ".join(fields)),
        )
    taken = {plain_heading(heading) for heading in given.values()}
    return {
        field: (plain_heading(given[field]),) if field in given else [each for each in names if each not in taken]
        for field, names in fields.items()
    }


def read_table(path: Path, fields: Mapping[str, Sequence[str]], *, encoding: str | None = None) -> Table:
    """Read an Excel file (.xlsx), or a CSV file with commas, semicolons or tabs.

    The line among the first 20 with most known headings names the columns; a warning tells which lines above it were passed over.

    Args:
        fields: the accepted headings of each field, in lower case without accents, hyphens or dots (`e mail` also matches
            `E-Mail`, `employee no` also `Employee #`), the most usual first, which counts if a table has several of one field. A
            heading that several fields accept means the first of them that no other heading names.
        encoding: of a CSV file, see `read_text`.

    Raises:
        InputError: the file is missing or not a table, or has no known heading, or two for ids.
        ConfigError: the package for Excel files is not installed.
    """
    names: dict[str, list[str]] = {}
    for field, aliases in fields.items():
        for alias in aliases:
            names.setdefault(plain(alias), []).append(field)
    if is_workbook(path):
        lines, warnings = workbook_lines(path, lambda lines: _header(lines, names)[1])
    else:
        lines, warning = _csv_lines(path, names, encoding)
        warnings = [warning] if warning else []
    messages = [RowMessage(0, "", "warning", each) for each in warnings]
    if not lines:
        raise InputError(
            phrase("{path} is empty", path=path.name),
            hint=phrase("write the column names in the first line, then one row per entry"),
        )
    at, _ = _header(lines, names)
    heading_line, header = lines[at][0], [" ".join(cell.split()) for cell in lines[at][1]]
    columns, unused = _columns(path, header, names)
    if not columns:
        raise InputError(
            phrase(
                "{path} has no known column in line {line}: {names}",
                path=path.name,
                line=heading_line,
                names=", ".join(header)[:80],
            ),
            hint=phrase("known columns are {names}", names=", ".join(aliases[0] for aliases in fields.values())),
        )
    if at:
        text = phrase("the column names are in line {line}; the lines above it are not read", line=heading_line)
        messages.append(RowMessage(heading_line, "", "warning", text))
    messages += [RowMessage(heading_line, "", "warning", text) for text in unused]
    rows = []
    for line, cells in lines[at + 1 :]:
        row, found = _row(line, cells, header, columns)
        rows.append(row)
        messages += found
    return Table(
        {field: header[index] for field, index in columns.items()}, tuple(rows), tuple(messages), tuple(header)
    )


def _header(lines: Lines, names: Mapping[str, Sequence[str]]) -> tuple[int, int]:
    """Return which line names the columns, and how many of them are known."""
    known = [sum(plain_heading(cell) in names for cell in cells) for _, cells in lines[:_TOP_LINES]]
    best = max(known, default=0)
    # one word of a title or of a row may be a heading by chance
    return (known.index(best), best) if best > 1 else (0, known[0] if known else 0)


def _columns(
    path: Path, header: Sequence[str], names: Mapping[str, Sequence[str]]
) -> tuple[dict[str, int], list[Phrase]]:
    """Return the column number of each field in the header, and what to say about the other columns."""
    columns: dict[str, int] = {}
    unused: list[Phrase] = []
    others = [heading for heading in header if heading and plain_heading(heading) not in names]
    unused += [phrase("ignored columns: {names}", names=", ".join(others))] if others else []

    def order(index: int) -> tuple[bool, bool, int]:
        """Precise headings first, then by how usual they are; last those that may mean several fields."""
        heading = plain_heading(header[index])
        return len(names.get(heading, ())) > 1, heading in _GENERIC, usual.get(heading, 0)

    usual = {heading: place for place, heading in enumerate(names)}
    for index in sorted(range(len(header)), key=order):
        wanted = names.get(plain_heading(header[index]), ())
        free = next((field for field in wanted if field not in columns), None)
        if free is not None:
            columns[free] = index
        elif wanted:
            other = header[columns[wanted[0]]]
            if wanted == ["employee_id"] and not any(order(index)[:2]):
                raise InputError(
                    phrase(
                        "{path}: the columns {one!r} and {other!r} mean the same",
                        path=path.name,
                        one=other,
                        other=header[index],
                    ),
                    hint=phrase("keep one of them"),
                )
            unused.append(
                phrase(
                    "the column {name} is not read, because {other} says the same more precisely",
                    name=header[index],
                    other=other,
                )
            )
    return columns, unused


def _row(
    line: int, cells: Sequence[str], header: Sequence[str], columns: Mapping[str, int]
) -> tuple[TableRow, list[RowMessage]]:
    """Return a row's tidied cells, and the messages about them."""
    messages = []
    if any(cell.strip() for cell in cells[len(header) :]):
        text = phrase(
            "the row has {cells} cells, the header {headings}: put cells that contain a delimiter in quotes",
            cells=len(cells),
            headings=len(header),
        )
        messages.append(RowMessage(line, "", "error", text))
    tidy = {}
    for field, index in columns.items():
        tidy[field], level, found = _tidy(read_cell(cells[index]) if index < len(cells) else "")
        if found:
            messages.append(RowMessage(line, header[index], level, found))
    return TableRow(line, tidy), messages


def plain(text: str) -> str:
    """Normalise a text for comparison: lower case, no accents, words of letters and digits, single spaces."""
    letters = unicodedata.normalize("NFKD", text.casefold())
    return " ".join(re.sub(r"[\W_]+", " ", "".join(ch for ch in letters if not unicodedata.combining(ch))).split())


def plain_heading(text: str) -> str:
    """Normalise a heading: as `plain`, with `#` and `№` as `no`."""
    return plain(re.sub("[#\u2116]", " no ", text))


def _csv_lines(path: Path, names: Mapping[str, Sequence[str]], encoding: str | None) -> tuple[Lines, Phrase | None]:
    """Return the rows of a CSV file that are not blank, each with its first line, which pandas does not report, and a warning."""
    text, warning = read_text(path, encoding)
    skipped = 0
    if match := re.match(r"sep=.\r?\n", text):  # a line meant for Excel
        text, skipped = text[match.end() :], 1
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(text, names), strict=True)
    lines: list[tuple[int, list[str]]] = []
    start = 1 + skipped
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                lines.append((start, cells))
            start = reader.line_num + 1 + skipped
    except csv.Error as error:
        raise InputError(
            phrase(
                "{path} cannot be read as CSV from line {line} on: {error}",
                path=path.name,
                line=start,
                error=str(error),
            ),
            hint=phrase("look for an unclosed quotation mark"),
        ) from error
    return lines, warning


def _delimiter(text: str, names: Mapping[str, Sequence[str]]) -> str:
    """Return the delimiter that gives the most known columns in one of the top lines."""
    top = [line for line in text.splitlines()[: 2 * _TOP_LINES] if line.strip()][:_TOP_LINES]

    def known(delimiter: str) -> tuple[int, int]:
        counts = [
            (sum(plain_heading(cell) in names for cell in line.split(delimiter)), line.count(delimiter)) for line in top
        ]
        return max(counts, default=(0, 0))

    return max(",;\t", key=known)


def _tidy(cell: str) -> tuple[str, Literal["error", "warning"], Phrase | None]:
    """Return the cell as one line without invisible characters, with the level and text of a message, if any."""
    if cell == NO_VALUE:
        text = phrase(
            "the formula of the cell has no value: open the file in a spreadsheet, save it, and choose it again"
        )
        return "", "error", text
    if cell.strip() in _SPREADSHEET_ERRORS:
        text = phrase(
            "the cell holds the spreadsheet error {error}: mend its formula, or empty the cell", error=cell.strip()
        )
        return "", "error", text
    level: Literal["error", "warning"] = "warning"
    found: Phrase | None = None
    characters = []
    for ch in cell:
        category = unicodedata.category(ch)
        if category in {"Cc", "Zl", "Zp"}:
            if ch not in "\t\r\n\u2028\u2029":
                text = phrase("the cell contains the control character {code}: remove it", code=f"U+{ord(ch):04X}")
                return "", "error", text
            found = phrase("a line break or tab in the cell became a space")
            characters.append(" ")
        elif category in {"Cf", "Cs", "Co"} and ch not in _JOINERS:
            found = phrase("an invisible character ({code}) was removed", code=f"U+{ord(ch):04X}")
        else:
            characters.append(ch)
    return unicodedata.normalize("NFC", " ".join("".join(characters).split())), level, found
