"""Damages each file of a workspace, each kind of file that people bring, and what is sent to the servers, in many ways, and looks who
raises anything but a told error.

    python tests/support/mutants.py COUNT [SEED [PART_OF_PATH [SECONDS]]]

runs many, in as many processes as there are processors, and prints each fault once; the tests run a few.
"""

from __future__ import annotations

import contextlib
import heapq
import io
import json
import logging
import multiprocessing
import os
import random
import re
import shutil
import sys
import tarfile
import tempfile
import time
import traceback
import warnings
import zipfile
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import openpyxl
from make_workspace import SECRET
from mutants_asked import sent
from recordings import plain_video

from engine.access import REST_SCOPES, Visitor
from engine.access.devices import SCOPES
from engine.archive.footage import Reel, scan
from engine.archive.observe import Observation
from engine.config import load_config
from engine.errors import MusterError
from engine.imaging import decode_image, encode_jpeg
from engine.incidents.notifications import Message, SendResult
from engine.operations.backup import restore
from engine.people import import_calendar, import_staff, import_table, read_clock_file, read_ids, read_openings
from engine.sources import VideoSource
from engine.workbench import Workbench

NOW = datetime(2026, 11, 13, 14, 13, tzinfo=ZoneInfo("Europe/Berlin"))
FIRST, LAST = date(2026, 11, 2), date(2026, 11, 13)
_ALIKE = 12
"""So many files of a folder that are read alike."""
_ODD = (
    b"",
    b"\0",
    b'"',
    b"'",
    b",",
    b";",
    b"\n",
    b"\r",
    b"{",
    b"[" * 3000,
    b"null",
    b"NaN",
    b"1e999",
    b"-1",
    b"9" * 40,
)
_ODD += (
    b"\xff\xfe",
    b"\xed\xa0\x80",
    "ä".encode(),
    b"\\ud800",
    b"2026-13-45",
    b"9999-12-31T23:59:59+00:00",
    b"0001-01-01",
    b"true",
    b"[]",
)


@dataclass(frozen=True)
class Kind:
    """A file as it should be, where it lies, and what reads it."""

    content: bytes
    path: Path
    read: Callable[[Path], object]


def mutant(content: bytes, chance: random.Random) -> bytes:
    """A content that was damaged in one to four places."""
    data = bytearray(content)
    for _ in range(chance.choice((1, 1, 1, 2, 4))):
        at, length = chance.randrange(len(data) + 1), chance.choice((1, 1, 2, 8, 60))
        what = chance.randrange(8)
        if what == 0:
            data[at : at + length] = chance.randbytes(min(length, len(data) - at))
        elif what == 1:
            del data[at : at + length]
        elif what == 2:
            data[at:at] = data[at : at + length] * chance.choice((1, 3))
        elif what == 3:
            data[at : at + chance.choice((0, length))] = chance.choice(_ODD)
        elif what == 4 and chance.random() < 0.3:
            del data[at:]
        elif what == 5 and at < len(data):
            data[at] ^= 1 << chance.randrange(8)
        else:  # a word or a value of a text becomes another one
            words = list(re.finditer(rb"[\w.:+-]+", bytes(data[max(0, at - 200) : at + 200])))
            if words:
                word, base = chance.choice(words), max(0, at - 200)
                other = chance.choice((*_ODD, chance.choice(words).group()))
                data[base + word.start() : base + word.end()] = other
    return bytes(data)


def _zipped(content: bytes, chance: random.Random) -> bytes:
    """An archive whose damaged member has right sums, so that what reads it gets to see it."""
    made = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(made, "w") as new:
        hit = chance.choice(old.namelist())
        for name in old.namelist():
            new.writestr(name, mutant(old.read(name), chance) if name == hit else old.read(name))
    return made.getvalue()


def damaged(kind: Kind, chance: random.Random) -> bytes:
    """A mutant of a file."""
    if kind.content.startswith(b"PK") and chance.random() < 0.7:
        return _zipped(kind.content, chance)
    return mutant(kind.content, chance)


# ------------------------------------------------------------------------------------------------------- workspace


@lru_cache(maxsize=4)
def _bench(folder: Path) -> Workbench:
    return Workbench(folder, clock=lambda: NOW)


def _opened(path: Path) -> Workbench:
    """The workspace of a file; it stays open, as in a recorder that meets a damaged file."""
    return _bench(next(each for each in path.parents if (each / "muster.toml").exists()))


def _logs(path: Path) -> object:
    bench = _opened(path)
    name, day = path.stem[: -len("-2026-11-02")], path.stem[-len("2026-11-02") :]
    raw = next((log for log in bench.records.logs if log.name == name), None)
    with contextlib.suppress(MusterError):
        if path.stem == "audit":
            bench.records.audit.raw.check()
        elif path.stem == "seals":
            bench.attendance.log.raw.journal.file.check()
        elif raw is not None:
            raw.check(days=[date.fromisoformat(day)])
        else:
            bench.records.check_pictures(date.fromisoformat(day))
    if name in {"attendance", "corrections", "coverage"} or path.stem == "seals":
        bench.attendance.sheets.between(LAST, LAST, bench.people.known())
    if name in {"incidents", "dossiers"}:
        bench.incidents.incidents(FIRST, LAST)
        bench.dossiers.dossiers(bench.records.incident_rows())
    if name == "sightings":
        bench.sightings.tracks(FIRST, LAST)
    return bench.audit.read() if path.stem == "audit" else None


def _people(path: Path) -> object:
    bench = _opened(path)
    people = bench.people.known()
    bench.people.inactive()
    return list(bench.leave.all()), bench.attendance.sheets.between(LAST, LAST, people)


def _credentials(path: Path) -> object:
    bench = _opened(path)
    for name in ("root", "ann"):
        with contextlib.suppress(MusterError):
            list(bench.accounts.all().values())
            bench.pins.has(name)
            bench.devices.check("x" * 40)
            bench.tokens.check("x" * 40)
    return bench.accounts.all(), bench.devices.all(), bench.tokens.all(), bench.pins.has("E1")


def _gallery(path: Path) -> object:
    bench = _opened(path)
    found = [store.current() for store in (bench.gallery, bench.strangers, bench.anchors)]
    return [each.search(np.ones((1, each.embeddings.shape[1]), np.float32)) for each in found]


def _calibration(path: Path) -> object:
    bench = _opened(path)
    return bench.calibration.in_force(), bench.calibration.threshold()


def _picture(path: Path) -> object:
    bench = _opened(path)
    fault = bench.records.picture_fault(path.relative_to(bench.workspace).as_posix())
    return fault, decode_image(bench.records.vault.read(path), name="it")


def _anew(path: Path) -> object:
    """A workspace that is opened with the damaged file in it, and all that pages and verification read then."""
    places = (*path.parents, *(each / "today" for each in path.parents))
    place = next(each for each in places if (each / "muster.toml").exists())
    bench = Workbench(place, clock=lambda: NOW)
    looks: tuple[Callable[[], object], ...] = (
        bench.records.changed_files,
        bench.records.verify,
        lambda: bench.outbox.drain(lambda _message: SendResult("retry")),
        lambda: [bench.records.vault.read(each) for each in bench.records.pictures()],
        lambda: [store.current() for store in (bench.gallery, bench.strangers, bench.anchors)],
        lambda: bench.privacy.purge(apply=False, author="tests"),
        lambda: bench.accounts.tries.begin("ann", "", Visitor("192.0.2.1"), NOW),
    )
    for look in looks:
        with contextlib.suppress(MusterError):
            look()
    return None


_READERS: tuple[tuple[str, Callable[[Path], object]], ...] = (
    (r"muster\.toml", lambda path: load_config(path.parent)),
    (r"log/.*\.csv", _logs),
    (r"images/.*", _picture),
    (r"(people|leave|employment|time_account)\.csv|attendance/.*", _people),
    (r"(accounts|devices|pins|tokens)\.json", _credentials),
    (r".*\.safetensors", _gallery),
    (r"calibration\.json", _calibration),
)


def _reader(name: str) -> Callable[[Path], object] | None:
    """What reads a file of a workspace; None: nothing does."""
    if name.endswith((".lock", ".md", ".db")):
        return None
    return next((read for pattern, read in _READERS if re.fullmatch(pattern, name)), _anew)


def of_workspace(folder: Path) -> list[Kind]:
    """The files that an early version wrote, those of today's with its keys, and those of one that has lived a little."""
    data = Path(__file__).parents[1] / "data"
    with tarfile.open(data / "workspace-0.1.tar.xz") as archive:
        archive.extractall(folder / "old", filter="data")
    os.environ["MUSTER_KEYS"] = str(folder / "keys")
    restore(data / "workspace-1.backup", folder / "today", SECRET)
    bench = Workbench(folder / "today", clock=lambda: NOW)
    bench.accounts.add("root", "admin", "a long password of hers")
    bench.kiosk.pair("door", list(SCOPES), author="root")
    bench.token_desk.add("payroll", tuple(REST_SCOPES), author="root")
    bench.outbox.queue([_waiting()])
    (folder / "today" / "outbox" / "limits.json").write_text(
        '{"night": {"gate": {"sent": ["2026-11-13T14:00:00+01:00"]}}}'
    )
    (folder / "today" / "outbox" / "told.json").write_text('["20261113T140000-00000001"]')
    bench.accounts.tries.begin("ann", "", Visitor("192.0.2.1"), NOW)
    files = {path.relative_to(folder).as_posix(): path for path in sorted(folder.rglob("*")) if path.is_file()}
    found: list[tuple[Path, Callable[[Path], object] | None]] = [
        (path, _anew if name.startswith("keys/") else _reader(name.partition("/")[2])) for name, path in files.items()
    ]
    several = Counter[tuple[Path, object]]()
    kinds = []
    for path, read in found:
        several[path.parent, read] += 1
        if read is not None and several[path.parent, read] <= _ALIKE:
            kinds.append(Kind(path.read_bytes(), path, read))
    return kinds


def _waiting() -> Message:
    return Message(
        message_id="20261113T140000-0badc0de",
        incident_id="20261113T140000-00000001",
        rule="night",
        channel="json://127.0.0.1",
        place=1,
        created=NOW,
        next_at=NOW,
        title="Unknown person at gate",
        body="Unknown person at gate.",
        facts={"kind": "unknown", "camera": "gate"},
    )


# --------------------------------------------------------------------------------------------------------- brought

STAFF = "Employee No;Name;Department;E-mail;Consent;Status;Hired;Shift\nE1;Ann Ray;Lab;ann@example.org;2026-11-01;active;01.02.2020;\n"
STAFF += 'E2;"Bob; Lee";Sales;;;no;;\nE3;Çelik Öz;;oz@example.org;2026-10-01;;2021-04-30;\n'
LEAVE = "id,name,from,to,kind,share,status\nE1,Ann Ray,2026-11-02,2026-11-06,annual,1,approved\nE2,Bob,03.11.2026,03.11.2026,sick,0.5,\n"
PUNCHES = "        1\t2026-11-02 08:01:02\t1\t0\t15\t0\r\n        2\t2026-11-02 17:01:02\t1\t1\t15\t0\r\n"
CLOCK = "employee_id,timestamp,direction,camera\nE1,2026-11-02T08:00:00+01:00,in,door\nE2,2026-11-02 17:00,out,yard\n"
IDS = "terminal id,employee id\n1,E1\n2,E2\n"
HOURS = "id,hours,day\nE1,12.5,2026-01-01\nE2,-3:30,01.02.2026\n"
CALENDAR = """BEGIN:VCALENDAR
VERSION:2.0
PRODID:x
BEGIN:VEVENT
UID:1
DTSTART;VALUE=DATE:20261102
DTEND;VALUE=DATE:20261107
RRULE:FREQ=WEEKLY;COUNT=3
SUMMARY:Ann Ray: vacation
ATTENDEE:mailto:ann@example.org
END:VEVENT
BEGIN:VEVENT
UID:2
DTSTART;TZID=Europe/Berlin:20261110T090000
DURATION:PT4H
SUMMARY:Bob: sick
END:VEVENT
END:VCALENDAR
""".replace("\n", "\r\n")


def _workbook() -> bytes:
    book = openpyxl.Workbook()
    for line in STAFF.splitlines():
        book.active.append(line.split(";"))
    book.active.append(["E9", "Zoe", "Lab", None, datetime(2026, 1, 2), True, 44000, 1.5])  # noqa: DTZ001
    made = io.BytesIO()
    book.save(made)
    return made.getvalue()


def _video(path: Path) -> object:
    with contextlib.suppress(MusterError):
        footage = scan(path)
        with Reel(path, footage) as reel:
            for picture in reel.frames():
                picture.image()
    source = VideoSource(path, "gate", start=NOW, fast=True)
    return [frame.image.shape for frame in source]


def _observation() -> bytes:
    count = 3
    return Observation(
        np.arange(2, dtype=np.int64),
        np.array([1, 2], np.int64),
        *(np.zeros((count, *rest), np.float32) for rest in ((4,), (5, 2), ())),
        np.zeros((count, 16), np.uint8),
        np.ones((count, 8), np.float32),
    ).to_bytes()


def brought(folder: Path) -> list[Kind]:
    """Files that people or other programs bring."""
    (folder / "w").mkdir(parents=True)
    (folder / "w" / "muster.toml").write_text("")
    bench = Workbench(folder / "w", clock=lambda: NOW)
    people, book, zone = bench.people, bench.leave, NOW.tzinfo
    import_staff_from = _written(folder / "staff0.csv", STAFF.encode())
    import_staff(import_staff_from, people, dry_run=False, now=NOW)
    videos = {}
    for name in ("a.mp4", "a.avi", "a.mkv"):
        plain_video(folder / name, [40 * number for number in range(6)], size=(48, 64))
        videos[name] = (folder / name).read_bytes()
    picture = np.random.default_rng(0).integers(0, 255, (24, 32, 3), np.uint8)
    pictures = {"p.jpg": encode_jpeg(picture)}
    from PIL import Image

    for form in ("png", "webp", "gif", "bmp", "tiff"):
        made = io.BytesIO()
        Image.fromarray(picture).save(made, form)
        pictures[f"p.{form}"] = made.getvalue()
    readers: dict[str, tuple[bytes, Callable[[Path], object]]] = {
        "staff.csv": (STAFF.encode(), lambda path: import_staff(path, people, dry_run=True, now=NOW)),
        "staff.xlsx": (_workbook(), lambda path: import_staff(path, people, dry_run=True, now=NOW)),
        "leave.csv": (LEAVE.encode(), lambda path: import_table(book, path, people, now=NOW, dry_run=True)),
        "attlog.dat": (PUNCHES.encode(), read_clock_file),
        "clock.csv": (CLOCK.encode(), read_clock_file),
        "ids.csv": (IDS.encode(), read_ids),
        "hours.csv": (HOURS.encode(), lambda path: read_openings(path, people.known().values(), None)),
        "leave.ics": (
            CALENDAR.encode(),
            lambda path: import_calendar(book, path, people, zone=zone, now=NOW, dry_run=True),  # type: ignore[arg-type]
        ),
        "segment.npz": (_observation(), lambda path: Observation.from_bytes(path.read_bytes(), path)),
        "muster.toml": (_SETTINGS.encode(), lambda path: load_config(path.parent)),
        **{name: (content, _video) for name, content in videos.items()},
        **{name: (content, lambda path: decode_image(path.read_bytes())) for name, content in pictures.items()},
    }
    return [Kind(content, _written(folder / name, content), read) for name, (content, read) in readers.items()]


_SETTINGS = """timezone = "Europe/Berlin"
[matching]
threshold = 0.6
[cameras.entrance]
source = "rtsp://10.0.0.7/a"
quiet_hours = ["20:00-06:00"]
[shifts.office]
start = "08:00"
end = "16:00"
days = "mon-fri"
[rotas.team]
cycle = ["office", "off"]
starts = 2026-01-05
[holidays]
country = "DE"
[[notifications.rules]]
name = "night"
to = ["dbus://"]
hours = ["20:00-06:00"]
"""


def _written(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


# ------------------------------------------------------------------------------------------------------------- run


def run(kinds: list[Kind], count: int, seed: int, limit_s: float = 1e9) -> tuple[int, Mapping[str, str]]:
    """Try mutants of these files, those first that have taken the least time so far.

    Returns:
        How many were tried, and by fault (file, error, place) the traceback of the first one that raised it.
    """
    faults: dict[str, str] = {}
    chance, until, tried = random.Random(seed), time.monotonic() + limit_s, 0
    turns = [(0.0, number) for number in range(len(kinds))]
    while tried < count and time.monotonic() < until:
        spent, number = heapq.heappop(turns)
        kind, begun = kinds[number], time.monotonic()
        content = damaged(kind, chance)
        kind.path.write_bytes(content)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                kind.read(kind.path)
        except MusterError:
            pass
        except Exception as error:  # noqa: BLE001 - what is looked for
            last = traceback.extract_tb(error.__traceback__)[-1]
            name = f"{kind.path.name}: {type(error).__name__} in {Path(last.filename).name}:{last.lineno}"
            faults.setdefault(name, f"{traceback.format_exc()}\n{content[:300]!r}")
        finally:
            kind.path.write_bytes(kind.content)
        tried += 1
        heapq.heappush(turns, (spent + time.monotonic() - begun, number))
    return tried, faults


def _part(arguments: tuple[int, int, str, float]) -> tuple[int, Mapping[str, str]]:
    """What one process of several does, in folders of its own."""
    count, seed, only, limit_s = arguments
    logging.disable(logging.CRITICAL)
    fast = Path("/dev/shm")
    folder = Path(tempfile.mkdtemp(prefix="muster-mutants-", dir=fast if fast.is_dir() else None))
    try:
        kinds = [*brought(folder / "brought"), *of_workspace(folder / "kept"), *sent(folder / "asked", Kind)]
        random.Random(seed).shuffle(kinds)
        return run([kind for kind in kinds if only in str(kind.path)], count, seed, limit_s)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def main() -> None:
    """Run as many as asked for, and print each fault once."""
    count, seed = int(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 0
    only, limit_s = (*sys.argv[3:5], *("", "1e9")[len(sys.argv[3:5]) :])
    began, many = time.monotonic(), os.cpu_count() or 1
    shares = [(-(-count // many), seed * many + number, only, float(limit_s)) for number in range(many)]
    with multiprocessing.get_context("fork").Pool(many) as pool:
        results = pool.map(_part, shares, chunksize=1)
    faults = {name: told for _, found in results for name, told in found.items()}
    for name, told in faults.items():
        print(f"=== {name}\n{told}\n")
    seconds = round(time.monotonic() - began)
    print(json.dumps({"mutants": sum(tried for tried, _ in results), "faults": len(faults), "seconds": seconds}))
    sys.exit(bool(faults))


if __name__ == "__main__":
    main()
