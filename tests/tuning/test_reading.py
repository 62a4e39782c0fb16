"""Labelled photos are read once: in batches, kept by their content, deleted when asked for; groups are checked."""

from __future__ import annotations

import stat
from pathlib import Path

import numpy as np
import pytest
from fakes import BACKGROUND, PALETTE, OneWayDetector, PaletteEmbedder, detections, paint, vector
from numpy.testing import assert_allclose
from numpy.typing import NDArray
from PIL import Image

from engine.config import Config, QualityConfig
from engine.errors import InputError
from engine.face_reader import FaceReader
from engine.models import no_progress
from engine.tuning import KeptEmbeddings, recipe_of
from engine.tuning.grouping import assess_groups, read_groups
from engine.tuning.reading import read_labelled
from engine.types import Detections


class PaintedFaces(OneWayDetector):
    """Finds the one painted face of a picture: all that is not background."""

    def detect(self, image: NDArray[np.uint8], min_face_px: int | None = None) -> Detections:
        """See `Detector`."""
        del min_face_px
        ys, xs = np.nonzero((np.abs(image.astype(int) - BACKGROUND) > 40).any(2))
        return detections([[xs.min(), ys.min(), xs.max() + 1, ys.max() + 1, 0.9999]] if len(xs) else [])


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("MUSTER_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def photos(tmp_path: Path) -> list[tuple[Path, str]]:
    """Fourteen photos of each of five people, one without a face, one that is no picture."""
    folder = tmp_path / "photos"
    made = []
    for name in PALETTE:
        (folder / name).mkdir(parents=True)
        for number in range(14):
            canvas = np.full((200, 200, 3), BACKGROUND, np.uint8)
            paint(canvas, [40 + number, 40, 140 + number, 140], name)
            Image.fromarray(canvas).save(folder / name / f"{number:02}.png")
            made.append((folder / name / f"{number:02}.png", name))
    Image.fromarray(np.full((200, 200, 3), BACKGROUND, np.uint8)).save(folder / "ann" / "nobody.png")
    (folder / "ann" / "text.png").write_text("no picture", encoding="utf-8")
    return [*made, (folder / "ann" / "nobody.png", "ann"), (folder / "ann" / "text.png", "ann")]


def reader_of(embedder: PaletteEmbedder) -> FaceReader:
    return FaceReader(PaintedFaces(), embedder, QualityConfig())


def test_photos_are_embedded_in_batches_in_their_order(photos: list[tuple[Path, str]]) -> None:
    embedder, told = PaletteEmbedder(), []
    found = read_labelled(reader_of(embedder), photos, lambda *row: told.append(row))
    assert found.people == tuple(sorted(PALETTE))
    assert [found.people[owner] for owner in found.owners] == [person for _, person in photos[:70]]
    assert_allclose(found.embeddings, np.stack([vector(person) for _, person in photos[:70]]), atol=1e-6)
    assert (embedder.faces, embedder.calls) == (70, 3)
    assert {Path(path).name: "no face" in reason for path, reason in found.failures.items()} == {
        "nobody.png": True,
        "text.png": False,
    }
    assert told[0] == ("reading photos", 0, 72)
    assert told[-1] == ("reading photos", 72, 72)
    assert (found.weights > 0).all()


def test_a_second_reading_embeds_nothing_and_a_changed_photo_alone(photos: list[tuple[Path, str]], cache: Path) -> None:
    place, first, second = photos[0][0].parents[1], PaletteEmbedder(), PaletteEmbedder()
    kept = KeptEmbeddings(place, "m-1")
    before = read_labelled(reader_of(first), photos, no_progress, kept)
    assert cache in kept.folder.parents
    (file,) = kept.folder.iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600, "faces are personal data"
    again = KeptEmbeddings(place, "m-1")
    again.load()
    after = read_labelled(reader_of(second), photos, no_progress, again)
    assert second.calls == 0
    assert_allclose(after.embeddings, before.embeddings)
    assert (after.weights.tolist(), after.paths, after.failures) == (
        before.weights.tolist(),
        before.paths,
        before.failures,
    )
    photos[0][0].write_bytes(photos[20][0].read_bytes())
    changed = read_labelled(reader_of(second), photos, no_progress, again)
    assert second.calls == 0, "its content is known"
    assert_allclose(changed.embeddings[0], vector("bob"), atol=1e-6)
    assert len(again.rows) == 71, "the photo that was replaced left nothing behind"
    other = KeptEmbeddings(place, "m-2")
    other.load()
    assert other.rows == {}
    read_labelled(reader_of(second), photos[:2], no_progress, other)
    assert [file.stem for file in kept.folder.iterdir()] == ["m-2"], "one recipe of a model"
    again.delete()
    assert not kept.folder.exists()
    again.delete()


def test_a_damaged_cache_is_as_good_as_none(photos: list[tuple[Path, str]]) -> None:
    kept = KeptEmbeddings(photos[0][0].parents[1], "r")
    read_labelled(reader_of(PaletteEmbedder()), photos[:3], no_progress, kept)
    (file,) = kept.folder.iterdir()
    file.write_bytes(file.read_bytes()[:-200])
    again, embedder = KeptEmbeddings(photos[0][0].parents[1], "r"), PaletteEmbedder()
    again.load()
    assert read_labelled(reader_of(embedder), photos[:3], no_progress, again).owners.tolist() == [0, 0, 0]
    assert embedder.faces == 3


def test_another_setting_is_another_recipe() -> None:
    usual, other = Config(), Config(quality=QualityConfig(min_size_px=50))
    names = {
        recipe_of("m", "a", usual),
        recipe_of("m", "a", other),
        recipe_of("m", "b", usual),
        recipe_of("n", "a", usual),
    }
    assert len(names) == 4
    assert recipe_of("m", "a", Config()) in names


# ----------------------------------------------------------------------------------------- groups


def table(folder: Path, text: str) -> Path:
    (folder / "groups.csv").write_text(text, encoding="utf-8")
    return folder / "groups.csv"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("person,sex\nann,f\n", "lacks the column group"),
        ("name\nann\n", "lacks the column person and group"),
        ("person,group\nzoe,f\nann,f\n", "no photos of zoe"),
        ("person,group\nann,f\nann,m\n", "line 3: ann is in f and in m"),
        ("person,group\n", "gives nobody a group"),
        ("person,group\na,f\nb,f\nc,f\nd,f\ne,f\n", "a, b, c and 2 more"),
    ],
)
def test_tables_of_groups_that_cannot_be_used(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(InputError, match=words):
        read_groups(table(tmp_path, text), ["ann", "bob"])


def test_a_missing_table_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"none\.csv"):
        read_groups(tmp_path / "none.csv", ["ann"])


def test_groups_of_some_people(photos: list[tuple[Path, str]], tmp_path: Path) -> None:
    """All five share a little (similarity .2): below that threshold everybody is taken for everybody."""
    groups = read_groups(table(tmp_path, "person,group\nann,f\nbob,m\n cem , m \n"), list(PALETTE))
    assert groups == {"ann": "f", "bob": "m", "cem": "m"}
    found = read_labelled(reader_of(PaletteEmbedder()), photos, no_progress)
    strict, lax = (assess_groups(found, groups, threshold) for threshold in (0.5, 0.1))
    assert (strict["labelled"], strict["left_out"]) == (3, 2)
    assert [row["group"] for row in strict["groups"]] == ["f", "m"]
    assert [row["people"] for row in strict["groups"]] == [1, 2]
    assert strict["groups"][0]["fmr"] is None, "a group of one has no impostors"
    assert strict["groups"][1]["fmr"]["value"] == 0
    assert strict["across"][0]["groups"] == ["f", "m"]
    assert (strict["across"][0]["fmr"]["value"], lax["across"][0]["fmr"]["value"]) == (0, 1)
    assert lax["groups"][1]["fmr"]["value"] == 1
    assert lax["worst"] == {"fmr": "m", "fnmr": "m"}
    assert lax["mean"] == {"fmr": 1, "fnmr": 0}
