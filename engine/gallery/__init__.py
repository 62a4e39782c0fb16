"""Who is enrolled: templates per person, 1:N search, safe on disk.

Not here: how photos become templates (`engine.enrolment`), names (`engine.people`).
"""

from engine.gallery.store import GalleryFile, GalleryKeep, GalleryStore
from engine.gallery.templates import Gallery, Template, coherence, deny, fuse

__all__ = ["Gallery", "GalleryFile", "GalleryKeep", "GalleryStore", "Template", "coherence", "deny", "fuse"]
