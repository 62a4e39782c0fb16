"""Camera and start of recordings, from the command, a manifest, or the names of the files."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from engine.errors import InputError
from engine.storage import clean_text, read_rows

_STAMP = re.compile(
    r"(?<!\d)(?P<year>\d{4})[-_.]?(?P<month>\d{2})[-_.]?(?P<day>\d{2})(?P<t>[T _-])?(?P<hour>\d{2})[-_.:h]?(?P<minute>\d{2})"
    r"[-_.:m]?(?P<second>\d{2})(?:\.\d{1,6}(?=Z|[+-]\d{4}|$))?(?P<offset>Z|\+\d{2}:?\d{2}|-\d{2}:?(?:00|30|45))?(?!\d)"
)
_HINT = "give --start, or a --manifest with the columns file,camera,start"


@dataclass(frozen=True)
class Listed:
    """A recording to process: absolute path, name of the camera, and timezone-aware time of the first frame."""

    path: Path
    camera: str
    start: datetime


def moment_in(text: str, zone: ZoneInfo, what: str) -> datetime:
    """Parse an ISO 8601 time, by default in the workplace's zone; `what` names it in an error.

    Raises:
        InputError: the text is not a time, or because of a clock change the local time occurred twice or never.
    """
    try:
        time = datetime.fromisoformat(text.strip())
    except ValueError as error:
        raise InputError(f"{what}: {text!r} is not a time", hint="write it as 2026-11-22T08:55:00+01:00") from error
    if time.tzinfo is not None:
        return time
    early, late = time.replace(tzinfo=zone, fold=0), time.replace(tzinfo=zone, fold=1)
    if early.utcoffset() == late.utcoffset():
        return early
    often = "twice" if (early.utcoffset() or timedelta()) > (late.utcoffset() or timedelta()) else "never"
    offsets = " or ".join(sorted({f"{each:%z}" for each in (early, late)}))
    raise InputError(
        f"{what}: {time:%Y-%m-%d %H:%M:%S} came {often} in {zone.key}, the clocks were changed",
        hint=f"give the offset, too, such as {time:%Y-%m-%dT%H:%M:%S}{early:%z} ({offsets}), with --start or in a manifest",
    )


def start_in_name(path: Path, zone: ZoneInfo) -> datetime:
    """Return the first time in a file's name, such as `20261122-085500`, `2026-11-22_08-55-00` or `20261122T085500+0100`.

    A negative offset counts only after the `T` of ISO 8601; elsewhere it may be another number.

    Raises:
        InputError: the name contains no time; the time of the last change is never used instead.
    """
    for match in _STAMP.finditer(path.stem):
        part = match.groupdict()
        offset = part["offset"] or ""
        if offset.startswith("-") and part["t"] != "T":
            offset = ""
        text = "{year}-{month}-{day}T{hour}:{minute}:{second}".format(**part)
        try:
            datetime.fromisoformat(text + offset)
        except ValueError:
            continue
        return moment_in(text + offset, zone, str(path))
    raise InputError(f"{path}: its name does not tell when it began", hint=_HINT)


def listed(
    files: Sequence[Path], zone: ZoneInfo, *, camera: str | None, start: str | None, manifest: Path | None
) -> tuple[list[Listed], list[InputError]]:
    """Return recordings in the order of their starts, and the errors of the others.

    Args:
        files: default: those of the manifest.
        camera: of all files; default: from the manifest, or else the name of a file's folder.
        start: of the only file; default: from the manifest, or else from the file's name.
        manifest: CSV file with the columns `file`, `camera` and `start`; paths are relative to it, camera and start may be empty.

    Raises:
        InputError: there are no recordings, or the manifest is unusable.
    """
    told = _manifest(manifest) if manifest is not None else {}
    paths = [path.expanduser().absolute() for path in files] or list(told)
    if not paths:
        raise InputError("no recording is given", hint="name the files, or a --manifest")
    if start is not None and len(paths) > 1:
        raise InputError("--start is the time of one recording", hint="give several theirs in a --manifest")
    found, wrong = list[Listed](), list[InputError]()
    for path in paths:
        named, time = told.get(path) or told.get(path.resolve(), ("", ""))
        try:
            name = clean_text(camera or named or path.parent.resolve().name, what="camera's name", limit=64)
            given = start or time
            begin = moment_in(given, zone, str(path)) if given else start_in_name(path, zone)
        except InputError as error:
            wrong.append(error)
        else:
            found.append(Listed(path, name, begin))
    return sorted(found, key=lambda each: (each.start, each.camera, str(each.path))), wrong


def _manifest(path: Path) -> dict[Path, tuple[str, str]]:
    """Return camera and start of each file, as they are written."""
    if not path.is_file():
        raise InputError(f"{path}: no such manifest", hint="give a CSV file with the columns file,camera,start")
    rows = read_rows(path, by_hand=True)
    if rows and "file" not in rows[0]:
        raise InputError(f"{path} lacks the column file", hint="its first line must be file,camera,start")
    told: dict[Path, tuple[str, str]] = {}
    for row in rows:
        file, camera, start = ((row.get(column) or "").strip() for column in ("file", "camera", "start"))
        if file:
            told[path.absolute().parent / Path(file).expanduser()] = camera, start
    return told
