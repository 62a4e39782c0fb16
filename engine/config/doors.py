"""Settings of a door that Muster may open for chosen people."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, field_validator, model_validator

from engine.config.mqtt import checked_topic
from engine.config.section import AnyDays, Section, Window
from engine.words import phrase

_LONGEST_TOPIC = 200


class DoorConfig(Section):
    """A relay that is told to open for a moment when somebody who was chosen stands before a camera."""

    action: Literal["off", "dry_run", "open"] = "off"
    """Nothing, write down only when it would open, or open."""
    cameras: tuple[str, ...] = ()
    """The live cameras that look at the door from outside."""
    people: tuple[str, ...] = ()
    """Ids of those for whom it opens."""
    departments: tuple[str, ...] = ()
    """Departments for whose people it opens, too."""
    hours: tuple[Window, ...] = ()
    """Windows of local time; empty: all day."""
    days: AnyDays = ""
    """Days of the week; empty: every day."""
    again_s: float = Field(10.0, ge=2, le=3600)
    """It does not open for the same person again before that."""
    topic: str = ""
    """Topic of the relay at the broker of `[mqtt]`."""
    open_payload: str = Field("ON", min_length=1, max_length=200)
    """What is published to open."""
    close_payload: str = Field("OFF", max_length=200)
    """What is published after `pulse_s`; empty: nothing, the relay ends the pulse itself."""
    pulse_s: float = Field(3.0, ge=0.2, le=30)
    """Time between the two."""
    reason: str = Field("", max_length=300)
    """Why the door may open by face; the papers state it."""

    @field_validator("topic")
    @classmethod
    def _exact(cls, value: str) -> str:
        return checked_topic(value, _LONGEST_TOPIC) if value else value

    @model_validator(mode="after")
    def _complete(self) -> DoorConfig:
        if self.action == "off":
            return self
        if not self.cameras:
            raise ValueError(phrase("name the cameras that look at the door"))
        if not (self.people or self.departments):
            raise ValueError(phrase("choose people or departments: a door opens for nobody else"))
        if self.action == "open" and not self.topic:
            raise ValueError(phrase("give the topic of the relay"))
        if self.action == "open" and not self.reason.strip():
            raise ValueError(phrase("give the reason why the door may open by face"))
        return self
