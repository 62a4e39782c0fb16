"""What security handles: the incident log, dossiers of strangers, and messages in `notifications`.

Not here: reviews and what pages list (`engine.records`), and what makes an event an incident (`engine.events`, `engine.pipeline`).
"""

from engine.incidents.dossiers import DECISIONS, Dossier, DossierBook, DossierRow, Register
from engine.incidents.log import (
    ALERT_KINDS,
    IMAGE_COLUMNS,
    INCIDENT_KINDS,
    INCIDENTS,
    REVIEW_STATES,
    Incident,
    IncidentBook,
    IncidentKind,
    IncidentRow,
    files_of,
    film_of,
    over,
    with_reviews,
)

__all__ = [
    "ALERT_KINDS",
    "DECISIONS",
    "IMAGE_COLUMNS",
    "INCIDENTS",
    "INCIDENT_KINDS",
    "REVIEW_STATES",
    "Dossier",
    "DossierBook",
    "DossierRow",
    "Incident",
    "IncidentBook",
    "IncidentKind",
    "IncidentRow",
    "Register",
    "files_of",
    "film_of",
    "over",
    "with_reviews",
]
