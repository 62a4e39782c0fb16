"""Receivers on loopback, and no child process that outlives its test."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import pytest
from outgoing import KEY, STARTED, Receiver, listening


@pytest.fixture
def receivers(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Receiver]]:
    """Two receivers; what they hold back is let go at the end."""
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("GATE_KEY", KEY)
    with contextlib.ExitStack() as stack:
        yield [stack.enter_context(listening()) for _ in range(2)]


@pytest.fixture
def receiver(receivers: list[Receiver]) -> Receiver:
    """The first of the two."""
    return receivers[0]


@pytest.fixture(autouse=True)
def _no_child_is_left() -> Iterator[None]:
    yield
    while STARTED:
        with STARTED.pop() as child:
            child.kill()
