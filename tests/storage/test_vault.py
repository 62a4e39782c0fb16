"""Encryption at rest: bound to its place, gone with its key, and whole after a copy, a crash and a rotation."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from engine.errors import InputError, StorageError
from engine.imaging import read_image
from engine.storage.logs.witnesses import key_folder
from engine.storage.vault import KeyErased, Owner, Ring, Vault, read_file

ANN, BOB = Owner.person("E1"), Owner.person("E2")


@pytest.fixture(autouse=True)
def _own_keys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MUSTER_KEYS", str(tmp_path / "keys"))


@pytest.fixture
def vault(tmp_path: Path) -> Vault:
    """Two people's pictures."""
    vault = Vault(tmp_path / "w")
    vault.write(tmp_path / "w" / "images" / "enrolment" / "ann.jpg", b"the face of Ann", ANN)
    vault.write(tmp_path / "w" / "images" / "enrolment" / "bob.jpg", b"the face of Bob", BOB)
    return vault


def picture(workspace: Path, name: str) -> Path:
    return workspace / "images" / "enrolment" / f"{name}.jpg"


def of(owner: str) -> Callable[[str], bool]:
    return lambda each: each == owner


def test_what_is_written_can_be_read_and_is_not_there_to_be_seen(vault: Vault) -> None:
    path = picture(vault.workspace, "ann")
    assert read_file(path) == b"the face of Ann"
    assert b"Ann" not in path.read_bytes()
    assert not any(b"Ann" in each.read_bytes() for each in vault.workspace.rglob("*") if each.is_file())
    again = path.read_bytes()
    vault.write(path, b"the face of Ann", ANN)
    assert path.read_bytes() != again  # another nonce


def test_a_plain_file_is_read_as_it_is_and_off_means_plain(tmp_path: Path) -> None:
    off, path = Vault(tmp_path, at_rest=False), tmp_path / "images" / "unknown" / "a.jpg"
    off.write(path, b"plain", Owner.picture(path))
    assert path.read_bytes() == read_file(path) == b"plain"
    assert not off.ring.exists
    Vault(tmp_path).write(path, b"hidden", Owner.picture(path))
    assert off.read(path) == b"hidden"


@pytest.mark.parametrize("what", ["another person's", "another name", "another folder", "a bit", "the end", "a header"])
def test_a_file_that_is_not_what_it_says_is_refused(vault: Vault, what: str) -> None:
    ann, bob = picture(vault.workspace, "ann"), picture(vault.workspace, "bob")
    content = ann.read_bytes()
    if what == "another person's":
        bob.replace(ann)
    elif what == "another name":
        ann = ann.rename(ann.with_name("ann2.jpg"))
    elif what == "another folder":
        (vault.workspace / "images" / "evidence").mkdir()
        ann = ann.rename(vault.workspace / "images" / "evidence" / "ann.jpg")
    elif what == "a bit":
        ann.write_bytes(content[:50] + bytes([content[50] ^ 1]) + content[51:])
    else:
        ann.write_bytes(content[:-1] if what == "the end" else content[:20])
    with pytest.raises(StorageError, match=r"was changed|is not in"):
        read_file(ann)


def test_a_file_of_another_workspace_is_refused(vault: Vault, tmp_path: Path) -> None:
    other = Vault(tmp_path / "other")
    other.write(picture(other.workspace, "ann"), b"another Ann", ANN)
    picture(other.workspace, "ann").replace(picture(vault.workspace, "ann"))
    with pytest.raises(StorageError, match=r"is not in .* older copy"):
        read_file(picture(vault.workspace, "ann"))


def test_who_is_erased_cannot_be_read_in_any_copy_and_others_can(vault: Vault, tmp_path: Path) -> None:
    shutil.copytree(vault.workspace, tmp_path / "backup")
    assert vault.ring.destroy(of(ANN)) == 1
    for folder in (vault.workspace, tmp_path / "backup"):
        with pytest.raises(KeyErased):
            read_file(picture(folder, "ann"))
        assert read_file(picture(folder, "bob")) == b"the face of Bob"
    assert not any(b"E1" in path.read_bytes() for path in key_folder().rglob("*") if path.is_file())
    vault.write(picture(vault.workspace, "ann"), b"enrolled again", ANN)
    assert read_file(picture(vault.workspace, "ann")) == b"enrolled again"
    with pytest.raises(KeyErased):
        read_file(picture(tmp_path / "backup", "ann"))


def test_a_copy_that_is_worked_with_does_not_erase_in_the_original(vault: Vault, tmp_path: Path) -> None:
    copy = Vault(shutil.copytree(vault.workspace, tmp_path / "copy"))
    assert copy.ring.destroy(of(ANN)) == 1
    assert read_file(picture(vault.workspace, "ann")) == b"the face of Ann"
    with pytest.raises(KeyErased):
        read_file(picture(copy.workspace, "ann"))
    assert read_file(picture(copy.workspace, "bob")) == b"the face of Bob"
    vault.ring.destroy(of(BOB))
    assert read_file(picture(copy.workspace, "bob")) == b"the face of Bob"


def test_a_workspace_that_moves_keeps_its_keys(vault: Vault, tmp_path: Path) -> None:
    moved = Vault(vault.workspace.rename(tmp_path / "moved"))
    moved.write(picture(moved.workspace, "carl"), b"the face of Carl", Owner.person("E3"))
    assert read_file(picture(moved.workspace, "ann")) == b"the face of Ann"
    assert len(list((key_folder() / "vaults").iterdir())) == 1


def test_a_picture_that_is_erased_takes_its_key_along(vault: Vault, tmp_path: Path) -> None:
    path = vault.workspace / "images" / "tailgating" / "1-before.jpg"
    vault.write(path, b"before", Owner.picture(path))
    backup = shutil.copytree(vault.workspace, tmp_path / "backup") / "images" / "tailgating" / "1-before.jpg"
    vault.rewrite(path, b"with a hidden face")
    assert read_file(path) == b"with a hidden face"
    with pytest.raises(StorageError, match="is not in"):
        read_file(backup)
    assert vault.erase(path)
    assert not vault.erase(path)
    assert vault.ring.owners("picture") == []


def test_rotating_changes_the_workspace_key_and_no_file(vault: Vault) -> None:
    before, files = {*vault.ring.folder.glob("*.key")}, picture(vault.workspace, "ann").read_bytes()
    elsewhere = Ring(vault.workspace)  # another process, which has read the old key
    assert elsewhere.owners("person") == [ANN, BOB]
    name = vault.ring.rotate()
    assert [each.stem for each in vault.ring.folder.glob("*.key")] == [name]
    assert not before & {*vault.ring.folder.glob("*.key")}
    assert picture(vault.workspace, "ann").read_bytes() == files
    assert read_file(picture(vault.workspace, "ann")) == b"the face of Ann"
    assert elsewhere.names_for([ANN, Owner.person("E3")]).keys() == {ANN, Owner.person("E3")}
    assert vault.ring.owners("person") == [ANN, BOB, Owner.person("E3")]


@pytest.mark.parametrize("lost", ["ring", "*.key", "."])
def test_lost_keys_are_told_in_a_line_with_the_next_step(vault: Vault, lost: str) -> None:
    folder = vault.ring.folder
    if lost == ".":
        shutil.rmtree(folder)
    else:
        next(folder.glob(lost)).unlink()
    again = Vault(vault.workspace)
    again.ring = Ring(vault.workspace)
    with pytest.raises(StorageError, match=r"the keys of .* are missing.* → put the folder of keys back") as caught:
        again.read(picture(vault.workspace, "ann"))
    assert "\n" not in str(caught.value)
    with pytest.raises(StorageError, match="are missing"):  # and no new ones are made beside what cannot be read
        again.write(picture(vault.workspace, "carl"), b"Carl", Owner.person("E3"))


def test_a_key_of_another_workspace_does_not_open_the_ring(vault: Vault) -> None:
    (key,) = vault.ring.folder.glob("*.key")
    key.write_text("00" * 32)
    with pytest.raises(StorageError, match="does not open the key of"):
        Ring(vault.workspace).cipher(vault.ring.names_for([ANN])[ANN])


def test_a_ring_of_which_a_crash_left_half_a_line_goes_on(vault: Vault) -> None:
    path = vault.ring.folder / "ring"
    with path.open("ab") as handle:
        handle.write(b'["0123')
    ring = Ring(vault.workspace)
    assert ring.owners("person") == [ANN, BOB]
    assert ring.names_for([Owner.person("E3")])
    assert Ring(vault.workspace).owners("person") == [ANN, BOB, Owner.person("E3")]


def test_without_a_place_outside_the_keys_lie_in_the_workspace_and_that_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("MUSTER_KEYS", str(tmp_path / "file" / "keys"))
    vault, path = Vault(tmp_path / "w"), picture(tmp_path / "w", "ann")
    vault.write(path, b"the face of Ann", ANN)
    assert read_file(path) == b"the face of Ann"
    state = vault.ring.state()
    assert state is not None
    assert state.inside


def test_a_picture_that_cannot_be_opened_is_refused_like_a_damaged_one(vault: Vault, tmp_path: Path) -> None:
    path = tmp_path / "out.jpg"
    shutil.copy(picture(vault.workspace, "ann"), path)
    with pytest.raises(InputError, match="is encrypted, and in no folder above"):
        read_image(path)


def test_processes_that_make_keys_at_once_agree(tmp_path: Path) -> None:
    def make(numbers: range) -> None:
        vault = Vault(tmp_path / "w")
        vault.ring = Ring(tmp_path / "w")  # as in a process of its own
        for number in numbers:
            vault.write(picture(vault.workspace, f"p{number}"), f"{number}".encode(), Owner.person(f"P{number % 7}"))

    with ThreadPoolExecutor() as pool:
        list(pool.map(make, [range(0, 10), range(10, 20), range(20, 30)]))
    assert [read_file(picture(tmp_path / "w", f"p{n}")) for n in range(30)] == [f"{n}".encode() for n in range(30)]
    assert len(Ring(tmp_path / "w").owners("person")) == 7
