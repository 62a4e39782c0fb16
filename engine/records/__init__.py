"""The books of a workspace, and the desks that act on them for HR, security, administrators and the kiosk.

Not here: what the law asks for (`engine.privacy`), figures and exports (`engine.reports`).
"""

from engine.records.account_desk import AccountDesk
from engine.records.alerts import AlertBoard
from engine.records.binding_desk import BindingDesk
from engine.records.books import Records
from engine.records.bundle import bundle_name, gather, pack
from engine.records.confirm_desk import ConfirmDesk, Question
from engine.records.exports import Exported, find_exports, note_export
from engine.records.face_search import Answer, FaceSearch, Probe, Seen, Wanted
from engine.records.kind_desk import KindDesk, KindUse
from engine.records.kiosk_desk import KioskDesk
from engine.records.leave_desk import LeaveDesk, LeaveView
from engine.records.months import MonthDesk, counted_kinds, open_kind
from engine.records.office import BulkAction, Office, Suggestion
from engine.records.punch_desk import ImportedPunches, PunchDesk, PunchImport
from engine.records.punch_rows import ReadingOfPunches
from engine.records.request_desk import RequestDesk
from engine.records.request_effects import Outcome
from engine.records.resealing import begin_seals
from engine.records.secret_keeping import Kept, shown
from engine.records.settings_desk import LastChange, Preview, SettingChange, SettingsDesk, SettingsNow
from engine.records.sites_desk import SitesDesk
from engine.records.staff_desk import StaffDesk, TemplateView, uploaded
from engine.records.token_desk import TokenDesk
from engine.records.user_desk import UserDesk
from engine.records.views import Views
from engine.storage.logs import Finding

__all__ = [
    "AccountDesk",
    "AlertBoard",
    "Answer",
    "BindingDesk",
    "BulkAction",
    "ConfirmDesk",
    "Exported",
    "FaceSearch",
    "Finding",
    "ImportedPunches",
    "Kept",
    "KindDesk",
    "KindUse",
    "KioskDesk",
    "LastChange",
    "LeaveDesk",
    "LeaveView",
    "MonthDesk",
    "Office",
    "Outcome",
    "Preview",
    "Probe",
    "PunchDesk",
    "PunchImport",
    "Question",
    "ReadingOfPunches",
    "Records",
    "RequestDesk",
    "Seen",
    "SettingChange",
    "SettingsDesk",
    "SettingsNow",
    "SitesDesk",
    "StaffDesk",
    "Suggestion",
    "TemplateView",
    "TokenDesk",
    "UserDesk",
    "Views",
    "Wanted",
    "begin_seals",
    "bundle_name",
    "counted_kinds",
    "find_exports",
    "gather",
    "note_export",
    "open_kind",
    "pack",
    "shown",
    "uploaded",
]
