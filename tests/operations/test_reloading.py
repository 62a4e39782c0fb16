"""A running server is told of new settings; what is left of a dead one tells nobody."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from engine.operations.reloading import reload_served
from engine.operations.standing import Standing, write_standing

CODE = """
import signal, sys
signal.signal(signal.SIGHUP, lambda *_: sys.exit(7))
print("ready", flush=True)
signal.pause()
"""


def test_only_a_server_that_lives_is_told(tmp_path: Path) -> None:
    assert not reload_served(tmp_path)
    with subprocess.Popen([sys.executable, "-c", CODE], stdout=subprocess.PIPE) as server:
        assert server.stdout is not None
        server.stdout.readline()
        write_standing(tmp_path, Standing(server.pid))
        told = tmp_path / "log" / "serve.json"
        os.utime(told, (1, 1))
        assert not reload_served(tmp_path), "nobody has renewed the file"
        assert server.poll() is None
        os.utime(told)
        assert reload_served(tmp_path)
        assert server.wait(30) == 7
    right = json.loads(told.read_text())
    for wrong in ("", "{}", "[]", *(json.dumps({**right, "pid": pid}) for pid in (1, -1, "x", 999999999, 10**30))):
        told.write_text(wrong)
        assert not reload_served(tmp_path)
