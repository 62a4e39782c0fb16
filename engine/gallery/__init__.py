"""Enrolled people: their templates, 1:N search, safe storage.

Not here: making templates from photos (`engine.enrolment`) and names (`engine.people`).
"""

from engine.gallery.store import GalleryFile, GalleryKeep, GalleryStore
from engine.gallery.templates import Gallery, Template, coherence, deny, fuse

__all__ = ["Gallery", "GalleryFile", "GalleryKeep", "GalleryStore", "Template", "coherence", "deny", "fuse"]
