"""Two servers under one command: they begin together, one is replaced when it dies, and none is left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from waiting import until

SERVER = """
import os, sys, time
from pathlib import Path
from app.web.parent import end_with_input
assert sys.argv[-1] == "--with-input"
end_with_input()
with Path(sys.argv[1]).open("a") as file:
    file.write(f"{os.getpid()}\\n")
time.sleep(float(sys.argv[2]))
sys.exit(int(sys.argv[3]))
"""


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().split(")")[1].split()[0] != "Z"
    except OSError:
        return False


def pids(path: Path) -> list[int]:
    return [int(line) for line in path.read_text().split()] if path.exists() else []


def start(folder: Path, seconds: float = 60.0, status: int = 0, beside_s: float = 60.0) -> subprocess.Popen[bytes]:
    (folder / "server_for_tests.py").write_text(SERVER)
    code = (
        "from engine.operations.serving import together\n"
        f"together(['server_for_tests', {str(folder / 'a')!r}, '{seconds}', '{status}'], "
        f"['server_for_tests', {str(folder / 'b')!r}, '{beside_s}', '0'])"
    )
    root = str(Path(__file__).parents[2])
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(folder), root])}
    return subprocess.Popen([sys.executable, "-c", code], env=environment, cwd=root)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_both_end_with_their_parent_however_it_ends(tmp_path: Path, number: signal.Signals) -> None:
    parent = start(tmp_path)
    try:
        until(lambda: bool(pids(tmp_path / "a") and pids(tmp_path / "b")))
        parent.send_signal(number)
        parent.wait(30)
        until(lambda: not any(alive(pid) for pid in [*pids(tmp_path / "a"), *pids(tmp_path / "b")]))
        assert parent.returncode == (-number if number is signal.SIGKILL else 0)
    finally:
        parent.kill()
        parent.wait()


def test_the_command_ends_with_the_status_of_its_main_server(tmp_path: Path) -> None:
    parent = start(tmp_path, seconds=2.0, status=7)
    assert parent.wait(30) == 7
    until(lambda: not any(alive(pid) for pid in pids(tmp_path / "b")))


def test_the_server_beside_is_started_again(tmp_path: Path) -> None:
    parent = start(tmp_path, beside_s=0.1)
    try:
        until(lambda: len(pids(tmp_path / "b")) == 2)
        assert len(pids(tmp_path / "a")) == 1
    finally:
        parent.terminate()
        parent.wait(30)
