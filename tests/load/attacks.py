# ruff: noqa: E402 - run as a script, it must find its neighbours first
"""Attack a workspace as somebody who can write all its files but not the folder of its keys, and print what was noticed.

    python tests/load/attacks.py

Each attack finds the same workspace in the same place. It is held if `muster verify` names something that no accident explains; what is
exported must be told apart by `muster verify FILE`. Prints a table of attack → held / got through; exit code 1 when something got through.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parents[1] / "support"), str(Path(__file__).parents[2])]

from make_workspace import at, fill
from paperwork import Clock, picture, punch
from sites import sighting

from engine.attendance.evidence import record_shown
from engine.operations.reporting import AttendanceReports
from engine.records import find_exports, note_export
from engine.reports import sheet_csv
from engine.workbench import Workbench

DAY = "2026-11-24"
CLOSED, OPEN = "attendance-2026-11-23.csv", "attendance-2026-11-26.csv"
Attack = Callable[[Path, Path], object]


def lived(workspace: Path, older: Path) -> None:
    """A workspace with a bit of everything; `older` gets a copy from before its last day."""
    fill(workspace)
    clock = Clock(at(26, 8))
    bench = Workbench(workspace, clock=clock)
    bench.accounts.add("root", "admin", "a long password of hers")
    bench.accounts.add("vic", "viewer", "another long password")
    for who in ("E1", "E2"):
        shown = picture(20 + 50 * (who == "E2"))
        record_shown(bench.attendance, sighting(who, track=f"e-{who}", day=at(25, 0).date()), bench.people.known, shown)
    shutil.copytree(workspace, older)
    clock.now = at(26, 12)
    punch(bench, "E1", at(26, 9), track="in-26")
    punch(bench, "E2", at(26, 10), track="in2-26")
    bench.accounts.change("vic", role="viewer", language="de")
    bench.office.correct("E1", at(24, 0).date(), "status", author="ann", reason="ill", value="excused")
    bench.records.note("look", "E1", "", author="ann")
    bench.attendance.keeper.refresh(at(24, 0).date(), bench.people.known())


def remove(*names: str) -> Attack:
    """Remove files, folders, or whatever a pattern names."""

    def attack(workspace: Path, _: Path) -> None:
        found = [path for name in names for path in sorted(workspace.glob(name))]
        assert found, names
        for path in found:
            shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)

    return attack


def roll_back(*names: str) -> Attack:
    """Put back what they were before the last day."""

    def attack(workspace: Path, older: Path) -> None:
        for name in names:
            target = workspace / name
            if target.is_dir():
                shutil.rmtree(target)
                shutil.copytree(older / name, target)
            else:
                target.write_bytes((older / name).read_bytes())

    return attack


def rewrite(name: str, change: Callable[[bytes], bytes]) -> Attack:
    """Change a file's bytes."""

    def attack(workspace: Path, _: Path) -> None:
        (path,) = workspace.glob(name)
        before = path.read_bytes()
        assert change(before) != before, name
        path.write_bytes(change(before))

    return attack


def sub(old: str, new: str) -> Callable[[bytes], bytes]:
    """Replace a pattern once."""
    return lambda content: re.sub(old.encode(), new.encode(), content, count=1)


def lines(change: Callable[[list[bytes]], list[bytes]]) -> Callable[[bytes], bytes]:
    """Change a file line by line."""
    return lambda content: b"".join(change(content.splitlines(keepends=True)))


def swap(first: str, second: str) -> Attack:
    """Let two files change places."""

    def attack(workspace: Path, _: Path) -> None:
        one, two = (sorted(workspace.glob(name))[0] for name in (first, second))
        content = one.read_bytes()
        one.write_bytes(two.read_bytes())
        two.write_bytes(content)

    return attack


def replace_picture(folder: str) -> Attack:
    """Put another picture of the workspace, which is as well encrypted, in a picture's place."""

    def attack(workspace: Path, _: Path) -> None:
        first, *others = sorted(workspace.glob(f"images/{folder}/*.jpg"))
        other = (others or [path for path in sorted(workspace.glob("images/*/*.jpg")) if path != first])[0]
        first.write_bytes(other.read_bytes())

    return attack


def both(*attacks: Attack) -> Attack:
    """One after the other."""

    def attack(workspace: Path, older: Path) -> None:
        for each in attacks:
            each(workspace, older)

    return attack


def swap_templates(workspace: Path, _: Path) -> None:
    """Let the templates of two people change places, in the encrypted file as it lies there."""
    path = workspace / "gallery" / "people.safetensors"
    content = path.read_bytes()
    for old, new in ((b"E1", b"\0\0"), (b"E2", b"E1"), (b"\0\0", b"E2")):
        content = content.replace(old, new)
    assert content != path.read_bytes()
    path.write_bytes(content)


def threshold(workspace: Path, _: Path) -> None:
    """A calibration that takes anybody for anybody."""
    bench = Workbench(workspace)
    row = {**dict.fromkeys(("version", "restores", "people"), 1), **dict.fromkeys(("before", "gallery_version"), 0)}
    row |= {
        **dict.fromkeys(("made_at", "author", "reason", "evaluation_id"), "x"),
        "action": "apply",
        "threshold": 0.05,
    }
    row |= {"previous": 0.6, "model_id": bench.gallery.recipe[0], "alignment_id": bench.gallery.recipe[1]}
    (workspace / "calibration.json").write_text(json.dumps({"format": 1, "versions": [row]}))


def new_identity(workspace: Path, _: Path) -> None:
    """Make it look like another workspace, and cut its history."""
    (workspace / "seal.id").write_text("0123456789abcdef\n")
    (workspace / "log" / CLOSED).unlink()


HEADS = "log/.heads"
ATTACKS: dict[str, Attack] = {
    "a closed day gone": remove(f"log/{CLOSED}"),
    "a closed day gone with head and list": remove(f"log/{CLOSED}", f"{HEADS}/{CLOSED}", "log/seals.csv"),
    "the open day gone with its head": remove(f"log/{OPEN}", f"{HEADS}/{OPEN}"),
    "last row cut, heads gone": both(rewrite(f"log/{OPEN}", lines(lambda rows: rows[:-1])), remove(HEADS)),
    "last row cut, heads and lists gone": both(
        rewrite(f"log/{OPEN}", lines(lambda rows: rows[:-1])), remove(HEADS, "log/seals.csv", "state.seals")
    ),
    "a row gone from the middle": rewrite(f"log/{CLOSED}", lines(lambda rows: rows[:2] + rows[3:])),
    "two rows change places": rewrite(f"log/{CLOSED}", lines(lambda rows: [rows[0], rows[2], rows[1], *rows[3:]])),
    "a row twice": rewrite(f"log/{CLOSED}", lines(lambda rows: [*rows, rows[-1]])),
    "a row of one day in another": both(
        lambda workspace, _: (workspace / "log" / OPEN).write_bytes(
            (workspace / "log" / OPEN).read_bytes()
            + (workspace / "log" / CLOSED).read_bytes().splitlines(keepends=True)[-1]
        )
    ),
    "a person of a row changed": rewrite(f"log/{CLOSED}", sub(",E1,", ",E2,")),
    "a time of a row changed": rewrite(f"log/{CLOSED}", sub("T09:", "T07:")),
    "two days change names": swap("log/attendance-2026-11-23.csv", "log/attendance-2026-11-24.csv"),
    "a correction gone": remove("log/corrections-*.csv", f"{HEADS}/corrections-*.csv"),
    "an incident gone": remove("log/incidents-2026-11-24.csv"),
    "all incidents gone": remove("log/incidents-*.csv", f"{HEADS}/incidents-*.csv"),
    "the audit log gone with its head": remove("log/audit.csv", f"{HEADS}/audit.csv"),
    "the last line of the audit log gone": rewrite("log/audit.csv", lines(lambda rows: rows[:-1])),
    "the list of pictures gone": remove("log/pictures-*.csv", f"{HEADS}/pictures-*.csv"),
    "the list of closed days gone": remove("log/seals.csv"),
    "the list of closed days cut": rewrite("log/seals.csv", lines(lambda rows: rows[:-1])),
    "all logs gone": remove("log"),
    "everything gone but the settings": remove("log", "gallery", "images", "*.csv", "*.json", "*.seals", "attendance"),
    "made to look like another workspace": new_identity,
    "its name gone, and a day": both(remove("seal.id"), remove(f"log/{CLOSED}", f"{HEADS}/{CLOSED}", "log/seals.csv")),
    "everything gone, and an older folder moved here": lambda workspace, older: (
        shutil.rmtree(workspace),
        shutil.copytree(older, older.with_name("moved")),
        (older.with_name("moved") / "seal.id").unlink(),
        older.with_name("moved").rename(workspace),
    ),
    "all logs older": roll_back("log"),
    "the audit log older": roll_back("log/audit.csv"),
    "the audit log older with its head": roll_back("log/audit.csv", f"{HEADS}/audit.csv"),
    "one day older": both(roll_back("log/attendance-2026-11-24.csv"), remove(f"log/{OPEN}", f"{HEADS}/{OPEN}")),
    "accounts older with the list of files": roll_back("accounts.json", "state.seals"),
    "the whole workspace older": lambda workspace, older: (
        [shutil.rmtree(each) if each.is_dir() else each.unlink() for each in workspace.iterdir()],
        shutil.copytree(older, workspace, dirs_exist_ok=True),
    ),
    "the whole workspace older, as a new folder": lambda workspace, older: (
        shutil.rmtree(workspace),
        shutil.copytree(older, workspace),
    ),
    "templates of two people swapped": swap_templates,
    "one template's bytes changed": rewrite("gallery/people.safetensors", lambda raw: raw[:-1] + bytes([raw[-1] ^ 1])),
    "templates gone": remove("gallery/people.safetensors"),
    "strangers gone": remove("gallery/strangers.safetensors"),
    "strangers in the place of people": swap("gallery/people.safetensors", "gallery/strangers.safetensors"),
    "a picture of evidence replaced": replace_picture("evidence"),
    "a picture of evidence gone": remove("images/evidence/*.jpg"),
    "a picture of an incident replaced": replace_picture("unknown"),
    "a picture of a tailgater replaced": replace_picture("tailgating"),
    "a viewer becomes an administrator": rewrite("accounts.json", sub('"viewer"', '"admin"')),
    "accounts gone": remove("accounts.json"),
    "accounts and their list gone": remove("accounts.json", "state.seals"),
    "a threshold of .05": threshold,
    "a name changed": rewrite("people.csv", sub("Ben Example", "Cem Example")),
    "a person gone": rewrite("people.csv", lines(lambda rows: rows[:-1])),
    "people gone": remove("people.csv"),
    "a token made by hand": lambda workspace, _: (workspace / "tokens.json").write_text('{"format": 1, "tokens": []}'),
    "a device made by hand": lambda workspace, _: (workspace / "devices.json").write_text("[]"),
    "retention set by hand": lambda workspace, _: (workspace / "retention.json").write_text("{}"),
    "leave made by hand": lambda workspace, _: (workspace / "leave.csv").write_text(
        "employee_id,first,last,kind\nE1,2026-11-23,2026-11-27,vacation\n"
    ),
    "a day sheet edited": rewrite(f"attendance/{DAY}.csv", sub("E1,", "E9,")),
}


def noticed(workspace: Path) -> str:
    """What `muster verify` says first; empty: nothing."""
    try:
        wrong = [each for each in Workbench(workspace).records.verify() if not each.harmless]
    except Exception as error:  # noqa: BLE001 - a refusal is told, a fault of ours is one, too
        return f"{type(error).__name__}: {error}"
    return f"{wrong[0].file} {wrong[0].what}: {wrong[0].detail}" if wrong else ""


def exported(workspace: Path) -> dict[str, str]:
    """Edits of an exported sheet, and what `muster verify FILE` says: `held`, or empty if it takes the edited one for the exported."""
    bench = Workbench(workspace)
    first = at(24, 0).date()
    sheet = sheet_csv(AttendanceReports(bench).rows(first, first, None)).encode()
    note_export(bench.records, "export_sheet", "report", DAY, sheet, author="ann")
    assert find_exports(bench.records, [sheet])[0].holds
    edits = {
        "a figure": sub("09:00", "07:00"),
        "a blank more": lambda raw: raw + b" ",
        "other line ends": lambda raw: raw.replace(b"\r\n", b"\n") if b"\r\n" in raw else raw.replace(b"\n", b"\r\n"),
        "a row less": lines(lambda rows: rows[:-1]),
    }
    return {
        f"an exported sheet: {name}": "" if find_exports(bench.records, [edit(sheet)])[0].holds else "held"
        for name, edit in edits.items()
    }


def main() -> int:
    """Try all; the exit code."""
    width, through = 52, 0
    with tempfile.TemporaryDirectory(prefix="muster-attacks-") as name:
        folder = Path(name)
        os.environ["MUSTER_KEYS"] = str(folder / "keys")
        workspace, older = folder / "w", folder / "older"
        lived(workspace, older)
        assert not noticed(workspace), noticed(workspace)
        pristine = {each: folder / "pristine" / each for each in ("w", "keys")}
        for each, place in pristine.items():
            shutil.copytree(folder / each, place)
        told: dict[str, str] = {}
        for title, attack in ATTACKS.items():
            for each, place in pristine.items():  # same inode, too: the witnesses know the folder by it
                for path in (folder / each).iterdir() if (folder / each).is_dir() else ():
                    shutil.rmtree(path) if path.is_dir() else path.unlink()
                shutil.copytree(place, folder / each, dirs_exist_ok=True)
            attack(workspace, older)
            told[title] = noticed(workspace)
        for each, place in pristine.items():
            shutil.rmtree(folder / each)
            shutil.copytree(place, folder / each)
        told |= exported(workspace)
    for title, what in told.items():
        through += not what
        print(f"{title:<{width}} {'held' if what else 'GOT THROUGH'}  {what[:100]}")
    print(f"{len(told)} attacks, {through} got through")
    return int(through > 0)


if __name__ == "__main__":
    sys.exit(main())
