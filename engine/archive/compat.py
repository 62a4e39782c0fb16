"""What is used of Python's process pools that is not public before Python 3.14, which has `ProcessPoolExecutor.kill_workers`."""

from __future__ import annotations

import threading
from concurrent.futures import ProcessPoolExecutor

_PATIENCE_S = 5.0


def kill_workers(pool: ProcessPoolExecutor) -> None:
    """Kill a pool's processes and close it; a shutdown alone would wait for their tasks."""
    for process in list((pool._processes or {}).values()):
        process.kill()
    # one that waits for a dead network drive outlives its end: nobody waits for it
    ending = threading.Thread(target=lambda: pool.shutdown(wait=True, cancel_futures=True), daemon=True)
    ending.start()
    ending.join(_PATIENCE_S)
