"""The page of the search by photo: what it says before anything can be found, and that links show nobody a picture they may not see."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from fakes import T0
from pages import bench_of, open_page, texts
from paperwork import picture

from engine.face_reader import FaceReader
from engine.gallery import SeenFace
from engine.imaging import read_image, write_jpeg
from engine.types import Event, EventKind


def test_it_says_why_nothing_can_be_found_yet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bench_of(tmp_path, monkeypatch)
    page = open_page("search", tmp_path, monkeypatch, "security")
    assert "No faces yet" in texts(page)
    assert "Whom are you looking for?" in texts(page)
    (tmp_path / "muster.toml").write_text("[retention]\nfaces = 0\n")
    page = open_page("search", tmp_path, monkeypatch, "security")
    assert "No faces are kept" in texts(page)


@pytest.mark.models
def test_the_pictures_of_before_are_read_when_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, samples: Path, reader: FaceReader
) -> None:
    bench = bench_of(tmp_path, monkeypatch)
    bench.__dict__["reader"] = reader
    now = bench.clock()
    image = read_image(samples / "val" / "mindy_kaling" / "01.jpg")
    bench.incidents.record(Event(EventKind.UNKNOWN, now, "door", unknown_ids=("unknown-1",)), {"image": image})
    old = Event(EventKind.UNKNOWN, now - timedelta(days=40), "door", unknown_ids=("unknown-2",))
    bench.incidents.record(old, {"image": image})  # its face would not be kept any more
    page = open_page("search", tmp_path, monkeypatch, "security")
    page.button("search-earlier").click().run()
    assert "1 picture of an earlier punch or stranger is not searched yet." in texts(page)
    assert "about 1 minute" in texts(page)
    assert not bench.records.seen.days()  # nothing is read before the user says so
    page.button("search-earlier").click()
    page.button("search-read").click().run()
    assert not page.exception
    assert len(bench.records.seen.days()) == 1
    noted = [(row.author, row.detail) for row in bench.audit.read() if row.action == "read_pictures"]
    assert noted == [("security", "1 faces for the search by photo")]
    page = open_page("search", tmp_path, monkeypatch, "security")
    assert "No faces yet" not in texts(page)
    page.button("search-earlier").click().run()
    assert "All pictures that are kept are searched already." in texts(page)


def test_a_link_to_a_picture_is_refused_to_whom_it_is_not_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench = bench_of(tmp_path, monkeypatch)
    seen = SeenFace("run-1", "door", T0, T0, "known", "E1")
    bench.records.seen.record(seen, bench.gallery.current().embeddings.sum(0) + 0.01)
    write_jpeg(tmp_path / "images" / "evidence" / "x.jpg", picture())
    for place in ("images/evidence/x.jpg", "images/evidence/gone.jpg", "../secret.jpg", "muster.toml"):
        page = open_page("search", tmp_path, monkeypatch, "security", query={"picture": place})
        assert not page.exception
        assert "This picture is no longer kept." in texts(page), place
