"""The sample workspace: the demonstration's real faces, and three weeks of made-up punches before it."""

from __future__ import annotations

import os
import shutil
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from engine.demo.minute import minute
from engine.demo.run import run_demo
from engine.demo.sample_days import fill
from engine.errors import InputError
from engine.models import fetch_samples
from engine.storage import atomic_write, locked, storage_errors
from engine.storage.logs import give_witnesses
from engine.types import Progress
from engine.workbench import Workbench

__all__ = ["SAMPLE_CAMERA", "SETTINGS", "fill", "prepare_sample", "seed_sample"]

SAMPLE_CAMERA = "entrance"
SETTINGS = """# settings of the sample workspace: its people and punches are made up
sample = true
organisation = "Sample workspace"
timezone = "{timezone}"

[shifts.office]
start = 09:00:00
end = 17:30:00
grace_min = 5
break_min = 30

[shifts.early]
start = 06:00:00
end = 14:30:00
grace_min = 5
break_min = 30
departments = ["Production"]

[cameras.{camera}]
direction = "both"
source = "demo/entrance.mp4"    # the rendered video, as if it were a camera
"""

_WEEKS, _PEOPLE = 3, 24


def prepare_sample(workspace: Path, timezone: str = "UTC") -> None:
    """Write the settings of a sample workspace, before it is opened."""
    atomic_write(workspace / "muster.toml", SETTINGS.format(timezone=timezone, camera=SAMPLE_CAMERA).encode())


def seed_sample(workspace: Path, progress: Progress) -> bool:
    """Make the sample workspace unless it exists: the demo with its real faces, and three weeks of made-up punches before it.

    It is made in another folder and then moved, so that an interrupted attempt starts again.

    Returns:
        True: it was made now.

    Raises:
        InputError: the folder holds something else.
        ModelUnavailable: networks or sample photos cannot be fetched.
        StorageError: it cannot be written.
    """
    with storage_errors(workspace):
        if workspace.exists() and (not workspace.is_dir() or any(workspace.iterdir())):
            if workspace.is_dir() and (workspace / "muster.toml").is_file() and Workbench(workspace).config.sample:
                return False
            raise InputError(
                f"{workspace} holds something that is not a sample workspace", hint="give an empty or new folder"
            )
    making = workspace.with_name(f".{workspace.name}.making")
    with locked(making), storage_errors(making):
        if workspace.is_dir() and any(workspace.iterdir()):
            return False  # somebody else made it meanwhile
        shutil.rmtree(making, ignore_errors=True)
        prepare_sample(making, _local_zone())
        _seed(Workbench(making, progress=progress), progress)
        if workspace.is_dir():
            workspace.rmdir()
        making.replace(workspace)
        give_witnesses(workspace)
    return True


def _seed(bench: Workbench, progress: Progress) -> None:
    now = bench.clock().astimezone(bench.config.zone)
    start = min(now - timedelta(minutes=2), now.replace(hour=8, minute=55, second=0, microsecond=0))
    run_demo(bench, fetch_samples(progress), minute(start, bench.attendance.day_of(start)), progress)
    progress("making up three weeks of punches", 0, 1)
    days = 5 * _WEEKS + (now.weekday() < 5)  # today besides
    since = (now - timedelta(weeks=_WEEKS + 1)).isoformat(timespec="seconds")
    enrolled = [replace(person, enrolled_at=since) for person in bench.people.all().values()]
    bench.people.put_all(enrolled)
    fill(bench, _PEOPLE, days, now.date(), also={person.employee_id for person in enrolled})
    progress("making up three weeks of punches", 1, 1)


def _local_zone() -> str:
    """The machine's zone if its name is known, else UTC, so that sample times look right."""
    name = os.environ.get("TZ") or str(Path("/etc/localtime").resolve()).partition("zoneinfo/")[2]
    try:
        return ZoneInfo(name).key
    except (ValueError, OSError, ZoneInfoNotFoundError):
        return "UTC"
