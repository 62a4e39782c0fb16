"""Eight cameras in one `muster watch`: six show an empty hall, two show people. The whole tree of processes is measured."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import psutil

from engine.errors import MusterError

__all__ = ["tree_use", "watch_cameras"]

_SETTLED_S = 12.0
"""After so long every camera rests or follows; the processor's time counts from here."""


def watch_cameras(workspace: Path, cameras: Mapping[str, Path]) -> dict[str, Any]:
    """Watch recordings as live cameras until they end.

    Args:
        workspace: with people enrolled; it is written to.
        cameras: recordings by the camera's name.

    Returns:
        `cores` after the start, `peak_mb` and `last_mb` of all processes together (a shared page counts once), and by camera `frames`,
        `dropped` and `kept`, the share of its frames that was looked at.

    Raises:
        MusterError: watching failed.
    """
    command = [
        sys.executable,
        "-c",
        "from engine.cli import main; main()",
        "watch",
        "--workspace",
        str(workspace),
        "--json",
    ]
    for name, source in cameras.items():
        command += ["--camera", name, "--source", str(source)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        began = time.monotonic()
        sizes: list[float] = []
        used: list[tuple[float, float]] = []
        while process.poll() is None:
            try:
                seen = tree_use(process.pid)
            except psutil.Error:  # one of them just ended
                time.sleep(0.2)
                continue
            sizes.append(seen[1])
            if time.monotonic() - began > _SETTLED_S:
                used.append((time.monotonic(), seen[0]))
            time.sleep(1.0)
        answer, errors = process.communicate()
    if process.returncode:
        raise MusterError(f"watching the cameras ended with {process.returncode}", hint=errors[-300:])
    (first_s, first), (last_s, last) = used[0], used[-2]  # at the end the processes go
    told = json.loads(answer)["cameras"]
    return {
        "cores": (last - first) / (last_s - first_s),
        "peak_mb": max(sizes),
        "last_mb": sizes[-2],
        "cameras": {
            name: {
                "frames": row["frames"],
                "dropped": row["dropped"],
                "kept": row["frames"] / max(row["frames"] + row["dropped"], 1),
            }
            for name, row in told.items()
        },
    }


def tree_use(pid: int) -> tuple[float, float]:
    """Processor seconds and megabytes of a process and all below it."""
    main = psutil.Process(pid)
    tree = [main, *main.children(recursive=True)]
    seconds = sum(sum(each.cpu_times()[:2]) for each in tree)
    return seconds, sum(each.memory_full_info().pss for each in tree) / 1e6
