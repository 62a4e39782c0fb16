"""A process of its own that knows one face and says, whenever that changes, whom it takes it for."""

from __future__ import annotations

import sys
import time
from pathlib import Path

from engine.imaging import read_image
from engine.workbench import Workbench


def main(workspace: Path, photo: Path) -> None:
    """Look for ever."""
    bench = Workbench(workspace)
    faces = bench.reader.photo(read_image(photo))
    assert faces.embeddings is not None
    before: str | None = "nobody yet"
    while True:
        match = bench.services().search(faces.embeddings[:1])[0]
        person = match.candidates[0].person if match.above_threshold else None
        if person != before:
            print(f"{time.time()} {person}", flush=True)
            before = person
        time.sleep(0.005)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
