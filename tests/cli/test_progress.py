"""What people see of work that takes long."""

from __future__ import annotations

import pytest

from engine.cli import output


@pytest.mark.parametrize(
    ("done", "total", "told"),
    [
        (12_400_000, 98_000_000, "12 of 98 MB"),
        (0, 1_000_000, "0 of 1 MB"),
        (3, 1_200, "3 of 1,200"),
        (0, 0, ""),
    ],
)
def test_downloads_are_told_in_megabytes(done: int, total: int, told: str) -> None:
    assert output.amount(done, total) == told


def test_a_log_names_each_activity_with_its_size(capsys: pytest.CaptureFixture[str]) -> None:
    with output.progress_bar() as progress:
        progress("downloading models", 0, 98_000_000)
        progress("downloading models", 400_000, 98_000_000)
        progress("converting", 0, 0)
    assert capsys.readouterr().err.splitlines() == ["downloading models: 98 MB …", "converting …"]
