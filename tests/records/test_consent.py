"""On what recognising somebody rests: a withdrawn consent ends it at once, everywhere, until another basis is stated."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from command import muster
from paperwork import Clock, bench, enrol, face

from engine.config import Config
from engine.people.basis import Basis, based_on, basis_of, clean_consent, country_of, doubt, usual_basis
from engine.types import Person
from engine.workbench import Workbench


@pytest.fixture
def place(tmp_path: Path) -> Workbench:
    workbench = bench(tmp_path / "w", Clock())
    enrol(workbench, "E1", "Ann Lee", face(1, 0))
    workbench.staff.change("E1", author="sam", consent_at="2026-10-01")
    return workbench


def seen(workbench: Workbench) -> str | None:
    """Who a running process takes the face for."""
    gallery = workbench.gallery.current()
    return gallery.search(face(1, 0)[None], threshold=0.5, without=workbench.people.inactive())[0].person


def test_a_withdrawn_consent_ends_recognition_in_another_running_process(place: Workbench) -> None:
    running = bench(place.workspace, Clock())  # a recorder that opened the workspace before
    assert seen(running) == "E1"
    after = place.staff.change("E1", author="sam", consent_at="")
    assert (basis_of(after), based_on(after)) == ("withdrawn", "")
    assert seen(running) is None
    assert place.people.all()["E1"].active  # still works here
    assert [row.action for row in place.audit.read()][-1] == "withdraw_consent"
    assert place.staff.change("E1", author="sam", consent_at="").consent_at == after.consent_at
    place.staff.change("E1", author="sam", consent_at="law 2026-10-02")
    assert seen(running) == "E1"
    assert basis_of(place.people.all()["E1"]) == "law"


@pytest.mark.parametrize(
    ("stored", "basis", "since"),
    [
        ("", "", ""),
        ("2026-10-01", "consent", "2026-10-01"),
        ("agreement 2026-10-01", "agreement", "2026-10-01"),
        ("withdrawn 2026-10-01T08:00:00+02:00", "withdrawn", ""),
        ("2026-10-01 08:00:00", "consent", "2026-10-01 08:00:00"),
        ("2026-10-01 08:00:00 form 3", "consent", "2026-10-01 08:00:00"),
        ("visit 2026-10-01 house rules", "visit", "2026-10-01"),
    ],
)
def test_a_basis_is_told_by_its_word(stored: str, basis: str, since: str, place: Workbench) -> None:
    person = Person("E1", "Ann", consent_at=stored)
    assert (basis_of(person), based_on(person)) == (basis, since)
    assert basis_of(Person("E1", "Ann", consent_at=clean_consent(stored, place.records.now()))) == basis


@pytest.mark.parametrize(
    "given",
    ["2026-10-01", "2026-10-01 form 3", "agreement 2026-10-01 BV 7 of 2026-03", "law 2026-10-01", "visit 2026-10-01 x"],
)
def test_a_basis_is_stored_as_it_was_given_with_its_version(given: str, place: Workbench) -> None:
    stored = place.staff.change("E1", author="sam", consent_at=given).consent_at
    assert stored == given == Basis.read(stored).stored
    last = [row for row in place.audit.read() if row.action == "basis"][-1]
    assert last.detail == (given if given[0].isalpha() else f"consent {given}")


def test_a_withdrawal_says_what_was_withdrawn(place: Workbench) -> None:
    place.staff.change("E1", author="sam", consent_at="2026-10-01 form 3")
    after = place.staff.change("E1", author="sam", consent_at="")
    assert basis_of(after) == "withdrawn"
    assert place.audit.read()[-1].detail.startswith("was consent 2026-10-01 form 3; no longer recognised")


@pytest.mark.parametrize(
    ("kind", "settings", "doubted"),
    [
        ("consent", {"timezone": "Europe/Berlin"}, True),
        ("consent", {"timezone": "UTC", "holidays": {"country": "FR"}}, True),
        ("consent", {"timezone": "Europe/Berlin", "holidays": {"country": "US"}}, False),
        ("consent", {"timezone": "America/New_York"}, False),
        ("consent", {}, False),
        ("agreement", {"timezone": "Europe/Berlin"}, False),
        ("visit", {"timezone": "Europe/Vienna"}, False),
    ],
)
def test_consent_at_work_is_doubted_where_it_is_rarely_valid(
    kind: str, settings: dict[str, Any], doubted: bool
) -> None:
    assert (doubt(kind, country_of(Config(**settings))) is not None) == doubted


def test_an_import_takes_the_usual_basis_for_new_people_only(tmp_path: Path) -> None:
    folder = tmp_path / "w"
    folder.mkdir()
    (folder / "muster.toml").write_text('[people]\nbasis = "agreement"\nbasis_version = "BV 7"\n')
    place = Workbench(folder, clock=Clock())
    (tmp_path / "list.csv").write_text("id,name,consent\nA,Ann,\nB,Bob,law 2026-01-02\n")
    place.staff.import_staff(tmp_path / "list.csv", author="sam")
    today = place.records.now().date().isoformat()
    assert [each.consent_at for each in place.people.all().values()] == [f"agreement {today} BV 7", "law 2026-01-02"]
    place.staff.change("A", author="sam", consent_at="")
    place.staff.import_staff(tmp_path / "list.csv", author="sam")
    assert basis_of(place.people.all()["A"]) == "withdrawn"
    assert usual_basis(Config.model_validate({"people": {"basis": "consent"}}), place.records.now().date()) == ""


@pytest.mark.models
def test_enrolment_needs_a_consent_or_another_basis(tmp_path: Path, samples: Path) -> None:
    photos = sorted((samples / "train" / "ben_afflek").glob("*.jpg"))[:1]
    command = ("enrol", "--id", "E1", *photos, "--workspace", tmp_path / "w")
    refused = muster(*command)
    assert refused.code == 4
    assert "--basis" in refused.err
    assert muster(*command, "--basis", "whim").code == 4
    assert muster(*command, "--basis", "contract").code == 0
    workbench = Workbench(tmp_path / "w")
    assert basis_of(workbench.people.all()["E1"]) == "contract"
    withdrawn = muster("staff", "change", "E1", "--consent", "withdrawn", "--workspace", tmp_path / "w")
    assert "muster forget E1" in withdrawn.out
    assert muster(*command).code == 4
    (tmp_path / "w" / "muster.toml").write_text(
        'timezone = "Europe/Berlin"\n[people]\nbasis = "agreement"\nbasis_version = "BV 7"\n'
    )
    assert muster(*command).code == 4, "the usual basis does not override a withdrawal"
    other = ("enrol", "--id", "E2", *photos, "--allow-look-alike", "--workspace", tmp_path / "w")
    assert "recital" not in muster(*other).err
    assert Basis.of(Workbench(tmp_path / "w").people.all()["E2"]).version == "BV 7"
    assert "recital 43" in muster(*other, "--consent", "2026-01-02").err


def test_a_receipt_names_what_it_could_not_read(place: Workbench) -> None:
    folder = place.workspace
    (folder / "people.csv.bak").write_text("E1,Ann Lee")
    (folder / "log" / "audit.bak").write_text("Ann Lee")
    (folder / "contract.pdf").write_bytes(b"%PDF Ann Lee")
    (folder / "locked.zip").write_bytes(b"PK\x03\x04 nothing")
    (folder / "notes.txt").write_text("Ann Lee")
    np.save(folder / "other.npy", np.zeros(2))
    receipt = place.privacy.forget("E1", author="sam", thorough=False)
    assert receipt["still_named_in"] == ["notes.txt"]
    assert receipt["not_read"] == ["contract.pdf", "locked.zip", "log/audit.bak", "other.npy", "people.csv.bak"]
