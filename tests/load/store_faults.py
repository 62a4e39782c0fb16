"""Synthetic recorders write to a database that is killed, and are killed themselves: is every acknowledged event there, once?

    python tests/load/store_faults.py [--minutes 10] [--recorders 8] [--database-kills 5] [--recorder-kills 20]

A server of its own runs on loopback. Each recorder has a workspace, a login that can append and read people alone, and a chain of its own.
"""

from __future__ import annotations

import argparse
import collections
import os
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parents[1]), str(HERE.parent / "support")]

from postgres import running  # noqa: E402
from sites import Place  # noqa: E402

from engine.workbench import Workbench  # noqa: E402

PER_S = 2.0
DOWN_S = (3.0, 25.0)


class Crew:
    """The recorders, each in a process."""

    def __init__(self, place: Place, count: int) -> None:
        login = place.login("recorder", "main")
        self.folders = [place.workspace(f"recorder-{number}", login=login) for number in range(count)]
        self.runs = [0] * count
        self.output = (place.folder / "output").open("ab")
        self.processes = [self._start(number) for number in range(count)]

    def said(self, number: int) -> Path:
        """Where a recorder notes what was acknowledged."""
        return self.folders[number].with_suffix(".said")

    def _start(self, number: int) -> subprocess.Popen[bytes]:
        self.runs[number] += 1
        command = [
            sys.executable,
            HERE / "store_recorder.py",
            self.folders[number],
            self.said(number),
            str(self.runs[number]),
            str(PER_S),
        ]
        environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path[:2]), "OMP_NUM_THREADS": "1"}
        return subprocess.Popen(command, env=environment, stdout=self.output, stderr=self.output)

    def kill(self, number: int) -> None:
        """SIGKILL, and start it again."""
        self.processes[number].kill()
        self.processes[number].wait()
        self.processes[number] = self._start(number)

    def finish(self) -> None:
        """Let them drain their spools and end."""
        for folder in self.folders:
            (folder / "stop").touch()
        for process in self.processes:
            process.wait(timeout=120)


def main() -> int:
    """Run it and say what became of the events."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--recorders", type=int, default=8)
    parser.add_argument("--database-kills", type=int, default=5)
    parser.add_argument("--recorder-kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=8)
    options = parser.parse_args()
    rng = random.Random(options.seed)
    length = options.minutes * 60
    plan = sorted(
        [((number + 0.5) * length / options.database_kills, "database") for number in range(options.database_kills)]
        + [(rng.uniform(0.02, 0.95) * length, "recorder") for _ in range(options.recorder_kills)]
    )
    with running() as server, tempfile.TemporaryDirectory() as folder:
        place = Place(server, Path(folder))
        crew = Crew(place, options.recorders)
        began, longest, most = time.monotonic(), 0.0, 0
        for at, what in plan:
            time.sleep(max(0.0, began + at - time.monotonic()))
            if what == "recorder":
                crew.kill(rng.randrange(options.recorders))
                continue
            server.kill()
            down = rng.uniform(*DOWN_S)
            time.sleep(down)
            most = max(most, sum(_waiting(each) for each in crew.folders))
            server.start()
            longest = max(longest, down)
        time.sleep(max(0.0, began + length - time.monotonic()))
        crew.finish()
        left = sum(_waiting(each) for each in crew.folders)
        bench = Workbench(place.workspace("office"))
        ids = collections.Counter(
            (log.name, next(iter(row.values())))
            for log in (bench.attendance.log.raw, bench.incidents.log.raw)
            for row in log.on(log.days())
        )
        said = [
            tuple(line.split(","))
            for number in range(options.recorders)
            for line in crew.said(number).read_text().splitlines()
        ]
        lost = [each for each in said if each not in ids]
        twice = [each for each, count in ids.items() if count > 1]
        findings = bench.records.verify()
        bench.store.close()
        chains = place.ask("SELECT count(*), sum(rows) FROM muster.chains")[0]
        print(
            f"{options.recorders} recorders, {options.minutes:g} min, database killed {options.database_kills} times (away for up to "
            f"{longest:.0f} s), recorders killed {options.recorder_kills} times, {sum(crew.runs)} processes\n"
            f"acknowledged {len(said)} · in the database {sum(ids.values())} · lost {len(lost)} · twice {len(twice)} · "
            f"chains {chains[0]} with {chains[1]} rows, findings {len(findings)} · most that waited {most} · waiting at the end {left}"
        )
        for finding in findings[:10]:
            print(finding)
        if lost or left:
            print("exit codes", [process.returncode for process in crew.processes])
            print((place.folder / "output").read_text()[-3000:])
        place.close()
        return int(bool(lost or twice or findings or left))


def _waiting(folder: Path) -> int:
    return sum(path.read_bytes().count(b"\n") - 1 for path in (folder / "spool").glob("waiting-*.csv"))


if __name__ == "__main__":
    sys.exit(main())
