"""A copy that nobody may write is read without locks, and nothing is written there without one."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from engine.errors import StorageError
from engine.storage import append_lines, locked


def test_a_folder_without_write_access_needs_no_lock_and_takes_no_row(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "rows.csv").write_text("a,b\n1,2\n")
    # what a read-only mount says; the tests may run as root, whom access rights do not stop
    monkeypatch.setattr(os, "access", lambda _path, mode: mode != os.W_OK)
    with locked(tmp_path / "rows.csv"):
        assert (tmp_path / "rows.csv").read_text() == "a,b\n1,2\n"
    assert [path.name for path in tmp_path.iterdir()] == ["rows.csv"]
    with pytest.raises(StorageError, match="Permission denied"):
        append_lines(tmp_path / "rows.csv", "a,b\n", ["3,4\n"])
    assert (tmp_path / "rows.csv").read_text() == "a,b\n1,2\n"
