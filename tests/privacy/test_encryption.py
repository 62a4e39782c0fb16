"""What lies encrypted in a workspace, what erasure leaves in older copies of it, and files of before encryption."""

from __future__ import annotations

import base64
import json
import shutil
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from command import muster
from fakes import T0, at
from paperwork import Clock, bench, face, picture, stranger, tailgating

from engine.attendance import Sighting, record_shown
from engine.enrolment import Shot
from engine.errors import InputError, StorageError
from engine.gallery import Gallery, GalleryFile, GalleryStore, Template
from engine.imaging import encode_jpeg, read_image
from engine.operations import doctor
from engine.operations.reporting import AttendanceReports
from engine.records import note_export
from engine.reports import sheet_csv
from engine.storage.vault import Vault, read_file, sealed_key
from engine.types import FaceQuality, Identity, TrackState
from engine.workbench import Workbench

GOOD = FaceQuality(90, 0.5, 0.5, 0.2, 0, 0, 0, 1, 1.0)


def fill(workbench: Workbench) -> None:
    """Two enrolled people with pictures, a punch with evidence, a stranger, a tailgater and a mistaken face."""
    for number, (key, name) in enumerate((("E1", "Ada Lovelace"), ("E2", "Ben Bell"))):
        shot = Shot(f"{key}.jpg", face(*[0.0] * number, 1), GOOD, encode_jpeg(picture(80 + number)))
        workbench.registrar.enrol(workbench.registrar.draft(key, name, [shot]))
    identity = Identity(TrackState.KNOWN, "E1", 4, 5, 0.9, "E2", 0.2, 0.7, 0.5)
    sighting = Sighting("E1", T0, "door", "run-1", identity, "model-1", 1)
    assert record_shown(workbench.attendance, sighting, workbench.people.known, picture(90))
    stranger(workbench, face(0, 0, 1), at(60), track="run-2", image=picture(100))
    tailgating(workbench, at(120), ["E1", "E2"], pictures={"image": picture(110), "clean_image": picture(111)})
    anchor = Template("20261123T080000-anchor", "E2", 0.9)
    workbench.anchors.update(lambda gallery: gallery.add([anchor], face(0, 0, 0, 1)[None]))


@pytest.fixture
def filled(tmp_path: Path) -> Workbench:
    workbench = bench(tmp_path / "w")
    fill(workbench)
    return workbench


def pictures(workspace: Path) -> list[Path]:
    return sorted((workspace / "images").rglob("*.jpg"))


def found_faces(workspace: Path) -> list[Path]:
    """Files with an embedding or the beginning of a picture."""
    rows = [face(*[0.0] * place, 1) for place in range(4)]
    plain = [row.astype(kind).tobytes() for row in rows for kind in ("<f4", "<f2")]
    wanted = [b"\xff\xd8\xff", *plain, *(each for row in plain for each in _as_text(row))]
    files = [path for path in workspace.rglob("*") if path.is_file()]
    return [path for path in files if any(each in path.read_bytes() for each in wanted)]


def _as_text(content: bytes) -> list[bytes]:
    """How bytes look in base64, whatever stands before them."""
    texts = [base64.b64encode(bytes(before) + content)[4:-4] for before in range(3)]
    return [*texts, *(text.translate(bytes.maketrans(b"+/", b"-_")) for text in texts)]


def test_faces_and_names_are_where_they_belong_in_a_workspace_that_has_lived(filled: Workbench) -> None:
    place, clock = filled.workspace, filled.clock
    assert isinstance(clock, Clock)
    filled.records.close(at(60 * 60 * 24 * 2), filled.people.known())
    filled.attendance.keeper.refresh(T0.date(), filled.people.known())
    filled.office.correct("E2", T0.date(), "status", author="ann", reason="Ben Bell was at the fair", value="excused")
    (incident, *_) = filled.records.incident_rows()
    for name, content in {
        "report": sheet_csv(AttendanceReports(filled).rows(T0.date(), T0.date(), None)).encode(),
        "incident": filled.cases.export(incident.incident_id, author="ann"),
    }.items():
        note_export(filled.records, "export_sheet", name, "all of it", content, author="ann")
    filled.privacy.export_subject("E1", place.parent / "E1.zip", author="ann")
    for days in range(200, 202):  # strangers and pictures are over, and wait in quarantine
        clock.now = T0 + timedelta(days=days)
        filled.privacy.purge(apply=days > 200, author="ann", trust_clock=True)
    assert found_faces(place) == []
    named = {
        path.relative_to(place).parts[0]
        for path in place.rglob("*")
        if path.is_file() and any(each in path.read_bytes() for each in (b"Lovelace", b"Ben Bell"))
    }
    assert named <= {"people.csv", "attendance"}, "the staff list and day sheets are for people to read"


def test_no_template_and_no_picture_lies_readable_in_a_workspace(filled: Workbench) -> None:
    assert len(pictures(filled.workspace)) == 6
    assert found_faces(filled.workspace) == []
    again = bench(filled.workspace)
    for store, before in ((again.gallery, filled.gallery), (again.strangers, filled.strangers)):
        assert store.current().templates == before.current().templates
        assert (store.current().embeddings == before.current().embeddings).all()
    assert again.anchors.current().people == ("E2",)
    assert {round(float(read_image(path).mean())) for path in pictures(again.workspace)} == {80, 81, 90, 100, 110, 111}


def test_what_is_erased_cannot_be_opened_in_an_older_copy(filled: Workbench, tmp_path: Path) -> None:
    backup = shutil.copytree(filled.workspace, tmp_path / "backup")
    names = {path.name: read_image(path).mean() for path in pictures(backup)}
    receipt = filled.privacy.forget("E1", thorough=False)
    assert receipt["keys_destroyed"] == 2  # of templates and enrolment, and of this month's evidence
    older = bench(backup)
    assert older.gallery.current().people == ("E2",)
    assert older.strangers.current().people == ("unknown-1",)
    readable = set()
    for path in pictures(backup):
        try:
            readable.add(round(float(read_image(path).mean())))
        except InputError as error:
            assert "key" in str(error)  # noqa: PT017
    assert len(names) == 6
    assert readable == {81, 100}  # Ben's enrolment, and the stranger


def test_a_stranger_who_is_removed_takes_the_key_along(filled: Workbench, tmp_path: Path) -> None:
    stranger(filled, face(0, 0, 0, 0, 1), at(600), track="run-3")
    backup = shutil.copytree(filled.workspace, tmp_path / "backup")
    filled.strangers.update(lambda gallery: gallery.remove("unknown-1"))
    filled.anchors.update(lambda gallery: gallery.remove_templates(["20261123T080000-anchor"]))
    older = bench(backup)
    assert older.strangers.current().people == ("unknown-2",)
    assert older.anchors.current().people == ()


def test_a_template_that_is_removed_from_a_stranger_is_gone_in_older_copies_too(
    filled: Workbench, tmp_path: Path
) -> None:
    stranger(filled, face(0, 0, 1, 0.1), at(600), track="run-3")
    assert len(filled.strangers.current().of("unknown-1")[0]) == 2
    backup = shutil.copytree(filled.workspace, tmp_path / "backup")
    filled.strangers.update(lambda gallery: gallery.remove_templates(["run-2"]))
    with pytest.raises(StorageError, match="is not in"):
        bench(backup).strangers.current()
    assert [each.template_id for each in bench(filled.workspace).strangers.current().templates] == ["run-3"]


def test_retention_destroys_the_keys_of_what_it_deletes(filled: Workbench, tmp_path: Path) -> None:
    backup = shutil.copytree(filled.workspace, tmp_path / "backup")
    late = bench(filled.workspace, Clock(T0 + timedelta(days=130)))
    late.privacy.purge(apply=True)
    assert {path.parent.name for path in pictures(filled.workspace)} == {"enrolment"}
    assert late.records.vault.ring.owners("picture") == late.records.vault.ring.owners("evidence") == []
    for path in pictures(backup):
        if path.parent.name != "enrolment":
            with pytest.raises(InputError, match="key"):
                read_image(path)


def test_a_workspace_of_before_goes_on_and_can_be_converted(tmp_path: Path) -> None:
    before = bench(tmp_path / "w", encryption={"at_rest": False})
    fill(before)
    assert len(found_faces(before.workspace)) == 9
    now = bench(before.workspace)
    assert now.gallery.current().people == ("E1", "E2")
    assert (now.privacy.encryption().sealed, now.privacy.encryption().plain) == (0, 9)
    tailgating(now, at(300), ["E1"], pictures={"image": picture(120)})
    assert (now.privacy.encryption().sealed, now.privacy.encryption().plain) == (1, 9)

    def interrupted(_what: str, done: int, _total: int) -> None:
        if done == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        now.privacy.convert(progress=interrupted)
    assert now.privacy.encryption().plain == 9 - 3 - 3
    assert now.privacy.convert() == 3
    assert (now.privacy.encryption().sealed, now.privacy.encryption().plain) == (10, 0)
    assert found_faces(now.workspace) == []
    assert now.privacy.convert() == 0
    assert [row.action for row in now.audit.read()][-1] == "keys"
    now.privacy.forget("E1", thorough=False)  # converted evidence belongs to the person, too
    assert now.records.vault.ring.owners("evidence") == []
    off = bench(now.workspace, encryption={"at_rest": False})
    assert off.privacy.convert() == off.privacy.encryption().plain == 4 + 1
    assert off.gallery.current().people == ("E2",)


def test_new_keys_for_all_files_make_older_copies_useless(filled: Workbench, tmp_path: Path) -> None:
    backup = shutil.copytree(filled.workspace, tmp_path / "backup")
    before = {path: sealed_key(path.read_bytes()) for path in pictures(filled.workspace)}

    def interrupted(_what: str, done: int, _total: int) -> None:
        if done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        filled.privacy.rotate(reencrypt=True, progress=interrupted)
    state = filled.privacy.encryption().keys
    assert state is not None
    assert state.old > 0
    assert bench(filled.workspace).gallery.current().people == ("E1", "E2")
    assert all(read_file(path) for path in before)
    count, _ = filled.privacy.rotate(reencrypt=True)
    assert count == 4
    assert not {sealed_key(path.read_bytes()) for path in before} & set(before.values())
    assert all(read_file(path) for path in before)
    with pytest.raises(StorageError, match="is not in"):
        bench(backup).gallery.current()


def test_one_persons_templates_cannot_be_put_in_the_place_of_anothers(tmp_path: Path) -> None:
    path, vault = tmp_path / "gallery" / "people.safetensors", Vault(tmp_path)
    store = GalleryStore(GalleryFile(path, vault), "m", "a", 4)
    rows = np.eye(2, 4, dtype=np.float32)
    store.update(lambda gallery: gallery.add([Template("t1", "E1", 0.9), Template("t2", "E2", 0.9)], rows))
    content = path.read_bytes()
    size = (len(content) - content.index(b"}") - 1) // 2
    swapped = content[: -2 * size] + content[-size:] + content[-2 * size : -size]
    path.write_bytes(swapped)
    with pytest.raises(StorageError, match=r"people\.safetensors cannot be read \(a part was changed"):
        GalleryStore(GalleryFile(path, vault), "m", "a", 4).current()
    path.write_bytes(content[:-3])
    with pytest.raises(StorageError, match="its length"):
        GalleryStore(GalleryFile(path, vault), "m", "a", 4).current()
    path.with_name("anchors.safetensors").write_bytes(content)
    with pytest.raises(StorageError, match="cannot be read"):
        GalleryStore(GalleryFile(path.with_name("anchors.safetensors"), vault), "m", "a", 4).current()


def test_a_gallery_kept_aside_is_encrypted_too(tmp_path: Path) -> None:
    path, vault = tmp_path / "gallery" / "people.safetensors", Vault(tmp_path)
    old = GalleryStore(GalleryFile(path, vault), "old", "a", 4)
    before = old.update(lambda gallery: gallery.add([Template("t1", "E1", 0.9)], np.eye(1, 4, dtype=np.float32)))
    new = GalleryStore(GalleryFile(path, vault), "new", "a", 4)
    kept = new.supersede(before, Gallery.empty("new", "a", 4))
    assert kept is not None
    assert kept.read_bytes().startswith(b"MUSTERG1")
    assert GalleryFile(path).made_with() == "new"
    new.scrub("E1")
    assert GalleryFile(kept, vault).load(before).people == ()


def test_commands_and_doctor_say_how_far_it_is(filled: Workbench, tmp_path: Path) -> None:
    workspace = ("--workspace", filled.workspace)
    told = json.loads(muster("keys", "status", "--json", *workspace).out)
    assert (told["at_rest"], told["sealed"], told["plain"], told["keys"]["inside"]) == (True, 9, 0, False)
    assert told["keys"]["owners"] == {"anchor": 1, "evidence": 1, "person": 2, "picture": 3, "stranger": 1}
    rotated = muster("keys", "rotate", "--author", "Sam", *workspace)
    assert (rotated.code, "New workspace key" in rotated.out) == (0, True)
    assert bench(filled.workspace).gallery.current().people == ("E1", "E2")
    shutil.rmtree(filled.records.vault.ring.folder)
    lost = muster("people", *workspace)
    assert (lost.code, len(lost.error_lines)) == (9, 1)
    assert "put the folder of keys back from its copy" in lost.err
    checks = {check.what: check for check in doctor.examine(filled.workspace, thorough=False)}
    assert any("are missing" in check.found and not check.ok for check in checks.values())


@pytest.mark.parametrize(("settings", "said"), [("", "9 files ·"), ("at_rest = false", "off in the settings")])
def test_doctor_names_a_workspace_that_is_not_encrypted(filled: Workbench, settings: str, said: str) -> None:
    (filled.workspace / "muster.toml").write_text(
        f'[encryption]\n{settings}\n[embedding]\nmodel = "{filled.spec.model_id}"\n'
    )
    (check,) = (each for each in doctor.examine(filled.workspace, thorough=False) if each.what == "encryption")
    assert check.found.startswith(said)
    assert check.state == ("advice" if settings else "ok")
