"""The books of a workspace, and what is done with them: corrections and reviews, disclosure and erasure, retention, verification."""

from engine.logs import Finding
from engine.records.alerts import AlertBoard
from engine.records.books import Records, verify
from engine.records.bundle import bundle_name, gather, pack
from engine.records.disclosure import export_subject
from engine.records.erasure import Prospect, foresee, forget
from engine.records.kiosk_desk import KioskDesk
from engine.records.office import Office, Suggestion
from engine.records.retention import Expired, purge
from engine.records.staff_desk import StaffDesk, TemplateView, uploaded
from engine.records.upkeep import upkeep
from engine.records.user_desk import UserDesk

__all__ = [
    "AlertBoard",
    "Expired",
    "Finding",
    "KioskDesk",
    "Office",
    "Prospect",
    "Records",
    "StaffDesk",
    "Suggestion",
    "TemplateView",
    "UserDesk",
    "bundle_name",
    "export_subject",
    "foresee",
    "forget",
    "gather",
    "pack",
    "purge",
    "upkeep",
    "uploaded",
    "verify",
]
