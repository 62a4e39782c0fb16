"""Turn photos or a guided capture into templates: check photos, draft an enrolment, judge it, store it.

Not here: storing and searching templates (`engine.gallery`), and who works here (`engine.people`).
"""

from engine.enrolment.batch import Batch, Photo, Planned
from engine.enrolment.capture import STEPS, Guidance, GuidedCapture, Step, Take
from engine.enrolment.capture_marks import GuideMark, guide_mark
from engine.enrolment.confirmed import ConfirmedPictures
from engine.enrolment.drafts import ENOUGH_PHOTOS, Draft, EnrolmentReport
from engine.enrolment.files import PhotoFile, in_archive, in_folder, on_disk
from engine.enrolment.folders import Folder, Folders
from engine.enrolment.hygiene import Doubt, Hygiene, doubts
from engine.enrolment.photos import Picture, RefusedPhoto, Shot
from engine.enrolment.registrar import Registrar

__all__ = [
    "ENOUGH_PHOTOS",
    "STEPS",
    "Batch",
    "ConfirmedPictures",
    "Doubt",
    "Draft",
    "EnrolmentReport",
    "Folder",
    "Folders",
    "Guidance",
    "GuideMark",
    "GuidedCapture",
    "Hygiene",
    "Photo",
    "PhotoFile",
    "Picture",
    "Planned",
    "RefusedPhoto",
    "Registrar",
    "Shot",
    "Step",
    "Take",
    "doubts",
    "guide_mark",
    "in_archive",
    "in_folder",
    "on_disk",
]
