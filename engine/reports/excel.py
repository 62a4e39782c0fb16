"""Day sheets as an Excel workbook: real dates, times and numbers, and no formulas."""

from __future__ import annotations

import io
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from textwrap import wrap
from typing import TYPE_CHECKING, Any

from engine.attendance import DaySheet, cells, kinds_of_hours
from engine.errors import ConfigError, InputError
from engine.people import TimeAccounts
from engine.reports.columns import COLUMNS, STATUSES, SUMMARY_COLUMNS, heading
from engine.reports.payroll import summarise
from engine.reports.texts import notes_text
from engine.storage import table_cell
from engine.words import ENGLISH, N_, Words

if TYPE_CHECKING:
    from xlsxwriter import Workbook  # type: ignore[import-untyped]
    from xlsxwriter.format import Format  # type: ignore[import-untyped]
    from xlsxwriter.worksheet import Worksheet  # type: ignore[import-untyped]

MAX_ROWS = 1_048_575  # of a sheet, below its header
MAX_TEXT = 32_767  # characters of a cell
_PRINTED = (
    "employee_id",
    "name",
    "department",
    "date",
    "first_in",
    "last_out",
    "hours",
    "status",
    "planned_in",
    "planned_out",
    "planned_hours",
    "late_min",
    "early_min",
    "break_hours",
    "note",
)
"""Printed columns of the sheet "Days", in order; the columns of the evidence follow, for the screen only."""
_DAYS = (*_PRINTED, *(column for column in COLUMNS if column not in _PRINTED))
_WORDS = ("status", "recorded_status", "pending_status", "presence", "liveness", "late", "left_early", "long")
_DATES = {"de": "dd.mm.yyyy"}
_MEANINGS = ("worksheet", "heading", "name_in_csv", "meaning")
_MEANING_HEADS = (N_("Worksheet"), N_("Heading"), N_("Name in CSV"), N_("Meaning"))
"""Their headings, for the translators."""
_WRAPPED = ("note", "meaning")
_LINE_PT = 13.5
_LETTERS = 1.1
"""Letters of a text for each digit's width of a column, at least."""
_BAD_IN_XML = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")


def cell_text(value: object) -> str:
    """The text of a cell: marked as in CSV where it looks like a formula, and without characters that XML cannot hold.

    The cell has the type text in any case, but the mark protects a table that is copied or saved as CSV.
    """
    text = table_cell(value if value is None else str(value))
    text = _BAD_IN_XML.sub("\ufffd", text.encode("utf-8", "replace").decode("utf-8"))
    return text if len(text) <= MAX_TEXT else text[: MAX_TEXT - 1] + "…"


def excel_bytes(
    rows: Sequence[DaySheet],
    *,
    title: str,
    generated_at: datetime,
    verified: str = "",
    period: str = "",
    accounts: TimeAccounts | None = None,
    words: Words = ENGLISH,
) -> bytes:
    """A workbook with the sheets "Days", "Summary" and "Columns".

    Times are local, as in the day sheet, with their offset in the column UTC offset. There are no formulas, links or macros: sums are
    numbers.

    Args:
        title: on each printed page and in the file's properties.
        generated_at: timezone-aware.
        period: of the sums, see `engine.reports.payroll_period`; empty: by month.
        accounts: time accounts up to the last of the days.
        words: language of headings, statuses, notes and names of sheets; the column "name in CSV" says what programs call them.

    Raises:
        ConfigError: the package that writes Excel is not installed.
        InputError: more rows than a sheet can hold.
    """
    if len(rows) > MAX_ROWS:
        raise InputError(f"{len(rows)} rows are more than a sheet can hold ({MAX_ROWS})", hint="export fewer days")
    memory = io.BytesIO()
    with new_workbook(memory) as book:
        book.set_properties(
            {"title": cell_text(title)[:250], "created": generated_at.astimezone(UTC).replace(tzinfo=None)}
        )
        made = words.say(
            "Made on {day} at {time} ({offset})",
            day=f"{generated_at:%d.%m.%Y}" if words.code == "de" else f"{generated_at:%Y-%m-%d}",
            time=f"{generated_at:%H:%M}",
            offset=generated_at.isoformat()[-6:],
        )
        style = _Style(book, words)
        days = _sheet(
            book, style, N_("Days"), _DAYS, [_typed(row, words) for row in rows], frozen=_DAYS.index("date") + 1
        )
        days.print_area(0, 0, max(len(rows), 1), len(_PRINTED) - 1)
        sums = summarise(rows, period, accounts=accounts)
        summary = _sheet(book, style, N_("Summary"), tuple(SUMMARY_COLUMNS), sums, frozen=2)
        _sheet(book, style, N_("Columns"), _MEANINGS, _meanings(made, verified, words), frozen=0)
        for sheet in book.worksheets():
            _page(sheet, title, made, words)
        summary.fit_to_pages(2, 0)  # on one page its columns would be too small to read
        summary.repeat_columns(0, 1)
    return memory.getvalue()


def new_workbook(memory: io.BytesIO) -> Workbook:
    """Begin a workbook whose texts stay texts.

    Raises:
        ConfigError: the package that writes Excel is not installed.
    """
    try:
        from xlsxwriter import Workbook  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise ConfigError("Excel files need a further package", hint="pip install 'muster[office]'") from error
    options = {
        "in_memory": True,
        "strings_to_formulas": False,
        "strings_to_urls": False,
        "strings_to_numbers": False,
        "nan_inf_to_errors": False,
    }
    return Workbook(memory, options)


class _Style:
    """The formats and the words of a workbook."""

    def __init__(self, book: Workbook, words: Words) -> None:
        self.words = words
        self.cell_text = lru_cache(1 << 14)(cell_text)  # few texts of a column differ

        def new(**values: Any) -> Format:
            # indented, so that a number and the text beside it do not touch
            return book.add_format({"valign": "top", "font_size": 10, "align": "left", "indent": 1, **values})

        self.header, self.header_of_numbers = (
            new(bold=True, bottom=1, bg_color="#EDEDED", text_wrap=True, align=align) for align in ("left", "right")
        )
        self.text = new()
        self.wrapped = new(text_wrap=True)
        self.date = new(num_format=_DATES.get(words.code, "yyyy-mm-dd"))
        self.time = new(num_format="hh:mm")  # as everywhere in Muster; the seconds stay in the cell
        self.hours = new(num_format="0.00", align="right")
        self.balance = new(num_format="+0.00;[Red]\u22120.00;0.00", align="right")
        self.whole = new(num_format="0", align="right")
        self.status = {
            words.say(word): new(bg_color=_tint(status.colour), bold=status.group in {"open", "absent"})
            for word, status in STATUSES.items()
        }


def _tint(colour: str) -> str:
    """The colour on paper, light enough for black text with a contrast of at least 7:1."""
    parts = (int(colour[index : index + 2], 16) for index in (1, 3, 5))
    return "#" + "".join(f"{round(255 - (255 - part) * 0.35):02X}" for part in parts)


def _sheet(
    book: Workbook,
    style: _Style,
    name: str,
    columns: Sequence[str],
    rows: Sequence[Mapping[str, object]],
    *,
    frozen: int,
) -> Worksheet:
    sheet = book.add_worksheet(style.words.say(name))
    heads = [style.words.say(heading(column)) for column in columns]
    widths = [max(map(len, head.split())) + 3 for head in heads]  # 3: the filter's button
    for line, row in enumerate(rows, 1):
        for index, column in enumerate(columns):
            widths[index] = max(widths[index], _write(sheet, style, line, index, column, row))
    tallest = 1
    for index, (column, width) in enumerate(zip(columns, widths, strict=True)):
        numbers = any(isinstance(row.get(column), int | float) for row in rows)
        sheet.write_string(0, index, heads[index], style.header_of_numbers if numbers else style.header)
        shown = min(width + 2, 90 if column == "meaning" else 36)
        sheet.set_column(index, index, shown)
        tallest = max(tallest, _lines(heads[index], shown - 4))  # 4: the filter's button and the indent
        if column in _WRAPPED:  # not every program makes rows as tall as what is in them
            for line, row in enumerate(rows, 1):
                if (lines := _lines(cell_text(row.get(column)), round(_LETTERS * shown))) > 1:
                    sheet.set_row(line, _LINE_PT * lines)
    sheet.set_row(0, _LINE_PT * max(tallest, 2))
    sheet.freeze_panes(1, frozen)
    sheet.autofilter(0, 0, max(len(rows), 1), len(columns) - 1)
    return sheet


def _lines(text: str, width: int) -> int:
    """The number of lines of a text in a column of so many characters."""
    return len(wrap(text, max(1, width))) if len(text) > width else 1


def _typed(row: DaySheet, words: Words) -> dict[str, object]:
    """A day with real dates, times and numbers in place of their texts, and words in the reader's language."""
    plain = cells(row)
    translated = {column: words.say(str(plain[column])) for column in _WORDS if plain[column]}

    def clock(moment: datetime | None) -> time | None:
        return moment.time().replace(microsecond=0) if moment else None

    def hours(duration: timedelta | None) -> float | None:
        return None if duration is None else round(duration.total_seconds() / 3600, 2)

    return {
        **plain,
        **translated,
        "note": notes_text(row.notes, words),
        "leave": "; ".join(dict.fromkeys(words.say(part.name) for part in row.leave)),
        "date": row.day,
        "first_in": clock(row.first_in),
        "last_out": clock(row.last_out),
        "planned_in": clock(row.planned_in),
        "planned_out": clock(row.planned_out),
        "hours": row.hours,
        "planned_hours": row.planned_hours,
        "credited_hours": row.credited_hours or None,
        "presence_hours": hours(row.stayed),
        "break_hours": hours(row.breaks),
        "similarity_in": row.similarity_in,
        "leave_days": row.leave_days or None,
        "day_share": row.day_share,
        "counted_in": clock(row.counted_in),
        "counted_out": clock(row.counted_out),
        **{name: hours or None for name, hours in kinds_of_hours(row).items()},
        "recorded_first_in": clock(row.recorded.first_in),
        "recorded_last_out": clock(row.recorded.last_out),
        "recorded_hours": hours(row.recorded.worked),
        "pending_first_in": clock(row.pending.first_in) if row.pending else None,
        "pending_last_out": clock(row.pending.last_out) if row.pending else None,
        "pending_hours": hours(row.pending.worked) if row.pending else None,
    }


def _write(sheet: Worksheet, style: _Style, line: int, index: int, column: str, row: Mapping[str, object]) -> int:
    """Write a cell with the type of its value; return its width in characters."""
    value = row.get(column)
    if value is None or value == "":
        return 0
    if isinstance(value, float):
        sheet.write_number(line, index, value, style.balance if column == "balance" else style.hours)
    elif isinstance(value, int):
        sheet.write_number(line, index, value, style.whole)
    elif isinstance(value, time):
        sheet.write_datetime(line, index, value, style.time)
    elif isinstance(value, date):
        sheet.write_datetime(line, index, datetime.combine(value, time()), style.date)
    else:
        text = style.cell_text(str(value))
        plain = style.wrapped if column in _WRAPPED else style.text
        sheet.write_string(line, index, text, style.status.get(text, plain) if column == "status" else plain)
        return len(text)
    return len(str(value))


def _meanings(made: str, verified: str, words: Words) -> list[Mapping[str, str]]:
    say = words.say
    days, summary, status = say("Days"), say("Summary"), say("Status")
    rows = [
        *((days, say(heading(column)), column, say(COLUMNS[column])) for column in _DAYS),
        *((summary, say(heading(column)), column, say(meaning)) for column, meaning in SUMMARY_COLUMNS.items()),
        *((days, f"{status} {style.symbol} {say(word)}", word, say(style.meaning)) for word, style in STATUSES.items()),
        ("", say("This file"), "", made),
        ("", say("The log"), "", say(verified) if verified else say("was not verified")),
    ]
    return [dict(zip(_MEANINGS, row, strict=True)) for row in rows]


def _page(sheet: Worksheet, title: str, made: str, words: Words) -> None:
    """A4 landscape, one page wide, header and page numbers on each page."""
    plain = cell_text(title)[:120].replace("&", "&&")  # a single & begins a code
    sheet.set_landscape()
    sheet.set_paper(9)
    sheet.set_margins(left=0.4, right=0.4, top=0.7, bottom=0.6)
    sheet.fit_to_pages(1, 0)
    sheet.repeat_rows(0)
    sheet.set_header(f"&L{plain}&R&A")
    pages = words.say("Page {page} of {pages}", page="&P", pages="&N")
    sheet.set_footer(f"&L{made}&R{pages}")
