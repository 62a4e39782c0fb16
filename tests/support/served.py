"""Servers that tests start: waited for, and ended whatever happens."""

from __future__ import annotations

import contextlib
import socket
import ssl
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path


@contextlib.contextmanager
def up(process: subprocess.Popen[bytes], ready: Callable[[], bool], told: Path, seconds: float = 60) -> Iterator[None]:
    """Wait until a server answers; end it when the block does.

    Args:
        process: the server.
        ready: asks it; an `OSError` is a no.
        told: what it has printed, shown when it ends by itself.
        seconds: it is waited for.
    """
    try:
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            assert process.poll() is None, told.read_text()
            with contextlib.suppress(OSError):
                if ready():
                    break
            time.sleep(0.1)
        else:
            raise AssertionError(f"no answer within {seconds:.0f} s; it said: {told.read_text()}")
        yield
    finally:
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(20)
        process.kill()
        process.wait()


def answers(address: str) -> bool:
    """Whether something is served there.

    Raises:
        OSError: nothing is, or not yet.
    """
    unproven = ssl._create_unverified_context()  # whoever answers on this port was started by the test
    with urllib.request.urlopen(address, timeout=2, context=unproven):
        return True


def ended(line: socket.socket, until: float) -> bool:
    """Whether a server ends a connection by a moment (monotonic clock)."""
    line.settimeout(max(0.01, until - time.monotonic()))
    with contextlib.suppress(TimeoutError):
        with contextlib.suppress(ConnectionError):
            while line.recv(4096):
                pass
        return True
    return False
