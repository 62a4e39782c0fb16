"""A running server is told of new settings; what is left of a dead one tells nobody."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from engine.operations.reloading import reload_served

CODE = """
import signal, sys
signal.signal(signal.SIGHUP, lambda *_: sys.exit(7))
print("ready", flush=True)
signal.pause()
"""


def test_only_a_server_that_lives_is_told(tmp_path: Path) -> None:
    assert not reload_served(tmp_path)
    (tmp_path / "log").mkdir()
    told = tmp_path / "log" / "serve.json"
    with subprocess.Popen([sys.executable, "-c", CODE], stdout=subprocess.PIPE) as server:
        assert server.stdout is not None
        server.stdout.readline()
        told.write_text(json.dumps({"pid": server.pid}))
        os.utime(told, (1, 1))
        assert not reload_served(tmp_path), "nobody has renewed the file"
        assert server.poll() is None
        os.utime(told)
        assert reload_served(tmp_path)
        assert server.wait(30) == 7
    for wrong in ("", "{}", '{"pid": 1}', '{"pid": -1}', '{"pid": "x"}', "[]", '{"pid": 999999999}'):
        told.write_text(wrong)
        assert not reload_served(tmp_path)
