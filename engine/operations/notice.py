"""`python -m engine.operations.notice WORKSPACE PART REASON`: writes the incident that a part of `muster serve` ended by itself.

A process of its own, because the supervisor must not carry what this takes.
"""

from __future__ import annotations

import sys
from pathlib import Path

from engine.errors import MusterError
from engine.masking import mask_process
from engine.operations.logs import begin_logs
from engine.types import Event, EventKind, Severity
from engine.workbench import Workbench


def tell(bench: Workbench, part: str, why: str) -> None:
    """Write the incident, and queue messages for those who want to know.

    Raises:
        StorageError: it cannot be written.
    """
    event = Event(EventKind.PART_LOST, bench.clock(), "", (), detail=f"{part}: {why}", severity=Severity.MEDIUM)
    if (row := bench.incidents.record(event, {})) is not None:
        bench.outbox.submit(row)


if __name__ == "__main__":
    begin_logs()
    mask_process()
    folder, name, reason = sys.argv[1:4]
    try:
        tell(Workbench(Path(folder)), name, reason)
    except MusterError as error:
        print(f"muster: {error}", file=sys.stderr)  # noqa: T201
        sys.exit(error.exit_code)
