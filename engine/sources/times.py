"""When a recording or a picture was taken, as its name says. A name that may be read in two ways is not read at all."""

from __future__ import annotations

import contextlib
import re
from datetime import datetime, timedelta, timezone
from pathlib import Path
from zoneinfo import ZoneInfo

from PIL import ExifTags, Image

from engine.errors import InputError

_MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
_GERMAN = {"mär": 3, "mrz": 3, "mai": 5, "okt": 10, "dez": 12}
_NAME = "|".join([*_MONTHS, *_GERMAN])
_YEAR = r"(?:19|20)\d{2}"
_DATE = rf"""(?:
    (?P<y1>{_YEAR})(?P<s1>[-_.]?)(?P<m1>\d{{2}})(?P=s1)(?P<d1>\d{{2}})
  | (?P<a>\d{{1,2}})(?P<s2>[-_.])(?P<b>\d{{1,2}})(?P=s2)(?P<y2>{_YEAR})
  | (?P<d3>\d{{1,2}})[-_.\s]*(?P<n3>{_NAME})[^\W\d_]*[-_.\s]*(?P<y3>{_YEAR})
  | (?P<n4>{_NAME})[^\W\d_]*[-_.\s]*(?P<d4>\d{{1,2}})[-_.,\s]+(?P<y4>{_YEAR})
)"""
_TIME = r"""(?:
    (?P<h1>\d{2})(?P<s5>[-_.:]?)(?P<i1>\d{2})(?P=s5)(?P<c1>\d{2})
  | (?P<h2>\d{1,2})(?P<s6>[-_.:])(?P<i2>\d{2})(?P=s6)(?P<c2>\d{2})
  | (?P<h3>\d{1,2})h(?P<i3>\d{2})m?(?P<c3>\d{2})s?
)"""
_STAMP = re.compile(
    rf"""(?<!\d){_DATE}(?P<t>[T.]|[-_,\s]{{0,3}}(?:at[-_\s])?){_TIME}(?!\d)
    (?:\.\d{{1,6}}(?=Z|[+-]\d{{4}}|\s*[ap]\.?m|$))?
    (?:[-_.\s]*(?P<half>[ap])\.?m\b\.?)?
    (?P<zone>Z(?![^\W\d_])|[+-]\d{{2}}:?\d{{2}}(?!\d)|[-_\s]*(?:utc|gmt)(?:[+-]\d{{1,2}}(?::?\d{{2}})?)?(?![^\W_]))?
    (?:[-_\s]*(?-i:(?P<called>[A-Z]{{2,5}}))(?![^\W_]))?""",
    re.VERBOSE | re.IGNORECASE,
)
_CALLED = re.compile(
    "CET|CEST|MEZ|MESZ|WET|WEST|EET|EEST|MSK|BST|IST|SAST|SGT|HKT|JST|KST"
    "|EST|EDT|CST|CDT|MST|MDT|PST|PDT|AKST|HST|AST|ADT|BRT|AEST|AEDT|NZST|NZDT"
)
_SAME = {"MEZ": "CET", "MESZ": "CEST"}
_LONGEST = timedelta(days=1)
_HINT = "give --start, or a --manifest with the columns file,camera,start"


class _Doubt(ValueError):
    """Why a time in a name cannot be taken."""


def start_in_name(path: Path, zone: ZoneInfo) -> datetime:
    """Return the time in a file's name, timezone-aware.

    Read are dates that begin with the year, such as `20261122-085500` or `2026-11-22_08-55-00`, those that begin with the day or the
    month if only one of both is possible, names of months, 12-hour times with AM or PM, and offsets such as `Z`, `+0100` or `UTC+1`.
    A negative offset counts only after the `T` of ISO 8601; elsewhere it may be another number. Of two times, the first one counts if
    the second may be the recording's end.

    Raises:
        InputError: the name contains no time, or one that may be read in two ways; the time of the last change is never used instead.
    """
    name = path.name if path.suffix[1:].isdecimal() else path.stem
    try:
        found = [_moment(match, zone) for match in _STAMP.finditer(name)]
        if not found:
            raise _Doubt("")
        if len(found) > 1 and not found[0] <= found[1] <= found[0] + _LONGEST:
            raise _Doubt("it has two times")
    except _Doubt as error:
        why = f": {error}" if str(error) else ""
        raise InputError(f"{path}: its name does not tell when it began{why}", hint=_HINT) from None
    return placed(found[0], zone, str(path)) if found[0].tzinfo is None else found[0]


def taken_at(path: Path, zone: ZoneInfo) -> datetime | None:
    """Return when a picture was taken, as its name or its EXIF says, timezone-aware; None: neither says so for certain."""
    with contextlib.suppress(InputError):
        return start_in_name(path, zone)
    with contextlib.suppress(OSError, ValueError, KeyError, SyntaxError, InputError, Image.DecompressionBombError):
        with Image.open(path) as picture:
            told = picture.getexif().get_ifd(ExifTags.IFD.Exif)
        time = datetime.strptime(str(told[ExifTags.Base.DateTimeOriginal]).strip("\0 "), "%Y:%m:%d %H:%M:%S")  # noqa: DTZ007 - the zone follows
        offset = _offset(str(told.get(ExifTags.Base.OffsetTimeOriginal, "")).strip("\0 "), iso=True)
        return placed(time, zone, str(path)) if offset is None else time.replace(tzinfo=timezone(offset))
    return None


def placed(time: datetime, zone: ZoneInfo, what: str) -> datetime:
    """Return a local time with its zone; `what` names it in an error.

    Raises:
        InputError: because of a clock change, the local time occurred twice or never.
    """
    early, late = time.replace(tzinfo=zone, fold=0), time.replace(tzinfo=zone, fold=1)
    if early.utcoffset() == late.utcoffset():
        return early
    often = "twice" if (early.utcoffset() or timedelta()) > (late.utcoffset() or timedelta()) else "never"
    offsets = " or ".join(sorted({f"{each:%z}" for each in (early, late)}))
    raise InputError(
        f"{what}: {time:%Y-%m-%d %H:%M:%S} came {often} in {zone.key}, the clocks were changed",
        hint=f"give the offset, too, such as {time:%Y-%m-%dT%H:%M:%S}{early:%z} ({offsets}), with --start or in a manifest",
    )


def _moment(match: re.Match[str], zone: ZoneInfo) -> datetime:
    """The time that a match means; without a zone if the name has none.

    Raises:
        _Doubt: there is none, or there are several.
    """
    part = match.groupdict()
    year, month, day = _date(part)
    hour, minute, second = (int(next(filter(None, (part[f"{key}{n}"] for n in "123")))) for key in "hic")
    if part["half"]:
        if not 1 <= hour <= 12:
            raise _Doubt(f"{hour} {part['half'].upper()}M is no time")
        hour = hour % 12 + (12 if part["half"].lower() == "p" else 0)
    elif part["h2"] and len(part["h2"]) < 2:
        raise _Doubt("the hour has one digit, and neither AM nor PM")
    try:
        time = datetime(year, month, day, hour, minute, second)  # noqa: DTZ001 - the zone follows
    except ValueError as error:
        raise _Doubt(f"{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02} is no time") from error
    offset = _offset(part["zone"] or "", iso=(part["t"] or "").upper() == "T")
    if offset is not None:
        return time.replace(tzinfo=timezone(offset))
    called = part["called"] or ""
    if _CALLED.fullmatch(called) and _SAME.get(called, called) != placed(time, zone, match[0]).tzname():
        raise _Doubt(f"{called} is not the workplace's zone then")
    return time


def _date(part: dict[str, str | None]) -> tuple[int, int, int]:
    if part["y1"]:
        return int(part["y1"]), int(part["m1"] or 0), int(part["d1"] or 0)
    for number in "34":
        if (told := part[f"y{number}"]) is not None:
            name = (part[f"n{number}"] or "").lower()
            return int(told), _GERMAN.get(name) or _MONTHS.index(name) + 1, int(part[f"d{number}"] or 0)
    first, second, year = int(part["a"] or 0), int(part["b"] or 0), int(part["y2"] or 0)
    if first > 12 or first == second or part["s2"] == ".":  # dots divide dates that begin with the day
        return year, second, first
    if second > 12:
        return year, first, second
    raise _Doubt(f"{first}-{second}-{year} may begin with the day or the month")


def _offset(text: str, *, iso: bool) -> timedelta | None:
    """An offset from UTC; None: there is none, or it may be another number."""
    name = text.strip("-_ \t").upper()
    if name in {"Z", "UTC", "GMT"}:
        return timedelta()
    named = name.startswith(("UTC", "GMT"))
    found = re.fullmatch(r"([+-])(\d{1,2}):?(\d{2})?", name[3:] if named else text)
    if found is None or (found[1] == "-" and not (iso or named)):
        return None
    hours, minutes = int(found[2]), int(found[3] or 0)
    if hours > 14 or minutes not in {0, 30, 45}:
        return None
    return (1 if found[1] == "+" else -1) * timedelta(hours=hours, minutes=minutes)
