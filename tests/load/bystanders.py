"""People who are not enrolled pass a door: `python tests/load/bystanders.py PHOTOS [PEOPLE] [KEEP]`, from the project's folder.

PHOTOS has a folder per person with photos of them, such as LFW. So many people (20) pass, one after the other, then in pairs, while a
workspace keeps `nothing` of strangers, or another KEEP. Printed: how many tracks were decided, and every file that was added or changed.
"""

from __future__ import annotations

import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "support"))

from bystanders import passing
from traces import contents, left_behind

from engine.imaging import crop_around, list_images, read_image
from engine.types import TrackState
from engine.workbench import Workbench

START = datetime(2026, 11, 30, 8, tzinfo=UTC)


def main() -> None:
    photos, people = Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 20
    keep = sys.argv[3] if len(sys.argv) > 3 else "nothing"
    with tempfile.TemporaryDirectory() as folder:
        workspace = Path(folder)
        (workspace / "muster.toml").write_text(f'[strangers]\nkeep = "{keep}"\n')
        bench = Workbench(workspace, clock=lambda: START)
        folders = sorted(path for path in photos.iterdir() if path.is_dir())
        own = next(each for each in reversed(folders) if len(list_images(each)) >= 4)
        bench.registrar.enrol_photos("E1", "Enrolled", list_images(own)[:4])
        faces = []
        for each in folders[:: max(1, len(folders) // (people + 1))][:people]:
            photo = read_image(list_images(each)[0])
            found = bench.reader.detector.detect_photo(photo)
            if len(found):
                faces.append(crop_around(photo, found.boxes[found.areas.argmax()], grow=0.5))
        before = contents(workspace)
        pipeline = bench.pipeline("door")
        states: dict[int, TrackState] = {}
        groups = [[face] for face in faces] + [list(pair) for pair in zip(faces[::2], faces[1::2], strict=False)]
        for frame in passing(groups, START):
            for track in pipeline.process(frame).tracks:
                states[track.track_id] = track.identity.state
        pipeline.finish()
        counts = {state.value: list(states.values()).count(state) for state in TrackState}
        print(f"{len(faces)} people in {len(groups)} passages: {len(states)} tracks, {counts}")
        left = left_behind(before, contents(workspace))
        print("\n".join(left) if left else "nothing was left but counters")


if __name__ == "__main__":
    main()
