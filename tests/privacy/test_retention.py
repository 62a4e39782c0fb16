"""Nothing is kept longer than the settings say, nothing goes earlier, and what remains can still be verified."""

from __future__ import annotations

import logging
import os
import threading
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest
from fakes import T0
from paperwork import Clock, bench, enrol, face, picture, punch, stranger, tailgating

from engine.errors import InputError, StorageError
from engine.gallery import Template
from engine.imaging import write_jpeg
from engine.operations.upkeep import attended, upkeep
from engine.types import Severity
from engine.workbench import Workbench

TODAY = T0.date()
FOLDERS = {
    "unknown": "unknown_images",
    "unidentified": "unknown_images",
    "tailgating": "tailgating_images",
    "presentation_attack": "tailgating_images",
    "watch_list": "tailgating_images",
    "evidence": "evidence_images",
}


def workspace(path: Path, **retention: int | None) -> Workbench:
    """Everything is kept for ever but for what is given."""
    never = dict.fromkeys(("unknown_images", "tailgating_images", "evidence_images", "strangers", "faces", "sightings"))
    return bench(path, Clock(T0), retention={**never, **retention})


def counts(workbench: Workbench, *, apply: bool = False) -> dict[str, tuple[int, date | None]]:
    return {row.what: (row.count, row.oldest) for row in workbench.privacy.purge(apply=apply, author="Sam")}


def content(workspace: Path) -> dict[str, bytes]:
    """All files but locks."""
    files = (path for path in workspace.rglob("*") if path.is_file() and path.suffix != ".lock")
    return {path.relative_to(workspace).as_posix(): path.read_bytes() for path in files}


def ago(days: float) -> datetime:
    return T0 - timedelta(days=days)


# ----------------------------------------------------------------------------------------- pictures


def test_in_an_empty_workspace_nothing_is_too_old(tmp_path: Path) -> None:
    workbench = bench(tmp_path, Clock(T0))  # the usual settings
    assert counts(workbench, apply=True) == dict.fromkeys(
        ("unknown_images", "tailgating_images", "evidence_images", "faces", "strangers", "sightings"), (0, None)
    )
    assert counts(workspace(tmp_path), apply=True) == {}
    assert content(tmp_path) == {}


@pytest.mark.parametrize("folder", [*FOLDERS, "enrolment"])
def test_a_picture_goes_on_the_day_after_its_last_and_none_of_another_class(tmp_path: Path, folder: str) -> None:
    names = {}
    for each in [*FOLDERS, "enrolment"]:
        for days in (9, 10, 11, 12):
            path = tmp_path / "images" / each / f"{ago(days):%Y%m%dT%H%M%S}-0000000{days % 10}.jpg"
            write_jpeg(path, picture())
            names[each, days] = path
    what = FOLDERS.get(folder)
    workbench = workspace(tmp_path, **({what: 10} if what else {}))
    same = [each for each, other in FOLDERS.items() if other == what]
    before = content(tmp_path)
    expected = {what: (2 * len(same), ago(12).date())} if what else {}
    assert counts(workbench) == expected
    assert content(tmp_path) == before  # only counted
    assert counts(workbench, apply=True) == expected
    gone = {key for key, path in names.items() if not path.exists()}
    assert gone == {(each, days) for each in same for days in (11, 12)}
    assert counts(workbench, apply=True) == ({what: (0, None)} if what else {})


def test_the_age_of_a_picture_without_a_day_in_its_name_is_its_files(tmp_path: Path) -> None:
    for name, days in (("old", 40), ("new", 3)):
        path = tmp_path / "images" / "unknown" / f"{name}.jpg"
        write_jpeg(path, picture())
        os.utime(path, (ago(days).timestamp(), ago(days).timestamp()))
    assert counts(workspace(tmp_path, unknown_images=10), apply=True) == {"unknown_images": (1, ago(40).date())}
    assert [path.stem for path in (tmp_path / "images" / "unknown").iterdir()] == ["new"]


def test_what_is_erased_is_written_down(tmp_path: Path) -> None:
    workbench = workspace(tmp_path, unknown_images=10)
    stranger(workbench, face(1), ago(20), track="run-1", image=picture())
    counts(workbench)
    assert workbench.audit.read() == []
    counts(workbench, apply=True)
    counts(workbench, apply=True)  # nothing more to do, nothing more to say
    (row,) = workbench.audit.read()
    assert (row.author, row.action, row.detail) == ("Sam", "purge", "1 unknown images")


# ----------------------------------------------------------------------------------------- strangers


def test_strangers_go_when_nobody_has_seen_them_for_so_long(tmp_path: Path) -> None:
    workbench = workspace(tmp_path, strangers=10)
    for number, days in enumerate((9, 10, 11, 30)):
        stranger(workbench, face(*[0] * number, 1), ago(days), track=f"run-{number}")
    stranger(workbench, face(0, 0, 0, 1), ago(5), camera="gate", track="run-9")  # came back
    assert counts(workbench) == {"strangers": (1, ago(11).date())}
    assert len(workbench.strangers.current()) == 4
    assert counts(workbench, apply=True) == {"strangers": (1, ago(11).date())}
    assert workbench.strangers.current().people == ("unknown-1", "unknown-2", "unknown-4")
    stranger(workbench, face(0, 0, 1), T0, track="run-10")
    assert "unknown-5" in workbench.strangers.current().people  # a number is not given twice


def test_watch_listed_strangers_stay_also_under_an_earlier_number(tmp_path: Path) -> None:
    workbench = workspace(tmp_path, strangers=10)
    for number in range(3):
        stranger(workbench, face(*[0] * number, 1), ago(50), track=f"run-{number}")
    workbench.office.watch("unknown-2", author="Sam", reason="thief")
    workbench.office.merge("unknown-1", "unknown-2", author="Sam")
    workbench.strangers.update(lambda gallery: gallery.reassign(["run-0"], "unknown-1"))  # by a process that knew less
    assert counts(workbench, apply=True) == {"strangers": (1, ago(50).date())}
    assert set(workbench.strangers.current().people) == {"unknown-1", "unknown-2"}


def test_a_stranger_whose_visits_are_gone_from_the_logs_is_as_old_as_the_latest_template(tmp_path: Path) -> None:
    workbench = workspace(tmp_path, strangers=40, incidents=31)
    for number, days in enumerate((100, 39)):
        row = face(*[0] * number, 1)
        stranger(workbench, row, ago(100), track=f"{ago(100):%Y%m%dT%H%M%S}-aa-{number}")
        template = Template(f"{ago(days):%Y%m%dT%H%M%S}-bb-{number}", f"unknown-{number + 1}", 0.5)
        workbench.strangers.update(lambda old, template=template, row=row: old.add([template], row[None]))
    assert counts(workbench, apply=True) == {"strangers": (1, ago(100).date()), "incidents": (1, ago(100).date())}
    assert counts(workbench, apply=True) == {"strangers": (0, None), "incidents": (0, None)}
    assert workbench.strangers.current().people == ("unknown-2",)


# ----------------------------------------------------------------------------------------- logs


def test_logs_go_by_whole_days_with_their_sheets_and_the_rest_verifies(tmp_path: Path) -> None:
    workbench = workspace(tmp_path, attendance=40, incidents=50)
    enrol(workbench, "E1", "Ada Lovelace", face(1))
    for days in (60, 51, 50, 41, 40, 1):
        punch(workbench, "E1", ago(days), track=f"run-{days}")
        tailgating(workbench, ago(days), ["E1"])
    workbench.records.close(T0, workbench.people.known())
    sheet = tmp_path / "attendance" / f"{ago(45).date()}.csv"  # of a day on which nobody was seen
    workbench.attendance.keeper.refresh(ago(45).date(), workbench.people.known())
    (tmp_path / "attendance" / "notes.csv").write_text("ours\n")
    expected = {"attendance": (5, ago(60).date()), "incidents": (2, ago(60).date())}
    before = content(tmp_path)
    assert counts(workbench) == expected
    assert content(tmp_path) == before
    assert counts(workbench, apply=True) == expected
    assert workbench.attendance.log.days() == [ago(40).date(), ago(1).date()]
    assert workbench.incidents.log.days() == [ago(days).date() for days in (50, 41, 40, 1)]
    assert not sheet.exists()
    assert sorted(path.stem for path in (tmp_path / "attendance").glob("*.csv")) == [
        str(ago(40).date()),
        str(ago(1).date()),
        "notes",
    ]
    assert workbench.records.verify() == []
    assert counts(workbench, apply=True) == dict.fromkeys(expected, (0, None))
    log = workbench.attendance.log.raw.shelf.path(ago(40).date())
    log.write_bytes(log.read_bytes().replace(b"E1", b"E2"))
    assert [finding.what for finding in workbench.records.verify()] == ["changed"]


def test_a_row_that_was_tampered_with_stops_nothing(tmp_path: Path) -> None:
    workbench = workspace(tmp_path, strangers=10, unknown_images=10, incidents=31)
    stranger(workbench, face(1), ago(20), track=f"{ago(20):%Y%m%dT%H%M%S}-aa-1", image=picture())
    log = workbench.incidents.log.raw.shelf.path(ago(20).date())
    log.write_bytes(log.read_bytes().replace(f",{ago(20):%Y-%m-%d}T".encode(), b",yesterday T"))
    assert counts(workbench, apply=True)["strangers"] == (1, ago(20).date())
    assert {finding.what for finding in workbench.records.verify()} == {"changed"}


def test_decisions_about_strangers_stay_while_somebody_of_theirs_is_held(tmp_path: Path) -> None:
    clock = Clock(ago(60))
    workbench = bench(tmp_path, clock, retention={"strangers": 30, "incidents": 31})
    for number in range(4):
        stranger(workbench, face(*[0] * number, 1), clock.now, track=f"{clock.now:%Y%m%dT%H%M%S}-aa-{number}")
    workbench.office.watch("unknown-1", author="Sam", reason="thief")
    clock.now = ago(59)
    workbench.office.merge("unknown-3", "unknown-2", author="Sam")
    workbench.office.ignore("unknown-4", author="Sam", reason="postman")
    clock.now = T0
    dry, done = counts(workbench), counts(workbench, apply=True)
    assert dry == done
    assert (done["strangers"][0], done["incidents"][0]) == (2, 2)  # the days of the visits and of the merge
    assert [row.action for row in workbench.dossiers.rows()] == ["watch"]
    assert workbench.strangers.current().people == ("unknown-1",)
    workbench.office.watch("unknown-1", author="Sam", reason="caught", on=False)
    again = counts(workbench, apply=True)
    assert (again["strangers"][0], again["incidents"][0]) == (1, 1)
    assert [row.action for row in workbench.dossiers.rows()] == ["unwatch"]
    assert workbench.records.verify() == []


def test_what_cannot_be_erased_is_told_and_erased_the_next_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    workbench = workspace(tmp_path, unknown_images=10)
    for days in (20, 21):
        stranger(workbench, face(1), ago(days), track=f"run-{days}", image=picture(), severity=Severity.INFO)
    with monkeypatch.context() as patch:
        patch.setattr(Path, "unlink", _refuse)
        with pytest.raises(StorageError, match=r"\.jpg"):
            counts(workbench, apply=True)
    assert counts(workbench, apply=True) == {"unknown_images": (2, ago(21).date())}
    assert list((tmp_path / "images" / "unknown").iterdir()) == []


def _refuse(path: Path, **_: object) -> None:
    raise PermissionError(13, "Permission denied", str(path))


# ----------------------------------------------------------------------------------------- now and then


def test_upkeep_runs_at_once_again_and_again_and_ends_on_exit(caplog: pytest.LogCaptureFixture) -> None:
    ran = threading.Semaphore(0)
    faults = iter([StorageError("disk full", hint="free space"), ValueError("a fault of ours")])

    def work() -> None:
        ran.release()
        if fault := next(faults, None):
            raise fault

    with caplog.at_level(logging.WARNING), upkeep(work, every_s=0.01):
        assert all(ran.acquire(timeout=10) for _ in range(4))  # errors do not end it
    assert not [thread for thread in threading.enumerate() if thread.name == "upkeep"]
    assert [record.getMessage() for record in caplog.records] == [
        "upkeep is put off: disk full → free space",
        "upkeep is put off",
    ]


def test_upkeep_does_not_wait_out_its_pause_when_the_work_is_over() -> None:
    ran = threading.Event()
    with upkeep(ran.set, every_s=3600):
        assert ran.wait(10)
    assert not [thread for thread in threading.enumerate() if thread.name == "upkeep"]


def waiting(picture: Path, looks: Path) -> bool:
    """Whether the second look has not done its work yet."""
    return picture.exists() and '"earlier": null' not in looks.read_text()


def test_while_somebody_watches_days_are_closed_and_what_is_too_old_goes(tmp_path: Path) -> None:
    workbench = workspace(tmp_path, unknown_images=10)
    enrol(workbench, "E1", "Ada Lovelace")
    punch(workbench, "E1", ago(3), track="run-1")
    row = stranger(workbench, face(1), ago(20), track="run-2", image=picture())
    clock = workbench.clock
    assert isinstance(clock, Clock)
    done = threading.Event()
    for _ in range(2):  # on two days
        clock.now += timedelta(days=1)
        with attended(workbench):
            for _ in range(500):
                looks = tmp_path / "retention.json"
                if (
                    looks.exists()
                    and str(clock.now.date()) in looks.read_text()
                    and not waiting(tmp_path / row.image, looks)
                ):
                    break
                done.wait(0.02)
    assert not (tmp_path / row.image).exists()
    assert len(list((tmp_path / "quarantine").glob("*/unknown/*.jpg"))) == 1
    assert (ago(3).date(), "") in workbench.attendance.log.raw.journal.heads("attendance")


def test_a_clock_that_jumps_erases_nothing(tmp_path: Path) -> None:
    clock = Clock(T0)
    workbench = bench(tmp_path, clock)
    enrol(workbench, "E1", "Ada Lovelace")
    punch(workbench, "E1", ago(1), track="run-1")
    row = stranger(workbench, face(1), ago(2), track="run-2", image=picture())
    before = {
        name: raw for name, raw in content(tmp_path).items() if name.startswith(("images", "log/att", "gallery/str"))
    }
    for jump in (3 * 365, 3 * 365 + 1, -400, 3 * 365 + 2, 5 * 365):
        clock.now = T0 + timedelta(days=jump)
        assert workbench.privacy.purge_in_time(author="engine") == []
        assert "nothing is erased" in workbench.privacy.clock_doubt()
        with pytest.raises(InputError, match="the clock says"):
            workbench.privacy.purge(apply=True, author="Sam")
    clock.now = T0 + timedelta(days=1)
    workbench.privacy.purge_in_time(author="engine")
    assert workbench.privacy.clock_doubt() == ""
    after = content(tmp_path)
    assert {name: after[name] for name in before} == before
    assert (tmp_path / row.image).exists()
    assert [each.action for each in workbench.audit.read()].count("clock") == 1
    assert workbench.records.verify() == []


def test_a_long_pause_is_believed_after_a_week_or_when_somebody_says_so(tmp_path: Path) -> None:
    clock = Clock(T0)
    workbench = bench(tmp_path, clock)
    row = stranger(workbench, face(1), ago(2), track="run-2", image=picture())
    for days in range(100, 106):
        clock.now = T0 + timedelta(days=days)
        assert workbench.privacy.purge_in_time(author="engine") == []
    other = bench(tmp_path, clock)
    clock.now = T0 + timedelta(days=106)
    assert sum(each.count for each in workbench.privacy.purge_in_time(author="engine")) > 0
    assert not (tmp_path / row.image).exists()
    clock.now = T0 + timedelta(days=400)
    other.privacy.purge(apply=True, author="Sam", trust_clock=True)
    assert other.privacy.clock_doubt() == ""


def test_what_is_too_old_waits_in_quarantine_and_then_goes(tmp_path: Path) -> None:
    workbench = workspace(tmp_path, unknown_images=10)
    row = stranger(workbench, face(1), ago(20), track="run-2", image=picture())
    name = Path(row.image).name
    clock = workbench.clock
    assert isinstance(clock, Clock)
    seen = []
    for day in range(20):
        clock.now = T0 - timedelta(days=19 - day)
        workbench.privacy.purge_in_time(author="engine")
        seen.append((tmp_path / row.image).exists())
    assert seen[:11] == [True] * 11
    assert seen[-1] is False
    assert [path.name for path in (tmp_path / "quarantine").rglob("*.jpg")] == [name]
    for day in range(1, 20):
        clock.now = T0 + timedelta(days=day)
        workbench.privacy.purge_in_time(author="engine")
    assert list((tmp_path / "quarantine").rglob("*.jpg")) == []
    assert workbench.records.verify() == []
