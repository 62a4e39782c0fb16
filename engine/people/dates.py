"""Days as people and spreadsheets write them; where day and month may be exchanged, the whole column decides."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date, datetime, timedelta
from typing import Literal

from engine.words import Phrase, phrase

DateOrder = Literal["dmy", "mdy"]
ORDERS: dict[DateOrder, str] = {"dmy": phrase("day/month/year"), "mdy": phrase("month/day/year")}

_CLOCK = re.compile(
    r"[T ]+(\d{1,2}):(\d{2})(?::(\d{2})(?:\.\d+)?)?\s*(?:[AaPp]\.?[Mm]\.?)?\s*(?:Z|UTC|[+-]\d{2}:?\d{2})?$"
)
_NUMBERS = re.compile(r"(\d{1,2})([./-])\s?(\d{1,2})[./-]\s?(\d{4}|\d{2})")
_YEAR_FIRST = re.compile(r"(\d{4})[./-](\d{1,2})[./-](\d{1,2})")
_SERIAL = re.compile(r"\d{5}(?:[.,]\d+)?")
_WEEKDAY = re.compile(r"^[^\W\d]{2,10}[.,]+\s+(?=\d)|^(?:mon|tue|wed|thu|fri|sat|sun)[a-z]*\s+(?=\d)", re.IGNORECASE)
_DAY_NAME = re.compile(r"(\d{1,2})(?:st|nd|rd|th)?[.\s-]+([^\W\d]{3,10})[.,]?[\s-]+(\d{4}|\d{2})")
_NAME_DAY = re.compile(r"([^\W\d]{3,10})\.?\s+(\d{1,2})(?:st|nd|rd|th)?,?\s+(\d{4})")
_MONTH_NAMES = "jan|jän feb mar|mär|mrz apr may|mai jun jul aug sep oct|okt nov dec|dez"
_MONTHS = {name: number for number, names in enumerate(_MONTH_NAMES.split(), 1) for name in names.split("|")}
_EXCEL_ZERO = date(1899, 12, 30)
_SERIALS = range(25_569, 73_051)  # 1970 to 2099


class NotADay(Exception):
    """A text is not a day; `reason` says why and how to write it."""

    def __init__(self, reason: Phrase) -> None:
        super().__init__(reason)
        self.reason = reason


def infer_order(texts: Iterable[str], spans: Iterable[tuple[str, str]] = ()) -> DateOrder | None:
    """Return the order of day and month in which every text of a column is a day; None: both orders fit, or neither does.

    Args:
        texts: of all columns with days.
        spans: first and last day of each row; an order in which a span ends before it begins does not fit, unless it is wrong in
            any order: one broken row must not make every day of the file uncertain.
    """
    written = [text for text in texts if _is_numeric(text) and any(_is_day(text, order) for order in ORDERS)]
    if not written:
        return None

    def is_span(span: tuple[str, str], order: DateOrder) -> bool:
        first, last = span
        return _is_day(first, order) and _is_day(last, order) and read_day(first, order) <= read_day(last, order)

    sound = [span for span in spans if any(is_span(span, order) for order in ORDERS)]

    def fits(order: DateOrder) -> bool:
        return all(_is_day(text, order) for text in written) and all(is_span(span, order) for span in sound)

    fitting = [order for order in ORDERS if fits(order)]
    return fitting[0] if len(fitting) == 1 else None


def needs_order(texts: Iterable[str]) -> bool:
    """Whether a column holds a day that is another day in the other order."""
    for text in texts:
        if match := _numeric(text):
            first, second = int(match[1]), int(match[3])
            if match[2] != "." and first <= 12 and second <= 12 and first != second:
                return True
    return False


def _numeric(text: str) -> re.Match[str] | None:
    return _NUMBERS.fullmatch(_CLOCK.sub("", text.strip()).strip())


def _is_numeric(text: str) -> bool:
    match = _numeric(text)
    return match is not None and match[2] != "."


def _is_day(text: str, order: DateOrder) -> bool:
    try:
        read_day(text, order)
    except NotADay:
        return False
    return True


def has_time(text: str) -> bool:
    """Whether a day is written with a time of day other than midnight."""
    match = _CLOCK.search(text.strip())
    return match is not None and (match[1], match[2], match[3] or "00") not in {("00", "00", "00"), ("0", "00", "00")}


def read_day(text: str, order: DateOrder | None) -> date:
    """Return the day that a cell says: ISO 8601, with dots, slashes or dashes, with the month's name, or a spreadsheet's number.

    Args:
        order: of days with slashes or dashes; days with dots are always day, month, year.

    Raises:
        NotADay: it is none, or it may be two.
    """
    bare = _CLOCK.sub("", text.strip()).strip()
    bare = _WEEKDAY.sub("", bare)
    try:
        found = _named(bare) or _numbered(bare, order)
    except (ValueError, OverflowError):
        found = None
    if found is None:
        raise NotADay(phrase("{text!r} is not a day: write it as 2026-11-22", text=text))
    return found


def _named(text: str) -> date | None:
    """A day in which the year comes first or the month has a name, or a number of a spreadsheet."""
    if re.fullmatch(r"\d{8}", text):
        return datetime.strptime(text, "%Y%m%d").date()  # noqa: DTZ007 - a day has no zone
    if match := _YEAR_FIRST.fullmatch(text):
        return date(int(match[1]), int(match[2]), int(match[3]))
    if _SERIAL.fullmatch(text) and (days := int(re.split("[.,]", text)[0])) in _SERIALS:
        return _EXCEL_ZERO + timedelta(days=days)
    if match := _DAY_NAME.fullmatch(text):
        day, name, year = match[1], match[2], match[3]
    elif match := _NAME_DAY.fullmatch(text):
        name, day, year = match[1], match[2], match[3]
    else:
        return None
    month = _MONTHS.get(name[:3].casefold())
    return date(_year(year), month, int(day)) if month else None


def _numbered(text: str, order: DateOrder | None) -> date | None:
    match = _NUMBERS.fullmatch(text)
    if match is None:
        return None
    first, second, year = int(match[1]), int(match[3]), _year(match[4])
    if match[2] == "." or order == "dmy":
        return date(year, second, first)
    if order == "mdy":
        return date(year, first, second)
    if first == second:
        return date(year, first, second)
    if first > 12:
        return date(year, second, first)
    if second > 12:
        return date(year, first, second)
    one, other = date(year, second, first), date(year, first, second)
    raise NotADay(
        phrase("{text!r} may be {one} or {other}: say the date order, dmy or mdy", text=text, one=one, other=other)
    )


def _year(text: str) -> int:
    return int(text) if len(text) == 4 else 2000 + int(text)
