"""aioice still reads the name that ends silent connections."""

from __future__ import annotations

import inspect

import aioice.ice
import pytest

from app.live.compat import end_silent_connections


def test_a_connection_ends_after_two_silences_and_aioice_reads_that(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(aioice.ice, "CONSENT_FAILURES", 6)  # as it comes; fails when the name is gone
    end_silent_connections()
    assert aioice.ice.CONSENT_FAILURES == 2
    functions = [each for _, each in inspect.getmembers(aioice.ice.Connection, inspect.isfunction)]
    assert any("CONSENT_FAILURES" in each.__code__.co_names for each in functions)
