"""Commands on terminals and pipes that cannot show every character."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

DEPARTMENT = "Łódź – Einkäufer"


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with one person whose name is not ASCII."""
    folder = tmp_path_factory.mktemp("workspace")
    (folder / "muster.toml").write_text("", encoding="utf-8")
    (folder / "staff.csv").write_text("id,name,department\nk-7,Łucja Jürgensen,Mill\n", encoding="utf-8")
    return folder


def run(*words: str | Path, encoding: str) -> subprocess.CompletedProcess[bytes]:
    """Run `muster` in a process with the locale of a bare system and this encoding of its output."""
    environment = {**os.environ, "LANG": "C", "LC_ALL": "C", "PYTHONIOENCODING": encoding}
    program = [sys.executable, "-c", "import sys; from engine.cli import main; sys.argv[0] = 'muster'; main()"]
    return subprocess.run([*program, *map(str, words)], capture_output=True, env=environment, timeout=60, check=False)


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp1252"])
def test_help_errors_and_data_reach_poor_terminals(workspace: Path, encoding: str) -> None:
    assert run("--help", encoding=encoding).returncode == 0
    imported = run("staff", "import", workspace / "staff.csv", "--workspace", workspace, encoding=encoding)
    assert imported.returncode == 0, imported.stderr

    failed = run("staff", "history", "nobody", "--workspace", workspace, encoding=encoding)
    assert failed.returncode == 4
    assert failed.stderr.decode(encoding).count("\n") == 1
    assert b" -> " in failed.stderr, "the arrow has a plain form"

    changed = ("staff", "change", "k-7", "--department", DEPARTMENT, "--from", "2026-01-05", "--workspace", workspace)
    assert run(*changed, encoding=encoding).returncode == 0
    shown = run("staff", "history", "k-7", "--workspace", workspace, "--json", encoding=encoding)
    assert shown.returncode == 0, shown.stderr
    assert DEPARTMENT in json.dumps(json.loads(shown.stdout.decode(encoding)), ensure_ascii=False)
    table = run("staff", "history", "k-7", "--workspace", workspace, encoding=encoding)
    assert table.returncode == 0, table.stderr
    assert b"\\u0141\\xf3d\\u017a" in table.stdout or encoding != "ascii", "what cannot be shown is numbered, not lost"


def test_a_file_name_that_is_no_text_can_be_named(workspace: Path) -> None:
    folder = os.fsencode(workspace) + b"/f\xfcr"
    Path(os.fsdecode(folder)).mkdir()
    answer = run("enrol", os.fsdecode(folder), "--workspace", workspace, encoding="utf-8")
    assert answer.returncode in {4, 7}
    assert b"internal error" not in answer.stderr
