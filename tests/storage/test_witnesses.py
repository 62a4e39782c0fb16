"""Witnesses follow the workspace wherever it is moved, tell a copy apart, and cannot be lost by editing what names them."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

import pytest
from log_builders import DAY, OTHER, add, kept, opened, remove_a_closed_day

from engine.storage.logs import Finding, KeyMissing, key_folder, sealer_of


def faults(workspace: Path, chosen: Path | None = None) -> set[str]:
    log, _ = opened(workspace, chosen)
    found: list[Finding] = log.check() + log.journal.file.check()
    return {each.file for each in found if not each.harmless}


GONE = {"seals.csv", f"attendance-{DAY}.csv"}


@pytest.mark.parametrize("chosen", [False, True])
@pytest.mark.parametrize("times", [1, 2])
def test_a_moved_workspace_keeps_its_witnesses(tmp_path: Path, times: int, chosen: bool) -> None:
    key = tmp_path / "chosen.key" if chosen else None
    kept(tmp_path / "w", key)
    place = tmp_path / "w"
    for number in range(times):
        place = place.rename(tmp_path / f"moved {number}")
    assert faults(place, key) == set()
    remove_a_closed_day(place / "log")
    assert faults(place, key) == GONE
    add(opened(place, key)[0], OTHER, 2, 20)
    assert faults(place, key) == GONE, "what follows hides nothing"
    assert faults(place.rename(tmp_path / "again"), key) == GONE


def test_a_copy_beside_the_original_raises_no_alarm_and_is_watched_from_its_first_change(tmp_path: Path) -> None:
    kept(tmp_path / "w")
    shutil.copytree(tmp_path / "w", tmp_path / "copy")
    add(opened(tmp_path / "w")[0], OTHER, 3, 20)
    assert faults(tmp_path / "copy") == faults(tmp_path / "w") == set()
    add(opened(tmp_path / "copy")[0], OTHER, 1, 40)
    add(opened(tmp_path / "w")[0], OTHER, 1, 60)
    assert faults(tmp_path / "copy") == faults(tmp_path / "w") == set()
    moved = (tmp_path / "copy").rename(tmp_path / "copy 2")
    shutil.copytree(moved, tmp_path / "copy of the copy")
    add(opened(tmp_path / "copy of the copy")[0], OTHER, 1, 80)
    add(opened(moved)[0], OTHER, 1, 90)
    for name in ("w", "copy 2", "copy of the copy"):
        assert faults(tmp_path / name) == set()
        remove_a_closed_day(tmp_path / name / "log")
        assert faults(tmp_path / name) == GONE


def test_a_copy_made_again_where_another_was_deleted_raises_no_alarm(tmp_path: Path) -> None:
    kept(tmp_path / "w")
    for first in (40, 60):
        shutil.copytree(tmp_path / "w", tmp_path / "copy")
        add(opened(tmp_path / "copy")[0], OTHER, 5, first)
        assert faults(tmp_path / "copy") == set()
        shutil.rmtree(tmp_path / "copy")
    shutil.copytree(tmp_path / "w", tmp_path / "elsewhere")
    assert faults(tmp_path / "elsewhere") == set()


def test_a_copy_takes_the_place_of_its_original(tmp_path: Path) -> None:
    kept(tmp_path / "w")
    shutil.copytree(tmp_path / "w", tmp_path / "copy")
    add(opened(tmp_path / "copy")[0], OTHER, 1, 40)
    add(opened(tmp_path / "w")[0], OTHER, 4, 60)
    (tmp_path / "w").rename(tmp_path / "broken")
    (tmp_path / "copy").rename(tmp_path / "w")
    assert faults(tmp_path / "w") == faults(tmp_path / "broken") == set()
    remove_a_closed_day(tmp_path / "w" / "log")
    assert faults(tmp_path / "w") == GONE


@pytest.mark.parametrize("moved", [False, True])
@pytest.mark.parametrize("chosen", [False, True])
@pytest.mark.parametrize("text", [None, "{name} 0badc0de", "{name} {copy}", "0123456789abcdef"])
def test_editing_what_names_them_loses_no_witness(tmp_path: Path, text: str | None, chosen: bool, moved: bool) -> None:
    """`copy`: the word of a copy that was deleted since."""
    key = tmp_path / "chosen.key" if chosen else None
    kept(tmp_path / "w", key)
    shutil.copytree(tmp_path / "w", tmp_path / "copy")
    add(opened(tmp_path / "copy", key)[0], OTHER, 1, 40)
    word = (tmp_path / "copy" / "seal.id").read_text().split()[1]
    shutil.rmtree(tmp_path / "copy")
    place = (tmp_path / "w").rename(tmp_path / "moved") if moved else tmp_path / "w"
    if moved and not (text or "").startswith("{name}"):
        add(opened(place, key)[0], OTHER, 1, 50)  # a place is noted with the first change there
    marker = place / "seal.id"
    name = marker.read_text().split()[0]
    remove_a_closed_day(place / "log")
    marker.unlink() if text is None else marker.write_text(text.format(name=name, copy=word))
    if not chosen and (text is None or name not in text.format(name=name, copy=word)):
        with pytest.raises(KeyMissing):  # verification says that the key is gone
            faults(place, key)
        return
    assert faults(place, key) == GONE
    add(opened(place, key)[0], OTHER, 1, 70)
    assert faults(place, key) == GONE


def test_an_older_copy_where_the_original_was_is_found(tmp_path: Path) -> None:
    kept(tmp_path / "w")
    shutil.copytree(tmp_path / "w", tmp_path / "older")
    add(opened(tmp_path / "w")[0], OTHER, 2, 20)
    shutil.rmtree(tmp_path / "w")
    shutil.copytree(tmp_path / "older", tmp_path / "w")
    assert faults(tmp_path / "w") == {f"attendance-{OTHER}.csv"}


@pytest.mark.parametrize("chosen", [False, True])
def test_witnesses_of_an_earlier_version_are_taken_over(tmp_path: Path, chosen: bool) -> None:
    key, workspace = tmp_path / "chosen.key" if chosen else None, tmp_path / "w"
    kept(workspace, key)
    name = (workspace / "seal.id").read_text().strip()
    own = key_folder() / "heads" / name
    place = hashlib.sha256(str(workspace.resolve()).encode()).hexdigest()[:8]
    (own / "home").unlink()
    own.rename(own.with_name(f"w-{place}"))
    if chosen:
        (workspace / "seal.id").unlink()
    shutil.copytree(workspace, tmp_path / "attacked")
    remove_a_closed_day(workspace / "log")
    assert faults(workspace, key) == GONE
    add(opened(workspace, key)[0], OTHER, 1, 20)
    assert faults(workspace, key) == GONE
    assert faults(workspace.rename(tmp_path / "moved"), key) == GONE
    assert not own.with_name(f"w-{place}").exists()


# ----------------------------------------------------------------------------------------- the key itself


@pytest.mark.parametrize("kind", ["outside", "chosen", "inside"])
def test_a_workspace_that_is_sealed_gets_no_other_key_by_itself(tmp_path: Path, kind: str) -> None:
    workspace, key = tmp_path / "w", tmp_path / "chosen.key" if kind == "chosen" else None
    kept(workspace, key)
    path = sealer_of(workspace, key).key_path
    if kind == "inside":
        path = path.rename(workspace / "seal.key")
        (workspace / "seal.id").unlink()
    lost = path.rename(tmp_path / "lost")
    before = {each: each.read_bytes() for each in workspace.rglob("*.csv")}
    log, _ = opened(workspace, key)
    with pytest.raises(KeyMissing, match="is gone") as error:
        add(log, OTHER, 1, 20)
    assert "muster keys begin" in error.value.hint
    assert not path.exists()
    assert {each: each.read_bytes() for each in workspace.rglob("*.csv")} == before
    assert len(log.read(DAY)) == 5, "reading goes on"
    lost.rename(path)
    add(opened(workspace, key)[0], OTHER, 1, 20)
    assert faults(workspace, key) == set()


def test_the_folder_of_keys_is_looked_for_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept(tmp_path / "w")
    log, _ = opened(tmp_path / "w")
    at_home = key_folder()
    monkeypatch.setenv("MUSTER_KEYS", str(tmp_path / "another user"))
    with pytest.raises(KeyMissing):
        add(log, OTHER, 1, 20)
    assert not (tmp_path / "another user").exists()
    monkeypatch.setenv("MUSTER_KEYS", str(at_home))
    add(log, OTHER, 1, 20)
    assert log.check() == []
