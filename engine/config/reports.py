"""Settings of reports that Muster sends by e-mail."""

from __future__ import annotations

import re
from datetime import time
from typing import Literal

from pydantic import Field, SecretStr, field_validator, model_validator

from engine.config.hours import days_of_week
from engine.config.section import AnyDays, LocalTime, Section
from engine.config.webhooks import Webhook
from engine.words import phrase

_ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+", re.ASCII)


class ScheduledReport(Webhook):
    """A report on the attendance of a day, a week or a month that is over, sent to the same people each time."""

    every: Literal["day", "week", "month"] = "week"
    """What a report is about: the day, the week (Monday to Sunday) or the calendar month that is over."""
    at: LocalTime = time(7)
    """Local time at which it is sent."""
    days: AnyDays = ""
    """Days of the week on which it may be sent, such as `mon-fri`; the first one after the period. Days without a report of their own
    go with the next one: on Monday, `mon-fri` reports Friday to Sunday."""
    to: tuple[str, ...] = ()
    """E-mail addresses; each gets a message of its own. The webhook takes heads alone: names and hours go by e-mail."""
    departments: tuple[str, ...] = ()
    """Only people of these departments; empty: everybody."""
    format: Literal["html", "xlsx", "both", "heads"] = "both"
    """What is attached: the printable page, the Excel workbook, or both; or instead of a report the heads of the logs, to be kept
    elsewhere."""
    language: Literal["en", "de", ""] = ""
    """Language of subject, text and files; empty: that of the workbench, else English."""

    @field_validator("to")
    @classmethod
    def _addresses(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if wrong := [each for each in value if not _ADDRESS.fullmatch(each)]:
            raise ValueError(phrase("{name} is not an e-mail address such as hr@example.org", name=repr(wrong[0])))
        if len({each.casefold() for each in value}) < len(value):
            raise ValueError(phrase("an address is named twice; name each once"))
        return value

    @model_validator(mode="after")
    def _sent_somewhere(self) -> ScheduledReport:
        if not self.to and self.webhook is None:
            raise ValueError(phrase("report {name} has no recipient; give it to = [...]", name=repr(self.name)))
        if self.webhook is not None and self.format != "heads":
            raise ValueError(
                phrase('report {name}: a webhook gets heads alone; choose format = "heads"', name=repr(self.name))
            )
        return self

    @property
    def weekdays(self) -> frozenset[int]:
        """The days on which it may be sent as numbers, 0 Monday."""
        return days_of_week(self.days or "mon-sun")


class ReportsConfig(Section):
    """Reports by e-mail. Without `scheduled` nothing is sent."""

    mail_server: SecretStr | None = None
    """Mailbox that sends them, in apprise's notation: `mailtos://USER:PASSWORD@example.org?smtp=smtp.example.org`."""
    catch_up_h: float = Field(72.0, ge=0, le=24 * 31)
    """A report that was missed because Muster was off is still sent for this long."""
    scheduled: tuple[ScheduledReport, ...] = ()
    """One `[[reports.scheduled]]` each in `muster.toml`."""

    @field_validator("mail_server")
    @classmethod
    def _mailbox(cls, value: SecretStr | None) -> SecretStr | None:
        # it holds a password: no message may repeat it
        text = value.get_secret_value() if value else "mailtos://"
        if not re.match(r"mailtos?://", text):
            raise ValueError(phrase("expected mailtos:// (or mailto:// for a server without TLS)"))
        if re.search(r"[?&](to|cc|bcc)=", text):
            raise ValueError(phrase("leave to=, cc= and bcc= out; each report names its own addresses in `to`"))
        return value

    @model_validator(mode="after")
    def _complete(self) -> ReportsConfig:
        names = [report.name for report in self.scheduled]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(
                phrase("two scheduled reports are named {name}; give each its own name", name=repr(twice[0]))
            )
        if any(report.to for report in self.scheduled) and self.mail_server is None:
            raise ValueError(phrase("scheduled reports need mail_server, the mailbox that sends them"))
        return self
