"""Files that survive: append-only logs, atomic replacement, locks across processes, full disks."""

from __future__ import annotations

import errno
import fcntl
import json
import os
import resource
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from datetime import date, timedelta
from multiprocessing.synchronize import Barrier, Event
from pathlib import Path

import pytest
from fakes import append_rows
from processes import CONTEXT

from engine.errors import StorageError
from engine.storage import atomic_write, files, locked, read_rows, write_table
from engine.storage.logs import FileLogs
from tests.load import kill_writers

COLUMNS = ("event_id", "text")


def rows(*texts: str) -> list[dict[str, str]]:
    """Rows with running ids."""
    return [{"event_id": str(index), "text": text} for index, text in enumerate(texts)]


# --------------------------------------------------------------------------------------------- append and read


def test_the_header_is_written_once_and_rows_in_order(tmp_path: Path) -> None:
    path = tmp_path / "new" / "log.csv"
    append_rows(path, COLUMNS, [])
    assert not path.exists()
    append_rows(path, COLUMNS, rows("a"))
    append_rows(path, COLUMNS, rows("b", "c", "d"))
    assert path.read_text() == "event_id,text\n0,a\n0,b\n1,c\n2,d\n"


TAILS = [b'9,"half', b"9", b"\0" * 4096, b'9,"' + b"x" * 200_000]


@pytest.mark.parametrize("tail", TAILS, ids=["half a row", "one byte", "zeros", "longer than a block"])
@pytest.mark.parametrize("before", [0, 1, 3])
def test_a_torn_tail_is_cut_off_and_nothing_else(tmp_path: Path, tail: bytes, before: int) -> None:
    path = tmp_path / "log.csv"
    write_table(path, COLUMNS, rows(*"abc"[:before]))
    intact = path.read_bytes()
    path.write_bytes(intact + tail)
    assert [row["text"] for row in read_rows(path)] == list("abc"[:before])
    append_rows(path, COLUMNS, rows("new"))
    assert path.read_bytes() == intact + b"0,new\n"


def test_a_torn_header_is_written_again(tmp_path: Path) -> None:
    (tmp_path / "log.csv").write_bytes(b"event_id,te")
    append_rows(tmp_path / "log.csv", COLUMNS, rows("a"))
    assert (tmp_path / "log.csv").read_bytes() == b"event_id,text\n0,a\n"


@pytest.mark.parametrize(
    "content", [b"id,name\n1,Ann\n", b"id,name\n1,Ann", b"no table at all", b"event_id,text,more\n"]
)
def test_a_file_with_other_columns_is_refused_and_left_alone(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "log.csv"
    path.write_bytes(content)
    with pytest.raises(StorageError, match=r"log\.csv has other columns"):
        append_rows(path, COLUMNS, rows("a"))
    assert path.read_bytes() == content


@pytest.mark.parametrize("content", [None, b"", b"event_id,text\n", b"event_id"])
def test_a_file_without_rows_has_none(tmp_path: Path, content: bytes | None) -> None:
    if content is not None:
        (tmp_path / "log.csv").write_bytes(content)
    assert read_rows(tmp_path / "log.csv") == []


def test_a_file_that_went_through_a_spreadsheet_is_read(tmp_path: Path) -> None:
    (tmp_path / "log.csv").write_bytes("\ufeffevent_id,text\r\n1,张伟\r\n".encode())
    assert read_rows(tmp_path / "log.csv") == [{"event_id": "1", "text": "张伟"}]


def test_rows_with_too_few_or_too_many_cells_are_read(tmp_path: Path) -> None:
    (tmp_path / "log.csv").write_bytes(b"event_id,text\n1\n2,b,c\n")
    assert read_rows(tmp_path / "log.csv") == [{"event_id": "1", "text": ""}, {"event_id": "2", "text": "b"}]


@pytest.mark.parametrize(
    "content",
    [b"event_id,text\n1,\xff\xfe\n", b'event_id,text\n1,"' + b"x" * 200_000 + b"\n"],
    ids=["latin", "open quote"],
)
def test_a_damaged_file_is_a_storage_error_that_names_it(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "log.csv").write_bytes(content)
    with pytest.raises(StorageError, match=r"log\.csv") as caught:
        read_rows(tmp_path / "log.csv")
    assert str(caught.value).isprintable()


def test_a_folder_in_the_place_of_a_file_is_a_storage_error(tmp_path: Path) -> None:
    (tmp_path / "log.csv").mkdir()
    for action in (
        read_rows,
        lambda path: append_rows(path, COLUMNS, rows("a")),
        lambda path: atomic_write(path, b"a"),
    ):
        with pytest.raises(StorageError, match=r"log\.csv"):
            action(tmp_path / "log.csv")
    assert [path.name for path in tmp_path.iterdir()] == ["log.csv"]


# --------------------------------------------------------------------------------------------- full disks


def append_one(path: Path) -> None:
    append_rows(path, COLUMNS, rows("x" * 500))


def replace_all(path: Path) -> None:
    atomic_write(path, b"y" * 100_000)


def _under_limit(limit: int, action: Callable[[Path], None], path: Path) -> str:
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
    try:
        action(path)
    except StorageError as error:
        return str(error)
    return "no error"


@pytest.mark.parametrize("action", [append_one, replace_all])
@pytest.mark.parametrize("room", [0, 1, 100])
@pytest.mark.parametrize("before", [b"", b"event_id,text\n0,a\n"], ids=["new file", "old file"])
def test_a_write_that_does_not_fit_changes_nothing(
    tmp_path: Path, action: Callable[[Path], None], room: int, before: bytes
) -> None:
    path = tmp_path / "log.csv"
    if before:
        path.write_bytes(before)
    with ProcessPoolExecutor(1, mp_context=CONTEXT) as pool:
        said = pool.submit(_under_limit, len(before) + room, action, path).result(60)
    assert str(path) in said
    assert " → " in said
    assert (path.read_bytes() if path.exists() else b"") == before
    assert {entry.name for entry in tmp_path.iterdir()} <= {"log.csv"}
    append_rows(path, COLUMNS, rows("later"))
    assert path.read_bytes() == (before or b"event_id,text\n") + b"0,later\n"


@pytest.fixture
def tiny_disk(tmp_path: Path) -> Iterator[Path]:
    """A real file system of 64 kB."""
    if sys.platform != "linux" or os.geteuid() != 0:
        pytest.skip("mounting a file system needs root on Linux")
    place = tmp_path / "disk"
    place.mkdir()
    if subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", place], check=False, capture_output=True
    ).returncode:
        pytest.skip("file systems cannot be mounted here")
    yield place
    subprocess.run(["umount", place], check=True)


def test_a_full_disk_loses_nothing_and_is_usable_again_after(tiny_disk: Path) -> None:
    (tiny_disk / "ballast").write_bytes(bytes(20_000))
    path = tiny_disk / "log.csv"
    intact = b""
    with pytest.raises(StorageError, match=r"log\.csv: No space left on device → free space") as caught:  # noqa: PT012
        for _ in range(1000):
            append_one(path)
            intact = path.read_bytes()
    assert str(caught.value).isprintable()
    assert len(read_rows(path)) > 10
    assert path.read_bytes() == intact
    with pytest.raises(StorageError, match=r"log\.csv"):
        replace_all(path)
    assert path.read_bytes() == intact
    assert {entry.name for entry in tiny_disk.iterdir()} == {"ballast", "log.csv"}
    (tiny_disk / "ballast").unlink()
    append_rows(path, COLUMNS, rows("later"))
    assert path.read_bytes() == intact + b"0,later\n"


@pytest.mark.parametrize("write", [append_one, replace_all])
def test_what_is_written_is_not_for_everybody_to_read(tmp_path: Path, write: Callable[[Path], None]) -> None:
    write(tmp_path / "log.csv")
    assert (tmp_path / "log.csv").stat().st_mode & 0o007 == 0


# --------------------------------------------------------------------------------------------- days


@pytest.mark.parametrize("start", [date(2027, 2, 26), date(2028, 2, 26), date(2026, 12, 29), date(2026, 11, 28)])
def test_a_range_of_days_runs_over_the_end_of_a_month(tmp_path: Path, start: date) -> None:
    log = FileLogs(tmp_path).daily("attendance", COLUMNS)
    days = [start + timedelta(offset) for offset in range(6)]
    for day in days[::-1]:
        log.append(day, rows(day.isoformat()))
    assert [row["text"] for row in log.read(days[1], days[4])] == [day.isoformat() for day in days[1:5]]
    assert [row["text"] for row in log.read(days[2])] == [days[2].isoformat()]
    assert log.read(days[2], days[1]) == []
    assert log.read(start - timedelta(9), start - timedelta(1)) == []
    assert log.days() == days


def test_only_files_of_the_log_are_its_days(tmp_path: Path) -> None:
    log = FileLogs(tmp_path / "log").daily("attendance", COLUMNS)
    assert log.days() == []
    log.append(date(2026, 11, 22), rows("a"))
    for name in (
        "attendance-summary-2026-11-23",
        "incidents-2026-11-24",
        "attendance-2026-99-99",
        "attendance-2026-1-1",
    ):
        (tmp_path / "log" / f"{name}.csv").write_text("")
    assert log.days() == [date(2026, 11, 22)]


# --------------------------------------------------------------------------------------------- several processes


def _append_many(folder: Path, writer: str, count: int, start: Barrier) -> None:
    log = FileLogs(folder).daily("attendance", COLUMNS)
    start.wait(60)
    for index in range(count):
        with log.exclusive():
            log.append(date(2026, 11, 22), [{"event_id": f"{writer}{index}", "text": "x" * index}])


def test_two_processes_that_append_at_once_lose_nothing(tmp_path: Path) -> None:
    start = CONTEXT.Barrier(2)
    crew = [CONTEXT.Process(target=_append_many, args=(tmp_path, writer, 60, start)) for writer in "ab"]
    for process in crew:
        process.start()
    for process in crew:
        process.join(60)
    assert [process.exitcode for process in crew] == [0, 0]
    found = FileLogs(tmp_path).daily("attendance", COLUMNS).read(date(2026, 11, 22))
    for writer in "ab":
        own = [row["event_id"] for row in found if row["event_id"].startswith(writer)]
        assert own == [f"{writer}{index}" for index in range(60)]


def _hold(path: Path, held: Event, leave: Event) -> None:
    with locked(path):
        held.set()
        leave.wait(60)


@pytest.mark.parametrize("end", ["leaves", "is killed"])
def test_a_lock_keeps_others_out_until_its_holder_leaves_or_dies(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, end: str
) -> None:
    path = tmp_path / "new" / "people.csv"
    held, leave = CONTEXT.Event(), CONTEXT.Event()
    holder = CONTEXT.Process(target=_hold, args=(path, held, leave))
    holder.start()
    assert held.wait(60)
    monkeypatch.setattr(files, "LOCK_TIMEOUT_S", 0.2)
    with pytest.raises(StorageError, match=r"people\.csv has been locked by another process"), locked(path):
        pytest.fail("two processes hold one lock")
    leave.set() if end == "leaves" else holder.kill()
    holder.join(60)
    with locked(path):
        assert not path.exists(), "locking a file does not make it"


@pytest.mark.parametrize("code", [errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP])
def test_a_file_system_without_locks_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int) -> None:
    def flock(_file: int, _how: int) -> None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(fcntl, "flock", flock)  # the system's; some network shares answer so
    with (
        pytest.raises(StorageError, match="→ this file system has no locks: use a local disk"),
        locked(tmp_path / "log.csv"),
    ):
        pytest.fail("nothing holds the lock")


def test_killed_writers_lose_nothing_they_acknowledged(tmp_path: Path) -> None:
    command = [sys.executable, kill_writers.__file__, "--kills", "15", "--writers", "3", "--folder", str(tmp_path)]
    done = subprocess.run(
        command, check=False, capture_output=True, text=True, timeout=60, cwd=Path(__file__).parents[2]
    )
    result = json.loads(done.stdout)
    assert done.returncode == 0, result
    assert (result["kills"], result["torn"], result["lost"], result["duplicated"]) == (15, 0, 0, 0)
    assert result["rows"] >= result["acknowledged"] >= 15


def test_the_check_of_killed_writers_sees_what_is_wrong(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_bytes(b"event_id,length,detail,seal\n1,2,xx,s\n1,2,xx,s\n2,3,xx,s\n3,0,,s\n4,1,x")
    found = kill_writers.check(path, ["1", "2", "3", "5"])
    assert found == {"rows": 3, "acknowledged": 4, "torn": 2, "lost": 2, "duplicated": 1}
