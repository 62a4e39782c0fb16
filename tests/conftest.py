"""Fixtures: the real models and sample photos, opened once per run."""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest
from argon2.profiles import CHEAPEST
from filelock import FileLock
from postgres import Server, running
from sites import Place

from engine.demo.sample import prepare_sample, seed_sample
from engine.face_reader import FaceReader
from engine.models import ModelStore, fetch_samples, no_progress
from engine.workbench import Workbench

_WORKER = os.environ.get("PYTEST_XDIST_WORKER", "")
if _WORKER and hasattr(os, "sched_setaffinity"):
    # a core for each worker and what it starts: networks of two of them with two threads each would wait for one another
    _cores = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, {_cores[int(_WORKER.removeprefix("gw")) % len(_cores)]})
# commands that tests start would otherwise compile the whole engine each time
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

# The suite tries the same examples on every machine; `--hypothesis-profile=search` looks for new ones.
hypothesis.settings.register_profile("suite", derandomize=True)
hypothesis.settings.register_profile("search", derandomize=False, max_examples=1000)
hypothesis.settings.load_profile("suite")


def pytest_collection_finish() -> None:
    """Streamlit collects garbage after every run of a page: what all tests have loaded need not be walked through each time."""
    gc.collect()
    gc.freeze()


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
    base = tmp_path_factory.getbasetemp()
    place = (base.parent if _WORKER else base) / "seeded" / "data"  # one for all workers
    with FileLock(place.parent.with_suffix(".lock")):
        if not place.exists():
            left = place.with_name(".data.making")
            prepare_sample(left)
            (left / "people.csv").write_text("half a ")
            place.mkdir()
            assert seed_sample(place, no_progress)
    return place


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests see no `MUSTER_*` settings of the machine they run on, but for the model cache and seal keys of the tests' own."""
    for name in list(os.environ):
        if name.startswith("MUSTER_") and name not in {"MUSTER_CACHE", "MUSTER_KEYS"}:
            monkeypatch.delenv(name)


@pytest.fixture(scope="session", autouse=True)
def _seal_keys(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Seal keys of the tests lie in a folder of theirs; one for all workers, because they share workspaces."""
    base = tmp_path_factory.getbasetemp()
    os.environ["MUSTER_KEYS"] = str((base.parent if _WORKER else base) / "keys")


@pytest.fixture(autouse=True)
def _quick_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hashes of passwords cost what a guess is to cost, a hundred times in some tests: here they cost nothing."""
    monkeypatch.setattr("engine.access.credentials.STRENGTH", CHEAPEST)


@pytest.fixture(scope="session")
def postgres() -> Iterator[Server]:
    """A PostgreSQL server of the tests' own."""
    with running() as server:
        yield server


@pytest.fixture
def place(postgres: Server, tmp_path: Path) -> Iterator[Place]:
    """A database with tables, and workspaces that are kept in it."""
    place = Place(postgres, tmp_path)
    yield place
    place.close()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files with long tests first, so that no worker is left alone with them at the end."""
    long = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in long)
