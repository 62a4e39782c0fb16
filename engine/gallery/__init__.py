"""Enrolled people: their templates, 1:N search, safe storage; and the faces of all who passed, for the search by photo.

Not here: making templates from photos (`engine.enrolment`) and names (`engine.people`).
"""

from engine.gallery.seen import SeenFace, SeenFaces, SeenHit
from engine.gallery.store import GalleryFile, GalleryKeep, GalleryStore
from engine.gallery.templates import Gallery, Template, coherence, deny, fuse

__all__ = [
    "Gallery",
    "GalleryFile",
    "GalleryKeep",
    "GalleryStore",
    "SeenFace",
    "SeenFaces",
    "SeenHit",
    "Template",
    "coherence",
    "deny",
    "fuse",
]
