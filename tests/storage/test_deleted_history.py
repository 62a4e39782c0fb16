"""Whoever can write a workspace, but not the folder of its key, cannot delete history or put an older one in its place unnoticed."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from log_builders import DAY, LATER, OTHER, add, kept, opened, remove, remove_a_closed_day, rows

from engine.storage.logs import key_folder, sealer_of


def remove_the_open_day(folder: Path) -> None:
    name = f"attendance-{OTHER}.csv"
    remove(folder, name, f".heads/{name}")


def cut_rows_without_heads(folder: Path) -> None:
    path = folder / f"attendance-{OTHER}.csv"
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:-1]))
    remove(folder, ".heads", "seals.csv")


def remove_all(folder: Path) -> None:
    shutil.rmtree(folder)


ATTACKS: dict[Callable[[Path], None], set[tuple[str, str]]] = {
    remove_a_closed_day: {("seals.csv", "missing"), (f"attendance-{DAY}.csv", "missing")},
    remove_the_open_day: {(f"attendance-{OTHER}.csv", "missing")},
    cut_rows_without_heads: {("seals.csv", "missing"), (f"attendance-{OTHER}.csv", "removed")},
    remove_all: {(name, "missing") for name in ("seals.csv", f"attendance-{DAY}.csv", f"attendance-{OTHER}.csv")},
}


@pytest.mark.parametrize("attack", ATTACKS)
def test_deleted_history_is_missed(tmp_path: Path, attack: Callable[[Path], None]) -> None:
    workspace = tmp_path / "w"
    before = kept(workspace)
    assert before.check() + before.journal.file.check() == []
    attack(workspace / "log")
    log, _ = opened(workspace)
    found = log.check() + log.journal.file.check()
    assert {(each.file, each.what) for each in found if not each.harmless} == ATTACKS[attack]
    add(log, OTHER, 4, 20)  # what follows hides nothing
    found = log.check() + log.journal.file.check()
    assert {each.file for each in found if not each.harmless} == {file for file, _ in ATTACKS[attack]}


def test_an_older_copy_in_its_place_is_missed(tmp_path: Path) -> None:
    workspace = tmp_path / "w"
    log = kept(workspace)
    shutil.copytree(workspace / "log", tmp_path / "older")
    add(log, OTHER, 2, 20)
    shutil.rmtree(workspace / "log")
    shutil.move(tmp_path / "older", workspace / "log")
    (finding,) = opened(workspace)[0].check()
    assert (finding.what, finding.detail) == ("removed", "rows 4 to 5 were removed after row 3 (e12 E12)")


def test_what_was_deleted_on_purpose_is_not_missed(tmp_path: Path) -> None:
    log = kept(tmp_path / "w")
    log.purge(DAY, LATER, "retention")
    assert opened(tmp_path / "w")[0].check() == []


def test_a_copy_of_a_workspace_goes_on_by_itself(tmp_path: Path) -> None:
    kept(tmp_path / "w")
    shutil.copytree(tmp_path / "w", tmp_path / "copy")
    for name, first in (("w", 20), ("copy", 40), ("w", 60)):
        log, _ = opened(tmp_path / name)
        with log.exclusive():
            log.append(OTHER, rows(2, first))
        assert log.check() == []


def test_heads_kept_elsewhere_prove_a_deletion_even_to_whoever_has_the_key(tmp_path: Path) -> None:
    workspace = tmp_path / "w"
    log = kept(workspace)
    heads = log.heads() | log.journal.file.heads()
    assert {name: head.rows for name, head in heads.items()} == {
        f"attendance-{DAY}": 5,
        f"attendance-{OTHER}": 3,
        "seals": 1,
    }
    add(log, OTHER, 1, 20)
    assert log.check(against={name: [head] for name, head in heads.items()}) == [], "what was added since is no finding"
    remove_all(workspace / "log")
    assert log.sealer.witnesses is not None
    shutil.rmtree(log.sealer.witnesses)
    log, _ = opened(workspace)
    add(log, OTHER, 4, 30)
    assert log.check() == []
    assert {(each.file, each.what) for each in log.check(against={name: [head] for name, head in heads.items()})} == {
        (f"attendance-{DAY}.csv", "missing"),
        (f"attendance-{OTHER}.csv", "changed"),
    }


def test_a_new_workspace_has_its_key_outside_and_an_old_one_keeps_its_own(tmp_path: Path) -> None:
    (tmp_path / "new").mkdir()
    log, _ = opened(tmp_path / "new")
    assert not (tmp_path / "new" / "seal.id").exists(), "nothing is made before it is needed"
    add(log, DAY, 1)
    name = (tmp_path / "new" / "seal.id").read_text().strip()
    assert log.sealer.key_path == key_folder() / f"{name}.key"
    assert log.sealer.key_path.stat().st_mode & 0o077 == 0
    assert not (tmp_path / "new" / "seal.key").exists()
    assert opened(tmp_path / "new")[0].check() == []
    (tmp_path / "old").mkdir()
    shutil.copy(log.sealer.key_path, tmp_path / "old" / "seal.key")
    assert sealer_of(tmp_path / "old").key_path == tmp_path / "old" / "seal.key"
    assert sealer_of(tmp_path / "old", tmp_path / "chosen").key_path == tmp_path / "chosen"


def test_without_a_folder_for_keys_the_workspace_keeps_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("MUSTER_KEYS", str(tmp_path / "file" / "keys"))
    (tmp_path / "w").mkdir()
    log, _ = opened(tmp_path / "w")
    add(log, DAY, 2)
    assert (tmp_path / "w" / "seal.key").exists()
    again, _ = opened(tmp_path / "w")
    add(again, DAY, 1, 3)
    assert again.check() == []
