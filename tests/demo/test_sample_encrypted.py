"""A workspace of a real run over real faces, read byte by byte as a thief would who has no keys."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from unsealed import content_of

from engine.imaging import read_image
from engine.storage.vault import is_sealed
from engine.workbench import Workbench

pytestmark = pytest.mark.models

MAGIC = re.compile(rb"\xff\xd8\xff(?:\xe0..JFIF|\xe1..Exif)|\x89PNG\r\n\x1a\n|WEBPVP8|ftypisom|ftypmp4", re.DOTALL)
"""How pictures and films begin: long enough that no megabyte of encrypted bytes has it by chance."""
NAMED = {"people.csv", "attendance"}
"""Where names lie: the list that HR keeps, and the day sheets made with it."""


def _files(workspace: Path) -> Iterator[Path]:
    """All files but the video that stands for the camera."""
    for path in sorted(workspace.rglob("*")):
        if path.is_file() and path.relative_to(workspace).parts[0] != "demo":
            yield path


def _written(row: np.ndarray) -> Iterator[bytes]:
    """How an embedding may lie in a file: 32 and 16 bits, and the base64 of each at every offset."""
    for kind in ("<f4", "<f2"):
        content = row.astype(kind).tobytes()
        yield content
        for offset in range(3):  # the first and last signs depend on what stands around
            yield base64.b64encode(b"\0" * offset + content)[4:-4]


@pytest.fixture(scope="module")
def bench(sample_workspace: Path) -> Workbench:
    """It has enrolled people, punches, strangers and tailgaters."""
    bench = Workbench(sample_workspace)
    assert len(bench.gallery.current()) == 4
    assert bench.strangers.current().templates
    assert {path.parent.name for path in bench.records.pictures()} >= {"enrolment", "evidence", "unknown", "tailgating"}
    return bench


def test_no_embedding_and_no_picture_is_found(bench: Workbench) -> None:
    rows = np.concatenate([store.current().embeddings for store in (bench.gallery, bench.strangers, bench.anchors)])
    wanted = [each for row in rows for each in _written(row)]
    assert len(rows) >= 20
    for path in _files(bench.workspace):
        content = path.read_bytes()
        assert not any(each in content for each in wanted), path
        assert not MAGIC.search(content), path
        assert path.suffix not in {".jpg", ".mp4"} or is_sealed(content), path


def test_the_scan_would_find_them(bench: Workbench) -> None:
    """With the keys it does."""
    row, picture = bench.gallery.current().embeddings[0], next(iter(bench.records.pictures()))
    content = content_of(bench.workspace / "gallery" / "people.safetensors")
    assert any(each in content for each in _written(row))
    assert MAGIC.match(content_of(picture))
    assert read_image(picture).ndim == 3
    assert MAGIC.search(content_of(next((bench.workspace / "images").rglob("*.mp4"))))


def test_names_lie_where_the_documentation_says_and_nowhere_else(bench: Workbench) -> None:
    names = [row.name for key, row in bench.people.all().items() if row.name.lower().replace(" ", "_") != key]
    assert len(names) >= 20
    found = {
        path.relative_to(bench.workspace).parts[0]
        for path in _files(bench.workspace)
        if any(name.encode() in path.read_bytes() for name in names)
    }
    assert found <= NAMED
