"""Fields of e-mails about single days and requests."""

from __future__ import annotations

from app.views.settings.described import Named
from app.words.terms import N_

REMINDERS = (
    Named("forgotten", N_("Forgotten punch"), N_("To the person, on the next morning.")),
    Named("requests", N_("Requests"), N_("To those who decide, once a day; to the person what was decided.")),
    Named("at", N_("Sent at")),
    Named("address", N_("Address"), N_("Where people reach the workbench, for links. Empty: no links.")),
)
