"""A photo in the wrong folder is found, set aside with its picture, and can be put back; twins and poor photos stay."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from command import muster
from pages import bench_of, open_page, texts

from engine.enrolment import doubts
from engine.errors import InputError
from engine.face_reader import FaceReader
from engine.gallery import Gallery, Template
from engine.storage.vault import Owner
from engine.workbench import Workbench

PEOPLE = {"E7": "mindy_kaling", "E8": "ben_afflek", "E9": "elton_john"}


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reader: FaceReader, samples: Path) -> Workbench:
    """Three people with three photos each."""
    bench = bench_of(tmp_path, monkeypatch)
    bench.__dict__["reader"] = reader
    for employee_id, folder in PEOPLE.items():
        bench.registrar.enrol_photos(
            employee_id, folder.title(), sorted((samples / "train" / folder).glob("*.jpg"))[:3]
        )
    return bench


def slipped_in(bench: Workbench, photo: Path, owner: str) -> str:
    """A template of somebody else under this id, as an import by an older program could leave it."""
    (shot,), _ = bench.registrar.examine([(photo.name, photo)])
    made = Template(f"20250101T000000-{owner}", owner, shot.quality.score)
    bench.records.vault.write(bench.registrar.picture(made.template_id), shot.jpeg, Owner.person(owner))
    bench.gallery.update(lambda gallery: gallery.add([made], shot.embedding[None]))
    return made.template_id


@pytest.mark.models
def test_good_templates_are_not_doubted(place: Workbench) -> None:
    before = place.gallery.current().templates
    assert len(before) >= 6
    assert place.hygiene.doubts() == []
    assert place.hygiene.check() == []
    assert place.gallery.current().templates == before


@pytest.mark.models
def test_somebody_elses_picture_is_set_aside_and_put_back(place: Workbench, samples: Path) -> None:
    other = sorted((samples / "val" / "ben_afflek").glob("*.jpg"))[0]
    wrong = slipped_in(place, other, "E7")
    before = place.gallery.current().of("E7")[1]
    (found,) = place.hygiene.check()
    assert (found.template_id, found.employee_id, found.kind, found.other) == (wrong, "E7", "wrong", "E8")
    assert found.rival > (found.own or 0.0)
    assert wrong not in place.gallery.current().template_ids
    (aside,) = place.hygiene.aside()
    assert (aside.template_id, aside.employee_id, aside.author) == (wrong, "E7", "muster")
    assert aside.found == ("wrong", pytest.approx(found.own, abs=0.005), "E8", pytest.approx(found.rival, abs=0.005))
    assert place.registrar.picture(wrong).is_file()
    place.hygiene.put_back(wrong, author="hr")
    assert place.hygiene.aside() == []
    again = place.gallery.current().of("E7")[1]
    # made from the kept picture, which is a crop: as good as the same
    assert float((again[-1] * before[-1]).sum()) > 0.95
    assert [row.action for row in place.records.audit.read()][-2:] == ["set_template_aside", "put_template_back"]


@pytest.mark.models
def test_an_enrolment_sets_aside_what_it_shows_to_be_wrong(place: Workbench, samples: Path) -> None:
    """Mindy had a picture of a man whom nobody knew; now he is enrolled."""
    shots = sorted((samples / "train" / "jerry_seinfeld").glob("*.jpg"))
    wrong = slipped_in(place, shots[3], "E7")
    place.gallery.update(
        lambda gallery: gallery.remove_templates([row.template_id for row in gallery.of("E7")[0][1:3]])
    )
    assert place.hygiene.check("E7") == [], "of two templates nobody can tell which is wrong"
    report = place.registrar.enrol_photos("E10", "Jerry", shots[:3], allow_look_alike=True)
    assert [each.startswith("a template of E7: wrong") for each in report.set_aside] == [True]
    assert [each.template_id for each in place.hygiene.aside()] == [wrong]
    assert report.templates == 3


@pytest.mark.models
def test_a_person_keeps_a_template(place: Workbench, samples: Path) -> None:
    wrong = slipped_in(place, sorted((samples / "val" / "ben_afflek").glob("*.jpg"))[0], "E11")
    found = place.hygiene.doubts()
    assert {each.employee_id for each in found} == {"E11", "E8"}, "somebody is enrolled twice"
    assert {each.kind for each in found} == {"close"}
    assert place.hygiene.check() == []
    with pytest.raises(InputError, match="only template"):
        place.hygiene.set_aside(wrong, author="hr", why="looks wrong")


@pytest.mark.models
def test_erasing_a_person_erases_what_is_set_aside(place: Workbench, samples: Path) -> None:
    wrong = slipped_in(place, sorted((samples / "val" / "ben_afflek").glob("*.jpg"))[0], "E7")
    place.hygiene.check()
    assert place.registrar.picture(wrong).is_file()
    place.privacy.forget("E7", author="hr")
    assert not place.registrar.picture(wrong).exists()
    assert place.hygiene.aside() == []


@pytest.mark.models
def test_what_is_set_aside_can_be_erased_alone(place: Workbench, samples: Path) -> None:
    wrong = slipped_in(place, sorted((samples / "val" / "ben_afflek").glob("*.jpg"))[0], "E7")
    place.hygiene.set_aside(wrong, author="hr", why="not her")
    place.hygiene.erase(wrong, author="hr")
    assert not place.registrar.picture(wrong).exists()
    with pytest.raises(InputError, match="is set aside"):
        place.hygiene.put_back(wrong, author="hr")


@pytest.mark.models
def test_the_page_shows_both_faces(
    place: Workbench, samples: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrong = slipped_in(place, sorted((samples / "val" / "ben_afflek").glob("*.jpg"))[0], "E7")
    place.hygiene.check()
    assert "1 picture is set aside:" in texts(open_page("people", tmp_path, monkeypatch, "hr"))
    page = open_page("people", tmp_path, monkeypatch, "hr", query={"person": "E7"})
    told = texts(page)
    assert "It would be named as Ben_Afflek." in told
    assert f"{wrong}.jpg" in told
    page.button(key=f"put-back-{wrong}").click().run()
    assert wrong in place.gallery.current().template_ids
    german = open_page("people", tmp_path, monkeypatch, "security", language="de", query={"person": "E7"})
    assert "Set aside" not in texts(german)


@pytest.mark.models
def test_the_command_checks_lists_and_puts_back(place: Workbench, samples: Path, tmp_path: Path) -> None:
    wrong = slipped_in(place, sorted((samples / "val" / "ben_afflek").glob("*.jpg"))[0], "E7")
    tried = json.loads(muster("people", "check", "--dry-run", "--json", "--workspace", str(tmp_path)).out)
    assert (tried["set_aside"], [each["template_id"] for each in tried["doubts"]]) == ([], [wrong])
    done = json.loads(muster("people", "check", "--json", "--workspace", str(tmp_path)).out)
    assert [each["kind"] for each in done["set_aside"]] == ["wrong"]
    assert done["doubts"] == []
    assert wrong in muster("people", "aside", "--workspace", str(tmp_path)).out
    muster("people", "put-back", wrong, "--author", "hr", "--workspace", str(tmp_path))
    assert wrong in Workbench(tmp_path).gallery.current().template_ids


def unit(*values: float) -> np.ndarray:
    row = np.array([*values, *[0.0] * (8 - len(values))], np.float32)
    return row / np.linalg.norm(row)


def test_twins_are_told_and_stay() -> None:
    """Both are like themselves more than like each other."""
    rows = [unit(1, 0.1), unit(1, 0.12), unit(1, 0.11), unit(1, 0.5), unit(1, 0.52), unit(1, 0.51)]
    owners = ["a"] * 3 + ["b"] * 3
    templates = tuple(Template(f"t{number}", owner, 1.0) for number, owner in enumerate(owners))
    found = doubts(Gallery("m", "a", np.stack(rows), templates), 0.9, 0.2)
    assert {each.kind for each in found} == {"close"}
    assert len(found) == 6
    assert not any(each.sets_aside for each in found)
