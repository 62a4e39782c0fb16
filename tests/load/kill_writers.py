"""Kill processes while they append to one day log, and count what became of their rows.

    python tests/load/kill_writers.py --kills 200 --writers 3

Each writer appends rows of very different lengths and, once `append` has returned, writes their ids to its standard output.
Writers are ended by SIGKILL at random moments and replaced. After every fifth kill half a row is left at the end of the log,
as a power cut would leave it (a kill alone hardly ever does: the kernel finishes a write it has begun). In the end every id
that was acknowledged must be in the log exactly once, and every line of the log must be whole. Prints one line of JSON; exit
code 1 when something is amiss.
"""

from __future__ import annotations

import argparse
import csv
import itertools
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable
from contextlib import ExitStack
from datetime import date
from pathlib import Path

from engine.storage.logs import DayLog, FileLogs

DAY = date(2026, 11, 22)
COLUMNS = ("event_id", "length", "detail")
LONGEST_BATCH = 64
TEAR_EVERY = 5


def day_log(folder: Path) -> DayLog:
    """The log that all writers share."""
    return FileLogs(folder).daily("attendance", COLUMNS)


def row(event_id: str, length: int) -> dict[str, object]:
    """A row that says itself how long its text must be."""
    return {"event_id": event_id, "length": length, "detail": "x" * length}


def write_forever(folder: Path, number: int) -> None:
    """Append and acknowledge until the parent is gone; every eighth append is a long one that takes a while to write."""
    rng = random.Random(number)
    log = day_log(folder)
    parent = os.getppid()
    for turn in itertools.count():
        if os.getppid() != parent:
            return
        count = LONGEST_BATCH if rng.random() < 1 / 8 else rng.randint(1, 2)
        length = 4000 if count > 2 else rng.choice([0, 60, 300])
        rows = [row(f"{number}-{turn}-{index}", length) for index in range(count)]
        with log.exclusive():
            log.append(DAY, rows)
        os.write(sys.stdout.fileno(), "".join(f"{entry['event_id']}\n" for entry in rows).encode())
        time.sleep(rng.uniform(0, 0.004))


def tear(folder: Path) -> None:
    """Leave half a row at the end of the log."""
    log = day_log(folder)
    with log.exclusive(), log.shelf.path(DAY).open("ab") as handle:
        handle.write(b'half-a-row,9,"xxx')


def whole(line: str) -> bool:
    """True for a line that is a complete row."""
    cells = next(csv.reader([line]), [])
    return len(cells) == len(COLUMNS) + 1 and cells[1].isdigit() and len(cells[2]) == int(cells[1])


def check(path: Path, acknowledged: Iterable[str]) -> dict[str, int]:
    """Compare a log file with the ids that its writers were promised."""
    header, *lines = path.read_bytes().decode().split("\n")
    tail = lines.pop() if lines else header
    ids = Counter(line.split(",")[0] for line in lines if whole(line))
    promised = set(acknowledged)
    return {
        "rows": ids.total(),
        "acknowledged": len(promised),
        "torn": sum(not whole(line) for line in lines) + bool(tail) + (header != ",".join([*COLUMNS, "seal"])),
        "lost": len(promised - set(ids)),
        "duplicated": sum(count > 1 for count in ids.values()),
    }


class Writers:
    """Writer processes, replaced when they are killed.

    Args:
        folder: where the log and what they say is kept.
        count: how many run at a time.
    """

    def __init__(self, folder: Path, count: int) -> None:
        self._folder = folder
        self._started = 0
        self.running: list[tuple[subprocess.Popen[bytes], Path]] = []
        for _ in range(count):
            self.start()

    def start(self) -> None:
        """One more writer."""
        said = self._folder / f"acknowledged-{self._started}.txt"
        complaints = self._folder / f"complaints-{self._started}.txt"
        command = [sys.executable, __file__, "--writer", str(self._started), "--folder", str(self._folder)]
        with said.open("wb") as out, complaints.open("wb") as err:
            self.running.append((subprocess.Popen(command, stdout=out, stderr=err), said))
        self._started += 1

    def kill(self, place: int) -> None:
        """End a writer without warning."""
        process, _ = self.running.pop(place)
        process.kill()
        process.wait()

    def stop(self) -> None:
        """End all."""
        while self.running:
            self.kill(0)

    def wait_until_busy(self, place: int, patience_s: float = 30.0) -> None:
        """Return once a writer has acknowledged something."""
        process, said = self.running[place]
        end = time.monotonic() + patience_s
        while not said.stat().st_size:
            if process.poll() is not None or time.monotonic() > end:
                raise RuntimeError("a writer did not get to work: " + self.complaints())
            time.sleep(0.002)

    def acknowledged(self) -> list[str]:
        """What all writers said so far; a line that a kill cut off was not said."""
        texts = (path.read_text() for path in sorted(self._folder.glob("acknowledged-*.txt")))
        return [line.rstrip("\n") for text in texts for line in text.splitlines(keepends=True) if line.endswith("\n")]

    def complaints(self) -> str:
        """What all writers put on standard error."""
        return "".join(path.read_text() for path in sorted(self._folder.glob("complaints-*.txt")))


def run(folder: Path, kills: int, writers: int, seed: int) -> dict[str, int]:
    """Kill that many times, then check."""
    rng = random.Random(seed)
    crew = Writers(folder, writers)
    try:
        for turn in range(kills):
            place = rng.randrange(writers)
            crew.wait_until_busy(place)
            time.sleep(rng.uniform(0, 0.05))
            crew.kill(place)
            crew.start()
            if turn % TEAR_EVERY == 0:
                tear(folder)
    finally:
        crew.stop()
    log = day_log(folder)
    with log.exclusive():  # what comes after a crash: the next append mends the tail
        log.append(DAY, [row("last", 1)])
    said = crew.complaints()
    result = {"kills": kills, **check(log.shelf.path(DAY), [*crew.acknowledged(), "last"])}
    result["healed"] = said.count("removed a torn last line")
    result["failed_writers"] = said.count("Traceback")
    return result


def main() -> int:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--writers", type=int, default=3)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--folder", type=Path, help="where the log is written; default: a temporary folder")
    parser.add_argument("--writer", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.writer is not None:
        write_forever(options.folder, options.writer)
        return 0
    with ExitStack() as stack:
        folder = options.folder or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        folder.mkdir(parents=True, exist_ok=True)
        result = run(folder, options.kills, options.writers, options.seed)
    print(json.dumps(result))
    return int(any(result[key] for key in ("torn", "lost", "duplicated", "failed_writers")))


if __name__ == "__main__":
    sys.exit(main())
