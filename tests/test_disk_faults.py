"""A disk that fails in the middle: nothing that a recorder was given is lost, and nothing that an office was told is done."""

from __future__ import annotations

from pathlib import Path

import pytest
from disk_faults import can_fail, clean, mounted, run


@pytest.mark.parametrize("kinds", [("read-only", "full"), ("error", "torn write", "sync alone")])
def test_a_disk_that_fails_and_works_again_has_everything_once(tmp_path: Path, kinds: tuple[str, ...]) -> None:
    with mounted(tmp_path / "tried") as may:
        if not (may if "full" in kinds else can_fail()):
            pytest.skip("nothing may be mounted here" if "full" in kinds else "there is no C compiler")
    folder = tmp_path / "run"
    folder.mkdir()
    seen = run(folder, 4, kinds=kinds, fails_s=(0.5, 1.0))
    assert clean(seen), seen
