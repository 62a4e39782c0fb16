"""A server that was started by another program ends when that does, however that ends."""

from __future__ import annotations

import os
import signal
import sys
import threading

__all__ = ["end_with_input"]


def end_with_input() -> None:
    """From now on, the end of standard input is as good as SIGTERM: the other end was held by who started this process."""

    def wait() -> None:
        while os.read(sys.stdin.fileno(), 4096):  # not through Python's buffer, whose lock would be held at the end
            pass
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=wait, name="parent", daemon=True).start()
