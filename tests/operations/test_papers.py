"""The papers: statements from the workspace's own settings, gaps that are marked, and a list of what changed."""

from __future__ import annotations

import io
import json
import zipfile
from datetime import timedelta
from pathlib import Path

import docx
import pytest
from command import muster
from docx.enum.text import WD_COLOR_INDEX
from fakes import T0
from paperwork import Clock, enrol, face

from engine.errors import StorageError
from engine.operations.papers import PAPERS, papers
from engine.operations.papers.versions import PLACE
from engine.workbench import Workbench

SECRET = "hunter2secret"
SETTINGS = f"""
timezone = "Europe/Berlin"
organisation = "Acme <GmbH>"
[people]
basis = "agreement"
basis_version = "BV 7"
[cameras.gate]
source = "rtsp://admin:{SECRET}@10.0.0.9/stream"
direction = "in"
quiet_hours = ["20:00-06:00"]
"""


@pytest.fixture
def place(tmp_path: Path) -> Workbench:
    folder = tmp_path / "w"
    folder.mkdir()
    (folder / "muster.toml").write_text(SETTINGS)
    bench = Workbench(folder, clock=Clock(T0))
    enrol(bench, "E1", "Ann Lee", face(1, 0))
    enrol(bench, "E2", "Ben Ode", face(0, 1))
    bench.staff.change("E1", author="sam", consent_at="2026-10-01 form 3")
    return bench


def texts(bench: Workbench, kind: str, code: str = "en") -> str:
    return papers(bench, author="sam", languages=[code]).files(["html"])[f"{kind}-{code}.html"].decode()


def changed(folder: Path, old: str, new: str) -> Workbench:
    (folder / "muster.toml").write_text((folder / "muster.toml").read_text().replace(old, new))
    return Workbench(folder, clock=Clock(T0 + timedelta(days=9)))


def test_statements_come_from_the_settings_and_name_them(place: Workbench) -> None:
    text = texts(place, "dpia")
    for stated in ("Acme &lt;GmbH&gt;", "BV 7", "form 3", "20:00-06:00", "30 days", "365 days"):
        assert stated in text
    for source in ("retention.evidence_images", "retention.sightings", "strangers.keep", "cameras.gate.quiet_hours"):
        assert f">{source}</code>" in text
    assert "Ann" not in text  # people are counted, not named


def test_a_broker_outside_of_muster_is_told_with_what_it_gets(place: Workbench) -> None:
    assert "MQTT" not in texts(place, "workers")
    whole = f'[mqtt]\nhost = "broker.example.org"\nuser = "muster"\npassword = "{SECRET}"\n[people]'
    bench = changed(place.workspace, "[people]", whole)
    for kind in ("dpia", "workers"):
        text = texts(bench, kind)
        assert "broker.example.org:8883, with the ids of people" in text
        assert SECRET not in text
    text = texts(changed(place.workspace, "[mqtt]", '[mqtt]\nwho = "names"'), "workers", "de")
    assert "mit Kennungen und Namen der Personen" in text


def test_gaps_are_marked_yellow_in_both_formats(place: Workbench) -> None:
    made = papers(place, author="sam")
    files = made.files()
    assert len(files) == len(PAPERS) * 4
    for code, paper in made.papers:
        page = files[f"{paper.kind}-{code}.html"].decode()
        assert page.count("<mark") == paper.gaps
        document = docx.Document(io.BytesIO(files[f"{paper.kind}-{code}.docx"]))
        cells = [cell for table in document.tables for row in table.rows for cell in row.cells]
        paragraphs = [*document.paragraphs, *(each for cell in cells for each in cell.paragraphs)]
        yellow = [run for each in paragraphs for run in each.runs if run.font.highlight_color == WD_COLOR_INDEX.YELLOW]
        assert len(yellow) == paper.gaps
        assert document.paragraphs[0].text == paper.title
        assert ("No legal advice" if code == "en" else "Keine Rechtsberatung") in paper.lead


def test_a_way_without_the_face_is_told_where_people_have_one(place: Workbench) -> None:
    assert "Which way without the face" in texts(place, "workers")
    place.pins.put("E1", "482913", T0)
    text = texts(place, "workers")
    assert "by badge or PIN at the kiosk: 1." in text
    assert "Which way without the face" not in text


def test_an_employees_consent_is_a_gap_in_the_eu(place: Workbench) -> None:
    assert "recital 43" in texts(place, "workers")
    place.staff.change("E1", author="sam", consent_at="agreement 2026-10-02 BV 7")
    assert "recital 43" not in texts(place, "workers")


@pytest.mark.parametrize(
    ("old", "new", "setting", "before", "after"),
    [
        ('direction = "in"', 'direction = "both"', "cameras.gate.direction", "in", "both"),
        ("[people]", "[retention]\nevidence_images = 7\n[people]", "retention.evidence_images", "30", "7"),
        ("[people]", '[strangers]\nkeep = "nothing"\n[people]', "strangers.keep", "dossier", "nothing"),
        ("BV 7", "BV 8", "people.basis_version", "BV 7", "BV 8"),
    ],
)
def test_a_changed_setting_is_named_by_the_next_version(
    place: Workbench, old: str, new: str, setting: str, before: str, after: str
) -> None:
    assert "first version" in texts(place, "changes")
    assert papers(place, author="sam").number == 1  # nothing changed
    later = changed(place.workspace, old, new)
    made = papers(later, author="sam")
    assert made.number == 2
    assert [(each.setting, each.before, each.after) for each in made.changed or ()] == [(setting, before, after)]
    assert setting in texts(later, "changes")
    assert "Fassung 2" in texts(later, "changes", "de")
    assert papers(later, author="sam").number == 2
    assert [row.detail for row in later.audit.read() if row.action == "papers"][-1] == "version 2"


def test_no_secret_of_a_setting_gets_into_a_paper_or_a_version(place: Workbench) -> None:
    archive = papers(place, author="sam").archive()
    with zipfile.ZipFile(io.BytesIO(archive)) as files:
        for name in files.namelist():
            content = files.read(name)
            if name.endswith(".docx"):
                content = b"".join(map(zipfile.ZipFile(io.BytesIO(content)).read, ["word/document.xml"]))
            assert SECRET.encode() not in content
    assert SECRET not in (place.workspace / PLACE).read_text()


def test_an_empty_workspace_has_papers_too(tmp_path: Path) -> None:
    made = papers(Workbench(tmp_path, clock=Clock(T0)), author="sam")
    gaps = {paper.kind: paper.gaps for code, paper in made.papers if code == "en"}
    assert gaps["dpia"] > 10
    assert gaps["changes"] == 0


def test_damaged_versions_are_told_and_kept(place: Workbench) -> None:
    (place.workspace / PLACE).parent.mkdir()
    (place.workspace / PLACE).write_text("[{")
    with pytest.raises(StorageError, match="cannot be read"):
        papers(place, author="sam")
    assert (place.workspace / PLACE).read_text() == "[{"


def test_the_command_writes_what_is_asked_for(place: Workbench, tmp_path: Path) -> None:
    out = tmp_path / "out"
    command = ("papers", "--workspace", place.workspace, "--out", out, "--language", "de", "--format", "html", "--json")
    answer = muster(*command, "--author", "sam")
    assert answer.code == 0, answer.err
    told = json.loads(answer.out)
    assert (told["version"], told["changed"]) == (1, [])
    assert (
        sorted(path.name for path in out.iterdir())
        == sorted(told["files"])
        == sorted(f"{kind}-de.html" for kind in PAPERS)
    )
    changed(place.workspace, "20:00", "21:00")
    assert [each["setting"] for each in json.loads(muster(*command).out)["changed"]] == ["cameras.gate.quiet_hours"]
