"""The parameters of a request, checked, and the cursor of its next page."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from itsdangerous import BadData, URLSafeSerializer

from app.web.rest.answers import Refused
from engine.errors import InputError
from engine.storage import clean_text

LONGEST_DAYS = 92
"""Days of one request."""
MOST_ROWS, USUAL_ROWS = 1000, 500
"""Rows of a page."""
_LONGEST_TEXT, _LONGEST_CURSOR = 200, 2000
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_YEARS = range(1970, 9000)

_TEXT = {"type": "string", "minLength": 1, "maxLength": _LONGEST_TEXT}
_DATE = {"type": "string", "format": "date"}


@dataclass(frozen=True)
class Parameter:
    """A parameter of the address, as the description tells it."""

    name: str
    schema: Mapping[str, Any]
    meaning: str
    required: bool = False


FROM = Parameter("from", _DATE, "First day, YYYY-MM-DD.", required=True)
UNTIL = Parameter("until", _DATE, f"Last day, included; at most {LONGEST_DAYS} days.", required=True)
ON = Parameter("on", _DATE, "Day for which department and employment are told; default: today.")
DEPARTMENT = Parameter("department", _TEXT, "Only this department, as it held on each day.")
PERSON = Parameter("person", _TEXT, "Only this employee id.")
COMMON = (
    Parameter(
        "limit",
        {"type": "integer", "minimum": 1, "maximum": MOST_ROWS, "default": USUAL_ROWS},
        "Most rows of an answer.",
    ),
    Parameter(
        "cursor",
        {"type": "string", "maxLength": _LONGEST_CURSOR},
        "`next_cursor` of the page before; for this query only.",
    ),
    Parameter("site", _TEXT, "Name of the site; default: the one that the server was started on."),
)

Key = tuple[str, str]
"""Where a row stands: rows are in the order of their keys."""


@dataclass(frozen=True)
class Query:
    """What a request asks for.

    Attributes:
        days: by parameter.
        department, person: empty: all.
        after: the last row of the page before; None: the first page.
        told: the parameters that choose the rows, as a text.
    """

    days: Mapping[str, date]
    department: str = ""
    person: str = ""
    limit: int = USUAL_ROWS
    after: Key | None = None
    told: str = field(default="", compare=False)

    @property
    def first(self) -> date:
        """First day."""
        return self.days["from"]

    @property
    def last(self) -> date:
        """Last day, included."""
        return self.days["until"]


def wrong(detail: str, hint: str) -> Refused:
    """A refusal of a parameter."""
    return Refused(400, "bad_parameter", detail, hint)


def parse(given: Sequence[tuple[str, str]], known: Sequence[Parameter], cursors: Cursors) -> Query:
    """Check the parameters of a request.

    Args:
        given: as they stand in the address, in order.
        known: those of the route.
        cursors: of the token and route.

    Raises:
        Refused: one of them cannot be used.
    """
    names = [parameter.name for parameter in known]
    values: dict[str, str] = {}
    for name, value in given:
        if name not in names:
            raise wrong(f"there is no parameter {_shown(name)}", f"use {', '.join(names)}")
        if name in values:
            raise wrong(f"{name} is given twice", "give it once")
        values[name] = value
    days: dict[str, date] = {name: _day(name, values[name]) for name in ("from", "until", "on") if name in values}
    for parameter in known:
        if parameter.required and parameter.name not in values:
            raise wrong(f"{parameter.name} is missing", f"give {parameter.name}=2026-10-01")
    if "until" in days:
        _check_range(days["from"], days["until"])
    texts = {name: _text(name, values[name]) for name in ("department", "person") if name in values}
    told = " ".join(
        [*(f"{name}={day}" for name, day in days.items()), *(f"{name}={text}" for name, text in texts.items())]
    )
    after = cursors.read(values["cursor"], told) if "cursor" in values else None
    return Query(days, **texts, limit=_limit(values.get("limit", str(USUAL_ROWS))), after=after, told=told)


def _shown(text: str) -> str:
    """What somebody sent, short and in quotes."""
    return repr(text if len(text) <= 40 else f"{text[:39]}…")


def _day(name: str, text: str) -> date:
    try:
        if not _DAY.fullmatch(text):  # fromisoformat takes weeks and digits of other scripts, too
            raise ValueError(text)
        day = date.fromisoformat(text)
    except ValueError as error:
        raise wrong(f"{name}={_shown(text)} is not a day", f"write {name}=2026-10-01") from error
    if day.year not in _YEARS:
        raise wrong(f"{name}={day} is too far from today", f"write {name}=2026-10-01")
    return day


def _text(name: str, text: str) -> str:
    try:
        if text.isprintable():
            return clean_text(text, what=name, limit=_LONGEST_TEXT)
    except InputError as error:
        raise wrong(error.message, error.hint) from error
    raise wrong(f"{name} has characters that cannot be seen", "leave them out")


def _check_range(first: date, last: date) -> None:
    if last < first:
        raise wrong(f"until={last} is before from={first}", "exchange the days")
    if (days := (last - first).days + 1) > LONGEST_DAYS:
        raise Refused(
            400, "range_too_long", f"{days} days are more than {LONGEST_DAYS}", "ask for a month or a quarter at a time"
        )


def _limit(text: str) -> int:
    limit = int(text) if re.fullmatch(r"[0-9]{1,4}", text) else 0
    if not 1 <= limit <= MOST_ROWS:
        raise wrong(f"limit={_shown(text)} is not a number of rows", f"give a number from 1 to {MOST_ROWS}")
    return limit


class Cursors:
    """Signs where a page ended, for one token and route; a cursor is good for the same query alone."""

    def __init__(self, secret: str, token_id: str, route: str) -> None:
        self._secret, self._owner = secret, f"{token_id} {route}"

    def _signer(self, told: str) -> URLSafeSerializer:
        return URLSafeSerializer(self._secret, salt=f"{self._owner} {told}")

    def write(self, key: Key, told: str) -> str:
        """The cursor after a row; `told`: the query."""
        return str(self._signer(told).dumps(key))

    def read(self, text: str, told: str) -> Key:
        """Where the page before ended.

        Raises:
            Refused: this is no cursor of this token, route and query.
        """
        try:
            if len(text) > _LONGEST_CURSOR:
                raise BadData("too long")
            first, second = self._signer(told).loads(text)
        except (BadData, ValueError, TypeError) as error:
            raise Refused(
                400,
                "bad_cursor",
                "this cursor is not of this token and query",
                "send next_cursor with the same parameters, or begin without a cursor",
            ) from error
        return str(first), str(second)
