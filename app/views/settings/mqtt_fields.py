"""The fields of the MQTT broker."""

from __future__ import annotations

from app.views.settings.described import Block, Named
from app.words.terms import N_

BLOCK = Block(
    ("mqtt",),
    N_("MQTT"),
    (
        Named("host", N_("Broker"), N_("Its name or address. Empty: nothing is published.")),
        Named("port", N_("Port"), N_("Empty: 8883 with TLS, 1883 without.")),
        Named("user", N_("User")),
        Named("password", N_("Password")),
        Named("tls", N_("TLS"), N_("The broker's certificate is always checked.")),
        Named("who", N_("People"), N_("What messages say about who it was.")),
        Named("events", N_("Events"), N_("Passages and alerts as they happen; else only states.")),
        Named("discovery", N_("Home Assistant"), N_("Tell it which sensors there are.")),
        Named("ca_file", N_("Authority"), N_("File with its certificate. Empty: as the system trusts."), more=True),
        Named("base_topic", N_("Topic"), N_("Everything is published below it."), more=True),
        Named("discovery_prefix", N_("Discovery topic"), N_("Where Home Assistant looks for sensors."), more=True),
        Named("client_id", N_("Client id"), N_("Empty: one of its own."), more=True),
        Named("states_every_s", N_("States every"), N_("How often states are looked at."), more=True),
    ),
)
