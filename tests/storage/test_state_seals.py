"""Whoever can write a workspace, but not the folder of its key, cannot change accounts, thresholds, people or templates unnoticed."""

from __future__ import annotations

import json
import shutil
import time
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from engine.errors import StorageError, Tampered
from engine.gallery import Gallery, GalleryFile, Template
from engine.storage import FileDocument, atomic_write
from engine.storage.logs import sealer_of
from engine.storage.state import LIST, StateSeals
from engine.storage.vault import Vault
from engine.types import Person
from engine.workbench import Workbench

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)
DIMENSION = 1024


def opened(workspace: Path) -> Workbench:
    return Workbench(workspace, clock=lambda: NOW)


def rows(count: int, seed: int = 1) -> np.ndarray:
    made = np.random.default_rng(seed).normal(size=(count, DIMENSION)).astype(np.float32)
    return np.asarray(made / np.linalg.norm(made, axis=1, keepdims=True), np.float32)


@pytest.fixture
def workspace(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    """Accounts, people and templates, which only an attacker without keys cannot read."""
    place = tmp_path / "w"
    place.mkdir()
    if getattr(request, "param", "") == "plain":
        (place / "muster.toml").write_text("[encryption]\nat_rest = false\n")
    bench = opened(place)
    bench.accounts.add("root", "admin", "a long password")
    bench.accounts.add("vic", "viewer", "another password")
    bench.people.put_all(Person(key, f"Person {key}") for key in ("E1", "E2", "E3"))
    embeddings = rows(3, 7)[:, : bench.spec.dimension]
    embeddings /= np.linalg.norm(embeddings, axis=1, keepdims=True)
    templates = [Template(f"20261120T080000-{key}", key, 0.9) for key in ("E1", "E2", "E3")]
    bench.gallery.update(lambda gallery: gallery.add(templates, embeddings))
    bench.strangers.update(lambda gallery: gallery.add([Template("t", "unknown-1", 0.5)], embeddings[:1]))
    assert bench.records.verify() == []
    return place


def found(workspace: Path) -> set[tuple[str, str]]:
    return {(each.file, each.what) for each in opened(workspace).records.verify() if not each.harmless}


def test_a_viewer_does_not_become_an_administrator(workspace: Path) -> None:
    path = workspace / "accounts.json"
    running = opened(workspace)
    assert running.accounts.all()["vic"].role == "viewer"
    path.write_text(path.read_text().replace('"viewer"', '"admin"'))
    for bench in (running, opened(workspace)):
        with pytest.raises(Tampered, match=r"accounts\.json.*changed outside of Muster.*muster verify --accept"):
            bench.accounts.check("vic", "another password", NOW)
    assert found(workspace) == {("accounts.json", "changed")}


def test_nobody_becomes_the_first_visitor_by_removing_the_accounts(workspace: Path) -> None:
    (workspace / "accounts.json").unlink()
    (workspace / LIST).unlink()
    with pytest.raises(Tampered, match="is gone"):
        opened(workspace).accounts.all()
    with pytest.raises(Tampered):
        opened(workspace).accounts.add("eve", "admin", "a password of eve", first=True)
    assert ("accounts.json", "missing") in found(workspace)
    assert (LIST, "missing") in found(workspace)


def test_an_older_state_put_back_is_noticed(workspace: Path, tmp_path: Path) -> None:
    older = tmp_path / "older"
    shutil.copytree(workspace, older)
    opened(workspace).accounts.remove("vic")
    for name in ("accounts.json", LIST):
        shutil.copy(older / name, workspace / name)
    with pytest.raises(Tampered):
        opened(workspace).accounts.all()
    assert found(workspace) == {("accounts.json", "changed"), (LIST, "removed")}


def test_heads_kept_elsewhere_prove_it_without_a_witness(workspace: Path, tmp_path: Path) -> None:
    shutil.copytree(workspace, tmp_path / "older")
    bench = opened(workspace)
    bench.accounts.remove("vic")
    heads = bench.records.heads()
    assert bench.records.verify(against={name: [head] for name, head in heads.items()}) == []
    shutil.rmtree(workspace)
    shutil.move(tmp_path / "older", workspace)
    witnesses = bench.records.sealer.witnesses
    assert witnesses
    shutil.rmtree(witnesses)
    assert opened(workspace).records.verify() == []
    assert (LIST, "removed") in {
        (each.file, each.what)
        for each in opened(workspace).records.verify(against={name: [head] for name, head in heads.items()})
    }


def test_a_threshold_written_by_hand_is_not_in_force(workspace: Path) -> None:
    row = {
        **dict.fromkeys(("version", "restores", "people"), 1),
        **dict.fromkeys(("before", "gallery_version"), 0),
        **dict.fromkeys(("made_at", "author", "reason", "evaluation_id"), "x"),
        "action": "apply",
        "threshold": 0.05,
        "previous": 0.6,
    }
    bench = opened(workspace)
    before = bench.calibration.threshold()
    row |= {"model_id": bench.gallery.recipe[0], "alignment_id": bench.gallery.recipe[1]}
    (workspace / "calibration.json").write_text(json.dumps({"format": 1, "versions": [row]}))
    assert bench.calibration.threshold() == before, "a running camera keeps its threshold"
    with pytest.raises(Tampered, match="was not written by Muster"):
        opened(workspace).calibration.threshold()
    assert found(workspace) == {("calibration.json", "changed")}


@pytest.mark.parametrize("workspace", ["plain"], indirect=True)
def test_swapped_templates_are_set_aside_and_the_others_still_recognised(workspace: Path) -> None:
    path = workspace / "gallery" / "people.safetensors"
    content = path.read_bytes()
    path.write_bytes(content.replace(b'"E1\\"', b'"E9\\"').replace(b'"E2\\"', b'"E1\\"').replace(b'"E9\\"', b'"E2\\"'))
    assert path.read_bytes() != content
    bench = opened(workspace)
    assert bench.gallery.current().people == ("E3",)
    assert isinstance(bench.gallery.keep, GalleryFile)
    assert sorted(bench.gallery.keep.set_aside) == ["E1", "E2"]
    assert found(workspace) == {("gallery/people.safetensors", "changed")}
    with pytest.raises(Tampered):
        bench.gallery.update(lambda gallery: gallery.remove("E3"))
    path.write_bytes(content)
    assert opened(workspace).gallery.current().people == ("E1", "E2", "E3")
    assert found(workspace) == set()


def test_of_encrypted_templates_only_the_changed_ones_are_set_aside(workspace: Path) -> None:
    path = workspace / "gallery" / "people.safetensors"
    content = path.read_bytes()
    path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    assert opened(workspace).gallery.current().people == ("E1", "E2")
    assert found(workspace) == {("gallery/people.safetensors", "changed")}


@pytest.mark.parametrize("workspace", ["plain"], indirect=True)
def test_changed_strangers_are_kept_as_evidence_and_cameras_go_on(workspace: Path) -> None:
    path = workspace / "gallery" / "strangers.safetensors"
    path.write_bytes(path.read_bytes().replace(b"unknown-1", b"unknown-7"))
    bench = opened(workspace)
    face = rows(1, 9)[:, : bench.spec.dimension]
    face /= np.linalg.norm(face)
    bench.strangers.update(lambda gallery: gallery.add([Template("t2", "unknown-9", 0.5)], face))
    assert bench.strangers.current().people == ("unknown-9",)
    assert len(list(path.parent.glob("strangers.changed-*.safetensors"))) == 1


def test_a_table_edited_by_hand_is_used_and_told_until_somebody_accepts_it(workspace: Path) -> None:
    path = workspace / "people.csv"
    path.write_text(path.read_text().replace("Person E1", "Anna E1"))
    bench = opened(workspace)
    assert bench.people.names()["E1"] == "Anna E1"
    assert found(workspace) == {("people.csv", "changed")}
    with pytest.raises(Tampered, match=r"muster verify --accept people\.csv"):
        bench.people.remove("E2")
    assert bench.records.accept("people.csv", author="ann", reason="names were misspelt") == ["people.csv"]
    assert found(workspace) == set()
    assert [(row.action, row.subject, row.author) for row in bench.audit.read()] == [
        ("accept_file", "people.csv", "ann")
    ]
    bench.people.remove("E2")
    assert "E2" not in opened(workspace).people.all()


def test_a_workspace_without_seals_is_adopted_once(workspace: Path) -> None:
    bench = opened(workspace)
    (workspace / LIST).unlink()
    assert bench.records.sealer.witnesses
    shutil.rmtree(bench.records.sealer.witnesses)
    bench = opened(workspace)
    assert len(bench.accounts.all()) == 2, "an old workspace opens"
    assert not (workspace / LIST).exists(), "and asking changes nothing"
    bench.accounts.change("vic", language="de")
    opened(workspace).accounts.change("vic", language="en")
    (row,) = bench.audit.read()
    assert row.action == "seal_files"
    assert row.detail.split(", ") == [
        "accounts.json",
        "gallery/people.safetensors",
        "gallery/strangers.safetensors",
        "people.csv",
    ]
    assert [each for each in opened(workspace).records.verify() if not each.harmless and each.file != "audit.csv"] == []


@pytest.mark.parametrize("step", ["before", "after"])
def test_a_crash_in_mid_write_is_no_tampering(tmp_path: Path, step: str) -> None:
    seals = StateSeals(tmp_path, sealer_of(tmp_path))
    path = tmp_path / "accounts.json"
    kept = FileDocument(path, seal=seals.of("accounts.json"))
    with kept.exclusive():
        kept.write(b"one")

    def crash() -> None:
        with seals.replacing("accounts.json", b"two"):
            if step == "after":
                atomic_write(path, b"two")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        crash()
    again = StateSeals(tmp_path, sealer_of(tmp_path))
    assert again.check() == []
    kept = FileDocument(path, seal=again.of("accounts.json"))
    assert kept.read() == {"before": b"one", "after": b"two"}[step]
    with kept.exclusive():
        kept.write(b"three")
    path.write_bytes(b"one")
    with pytest.raises(StorageError):
        kept.read()


def test_the_first_write_that_crashes_leaves_no_finding(tmp_path: Path) -> None:
    seals = StateSeals(tmp_path, sealer_of(tmp_path))
    with pytest.raises(KeyboardInterrupt), seals.replacing("pins.json", b"[]"):
        raise KeyboardInterrupt
    assert seals.check() == []


def test_a_list_of_another_key_is_refused_until_all_is_accepted(workspace: Path) -> None:
    raw = json.loads((workspace / LIST).read_text())
    raw["counter"] += 10
    (workspace / LIST).write_text(json.dumps(raw))
    bench = opened(workspace)
    assert bench.records.sealer.witnesses
    (bench.records.sealer.witnesses / LIST).unlink()
    with pytest.raises(Tampered, match="no seal of this key"):
        opened(workspace).accounts.all()
    opened(workspace).records.accept("all", author="ann", reason="restored by hand")
    assert found(workspace) == set()
    assert len(opened(workspace).accounts.all()) == 2


def test_ten_thousand_people_open_in_time(tmp_path: Path) -> None:
    seals = StateSeals(tmp_path, sealer_of(tmp_path))
    path, name = tmp_path / "gallery" / "people.safetensors", "gallery/people.safetensors"
    keep = GalleryFile(path, Vault(tmp_path), seals.of(name))
    faces = rows(10_000)
    gallery = Gallery("m", "a", faces, tuple(Template(f"t{n}", f"E{n}", 0.9) for n in range(10_000)))
    keep.save(gallery, gallery)
    begin = time.process_time()  # not of other processes
    again = GalleryFile(path, Vault(tmp_path), StateSeals(tmp_path, sealer_of(tmp_path)).of(name)).load(gallery)
    assert time.process_time() - begin < 2
    assert len(again) == 10_000
