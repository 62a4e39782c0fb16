"""An incident in one file: complete, printable, without secrets, and honest about what was changed or is gone."""

from __future__ import annotations

import csv
import io
import json
import re
import zipfile
from datetime import timedelta
from pathlib import Path

import pytest
from command import muster
from fakes import T0, at
from paperwork import Clock, bench, enrol, face, picture, stranger, tailgating
from sheets import SCRIPT, Page

from engine.errors import InputError
from engine.imaging import decode_image, write_jpeg
from engine.workbench import Workbench

HOSTILE = "<img src=x onerror=alert(1)>"


@pytest.fixture
def clock() -> Clock:
    return Clock(at(3600))


@pytest.fixture
def workbench(tmp_path: Path, clock: Clock) -> Workbench:
    workbench = bench(tmp_path, clock)
    enrol(workbench, "E1", "Ada Lovelace", face(1))
    write_jpeg(workbench.registrar.picture("20261101T080000-E1-0"), picture(90))
    return workbench


def together(workbench: Workbench) -> str:
    stranger(workbench, face(0, 1), T0, track="run-9", image=picture(60))
    columns = ("image", "clean_image", "before_image", "after_image")
    shown = {column: picture(value) for column, value in zip(columns, (10, 50, 100, 150), strict=True)}
    return tailgating(workbench, T0, ["E1"], ["unknown-1"], shown).incident_id


def opened(workbench: Workbench, incident_id: str) -> dict[str, bytes]:
    """The files of the zip by their names without the folder."""
    content = workbench.cases.export(incident_id, author="sam")
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert archive.testzip() is None
        return {name.split("/", 1)[1]: archive.read(name) for name in archive.namelist()}


def test_everything_about_an_incident_is_in_the_file(workbench: Workbench, clock: Clock) -> None:
    incident_id = together(workbench)
    workbench.office.review(incident_id, "acknowledged", author="sam", note="on my way", assignee="kim")
    clock.forward(days=1)
    workbench.office.review(incident_id, "resolved", author="kim", note="a visitor of Ada Lovelace")
    files = opened(workbench, incident_id)
    assert sorted(files) == [
        "READ ME.txt",
        "incident.json",
        "pictures/after.jpg",
        "pictures/before.jpg",
        "pictures/clean.jpg",
        "pictures/main.jpg",
        "rows.csv",
        "sheet.html",
    ]
    assert decode_image(files["pictures/before.jpg"]).mean() == pytest.approx(100, abs=3)
    rows = list(csv.DictReader(io.StringIO(files["rows.csv"].decode())))
    assert [row["state"] for row in rows] == ["open", "acknowledged", "resolved"]
    document = json.loads(files["incident.json"])
    assert (document["state"], document["assignee"]) == ("resolved", "kim")
    assert document["people"] == [
        {"id": "E1", "name": "Ada Lovelace", "department": "Lab", "known": True},
        {"id": "unknown-1", "name": "", "department": "", "known": False},
    ]
    assert document["seals"]["hold"]
    assert document["seals"]["files"] == ["incidents-2026-11-23.csv", "incidents-2026-11-24.csv"]


def test_the_rows_are_those_of_the_log_with_their_seals(workbench: Workbench) -> None:
    incident_id = together(workbench)
    workbench.office.review(incident_id, "acknowledged", author="sam", note="=1+1")
    lines = workbench.incidents.log.raw.shelf.path(T0.date()).read_text().splitlines()
    own = [line for line in lines[1:] if incident_id in line]
    assert opened(workbench, incident_id)["rows.csv"].decode().splitlines() == [lines[0], *own]


def test_the_sheet_stands_alone_with_faces_and_names(workbench: Workbench) -> None:
    incident_id = together(workbench)
    workbench.office.review(incident_id, "resolved", author="sam", note="a courier")
    page = Page(opened(workbench, incident_id)["sheet.html"].decode())
    assert page.count("img") == 4 + 2
    assert all((attrs["src"] or "").startswith("data:image/jpeg") for tag, attrs in page.elements if tag == "img")
    assert all(attrs.get("alt") for tag, attrs in page.elements if tag == "img")
    assert not {tag for tag, _ in page.elements} & {"script", "link", "iframe", "form"}
    assert not re.search(r"https?:|@import|url\(", page.source)
    assert "default-src 'none'" in page.source
    assert "size: A4 portrait" in page.source
    for text in ("Ada Lovelace", "Unknown person", "unknown-1", "a courier", "sam", "The seals hold:", "resolved"):
        assert text in page.text


def test_nothing_that_people_wrote_becomes_markup(workbench: Workbench) -> None:
    enrol(workbench, "E2", SCRIPT)
    incident_id = tailgating(workbench, T0, ["E2", HOSTILE]).incident_id
    workbench.office.review(
        incident_id, "resolved", author=HOSTILE, note=SCRIPT, assignee="![](http://example.invalid/x)"
    )
    page = Page(opened(workbench, incident_id)["sheet.html"].decode())
    assert page.count("img") == page.count("script") == 0
    assert HOSTILE in page.text


def test_a_changed_row_is_named(workbench: Workbench) -> None:
    incident_id = together(workbench)
    path = workbench.incidents.log.raw.shelf.path(T0.date())
    path.write_bytes(path.read_bytes().replace(b"2 people together", b"1 people together"))
    files = opened(workbench, incident_id)
    assert not json.loads(files["incident.json"])["seals"]["hold"]
    assert "Something was changed in incidents-2026-11-23.csv" in Page(files["sheet.html"].decode()).text


def test_without_the_key_nothing_is_called_changed_or_sound(workbench: Workbench) -> None:
    incident_id = together(workbench)
    workbench.records.sealer.key_path.unlink()
    document = json.loads(opened(bench(workbench.workspace), incident_id)["incident.json"])
    assert not document["seals"]["hold"]
    assert document["seals"]["problem"] == "the key of the seals is gone"


def test_pictures_that_are_gone_are_said_to_be_gone(workbench: Workbench) -> None:
    incident_id = together(workbench)
    for path in (workbench.workspace / "images").glob("*/*.jpg"):
        path.unlink()
    files = opened(workbench, incident_id)
    assert not [name for name in files if name.startswith("pictures/")]
    assert json.loads(files["incident.json"])["pictures_gone"] == [
        "image",
        "clean_image",
        "before_image",
        "after_image",
    ]
    page = Page(files["sheet.html"].decode())
    assert "4 pictures are no longer kept." in page.text
    assert page.count("img") == 0


def test_a_forged_path_leads_nowhere(workbench: Workbench) -> None:
    incident_id = together(workbench)
    path = workbench.incidents.log.raw.shelf.path(T0.date())
    text = path.read_text()
    forged = re.sub(r"images/tailgating/\S+?-annotated\.jpg", "images/../seal.id", text)
    path.write_text(forged)
    content = workbench.cases.export(incident_id, author="sam")
    key = (workbench.workspace / "seal.id").read_text().strip()
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert "pictures/main.jpg" not in " ".join(archive.namelist())
        assert all(key.encode() not in archive.read(name) for name in archive.namelist())


def test_an_identifier_that_somebody_changed_names_no_file(workbench: Workbench) -> None:
    incident_id = together(workbench)
    path = workbench.incidents.log.raw.shelf.path(T0.date())
    path.write_text(path.read_text().replace(f"{incident_id},", "../../evil,"))
    with zipfile.ZipFile(io.BytesIO(workbench.cases.export("../../evil", author="sam"))) as archive:
        assert all(name.startswith("incident/") for name in archive.namelist())


def test_who_was_erased_stays_erased(workbench: Workbench) -> None:
    incident_id = together(workbench)
    workbench.privacy.forget("E1", thorough=False)
    files = opened(workbench, incident_id)
    assert b"Ada" not in b"".join(files.values())
    assert "Person no longer listed E1" in Page(files["sheet.html"].decode()).text


def test_a_pseudonym_is_no_name(workbench: Workbench) -> None:
    enrol(workbench, "lovelace", "Ada Lovelace")
    incident_id = tailgating(workbench, T0, ["lovelace"]).incident_id
    workbench.privacy.forget("lovelace", thorough=False)
    assert "Erased person erased-" in Page(opened(workbench, incident_id)["sheet.html"].decode()).text


def test_an_export_is_audited(workbench: Workbench) -> None:
    incident_id = together(workbench)
    opened(workbench, incident_id)
    row = workbench.audit.read()[-1]
    assert (row.action, row.subject, row.author) == ("export_incident", incident_id, "sam")


def test_an_incident_that_is_not_there_cannot_be_exported(workbench: Workbench) -> None:
    with pytest.raises(InputError, match="there is no alert 'x'"):
        workbench.cases.export("x", author="sam")
    assert not workbench.audit.raw


def test_the_command_writes_the_file(workbench: Workbench, tmp_path: Path) -> None:
    incident_id = together(workbench)
    target = tmp_path / "out.zip"
    arguments = ("incidents", "--workspace", workbench.workspace, "--author", "sam")
    done = muster(*arguments, "--zip", incident_id, "--out", target)
    assert (done.code, done.err) == (0, "")
    assert zipfile.ZipFile(target).testzip() is None
    assert muster(*arguments, "--zip", incident_id).code == 4
    assert muster(*arguments, "--zip", "nobody", "--out", target).error_lines == [
        "muster: there is no alert 'nobody' → `muster incidents` lists them"
    ]


def test_reviews_of_later_days_are_checked_too(workbench: Workbench, clock: Clock) -> None:
    incident_id = together(workbench)
    clock.forward(days=3)
    workbench.office.review(incident_id, "resolved", author="sam")
    later = workbench.incidents.log.raw.shelf.path((T0 + timedelta(days=3)).date())
    later.write_bytes(later.read_bytes().replace(b"resolved", b"open"))
    assert not json.loads(opened(workbench, incident_id)["incident.json"])["seals"]["hold"]
