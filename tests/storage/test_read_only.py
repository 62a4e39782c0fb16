"""A copy that nobody may write is read without locks, and nothing is written there without one."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from engine.errors import StorageError
from engine.storage import append_lines, atomic_write, locked, storage_errors


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


@pytest.mark.parametrize("number", [errno.EACCES, errno.EPERM, errno.EROFS])
def test_whoever_may_not_write_is_told_where_and_how_to_choose_another_folder(number: int) -> None:
    """Keys and models lie outside of the workspace: the hint must not send people there."""
    path = Path("/home/nobody/.config/muster/keys/1.key")
    with pytest.raises(StorageError) as told, storage_errors(path):
        raise OSError(number, os.strerror(number))
    assert str(path.parent) in told.value.hint
    assert all(each in told.value.hint for each in ("--workspace", "MUSTER_KEYS", "MUSTER_CACHE"))


def test_a_folder_below_a_file_is_told(tmp_path: Path) -> None:
    """As with the home folder `/dev/null` of some service logins."""
    (tmp_path / "home").write_text("")
    with pytest.raises(StorageError) as told:
        atomic_write(tmp_path / "home" / "keys" / "1.key", b"")
    assert "MUSTER_KEYS" in told.value.hint
