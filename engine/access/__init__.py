"""Who may do what: accounts, credentials, kiosk devices, tokens, PINs, sessions, the sites of an installation, the audit log, and doors.

Not here: cookies (`app.web`), and the actions themselves (`engine.records`).
"""

from engine.access import second_factor
from engine.access.account import Account
from engine.access.accounts import INVITED_DAYS, AccountBook, WrongSecret
from engine.access.audit import AUDIT, Audit, AuditRow
from engine.access.badges import Badge, BadgeBook
from engine.access.bindings import Binding, BindingBook
from engine.access.choosing import PASSWORD_LENGTH
from engine.access.credentials import TryLater
from engine.access.departments import Departments
from engine.access.devices import CODE_LIFE, SCREEN_SCOPES, Device, DeviceBook
from engine.access.identities import Identity, NotAdmitted
from engine.access.pins import PinBook, PinState
from engine.access.rights import ALL_SITES, EMPLOYEE, MANAGER, OF_HOME, ROLES
from engine.access.secret_texts import SecretTexts
from engine.access.sessions import Session, SessionBook
from engine.access.setup import end_setup, offer_setup, right_setup
from engine.access.sites import Sites, find_sites, home_of, site_names
from engine.access.throttle import Visitor
from engine.access.tokens import INCIDENTS, PEOPLE, REST_SCOPES, SHEETS, AccessToken, TokenBook

__all__ = [
    "ALL_SITES",
    "AUDIT",
    "CODE_LIFE",
    "EMPLOYEE",
    "INCIDENTS",
    "INVITED_DAYS",
    "MANAGER",
    "OF_HOME",
    "PASSWORD_LENGTH",
    "PEOPLE",
    "REST_SCOPES",
    "ROLES",
    "SCREEN_SCOPES",
    "SHEETS",
    "AccessToken",
    "Account",
    "AccountBook",
    "Audit",
    "AuditRow",
    "Badge",
    "BadgeBook",
    "Binding",
    "BindingBook",
    "Departments",
    "Device",
    "DeviceBook",
    "Identity",
    "NotAdmitted",
    "PinBook",
    "PinState",
    "SecretTexts",
    "Session",
    "SessionBook",
    "Sites",
    "TokenBook",
    "TryLater",
    "Visitor",
    "WrongSecret",
    "end_setup",
    "find_sites",
    "home_of",
    "offer_setup",
    "right_setup",
    "second_factor",
    "site_names",
]
