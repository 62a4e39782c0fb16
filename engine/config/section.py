"""The base of every section of the settings, and types that sections share."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from dataclasses import dataclass
from datetime import time
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict

from engine.config.hours import days_of_week, minutes_of_day
from engine.config.outlines import corners
from engine.words import phrase


def _readable(parse: Callable[[str], object]) -> AfterValidator:
    def check(text: str) -> str:
        parse(text)
        return text

    return AfterValidator(check)


@dataclass(frozen=True)
class Look:
    """What a text looks like, for whoever draws a field for it: `window`, `days`, `area`."""

    name: str


def _local(value: time) -> time:
    if value.tzinfo is not None:
        raise ValueError(phrase("give a local time such as 07:00"))
    return value


LocalTime = Annotated[time, AfterValidator(_local)]
"""A time of the day at the workplace."""
Window = Annotated[str, _readable(minutes_of_day), Look("window")]
"""Hours of the day such as `20:00-06:00`."""
AnyWindow = Annotated[str, _readable(lambda text: minutes_of_day(text) if text else ()), Look("window")]
"""`Window`, or an empty text for none."""
Days = Annotated[str, _readable(days_of_week), Look("days")]
"""Days of the week such as `mon-fri`."""
AnyDays = Annotated[str, _readable(lambda text: days_of_week(text) if text else ()), Look("days")]
"""`Days`, or an empty text for any day."""
Area = Annotated[str, _readable(corners), Look("area")]
"""A part of a picture; see `engine.config.outlines`."""
Network = Annotated[str, _readable(ipaddress.ip_network)]
"""An IP address such as `192.0.2.1`, or a network such as `192.0.2.0/24`."""
LOOPBACK = ("127.0.0.1", "::1")


class Section(BaseModel):
    """A section of the settings: frozen, and unknown keys are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True)
