"""What people may ask for and what the law asks for: disclosure, erasure, retention, and hiding faces in pictures.

Not here: the logs and stores that it reads and clears, each of which has a room of its own.
"""

from engine.privacy.disclosure import export_subject
from engine.privacy.erasure import Prospect, foresee, forget
from engine.privacy.retention import Expired, purge

__all__ = [
    "Expired",
    "Prospect",
    "export_subject",
    "foresee",
    "forget",
    "purge",
]
