"""What is drafted is stored if it still holds, and otherwise nothing is."""

from __future__ import annotations

import dataclasses
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from fakes import T0, vector

from engine.enrolment import Registrar, Shot
from engine.enrolment.registrar import next_id
from engine.errors import EnrolmentRejected, InputError, StorageError
from engine.gallery import GalleryStore
from engine.imaging import encode_jpeg
from engine.people import Person
from engine.storage.vault import Owner
from engine.types import Event, EventKind, FaceQuality
from engine.workbench import Workbench

GOOD = FaceQuality(90, 0.5, 0.5, 0.2, 0, 0, 0, 1, 1.0)


def picture() -> np.ndarray:
    return np.random.default_rng(1).integers(0, 255, (64, 64, 3), dtype=np.uint8)


def shots(person: str, count: int = 2) -> list[Shot]:
    """Pictures of a person, all alike."""
    return [Shot(f"{person}{index}", vector(person), GOOD, encode_jpeg(picture())) for index in range(count)]


def registrar(workspace: Path) -> Registrar:
    """A registrar of a workspace in which people are told apart by the colours of `fakes.PALETTE`."""
    bench = Workbench(workspace, clock=lambda: T0)
    store = GalleryStore(workspace / "gallery" / "people.safetensors", "fake", "fake", len(vector("ann")))
    records = dataclasses.replace(bench.records, gallery=store)

    def no_networks() -> object:
        raise AssertionError("the networks are not needed to judge")

    return Registrar(records, no_networks, lambda _gallery: 0.6, 0.3, lambda: T0)  # type: ignore[arg-type]


def stored(workspace: Path) -> list[str]:
    """Everything that an enrolment writes."""
    return sorted(
        str(path.relative_to(workspace)) for path in workspace.rglob("*") if path.suffix in {".jpg", ".safetensors"}
    )


def audit(workspace: Path) -> str:
    path = workspace / "log" / "audit.csv"
    return path.read_text() if path.exists() else ""


def test_a_draft_stores_nothing(tmp_path: Path) -> None:
    desk = registrar(tmp_path)
    assert desk.draft("1", "Ann", shots("ann")).verdict == "safe"
    assert stored(tmp_path) == []
    assert not (tmp_path / "people.csv").exists()


def test_an_enrolment_stores_templates_pictures_row_and_who_did_it(tmp_path: Path) -> None:
    desk = registrar(tmp_path)
    report = desk.enrol(
        desk.draft("1", "Ann", shots("ann")),
        department="Lab",
        email="ann@example.org",
        consent_at="2026-11-20",
        new=True,
        author="hr",
    )
    assert (report.accepted, report.templates) == (["ann0", "ann1"], 2)
    assert len(list((tmp_path / "images" / "enrolment").glob("*.jpg"))) == 2
    bench = Workbench(tmp_path)
    ann = bench.people.all()["1"]
    assert (ann.name, ann.department, ann.email, ann.consent_at) == ("Ann", "Lab", "ann@example.org", "2026-11-20")
    assert ann.enrolled_at == "2026-11-23T08:00:00+00:00"
    assert ',hr,enrol,1,"2 templates added' in audit(tmp_path)


def test_who_was_enrolled_between_draft_and_enrolment_is_noticed(tmp_path: Path) -> None:
    here, elsewhere = registrar(tmp_path), registrar(tmp_path)
    drafted = here.draft("1", "Ann", shots("ann"))
    elsewhere.enrol(elsewhere.draft("2", "Anna", shots("ann")))
    before = stored(tmp_path)
    with pytest.raises(EnrolmentRejected, match="1 looks like 2"):
        here.enrol(drafted, new=True)
    assert stored(tmp_path) == before
    assert list(Workbench(tmp_path).people.all()) == ["2"]


def test_who_is_enrolled_while_the_pictures_are_written_is_noticed_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here, elsewhere = registrar(tmp_path), registrar(tmp_path)
    drafted = here.draft("1", "Ann", shots("ann"))

    def slowly(person: str) -> Owner:
        monkeypatch.undo()  # the other one writes at once
        elsewhere.enrol(elsewhere.draft("2", "Anna", shots("ann", 1)))
        return Owner.person(person)

    monkeypatch.setattr("engine.enrolment.registrar.Owner.person", slowly)
    with pytest.raises(EnrolmentRejected, match="1 looks like 2"):
        here.enrol(drafted, new=True)
    assert list(Workbench(tmp_path).people.all()) == ["2"]
    assert len(list((tmp_path / "images" / "enrolment").glob("*.jpg"))) == 1


def test_an_id_that_was_taken_meanwhile_does_not_get_somebody_elses_face(tmp_path: Path) -> None:
    here, elsewhere = registrar(tmp_path), registrar(tmp_path)
    drafted = here.draft("1", "Ann", shots("ann"))
    elsewhere.enrol(elsewhere.draft("1", "Bob", shots("bob")), new=True)
    with pytest.raises(EnrolmentRejected, match="do not look like 1"):
        here.enrol(drafted, new=True)
    Workbench(tmp_path).people.put(Person("3", "Cem"))
    with pytest.raises(InputError, match="the id 3 was taken meanwhile"):
        here.enrol(here.draft("3", "Ann", shots("ann")), new=True)
    assert Workbench(tmp_path).people.all()["3"].name == "Cem"


def test_a_look_alike_is_enrolled_on_purpose_only_and_the_reason_is_kept_without_names(tmp_path: Path) -> None:
    desk = registrar(tmp_path)
    desk.enrol(desk.draft("1", "Ann Ray", shots("ann")))
    twin = desk.draft("2", "Eve Ray", shots("ann"))
    assert twin.verdict == "already_enrolled"
    with pytest.raises(EnrolmentRejected):
        desk.enrol(twin, new=True)
    desk.enrol(twin, new=True, allow_look_alike=True, reason="twin of Ann Ray, both were here", author="hr")
    assert "said not to be 1 (similarity 1.00): twin of 1, both were here" in audit(tmp_path)
    assert "Ann Ray" not in audit(tmp_path)


def test_more_pictures_leave_the_rest_of_the_row_alone(tmp_path: Path) -> None:
    desk = registrar(tmp_path)
    desk.enrol(desk.draft("1", "Ann", shots("ann")), department="Lab", consent_at="2026-11-01")
    people = Workbench(tmp_path).people
    people.put(dataclasses.replace(people.all()["1"], active=False))
    report = desk.enrol(desk.draft("1", "Ann", shots("ann", 3)))
    assert report.templates == 5
    after = people.all()["1"]
    assert (after.department, after.consent_at, after.active) == ("Lab", "2026-11-01", False)


def test_an_enrolment_that_cannot_be_written_leaves_everything_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = registrar(tmp_path)
    desk.enrol(desk.draft("1", "Ann", shots("ann")))
    before, people = stored(tmp_path), (tmp_path / "people.csv").read_bytes()

    def full(*_: object) -> None:
        raise StorageError("the disk is full")

    monkeypatch.setattr(GalleryStore, "update", full)
    for employee_id, who in (("1", "ann"), ("2", "bob")):
        with pytest.raises(StorageError):
            desk.enrol(desk.draft(employee_id, "Renamed", shots(who)), department="Other")
    assert stored(tmp_path) == before
    assert (tmp_path / "people.csv").read_bytes() == people


# --------------------------------------------------------------------------------------------- details


@pytest.mark.parametrize(
    ("known", "used", "expected"),
    [
        ([], [], "1"),
        (["ben", "cleo"], [], "1"),
        (["1"], [], "2"),
        (["9", "10", "2"], [], "11"),
        (["007"], [], "008"),
        (["099"], [], "100"),
        (["E006", "E002", "12"], [], "E007"),
        (["E1"], ["E7"], "E8"),
        ([], ["41"], "42"),
        (["ann"], ["ann"], "1"),
    ],
)
def test_the_next_free_id_goes_on_as_most_do(known: list[str], used: list[str], expected: str) -> None:
    assert next_id(known, used) == expected


def test_the_id_of_somebody_who_was_erased_is_not_suggested_again(tmp_path: Path) -> None:
    bench = Workbench(tmp_path, clock=lambda: T0)
    bench.people.put(Person("4", "Ann"))
    bench.audit.note("forget", "5", "erased", author="hr", now=T0)
    assert bench.registrar.next_id() == "6"


@pytest.mark.parametrize(
    ("details", "problem"),
    [
        ({"employee_id": ""}, "employee id"),
        ({"employee_id": "a;b"}, "semicolon"),
        ({"employee_id": "unknown-3"}, "reserved for strangers"),
        ({"employee_id": "1"}, "the id 1 is taken"),
        ({"name": " "}, "name"),
        ({"email": "nobody"}, "not an e-mail address"),
        ({"email": "ANN@example.org"}, "belongs to 1"),
    ],
)
def test_details_that_cannot_be_used_are_refused(tmp_path: Path, details: dict[str, str], problem: str) -> None:
    bench = Workbench(tmp_path)
    bench.people.put(Person("1", "Ann", email="ann@example.org"))
    given = {"employee_id": "2", "name": "Bob", **details}
    with pytest.raises(InputError, match=problem):
        bench.registrar.checked(**given, new=True)


def test_details_are_cleaned(tmp_path: Path) -> None:
    person = Workbench(tmp_path).registrar.checked(" 2 ", " Bob  Lee ", department=" ", new=True)
    assert (person.employee_id, person.department) == ("2", "")


# --------------------------------------------------------------------------------------------- strangers


def test_the_pictures_of_a_stranger_are_those_of_their_incidents(tmp_path: Path) -> None:
    bench = Workbench(tmp_path, clock=lambda: T0)
    for number, stranger in enumerate(("unknown-1", "unknown-2", "unknown-1")):
        event = Event(EventKind.UNKNOWN, T0 + timedelta(hours=number), "door", unknown_ids=(stranger,))
        bench.incidents.record(event, {"image": picture()})
    found = bench.registrar.pictures_of("unknown-1")
    assert len(found) == 2
    assert [name for name, _ in found] == sorted((name for name, _ in found), reverse=True)
    assert all(path == tmp_path / name and path.is_file() for name, path in found)
    found[0][1].unlink()
    assert len(bench.registrar.pictures_of("unknown-1")) == 1
    assert bench.registrar.pictures_of("unknown-9") == []
