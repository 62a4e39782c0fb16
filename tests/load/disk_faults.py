# ruff: noqa: E402 - run as a script, it must find its neighbours first
"""Make the disk fail under a recorder and an office, and count what became of their rows.

    python tests/load/disk_faults.py --seconds 120

A recorder writes punches and incidents with pictures through the writer of the product; an office corrects days. Again and again
their folder becomes read-only (remounted; needs root), full (remounted smaller), or gives input/output errors: for each write, in
the middle of a write, or for fsync alone (a library that a C compiler makes and LD_PRELOAD puts before the system's). In the end
whatever the recorder was given must be there once, and whatever the office was told is done; the workspace must verify, faults must
have been told, and nobody may have left a traceback. Prints one line of JSON; exit code 1 when something is amiss.
"""

from __future__ import annotations

import argparse
import contextlib
import functools
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parents[1] / "support"), str(Path(__file__).parents[2])]

from paperwork import picture
from sites import sighting

from engine.errors import StorageError
from engine.people import Person
from engine.pipeline.writer import Writer
from engine.types import Event, EventKind, Severity
from engine.workbench import Workbench

SIZE_MB = 64
_FAILS_S = (1.2, 4.0)
_OFFICE = 60
"""People whose days are corrected."""
_SHIM = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

static char fault(int fd) { /* what FAULT_MODE says, for files below FAULT_ROOT; 0: nothing */
    const char *root = getenv("FAULT_ROOT"), *mode = getenv("FAULT_MODE");
    char link[64], path[4096], said = 0;
    if (!root || !mode) return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t n = readlink(link, path, sizeof path - 1);
    if (n < 0) return 0;
    path[n] = 0;
    if (strncmp(path, root, strlen(root))) return 0;
    int told = syscall(SYS_openat, AT_FDCWD, mode, O_RDONLY);
    if (told < 0) return 0;
    if (syscall(SYS_read, told, &said, 1) != 1) said = 0;
    syscall(SYS_close, told);
    return said;
}
static __thread int torn;
ssize_t write(int fd, const void *data, size_t size) {
    switch (fault(fd)) {
    case 'e': errno = EIO; return -1;
    case 't': /* half of it, then an error */
        torn = !torn;
        if (torn && size > 1) return syscall(SYS_write, fd, data, size / 2);
        errno = EIO;
        return -1;
    }
    return syscall(SYS_write, fd, data, size);
}
int fsync(int fd) {
    if (fault(fd)) { errno = EIO; return -1; }
    return syscall(SYS_fsync, fd);
}
int fdatasync(int fd) {
    if (fault(fd)) { errno = EIO; return -1; }
    return syscall(SYS_fdatasync, fd);
}
"""


def can_fail() -> bool:
    """Whether this machine has a C compiler, which the library needs."""
    return shutil.which("cc") is not None


@contextlib.contextmanager
def mounted(folder: Path) -> Iterator[bool]:
    """A file system of its own at a folder, and whether that was allowed."""
    folder.mkdir(parents=True, exist_ok=True)
    made = (
        os.geteuid() == 0
        and subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"size={SIZE_MB}m", "none", folder], check=False, capture_output=True
        ).returncode
        == 0
    )
    try:
        yield made
    finally:
        if made:
            subprocess.run(["umount", "-l", folder], check=False)


def remount(folder: Path, options: str) -> bool:
    """Change a mounted file system; a file that is open for writing refuses `ro` for a moment."""
    end = time.monotonic() + 5
    while time.monotonic() < end:
        done = subprocess.run(["mount", "-o", f"remount,{options}", folder], check=False, capture_output=True)
        if done.returncode == 0:
            return True
        time.sleep(0.005)
    return False


class Faults:
    """Makes the file system fail and work again.

    Args:
        folder: where it is mounted, or a plain folder.
        aside: a folder that works always.
        mounted: it may be remounted.
    """

    def __init__(self, folder: Path, aside: Path, *, mounted: bool) -> None:
        self._folder, self._mode, self._library = folder, aside / "mode", aside / "shim.so"
        self._mounted = mounted
        self.kinds: list[str] = ["read-only", "full"] if mounted else []
        if can_fail():
            (aside / "shim.c").write_text(_SHIM)
            subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-o", self._library, aside / "shim.c"], check=True)
            self.kinds += ["error", "torn write", "sync alone"]

    @property
    def environment(self) -> dict[str, str]:
        """What a process needs to meet the errors."""
        if not self._library.exists():
            return dict(os.environ)
        return {
            **os.environ,
            "LD_PRELOAD": str(self._library),
            "FAULT_ROOT": str(self._folder),
            "FAULT_MODE": str(self._mode),
        }

    def begin(self, kind: str) -> bool:
        """Make it fail; whether that was possible."""
        if kind == "read-only":
            return remount(self._folder, "ro")
        if kind == "full":
            used = shutil.disk_usage(self._folder).used
            return remount(self._folder, f"size={used // 1024 + 4}k")
        self._mode.write_text(kind[0])
        return True

    def end(self) -> None:
        """Let it work."""
        self._mode.unlink(missing_ok=True)
        if self._mounted:
            remount(self._folder, f"rw,size={SIZE_MB}m")


def record(workspace: Path, aside: Path, per_s: float) -> None:
    """Body of the recorder: submit events until told to stop, and note each; nothing that was submitted may be lost."""
    bench = Workbench(workspace)
    writer = Writer(bench.attendance, bench.people.known, threaded=True)
    number, began = 0, time.monotonic()
    with (aside / "submitted").open("w", buffering=1) as said:
        while not (aside / "stop").exists():
            now = datetime.now(UTC)
            who = f"P{number}"
            passage = replace(sighting(who, track=f"run-{number}"), time=now)
            writer.submit("punches", functools.partial(bench.attendance.record, passage, {}, renew=False))
            said.write(f"attendance,{who}\n")
            if number % 3 == 0:
                stranger = f"unknown-{number}"
                event = Event(EventKind.UNKNOWN, now, "gate", unknown_ids=(stranger,), severity=Severity.HIGH)
                shown = {"image": picture(number % 250)}
                writer.submit("incidents", functools.partial(bench.incidents.record, event, shown))
                said.write(f"incidents,{stranger}\n")
            number += 1
            writer.write()
            time.sleep(max(0.0, began + number / per_s - time.monotonic()))
    writer.finish()


def correct(workspace: Path, aside: Path) -> None:
    """Body of the office: correct days until told to stop, and note what was done; a refusal is told and tried again."""
    bench = Workbench(workspace)
    number = 0
    with (aside / "done").open("w", buffering=1) as said:
        while not (aside / "stop").exists():
            now = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=1)
            who = f"C{number % _OFFICE}"
            now -= timedelta(seconds=number)
            try:
                row = bench.office.correct(
                    who, now.date(), "add", author="ann", reason="forgot", time=now, direction="in"
                )
            except StorageError as error:
                print(f"refused: {error}", flush=True)
                time.sleep(0.2)
                continue
            said.write(f"{row.correction_id}\n")
            number += 1
            time.sleep(0.1)


def run(
    folder: Path,
    seconds: float,
    *,
    per_s: float = 10,
    seed: int = 8,
    kinds: tuple[str, ...] = (),
    fails_s: tuple[float, float] = _FAILS_S,
) -> dict[str, object]:
    """Run it in an empty folder; what was seen."""
    rng, aside = random.Random(seed), folder / "aside"
    aside.mkdir()
    with mounted(folder / "disk") as may:
        faults = Faults(folder / "disk", aside, mounted=may)
        workspace = folder / "disk" / "w"
        workspace.mkdir(parents=True)
        (workspace / "muster.toml").write_text('timezone = "UTC"\n[attendance]\nfour_eyes = false\n')
        Workbench(workspace).people.put_all([Person(f"C{number}", "", "Lab") for number in range(_OFFICE)])
        workers = {}
        for what in ("record", "correct"):
            with (aside / f"{what}.out").open("wb") as told:
                workers[what] = subprocess.Popen(
                    [sys.executable, __file__, "--body", what, "--folder", folder, "--per-s", str(per_s)],
                    env=faults.environment,
                    stdout=told,
                    stderr=subprocess.STDOUT,
                )
        happened: Counter[str] = Counter()
        try:
            while not all((aside / name).exists() and (aside / name).stat().st_size for name in ("submitted", "done")):
                if any(each.poll() is not None for each in workers.values()):
                    break
                time.sleep(0.05)
            end = time.monotonic() + seconds
            wanted = [each for each in faults.kinds if not kinds or each in kinds]
            while time.monotonic() < end and wanted:
                kind = wanted[sum(happened.values()) % len(wanted)]
                happened[kind] += faults.begin(kind)
                time.sleep(rng.uniform(*fails_s))
                faults.end()
                time.sleep(rng.uniform(0.5, 2.0))
        finally:
            faults.end()
            (aside / "stop").touch()
            codes = {what: each.wait(60) for what, each in workers.items()}
        return {"faults": dict(happened), "codes": codes, **_found(workspace, aside)}


def _found(workspace: Path, aside: Path) -> dict[str, object]:
    bench = Workbench(workspace)
    attendance, incidents = bench.attendance.log, bench.incidents.log
    there = Counter(f"attendance,{row.employee_id}" for row in attendance.on(attendance.days()))
    there.update(f"incidents,{who}" for row in incidents.on(incidents.days()) for who in row.unknown_ids)
    corrected = bench.attendance.corrections
    kept = Counter(row.correction_id for row in corrected.on(corrected.days()))
    submitted = (aside / "submitted").read_text().splitlines()
    done = (aside / "done").read_text().splitlines()
    told = "".join((aside / f"{what}.out").read_text() for what in ("record", "correct"))
    wrong = [
        f"{each.file}:{each.line} {each.what} {each.detail}" for each in bench.records.verify() if not each.harmless
    ]
    return {
        "submitted": len(submitted),
        "corrections": len(done),
        "lost": sorted({each for each in submitted if not there[each]} | {each for each in done if not kept[each]})[
            :20
        ],
        "doubled": [each for each, count in (there + kept).items() if count > 1][:20],
        "refused but written": kept.total() - len(done),
        "findings": wrong[:20],
        "kept": told.count("kept in memory"),
        "refused": told.count("refused: "),
        "tracebacks": told.count("Traceback"),
    }


def main() -> int:
    """Run it and say what was seen."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=120)
    parser.add_argument("--per-s", type=float, default=10)
    parser.add_argument("--seed", type=int, default=8)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--body", choices=("record", "correct"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.body:
        import logging

        logging.basicConfig(level=logging.WARNING)
        workspace, aside = options.folder / "disk" / "w", options.folder / "aside"
        record(workspace, aside, options.per_s) if options.body == "record" else correct(workspace, aside)
        return 0
    with tempfile.TemporaryDirectory(prefix="muster-disk-") as folder:
        seen = run(Path(folder), options.seconds, per_s=options.per_s, seed=options.seed)
        print(json.dumps(seen))
        if not clean(seen):
            for path in sorted(Path(folder, "aside").glob("*.out")):
                print(path.name, path.read_text()[-3000:], file=sys.stderr)
    return int(not clean(seen))


def clean(seen: dict[str, object]) -> bool:
    """Whether nothing is amiss."""
    return (
        not any(seen[each] for each in ("lost", "doubled", "refused but written", "findings", "tracebacks"))
        and bool(seen["kept"] and seen["refused"] and seen["faults"])
        and seen["codes"] == {"record": 0, "correct": 0}
    )


if __name__ == "__main__":
    sys.exit(main())
