"""A file that was verified is not verified again while every byte is the same; nothing that an attacker does to it is taken for that."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from log_builders import DAY, LATER, OTHER, add, kinds, rewrite, rows

from engine.storage.logs import DayLog, FileLogs, Sealer

COLUMNS = ("event_id", "employee_id", "note")


class Counting(Sealer):
    """A sealer that counts how often it hashes."""

    count = 0

    def mac(self, *parts: str) -> str:
        self.count += 1
        return super().mac(*parts)


@pytest.fixture
def log(tmp_path: Path) -> DayLog:
    """A log of two days, of which one is closed, verified once."""
    made = opened(tmp_path)
    for day in (DAY, OTHER):
        add(made, day, 30)
    made.close(OTHER, LATER)
    assert made.check(anew=False) == []
    return made


def opened(folder: Path) -> DayLog:
    sealer = Counting(folder / "keys" / "seal.key")
    return FileLogs(folder / "w" / "log", sealer).daily("attendance", COLUMNS, people=("employee_id",))


def hashes(log: DayLog, **options: bool) -> int:
    """How often a check hashes; it finds nothing."""
    assert isinstance(log.sealer, Counting)
    before = log.sealer.count
    assert log.check(**options) == []
    return log.sealer.count - before


def test_what_is_unchanged_is_not_verified_again(log: DayLog, tmp_path: Path) -> None:
    whole = hashes(log)
    assert whole > 4 * 30, "each row is hashed"
    assert hashes(log, anew=False) < 30
    assert hashes(opened(tmp_path), anew=False) < 30, "another process knows it, too"
    add(log, OTHER, 1, 40)
    assert whole / 4 < hashes(log, anew=False) < whole, "the day that grew"
    assert hashes(log, anew=False) < 30


def test_a_file_with_a_finding_is_verified_again_each_time(log: DayLog) -> None:
    content = log.shelf.path(DAY).read_bytes()
    rewrite(log, [content.replace(b"plain", b"Plain", 1)])
    for _ in range(2):
        assert kinds(log.check(anew=False)) == ["changed"]
    rewrite(log, [content])
    assert log.check(anew=False) == []


def memory(log: DayLog) -> Path:
    witnesses = log.sealer.witnesses
    assert witnesses is not None
    return witnesses / "checked"


def _one_byte(log: DayLog) -> None:
    content = log.shelf.path(DAY).read_bytes()
    rewrite(log, [content.replace(b"plain", b"Plain", 1)])


def _end_cut(log: DayLog) -> None:
    rewrite(log, log.shelf.path(DAY).read_bytes().splitlines(keepends=True)[:-3])


def _gone(log: DayLog) -> None:
    log.shelf.path(DAY).unlink()


def _other_day(log: DayLog) -> None:
    shutil.copy(log.shelf.path(OTHER), log.shelf.path(DAY))


def _memory_of_another_day(log: DayLog) -> None:
    _other_day(log)
    shutil.copy(memory(log) / f"attendance-{OTHER}", memory(log) / f"attendance-{DAY}")


def _another_key(log: DayLog) -> None:
    """Rows that somebody sealed with a key of their own, who believes to have verified them."""
    folder = log.shelf.folder.parent.parent / "elsewhere"
    forged = opened(folder)
    with forged.exclusive():
        forged.append(DAY, rows(30))
    assert forged.check(anew=False) == []
    shutil.copy(forged.shelf.path(DAY), log.shelf.path(DAY))
    shutil.copy(memory(forged) / f"attendance-{DAY}", memory(log) / f"attendance-{DAY}")


@pytest.mark.parametrize("attack", [_one_byte, _end_cut, _gone, _other_day, _memory_of_another_day, _another_key])
def test_an_attack_is_found_whatever_was_verified_before(log: DayLog, attack: Callable[[DayLog], None]) -> None:
    path = log.shelf.path(DAY)
    status = path.stat()
    attack(log)
    if path.exists():
        os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    found = kinds(log.check(anew=False))
    assert found
    assert found == kinds(log.check())


def test_an_older_file_with_its_older_memory_is_found(log: DayLog) -> None:
    """Whoever puts back file, head and memory of yesterday cannot put back the witness."""
    folder, older = log.shelf.folder, log.shelf.folder.parent / "older"
    shutil.copytree(folder, older)
    shutil.copytree(memory(log), older / "checked")
    add(log, OTHER, 5, 40)
    assert log.check(anew=False) == []
    name = f"attendance-{OTHER}"
    for place, target in ((older, folder), (older / ".heads", folder / ".heads")):
        shutil.copy(place / f"{name}.csv", target / f"{name}.csv")
    shutil.copy(older / "checked" / name, memory(log) / name)
    assert kinds(log.check(anew=False)) == kinds(log.check()) == ["removed"]


def test_a_deleted_day_leaves_no_memory(log: DayLog) -> None:
    assert (memory(log) / f"attendance-{DAY}").exists()
    log.purge(DAY, LATER, "its time is over")
    assert not (memory(log) / f"attendance-{DAY}").exists()
    assert log.check(anew=False) == []
