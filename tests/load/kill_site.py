# ruff: noqa: E402 - run as a script, it must find its neighbours first
"""Kill recorders, kiosk and workbench of one workspace again and again, and count what became of its rows.

    python tests/load/kill_site.py --kills 300

Two `muster watch`, a kiosk and the workbench share a workspace; each looks at a camera of its own with people before it, and punches
may follow each other every few seconds. At random moments one of them is ended by SIGKILL with all its children, and started anew.
Rows that could be read once must be there in the end, each once; the workspace must verify; nobody may have left a traceback. Prints one
line of JSON; exit code 1 when something is amiss.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parents[1] / "support"), str(Path(__file__).parents[2])]

from browser import free_port
from http_camera import HttpCamera, swaying

from engine.imaging import list_images, read_image
from engine.models import fetch_samples
from engine.operations.memory import ENVIRONMENT
from engine.workbench import Workbench

ROOT = Path(__file__).parents[2]
PEOPLE = ("ben_afflek", "elton_john", "jerry_seinfeld")
SETTINGS = "[events]\ncool_down_s = 5\n"
_SETTLE_S = 20.0
MUSTER = [sys.executable, "-c", "from engine.cli import main; main()"]


class Part:
    """A process of the site that is started anew whenever it was killed."""

    def __init__(self, name: str, command: Sequence[str], folder: Path) -> None:
        self.name, self._command, self._told = name, command, folder / f"{name}.log"
        self.start()

    def start(self) -> None:
        """Start it, in a group of its own."""
        with self._told.open("ab") as told:
            self._process = subprocess.Popen(
                self._command,
                cwd=ROOT,
                env={**os.environ, **ENVIRONMENT},
                stdout=told,
                stderr=told,
                start_new_session=True,
            )

    def kill(self) -> bool:
        """End it and its children by SIGKILL; whether it still ran."""
        ran = self._process.poll() is None
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        return ran

    def end(self) -> None:
        """End it as an administrator would."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(20)
        self.kill()

    @property
    def traces(self) -> int:
        """Tracebacks that it left."""
        return self._told.read_text(encoding="utf-8", errors="replace").count("Traceback (most recent call last)")


def ids(workspace: Path) -> list[str]:
    """Ids of all attendance rows of these days."""
    bench = Workbench(workspace)
    return [row.event_id for day in bench.attendance.log.days() for row in bench.attendance.log.read(day)]


def run(folder: Path, kills: int, most_s: float) -> dict[str, object]:
    """Kill so many times."""
    workspace, photos = folder / "workspace", fetch_samples()
    workspace.mkdir()
    (workspace / "muster.toml").write_text(SETTINGS, encoding="utf-8")
    bench = Workbench(workspace)
    for person in PEOPLE:
        bench.registrar.enrol_photos(person, person, list_images(photos / "train" / person)[:6], author="load")
    shown = [swaying([read_image(list_images(photos / "val" / person)[0])]) for person in PEOPLE]
    rng, killed, seen = random.Random(0), Counter[str](), set[str]()
    with contextlib.ExitStack() as stack:
        cameras = [stack.enter_context(HttpCamera(pictures, fps=10.0)).address for pictures in shown]
        watching = [
            [
                *MUSTER,
                "watch",
                "--workspace",
                str(workspace),
                "--camera",
                f"door-{number}",
                "--source",
                address,
                "--json",
            ]
            for number, address in enumerate(cameras[:2])
        ]
        kiosk = ["-m", "app.kiosk", str(workspace), "entrance", cameras[2], "127.0.0.1", str(free_port())]
        parts = [Part(f"watch-{number}", command, folder) for number, command in enumerate(watching)]
        parts.append(Part("kiosk", [sys.executable, *kiosk], folder))
        parts.append(Part("app", [sys.executable, "-m", "app", str(workspace), "127.0.0.1", str(free_port())], folder))
        time.sleep(_SETTLE_S)
        for number in range(kills):
            time.sleep(rng.uniform(0.1, most_s))
            part = rng.choice(parts)
            killed[part.name] += part.kill()
            part.start()
            if number % 10 == 0:
                seen.update(ids(workspace))
        time.sleep(_SETTLE_S)
        seen.update(ids(workspace))
        for part in parts:
            part.end()
    final = ids(workspace)
    verified = subprocess.run(
        [*MUSTER, "verify", "--workspace", str(workspace)], capture_output=True, text=True, check=False
    )
    return {
        "kills": sum(killed.values()),
        "killed": dict(killed),
        "rows": len(final),
        "seen": len(seen),
        "lost": len(seen - set(final)),
        "doubled": len(final) - len(set(final)),
        "verify": verified.returncode,
        "told": verified.stdout.splitlines()[-1:] if verified.returncode else [],
        "tracebacks": {part.name: part.traces for part in parts if part.traces},
    }


def main() -> None:
    """Run it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=300)
    parser.add_argument("--most-s", type=float, default=3.0, help="longest pause between two kills")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        found = run(Path(folder), options.kills, options.most_s)
    print(json.dumps(found))
    sys.exit(bool(found["lost"] or found["doubled"] or found["verify"] or found["tracebacks"]))


if __name__ == "__main__":
    main()
