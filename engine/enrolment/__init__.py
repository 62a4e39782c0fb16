"""Turn photos or a guided capture into templates: check photos, draft an enrolment, judge it, store it.

Not here: storing and searching templates (`engine.gallery`), and who works here (`engine.people`).
"""

from engine.enrolment.capture import STEPS, Guidance, GuidedCapture, Step, Take
from engine.enrolment.capture_marks import GuideMark, guide_mark
from engine.enrolment.confirmed import ConfirmedPictures
from engine.enrolment.drafts import ENOUGH_PHOTOS, Draft, EnrolmentReport
from engine.enrolment.photos import Picture, RefusedPhoto, Shot
from engine.enrolment.registrar import Registrar

__all__ = [
    "ENOUGH_PHOTOS",
    "STEPS",
    "ConfirmedPictures",
    "Draft",
    "EnrolmentReport",
    "Guidance",
    "GuideMark",
    "GuidedCapture",
    "Picture",
    "RefusedPhoto",
    "Registrar",
    "Shot",
    "Step",
    "Take",
    "guide_mark",
]
