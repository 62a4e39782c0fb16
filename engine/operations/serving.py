"""Helpers of the commands that start a server: check the port, print the address, start the process."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import resource
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from types import FrameType
from typing import NoReturn

from engine.errors import ConfigError, InputError
from engine.masking import veiled
from engine.operations.memory import ENVIRONMENT

_RESTART_S, _PATIENCE_S = 10.0, 20.0
_FILES = 65_536
EVERYWHERE = {"0.0.0.0", "::"}  # noqa: S104 - recognised, not listened on


def check_installed(what: str, *modules: str) -> None:
    """Check that modules of the user interface can be imported; `what`: subject and verb of the error, such as "the kiosk is".

    Raises:
        ConfigError: a module is missing.
    """
    for module in modules:
        try:
            found = importlib.util.find_spec(module)
        except ModuleNotFoundError:
            found = None
        if found is None:
            raise ConfigError(f"{what} not installed ({module})", hint="install Muster with `make setup`")


def check_port(host: str, port: int) -> None:
    """Check that a server can listen on a port.

    Raises:
        InputError: the port is in use, or the address does not exist.
    """
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise InputError(
                f"cannot listen on {host}:{port}: {error.strerror}", hint="choose another --port"
            ) from error


def many_connections() -> None:
    """Let this process have as many connections as the system allows; they are files to it."""
    now, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _FILES if most == resource.RLIM_INFINITY else min(most, _FILES)
    if now != resource.RLIM_INFINITY and now < wanted:
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, most))


def address(host: str, port: int) -> str:
    """URL of a server, for a browser on this machine."""
    name = "127.0.0.1" if host in EVERYWHERE else f"[{host}]" if ":" in host else host
    return f"http://{name}:{port}"


def become(module: str, *arguments: str) -> NoReturn:
    """Replace this process by `python -m MODULE ARGUMENTS`; nobody else reads secrets of the arguments, see `veiled`."""
    sys.stdout.flush()
    shown, carried = veiled(arguments)
    os.execve(sys.executable, [sys.executable, "-m", module, *shown], {**ENVIRONMENT, **os.environ, **carried})  # noqa: S606


def together(main: Sequence[str], beside: Sequence[str]) -> NoReturn:
    """Run two servers (module and arguments of each) until the user interrupts them or the main one ends.

    The second server is restarted when it ends by itself. Both end with this process, even if it is killed: started with
    `--with-input`, they end when the pipe from this process closes.
    """

    def start(command: Sequence[str]) -> subprocess.Popen[bytes]:
        shown, carried = veiled([*command, "--with-input"][1:])
        words = [sys.executable, "-m", command[0], *shown]
        return subprocess.Popen(words, stdin=subprocess.PIPE, env={**ENVIRONMENT, **os.environ, **carried})

    stopping: list[int] = []

    def stop(number: int, _frame: FrameType | None) -> None:
        stopping.append(number)

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)
    sys.stdout.flush()
    first, second = start(main), start(beside)
    again = 0.0
    while first.poll() is None and not stopping:
        time.sleep(0.2)
        if second.poll() is not None and time.monotonic() >= again:
            again = time.monotonic() + _RESTART_S
            second = start(beside)
    for server in (first, second):
        server.terminate()
    for server in (first, second):
        try:
            server.wait(_PATIENCE_S)
        except subprocess.TimeoutExpired:
            server.kill()
    sys.exit(0 if stopping else first.returncode)
