"""On what recognising somebody rests: a withdrawn consent ends it at once, everywhere, until another basis is stated."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from command import muster
from paperwork import Clock, bench, enrol, face

from engine.people import clean_consent
from engine.people.basis import based_on, basis_of
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
    ],
)
def test_a_basis_is_told_by_its_word(stored: str, basis: str, since: str, place: Workbench) -> None:
    person = Person("E1", "Ann", consent_at=stored)
    assert (basis_of(person), based_on(person)) == (basis, since)
    assert basis_of(Person("E1", "Ann", consent_at=clean_consent(stored, place.records.now()))) == basis


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
