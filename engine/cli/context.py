"""Options and helpers that commands share."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

import typer

from engine.errors import InputError

__all__ = ["Author", "Json", "Workspace", "moment"]

Workspace = Annotated[
    Path, typer.Option("--workspace", envvar="MUSTER_WORKSPACE", help="Folder with people, gallery, logs and pictures.")
]
Author = Annotated[str, typer.Option(envvar="MUSTER_AUTHOR", help="Who does this, for the logs.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def moment(text: str | None, zone: ZoneInfo) -> datetime | None:
    """An ISO 8601 time; without an offset it is the workplace's local time.

    Raises:
        InputError: it is not one.
    """
    if text is None:
        return None
    try:
        time = datetime.fromisoformat(text)
    except ValueError as error:
        raise InputError(f"{text!r} is not a time", hint="write it as 2026-11-22T08:55:00+01:00") from error
    return time if time.tzinfo else time.replace(tzinfo=zone)
