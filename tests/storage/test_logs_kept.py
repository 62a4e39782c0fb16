"""Sealed logs in daily life: crashes, two processes at once, closing, erasing, reading while others write."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from multiprocessing.synchronize import Event
from pathlib import Path
from time import monotonic

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from log_builders import (
    COLUMNS,
    DAY,
    LATER,
    OTHER,
    accused,
    add,
    day_log,
    filled,
    head_of,
    kinds,
    lines_of,
    rewrite,
)
from processes import CONTEXT

from engine.errors import StorageError
from engine.storage.logs import Finding, Head
from tests.load import kill_writers

# ----------------------------------------------------------------------------------------- crashes


@pytest.mark.parametrize("tail", [b"e7,E7", b"\0" * 5000, b'e7,"', "ë".encode()[:1], b"e7,E7,x," + b"1" * 70])
def test_a_torn_tail_is_reported_then_healed_and_noted_and_never_taken_for_tampering(
    tmp_path: Path, tail: bytes
) -> None:
    log = filled(tmp_path, closed=False)
    rewrite(log, [*lines_of(log), tail])
    (finding,) = log.check()
    assert (finding.what, finding.harmless, finding.line) == ("torn", True, 8)
    assert str(len(tail)) in finding.detail
    assert len(log.read(DAY)) == 6
    add(log, DAY, 1, 7)
    assert log.check() == []
    assert [row["event_id"] for row in log.read(DAY)] == [f"e{n}" for n in range(1, 8)]
    (note,) = log.journal.file.read()
    assert (note["action"], note["log"], note["day"]) == ("healed", "attendance", DAY.isoformat())
    assert note["detail"].startswith(f"{len(tail)} bytes")


def test_a_crash_at_any_byte_of_the_first_write_is_harmless(tmp_path: Path) -> None:
    log = day_log(tmp_path)
    add(log, DAY, 1)
    content = log.shelf.path(DAY).read_bytes()
    for length in range(len(content)):
        log.shelf.path(DAY).write_bytes(content[:length])
        log.shelf.part(DAY).set_running_head(Head(0, ""))
        assert all(finding.what == "torn" for finding in log.check())
        add(log, DAY, 1)
        assert (log.shelf.path(DAY).read_bytes(), log.check()) == (content, [])


def test_a_healed_row_that_cannot_be_noted_is_written_only_once(tmp_path: Path) -> None:
    log = filled(tmp_path, 1, closed=False)
    rewrite(log, [*lines_of(log), b"half"])
    (log.shelf.folder / "seals.csv").mkdir()
    add(log, DAY, 1, 2)
    assert [row["event_id"] for row in log.read(DAY)] == ["e1", "e2"]


def test_a_head_may_lag_behind_the_rows(tmp_path: Path) -> None:
    log = filled(tmp_path, 2, closed=False)
    earlier = head_of(log).read_bytes()
    add(log, DAY, 2, 3)
    head_of(log).write_bytes(earlier)  # killed between a row and its head
    assert log.check() == []
    add(log, DAY, 1, 5)
    assert log.check() == []
    assert [row["seal"].split(".")[0] for row in log.read(DAY)] == list("12345")


@pytest.mark.parametrize("content", [None, b"", b"9 abc def\n", b"\xff\xfe", b"6 x"])
def test_a_head_that_is_gone_or_forged_has_a_witness_and_costs_no_row(tmp_path: Path, content: bytes | None) -> None:
    log = filled(tmp_path, closed=False)
    assert log.sealer.witnesses is not None
    witness = log.sealer.witnesses / head_of(log).name
    for path in (head_of(log), witness):
        path.unlink() if content is None else path.write_bytes(content)
        found = log.check()
        if path != witness:
            assert found == []
    assert [(each.what, each.harmless) for each in found] == [("missing", False)]
    add(log, DAY, 1, 7)
    assert log.check() == []


def test_killed_writers_leave_a_log_that_holds(tmp_path: Path) -> None:
    command = [sys.executable, kill_writers.__file__, "--kills", "6", "--writers", "2", "--folder", str(tmp_path)]
    root = Path(__file__).parents[2]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=60, cwd=root)
    assert done.returncode == 0, done.stdout
    log = kill_writers.day_log(tmp_path)
    assert log.check() == []
    assert log.journal.file.check() == []
    numbers = [int(row["seal"].split(".")[0]) for row in log.read(kill_writers.DAY)]
    assert numbers == list(range(1, json.loads(done.stdout)["rows"] + 1))
    assert "healed" in {row["action"] for row in log.journal.file.read()}


def _write_until(folder: Path, name: str, begun: Event, end: Event) -> None:
    log, number = day_log(folder), 0
    while not end.is_set():
        number += 1
        with log.exclusive():
            log.append(DAY, [{"event_id": f"{name}{number}", "employee_id": name, "note": "x" * (number % 300)}])
        begun.set()


def test_checking_while_two_processes_write_raises_no_false_alarm(tmp_path: Path) -> None:
    begun, end = [CONTEXT.Event(), CONTEXT.Event()], CONTEXT.Event()
    crew = [
        CONTEXT.Process(target=_write_until, args=(tmp_path, name, event, end))
        for name, event in zip("ab", begun, strict=True)
    ]
    for process in crew:
        process.start()
    assert all(event.wait(60) for event in begun)
    log = day_log(tmp_path)
    stop, found = monotonic() + 2, list[Finding]()
    while monotonic() < stop:
        found += log.check()
    end.set()
    for process in crew:
        process.join(60)
    assert [process.exitcode for process in crew] == [0, 0]
    assert found == []
    assert log.check() == []
    for name in "ab":
        own = [row["event_id"] for row in log.read(DAY) if row["employee_id"] == name]
        assert own == [f"{name}{n}" for n in range(1, len(own) + 1)]


# ----------------------------------------------------------------------------------------- closing and erasing


def test_a_day_is_closed_once_and_again_after_late_rows(tmp_path: Path) -> None:
    log = filled(tmp_path, 3, closed=False)
    assert log.close(OTHER, LATER) == [DAY]
    assert log.close(OTHER, LATER) == []
    add(log, DAY, 1, 4)
    assert log.check() == [], "late rows carry on the chain"
    assert log.close(LATER.date(), LATER) == [DAY, OTHER]
    assert {day: head.rows for (day, _), head in log.journal.heads("attendance").items()} == {DAY: 4, OTHER: 3}
    kept = lines_of(log)
    shutil.rmtree(log.shelf.folder / ".heads")
    rewrite(log, kept[:-1])
    assert [each.what for each in log.check()] == ["removed"]


def test_a_day_that_was_purged_is_not_missed_and_may_begin_anew(tmp_path: Path) -> None:
    log = filled(tmp_path)
    log.purge(DAY, LATER, "kept for 31 days")
    assert (log.days(), log.check(), log.read(DAY)) == ([OTHER], [], [])
    add(log, DAY, 2)
    assert log.check() == []
    assert log.close(LATER.date(), LATER) == [DAY]
    rewrite(log, lines_of(log)[:-1])
    assert kinds(log.check()) == ["removed"], "what came after the purge is sealed like any other"
    log.shelf.path(DAY).unlink()
    assert kinds(log.check()) == ["missing"]


def test_a_journal_that_somebody_changed_is_named_and_not_believed(tmp_path: Path) -> None:
    log = filled(tmp_path, 2)
    path = log.shelf.folder / "seals.csv"
    content = path.read_bytes()
    for place in range(content.index(b"\n") + 1, len(content)):
        path.write_bytes(content[:place] + bytes([content[place] ^ 0x08]) + content[place + 1 :])
        assert any(not finding.harmless for finding in log.journal.file.check()), place
        assert log.check() == [], place
    path.write_bytes(content + f",purged,attendance,{DAY},2,,,nothing to see,\n".encode())
    log.shelf.path(DAY).unlink()
    assert kinds(log.journal.file.check()) == ["inserted"]
    assert kinds(log.check()) == ["missing"]


@pytest.mark.parametrize("closed", [True, False])
def test_an_id_gives_way_to_its_own_pseudonym_and_every_seal_holds(tmp_path: Path, closed: bool) -> None:
    log = filled(tmp_path, closed=closed)
    with log.exclusive():
        log.append(DAY, [{"event_id": "e7", "employee_id": "E7;E3;E31"}, {"event_id": "e8", "employee_id": "=E3"}])
    assert log.redact("E3") == 3
    assert log.redact("E3") == 0
    assert log.check() == []
    pseudonym = log.sealer.pseudonym("E3")
    assert [row["employee_id"] for row in log.read(DAY)][2::4] == [pseudonym, f"E7;{pseudonym};E31"]
    assert not re.search(rb"\bE3\b(?<!=E3)", log.shelf.path(DAY).read_bytes())
    add(log, DAY, 1, 9)
    assert log.check() == []


def test_no_other_replacement_of_an_id_holds(tmp_path: Path) -> None:
    log = filled(tmp_path)
    with log.exclusive():
        log.append(DAY, [{"event_id": "e7", "employee_id": "=E7"}])
    content = log.shelf.path(DAY).read_bytes()
    pseudonym = log.sealer.pseudonym
    others = [
        b"E4",
        b"",
        b"E3;E3",
        b"e3",
        pseudonym("E4").encode(),
        pseudonym("E3").upper().encode(),
        b"erased-",
        b"'E3",
    ]
    for new in others:
        log.shelf.path(DAY).write_bytes(content.replace(b"e3,E3,", b"e3," + new + b","))
        assert accused(log.check()) == {3}, new
    log.shelf.path(DAY).write_bytes(content.replace(b"'=E7", b"=E7"))  # a live formula
    assert accused(log.check()) == {7}


def test_somebody_is_forgotten_in_a_damaged_file_too(tmp_path: Path) -> None:
    log = filled(tmp_path, closed=False)
    damaged = [line.replace(b"E2", b"E\xff") for line in lines_of(log)]
    damaged[4] = b'e4,"E4\r' + damaged[4][8:]
    rewrite(log, [*damaged, b"e7,E3,\xc3"])
    before = log.check()
    assert log.redact("E3") == 2  # one a day
    assert b"E\xff" in log.shelf.path(DAY).read_bytes()
    assert log.check() == before


# ----------------------------------------------------------------------------------------- reading


def test_reading_again_parses_only_what_is_new(tmp_path: Path) -> None:
    log = filled(tmp_path)
    before = log.read(DAY)
    add(log, DAY, 1, 7)
    after = log.read(DAY)
    assert len(after) == 7
    assert all(old is new for old, new in zip(before, after, strict=False))
    os.utime(log.shelf.path(DAY), (0, 0))
    assert [id(row) for row in log.read(DAY)] == [id(row) for row in after]
    assert all(old is new for old, new in zip(after, log.read(DAY), strict=True))
    before.clear()
    assert log.read(DAY) == after, "whoever reads may keep the list"


@pytest.mark.parametrize("how", ["in place", "another file", "shorter", "shorter and grown", "gone", "back in time"])
def test_a_file_that_changed_under_the_reader_is_read_anew(tmp_path: Path, how: str) -> None:
    log = filled(tmp_path)
    assert log.read(DAY)[1]["employee_id"] == "E2"
    path = log.shelf.path(DAY)
    status, content = path.stat(), path.read_bytes()
    changed = content.replace(b"e2,E2", b"e2,E5")
    if how == "another file":
        (tmp_path / "new").write_bytes(changed)
        (tmp_path / "new").replace(path)
    elif how == "gone":
        path.unlink()
    else:
        short = b"".join(changed.splitlines(keepends=True)[:4])
        path.write_bytes({"shorter": short, "shorter and grown": short + b"x,y,z,s\n" * 99}.get(how, changed))
        if how in {"in place", "back in time"}:  # same file, size and time, as within one tick of its clock
            os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    found = log.read(DAY)
    assert found == day_log(tmp_path).read(DAY)
    assert len(found) == {"shorter": 3, "shorter and grown": 102, "gone": 0}.get(how, 6)
    assert not found or found[1]["employee_id"] == "E5"


@pytest.mark.parametrize("damage", [b'"', b"\r", b"\xff", b'"x'])
def test_a_damaged_row_is_read_alone_and_swallows_no_other(tmp_path: Path, damage: bytes) -> None:
    log = filled(tmp_path)
    rewrite(log, [line.replace(b"e2,", b"e2," + damage, 1) for line in lines_of(log)])
    ids = [row["event_id"] for row in log.read(DAY)]
    assert [each for each in ids if each != "e2"] == ["e1", "e3", "e4", "e5", "e6"]
    add(log, DAY, 1, 7)
    assert log.read(DAY)[-1]["event_id"] == "e7"


def test_a_file_without_the_columns_is_a_storage_error_with_a_hint(tmp_path: Path) -> None:
    log = day_log(tmp_path)
    log.shelf.folder.mkdir(parents=True)
    log.shelf.path(DAY).write_bytes(b"event_id;employee_id;note;seal\ne1;E1;;x\n")
    with pytest.raises(StorageError, match=r"lacks the column event_id → a spreadsheet may have"):
        log.read(DAY)


@given(st.lists(st.lists(st.text(max_size=12), min_size=3, max_size=3), min_size=1, max_size=8))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60)
def test_any_texts_come_back_and_hold(tmp_path: Path, table: list[list[str]]) -> None:
    for folder in ("log", "seal.heads"):
        shutil.rmtree(tmp_path / folder, ignore_errors=True)
    log = day_log(tmp_path)
    with log.exclusive():
        log.append(DAY, [dict(zip(COLUMNS, cells, strict=True)) for cells in table])
    assert log.check() == []
    line_ends = re.compile(r"[\r\n\0\x0b\x0c\x1c-\x1e\x85\u2028\u2029]+")
    found = [[row[column] for column in COLUMNS] for row in log.read(DAY)]
    assert found == [[line_ends.sub(" ", text) for text in cells] for cells in table]
