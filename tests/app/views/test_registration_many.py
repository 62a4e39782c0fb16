"""Enrol many: consent once, an archive or a folder, a dry run with verdicts, and who was enrolled."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest
from pages import open_page, texts
from registration import labels, photos, press
from streamlit.testing.v1 import AppTest

from app.views.registration.many import Many
from engine.people import Person
from engine.workbench import Workbench

pytestmark = [pytest.mark.models, pytest.mark.usefixtures("no_browser")]


def state(page: AppTest) -> Many:
    found = page.session_state["registration-many"]
    assert isinstance(found, Many)
    return found


def opened(bench: Workbench, monkeypatch: pytest.MonkeyPatch, role: str = "hr") -> AppTest:
    return open_page("registration", bench.workspace, monkeypatch, role, query={"many": "1"})


def to_files(page: AppTest) -> AppTest:
    (go_on,) = [each for each in page.button if each.label == "Continue"]
    assert go_on.disabled  # nobody has said on what it rests
    page.checkbox[0].check().run()
    return press(page, "Continue")


def give(page: AppTest, files: Mapping[str, bytes], *, packed: bool = True) -> AppTest:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    given = [("staff.zip", content.getvalue(), "application/zip")]
    if not packed:
        page.segmented_control[0].select("folder").run()
        given = [(name, data, "image/jpeg") for name, data in files.items()]
    page.file_uploader[0].set_value(given)
    return page.run()


def test_an_archive_is_judged_first_and_then_stored(
    bench: Workbench, monkeypatch: pytest.MonkeyPatch, samples: Path
) -> None:
    bench.people.put(Person("E1", "Madonna Ciccone", "Lab", consent_at="2026-01-05"))
    first, second, third = (path.read_bytes() for path in photos(samples, "madonna", 3))
    elton = [path.read_bytes() for path in photos(samples, "elton_john", 2)]
    page = to_files(opened(bench, monkeypatch))
    give(
        page,
        {
            "Madonna Ciccone/a.jpg": first, "Madonna Ciccone/b.jpg": second, "Madonna Ciccone/c.jpg": third,
            "Madonna Ciccone/d.jpg": third, "E2_Elton <b>/a.jpg": elton[0], "E2_Elton <b>/b.jpg": elton[1],
            "E3/notes.jpg": b"nothing", "IMG_2034.jpg": first,
        },
    )  # fmt: skip
    assert not page.exception
    assert "Enrol 2 people" in labels(page)
    shown = texts(page)
    for text in ("duplicate file", "Few photos", "No photo can be used", "Nothing says whose"):
        assert text in shown, text
    assert [each.label for each in page.checkbox] == ["**Madonna Ciccone · E1**", "**Elton \\<b\\> · E2**"]
    assert "<b>" not in shown.replace("<strong>", "")
    assert shown.count("data:image/jpeg") == 5  # the face of each usable photo
    assert (len(bench.gallery.current()), list(bench.people.all())) == (0, ["E1"])  # nothing before the end
    assert not (bench.workspace / "images" / "enrolment").exists()
    # one is left out
    (elton_box,) = [each for each in page.checkbox if "E2" in each.label]
    elton_box.uncheck().run()
    press(page, "Enrol 1 person")
    assert not page.exception
    assert "1 person is enrolled" in texts(page)
    assert "You left this person out." in texts(page)
    assert set(bench.gallery.current().people) == {"E1"}
    assert bench.people.all()["E1"] == Person(
        "E1", "Madonna Ciccone", "Lab", enrolled_at=bench.people.all()["E1"].enrolled_at, consent_at="2026-01-05"
    )  # whoever has a basis on record keeps it
    told = {each.label: (each.done, each.used, each.left_out) for each in state(page).told}
    assert told == {
        "Madonna Ciccone": (True, 3, 1), "E2_Elton <b>": (False, 0, 2), "E3": (False, 0, 1), "": (False, 0, 1),
    }  # fmt: skip
    assert [(row.author, row.subject) for row in bench.audit.read() if row.action == "enrol"] == [("hr", "E1")]
    # the same folder once more: what is enrolled has nothing new
    press(page, "Enrol more people")
    give(to_files(page), {"up/E1/a.jpg": first, "up/E2_Elton/a.jpg": elton[0]}, packed=False)
    assert "These photos are enrolled already." in texts(page)
    press(page, "Enrol 1 person")
    assert set(bench.gallery.current().people) == {"E1", "E2"}
    assert bench.people.all()["E2"].consent_at == bench.clock().astimezone(bench.config.zone).date().isoformat()


def test_what_cannot_be_read_is_said_and_what_was_begun_goes_on(
    bench: Workbench, monkeypatch: pytest.MonkeyPatch, samples: Path
) -> None:
    page = to_files(opened(bench, monkeypatch, "security"))
    page.file_uploader[0].set_value([("staff.zip", b"no archive", "application/zip")])
    page.run()
    assert "is not a ZIP archive" in page.warning[0].value
    assert (state(page).stage, len(state(page).batch)) == ("files", 0)
    give(page, {"E1/a.jpg": photos(samples, "madonna", 1)[0].read_bytes()})
    # the role is taken away while people are stored: nobody else is
    bench.accounts.change("security", role="viewer")
    press(page, "Enrol 1 person")
    assert not page.exception
    assert len(bench.gallery.current()) == 0


def test_who_may_not_enrol_sees_nothing_of_it(bench: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    page = opened(bench, monkeypatch, "viewer")
    assert not page.exception
    assert not page.button
    assert "role (viewer) does not allow" in texts(page)


def test_the_page_speaks_german(bench: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    page = open_page("registration", bench.workspace, monkeypatch, "hr", language="de", query={"many": "1"})
    assert "Weiter" in labels(page)
    assert "Rechtsgrundlage" in texts(page) or "Grundlage" in texts(page)


def test_two_who_enrol_the_same_archive_make_one_person_and_what_was_begun_goes_on(
    bench: Workbench, monkeypatch: pytest.MonkeyPatch, samples: Path
) -> None:
    madonna, elton = (photos(samples, who, 1)[0].read_bytes() for who in ("madonna", "elton_john"))
    bench.people.put(Person("E3", "Away <i>", active=False))
    files = {"E1/a.jpg": madonna, "E2/a.jpg": elton, "E3/a.txt": b"-"}
    one, two = (give(to_files(opened(bench, monkeypatch)), files) for _ in range(2))
    # an interruption: of two people, one was stored before the page ran again
    state(one).to_enrol, state(one).of = ["E2"], 2
    first = next(each for each in state(one).batch.plan() if each.folder.employee_id == "E1")
    state(one).batch.enrol(first, basis="2026-11-01", author="hr")
    one.run()
    assert set(bench.gallery.current().people) == {"E1", "E2"}
    assert "inactive, so cameras do not recognise" in texts(two)
    two.run()
    assert "These photos are enrolled already." in texts(two)
    assert [label for label in labels(two) if label.startswith("Enrol ")] == ["Enrol 0 people"]
    assert len(bench.gallery.current().of("E1")[0]) == 1
