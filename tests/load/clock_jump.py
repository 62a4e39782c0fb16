# ruff: noqa: E402 - run as a script, it must find its neighbours first
"""Start the workbench and a site under a clock that is three years ahead, then three years behind, and count what is left of the evidence.

    python tests/load/clock_jump.py

A library that a C compiler makes, and that LD_PRELOAD puts before the system's, shifts the clock of the day for each process; time that
passes is as it is. Nothing may be erased or put into quarantine by one start, no row may change, and the doubt must be told. Prints one
line of JSON for each start; exit code 1 when something is amiss.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
import time
import urllib.request
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parents[1] / "support"), str(Path(__file__).parents[2])]

from browser import free_port
from paperwork import enrol, face, picture, stranger
from sites import sighting

from engine.attendance.evidence import record_shown
from engine.workbench import Workbench

YEAR_S = 365 * 24 * 3600
_UPKEEP_S = 15.0
_SHIM = r"""
#define _GNU_SOURCE
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static long shift(void) { const char *text = getenv("CLOCK_SHIFT_S"); return text ? atol(text) : 0; }
int clock_gettime(clockid_t which, struct timespec *now) {
    int done = syscall(SYS_clock_gettime, which, now);
    if (!done && which == CLOCK_REALTIME) now->tv_sec += shift();
    return done;
}
int gettimeofday(struct timeval *restrict now, void *restrict zone) {
    struct timespec exact;
    clock_gettime(CLOCK_REALTIME, &exact);
    now->tv_sec = exact.tv_sec;
    now->tv_usec = exact.tv_nsec / 1000;
    return 0;
}
time_t time(time_t *told) {
    struct timespec exact;
    clock_gettime(CLOCK_REALTIME, &exact);
    if (told) *told = exact.tv_sec;
    return exact.tv_sec;
}
"""


def fill(workspace: Path) -> None:
    """Twenty pictures of two days ago."""
    workspace.mkdir()
    (workspace / "muster.toml").write_text("timezone = 'UTC'\n")
    bench, now = Workbench(workspace), datetime.now(UTC)
    enrol(bench, "E1", "Ann Lee", face(1))
    for number in range(10):
        passage = replace(sighting("E1", track=f"t{number}"), time=now - timedelta(days=2, hours=number))
        record_shown(bench.attendance, passage, bench.people.known, picture(20 * number))
        when = now - timedelta(days=2, minutes=number)
        stranger(bench, face(number + 2), when, track=f"s{number}", image=picture(100 + number))
    bench.accounts.add("root", "admin", "a long password of hers")


def held(workspace: Path) -> dict[str, bytes]:
    """Pictures, and logs of what was seen, by path."""
    paths = [
        *workspace.glob("images/*/*.jpg"),
        *workspace.glob("log/attendance-*.csv"),
        *workspace.glob("log/inc*.csv"),
    ]
    return {str(path.relative_to(workspace)): path.read_bytes() for path in paths}


def start(command: str, workspace: Path, shift_s: int, library: Path, told: Path) -> bool:
    """Run a command until it answers and had time for its upkeep; whether it answered."""
    port = free_port()
    environment = {**os.environ, "LD_PRELOAD": str(library), "CLOCK_SHIFT_S": str(shift_s)}
    line = [sys.executable, "-c", "from engine.cli import main; main()", command, "--port", str(port), "--workspace"]
    with told.open("wb") as out:
        process = subprocess.Popen([*line, str(workspace)], env=environment, stdout=out, stderr=out)
    answered_at = 0.0
    try:
        end = time.monotonic() + 60
        while time.monotonic() < (answered_at + _UPKEEP_S if answered_at else end):
            time.sleep(0.3)
            if "nothing is erased" in told.read_text(errors="replace") and answered_at:
                break
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=5):
                    answered_at = answered_at or time.monotonic()
            except OSError:
                pass
    finally:
        process.terminate()
        process.wait(60)
    return answered_at > 0


def main() -> int:
    """Run it and say what was seen."""
    wrong = False
    with tempfile.TemporaryDirectory(prefix="muster-clock-") as name:
        folder = Path(name)
        os.environ["MUSTER_KEYS"] = str(folder / "keys")
        os.environ["PYTHONPATH"] = str(Path(__file__).parents[2])
        (folder / "shim.c").write_text(_SHIM)
        library, workspace = folder / "shim.so", folder / "w"
        subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-o", library, folder / "shim.c"], check=True)
        fill(workspace)
        before = held(workspace)
        for years in (3, -3):
            for command in ("app", "serve"):
                out = folder / f"{command}{years}.out"
                answered = start(command, workspace, years * YEAR_S, library, out)
                after = held(workspace)
                seen = {
                    "years": years,
                    "command": command,
                    "pictures": sum(path.startswith("images") for path in after),
                    "gone or changed": sorted(path for path in before if after.get(path) != before[path]),
                    "answered": answered,
                    "tracebacks": len(re.findall("Traceback", out.read_text(errors="replace"))),
                }
                print(json.dumps(seen), flush=True)
                if seen["gone or changed"] or seen["tracebacks"] or not answered:
                    wrong = True
                    print(out.read_text(errors="replace")[-2000:], file=sys.stderr)
        bench = Workbench(workspace)
        findings = [each.detail for each in bench.records.verify() if not each.harmless]
        doubts = [row.detail for row in bench.audit.read() if row.action == "clock"]
        print(json.dumps({"findings": findings, "doubts in the audit log": doubts}))
    return int(wrong or bool(findings) or not doubts)


if __name__ == "__main__":
    sys.exit(main())
