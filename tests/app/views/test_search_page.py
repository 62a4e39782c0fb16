"""The page of the search by photo: what it says before anything can be found, and that links show nobody a picture they may not see."""

from __future__ import annotations

from pathlib import Path

import pytest
from fakes import T0
from pages import bench_of, open_page, texts
from paperwork import picture

from engine.gallery import SeenFace
from engine.imaging import write_jpeg


def test_it_says_why_nothing_can_be_found_yet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bench_of(tmp_path, monkeypatch)
    page = open_page("search", tmp_path, monkeypatch, "security")
    assert "No faces yet" in texts(page)
    assert "Whom are you looking for?" in texts(page)
    (tmp_path / "muster.toml").write_text("[retention]\nfaces = 0\n")
    page = open_page("search", tmp_path, monkeypatch, "security")
    assert "No faces are kept" in texts(page)


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
