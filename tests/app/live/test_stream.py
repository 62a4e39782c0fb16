"""Frames of a browser's camera: the newest is processed, the others are not even looked at, and failures do not end the stream."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any, cast

import av
import numpy as np
import pytest
from pages import signed_in
from streamlit.testing.v1 import AppTest

from app.live.overlay import find
from app.live.stream import BrowserCamera
from app.web import services
from engine.enrolment import GuideMark
from engine.errors import InputError

PAGE = """
import streamlit as st
from app.live.stream import BrowserCamera
from app.web import access
access.enter()
st.session_state["camera"] = BrowserCamera(st.session_state["process"], "live.camera")
"""


def camera(workspace: Path, monkeypatch: pytest.MonkeyPatch, process: object, role: str = "hr") -> BrowserCamera:
    """The camera of a page of somebody with that role."""
    signed_in(workspace, monkeypatch, role)
    page = AppTest.from_string(PAGE, default_timeout=30)
    page.session_state["process"] = process
    page.run()
    if page.exception:
        raise PermissionError(page.exception[0].message)
    return cast(BrowserCamera, page.session_state["camera"])


def frame(shade: int) -> av.VideoFrame:
    return av.VideoFrame.from_ndarray(np.full((48, 64, 3), shade, np.uint8), format="rgb24")


def test_only_the_newest_frame_is_converted_and_no_picture_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shades: list[int] = []

    def process(image: np.ndarray) -> GuideMark:
        assert image.shape == (48, 64, 3)
        shades.append(int(image.mean()))
        return GuideMark("good", 0.5)

    found, newest = camera(tmp_path, monkeypatch, process), frame(90)
    skipped: Any = object()  # cannot be converted
    assert asyncio.run(found.frames([skipped, skipped, newest])) == [newest]
    assert (shades, found.dropped, found.failure) == ([90], 2, None)
    assert find(found.overlay.key, "hr") is found.overlay
    assert find(found.overlay.key, "admin") is None
    assert json.loads(found.overlay.newest[1])["guide"]["held"] == 0.5


def test_a_computer_that_leaves_out_most_frames_is_told_to_be_too_slow(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found, skipped = camera(tmp_path, monkeypatch, lambda _image: None), cast(Any, object())
    for _ in range(3):
        asyncio.run(found.frames([frame(90)]))
    assert not found.too_slow
    for _ in range(3):
        asyncio.run(found.frames([skipped, skipped, skipped, skipped, frame(90)]))
    assert found.too_slow


def test_a_frame_that_fails_is_told_and_leaves_nothing_drawn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    answers: list[GuideMark | InputError] = [GuideMark("good"), InputError("the disk is full"), GuideMark("wrong")]

    def process(_image: np.ndarray) -> GuideMark:
        answer = answers.pop(0)
        if isinstance(answer, InputError):
            raise answer
        return answer

    found = camera(tmp_path, monkeypatch, process)
    told = []
    for _ in range(3):
        asyncio.run(found.frames([frame(90)]))
        told.append((str(found.failure or ""), list(json.loads(found.overlay.newest[1]))))
    assert told == [("", ["guide"]), ("the disk is full", []), ("", ["guide"])]


def test_the_drawing_ends_with_the_right_to_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = camera(tmp_path, monkeypatch, lambda _image: None)
    assert found.overlay.allowed()
    services.home().accounts.change("hr", role="viewer")
    assert not found.overlay.allowed()
    with pytest.raises(PermissionError, match="does not allow"):
        camera(tmp_path, monkeypatch, lambda _image: None, "viewer")
