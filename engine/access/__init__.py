"""Who may do what: accounts, credentials, kiosk devices, PINs, the sites of an installation, and the audit log.

Not here: sessions and cookies (`app.web`), and the actions themselves (`engine.records`).
"""

from engine.access.accounts import ALL_SITES, OF_HOME, PASSWORD_LENGTH, ROLES, Account, AccountBook
from engine.access.audit import AUDIT, Audit, AuditRow
from engine.access.credentials import TryLater
from engine.access.devices import SCREEN_SCOPES, Device, DeviceBook
from engine.access.pins import PinBook
from engine.access.sites import Sites, find_sites, site_names

__all__ = [
    "ALL_SITES",
    "AUDIT",
    "OF_HOME",
    "PASSWORD_LENGTH",
    "ROLES",
    "SCREEN_SCOPES",
    "Account",
    "AccountBook",
    "Audit",
    "AuditRow",
    "Device",
    "DeviceBook",
    "PinBook",
    "Sites",
    "TryLater",
    "find_sites",
    "site_names",
]
