"""Secrets and formulas that are planted in a workspace, and everything that comes out of it again."""

from __future__ import annotations

import contextlib
import csv
import io
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path

import httpx2 as httpx
import openpyxl
import psutil
from browser import Site, serve
from open_sockets import page
from paperwork import Clock, bench, enrol, face, punch

from app.views import PAGES
from app.web.sessions import COOKIE
from engine.config import load_config
from engine.errors import MusterError

__all__ = ["formulas", "planted"]

_MARK = "Zq7pl4nt"
"""Begins every secret that is planted."""


def _secrets() -> Iterator[str]:
    number = 0
    while True:
        number += 1
        yield f"{_MARK}{number:02d}xW"


def _settings() -> str:
    new = _secrets()
    return f"""
organisation = "Works"
[cameras.gate]
source = "rtsp://admin:{next(new)}@127.0.0.1:9/x?token={next(new)}"
[cameras.yard]
source = "srt://127.0.0.1:9?passphrase={next(new)}"
[cameras.lane]
source = "  RTSP://admin:{next(new)}@127.0.0.1:9/x"
[cameras.dock]
source = "http://admin:a@{next(new)}/b@127.0.0.1:9/v.mjpg"
[app.oidc]
metadata_url = "https://127.0.0.1:9/.well-known/openid-configuration"
client_id = "muster"
client_secret = "{next(new)}"
base_url = "https://muster.example"
[reports]
mail_server = "mailtos://ann:{next(new)}@example.org?smtp=127.0.0.1&token={next(new)}"
[[reports.scheduled]]
name = "weekly"
to = ["hr@example.org"]
[[reports.scheduled]]
name = "heads"
every = "day"
format = "heads"
webhook = "http://127.0.0.1:9/{next(new)}?key={next(new)}"
webhook_key = "{next(new)}-of-heads"
[[notifications.rules]]
name = "night"
to = ["json://ann:{next(new)}@127.0.0.1:9/{next(new)}", "jsons://127.0.0.1:9/{next(new)}?+X-Key={next(new)}"]
[[notifications.rules]]
name = "hook"
webhook = "http://127.0.0.1:9/services/{next(new)}?token={next(new)}"
webhook_secret_env = "HOOK_KEY"
"""


_ENVIRONMENT = {
    "MUSTER_CAMERAS__DOOR__SOURCE": f"rtsp://admin:{_MARK}e1xW@127.0.0.1:9/x",
    "HOOK_KEY": f"{_MARK}e2xW-of-the-hook",
    "MUSTER_PASSPHRASE": f"{_MARK}e3xW",
}
_QUICK = {"MUSTER_SOURCES__OPEN_TIMEOUT_S": "0.3", "MUSTER_SOURCES__STALL_TIMEOUT_S": "0.3"}
_ARGUMENT = f"rtsp://admin:{_MARK}a1xW@127.0.0.1:9/x"


def planted(folder: Path) -> tuple[bool, str]:
    """Plant a secret wherever one may stand, ask for everything, and look where one comes out."""
    place = folder / "w"
    place.mkdir()
    (place / "muster.toml").write_text(_settings())
    said: dict[str, str] = {}
    for words in (
        ["doctor", "--json"],
        ["doctor", "--camera", _ARGUMENT],
        ["watch", "--camera", "x", "--source", f"file://admin:{_MARK}a2xW@h/x"],
        ["kiosk", "--camera", "x", "--source", f"ftp://admin:{_MARK}a3xW@h/x"],
        ["watch", _ARGUMENT],
        ["notify", "test"],
        ["report", "send", "weekly"],
        ["report", "send", "heads"],
        ["report", "scheduled", "--json"],
        ["store", "check"],
        ["store", "init", "--store", f"postgresql+psycopg://muster:{_MARK}a4xW@127.0.0.1:9/muster"],
        ["backup", str(folder / "all.backup")],
        ["people", "list", "--json"],
        ["verify", "--json"],
        ["heads"],
    ):
        said[f"muster {' '.join(words[:2])}"] = _muster(*words, "--workspace", str(place))
    said |= dict(_wrong(folder / "wrong"))
    said |= _served(place)
    for path in [*place.rglob("*"), folder / "all.backup"]:
        if path.is_file() and path.name != "muster.toml":
            said[f"file {path.relative_to(folder)}"] = path.read_bytes().decode("latin-1")
    found = [name for name, text in said.items() if _MARK in text or _MARK in re.sub(r"[\s\\]", "", text)]
    return not found, f"{len(said)} outputs read; a secret in: {', '.join(found) or 'none'}"


def _muster(*words: str) -> str:
    """What a command says, its traces included."""
    done = subprocess.run(
        [sys.executable, "-c", "from engine.cli import main; main()", *words],
        env={**os.environ, **_ENVIRONMENT, **_QUICK, "MUSTER_DEBUG": "1"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=120,
        check=False,
    )
    return done.stdout.decode("utf-8", "replace")


def _wrong(folder: Path) -> Iterator[tuple[str, str]]:
    """What is said of settings that are wrong, with the secret of a right one in each."""
    folder.mkdir()
    for number, line in enumerate(_settings().splitlines()):
        name, _, value = line.partition("=")
        if _MARK not in value:
            continue
        for broken in (
            f"[cameras.gate]\n{name.strip()}x ={value}",
            *([f"timezone ={value}"] if "@" in value else []),  # nothing tells that a bare word is a secret
            f"[app]\nport ={value}",
            f"[app.oidc]\nclient_secret ={value}",
            f"{line}\n{line}",
            f"{line} x",
        ):
            (folder / "muster.toml").write_text(broken)
            try:
                load_config(folder)
            except MusterError as error:
                yield f"wrong setting {number} {broken[:20]!r}", f"{error} {error.hint}"


def _served(place: Path) -> dict[str, str]:
    """Pages, JSON, process list and logs of a running server."""
    said: dict[str, str] = {}
    with serve(place, **_ENVIRONMENT, **_QUICK) as site:
        form = {"name": "admin", "password": Site.password("admin")}
        with httpx.Client(base_url=site.base, headers={"origin": site.base}, timeout=60) as client:
            assert client.post("/sign-in", data=form).status_code == 303
            for name in sorted({each.path for each in PAGES}):
                for query in _PARTS.get(name, ("",)):
                    told: list[bytes] = []
                    with page(site, client.cookies[COOKIE], query, told, name=name), contextlib.suppress(Exception):
                        pass
                    said[f"page {name}?{query}"] = b"".join(told).decode("latin-1")
            for path in (
                "/readyz",
                "/healthz",
                "/metrics",
                "/api/v1/openapi.json",
                "/sign-in",
                "/sign-in/organisation",
                "/nothing",
            ):
                with contextlib.suppress(httpx.HTTPError):
                    said[f"GET {path}"] = client.get(path).text
        processes = [psutil.Process(site.pid), *psutil.Process(site.pid).children(recursive=True)]
        said["process list"] = " ".join(" ".join(each.cmdline()) for each in processes)
    return said


_PARTS = {
    "settings": tuple(
        f"part={part}" for part in ("organisation", "cameras", "notifications", "sign_in", "kiosk", "sites")
    ),
    "system": tuple(
        f"part={part}" for part in ("running", "check", "cameras", "mail", "workspace", "audit", "users", "tokens")
    ),
}

# -------------------------------------------------------------------------------------------------------- formulas

_DANGEROUS = tuple("=+-@＝＋－＠\t\r")
_NUMBER = re.compile(r"[-+][0-9.,:]+")


def _hostile() -> list[str]:
    starts = [
        "=1+1",
        "+1+1",
        "-1+1",
        "@SUM(A1)",
        "＝1+1",
        "＋1",
        "－1+1",
        "＠SUM(A1)",
        "\t=1+1",
        "\r=1+1",
        "=cmd|'/C calc'!A0",
    ]
    return [
        *starts,
        *(f"a{each}{start}{each}b" for each in ";,\t" for start in starts[:5]),
        'a";=1+1;"b',
        "'=1+1",
        " =1+1",
        "\u00a0=1",
    ]


def formulas(folder: Path) -> tuple[bool, str]:
    """Give people, departments and cameras names that are formulas, export everything, and read it as spreadsheets do."""
    place = folder / "w"
    place.mkdir()
    (place / "muster.toml").write_text("timezone = 'Europe/Berlin'\n")
    clock = Clock(datetime.fromisoformat("2026-11-24T18:00:00+01:00"))
    bench_there, refused = bench(place, clock), 0
    day = date(2026, 11, 23)
    for number, text in enumerate(_hostile()):
        try:
            enrol(bench_there, f"E{number}", text, face(1, number))
        except Exception:  # noqa: BLE001 - a name that nobody may have
            refused += 1
            continue
        punch(bench_there, f"E{number}", datetime.fromisoformat("2026-11-23T08:00:00+01:00"), track=f"t{number}")
        with contextlib.suppress(Exception):
            bench_there.office.correct(f"E{number}", day, "status", author=text, reason=text, value="excused")
    cells = files = 0
    examples: list[str] = []
    span = ["--from", f"{day}", "--until", f"{day}"]
    for name, words in {
        "report.csv": ["report", *span, "--csv"],
        "summary.csv": ["report", *span, "--summary", "--csv"],
        "punches.csv": ["punches", "export", *span, "--format", "csv"],
        "people.csv": ["people", "--csv"],
        "report.xlsx": ["report", *span, "--xlsx", str(folder / "report.xlsx")],
        "the workspace's people.csv": [],
    }.items():
        target = place / "people.csv" if not words else folder / name
        if words and target.suffix == ".csv":
            target.write_text(_muster(*words, "--workspace", str(place)))
        elif words:
            _muster(*words, "--workspace", str(place))
        found = list(_cells(target)) if target.exists() else []
        files, cells = files + bool(found), cells + len(found)
        bad = [cell for cell in found if cell[:1] in _DANGEROUS and not _NUMBER.fullmatch(cell)]
        examples += [f"{name}: {cell!r}" for cell in bad]
    told = (
        f"{len(_hostile())} texts ({refused} refused), {files} files, {cells} cells, formulas: {examples[:3] or 'none'}"
    )
    return not examples and files >= 5, told


def _cells(path: Path) -> Iterator[str]:
    if path.suffix == ".xlsx":
        book = openpyxl.load_workbook(path)
        for sheet in book:
            for row in sheet.iter_rows():
                for cell in row:
                    if cell.data_type == "f":
                        yield str(cell.value)
        return
    text = path.read_bytes().decode("utf-8-sig")
    for separator in ",;\t":
        for quoting in (csv.QUOTE_MINIMAL, csv.QUOTE_NONE):
            for row in csv.reader(io.StringIO(text, newline=""), delimiter=separator, quoting=quoting):
                yield from (cell.lstrip(' "\u00a0') for cell in row)
