"""The rights of people over their data: disclosure, erasure, retention, and hiding faces in pictures.

Not here: the logs and stores themselves.
"""

from engine.privacy.desk import PrivacyDesk
from engine.privacy.erasure import Prospect
from engine.privacy.retention import Expired

__all__ = [
    "Expired",
    "PrivacyDesk",
    "Prospect",
]
