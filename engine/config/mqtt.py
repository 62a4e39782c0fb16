"""Settings of MQTT: where events and states are published."""

from __future__ import annotations

import re
from typing import Literal

from pydantic import Field, SecretStr, field_validator, model_validator

from engine.config.section import Section
from engine.words import phrase

_LONGEST_TOPIC = 100


def checked_topic(value: str, longest: int) -> str:
    """Return a topic that every broker takes as it is.

    Raises:
        ValueError: it has other characters, an empty level, or more than `longest` of them.
    """
    if len(value) > longest or not re.fullmatch(r"[A-Za-z0-9_.-]+(/[A-Za-z0-9_.-]+)*", value):
        raise ValueError(phrase("a topic has letters, digits, _ . - and / between its levels, such as office/muster"))
    return value


class MqttConfig(Section):
    """The broker that is told of events and states, with discovery for Home Assistant. Without a host nothing is published."""

    host: str = Field("", max_length=253)
    """Name or address of the broker; empty: none."""
    port: int | None = Field(None, ge=1, le=65535)
    """Default: 8883 with TLS, 1883 without."""
    tls: bool = True
    """The broker's certificate is always checked."""
    ca_file: str = ""
    """Certificate of the authority that signed the broker's, relative to the workspace; empty: those that the system trusts."""
    user: str = Field("", max_length=200)
    password: SecretStr | None = None
    client_id: str = Field("", pattern=r"^([A-Za-z0-9][A-Za-z0-9._-]{0,63})?$")
    """Empty: one of its own for each workspace and machine."""
    base_topic: str = "muster"
    """Under which everything is published."""
    discovery: bool = True
    """Tell Home Assistant which sensors there are."""
    discovery_prefix: str = "homeassistant"
    who: Literal["nobody", "ids", "names"] = "ids"
    """How messages name people: not at all, by id, or by id and name."""
    events: bool = True
    """Publish passages and incidents as they happen, too, not only states."""
    states_every_s: float = Field(10.0, ge=1, le=3600)
    """How often states are looked at; what has not changed is not sent again."""

    @field_validator("host")
    @classmethod
    def _reachable(cls, value: str) -> str:
        if not re.fullmatch(r"([A-Za-z0-9_.-]+|\[?[0-9A-Fa-f:.]+\]?)?", value, re.ASCII):
            raise ValueError(phrase("expected the name or address of the broker alone, such as broker.example.org"))
        return value.strip("[]")

    @field_validator("base_topic", "discovery_prefix")
    @classmethod
    def _topic(cls, value: str) -> str:
        return checked_topic(value, _LONGEST_TOPIC)

    @model_validator(mode="after")
    def _user_of_password(self) -> MqttConfig:
        if self.password is not None and not self.user:
            raise ValueError(phrase("a password needs a user"))
        return self

    @property
    def on(self) -> bool:
        """Whether there is a broker."""
        return bool(self.host)

    @property
    def number(self) -> int:
        """The port that is used."""
        return self.port or (8883 if self.tls else 1883)

    @property
    def place(self) -> str:
        """Host and port of the broker, as messages name it."""
        return f"{f'[{self.host}]' if ':' in self.host else self.host}:{self.number}"

    @property
    def address(self) -> str:
        """The same as an address, as it may be printed."""
        return f"{'mqtts' if self.tls else 'mqtt'}://{self.place}"
