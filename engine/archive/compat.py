"""What is used of Python's process pools that is not public before Python 3.14, which has `ProcessPoolExecutor.kill_workers`."""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor


def kill_workers(pool: ProcessPoolExecutor) -> None:
    """Kill a pool's processes and close it; a shutdown alone would wait for their tasks."""
    for process in list((pool._processes or {}).values()):
        process.kill()
    pool.shutdown(wait=True, cancel_futures=True)
