"""Executes a notebook as Jupyter does, headless: `python tests/support/execute.py IN OUT FOLDER`, where FOLDER is the kernel's."""

from __future__ import annotations

import sys
import time
from queue import Empty
from typing import Any

import nbformat
from nbclient import NotebookClient


class Client(NotebookClient):
    """Looks for answers every second. When the state of a widget is sent while one arrives, waiting for it ends at its time limit only."""

    async def async_start_new_kernel_client(self) -> Any:
        client = await super().async_start_new_kernel_client()
        wait = client.shell_channel.get_msg

        async def looking(timeout: float | None = None) -> Any:
            end = time.monotonic() + timeout if timeout is not None else float("inf")
            while True:
                try:
                    return await wait(timeout=min(1.0, max(0.0, end - time.monotonic())))
                except Empty:
                    if time.monotonic() >= end:
                        raise

        client.shell_channel.get_msg = looking
        return client


source, target, folder = sys.argv[1:]
book = nbformat.read(source, as_version=4)
Client(book, timeout=120, kernel_name="python3", resources={"metadata": {"path": folder}}).execute()
nbformat.write(book, target)
