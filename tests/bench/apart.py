"""Measure in a process of its own, so that neither threads nor memory of one side disturb the other."""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from engine.errors import MusterError

__all__ = ["apart", "cpu_s", "peak_mb"]


def peak_mb() -> float:
    """The most memory this process has held so far, MB."""
    status = Path("/proc/self/status")
    if status.exists():  # what `getrusage` says begins with the memory of the process that started this one
        line = next(line for line in status.read_text(encoding="utf-8").splitlines() if line.startswith("VmHWM:"))
        return int(line.split()[1]) / 1024
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def cpu_s() -> float:
    """Processor seconds that all threads of this process have used so far."""
    import resource

    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def _body(work: Callable[..., dict[str, Any]], arguments: tuple[Any, ...], connection: Connection) -> None:
    connection.send({**work(*arguments), "peak_mb": peak_mb()})


def apart(work: Callable[..., dict[str, Any]], *arguments: Any) -> dict[str, Any]:
    """What `work` returns when it runs in a fresh process, with `peak_mb` and `process_s` (wall time from the process' start) added.

    Raises:
        MusterError: it ended early.
    """
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_body, args=(work, arguments, theirs), daemon=True)
    began = time.perf_counter()
    process.start()
    theirs.close()
    try:
        answer: dict[str, Any] = ours.recv()
    except EOFError as error:
        raise MusterError(f"the benchmark of {work.__name__} ended early", hint="`muster doctor`") from error
    finally:
        ours.close()
        process.join(10)
        process.kill()
    return {**answer, "process_s": time.perf_counter() - began}
