"""What tests of the registration page begin with."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest
from pages import bench_of

from engine.face_reader import FaceReader
from engine.workbench import Workbench


@pytest.fixture
def no_browser(monkeypatch: pytest.MonkeyPatch) -> None:
    """The frontend of the camera needs a browser; here it stands still."""
    stopped = SimpleNamespace(state=SimpleNamespace(playing=False))
    monkeypatch.setattr("app.live.stream.webrtc_streamer", lambda **_: stopped)


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reader: FaceReader) -> Workbench:
    """The workbench of an empty workspace, with the networks that are open already."""
    found = bench_of(tmp_path, monkeypatch)
    found.__dict__["reader"] = reader
    return found
