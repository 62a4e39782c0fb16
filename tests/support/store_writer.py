"""A recorder in a process of its own: writes punches until it is killed, and says which ones were acknowledged."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from sites import sighting

from engine.workbench import Workbench


def main(workspace: Path, said: Path, start: int) -> None:
    """Write for ever."""
    bench = Workbench(workspace)
    number = 0
    with said.open("a") as handle:
        while True:
            row = bench.attendance.record(sighting(f"P{start}-{number}", number), {}, renew=False)
            number += 1
            assert row is not None
            handle.write(f"{row.event_id}\n")
            handle.flush()
            os.fsync(handle.fileno())


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]))
