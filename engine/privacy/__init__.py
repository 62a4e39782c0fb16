"""What people may ask for and what the law asks for: disclosure, erasure, retention, and hiding faces in pictures.

Not here: the logs and stores that it reads and clears, each of which has a room of its own.
"""

from engine.privacy.desk import PrivacyDesk
from engine.privacy.erasure import Prospect
from engine.privacy.retention import Expired

__all__ = [
    "Expired",
    "PrivacyDesk",
    "Prospect",
]
