"""What pipelines work with."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Protocol

from engine.analysis import FaceReader
from engine.attendance import AttendanceBook
from engine.gallery import Gallery, GalleryStore
from engine.incidents import IncidentBook

__all__ = ["Services", "Threshold"]


class Threshold(Protocol):
    """The threshold in force for a gallery."""

    def __call__(self, gallery: Gallery) -> float: ...


@dataclass(frozen=True)
class Services:
    """What a pipeline works with; one set may serve the pipelines of several cameras.

    Attributes:
        reader: networks.
        gallery, strangers: enrolled people, and people seen but not enrolled.
        attendance, incidents: the books.
        people: name and department by id.
        threshold: for a gallery.
        swap_similarity: below this two faces of one track are taken for two people.
        inactive: ids of people who are enrolled but no longer recognised.
    """

    reader: FaceReader
    gallery: GalleryStore
    strangers: GalleryStore
    attendance: AttendanceBook
    incidents: IncidentBook
    people: Callable[[], Mapping[str, Mapping[str, str]]]
    threshold: Threshold
    swap_similarity: float
    inactive: Callable[[], Collection[str]] = frozenset
