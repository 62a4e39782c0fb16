"""Ends a server together with the program that started it."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time

_PATIENCE_S = 25.0


def end_with_input() -> None:
    """Treat the end of standard input as SIGTERM: the parent process holds the other end. A server that then hangs is ended hard."""

    def wait() -> None:
        while os.read(sys.stdin.fileno(), 4096):  # not through Python's buffer, whose lock would be held at the end
            pass
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(_PATIENCE_S)
        os._exit(1)

    threading.Thread(target=wait, name="parent", daemon=True).start()
