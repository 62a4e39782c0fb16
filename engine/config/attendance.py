"""Settings of attendance: shifts, holidays, coverage, and how long what is kept."""

from __future__ import annotations

from datetime import date, time

from pydantic import Field, field_validator, model_validator

from engine.config.hours import days_of_week
from engine.config.section import Section

__all__ = ["AttendanceConfig", "HolidaysConfig", "RetentionConfig", "ShiftConfig"]


class ShiftConfig(Section):
    """When somebody is expected. Of several shifts that fit a person on a day, one that names the person wins, then one that names
    the department, then one for all; among equals the first in the file."""

    start: time
    """Local time at which the shift begins."""
    end: time
    """Local time at which it ends; not later than `start`: on the next day."""
    days: str = "mon-fri"
    """Days on which it begins."""
    people: tuple[str, ...] = ()
    """Employee ids it is for."""
    departments: tuple[str, ...] = ()
    """Departments it is for; empty together with `people`: everybody."""
    grace_min: float = Field(5.0, ge=0, le=720)
    """Minutes after `start` up to which an arrival is on time."""
    leave_grace_min: float = Field(0.0, ge=0, le=720)
    """Minutes before `end` from which leaving is not early."""
    break_min: float = Field(0.0, ge=0, le=720)
    """Unpaid break; deducted where cameras saw none that was longer."""
    break_after_h: float = Field(6.0, ge=0, le=24)
    """Only a presence longer than this holds the planned break."""
    valid_from: date | None = None
    valid_until: date | None = None
    """First and last day on which the shift begins, so that a change of plan does not rewrite the past."""
    on_holidays: bool = False
    """Worked on public holidays, too."""

    @field_validator("start", "end")
    @classmethod
    def _local(cls, value: time) -> time:
        if value.tzinfo is not None:
            raise ValueError("give the local time without an offset, such as 08:30")
        return value

    @field_validator("days")
    @classmethod
    def _named_days(cls, value: str) -> str:
        days_of_week(value)
        return value

    @model_validator(mode="after")
    def _in_order(self) -> ShiftConfig:
        if self.valid_from and self.valid_until and self.valid_until < self.valid_from:
            raise ValueError("valid_until lies before valid_from")
        return self


class HolidaysConfig(Section):
    """Public holidays: a country's, with corrections."""

    country: str = Field("", pattern=r"^([A-Z]{2})?$")
    """ISO 3166 code such as `DE`; empty: none but `extra`."""
    subdivision: str = ""
    """State or province, such as `BE`."""
    extra: dict[date, str] = Field(default_factory=dict)
    """Further days off with their names."""
    working: tuple[date, ...] = ()
    """Holidays on which one works here."""


class AttendanceConfig(Section):
    """From the log to the day sheet."""

    lead_min: float = Field(30.0, ge=0, le=240)
    """A camera that was off within this time before a shift, or after, may have missed somebody coming or going."""
    outage_s: float = Field(60.0, ge=0)
    """Shorter gaps in a camera's work are not told."""
    gap_s: float = Field(10.0, gt=0)
    """A camera that gives no frame for longer was not watching meanwhile."""
    coverage_every_s: float = Field(60.0, gt=0)
    """How often the log notes that a camera was watching: what a killed process leaves unsaid counts as not covered."""
    four_eyes: bool = True
    """A correction must be approved by somebody else than its author."""


class RetentionConfig(Section):
    """For how many days what is kept; empty: for ever. What is older is erased by `muster purge` and by every running recorder."""

    unknown_images: int | None = Field(30, ge=1)
    """Pictures of people who were not recognised, faces that could not be told for certain included."""
    tailgating_images: int | None = Field(90, ge=1)
    """Pictures of tailgating and of presentation attacks."""
    evidence_images: int | None = Field(90, ge=1)
    """Pictures that show why a punch was written."""
    strangers: int | None = Field(30, ge=1)
    """Templates of strangers, counted from when they were last seen; those on the watch list stay."""
    sightings: int | None = Field(90, ge=1)
    """Log of sightings: whom each face resembled how much, for `muster replay`."""
    attendance: int | None = Field(None, ge=31)
    """Attendance log, day sheets, corrections and coverage."""
    incidents: int | None = Field(None, ge=31)
    """Incident log, dossiers and deliveries."""
