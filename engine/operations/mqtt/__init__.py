"""What an MQTT broker is told: passages and incidents as they are written, states, and discovery for Home Assistant.

The logs are the queue: `Feed` finds the rows that the broker has not confirmed yet, so nothing is lost while it is away, and nobody who
writes a row waits for it. `Publisher` sends them; of several processes that could, one does.

Not here: the connection itself (`engine.incidents.notifications.mqtt`), and opening doors.
"""

from engine.operations.mqtt.feed import Feed, Happened
from engine.operations.mqtt.publisher import (
    HOW_TO,
    NO_BROKER,
    Publisher,
    Standing,
    check_broker,
    clear,
    connection,
    publisher_standing,
    send_test,
)
from engine.operations.mqtt.topics import Topics, discovery

__all__ = [
    "HOW_TO",
    "NO_BROKER",
    "Feed",
    "Happened",
    "Publisher",
    "Standing",
    "Topics",
    "check_broker",
    "clear",
    "connection",
    "discovery",
    "publisher_standing",
    "send_test",
]
