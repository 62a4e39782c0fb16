"""On real faces: who asks to be forgotten is, nobody else is touched, and who asks what is held is told all of it and nobody else's."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import zipfile
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pytest
from fakes import T0, at
from numpy.typing import NDArray
from paperwork import bench, enrol, face, punch
from paperwork_faces import OTHER, OTHER_NAME, Traces, build, opened
from unsealed import content_of

from engine.attendance import PunchRow
from engine.errors import InputError, StorageError
from engine.face_reader import FaceReader
from engine.imaging import pictures_of, read_image
from engine.incidents import IncidentKind, IncidentRow
from engine.people import Dating
from engine.workbench import Workbench

pytestmark = pytest.mark.models

PEOPLE = {"by number": ("E7", "Mindy Kaling"), "by name": ("mindy_kaling", "mindy_kaling")}
Place = tuple[Workbench, Traces]


@pytest.fixture(scope="module")
def built(
    samples: Path, reader: FaceReader, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, tuple[Path, Traces]]:
    """Both workspaces, made once."""
    made = {}
    for how, (person, name) in PEOPLE.items():
        folder = tmp_path_factory.mktemp("built")
        made[how] = (folder, build(folder, samples, reader, person, name))
    return made


@pytest.fixture(params=PEOPLE)
def place(
    request: pytest.FixtureRequest, built: dict[str, tuple[Path, Traces]], reader: FaceReader, tmp_path: Path
) -> Place:
    """A copy of one to work on; ids are numbers, or spell the name."""
    return copied(built[request.param], reader, tmp_path)


@pytest.fixture
def by_name(built: dict[str, tuple[Path, Traces]], reader: FaceReader, tmp_path: Path) -> Place:
    return copied(built["by name"], reader, tmp_path)


def copied(one: tuple[Path, Traces], reader: FaceReader, tmp_path: Path) -> Place:
    shutil.copytree(one[0], tmp_path / "w")
    return opened(tmp_path / "w", reader), one[1]


def whole(workbench: Workbench) -> bool:
    """Nothing is told but of pictures, some of which were put there by hand."""
    return not [each for each in workbench.records.verify() if not each.file.startswith("images")]


def files(workspace: Path) -> list[Path]:
    return [path for path in sorted(workspace.rglob("*")) if path.is_file()]


def scan(workspace: Path, traces: Traces, hashes: set[str]) -> list[str]:
    """Where whoever holds the keys can still find a person, byte by byte, but for receipts."""
    found = []
    parts = re.split(r"[\W_]+", traces.name.lower())
    for path in files(workspace):
        content = content_of(path)
        if any(row.tobytes() in content for row in traces.faces):
            found.append(f"{path}: template")
        if hashlib.sha256(content).hexdigest() in hashes:
            found.append(f"{path}: picture")
        if path.parent.name != "receipts" and any(part.encode() in content.lower() for part in parts):
            found.append(f"{path}: name")
        if any(part in path.relative_to(workspace).as_posix().lower() for part in parts):
            found.append(f"{path}: name of the file")
    return found


def hashes_of(workspace: Path, relative: list[str]) -> set[str]:
    return {hashlib.sha256(content_of(workspace / each)).hexdigest() for each in relative}


def images_of(path: Path) -> list[NDArray[np.uint8]]:
    """A picture, or some of a film."""
    return [read_image(path)] if path.suffix == ".jpg" else list(pictures_of(content_of(path), 0.5))


def faces_of(workbench: Workbench, image: NDArray[np.uint8]) -> NDArray[np.float32] | None:
    return workbench.reader.photo(image).embeddings


def shown(workbench: Workbench, traces: Traces, folder: Path) -> list[str]:
    """Pictures in which the reader still recognises the person."""
    found = []
    for path in sorted([*folder.rglob("*.jpg"), *folder.rglob("*.mp4")]):
        faces = [faces_of(workbench, image) for image in images_of(path)]
        embeddings = np.concatenate([each for each in faces if each is not None])
        if len(embeddings) and float((embeddings @ np.stack(traces.faces).T).max()) >= 0.4:
            found.append(path.name)
    return found


# ----------------------------------------------------------------------------------------- forgetting


def test_before_anything_is_forgotten_the_scan_finds_all_of_it(by_name: Place) -> None:
    workbench, traces = by_name
    found = scan(workbench.workspace, traces, hashes_of(workbench.workspace, traces.gone + traces.changed))
    assert {each.rpartition(": ")[2] for each in found} >= {"template", "picture", "name"}
    assert len(shown(workbench, traces, workbench.workspace / "images")) == len(traces.gone + traces.changed)
    assert whole(workbench)


def test_after_forgetting_nothing_is_found_and_the_other_person_is_whole(place: Place) -> None:
    workbench, traces = place
    workspace, day = workbench.workspace, T0.date()
    hashes = hashes_of(workspace, traces.gone + traces.changed)
    kept = {each: (workspace / each).read_bytes() for each in traces.kept}
    templates, rows = workbench.gallery.current().of(OTHER)
    log = [row for _, row in workbench.records.attendance_rows() if row.employee_id == OTHER]
    sheet = [row for row in workbench.attendance.sheets.on(day, workbench.people.known()) if row.employee_id == OTHER]

    employed = {"dating": Dating(hired_on=date(2026, 1, 5), left_on=date(2027, 1, 31))}
    for each in (traces.person, OTHER):
        workbench.people.change(each, **employed)

    receipt = workbench.privacy.forget(traces.person, author=traces.name)

    assert scan(workspace, traces, hashes) == []
    assert set(workbench.people.dated().all()) == {OTHER}
    assert receipt["employment_entries"] == 3
    assert receipt["faces_for_the_search_by_photo"] == 2
    assert [each.track for each in workbench.records.seen.about(lambda _: True)] == ["run-4"]
    assert shown(workbench, traces, workspace / "images") == []
    assert whole(workbench)
    assert not [each for each in traces.gone if (workspace / each).exists()]
    assert all((workspace / each).exists() for each in traces.changed)
    # the other one
    assert {each: (workspace / each).read_bytes() for each in traces.kept} == kept
    after = workbench.gallery.current()
    assert after.people == (OTHER,)
    assert after.of(OTHER)[0] == templates
    assert np.array_equal(after.of(OTHER)[1], rows)
    assert [row for _, row in workbench.records.attendance_rows() if row.employee_id == OTHER] == log
    assert list(workbench.people.all()) == [OTHER]
    again = [row for row in workbench.attendance.sheets.on(day, workbench.people.known()) if row.employee_id == OTHER]
    assert [replace(row, corrected_by="") for row in again] == [replace(row, corrected_by="") for row in sheet]
    assert OTHER_NAME in (workspace / "attendance" / f"{day}.csv").read_text(encoding="utf-8")
    assert [entry.employee_id for entry in workbench.leave.all()] == [OTHER]
    assert workbench.strangers.current().people == ("unknown-2",)
    waiting = {message.incident_id for message in workbench.outbox.waiting()}
    assert waiting == {traces.incidents["others"], traces.incidents["a stranger"]}
    # what is said of it
    assert receipt["templates"] == 3
    assert receipt["dossiers_as_stranger"] == ["unknown-1"]
    assert receipt["pictures"] == len(traces.gone)
    assert receipt["faces_hidden_in_pictures_of_others"] == len(traces.changed)
    assert set(receipt["sha256_of_erased_pictures"]) | set(receipt["sha256_of_changed_pictures"]) == hashes  # type: ignore[call-overload]
    assert (receipt["leave_entries"], receipt["messages_not_sent"]) == (1, 2)
    assert receipt["still_named_in"] == []
    stored = json.loads((workspace / str(receipt["receipt"])).read_text(encoding="utf-8"))
    assert stored == {key: value for key, value in receipt.items() if key != "receipt"}
    spelt = traces.person == traces.name
    assert stored["subject"].startswith("erased-") == spelt
    assert (stored["log_rows_under_the_pseudonym"] > 2) == spelt  # two enrolments were signed with the name
    with pytest.raises(InputError, match="nobody is known"):
        workbench.privacy.forget(traces.person)


def test_what_is_written_while_somebody_is_being_forgotten_goes_too(by_name: Place) -> None:
    workbench, traces = by_name
    late = "images/evidence/20261123T100000-00000009.jpg"

    def camera(what: str, done: int, total: int) -> None:
        if done == total > 0 and what.startswith("looking"):  # a track that was known already
            shutil.copy(workbench.workspace / traces.kept[0], workbench.workspace / late)
            punch(workbench, traces.person, at(6000), track="run-99", image=late)

    workbench.privacy.forget(traces.person, progress=camera)
    assert not (workbench.workspace / late).exists()
    assert scan(workbench.workspace, traces, set()) == []


def test_somebody_who_is_only_on_the_staff_list_is_forgotten(tmp_path: Path) -> None:
    workbench = bench(tmp_path)
    enrol(workbench, "E1", "Ada Lovelace")
    enrol(workbench, "E2", "Ben Lovelace", face(1))
    workbench.attendance.keeper.refresh(T0.date(), workbench.people.known())
    receipt = workbench.privacy.forget("E1", author="Ada Lovelace")
    assert (receipt["templates"], receipt["other_pictures_were_searched"], receipt["author"]) == (0, False, "E1")
    assert list(workbench.people.all()) == ["E2"]


STAGES = [
    ("unlink", 0),
    ("unlink", 3),
    ("people.csv", 0),
    ("strangers.safetensors", 0),
    ("anchors.safetensors", 0),
    ("leave.csv", 0),
    ("attendance-2026-11-23.csv", 0),
    ("incidents-2026-11-23.csv", 0),
    ("audit.csv", 0),
    ("people.csv", 1),
    ("2026-11-22.csv", 0),
    ("people.safetensors", 0),
    ("receipts", 0),
    ("people.csv", 2),
]


@pytest.mark.parametrize(("stage", "nth"), STAGES)
def test_forgetting_that_was_interrupted_can_be_done_again(
    by_name: Place, stage: str, nth: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    workbench, traces = by_name
    workspace = workbench.workspace
    replace, unlink, calls = Path.replace, Path.unlink, iter(range(1000))

    def fails_there(path: Path, target: Path) -> Path:
        head = ".heads" in target.parts or not target.is_relative_to(workspace)  # it may fail: the log is not lost
        if not head and stage in {target.name, target.parent.name} and next(calls) == nth:
            raise OSError(28, "No space left on device")
        return replace(path, target)

    def fails_later(path: Path, missing_ok: bool = False) -> None:
        if stage == "unlink" and path.suffix == ".jpg" and next(calls) == nth:
            raise PermissionError(13, "Permission denied")
        unlink(path, missing_ok=missing_ok)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", fails_there)
        patch.setattr(Path, "unlink", fails_later)
        with pytest.raises(StorageError):
            workbench.privacy.forget(traces.person, thorough=False)
    receipt = workbench.privacy.forget(traces.person, thorough=False)
    assert str(receipt["subject"]).startswith("erased-")
    pictures = set(traces.gone) - {each for each in traces.gone if traces.incidents["others"] in each}
    assert not [each for each in pictures if (workspace / each).exists()]
    assert [each for each in scan(workspace, traces, set()) if not each.endswith("picture")] == []
    assert whole(workbench)


def test_files_that_people_made_are_named_when_they_hold_the_name(place: Place) -> None:
    workbench, traces = place
    workspace = workbench.workspace
    (workspace / "notes.txt").write_text(f"call {traces.name.upper()} back")
    with zipfile.ZipFile(workspace / "report.xlsx", "w") as archive:
        archive.writestr("xl/sharedStrings.xml", f"<t>{traces.name}</t>")
    (workspace / "other.txt").write_text(f"{traces.name}s and x{traces.name}")
    receipt = workbench.privacy.forget(traces.person, thorough=False)
    assert receipt["still_named_in"] == ["notes.txt", "report.xlsx"]
    assert receipt["other_pictures_were_searched"] is False


@pytest.mark.parametrize(("id_in_log", "waits"), [("1", False), ("11", True), ("21;31", True), ("41;1", False)])
def test_a_message_about_somebody_with_a_similar_id_is_sent(tmp_path: Path, id_in_log: str, waits: bool) -> None:
    workbench = bench(
        tmp_path,
        notifications={"rules": [{"name": "r", "webhook": "http://localhost:9/", "webhook_secret_env": "DESK_KEY"}]},
    )
    enrol(workbench, "1", "Ada Lovelace", face(1))
    involved = tuple(id_in_log.split(";"))
    workbench.outbox.submit(IncidentRow("i1", T0, IncidentKind.WATCH_LIST, "door", involved))
    workbench.privacy.forget("1", thorough=False)
    assert bool(workbench.outbox.waiting()) == waits


def test_a_forged_row_makes_nobody_erase_or_give_away_other_files(tmp_path: Path) -> None:
    workbench = bench(tmp_path)
    enrol(workbench, "E1", "Ada Lovelace", face(1))
    for number, image in enumerate(("seal.id", "people.csv", "images/../seal.id", "/etc/hostname")):
        row = PunchRow(f"e{number}", at(number), "E1", "punch", evidence_image=image)
        workbench.attendance.log.append(T0.date(), [row])
    receipt = workbench.privacy.forget("E1", thorough=False)
    assert receipt["pictures"] == 0
    assert (tmp_path / "seal.id").exists()


# ----------------------------------------------------------------------------------------- disclosure


def test_an_export_holds_everything_on_the_person_and_nobody_else(by_name: Place, tmp_path: Path) -> None:
    workbench, traces = by_name
    target = tmp_path / "out" / "mine.zip"
    for each in (traces.person, OTHER):
        workbench.people.change(each, Dating(hired_on=date(2026, 1, 5)))
    counts = workbench.privacy.export_subject(traces.person, target, author="Sam")
    folder = tmp_path / "unpacked"
    with zipfile.ZipFile(target) as archive:
        assert archive.testzip() is None
        archive.extractall(folder)
    texts = {path.name: path.read_text(encoding="utf-8") for path in folder.iterdir() if path.is_file()}
    for name, text in texts.items():
        assert not re.search(rf"\b({OTHER}|{OTHER_NAME}|Ben|Afflek|Sam|unknown-2|unknown-9)\b", text), name
    held = {name.removesuffix(".json"): json.loads(text) for name, text in texts.items() if name.endswith(".json")}
    assert held["person"]["name"] == traces.name
    assert [row["event"] for row in held["attendance_log"]] == ["punch", "unidentified"]
    assert {row["runner_up"] for row in held["attendance_log"]} == {"somebody else"}
    assert {row["date"] for row in held["day_sheets"]} >= {"2026-11-23"}
    assert [row["reason"] for row in held["corrections"]] == [f"{traces.person} went with somebody else"]
    assert {row["incident_id"] for row in held["incidents"] if row["kind"] != "review"} == {
        traces.incidents[each] for each in ("both", "earlier", "recognised a moment later")
    }
    assert {row["employee_ids"] for row in held["incidents"] if row["kind"] == "tailgating"} == {
        f"{traces.person};somebody else"
    }
    assert [row["kind"] for row in held["leave"]] == ["annual"]
    assert [(row["employee_id"], row["valid_from"], row["value"]) for row in held["employment"]] == [
        (traces.person, None, "no"),
        (traces.person, "2026-01-05", "yes"),
    ]
    assert [row["action"] for row in held["dossiers"]] == ["watch"]
    assert [row["action"] for row in held["audit"]] == ["enrol"]
    assert all(row["seal"] for name in ("attendance_log", "incidents", "sightings", "audit") for row in held[name])
    vectors = [np.array(row["values"], np.float32).tobytes() for row in held["templates"]]
    assert {each.tobytes() for each in traces.faces} - set(vectors) == {
        traces.faces[-3].tobytes()
    }  # the fused one is not kept
    assert counts == {
        "templates": 5,
        "pictures": 11,  # one of them a film
        "attendance_rows": 2,
        "days": len(held["day_sheets"]),
        "incidents": 5,
        "corrections": 1,
        "sightings": 1,
    }
    assert [(row["track"], row["camera"]) for row in held["faces"]] == [("run-2", "door"), ("run-12", "door")]
    assert [row["candidates"] for row in held["sightings"]] == [f"{traces.person};somebody else"]
    assert [(row["day"], row["similarity"]) for row in held["comparisons"]] == [("2026-11-23", "0.1000")]
    # pictures: the person can be seen, others cannot
    pictures = sorted([*folder.rglob("*.jpg"), *folder.rglob("*.mp4")])
    assert len(pictures) == counts["pictures"]
    assert len(shown(workbench, traces, folder)) == len(pictures)
    others = workbench.gallery.current().of(OTHER)[1]
    for path in pictures:
        embeddings = np.concatenate(
            [each for image in images_of(path) if (each := faces_of(workbench, image)) is not None]
        )
        assert float((embeddings @ others.T).max(initial=-1)) < workbench.calibration.threshold(), path.name
    assert workbench.audit.read()[-1].action == "export_subject"


def test_a_punch_of_somebody_else_is_told_but_not_shown(by_name: Place, samples: Path, tmp_path: Path) -> None:
    workbench, traces = by_name
    evidence = workbench.workspace / traces.gone[3]
    assert evidence.parent.name == "evidence"
    shutil.copy(samples / "val" / "ben_afflek" / "02.jpg", evidence)
    row = next(row for _, row in workbench.records.attendance_rows() if row.evidence_image == traces.gone[3])
    workbench.office.not_this(row.event_id, author="Sam", reason="that is Ben Afflek")
    workbench.privacy.export_subject(traces.person, tmp_path / "mine.zip")
    with zipfile.ZipFile(tmp_path / "mine.zip") as archive:
        content = archive.read(f"pictures/evidence/{evidence.name}")
        log = json.loads(archive.read("attendance_log.json"))
    assert content != evidence.read_bytes()
    (tmp_path / "shown.jpg").write_bytes(content)
    embeddings = workbench.reader.photo(read_image(tmp_path / "shown.jpg")).embeddings
    assert embeddings is not None
    assert (
        float((embeddings @ workbench.gallery.current().of(OTHER)[1].T).max(initial=-1))
        < workbench.calibration.threshold()
    )
    assert [each["reason"] for each in log if each["event"] == "retract"] == ["that is somebody else"]


def test_nothing_is_exported_of_nobody(by_name: Place, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="nobody is known as E99"):
        by_name[0].privacy.export_subject("E99", tmp_path / "no.zip")
    assert not (tmp_path / "no.zip").exists()
