"""Faces of those who passed: found by likeness, encrypted, erased from every copy, and gone when their time is over."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from fakes import T0, unit
from numpy.typing import NDArray

from engine.gallery import SeenFace, SeenFaces
from engine.storage.vault import Vault

DAY = T0.date()
FACES = {"ann": unit(1, 0, 0, 0), "bob": unit(0, 1, 0, 0), "cat": unit(0.8, 0, 0.6, 0)}


def seen(workspace: Path, *, at_rest: bool = True, model: str = "one", **more: bool) -> SeenFaces:
    return SeenFaces(workspace, ZoneInfo("UTC"), (model, "aligned"), 4, Vault(workspace, at_rest=at_rest), **more)


def passage(track: str, person: str = "", *, days_ago: int = 0, camera: str = "door") -> SeenFace:
    time = T0 - timedelta(days=days_ago)
    return SeenFace(track, camera, time, time + timedelta(seconds=3), "known" if person else "pending", person)


def tracks(faces: Sequence[SeenFace]) -> list[str]:
    return [each.track for each in faces]


@pytest.fixture
def place(tmp_path: Path) -> Path:
    book = seen(tmp_path)
    book.record(passage("r-1", "ann"), FACES["ann"])
    book.record(passage("r-2", "bob", camera="gate"), FACES["bob"])
    book.record(passage("r-3", days_ago=2), FACES["cat"])
    return tmp_path


def test_the_most_alike_comes_first_and_filters_hold(place: Path) -> None:
    book, probe = seen(place), FACES["ann"]
    hits, total = book.search(probe)
    assert ([hit.face.track for hit in hits], total) == (["r-1", "r-3", "r-2"], 3)
    assert [hit.similarity for hit in hits] == pytest.approx([1, 0.8, 0], abs=0.005)
    assert hits[0].face == passage("r-1", "ann")
    assert tracks([hit.face for hit in book.search(probe, camera="gate")[0]]) == ["r-2"]
    assert tracks([hit.face for hit in book.search(probe, first=DAY)[0]]) == ["r-1", "r-2"]
    assert tracks([hit.face for hit in book.search(probe, last=DAY - timedelta(days=1))[0]]) == ["r-3"]
    assert book.search(probe, at_least=0.5, limit=1)[1] == 2
    assert book.search(probe, first=DAY + timedelta(days=1)) == ([], 0)
    assert (book.days(), book.cameras()) == ([DAY - timedelta(days=2), DAY], ["door", "gate"])


def test_eight_bits_move_a_similarity_by_less_than_two_thousandths(tmp_path: Path) -> None:
    rng, book = np.random.default_rng(7), SeenFaces(tmp_path, ZoneInfo("UTC"), ("one", "a"), 320, Vault(tmp_path))
    rows = rng.normal(size=(200, 320)).astype(np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    for place, row in enumerate(rows):
        book.record(passage(f"r-{place}"), row)
    found = {hit.face.track: hit.similarity for hit in book.search(rows[0], limit=200)[0]}
    exact = {f"r-{place}": float(row @ rows[0]) for place, row in enumerate(rows)}
    assert max(abs(found[track] - exact[track]) for track in exact) < 0.002


def test_another_process_sees_what_is_appended_and_a_track_counts_once(place: Path) -> None:
    reading, writing = seen(place), seen(place)
    assert reading.search(FACES["bob"])[1] == 3
    writing.record(passage("r-4", "bob"), FACES["bob"])
    content = writing.files()[-1].read_bytes()
    for again in (writing, seen(place)):  # the recording is decided again, by the same process or another one
        again.record(passage("r-4", "bob"), FACES["bob"])
    assert writing.files()[-1].read_bytes() == content
    reading.record(passage("r-5", "bob"), FACES["bob"])
    writing.record(passage("r-5", "bob"), FACES["bob"])
    hits, total = reading.search(FACES["bob"])
    assert (total, len({hit.face.track for hit in hits})) == (5, 5)


def test_nothing_is_written_where_none_is_kept(tmp_path: Path) -> None:
    seen(tmp_path, kept=False).record(passage("r-1"), FACES["ann"])
    assert not (tmp_path / "faces").exists()
    assert seen(tmp_path).search(FACES["ann"]) == ([], 0)


def test_a_day_is_that_of_the_workplace(tmp_path: Path) -> None:
    tokyo = SeenFaces(tmp_path, ZoneInfo("Asia/Tokyo"), ("one", "a"), 4, Vault(tmp_path))
    late = T0.replace(hour=20).astimezone(UTC)
    tokyo.record(replace(passage("r-1"), first_seen=late, last_seen=late), FACES["ann"])
    assert tokyo.days() == [DAY + timedelta(days=1)]


def test_who_reads_the_files_without_the_keys_learns_nothing(place: Path) -> None:
    content = b"".join(path.read_bytes() for path in seen(place).files())
    assert b"door" not in content
    assert FACES["ann"].tobytes() not in content
    assert seen(place).sealed() == [True, True]


def test_whoever_is_erased_is_found_in_no_copy(place: Path) -> None:
    copy = place.parent / "copy"
    shutil.copytree(place, copy)
    book = seen(place)

    def ann(faces: Sequence[SeenFace], rows: NDArray[np.float32] | None) -> list[int]:
        assert rows is not None
        assert rows.shape == (len(faces), 4)
        return np.flatnonzero(rows @ FACES["ann"] > 0.7).tolist()

    assert sorted(tracks(book.those(ann))) == ["r-1", "r-3"]
    assert book.remove(ann) == 2
    assert tracks([hit.face for hit in book.search(FACES["ann"])[0]]) == ["r-2"]
    assert book.days() == [DAY]  # nothing was left of the other day
    for path in copy.rglob("*.faces"):
        shutil.copy2(path, place / path.relative_to(copy))
    assert seen(place).search(FACES["ann"]) == ([], 0)  # not even what was Bob's in that copy
    assert book.remove(lambda _faces, _rows: []) == 0


def test_faces_of_another_model_are_erased_by_id_and_not_searched(place: Path) -> None:
    seen(place, model="two").record(passage("r-9", "ann"), FACES["ann"])
    book = seen(place)
    assert book.search(FACES["ann"])[1] == 3
    gone = book.remove(lambda faces, _rows: [n for n, face in enumerate(faces) if face.employee_id == "ann"])
    assert gone == 2
    assert seen(place, model="two").search(FACES["ann"]) == ([], 0)


def test_old_days_go_with_their_keys(place: Path) -> None:
    book, vault = seen(place), Vault(place)
    assert len(vault.ring.owners("faces")) == 2
    assert book.expired(DAY) == [DAY - timedelta(days=2)]
    assert book.purge(DAY) == [DAY - timedelta(days=2)]
    assert (book.days(), len(vault.ring.owners("faces"))) == ([DAY], 1)
    assert book.purge(date.min) == []


def test_plain_files_are_encrypted_and_keys_replaced_when_asked_for(tmp_path: Path) -> None:
    plain = seen(tmp_path, at_rest=False)
    plain.record(passage("r-1", "ann"), FACES["ann"])
    assert plain.sealed() == [False]
    book = seen(tmp_path)
    assert (book.search(FACES["ann"])[1], book.convert(), book.sealed(), book.convert()) == (1, 1, [True], 0)
    Vault(tmp_path).ring.retire()
    assert (book.convert(), book.search(FACES["ann"])[1]) == (1, 1)
    assert (plain.convert(), plain.sealed(), plain.search(FACES["ann"])[1]) == (1, [False], 1)


def test_damage_costs_the_faces_that_it_hit(place: Path) -> None:
    path = seen(place).files()[-1]
    head, first, second = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(head + first[:60] + b"AAAA" + first[64:] + second + b"torn by a cra")
    assert tracks([hit.face for hit in seen(place).search(FACES["bob"])[0]]) == ["r-2", "r-3"]
    shutil.copy(path, path.with_stem(f"{path.stem} copy"))  # not ours
    seen(place).record(passage("r-5", "bob"), FACES["bob"])  # heals the torn line
    assert seen(place).search(FACES["bob"])[1] == 3
