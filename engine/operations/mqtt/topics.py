"""Topics, and what Home Assistant is told about them. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

from engine.config import MqttConfig
from engine.incidents import INCIDENT_KINDS
from engine.incidents.notifications import level, one_line

PASSAGES = ("punch", "seen", "retract", "turn")
"""Kinds of passages that are told: rows of the attendance log about somebody who was identified."""


@dataclass(frozen=True)
class Topics:
    """Where a site publishes.

    ::

        BASE/SITE/availability                   online or offline, retained
        BASE/SITE/state                          inside, open alerts, health, retained
        BASE/SITE/incident                       incidents without a camera
        BASE/SITE/camera/CAMERA/state            retained
        BASE/SITE/camera/CAMERA/passage          passages as they happen
        BASE/SITE/camera/CAMERA/incident         incidents as they happen
    """

    base: str
    site: str

    @property
    def root(self) -> str:
        """Above everything that the site publishes."""
        return f"{self.base}/{level(self.site)}"

    @property
    def availability(self) -> str:
        """Whether this workspace is connected."""
        return f"{self.root}/availability"

    @property
    def state(self) -> str:
        """The state of the site."""
        return f"{self.root}/state"

    @property
    def test(self) -> str:
        """Test messages."""
        return f"{self.root}/test"

    def of_camera(self, camera: str, what: str) -> str:
        """`state`, `passage` or `incident` of a camera; without one, of the site."""
        return f"{self.root}/camera/{level(camera)}/{what}" if camera else f"{self.root}/{what}"

    def unique(self, *parts: str) -> str:
        """An id that nothing else at this broker has."""
        return "_".join(["muster", *map(level, (self.base, self.site, *parts))])


def discovery(config: MqttConfig, site: str, title: str, cameras: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Return the contents of Home Assistant's configuration topics, by topic.

    Args:
        title: of the site, for people. cameras: their names.
    """
    topics = Topics(config.base_topic, site)
    found: dict[str, dict[str, Any]] = {}
    place = {
        "identifiers": [topics.unique()],
        "name": one_line(title) or f"Muster {site}",
        "manufacturer": "Muster",
        "model": "Site",
    }

    def add(component: str, device: Mapping[str, Any], name: str, *parts: str, **more: Any) -> None:
        unique = topics.unique(*parts)
        found[f"{config.discovery_prefix}/{component}/{unique}/config"] = {
            "name": name,
            "unique_id": unique,
            "object_id": unique,
            "device": device,
            "origin": {"name": "Muster", "sw_version": version("muster")},
            "availability_topic": topics.availability,
            "qos": 1,
            **more,
        }

    def value(key: str) -> str:
        return "{{ value_json." + key + " }}"

    state = {"state_topic": topics.state}
    add(
        "sensor",
        place,
        "People inside",
        "inside",
        **state,
        value_template=value("inside"),
        state_class="measurement",
        icon="mdi:account-group",
    )
    add(
        "sensor",
        place,
        "Open alerts",
        "open_alerts",
        **state,
        value_template=value("open_alerts"),
        state_class="measurement",
        icon="mdi:alert",
    )
    add(
        "binary_sensor",
        place,
        "Problem",
        "problem",
        **state,
        value_template=value("problem"),
        device_class="problem",
        json_attributes_topic=topics.state,
        json_attributes_template="{{ {'faults': value_json.faults} | tojson }}",
    )
    kinds = list(INCIDENT_KINDS)
    if config.events:
        add(
            "event",
            place,
            "Incident",
            "incident",
            state_topic=topics.of_camera("", "incident"),
            event_types=kinds,
            icon="mdi:shield-alert",
        )
    for camera in cameras:
        device = {
            "identifiers": [topics.unique("camera", camera)],
            "name": one_line(camera),
            "manufacturer": "Muster",
            "model": "Camera",
            "via_device": topics.unique(),
        }
        state, own = {"state_topic": topics.of_camera(camera, "state")}, ("camera", camera)
        add(
            "binary_sensor",
            device,
            "Recording",
            *own,
            "recording",
            **state,
            value_template=value("recording"),
            device_class="running",
        )
        add(
            "sensor",
            device,
            "Frame rate",
            *own,
            "fps",
            **state,
            value_template=value("fps"),
            unit_of_measurement="fps",
            state_class="measurement",
            entity_category="diagnostic",
        )
        add(
            "sensor",
            device,
            "Last picture",
            *own,
            "last_frame",
            **state,
            value_template=value("last_frame"),
            device_class="timestamp",
            entity_category="diagnostic",
        )
        if config.events:
            add(
                "event",
                device,
                "Passage",
                *own,
                "passage",
                state_topic=topics.of_camera(camera, "passage"),
                event_types=list(PASSAGES),
                icon="mdi:door-open",
            )
            add(
                "event",
                device,
                "Incident",
                *own,
                "incident",
                state_topic=topics.of_camera(camera, "incident"),
                event_types=kinds,
                icon="mdi:shield-alert",
            )
    return found
