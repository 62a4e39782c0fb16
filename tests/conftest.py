"""Fixtures: the real models and sample photos, opened once per run."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest
from postgres import Server, running

from engine.analysis import FaceReader
from engine.demo.sample import prepare_sample, seed_sample
from engine.models import ModelStore, fetch_samples, no_progress
from engine.workbench import Workbench

# The suite tries the same examples on every machine; `--hypothesis-profile=search` looks for new ones.
hypothesis.settings.register_profile("suite", derandomize=True)
hypothesis.settings.register_profile("search", derandomize=False, max_examples=1000)
hypothesis.settings.load_profile("suite")


@pytest.fixture(scope="session")
def store() -> ModelStore:
    """The user's model cache; what is missing is fetched."""
    return ModelStore("onnx")


@pytest.fixture(scope="session")
def samples() -> Path:
    """The sample photos, `{train,val}/<person>/<nn>.jpg`."""
    return fetch_samples()


@pytest.fixture(scope="session")
def sample_photos(samples: Path) -> list[Path]:
    """All 118 sample photos."""
    photos = sorted(samples.glob("*/*/*.jpg"))
    assert len(photos) == 118
    return photos


@pytest.fixture(scope="session")
def reader(tmp_path_factory: pytest.TempPathFactory) -> FaceReader:
    """Detector and embedder as the product opens them."""
    return Workbench(tmp_path_factory.mktemp("empty")).reader


@pytest.fixture(scope="session")
def sample_workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sample workspace as `muster app --sample` makes it, where an earlier try was killed. Copy it before changing anything."""
    place = tmp_path_factory.mktemp("seeded") / "data"
    left = place.with_name(".data.making")
    prepare_sample(left)
    (left / "people.csv").write_text("half a ")
    place.mkdir()
    assert seed_sample(place, no_progress)
    return place


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests see no `MUSTER_*` settings of the machine they run on, but for the model cache."""
    import os

    for name in list(os.environ):
        if name.startswith("MUSTER_") and name != "MUSTER_CACHE":
            monkeypatch.delenv(name)


@pytest.fixture(scope="session")
def postgres() -> Iterator[Server]:
    """A PostgreSQL server of the tests' own."""
    with running() as server:
        yield server


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files with long tests first, so that no worker is left alone with them at the end."""
    long = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in long)
