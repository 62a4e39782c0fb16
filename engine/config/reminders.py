"""Settings of e-mails about single days and requests."""

from __future__ import annotations

import re
from datetime import time

from pydantic import field_validator

from engine.config.section import LocalTime, Section
from engine.words import phrase


class RemindersConfig(Section):
    """E-mails to people about their own days and requests, and to those who decide. The mailbox is that of scheduled reports."""

    forgotten: bool = False
    """Remind people on the next morning of a forgotten punch, or of a day of work without one and without leave."""
    requests: bool = False
    """Tell HR and managers once a day of requests that wait, and people what was decided about theirs."""
    at: LocalTime = time(8)
    """Local time from which reminders of the day are sent."""
    address: str = ""
    """Where people reach the workbench, such as `https://muster.example.com`, for links in the e-mails; empty: no links."""

    @field_validator("address")
    @classmethod
    def _reached(cls, value: str) -> str:
        if value and not re.fullmatch(r"https?://[^\s/?#@]+(/[^\s?#]*)?", value):
            raise ValueError(phrase("give an address such as https://muster.example.com"))
        return value.rstrip("/")

    @property
    def wanted(self) -> bool:
        """Whether anything is sent."""
        return self.forgotten or self.requests
