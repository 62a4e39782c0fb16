"""The search by photo among many faces: `python tests/load/face_search.py PHOTOS [PEOPLE] [FACES]`, from the project's folder.

PHOTOS has a folder per person with photos of them. All photos of so many people (250) but the last of each become sightings, among other
faces up to so many (100,000), which are mixed from real ones and noise. The last photos are searched for. Printed: how often the right
person came first, seconds per search, seconds of the first one, and what the faces take in memory and on disk.
"""

from __future__ import annotations

import resource
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engine.face_reader import subject
from engine.gallery import SeenFace
from engine.imaging import list_images, read_image
from engine.records import Wanted
from engine.workbench import Workbench

NOON = datetime(2026, 11, 30, 12, tzinfo=UTC)
DAYS, PHOTOS_EACH = 30, 4
Floats = NDArray[np.float32]


def unit(rows: Floats) -> Floats:
    return np.asarray(rows / np.linalg.norm(rows, axis=-1, keepdims=True), np.float32)


def embedded(bench: Workbench, root: Path, people: int) -> dict[str, list[Floats]]:
    """Embeddings of people with at least three photos."""
    found: dict[str, list[Floats]] = {}
    for folder in sorted(path for path in root.iterdir() if path.is_dir()):
        photos = list_images(folder)[:PHOTOS_EACH]
        if len(photos) < 3 or len(found) == people:
            continue
        rows = []
        for path in photos:
            image = read_image(path)
            faces = bench.reader.photo(image)
            chosen = subject(faces, (image.shape[1], image.shape[0]))
            if chosen is not None and faces.embeddings is not None:
                rows.append(faces.embeddings[chosen])
        if len(rows) > 1:
            found[folder.name] = rows
    return found


def crowd(known: Floats, count: int) -> Iterator[Floats]:
    """Other faces: what all have in common, a bit of somebody, and noise."""
    rng, common = np.random.default_rng(1), known.mean(0)
    for _ in range(count):
        noise = unit(rng.normal(size=(known.shape[1],)).astype(np.float32))
        yield unit(0.35 * known[rng.integers(len(known))] + 0.65 * noise + 0.5 * common)


def main(root: Path, people: int = 250, total: int = 100_000) -> None:
    with tempfile.TemporaryDirectory() as folder:
        bench = Workbench(Path(folder))
        faces = embedded(bench, root, people)
        sightings = [(name, row) for name, rows in faces.items() for row in rows[:-1]]
        others = crowd(np.array([row for _, row in sightings]), total - len(sightings))
        sightings += [("", row) for row in others]
        order = np.random.default_rng(2).permutation(len(sightings))
        for number, place in enumerate(order.tolist()):
            name, row = sightings[place]
            seen = NOON - timedelta(days=number % DAYS, seconds=number // DAYS)
            state, unknown = ("known", "") if name else ("unknown", f"unknown-{number % 500}")
            bench.records.seen.record(SeenFace(f"run-{number}", "door", seen, seen, state, name, unknown), row)
        disk = sum(path.stat().st_size for path in bench.records.seen.files()) / 1e6
        reading = Workbench(Path(folder))
        probes = {name: rows[-1] for name, rows in faces.items()}
        before, began = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.perf_counter()
        reading.face_search.search(next(iter(probes.values())), Wanted(), author="load")
        first, memory = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
        right, spans = 0, []
        for name, row in probes.items():
            began = time.perf_counter()
            answer = reading.face_search.search(row, Wanted(at_least=-1), author="load")
            spans.append(time.perf_counter() - began)
            right += answer.seen[0].key == name
    share = right / len(probes)
    print(f"{len(probes)} people, {total} faces: the right one first {share:.1%}")
    print(f"a search {np.median(spans):.3f} s (95% {np.quantile(spans, 0.95):.3f} s), the first {first:.1f} s")
    print(f"{memory / 1024:.0f} MB of memory, {disk:.0f} MB of disk")


if __name__ == "__main__":
    main(Path(sys.argv[1]), *map(int, sys.argv[2:4]))
