"""A synthetic recorder: punches, incidents and coverage at a steady rate, each noted once it is acknowledged."""

from __future__ import annotations

import os
import sys
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sites import sighting

from engine.attendance import Span
from engine.errors import StorageError
from engine.types import Event, EventKind, Severity
from engine.workbench import Workbench


def main(workspace: Path, said: Path, run: str, per_s: float) -> None:
    """Write until killed; SIGTERM ends it when the spool is empty."""
    bench = Workbench(workspace)
    camera, number, began = workspace.name, 0, time.monotonic()
    coverage = bench.attendance.plan.coverage
    assert coverage is not None
    with said.open("a") as handle:
        while not (workspace / "stop").exists():
            now = datetime.now(UTC)
            try:
                row = bench.attendance.record(
                    replace(sighting(f"{camera}-{run}-{number}", camera=camera), time=now), {}, renew=False
                )
                rows = [("attendance", row.event_id)] if row else []
                if number % 5 == 0:
                    event = Event(
                        EventKind.UNKNOWN, now, camera, unknown_ids=(f"unknown-{number}",), severity=Severity.HIGH
                    )
                    told = bench.incidents.record(event, {})
                    rows += [("incidents", told.incident_id)] if told else []
                if number % 20 == 0:
                    coverage.record(Span(camera, now - timedelta(seconds=5), now))
            except StorageError as error:
                print(f"{camera}: {error}", flush=True)  # a recorder tries again; nothing was acknowledged
                time.sleep(1)
                continue
            handle.writelines(f"{log},{key}\n" for log, key in rows)
            handle.flush()
            os.fsync(handle.fileno())
            number += 1
            time.sleep(max(0.0, began + number / per_s - time.monotonic()))
    while bench.store.backlog().rows:  # type: ignore[union-attr]
        time.sleep(0.1)
    bench.store.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3], float(sys.argv[4]))
