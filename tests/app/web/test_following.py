"""The server takes over settings that were changed elsewhere."""

from __future__ import annotations

from pathlib import Path

import pytest
from pages import bench_of

from app.web import services


def test_settings_changed_elsewhere_are_taken_over_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    file = tmp_path / "muster.toml"
    file.write_text('organisation = "Acme"\n')
    before = bench_of(tmp_path, monkeypatch)
    services.follow_settings()
    assert services.home() is before, "nothing has changed"
    file.write_text('organisation = "Bcme"\n')
    services.follow_settings()
    after = services.home()
    assert after.config.organisation == "Bcme"
    services.follow_settings()
    assert services.home() is after
    file.write_text("[events]\ncool_down_s = -1\n")
    services.follow_settings()
    assert services.home() is after
    assert "the settings before hold on" in caplog.text
