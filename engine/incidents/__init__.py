"""What security must look at: the log of incidents, the dossiers of strangers, and, in `notifications`, who is told.

Not here: reviews and what pages list (`engine.records`), and what makes an event an incident (`engine.events`, `engine.pipeline`).
"""

from engine.incidents.dossiers import Dossier, DossierBook, Register
from engine.incidents.log import (
    ALERT_KINDS,
    IMAGE_COLUMNS,
    INCIDENT_COLUMNS,
    INCIDENT_KINDS,
    REVIEW_STATES,
    Incident,
    IncidentBook,
    as_it_stands,
)

__all__ = [
    "ALERT_KINDS",
    "IMAGE_COLUMNS",
    "INCIDENT_COLUMNS",
    "INCIDENT_KINDS",
    "REVIEW_STATES",
    "Dossier",
    "DossierBook",
    "Incident",
    "IncidentBook",
    "Register",
    "as_it_stands",
]
