"""Passages near the threshold, for whoever is asked about them."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from engine.attendance import Sighting
from engine.imaging import crop_around, encode_jpeg, read_image
from engine.types import Identity, TrackState
from engine.workbench import Workbench

__all__ = ["near_line"]

_PEOPLE = (("E7", "mindy_kaling"), ("E8", "ben_afflek"))


def near_line(bench: Workbench, samples: Path, people: int = 1) -> None:
    """Enrol Mindy, and Ben if two are asked for, and record three passages of each near the threshold: two recognised, one not quite."""
    for employee_id, folder in _PEOPLE[:people]:
        photos = sorted((samples / "train" / folder).glob("*.jpg"))[:3]
        bench.registrar.enrol_photos(employee_id, folder.replace("_", " ").title(), photos, author="hr")
    now = datetime.now(UTC)
    for employee_id, folder in _PEOPLE[:people]:
        _pass(bench, employee_id, sorted((samples / "val" / folder).glob("*.jpg")), now)


def _pass(bench: Workbench, employee_id: str, photos: list[Path], now: datetime) -> None:
    threshold, model = bench.calibration.threshold(), bench.gallery.current().model_id
    for number, off in enumerate((0.01, 0.02, -0.03)):
        image = read_image(photos[number])
        box = bench.reader.photo(image).detections.boxes[0]
        kind = "evidence" if off > 0 else "unidentified"
        name = f"images/{kind}/{now:%Y%m%dT%H%M%S}-{employee_id}{number:06}.jpg"
        crop = encode_jpeg(crop_around(image, box, grow=0.4))
        bench.records.vault.write(bench.workspace / name, crop, f"evidence:{now:%Y-%m}:{employee_id}")
        state = TrackState.KNOWN if off > 0 else TrackState.UNKNOWN
        identity = Identity(state, employee_id, 4, 5, threshold + off, "", None, None, threshold)
        track, time = f"run-{employee_id}-{number}", now.replace(microsecond=number)
        sighting = Sighting(employee_id, time, f"door-{number}", track, identity, model, 1, certain=off > 0)
        bench.attendance.record(sighting, bench.people.known(), name)
