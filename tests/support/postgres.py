"""A PostgreSQL server of the tests' own, on loopback: started, killed and stopped by them."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

OWNER = "muster_owner"


def binaries() -> Path | None:
    """The folder of the newest server's programs; None: there is none."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    if found:
        return found[-1].parent
    there = shutil.which("initdb")
    return Path(there).parent if there else None


class Server:
    """One server with its data in a folder of its own."""

    def __init__(self) -> None:
        programs = binaries()
        if programs is None:
            pytest.skip("needs PostgreSQL: apt-get install postgresql")
        self._programs = programs
        # a server refuses to run as root
        self._user = "postgres" if os.geteuid() == 0 else None
        self.folder = Path(tempfile.mkdtemp(prefix="muster-pg-", dir="/tmp"))
        if self._user:
            entry = pwd.getpwnam(self._user)
            os.chown(self.folder, entry.pw_uid, entry.pw_gid)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port: int = probe.getsockname()[1]
        self._process: subprocess.Popen[bytes] | None = None
        self._count = 0
        options = [
            "-D",
            str(self.folder / "data"),
            "-U",
            OWNER,
            "--auth=trust",
            "--no-sync",
            "--encoding=UTF8",
            "--locale=C",
        ]
        subprocess.run([programs / "initdb", *options], check=True, capture_output=True, user=self._user, cwd="/")

    def start(self) -> None:
        """Start it and wait until it answers."""
        settings = (
            f"port={self.port}",
            "listen_addresses=127.0.0.1",
            f"unix_socket_directories={self.folder}",
            "max_connections=200",
            "fsync=off",  # its processes are killed here, the machine is not
            "full_page_writes=off",
        )
        arguments = [part for setting in settings for part in ("-c", setting)]
        with (self.folder / "log").open("ab") as output:
            self._process = subprocess.Popen(
                [self._programs / "postgres", "-D", self.folder / "data", *arguments],
                stdout=output,
                stderr=output,
                user=self._user,
                cwd="/",
                start_new_session=True,
            )
        until = time.monotonic() + 30
        while True:
            with (
                contextlib.suppress(psycopg.OperationalError),
                psycopg.connect(self.dsn("postgres"), connect_timeout=2),
            ):
                return
            assert time.monotonic() < until, (self.folder / "log").read_text()[-2000:]
            time.sleep(0.05)

    def kill(self) -> None:
        """As if the power went: no process of it gets to say anything."""
        assert self._process is not None
        children = subprocess.run(
            ["ps", "-o", "pid=", "--ppid", str(self._process.pid)], capture_output=True, text=True, check=False
        )
        for pid in (self._process.pid, *map(int, children.stdout.split())):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self._process.wait()
        self._process = None

    def stop(self) -> None:
        """End it and remove its data."""
        if self._process is not None:
            self._process.send_signal(signal.SIGINT)
            try:
                self._process.wait(timeout=20)
            except subprocess.TimeoutExpired:
                self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def dsn(self, database: str, login: str = OWNER) -> str:
        """What psycopg connects to."""
        return f"postgresql://{login}@127.0.0.1:{self.port}/{database}"

    def url(self, database: str, login: str = OWNER) -> str:
        """The same as a setting."""
        return f"postgresql+psycopg://{login}@127.0.0.1:{self.port}/{database}"

    def new_database(self) -> str:
        """An empty database; its name."""
        self._count += 1
        name = f"test_{self._count}"
        with psycopg.connect(self.dsn("postgres"), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}")
        return name


@contextlib.contextmanager
def running() -> Iterator[Server]:
    """A server for as long as this lasts."""
    server = Server()
    try:
        server.start()
        yield server
    finally:
        server.stop()
