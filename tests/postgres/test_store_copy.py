"""A workspace on its way into a database and back: nothing is lost, nothing is mended, and a copy that ended early goes on."""

from __future__ import annotations

import filecmp
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from paperwork import DIMENSION
from postgres import Server
from sites import DAY, T0, Place
from waiting import until

from engine.cli.store import side_of
from engine.config import load_config
from engine.errors import StorageError
from engine.gallery import Template
from engine.people import Person
from engine.postgres.comparing import Comparison, compare
from engine.postgres.connection import Unreachable
from engine.postgres.copying import Copied, copy
from engine.storage.logs import SealedFile
from engine.workbench import Workbench

ROWS = [
    {
        "employee_id": f"E{n % 3}",
        "event": "punch",
        "camera": "gate",
        "similarity": 0.81,
        "runner_up_similarity": -0.0512,
        "reason": reason,
    }
    for n, reason in enumerate(["", "=1+1", "two\nlines", "a;b", '"quoted", said she', "-5", "zéro\0", "'tis", " @x"])
]

ALL = 3 * len(ROWS) + 1 + 2 + 3
"""Of three days, of another recorder, of the audit log, and of closed days."""


def quiet(_what: str, _done: int, _total: int) -> None:
    """No bar."""


class Both:
    """The files of a workspace, and its database."""

    def __init__(self, place: Place, workspace: Path) -> None:
        self.workspace = workspace
        config = load_config(workspace)
        self.files = Workbench(workspace, config.model_copy(update={"store": ""}), clock=lambda: T0 + timedelta(2))
        self.bench = Workbench(workspace, config, clock=lambda: T0 + timedelta(2))
        place.opened.append(self.bench.store)  # type: ignore[arg-type]
        self.side, self.table = side_of(self.files), side_of(self.bench)

    def there(self) -> Copied:
        return copy(self.side, self.table, quiet)

    def back(self) -> Copied:
        return copy(self.table, self.side, quiet)

    def compared(self) -> Comparison:
        return compare(self.side, self.table, quiet)

    @property
    def log(self) -> Path:
        return self.workspace / "log"


def write(bench: Workbench, day: int = 0, rows: list[dict[str, object]] | None = None, begin: int = 0) -> None:
    """Rows of the attendance log."""
    at = DAY + timedelta(day)
    log = bench.attendance.log
    wanted = [
        {"event_id": f"{at:%Y%m%d}T080000-{begin + n:012d}", "timestamp": f"{at}T08:00:{n % 60:02d}.000+00:00", **row}
        for n, row in enumerate(ROWS if rows is None else rows)
    ]
    with log.exclusive():
        log.raw.append(at, wanted)


def unit(number: int) -> np.ndarray:
    return np.eye(DIMENSION, dtype=np.float32)[number : number + 1]


def filled(place: Place, name: str = "w", site: str = "main") -> Both:
    """A workspace of files in which everything stands that a store holds."""
    both = Both(place, place.workspace(name, site))
    bench = both.files
    for day in range(3):
        write(bench, day)
    bench.people.put_all([Person("E1", "=Ann", email="ann@example.org"), Person("E0", "Zoë, the first", active=False)])
    bench.gallery.update(
        lambda g: g.add([Template("a", "E1", 0.87654321), Template("b", "E0", 0.5)], np.vstack([unit(0), unit(1)]))
    )
    bench.gallery.update(lambda g: g.remove_templates(["a"]))
    bench.strangers.update(lambda g: g.next_stranger()[1].add([Template("s", "unknown-1", 1)], unit(2)))
    for name_ in ("leave.csv", "accounts.json", "calibration.json"):
        bench.store.document(name_).write(b'{"of": "' + name_.encode() + b'"}\n')
    for action in ("enrol", "forget"):
        bench.audit.note(action, "E1", "-", author="ann", now=T0)
    gate = SealedFile(
        both.log / f"attendance-{DAY}@gate.csv",
        bench.attendance.log.raw.shelf.columns,
        bench.attendance.log.raw.sealer,
        ["employee_id", "runner_up", "author"],
    )
    gate.append([{"event_id": "g1", "timestamp": f"{DAY}T08:00:03.500+00:00", "employee_id": "E1", "event": "seen"}])
    bench.attendance.log.raw.close(DAY + timedelta(2), T0)
    return both


def same_files(one: Path, other: Path) -> bool:
    names = [f"{part}{path.name}" for part in ("", ".heads/") for path in (one / "log" / part).glob("*.csv")]
    rest = ["people.csv", "leave.csv", "accounts.json", "calibration.json", *(f"log/{name}" for name in names)]
    assert len(names) > 8
    assert sorted(path.name for path in (one / "log").glob("*.csv")) == sorted(
        path.name for path in (other / "log").glob("*.csv")
    )
    return not any(filecmp.cmpfiles(one, other, rest, shallow=False)[1:])


# --------------------------------------------------------------------------------------------- whole


def test_everything_goes_to_the_database_and_back_byte_for_byte(place: Place) -> None:
    first = filled(place)
    assert first.files.records.verify() == []
    done = first.there()
    assert (done.rows, done.there, done.people, done.templates, done.documents) == (ALL, 0, 2, 2, 3)
    found = first.compared()
    assert (found.total, found.differences, found.findings) == (0, [], [])
    assert found.counts == {"chains": 6, "rows": ALL, "people": 2, "documents": 3, "templates": 2}
    assert first.bench.records.verify() == []
    assert first.bench.gallery.current().version == first.files.gallery.current().version == 2
    assert first.bench.strangers.current().issued == 1

    second = Both(place, place.workspace("second"))
    second.back()
    assert same_files(first.workspace, second.workspace)
    assert second.files.records.verify() == []
    assert (second.workspace / "accounts.json").stat().st_mode & 0o077 == 0

    place.add_site("other")
    third = Both(place, place.workspace("third", "other"))
    third.side = second.side
    third.there()
    assert third.compared().total == 0


def test_an_empty_workspace_is_copied_and_equal(place: Place) -> None:
    both = Both(place, place.workspace())
    assert both.there() == both.back() == Copied()
    assert both.compared().total == 0
    assert not list(both.log.glob("*.csv"))


def test_what_is_written_afterwards_follows_on_what_was_copied(place: Place) -> None:
    both = filled(place)
    both.there()
    write(both.bench, begin=100)
    both.bench.audit.note("enrol", "E9", "", author="ann", now=T0)
    assert both.bench.records.verify() == []
    assert both.back().rows == len(ROWS) + 1
    assert both.files.records.verify() == []
    write(both.files, begin=200)
    assert both.files.records.verify() == []


def test_rows_of_several_recorders_stand_in_the_order_of_time(place: Place) -> None:
    both = filled(place)
    both.there()
    ids = [[row.event_id for row in bench.attendance.log.read(DAY)] for bench in (both.files, both.bench)]
    assert ids[0] == ids[1]
    assert ids[0].index("g1") == 4


# --------------------------------------------------------------------------------------------- again


def test_a_second_copy_takes_over_what_came_since_what_was_purged_and_who_was_forgotten(place: Place) -> None:
    both = filled(place)
    both.there()
    write(both.files, begin=100)
    write(both.files, 5)
    both.files.attendance.log.raw.purge(DAY + timedelta(1), T0, "its time is over")
    assert both.files.attendance.log.raw.redact("E1") == 3 + 3 + 3 + 3 + 1
    both.files.people.remove("E1")
    both.files.gallery.update(lambda g: g.remove("E0"))
    both.files.gallery.update(lambda g: g.add([Template("c", "E2", 1)], unit(4)))
    assert both.compared().total > 0
    done = both.there()
    assert (done.rows, done.dropped) == (2 * len(ROWS) + 1, 1)  # and the journal's row
    assert both.compared().differences == []
    assert "E1" not in {row.employee_id for row in both.bench.attendance.log.read(DAY)}
    assert both.bench.records.verify() == []
    assert both.there().rows == 0


def test_people_in_another_order_are_put_in_that_order(place: Place) -> None:
    both = filled(place)
    both.there()
    both.files.people.keep.save({}, dict(reversed(both.files.people.all().items())))
    assert both.compared().total > 0
    both.there()
    assert list(both.bench.people.all()) == ["E0", "E1"]


def test_a_template_that_was_made_anew_under_its_name_is_taken_over(place: Place) -> None:
    both = filled(place)
    both.there()
    both.files.gallery.update(lambda g: g.remove("E0").add([Template("b", "E0", 0.5)], unit(7)))
    (found,) = [each for each in both.compared().differences if each.column == "embedding"]
    assert (found.where, found.row) == ("gallery/people", 1)
    both.there()
    assert both.compared().total == 0


@pytest.mark.parametrize("direction", ["there", "back"])
def test_a_target_with_other_rows_is_refused_and_stays_as_it_is(place: Place, direction: str) -> None:
    both = filled(place)
    other = both.bench if direction == "there" else Both(place, place.workspace("second"))
    target = other if isinstance(other, Workbench) else other.files
    if direction == "back":
        both.there()
    write(target, 1, [{"employee_id": "X", "event": "punch"}])
    with pytest.raises(StorageError, match=rf"attendance-{DAY + timedelta(1)}") as caught:
        both.there() if isinstance(other, Workbench) else other.back()
    assert caught.value.hint
    assert [row.employee_id for row in target.attendance.log.read(DAY + timedelta(1))] == ["X"]
    assert target.people.all() == {}


def test_rows_that_somebody_changed_in_the_target_are_refused(place: Place) -> None:
    both = filled(place)
    both.there()
    place.ask("UPDATE muster.attendance SET c_event = 'seen' WHERE position = 2 AND day = %s AND recorder = ''", DAY)
    write(both.files, begin=100)
    with pytest.raises(StorageError, match=rf"row 2 of attendance-{DAY} differs between source and target"):
        both.there()


# --------------------------------------------------------------------------------------------- evidence


def lines(both: Both) -> tuple[Path, list[bytes]]:
    path = both.log / f"attendance-{DAY + timedelta(1)}.csv"
    return path, path.read_bytes().splitlines(keepends=True) if path.exists() else []


def _edit(change: Callable[[list[bytes]], list[bytes]]) -> Callable[[Both], None]:
    def edit(both: Both) -> None:
        path, found = lines(both)
        path.write_bytes(b"".join(change(found)))

    return edit


def _head(change: Callable[[Path], object]) -> Callable[[Both], None]:
    return lambda both: change(both.log / ".heads" / lines(both)[0].name) and None


@pytest.mark.parametrize(
    ("tamper", "found"),
    [
        (_edit(lambda rows: [*rows[:3], rows[3].replace(b"punch", b"seen"), *rows[4:]]), {"changed"}),
        (_edit(lambda rows: [*rows[:3], *rows[4:]]), {"removed"}),
        (_edit(lambda rows: rows[:-2]), {"removed"}),
        (_edit(lambda rows: [*rows[:3], rows[4], rows[3], *rows[5:]]), {"moved"}),
        (_edit(lambda rows: [*rows, rows[2]]), {"inserted"}),
        (_edit(lambda rows: [*rows, b"x," * (len(rows[0].split(b",")) - 1) + b"no seal\n"]), {"inserted"}),
        (_edit(lambda rows: rows[:1]), {"removed"}),
        (lambda both: lines(both)[0].unlink(), {"missing"}),
        (_edit(lambda rows: [*rows, b"half a li"]), {"torn"}),
        (_head(lambda path: path.unlink()), set()),
        (_head(lambda path: path.write_text("99 " + "a" * 32 + " " + "b" * 32 + "\n")), set()),
        (_head(lambda path: path.write_text("what is this")), set()),
    ],
)
def test_what_somebody_did_to_the_files_is_found_in_the_database_and_in_files_again(
    place: Place, tamper: Callable[[Both], None], found: set[str]
) -> None:
    both = filled(place)
    (both.log / "seals.csv").unlink()  # the day is open: its running head alone tells of its end
    (both.log / ".heads" / "seals.csv").unlink()
    witnesses = both.files.records.sealer.witnesses
    assert witnesses is not None
    (witnesses / "seals.csv").unlink()
    tamper(both)
    assert {each.what for each in both.files.attendance.log.raw.check()} == found
    both.there()
    assert both.compared().differences == []
    second = Both(place, place.workspace("second"))
    second.back()
    assert second.compared().differences == []
    told = {each.what for each in second.bench.records.verify()}
    assert told == ({"missing"} if len(lines(both)[1]) < 2 else found - {"torn"})


@pytest.mark.parametrize(
    ("change", "line"),
    [
        (lambda rows: [*rows[:3], rows[3].replace(b"punch", b"pun\0ch"), *rows[4:]], 4),
        (lambda rows: [*rows[:3], rows[3].replace(b"punch", b"pun\xffch"), *rows[4:]], 4),
        (lambda rows: [*rows[:3], b"x," + rows[3], *rows[4:]], 4),
        (lambda rows: [*rows[:3], rows[3].replace(b"punch", b'"punch'), *rows[4:]], 4),
        (lambda rows: [*rows[:3], rows[3].replace(b"punch", b'"punch"'), *rows[4:]], 4),
        (lambda rows: [*rows[:3], rows[3].replace(b"punch", b"=punch"), *rows[4:]], 4),
        (lambda rows: [*rows[:3], b"\n", *rows[3:]], 4),
        (lambda rows: [rows[0].replace(b"event_id", b"id"), *rows[1:]], 1),
        (lambda rows: [*rows[:-1], rows[-1][:-1]], 10),
    ],
)
def test_a_line_that_a_database_cannot_hold_is_refused_by_name_and_all_else_is_copied_afterwards(
    place: Place, change: Callable[[list[bytes]], list[bytes]], line: int
) -> None:
    both = filled(place)
    path, good = lines(both)
    path.write_bytes(b"".join(change(good)))
    done = Copied()
    with pytest.raises(StorageError, match=rf"{path.name}:{line} ") as caught:
        copy(both.side, both.table, quiet, done)
    assert "evidence" in caught.value.hint
    assert (
        done.total > done.rows,
        path.name[:-4] in dict(place.ask("SELECT log || '-' || day, rows FROM muster.chains")),
    ) == (True, False)
    assert path.name[:-4] in {each.where for each in both.compared().differences}
    path.write_bytes(b"".join(good))
    both.there()
    assert both.compared().total == 0


@pytest.mark.parametrize("change", ["c_reason = E'two\\nlines'", "seal = E'1.\\n'", "c_reason = E'\\u2028'"])
def test_a_row_that_no_file_can_hold_is_refused_by_name(place: Place, change: str) -> None:
    both = filled(place)
    both.there()
    place.ask(f"UPDATE muster.attendance SET {change} WHERE position = 2 AND recorder = '' AND day = %s", DAY)
    with pytest.raises(StorageError, match=rf"row 2 of attendance-{DAY} holds a value in `(reason|seal)`"):
        Both(place, place.workspace("second")).back()


def test_people_edited_by_hand_are_taken_over_as_muster_would_write_them(place: Place) -> None:
    both = Both(place, place.workspace())
    (both.workspace / "people.csv").write_bytes(b'active,name,employee_id,nick\nno,"An\nn\0a",E1,x\nyes,=Ben,E2,y')
    both.there()
    assert both.compared().total == 0
    assert {key: (each.name, each.active) for key, each in both.bench.people.all().items()} == {
        "E1": ("An n a", False),
        "E2": ("=Ben", True),
    }


def test_another_key_or_none_is_refused_before_anything_is_written(place: Place) -> None:
    both = filled(place)
    key = both.workspace / "seal.key"
    key.write_text("1b" * 32)
    with pytest.raises(StorageError, match="not sealed with the key"):
        Both(place, both.workspace).there()
    key.write_text("5a" * 32)
    both.there()
    second = place.workspace("second")
    (second / "seal.key").unlink()
    with pytest.raises(StorageError, match=r"\.key is missing"):
        Both(place, second).back()
    assert not (second / "log").exists() or not list((second / "log").glob("*.csv"))


# --------------------------------------------------------------------------------------------- differences


@pytest.mark.parametrize(
    ("change", "where", "row", "column"),
    [
        (
            "UPDATE muster.attendance SET c_event = 'seen' WHERE position = 2 AND day < '2026-11-21'",
            "attendance-2026-11-20",
            2,
            "event",
        ),
        ("DELETE FROM muster.attendance WHERE position = 9 AND day = '2026-11-21'", "attendance-2026-11-21", 9, ""),
        (
            "UPDATE muster.attendance SET seal = '7' || seal WHERE recorder = 'gate'",
            "attendance-2026-11-20@gate",
            1,
            "seal",
        ),
        ("UPDATE muster.chains SET mac = '' WHERE log = 'audit'", "audit", 0, "running head"),
        ("UPDATE muster.people SET email = 'x' WHERE employee_id = 'E1'", "people", 1, "email"),
        ("DELETE FROM muster.people WHERE employee_id = 'E0'", "people", 2, ""),
        ("UPDATE muster.documents SET content = 'x' WHERE name = 'leave.csv'", "leave.csv", 0, ""),
        ("UPDATE muster.templates SET quality = 0.5001", "gallery/people", 1, "quality"),
        ("UPDATE muster.strangers SET person = 'unknown-2'", "gallery/strangers", 1, ""),
        ("UPDATE muster.galleries SET issued = 9 WHERE gallery = 'strangers'", "gallery/strangers", 0, "issued"),
        ("DELETE FROM muster.strangers", "gallery/strangers", 1, ""),
    ],
)
def test_every_difference_is_named(place: Place, change: str, where: str, row: int, column: str) -> None:
    both = filled(place)
    both.there()
    place.ask(change)
    found = Both(place, both.workspace).compared()
    assert (where, row, column) in {(each.where, each.row, each.column) for each in found.differences}
    assert found.total == len(found.differences)


def test_of_many_differences_the_first_are_named_and_all_are_counted(place: Place) -> None:
    both = filled(place)
    both.there()
    place.ask("UPDATE muster.attendance SET c_event = 'x'")
    found = both.compared()
    assert len(found.differences) == 20
    assert found.total >= 28


# --------------------------------------------------------------------------------------------- cut off


@pytest.mark.parametrize("direction", ["to-database", "to-files"])
def test_a_copy_that_is_killed_goes_on_where_it_was(place: Place, direction: str) -> None:
    both = filled(place)
    write(both.files, 7, [{"employee_id": "E1"}] * 10_000)
    workspace = both.workspace
    if direction == "to-files":
        both.there()
        workspace = place.workspace("second")
    file = workspace / "log" / f"attendance-{DAY + timedelta(7)}.csv"

    def rows() -> int:
        if direction == "to-files":
            return file.read_bytes().count(b"\n") if file.exists() else 0
        found = place.ask("SELECT rows FROM muster.chains WHERE log = 'attendance' AND day = %s", DAY + timedelta(7))
        return int(str(found[0][0])) if found else 0

    command = [
        sys.executable,
        "-c",
        "from engine.cli import main; main()",
        "store",
        "copy",
        direction,
        "--workspace",
        str(workspace),
    ]
    path = os.pathsep.join([str(Path(__file__).parents[2]), os.environ.get("PYTHONPATH", "")])
    child = subprocess.Popen(command, env=os.environ | {"PYTHONPATH": path}, stderr=subprocess.DEVNULL)
    until(lambda: rows() > 0)
    child.send_signal(signal.SIGKILL)
    child.wait()
    reached = rows()
    assert 0 < reached < 10_000
    if direction == "to-files":
        with file.open("ab") as torn:
            torn.write(b"half a line")
    again = Both(place, workspace)
    done = again.back() if direction == "to-files" else again.there()
    assert done.there >= reached - 1
    assert done.rows + done.there == done.total
    assert again.compared().total == 0
    assert again.bench.records.verify() == []


def test_two_copies_at_once_write_everything_once(place: Place) -> None:
    filled(place)
    results: list[Copied] = []

    def run(both: Both) -> None:
        with both.bench.store.database.locked("copy"):  # type: ignore[attr-defined]
            results.append(both.there())

    threads = [threading.Thread(target=run, args=(Both(place, place.workspace()),)) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(each.rows for each in results) == [0, ALL]
    assert Both(place, place.workspace()).compared().total == 0


def test_a_database_that_goes_away_in_the_middle_is_told_and_the_copy_done_again(tmp_path: Path) -> None:
    server = Server()
    try:
        server.start()
        place = Place(server, tmp_path)
        both, done = filled(place), Copied()

        def kill(what: str, count: int, _total: int) -> None:
            if (what, count) == ("attendance", len(ROWS) + 1):
                server.kill()

        with pytest.raises(Unreachable):
            copy(both.side, both.table, kill, done)
        assert (done.rows, done.total) == (len(ROWS) + 1, ALL)
        assert both.bench.store.backlog().rows == 0  # type: ignore[union-attr]
        server.start()
        time.sleep(0.6)  # nobody asks a server that just did not answer
        assert both.there().rows == ALL - len(ROWS) - 1
        assert both.compared().total == 0
        place.close()
    finally:
        server.stop()
