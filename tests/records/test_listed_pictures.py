"""A picture that was replaced, changed or deleted outside of Muster is found; what Muster itself erases or writes anew is not."""

from __future__ import annotations

import io
import shutil
import zipfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from paperwork import Clock, enrol, face, picture, stranger, tailgating

from engine.attendance import Sighting, record_shown
from engine.errors import StorageError
from engine.imaging import encode_jpeg
from engine.operations.backup import backup, restore
from engine.operations.doctor import examine
from engine.privacy.retention import purge
from engine.storage.pictures import CHANGED
from engine.storage.vault import Owner
from engine.types import Identity, TrackState
from engine.workbench import Workbench

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
KINDS = ("evidence", "unknown", "tailgating", "enrolment")


def opened(workspace: Path, **later: float) -> Workbench:
    return Workbench(workspace, clock=Clock(NOW + timedelta(**later)))


def arrive(bench: Workbench, employee_id: str, when: datetime, value: int) -> None:
    identity = Identity(TrackState.KNOWN, employee_id, 4, 5, 0.9, "E9", 0.2, 0.7, 0.5)
    sighting = Sighting(employee_id, when, "gate", f"run-{when:%d%H%M}{employee_id}", identity, "model-1", 1)
    image = np.full((120, 120, 3), value, np.uint8)
    assert record_shown(bench.attendance, sighting, bench.people.known, image) is not None


def filled(workspace: Path, *, at_rest: bool) -> Workbench:
    """Evidence, alerts and enrolment pictures, two of each kind."""
    workspace.mkdir()
    (workspace / "muster.toml").write_text(
        f"[encryption]\nat_rest = {str(at_rest).lower()}\n[matching]\nthreshold = 0.5\n"
        "[retention]\nevidence_images = 30\nunknown_images = 30\ntailgating_images = 30\nincidents = 60\n"
    )
    bench = opened(workspace)
    for number in (1, 2):
        enrol(bench, f"E{number}", f"Person {number}", face(number))
        (template,) = bench.gallery.current().of(f"E{number}")[0]
        bench.records.vault.write(
            bench.registrar.picture(template.template_id), encode_jpeg(picture(10 * number)), Owner.person("E")
        )
        arrive(bench, f"E{number}", NOW - timedelta(hours=number), 40 * number)
        stranger(bench, face(0, number), NOW - timedelta(hours=number), track=f"run-{number}", image=picture(number))
    tailgating(bench, NOW - timedelta(hours=2), ["E1", "E2"], pictures={"image": picture(5), "clean_image": picture(6)})
    return bench


@pytest.fixture(scope="module", params=[True, False], ids=["encrypted", "plain"])
def pristine(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pictures") / "w"
    filled(folder, at_rest=request.param)
    return folder


@pytest.fixture
def workspace(pristine: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(pristine, tmp_path / "w"))


def found(workspace: Path) -> list[tuple[str, str]]:
    return [(each.file, each.what) for each in opened(workspace).records.verify()]


def some(workspace: Path, kind: str) -> list[Path]:
    return sorted((workspace / "images" / kind).glob("*.jpg"))


def replaced(path: Path, other: Path) -> None:
    shutil.copy(other, path)


def plain(path: Path, other: Path) -> None:
    path.write_bytes(encode_jpeg(picture(200)))


def cut(path: Path, other: Path) -> None:
    path.write_bytes(path.read_bytes()[:-5])


def deleted(path: Path, other: Path) -> None:
    path.unlink()


def name(workspace: Path, path: Path) -> str:
    return path.relative_to(workspace).as_posix()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("attack", [replaced, plain, cut, deleted])
def test_a_changed_picture_is_found_and_shown_as_such(workspace: Path, kind: str, attack: object) -> None:
    assert found(workspace) == []
    path, other = some(workspace, kind)[:2]
    attack(path, other)  # type: ignore[operator]
    expected = (name(workspace, path), "missing" if attack is deleted else "changed")
    assert found(workspace) == [expected]
    bench = opened(workspace)
    assert bench.records.picture_fault(name(workspace, path))
    assert not bench.records.picture_fault(name(workspace, other))
    checks = {each.what: each.state for each in examine(workspace, thorough=True)}
    assert checks[name(workspace, path)] == "wrong"
    if attack in {replaced, cut} and bench.records.vault.key_of(path):  # nobody can open it
        with pytest.raises(StorageError, match="another file") as error:
            bench.records.accept(name(workspace, path), author="ann", reason="a test")
        assert "delete it" in error.value.hint
        path.unlink()
    # accepted with a reason, it is told no more
    bench.records.accept(name(workspace, path), author="ann", reason="a test")
    assert found(workspace) == []
    assert bench.audit.read()[-1].action == "accept_file"


def test_an_incident_says_that_its_picture_was_changed(workspace: Path) -> None:
    path, other = some(workspace, "unknown")[:2]
    replaced(path, other)
    cases = opened(workspace).cases
    with zipfile.ZipFile(io.BytesIO(cases.export(path.stem, author="ann"))) as archive:
        told = "".join(archive.read(each).decode() for each in archive.namelist() if each.endswith((".json", ".html")))
    assert f"images/unknown/{path.name}" in told
    assert CHANGED in told or "was changed, or is another file than it says" in told


def test_what_muster_erases_or_writes_anew_is_no_finding(workspace: Path) -> None:
    bench = opened(workspace)
    evidence = some(workspace, "evidence")[0]
    bench.records.vault.rewrite(evidence, encode_jpeg(picture(77)))
    assert found(workspace) == []
    bench.privacy.forget("E1", author="ann", thorough=False)
    assert found(workspace) == []
    later = opened(workspace, days=40)
    purge(later.records, later.config.retention, apply=True, author="ann")
    assert not some(workspace, "evidence")
    assert not some(workspace, "unknown")
    assert found(workspace) == []


def test_a_process_follows_what_another_writes_and_erases(workspace: Path) -> None:
    one, other = opened(workspace), opened(workspace)
    first, second = some(workspace, "evidence")
    names = [path.relative_to(workspace).as_posix() for path in (first, second)]
    assert [one.records.picture_fault(name) for name in names] == ["", ""]

    other.records.vault.rewrite(first, encode_jpeg(picture(77)))
    other.records.vault.erase(second)
    assert [one.records.picture_fault(name) for name in names] == ["", ""]

    first.write_bytes(encode_jpeg(picture(78)))
    assert [bench.records.picture_fault(names[0]) for bench in (one, other)] == [CHANGED] * 2


def test_quarantine_and_back(workspace: Path) -> None:
    later = opened(workspace, days=40)
    purge(later.records, later.config.retention, apply=True, author="ann", quarantine=True)
    assert not some(workspace, "evidence")
    assert found(workspace) == []
    aside = next((workspace / "quarantine").rglob("evidence"))
    for path in aside.iterdir():
        path.rename(workspace / "images" / "evidence" / path.name)
    assert found(workspace) == []
    replaced(*some(workspace, "evidence")[:2])
    assert [what for _, what in found(workspace)] == ["changed"], "whatever came back is compared with what it was"


def test_a_change_is_not_covered_up_by_later_work(workspace: Path) -> None:
    path, other = some(workspace, "evidence")[:2]
    plain(path, other)
    bench = opened(workspace)
    bench.privacy.convert(author="ann")  # encrypts what is plain
    bench.records.vault.rewrite(path, encode_jpeg(picture(99)))  # hides a face
    assert found(workspace) == [(name(workspace, path), "changed")]
    (workspace / "log" / f"pictures-{NOW:%Y-%m-%d}.csv").unlink()
    assert {file for file, _ in found(workspace)} >= {f"pictures-{NOW:%Y-%m-%d}.csv"}


def test_keys_rotate_and_files_are_converted_without_a_finding(workspace: Path) -> None:
    settings = workspace / "muster.toml"
    encrypted = "true" in settings.read_text()
    text = settings.read_text().replace(
        "at_rest = true" if encrypted else "at_rest = false", f"at_rest = {str(not encrypted).lower()}"
    )
    settings.write_text(text)
    assert opened(workspace).privacy.convert(author="ann") > 0
    assert found(workspace) == []


def test_pictures_of_an_earlier_version_are_told_as_not_covered(workspace: Path, tmp_path: Path) -> None:
    for path in (workspace / "log").rglob("pictures-*"):
        path.unlink()
    assert found(workspace) == [("images", "note")]
    some(workspace, "evidence")[0].unlink()
    assert found(workspace) == [("images", "note")]
    path, other = some(workspace, "unknown")[:2]
    opened(workspace).records.accept("pictures", author="ann", reason="covered from now on")
    assert found(workspace) == []
    replaced(path, other)
    assert found(workspace) == [(name(workspace, path), "changed")]


def test_a_backup_holds_the_list_and_whatever_was_erased_since_is_no_finding(workspace: Path, tmp_path: Path) -> None:
    secret = b"a long passphrase"
    backup(workspace, tmp_path / "backup", secret)
    bench = opened(workspace)
    later = opened(workspace, days=40)
    purge(later.records, later.config.retention, apply=True, author="ann")
    bench.privacy.forget("E1", author="ann", thorough=False)
    restore(tmp_path / "backup", tmp_path / "restored", secret)
    assert [each for each in found(tmp_path / "restored") if each[1] != "note"] == []


def test_a_crash_between_list_and_file_leaves_no_finding(workspace: Path) -> None:
    bench = opened(workspace)
    listing, path = bench.records.listing, some(workspace, "evidence")[0]
    assert listing is not None
    with pytest.raises(KeyboardInterrupt), listing.writing(path, b"new", bench.records.vault.read):
        raise KeyboardInterrupt
    assert found(workspace) == []
    listing.erasing([path])
    assert found(workspace) == []
    new = path.with_name(f"20261124T110000-{'0' * 12}.jpg")
    new.write_bytes(encode_jpeg(picture(3)))  # the file came first
    assert found(workspace) == [("images", "note")]


def test_the_lists_of_days_without_pictures_go(workspace: Path) -> None:
    for days, held in ((40, True), (60, False)):
        later = opened(workspace, days=days)
        purge(later.records, later.config.retention, apply=True, author="ann")
        listing = opened(workspace).records.listing
        assert listing is not None
        assert (NOW.date() in listing.log.days()) == held
    assert found(workspace) == []
