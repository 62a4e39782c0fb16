"""HR changes the list of people, administrators change accounts: each change is noted with its author, and nothing by halves."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from fakes import T0
from paperwork import Clock, bench, enrol, face, picture, punch, stranger, tailgating

from engine.errors import InputError, StorageError
from engine.imaging import write_jpeg
from engine.records import uploaded
from engine.workbench import Workbench


@pytest.fixture
def place(tmp_path: Path) -> Workbench:
    """Ann with three templates, one of them unlike the others, and Ben with one."""
    workbench = bench(tmp_path)
    enrol(workbench, "E1", "Ann Lee", face(1, 0), face(1, 0.1), face(0, 1))
    enrol(workbench, "E2", "Ben", face(0, 0, 1))
    for template in workbench.gallery.current().templates:
        write_jpeg(workbench.registrar.picture(template.template_id), picture())
    return workbench


def audit(workbench: Workbench) -> list[tuple[str, str, str, str]]:
    return [(row.author, row.action, row.subject, row.detail) for row in workbench.audit.read()]


# --------------------------------------------------------------------------------------------- one person


def test_a_row_is_changed_where_it_is_asked_and_the_fields_are_noted_without_their_values(place: Workbench) -> None:
    person = place.staff.change(
        "E1", author="sam", name="  Ann\u200b  Li ", email="ann@example.org", consent_at="2026-11-20"
    )
    assert (person.name, person.department, person.email, person.consent_at) == (
        "Ann Li",
        "Lab",
        "ann@example.org",
        "2026-11-20",
    )
    assert place.people.all()["E1"] == person
    assert audit(place) == [
        ("sam", "change_person", "E1", "name, email, consent"),
        ("sam", "basis", "E1", "consent 2026-11-20"),
    ]


def test_nothing_changed_is_nothing_noted(place: Workbench) -> None:
    place.staff.change("E1", author="sam", name="Ann Lee", department="Lab", active=True)
    assert audit(place) == []


def test_an_author_with_an_employees_name_is_noted_by_id(place: Workbench) -> None:
    place.staff.change("E2", author="Ann Lee", department="Desk")
    assert audit(place)[0][0] == "E1"


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"name": " "}, "empty"),
        ({"email": "ann at home"}, "e-mail"),
        ({"consent_at": "2027-01-01"}, "future"),
        ({"consent_at": "soon"}, "is not a day"),
        ({"department": "x" * 300}, "characters"),
    ],
)
def test_what_cannot_be_is_refused_and_nothing_is_written(place: Workbench, change: dict[str, str], word: str) -> None:
    before = place.people.keep.path.read_bytes()
    with pytest.raises(InputError, match=word):
        place.staff.change("E1", author="sam", **change)  # type: ignore[arg-type]
    assert place.people.keep.path.read_bytes() == before
    assert audit(place) == []


def test_an_address_of_somebody_else_is_refused(place: Workbench) -> None:
    place.staff.change("E2", author="sam", email="ann@example.org")
    with pytest.raises(InputError, match="belongs to E2"):
        place.staff.change("E1", author="sam", email="Ann@Example.org")


def test_who_is_not_known_cannot_be_changed(place: Workbench) -> None:
    with pytest.raises(InputError, match="nobody is known as E9"):
        place.staff.change("E9", author="sam", name="Zoe")


def test_who_is_inactive_is_not_recognised_until_they_are_active_again(place: Workbench) -> None:
    place.staff.change("E1", author="sam", active=False)
    assert place.people.inactive() == {"E1"}
    place.staff.change("E1", author="sam", active=True)
    assert place.people.inactive() == set()
    assert [row[1] for row in audit(place)] == ["deactivate", "reactivate"]


def test_what_another_process_changed_meanwhile_stays(place: Workbench) -> None:
    other = bench(place.workspace)
    place.people.all()
    other.staff.change("E1", author="tom", department="Desk")
    assert place.staff.change("E1", author="sam", email="ann@example.org").department == "Desk"


# --------------------------------------------------------------------------------------------- templates


def test_of_nobody_there_are_no_templates(place: Workbench) -> None:
    assert place.staff.templates("E9") == []


def test_a_single_template_is_compared_with_nothing(place: Workbench) -> None:
    (only,) = place.staff.templates("E2")
    assert (only.similarity, only.outlier) == (None, False)


def test_a_template_unlike_the_others_is_told(place: Workbench) -> None:
    views = place.staff.templates("E1")
    assert [view.outlier for view in views] == [False, False, True]
    assert views[2].similarity == pytest.approx(0.05, abs=0.01)
    assert all((place.workspace / view.picture).is_file() for view in views)


def test_a_template_whose_picture_is_gone_has_none(place: Workbench) -> None:
    place.registrar.picture(place.staff.templates("E2")[0].template_id).unlink()
    assert place.staff.templates("E2")[0].picture == ""


def test_templates_go_with_their_pictures(place: Workbench) -> None:
    odd = place.staff.templates("E1")[2]
    assert place.staff.remove_templates("E1", [odd.template_id], author="sam") == 2
    assert [view.outlier for view in place.staff.templates("E1")] == [False, False]
    assert not (place.workspace / odd.picture).exists()
    assert audit(place) == [
        ("sam", "remove_templates", "E1", f"1 template removed, gallery version {place.gallery.current().version}")
    ]


def test_the_last_template_goes_only_when_that_is_meant(place: Workbench) -> None:
    (only,) = place.staff.templates("E2")
    with pytest.raises(InputError, match="not be recognised any more"):
        place.staff.remove_templates("E2", [only.template_id], author="sam")
    assert (place.workspace / only.picture).is_file(), "a refusal erases nothing"
    assert place.staff.remove_templates("E2", [only.template_id], author="sam", allow_last=True) == 0
    assert "E2" not in place.gallery.current().people
    assert "E2" in place.people.all()


@pytest.mark.parametrize("wanted", [[], ["20261101T080000-E2-0"], ["../../people"]])
def test_only_their_own_templates_can_be_removed(place: Workbench, wanted: list[str]) -> None:
    before = place.gallery.current().version
    with pytest.raises(InputError, match="E1 has no template"):
        place.staff.remove_templates("E1", wanted, author="sam")
    assert place.gallery.current().version == before


# --------------------------------------------------------------------------------------------- lists

STAFF = b"id,name,department\nE1,Ann Lee,Desk\nE3,Cem,Lab\n"
LEAVE = b"id,from,to,kind\nE1,2026-11-23,2026-11-24,leave\n"


def test_a_staff_list_is_looked_at_before_it_is_taken_in(place: Workbench) -> None:
    before = place.people.keep.path.read_bytes()
    with uploaded(STAFF, "staff.csv") as path:
        told = place.staff.import_staff(path, author="sam", dry_run=True)
        assert (told.added, told.changed, told.written) == (("E3",), ("E1",), False)
        assert place.people.keep.path.read_bytes() == before
        assert audit(place) == []
        done = place.staff.import_staff(path, author="sam")
    assert (done.added, done.changed, done.written) == (told.added, told.changed, True)
    assert audit(place) == [("sam", "import", "people.csv", "1 added, 1 changed, 0 unchanged")]


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (LEAVE, "leave.csv"),
        (
            b"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\nBEGIN:VEVENT\r\nUID:1\r\nDTSTAMP:20261101T000000Z\r\n"
            b"DTSTART;VALUE=DATE:20261123\r\nDTEND;VALUE=DATE:20261125\r\nSUMMARY:Ann Lee leave\r\nEND:VEVENT\r\n"
            b"END:VCALENDAR\r\n",
            "leave.ics",
        ),
    ],
)
def test_leave_is_looked_at_before_it_is_taken_in(place: Workbench, content: bytes, name: str) -> None:
    with uploaded(content, name) as path:
        told = place.leave_desk.import_file(path, author="sam", dry_run=True)
        assert len(told.added) == 1
        assert not place.leave.document.path.exists()
        assert place.leave_desk.import_file(path, author="sam").added == told.added
        assert place.leave_desk.import_file(path, author="sam").unchanged == told.added
    assert len(place.leave.all()) == 1
    assert place.leave.all()[0].source.endswith(name)
    assert audit(place) == [
        ("sam", "leave_add", "E1", "annual 2026-11-23…2026-11-24: import"),
        ("sam", "import", "leave.csv", "1 added, 0 removed, 0 unchanged"),
    ]


@pytest.mark.parametrize(
    "name", ["../../etc/staff.csv", "C:\\lists\\staff.csv", "", "..", "x\n.csv", "a" * 300 + ".csv", "<img src=x>.csv"]
)
def test_an_uploaded_file_lies_in_a_place_of_its_own_and_is_gone_afterwards(name: str) -> None:
    with uploaded(b"x", name) as path:
        folder = path.parent
        assert path.read_bytes() == b"x"
        assert list(folder.iterdir()) == [path]
    assert not folder.exists()


def test_an_error_about_an_uploaded_file_names_it_and_not_where_it_lay(place: Workbench) -> None:
    with pytest.raises(InputError) as told, uploaded(b"a,b\n1,2\n", "staff.csv") as path:
        place.staff.import_staff(path, author="sam")
    assert told.value.message.startswith("staff.csv has no known column")


# --------------------------------------------------------------------------------------------- forgetting, foreseen


def test_what_would_be_gone_is_what_is_gone(tmp_path: Path) -> None:
    clock = Clock()
    workbench = bench(tmp_path, clock)
    enrol(workbench, "E1", "Ann Lee", face(1, 0), face(1, 0.1))
    enrol(workbench, "E2", "Ben", face(0, 1))
    for template in workbench.gallery.current().templates:
        write_jpeg(workbench.registrar.picture(template.template_id), picture())
    stranger(workbench, face(1, 0), T0 - timedelta(days=3), track="run-0", image=picture())
    write_jpeg(tmp_path / "images" / "evidence" / "a.jpg", picture())
    punch(workbench, "E1", T0, track="run-1", image="images/evidence/a.jpg")
    punch(workbench, "E2", T0, track="run-2")
    tailgating(workbench, T0, ["E1", "E2"], (), {"image": picture()})
    with uploaded(LEAVE, "leave.csv") as path:
        workbench.leave_desk.import_file(path, author="sam")
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    told = workbench.privacy.foresee("E1")
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before
    receipt = workbench.privacy.forget("E1", author="sam", thorough=False)
    assert told.name == "Ann Lee"
    assert told.templates == receipt["templates"] + receipt["templates_as_stranger_or_by_mistake"] == 3  # type: ignore[operator]
    assert told.pictures == receipt["pictures"] == 5
    assert told.leave_entries == receipt["leave_entries"] == 1
    assert told.dossiers == len(receipt["dossiers_as_stranger"]) == 1  # type: ignore[arg-type]
    assert (told.incidents, told.messages, told.others) == (2, 0, 1)
    assert (told.rows, told.pseudonym) == (receipt["log_rows_kept_under_the_id"], False) == (1, False)


def test_an_id_that_spells_the_name_will_be_a_pseudonym(tmp_path: Path) -> None:
    workbench = bench(tmp_path)
    enrol(workbench, "ann.lee", "Ann Lee", face(1, 0))
    assert workbench.privacy.foresee("ann.lee").pseudonym


def test_of_nobody_nothing_is_foreseen(place: Workbench) -> None:
    with pytest.raises(InputError, match="nobody is known as E9"):
        place.privacy.foresee("E9")


# --------------------------------------------------------------------------------------------- accounts


def test_accounts_are_added_changed_and_removed_with_their_author(place: Workbench) -> None:
    place.users.add("root", "admin", "correct horse", author="sam")
    place.users.add("Ann Lee", "hr", "correct horse", author="root")
    account, detail = place.users.change("Ann Lee", author="root", role="viewer", password="battery staple")
    assert (account.role, detail) == ("viewer", "role viewer, new password")
    assert place.users.change("Ann Lee", author="root", active=False)[1] == "role viewer, inactive"
    place.users.remove("Ann Lee", author="root")
    assert list(place.accounts.all()) == ["root"]
    assert audit(place) == [
        ("sam", "add_user", "root", "role admin"),
        ("root", "add_user", "E1", "role hr"),  # an account with an employee's name is noted by their id
        ("root", "change_user", "E1", "role viewer, new password"),
        ("root", "change_user", "E1", "role viewer, inactive"),
        ("root", "remove_user", "E1", "removed"),
    ]


def test_the_last_administrator_stays_and_nothing_is_noted(place: Workbench) -> None:
    place.users.add("root", "admin", "correct horse", author="")
    for act in (
        lambda: place.users.remove("root", author="root"),
        lambda: place.users.change("root", author="root", role="viewer"),
        lambda: place.users.change("root", author="root", active=False),
        lambda: place.users.add("root", "hr", "correct horse", author="root"),
        lambda: place.users.add("tom", "hr", "short", author="root"),
    ):
        with pytest.raises(InputError):
            act()
    assert len(audit(place)) == 1


def test_a_workspace_that_cannot_be_written_is_told(place: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_arguments: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.replace", full)
    with pytest.raises(StorageError, match="No space left"):
        place.staff.change("E1", author="sam", department="Desk")
    assert place.people.all()["E1"].department == "Lab"


def test_verifying_tells_how_far_it_is(place: Workbench) -> None:
    for days in range(3):
        punch(place, "E2", T0 - timedelta(days=days), track=f"run-{days}")
    told: list[tuple[int, int]] = []
    findings = place.records.verify(lambda _what, done, total: told.append((done, total)))
    assert [each for each in findings if each.what != "note"] == []  # pictures were put there by hand
    assert told == [(1, 3), (2, 3), (3, 3)]
