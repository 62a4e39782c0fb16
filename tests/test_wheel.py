"""The wheel holds the whole product: what is installed from it serves pages, kiosk and catalogues without the project's folder."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from browser import free_port
from served import answers, up

ROOT = Path(__file__).parents[1]
NO_PART = re.compile(r"(^|/)(__pycache__|\.)|\.(pyc|pot)$")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built from the files that git has, as `pip wheel` does."""
    source, folder = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("wheel")
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for name in filter(None, listed.split("\0")):
        if name.startswith(("engine/", "app/")) or "/" not in name:
            target = source / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes((ROOT / name).read_bytes())
    build = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--wheel-dir"]
    subprocess.run([*build, str(folder), str(source)], check=True, timeout=120)
    return next(folder.glob("muster-*.whl"))


def test_every_file_of_the_product_is_in_it(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as opened:
        there = set(opened.namelist())
    listed = subprocess.run(["git", "ls-files", "engine", "app"], cwd=ROOT, capture_output=True, text=True, check=True)
    missing = [name for name in listed.stdout.splitlines() if name not in there and not NO_PART.search(name)]
    assert missing == []
    assert not [name for name in there if name.startswith(("tests", "docs", "notebooks"))]


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder into which it was installed, without what it stands on."""
    folder = tmp_path_factory.mktemp("installed")
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", str(folder), str(wheel)]
    subprocess.run(pip, check=True, timeout=120)
    return folder


def environment(installed: Path) -> dict[str, str]:
    """In which Python finds this installation only, and prints where it found it."""
    return {**os.environ, "PYTHONPATH": str(installed), "PYTHONSAFEPATH": "1"}


def test_its_program_runs(installed: Path, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, str(installed / "bin" / "muster"), "models", "list", "--json"],
        env=environment(installed),
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "mobilefacenet" in done.stdout
    place = [sys.executable, "-c", "import engine, app; print(engine.__file__, app.__file__)"]
    found = subprocess.run(place, env=environment(installed), cwd=tmp_path, capture_output=True, text=True, check=True)
    assert all(each.startswith(str(installed)) for each in found.stdout.split()), found.stdout


@pytest.mark.parametrize(
    ("words", "pages"),
    [
        (["app"], ["/healthz", "/sign-in", "/assets/sign_in.css", "/assets/muster.svg"]),
        (["app.kiosk", "entrance", "0"], ["/healthz"]),
    ],
    ids=["workbench", "kiosk"],
)
def test_its_servers_answer(installed: Path, tmp_path: Path, words: list[str], pages: list[str]) -> None:
    port, told = free_port(), tmp_path / "server.log"
    module, *more = words
    command = [sys.executable, "-m", module, str(tmp_path), *more, "127.0.0.1", str(port)]
    with told.open("wb") as output:
        process = subprocess.Popen(
            command, env=environment(installed), cwd=tmp_path, stdout=output, stderr=subprocess.STDOUT
        )
        with up(process, lambda: answers(f"http://127.0.0.1:{port}/healthz"), told):
            assert all(answers(f"http://127.0.0.1:{port}{page}") for page in pages)
