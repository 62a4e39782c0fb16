"""Camera and start of recordings, from the command, a manifest, or the names of the files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from engine.errors import InputError
from engine.sources.times import placed, start_in_name
from engine.storage import clean_text, read_rows


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
    return placed(time, zone, what)


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
