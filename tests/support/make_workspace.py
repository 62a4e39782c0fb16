"""Make `tests/data/workspace-1.backup`: a small workspace in today's format with its keys, as `muster backup` writes it.

    PYTHONPATH=.:tests/support python tests/support/make_workspace.py

Run it only when the format changes on purpose, under a new number: the file is there so that later versions go on opening this one. Its
people are invented and its pictures grey.
"""

from __future__ import annotations

import os
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from paperwork import Clock, enrol, face, picture, punch, stranger, tailgating

from engine.operations.backup import backup
from engine.workbench import Workbench

TARGET = Path(__file__).parents[1] / "data" / "workspace-1.backup"
SECRET = b"no secret: the passphrase of a fixture"
SETTINGS = "timezone = 'Europe/Berlin'\n[matching]\nthreshold = 0.5\n[attendance]\nfour_eyes = false\n"


def at(day: int, hour: int) -> datetime:
    """A moment of November 2026."""
    return datetime(2026, 11, day, hour, tzinfo=UTC)


def fill(workspace: Path) -> None:
    """Two days of two people, a stranger, a tailgater, a correction and a closed day."""
    workspace.mkdir()
    (workspace / "muster.toml").write_text(SETTINGS)
    clock = Clock(at(24, 18))
    bench = Workbench(workspace, clock=clock)
    for number, name in ((1, "Ada Example"), (2, "Ben Example")):
        enrol(bench, f"E{number}", name, face(number == 1, number == 2))
    for day in (23, 24):
        for who, begin, end in (("E1", 8, 16), ("E2", 9, 17)):
            punch(bench, who, at(day, begin), track=f"in-{day}-{who}")
            punch(bench, who, at(day, end), track=f"out-{day}-{who}")
    stranger(bench, face(0, 0, 1), at(24, 10), track="run-1", image=picture(90))
    tailgating(bench, at(24, 9), ["E1", "E2"], pictures={"image": picture(60), "clean_image": picture(70)})
    bench.office.correct("E2", at(23, 0).date(), "status", author="ann", reason="at the fair", value="excused")
    bench.records.note("look", "E1", "", author="ann")
    clock.now = at(26, 8)
    bench.records.close(clock(), bench.people.known())


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        os.environ["MUSTER_KEYS"] = str(Path(folder) / "keys")
        fill(Path(folder) / "workspace")
        TARGET.unlink(missing_ok=True)
        backup(Path(folder) / "workspace", TARGET, SECRET)
    print(TARGET, TARGET.stat().st_size, "bytes")
