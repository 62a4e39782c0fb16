"""Sealed logs under attack: what was changed, removed, moved or inserted is named by its row."""

from __future__ import annotations

import shutil
from itertools import combinations
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from log_builders import (
    DAY,
    LATER,
    OTHER,
    accused,
    add,
    day_log,
    filled,
    kinds,
    lines_of,
    rewrite,
    rows,
)

from engine.errors import StorageError
from engine.storage.logs import Sealer


@pytest.mark.parametrize("count", [0, 1, 6])
@pytest.mark.parametrize("closed", [True, False])
def test_what_nobody_touched_holds(tmp_path: Path, count: int, closed: bool) -> None:
    log = filled(tmp_path, count, closed=closed)
    assert log.check() == []
    assert log.journal.file.check() == []
    assert day_log(tmp_path).check() == []


# ----------------------------------------------------------------------------------------- tampering


@pytest.mark.parametrize(
    ("mask", "closed"), [(0x01, True), (0x20, True), (0x80, True), (0xFF, True), (0x04, False), (0xFF, False)]
)
def test_every_byte_that_is_flipped_is_named_by_its_row(tmp_path: Path, mask: int, closed: bool) -> None:
    log = filled(tmp_path, 3, closed=closed)
    content = log.shelf.path(DAY).read_bytes()
    for place in range(len(content)):
        row = content[:place].count(b"\n")
        log.shelf.path(DAY).write_bytes(content[:place] + bytes([content[place] ^ mask]) + content[place + 1 :])
        found = [finding for finding in log.check() if not finding.harmless]
        assert {finding.file for finding in found} == {log.shelf.path(DAY).name}, place
        if row == 0:
            assert (1, "changed") in {(finding.line, finding.what) for finding in found}, place
        else:
            assert row in accused(found), (place, found)


@pytest.mark.parametrize("closed", [True, False])
@pytest.mark.parametrize("row", range(1, 7))
def test_a_row_that_is_dropped_is_the_one_that_is_named(tmp_path: Path, row: int, closed: bool) -> None:
    log = filled(tmp_path, closed=closed)
    kept = lines_of(log)
    rewrite(log, kept[:row] + kept[row + 1 :])
    (finding,) = log.check()
    assert (finding.what, accused([finding])) == ("removed", {row})


def test_every_two_rows_that_are_swapped_are_both_named(tmp_path: Path) -> None:
    log = filled(tmp_path)
    original = lines_of(log)
    for one, two in combinations(range(1, 7), 2):
        swapped = list(original)
        swapped[one], swapped[two] = swapped[two], swapped[one]
        rewrite(log, swapped)
        found = log.check()
        assert [(each.what, each.line) for each in found] == [("moved", one + 1), ("moved", two + 1)]
        assert accused(found) == {one, two}


@pytest.mark.parametrize("foreign", ["a copy", "another day's", "a plain row", "half a row", "an empty line"])
def test_a_row_that_is_inserted_anywhere_is_named_and_no_other(tmp_path: Path, foreign: str) -> None:
    log = filled(tmp_path)
    original = lines_of(log)
    plain = {"a plain row": b"e9,E9,nice\n", "half a row": original[2][:30] + b"\n", "an empty line": b"\n"}
    for place in range(1, 8):
        for source in range(1, 7):
            line = {"a copy": original[source], "another day's": lines_of(log, OTHER)[source], **plain}[foreign]
            rewrite(log, [*original[:place], line, *original[place:]])
            (finding,) = log.check()
            assert finding.what == "inserted"
            copied = foreign == "a copy" and place in {source, source + 1}  # which of two neighbours is the copy is one
            assert finding.line == place + 1 or copied


def test_a_row_moved_to_another_day_is_missed_here_and_named_there(tmp_path: Path) -> None:
    log = filled(tmp_path)
    here, there = lines_of(log), lines_of(log, OTHER)
    rewrite(log, here[:3] + here[4:])
    rewrite(log, [*there, here[3]], OTHER)
    assert [(each.file[-6:-4], each.what) for each in log.check()] == [("23", "removed"), ("24", "inserted")]


@pytest.mark.parametrize("closed", [True, False])
def test_a_file_that_is_cut_off_anywhere_is_named_with_what_is_gone(tmp_path: Path, closed: bool) -> None:
    log = filled(tmp_path, 3, closed=closed)
    content = log.shelf.path(DAY).read_bytes()
    for length in range(len(content)):
        log.shelf.path(DAY).write_bytes(content[:length])
        found = log.check()
        assert not any(finding.harmless for finding in found)
        whole = max(content[:length].count(b"\n") - 1, 0)
        assert kinds(found) == ["missing"] or accused(found) == set(range(whole + 1, 4))


@pytest.mark.parametrize("closed", [True, False])
def test_a_file_that_is_gone_exchanged_or_an_earlier_copy_is_named(tmp_path: Path, closed: bool) -> None:
    log = filled(tmp_path, 4, closed=False)
    earlier = log.shelf.path(DAY).read_bytes()
    add(log, DAY, 2, 5)
    if closed:
        log.close(LATER.date(), LATER)
    now, other = log.shelf.path(DAY).read_bytes(), log.shelf.path(OTHER).read_bytes()
    log.shelf.path(DAY).write_bytes(earlier)
    assert [(each.what, accused([each])) for each in log.check()] == [("removed", {5, 6})]
    log.shelf.path(DAY).write_bytes(other)
    assert [(each.what, each.line) for each in log.check()] == [("changed", 0)]
    log.shelf.path(DAY).write_bytes(now)
    assert log.check() == []
    log.shelf.path(DAY).unlink()
    if closed:
        (finding,) = log.check()
        assert (finding.what, finding.detail) == ("missing", "the file is gone; it held 6 rows")
    else:
        (finding,) = log.shelf.part(DAY).check()
        assert finding.what == "missing"


@pytest.mark.parametrize(
    "damage", ["last row gone", "three gone", "all gone", "seal cut", "changed", "chain changed", "plain"]
)
def test_what_was_done_to_the_end_stays_named_however_many_rows_follow(tmp_path: Path, damage: str) -> None:
    log = filled(tmp_path, 5, closed=False)
    original = lines_of(log)
    last = original[5]
    rewrite(
        log,
        {
            "last row gone": original[:5],
            "three gone": original[:3],
            "all gone": [],
            "seal cut": [*original[:5], last[:-9] + b"\n"],
            "changed": [*original[:5], last.replace(b"E5", b"E1")],
            "chain changed": [*original[:5], last[:-2] + (b"1" if last[-2:-1] == b"0" else b"0") + b"\n"],
            "plain": [*original, b"e9,E9,nice\n"],
        }[damage],
    )
    expected = {"last row gone": {5}, "three gone": {3, 4, 5}, "all gone": {1, 2, 3, 4, 5}, "plain": set()}
    before = log.check()
    add(day_log(tmp_path), DAY, 3, 6)
    found = log.check()
    assert accused(found) == expected.get(damage, {5})
    assert kinds(found) == (
        ["inserted"] if damage == "plain" else ["removed" if damage.endswith("gone") else "changed"]
    )
    assert damage == "all gone" or found == before
    log.close(LATER.date(), LATER)
    shutil.rmtree(log.shelf.folder / ".heads")
    assert log.check() == found, "the day was closed with what was known"


@given(st.binary(max_size=6), st.integers(0, 10_000), st.integers(0, 400))
@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_whatever_is_put_in_place_of_a_part_is_found(tmp_path: Path, new: bytes, place: int, length: int) -> None:
    log = day_log(tmp_path)
    if not log.days():
        filled(tmp_path)
    intact = tmp_path / "intact.csv"
    if not intact.exists():
        shutil.copy(log.shelf.path(DAY), intact)
    content = intact.read_bytes()
    changed = content[:place] + new + content[place + length :]
    log.shelf.path(DAY).write_bytes(changed)
    wrong = [finding for finding in log.check() if not finding.harmless]
    # what is added after the last line end is a torn tail, as a crash leaves it
    assert bool(wrong) == (
        changed != content and not (changed.startswith(content) and b"\n" not in changed[len(content) :])
    )


def test_a_file_whose_rows_lost_their_seals_is_told_in_one_line(tmp_path: Path) -> None:
    log = day_log(tmp_path)
    with log.exclusive():
        log.append(DAY, rows(3000))
    rewrite(log, [line.rpartition(b",")[0] + b"\n" for line in lines_of(log)])  # as saved without the last column
    found = log.check()
    assert [(each.line, each.what) for each in found] == [(1, "changed"), (0, "changed")]
    assert "none of its 3000 rows" in found[1].detail


def test_many_damaged_rows_are_told_in_few_lines(tmp_path: Path) -> None:
    log = day_log(tmp_path)
    with log.exclusive():
        log.append(DAY, rows(3000))
    rewrite(log, [line if number < 2 else line[:20] + b"\n" for number, line in enumerate(lines_of(log))])
    found = log.check()
    assert len(found) == 21
    assert found[-1].detail == "and 2979 more rows"


# ----------------------------------------------------------------------------------------- the key


def test_a_lost_key_costs_no_row_and_is_told_in_a_line_per_file(tmp_path: Path) -> None:
    log = filled(tmp_path)
    (tmp_path / "seal.key").unlink()
    again = day_log(tmp_path)
    add(again, DAY, 2, 7)
    assert len(again.read(DAY)) == 8
    wrong = [each for each in again.check() if not each.harmless]
    assert [each.what for each in wrong if each.file == again.shelf.path(OTHER).name] == ["changed"]
    assert accused(each for each in wrong if each.file == again.shelf.path(DAY).name) == {1, 2, 3, 4, 5, 6}
    assert log.sealer.key_id != again.sealer.key_id


@pytest.mark.parametrize("content", [b"", b"abc", b"zz" * 32, b"00" * 31, b"\xff" * 64])
def test_a_damaged_key_is_an_error_that_says_what_to_do_and_writes_nothing(tmp_path: Path, content: bytes) -> None:
    filled(tmp_path)
    key = tmp_path / "seal.key"
    good = key.read_bytes()
    key.write_bytes(content)
    log = day_log(tmp_path)
    before = log.shelf.path(DAY).read_bytes()
    with pytest.raises(
        StorageError, match=r"seal\.key is not a seal key → restore it from a backup: 64 hexadecimal digits"
    ):
        add(log, DAY, 1, 7)
    assert (log.shelf.path(DAY).read_bytes(), key.read_bytes()) == (before, content)
    assert len(log.read(DAY)) == 6, "reading needs no key"
    key.write_bytes(good)
    add(log, DAY, 1, 7)
    assert log.check() == []


def test_the_key_is_for_nobody_else_to_read_and_not_told_by_its_name(tmp_path: Path) -> None:
    sealer = Sealer(tmp_path / "deep" / "seal.key")
    name = sealer.key_id
    assert sealer.key_path.stat().st_mode & 0o077 == 0
    assert name not in sealer.key_path.read_text()
    assert Sealer(sealer.key_path).key_id == name
