"""The incident log, append-only, and the pictures that belong to it."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from datetime import date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from engine.images import encode_jpeg
from engine.storage import DayLog, atomic_write, new_id
from engine.types import Event, EventKind

__all__ = ["INCIDENT_COLUMNS", "IncidentBook"]

INCIDENT_COLUMNS = (
    "incident_id", "timestamp", "kind", "camera", "employee_ids", "unknown_ids", "image", "clean_image", "before_image",
    "after_image", "classification", "people", "ended", "similarity", "threshold", "model", "gallery_version", "state",
    "detail", "refers_to", "author",
)  # fmt: skip


class IncidentBook:
    """Writes incidents: pictures first, then the row, so that a row never names a picture that is not there.

    Args:
        workspace: folder that holds `log/` and `images/`.
        zone: the workplace's time zone.
    """

    def __init__(self, workspace: Path, zone: ZoneInfo) -> None:
        self.log = DayLog(workspace / "log", "incidents", INCIDENT_COLUMNS)
        self._workspace = workspace
        self._zone = zone

    def day_of(self, time: datetime) -> date:
        """The workplace day that a moment belongs to."""
        return time.astimezone(self._zone).date()

    def record(
        self,
        event: Event,
        pictures: Mapping[str, NDArray[np.uint8]],
        *,
        model: str = "",
        gallery_version: int = 0,
    ) -> dict[str, object]:
        """Write an incident down.

        Args:
            event: of kind unknown, tailgating, camera_lost or camera_back.
            pictures: RGB pictures by column (`image`, `clean_image`, `before_image`, `after_image`).
            model, gallery_version: what decided.

        Returns:
            The row that was written durably.

        Raises:
            StorageError: it could not be written; no picture is left behind.
        """
        incident_id = new_id(event.time.astimezone(self._zone))
        identity = event.identity
        row: dict[str, object] = {
            "incident_id": incident_id,
            "timestamp": self._stamp(event.time),
            "kind": event.kind.value,
            "camera": event.camera,
            "employee_ids": ";".join(event.employee_ids),
            "unknown_ids": ";".join(event.unknown_ids),
            "classification": event.classification.value if event.classification else "",
            "people": event.people or "",
            "ended": self._stamp(event.until) if event.until else "",
            "similarity": round(identity.similarity, 4) if identity and identity.similarity is not None else None,
            "threshold": round(identity.threshold, 4) if identity and identity.threshold is not None else None,
            "model": model,
            "gallery_version": gallery_version or "",
            "state": "open" if event.kind in {EventKind.UNKNOWN, EventKind.TAILGATING} else "",
            "detail": event.detail,
            "author": "engine",
        }
        written: list[Path] = []
        try:
            for column, picture in pictures.items():
                suffix = column.removesuffix("_image").replace("image", "annotated")
                name = (
                    f"{incident_id}.jpg"
                    if event.kind is EventKind.UNKNOWN and column == "image"
                    else f"{incident_id}-{suffix}.jpg"
                )
                path = self._workspace / "images" / event.kind.value / name
                atomic_write(path, encode_jpeg(picture))
                written.append(path)
                row[column] = path.relative_to(self._workspace).as_posix()
            with self.log.exclusive():
                self.log.append(self.day_of(event.time), [row])
        except BaseException:
            for path in written:
                with contextlib.suppress(OSError):
                    path.unlink()
            raise
        return row

    def _stamp(self, time: datetime) -> str:
        return time.astimezone(self._zone).isoformat(timespec="milliseconds")
