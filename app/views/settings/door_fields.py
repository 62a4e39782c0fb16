"""The fields of doors."""

from __future__ import annotations

from app.views.settings.described import Block, Named
from app.words.terms import N_

BLOCK = Block(
    ("doors", "*"),
    N_("Doors"),
    (
        Named("action", N_("Action"), N_("Try the dry run before the door opens.")),
        Named("cameras", N_("Cameras"), N_("Live cameras that look at the door."), shows="cameras"),
        Named("people", N_("People"), N_("For whom it opens."), shows="people"),
        Named("departments", N_("Departments"), N_("For whose people it opens, too."), shows="departments"),
        Named("hours", N_("Hours"), N_("Such as 07:00-19:00. Empty: all day.")),
        Named("days", N_("Days"), N_("None: every day.")),
        Named("reason", N_("Reason"), N_("Why it may open by face. The papers state it.")),
        Named("topic", N_("Relay topic"), N_("Topic of the relay at the MQTT broker.")),
        Named("pulse_s", N_("Pulse"), N_("How long the relay stays on.")),
        Named("open_payload", N_("Message to open"), N_("What the relay gets first."), more=True),
        Named("close_payload", N_("Message to close"), N_("What it gets after the pulse. Empty: nothing."), more=True),
        Named("again_s", N_("Again after"), N_("It opens for the same person no sooner."), more=True),
    ),
    entries="table",
    entry=N_("door"),
    summary=("action", "cameras", "people", "departments"),
)
