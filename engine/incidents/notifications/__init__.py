"""Messages about incidents to people and programs: rules, an outbox that survives a restart, and channels.

`Outbox.submit` turns an incident into messages, and `Courier` (or `Outbox.drain`) delivers them through `Channels`. Without rules,
Muster sends nothing. See docs/notifications.md.
"""

from engine.incidents.notifications.channels import Attempts, Channels, key_of, send_apprise, understands
from engine.incidents.notifications.courier import Courier
from engine.incidents.notifications.mqtt import MQTT, Broker, Publication, client_id_of, level
from engine.incidents.notifications.outbox import DELIVERIES, DeliveryRow, Outbox, Sender, changing
from engine.incidents.notifications.rules import (
    Held,
    Message,
    Target,
    channel_of,
    channel_of_webhook,
    compose,
    matches,
    one_line,
    targets,
)
from engine.incidents.notifications.webhook import SendResult, post_webhook, sign, verify_signature

__all__ = [
    "DELIVERIES",
    "MQTT",
    "Attempts",
    "Broker",
    "Channels",
    "Courier",
    "DeliveryRow",
    "Held",
    "Message",
    "Outbox",
    "Publication",
    "SendResult",
    "Sender",
    "Target",
    "changing",
    "channel_of",
    "channel_of_webhook",
    "client_id_of",
    "compose",
    "key_of",
    "level",
    "matches",
    "one_line",
    "post_webhook",
    "send_apprise",
    "sign",
    "targets",
    "understands",
    "verify_signature",
]
