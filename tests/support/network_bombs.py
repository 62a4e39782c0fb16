"""Small files that unpack to much, and what the readers of uploaded files need for them."""

from __future__ import annotations

import io
import multiprocessing
import resource
import struct
import time
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal
from zoneinfo import ZoneInfo

from PIL import Image

from engine.errors import MusterError
from engine.imaging import decode_image
from engine.people import import_calendar, import_staff, import_table, read_clock_file, read_ids
from engine.workbench import Workbench

__all__ = ["Worst", "bombs", "read_all"]

NOW = datetime(2026, 11, 23, 9, tzinfo=ZoneInfo("Europe/Berlin"))


@dataclass
class Worst:
    """The most that a reader needed: resident megabytes beyond those of before, and seconds."""

    megabytes: float = 0
    seconds: float = 0
    which: str = ""

    def __str__(self) -> str:
        return f"{self.which} +{self.megabytes:.0f} MB, at most {self.seconds:.1f} s"


def _png(width: int, height: int, data: bytes | None = None, *more: bytes, depth: int = 1, colour: int = 0) -> bytes:
    """A PNG of one colour; `more`: further chunks."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    row = -(-width * depth * {0: 1, 2: 3}[colour] // 8) + 1
    packed = zlib.compress(bytes(row * height), 9) if data is None else data
    head = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        [
            chunk(b"IHDR", head),
            *(chunk(each[:4], each[4:]) for each in more),
            chunk(b"IDAT", packed),
            chunk(b"IEND", b""),
        ]
    )


def _saved(form: str, width: int, height: int, frames: int = 1) -> bytes:
    made, one = io.BytesIO(), Image.new("L" if form == "JPEG" else "P" if form == "GIF" else "RGB", (width, height))
    more = {"save_all": True, "append_images": [one] * (frames - 1)} if frames > 1 else {}
    one.save(made, form, **more)
    return made.getvalue()


def _workbook(sheet: bytes, times: int, end: bytes, *, shared: bool = False) -> bytes:
    """A workbook one part of which is a repeated text; packed well."""
    import openpyxl

    made, out = io.BytesIO(), io.BytesIO()
    openpyxl.Workbook().save(made)
    with zipfile.ZipFile(made) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as new:
        for name in old.namelist():
            if name == ("xl/sharedStrings.xml" if shared else "xl/worksheets/sheet1.xml"):
                head, _, _ = end.partition(b"|")
                with new.open(name, "w") as part:
                    part.write(head)
                    block = sheet * 10_000
                    for _ in range(times // 10_000):
                        part.write(block)
                    part.write(end.partition(b"|")[2])
            else:
                new.writestr(name, old.read(name))
    return out.getvalue()


_SHEET = (
    b'<?xml version="1.0"?><worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>'
)
_SHEET_END = b"</sheetData></worksheet>"


def bombs(kind: Literal["picture", "list"]) -> dict[str, bytes]:
    """Small files by name."""
    if kind == "picture":
        return {
            "a PNG of 49 million pixels": _png(7000, 7000),
            "the same in colour": _png(7000, 7000, depth=8, colour=2),
            "a PNG of 50 million times 1": _png(50_000_000, 1),
            "a PNG of 2 thousand million pixels": _png(65_000, 32_000, zlib.compress(b"")),
            "a small PNG with 200 MB of picture": _png(8, 8, zlib.compress(bytes(200_000_000), 9)),
            "a small PNG with a text of 200 MB": _png(8, 8, None, b"zTXta\0\0" + zlib.compress(bytes(200_000_000), 9)),
            "a small PNG with a profile of 200 MB": _png(
                8, 8, None, b"iCCPa\0\0" + zlib.compress(bytes(200_000_000), 9)
            ),
            "a JPEG of 49 million pixels": _saved("JPEG", 7000, 7000),
            "a WebP of 49 million pixels": _saved("WEBP", 7000, 7000),
            "a GIF of 49 million pixels": _saved("GIF", 7000, 7000),
            "a WebP that moves": _saved("WEBP", 2000, 2000, 40),
        }
    rows = b"<row>" + b"<c><v>1</v></c>" * 20 + b"</row>"
    return {
        "rows.xlsx": _workbook(rows, 1_400_000, _SHEET + b"|" + _SHEET_END),
        "wide.xlsx": _workbook(b"<c><v>1</v></c>", 30_000_000, _SHEET + b"<row>|</row>" + _SHEET_END),
        "blank.xlsx": _workbook(b"<row/>", 60_000_000, _SHEET + b"|" + _SHEET_END),
        "wide.csv": b"employee_id,name\n" + b"," * 30_000_000,
        "rows.csv": b"employee_id,name\n" + b"a,b\n" * 7_000_000,
        "quotes.csv": b'employee_id,name\n"' + b'""' * 15_000_000,
        "events.ics": b"BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nUID:1\r\nDTSTART;VALUE=DATE:00010101\r\nDTEND;VALUE=DATE:99991231\r\n"
        b"RRULE:FREQ=DAILY\r\nSUMMARY:E1\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n",
        "attlog.dat": b"1\t2026-11-02 08:00:00\t1\t0\t15\t0\r\n" * 900_000,
    }


def _measured(read: Callable[[], object], out: multiprocessing.SimpleQueue[tuple[float, float, str]]) -> None:
    """Body of a process: what a reader needs."""
    resource.setrlimit(resource.RLIMIT_AS, (6_000_000_000, 6_000_000_000))
    Path("/proc/self/clear_refs").write_text("5")
    before, begun, told = _peak(), time.monotonic(), "read"
    try:
        read()
    except MusterError:
        told = "refused"
    except MemoryError:
        told = "out of memory"
    out.put((_peak() - before, time.monotonic() - begun, told))


def _peak() -> float:
    text = Path("/proc/self/status").read_text()
    return int(next(line for line in text.splitlines() if line.startswith("VmHWM")).split()[1]) / 1024


def read_all(folder: Path) -> Worst:
    """Give each small file to what reads uploads, each in a process of its own, and return what the worst needed."""
    (folder / "w").mkdir()
    bench = Workbench(folder / "w", clock=lambda: NOW)
    people, book = bench.people, bench.leave
    readers: dict[str, Callable[[Path], object]] = {
        "staff": lambda path: import_staff(path, people, dry_run=True, now=NOW),
        "leave": lambda path: import_table(book, path, people, now=NOW, dry_run=True),
        "clock": read_clock_file,
        "ids": read_ids,
        "calendar": lambda path: import_calendar(
            book, path, people, zone=ZoneInfo("Europe/Berlin"), now=NOW, dry_run=True
        ),
    }
    jobs: list[tuple[str, Callable[[], object]]] = [
        (name, lambda content=content: decode_image(content, most_px=25e6))
        for name, content in bombs("picture").items()
    ]
    for name, content in bombs("list").items():
        path = folder / name
        path.write_bytes(content)
        for title, read in readers.items():
            if (title == "calendar") == name.endswith(".ics"):
                jobs.append((f"{title} from {name}", lambda read=read, path=path: read(path)))
    context, worst = multiprocessing.get_context("fork"), Worst()
    for name, job in jobs:
        out: multiprocessing.SimpleQueue[tuple[float, float, str]] = context.SimpleQueue()
        child = context.Process(target=_measured, args=(job, out))
        child.start()
        child.join(90)
        if child.exitcode != 0:
            child.kill()
            child.join()
            megabytes, seconds, told = 9999.0, 90.0, "never ended"
        else:
            megabytes, seconds, told = out.get()
        print(f"    {name}: {told}, +{megabytes:.0f} MB, {seconds:.1f} s", flush=True)
        worst.seconds = max(worst.seconds, seconds)
        if megabytes > worst.megabytes:
            worst.megabytes, worst.which = megabytes, name
    return worst
