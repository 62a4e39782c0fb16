"""What is said when torch and torchvision do not belong together: nothing is downloaded, and the hint names the next step."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

# what the wheels on the usual index say beside a torch that was built for CPUs; and where CUDA's libraries were deleted
BROKEN = {
    "torchvision": "raise RuntimeError('operator torchvision::nms does not exist')\n",
    "torch": "raise OSError('libcudart.so.13: cannot open shared object file')\n",
}


@pytest.mark.parametrize("package", BROKEN)
def test_packages_that_do_not_fit_are_named_before_anything_is_fetched(tmp_path: Path, package: str) -> None:
    (tmp_path / "site" / package).mkdir(parents=True)
    (tmp_path / "site" / package / "__init__.py").write_text(BROKEN[package])
    here = os.environ.get("PYTHONPATH", str(Path(__file__).parents[2]))
    done = subprocess.run(
        [sys.executable, "-c", "from engine.cli import main; main()", "models", "fetch"],
        env={
            **os.environ,
            "PYTHONPATH": f"{tmp_path / 'site'}{os.pathsep}{here}",
            "MUSTER_CACHE": str(tmp_path / "cache"),
        },
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 5, done.stderr
    assert "torch " in done.stderr
    assert "docs/installing.md" in done.stderr.replace("\n", " ")
    assert "downloading" not in done.stderr + done.stdout
    assert not [each for each in (tmp_path / "cache").rglob("*") if each.is_file() and each.suffix != ".lock"]
