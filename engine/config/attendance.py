"""Settings of attendance: shifts, holidays, coverage and retention."""

from __future__ import annotations

import calendar
from datetime import date, time, timedelta
from itertools import pairwise
from typing import Literal

from pydantic import Field, field_validator, model_validator

from engine.config.hours import minutes_of_day
from engine.config.section import AnyWindow, Days, Section, Window
from engine.words import phrase

Rounding = Literal["up", "down", "nearest"]
"""To which step a time is rounded: the next, the previous, or the nearest one."""


class ShiftConfig(Section):
    """When people are expected. If several shifts fit a person on a day, one that names the person wins, then one that names
    the department, then one for everybody; among equals the first in the file."""

    start: time
    """Local time at which the shift begins."""
    end: time
    """Local time at which it ends; if not later than `start`, on the next day."""
    hours: tuple[Window, ...] = ()
    """Instead of both: the parts of a split shift in order, such as `["06:00-10:00", "16:00-20:00"]`; the time between is unpaid."""
    days: Days = "mon-fri"
    """Days on which it begins."""
    people: tuple[str, ...] = ()
    """Employee ids to whom it applies."""
    departments: tuple[str, ...] = ()
    """Departments to which it applies; with `people` empty, too: everybody."""
    grace_min: float = Field(5.0, ge=0, le=720)
    """Minutes after `start` up to which an arrival is on time."""
    leave_grace_min: float = Field(0.0, ge=0, le=720)
    """Minutes before `end` from which leaving is not early."""
    break_min: float = Field(0.0, ge=0, le=720)
    """Unpaid break in minutes; deducted unless the cameras saw a longer one."""
    break_after_h: float = Field(6.0, ge=0, le=24)
    """The planned break applies only to a presence longer than this many hours."""
    break_floor: bool = True
    """The planned break never leaves less than `break_after_h`, so that a minute more is never paid less."""
    break_off_plan: bool = True
    """The planned break applies to work on public holidays and on days without a shift, too: the law asks for breaks by hours worked."""
    full_day_h: float = Field(0.0, ge=0, le=24)
    """With fewer hours worked, the day is half a day; 0: any day that was worked is a day."""
    half_day_h: float = Field(0.0, ge=0, le=24)
    """With fewer hours worked, the person counts as absent; 0: nobody does."""
    valid_from: date | None = None
    valid_until: date | None = None
    """First and last day on which the shift begins, so that a change of plan does not rewrite the past."""
    on_holidays: bool = False
    """The shift is worked on public holidays, too."""
    assigned_only: bool = False
    """With neither `people` nor `departments`: the shift holds only for people to whom it is assigned, not for everybody."""

    @property
    def parts_min(self) -> tuple[tuple[int, int], ...]:
        """Begin and end of each part of a split shift in minutes after midnight of its day; empty: it is not split."""
        found: list[tuple[int, int]] = []
        for begin, end in map(minutes_of_day, self.hours):
            first = begin + (1440 if found and begin < found[-1][1] else 0)
            found.append((first, end + 1440 * -((end - first - 1) // 1440)))
        return tuple(found)

    @model_validator(mode="before")
    @classmethod
    def _from_hours(cls, values: object) -> object:
        """A split shift begins with its first part and ends with its last."""
        if not isinstance(values, dict) or not values.get("hours"):
            return values
        hours = [str(each) for each in values["hours"]]
        edges = hours[0].split("-")[0], hours[-1].split("-")[-1].replace("24:00", "00:00")
        if any(
            name in values and str(values[name])[:5] != edge for name, edge in zip(("start", "end"), edges, strict=True)
        ):
            raise ValueError(phrase("give either hours, or start and end"))
        return {**values, "start": edges[0], "end": edges[1]}

    @field_validator("start", "end")
    @classmethod
    def _local(cls, value: time) -> time:
        if value.tzinfo is not None:
            raise ValueError(phrase("give the local time without an offset, such as 08:30"))
        return value

    @model_validator(mode="after")
    def _in_order(self) -> ShiftConfig:
        if self.valid_from and self.valid_until and self.valid_until < self.valid_from:
            raise ValueError(phrase("the last day lies before the first"))
        parts = self.parts_min
        touching = any(after[0] <= before[1] for before, after in pairwise(parts))
        if touching or (parts and parts[-1][1] - parts[0][0] >= 1440):
            raise ValueError(
                phrase("the hours touch or overlap: give the parts of a day in order, with time between them")
            )
        if self.full_day_h and self.half_day_h > self.full_day_h:
            raise ValueError(phrase("half a day has more hours than a full one"))
        return self


class RotaConfig(Section):
    """Shifts that take turns, for people, departments, or people to whom the rota is assigned. A shift of a cycle that names nobody holds
    only through rotas."""

    cycle: tuple[str, ...] = Field(min_length=1)
    """Names of shifts in turn; `off` is time off."""
    anchor: date
    """A day on which the first shift of the cycle begins; the cycle also runs before it."""
    days_each: int = Field(7, ge=1, le=366)
    """Days until the next shift's turn."""
    people: tuple[str, ...] = ()
    """Employee ids to whom it applies."""
    departments: tuple[str, ...] = ()
    """Departments to which it applies; with `people` empty, too: only people to whom it is assigned."""
    valid_from: date | None = None
    valid_until: date | None = None
    """First and last day on which it holds, unless it is assigned."""


class _Holidays(Section):
    country: str = Field("", pattern=r"^([A-Z]{2})?$")
    """ISO 3166 code such as `DE`; empty: only `extra`."""
    subdivision: str = ""
    """State or province, such as `BE`."""
    extra: dict[date, str] = Field(default_factory=dict)
    """Further days off with their names."""
    working: tuple[date, ...] = ()
    """Public holidays that are working days here."""


class HolidayGroupConfig(_Holidays):
    """Public holidays of some people; what is empty is as for everybody, and everybody's `extra` and `working` count, too."""

    people: tuple[str, ...] = ()
    """Employee ids."""
    departments: tuple[str, ...] = ()
    """Departments."""


class HolidaysConfig(_Holidays):
    """Public holidays: those of a country, with corrections."""

    groups: dict[str, HolidayGroupConfig] = Field(default_factory=dict)
    """Those of departments or people elsewhere, by name, such as `[holidays.groups.bavaria]`."""


class AttendanceConfig(Section):
    """From the log to the day sheet."""

    day_starts: time = time()
    """Local time, at most noon, at which a working day begins where no shift says so. By default a date on the sheet is the
    calendar's; whoever is inside at that moment stays on the day on which they came."""
    longest_day_h: float = Field(13.0, gt=0, le=24)
    """Somebody must look at a day with more hours inside, unless its shift is as long. The law of most countries asks for eleven hours
    of rest, so a longer day is unusual, and often a passage is missing."""
    round_in_min: int = Field(0, ge=0, le=60)
    """The first arrival of a day is rounded to steps of so many minutes before hours are counted; 0: not at all. The recorded time stays,
    and lateness is told by it."""
    round_in: Rounding = "nearest"
    """How arrivals are rounded."""
    round_out_min: int = Field(0, ge=0, le=60)
    """The same for the last departure."""
    round_out: Rounding = "nearest"
    """How departures are rounded."""
    night: AnyWindow = "23:00-06:00"
    """Local hours of the night, for the column of night hours; empty: none."""
    overtime_after_min: float = Field(0.0, ge=0, le=1440)
    """Minutes beyond the planned hours of a day that are no overtime."""
    payroll_day: int = Field(1, ge=1, le=28)
    """Day on which a payroll month begins. With 16, the month 2026-11 is 16 October to 15 November: it is named by its last day."""
    lead_min: float = Field(30.0, ge=0, le=240)
    """A camera that was off in the minutes before or after the start or end of a shift may have missed somebody coming or going."""
    outage_s: float = Field(60.0, ge=0)
    """Shorter outages of a camera are not reported."""
    gap_s: float = Field(10.0, gt=0)
    """A camera that delivers no frame for longer than this was not watching."""
    coverage_every_s: float = Field(60.0, gt=0)
    """How often the log records that a camera is watching. If the process is killed, the time since the last record is not covered."""
    four_eyes: bool = True
    """Somebody other than its author must approve a correction."""
    count_unapproved: bool = False
    """With `four_eyes`, corrections count before somebody approves them. By default the sheet shows apart what would hold then."""

    working_time: Literal["", "eu", "de", "at"] = ""
    """Whose law on working time days are held against: rest, hours, breaks, and the mean of weeks; empty: nobody's."""
    compare_people: str = Field("", max_length=300)
    """Why charts and notebooks may compare people by name, such as their punctuality; the reason stands in the papers. Empty: they do
    not."""

    def payroll_month(self, named: date) -> tuple[date, date]:
        """First and last day of the payroll month that a calendar month names; `named`: any day of that."""
        first = named.replace(day=1)
        if self.payroll_day == 1:
            return first, first.replace(day=calendar.monthrange(first.year, first.month)[1])
        before = first - timedelta(days=1)
        return before.replace(day=self.payroll_day), first.replace(day=self.payroll_day - 1)

    def payroll_month_of(self, day: date) -> tuple[date, date]:
        """First and last day of the payroll month that a day is in."""
        first, last = self.payroll_month(day)
        return (first, last) if day <= last else self.payroll_month(last + timedelta(days=28))

    @property
    def approval_first(self) -> bool:
        """A correction counts only when it is approved."""
        return self.four_eyes and not self.count_unapproved

    @field_validator("day_starts")
    @classmethod
    def _morning(cls, value: time) -> time:
        if value.tzinfo is not None or value > time(12):
            raise ValueError(phrase("give a local time up to noon, such as 04:00"))
        return value


class RetentionConfig(Section):
    """How many days data is kept, by its purpose: decisions for a year, so that they can be examined; pictures and embeddings for a month;
    empty: for ever. `muster purge` and every running recorder erase what is older. A workspace that
    began with longer periods keeps them, see `engine.config.retention`."""

    unknown_images: int | None = Field(30, ge=1)
    """Pictures of people who were not recognised, unidentified faces included."""
    tailgating_images: int | None = Field(30, ge=1)
    """Pictures of tailgating and of presentation attacks."""
    evidence_images: int | None = Field(30, ge=1)
    """Pictures that show why a punch was written."""
    strangers: int | None = Field(30, ge=1)
    """Templates of strangers, counted from the last sighting; strangers on the watch list stay."""
    sightings: int | None = Field(365, ge=1)
    """The log of decisions: which people each face resembled and how much, for `muster replay`."""
    faces: int | None = Field(30, ge=0)
    """Faces of everybody whom a camera saw well, which the search by photo looks through; 0: none is kept."""
    attendance: int | None = Field(None, ge=31)
    """Attendance log, day sheets, corrections, requests and coverage."""
    closed_sheets: int | None = Field(None, ge=31)
    """Sealed sheets of closed months; empty: as long as `attendance`."""
    incidents: int | None = Field(None, ge=31)
    """Incident log, dossiers, deliveries and answers of the confirm queue."""
    quarantine: int = Field(14, ge=0)
    """Days that pictures and logs are kept in `quarantine/` before upkeep erases them for good."""
