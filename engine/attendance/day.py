"""One person's day as typed values, decided once: pages, exports and programs read these fields and recompute nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum
from functools import cache
from typing import TYPE_CHECKING

from engine.attendance.explain import Part
from engine.config import AwayPart

if TYPE_CHECKING:
    from pydantic import TypeAdapter


class Presence(StrEnum):
    """Where somebody is at the moment of a sheet or a list."""

    INSIDE = "inside"
    OUTSIDE = "outside"
    UNSURE = "unsure"


class Status(StrEnum):
    """The result of a day."""

    ON_TIME = "on time"
    LATE = "late"
    LEFT_EARLY = "left early"
    LATE_AND_EARLY = "late, left early"
    HALF_DAY = "half day"
    PRESENT = "present"
    AS_PLANNED = "as planned"
    INSIDE = "inside"
    POSSIBLY_INSIDE = "possibly inside"
    NOT_YET = "not yet"
    MISSING_OUT = "missing out"
    MISSING_IN = "missing in"
    ABSENT = "absent"
    NOT_COVERED = "not covered"
    NOT_IDENTIFIED = "not identified"
    NOT_ENROLLED = "not enrolled"
    HOLIDAY = "holiday"
    DAY_OFF = "day off"
    ON_LEAVE = "on leave"
    REMOTE = "remote"
    SICK = "sick"
    EXCUSED = "excused"


AWAY_STATUSES = frozenset({Status.ON_LEAVE, Status.REMOTE, Status.SICK, Status.EXCUSED})
"""Statuses of whole days on which a person need not come."""
LONG = "long day"
"""A day of more hours than somebody works, so that a passage may be missing."""
PUNCTUAL = frozenset({Status.ON_TIME, Status.LATE, Status.LEFT_EARLY, Status.LATE_AND_EARLY, Status.PRESENT})
"""What the times of a day come to if all are known."""
WORKED = PUNCTUAL | {Status.HALF_DAY, Status.AS_PLANNED}
"""What holds of a day whose hours are known."""
_UNKNOWN = frozenset({Status.NOT_COVERED, Status.NOT_IDENTIFIED, Status.NOT_ENROLLED})


@dataclass(frozen=True, slots=True)
class Variant:
    """What a day comes to with other corrections than those that count.

    Attributes:
        first_in, last_out: local times, timezone-aware.
        worked: without breaks.
        status: None if nothing is known of the day.
        credited: as in a day sheet.
    """

    first_in: datetime | None = None
    last_out: datetime | None = None
    worked: timedelta | None = None
    status: Status | None = None
    credited: timedelta = timedelta()


@dataclass(frozen=True, slots=True)
class DaySheet:
    """One person's working day.

    All moments are timezone-aware, in the workplace's zone. None always means unknown or not applicable.

    Attributes:
        day: the working day; a night shift belongs to the day on which it begins.
        status: the most pressing one that applies.
        presence: where the person is at the moment of the sheet; `outside` on days that are over.
        first_in, last_out: first arrival and last departure in force, as far as they were seen.
        arrival, departure: the same, if cameras cannot have missed an earlier or a later one.
        late: the person arrived after the planned start and its grace. Unknown without a plan or a certain arrival: the day then counts
            as neither late nor punctual.
        left_early: likewise for the planned end.
        late_min, early_min: whole minutes from the planned start, or to the planned end; 0 when not late or not early.
        worked: time inside without breaks. breaks: time deducted. stayed: from the first arrival to the last departure.
        shift, planned_in, planned_out: the plan; empty and None where there is none. Of a half day of leave, the half that is expected;
            None if it is not known which.
        planned: working time that the plan asks for; None on holidays and without a plan.
        credited: planned time that need not be worked (leave, holidays) or is still undecided.
        leave: on working days, by kind, with the share of the day.
        covered_pct: per cent of the planned time during which cameras were watching.
        punches: passages that are in force as recorded. camera_in, similarity_in, liveness: of the first arrival.
        utc_offset: of local time, such as `UTC+01:00`.
        notes: further remarks, as parts of a sentence that an interface can translate.
        long: somebody was inside for so long that a passage may be missing, and nobody has corrected the day.
        recorded: what the cameras alone say.
        pending: what would hold if the corrections that wait for approval counted; None: none waits, or they count.
        corrected_by, correction_reason, approved_by: of all corrections that were not revoked; empty without any.
        counted_in, counted_out: the times from which hours are counted, where rounding changed them; None: the recorded ones count.
        overtime: hours beyond the planned ones and the threshold; None without hours or any plan.
        night, sunday, holiday: hours worked at night, on a Sunday, on a public holiday; None without hours, and on days that were closed
            before Muster told them apart.
        day_share: what the day counts as if it has too few hours for a whole one: 0.5 or 0; None: it counts as it is.
    """

    employee_id: str
    day: date
    status: Status
    name: str = ""
    department: str = ""
    presence: Presence = Presence.OUTSIDE
    first_in: datetime | None = None
    last_out: datetime | None = None
    arrival: datetime | None = None
    departure: datetime | None = None
    late: bool | None = None
    left_early: bool | None = None
    late_min: int | None = None
    early_min: int | None = None
    worked: timedelta | None = None
    breaks: timedelta | None = None
    stayed: timedelta | None = None
    shift: str = ""
    planned_in: datetime | None = None
    planned_out: datetime | None = None
    planned: timedelta | None = None
    credited: timedelta = timedelta()
    covered_pct: int | None = None
    punches: int = 0
    camera_in: str = ""
    similarity_in: float | None = None
    liveness: str = ""
    utc_offset: str = ""
    notes: tuple[Part, ...] = ()
    long: bool = False
    recorded: Variant = field(default_factory=Variant)
    pending: Variant | None = None
    corrected_by: str = ""
    correction_reason: str = ""
    approved_by: str = ""
    leave: tuple[AwayPart, ...] = ()
    counted_in: datetime | None = None
    counted_out: datetime | None = None
    overtime: timedelta | None = None
    night: timedelta | None = None
    sunday: timedelta | None = None
    holiday: timedelta | None = None
    day_share: float | None = None

    @property
    def leave_names(self) -> str:
        """Kinds of leave of the day, as people read them."""
        return "; ".join(dict.fromkeys(part.name for part in self.leave))

    @property
    def leave_days(self) -> float:
        """Share of the day that is leave, of a working day."""
        return round(sum(part.share for part in self.leave), 4)

    @property
    def present(self) -> bool:
        """The person was there on that day."""
        return self.first_in is not None or self.last_out is not None or self.worked is not None

    @property
    def days_worked(self) -> float:
        """What the day counts as among the days worked: 1, 0.5 or 0."""
        return float(self.present) if self.day_share is None else self.day_share

    @property
    def away(self) -> bool:
        """The person need not come: leave, remote, sick or excused. Public holidays and days off do not count."""
        return self.status in AWAY_STATUSES

    @property
    def expected(self) -> bool:
        """The plan asks for the person on that day."""
        return self.planned is not None and not self.away

    @property
    def settled(self) -> bool:
        """The person was expected, and the day shows whether they came."""
        return self.expected and self.status not in _UNKNOWN and (self.present or self.status is Status.ABSENT)

    @property
    def unknown(self) -> bool:
        """Nobody can say whether the person came: a camera was off, a face could not be identified, or none is enrolled."""
        return self.status in _UNKNOWN

    @property
    def to_settle(self) -> bool:
        """Somebody must find out what happened on that day; that a person is not enrolled is told once, not for each day."""
        unknown = self.unknown and self.status is not Status.NOT_ENROLLED
        return unknown or self.long or self.status in {Status.MISSING_IN, Status.MISSING_OUT}

    @property
    def cause(self) -> str:
        """Why somebody must settle the day: `long day`, or its status; empty: nobody must."""
        return (LONG if self.long else self.status) if self.to_settle else ""

    @property
    def awaiting_approval(self) -> bool:
        """A correction waits for its approval."""
        return self.pending is not None or (bool(self.corrected_by) and not self.approved_by)

    @property
    def start_offset_min(self) -> float | None:
        """Minutes from the planned start to the arrival, negative before it; None unless lateness is known."""
        if self.late is None or self.arrival is None or self.planned_in is None:
            return None
        return (self.arrival - self.planned_in).total_seconds() / 60

    @property
    def note(self) -> str:
        """All notes as an English text."""
        return "; ".join(map(str, self.notes))

    @property
    def hours(self) -> float | None:
        """Hours worked, to two digits as in the sheet; sums over months add these."""
        return _hours(self.worked)

    @property
    def planned_hours(self) -> float | None:
        """Planned hours, to two digits."""
        return _hours(self.planned)

    @property
    def balance(self) -> float:
        """Hours worked and credited, less the planned ones."""
        return round((self.hours or 0.0) + self.credited_hours - (self.planned_hours or 0.0), 2)

    @property
    def pending_hours(self) -> float:
        """Hours, worked or credited, that the corrections waiting for approval would add; negative: take away."""
        if self.pending is None:
            return 0.0
        would = (_hours(self.pending.worked) or 0.0) + (_hours(self.pending.credited) or 0.0)
        return round(would - (self.hours or 0.0) - self.credited_hours, 2)

    @property
    def credited_hours(self) -> float:
        """Credited hours, to two digits."""
        return _hours(self.credited) or 0.0


def decided(status: Status, *, complete: bool = True) -> bool:
    """Whether a status says that the planned day was worked or missed.

    Args:
        complete: False: the hours of a day on which the person was there are not all known.
    """
    return (status in WORKED and complete) or status is Status.ABSENT


def credit(status: Status, planned: timedelta | None, worked: timedelta | None, *, complete: bool = True) -> timedelta:
    """Planned time that the person need not have worked; days that were worked or missed get none; `complete`: see `decided`."""
    return timedelta() if planned is None or decided(status, complete=complete) else remainder(planned, worked)


def remainder(planned: timedelta, worked: timedelta | None) -> timedelta:
    """What is left of planned time, from hours with two digits, so that columns add up."""
    return max(timedelta(hours=(_hours(planned) or 0.0) - (_hours(worked) or 0.0)), timedelta())


def overtime(
    planned: timedelta | None, worked: timedelta | None, credited: timedelta, threshold: timedelta
) -> timedelta | None:
    """Hours, worked or credited, beyond the planned ones and a threshold, from hours with two digits; None if the hours are not known.

    Args:
        planned: None: the day asks for none.
    """
    if worked is None:
        return None
    hours = (_hours(worked) or 0.0) + (_hours(credited) or 0.0) - (_hours(planned) or 0.0)
    return max(timedelta(hours=hours) - threshold, timedelta())


def _hours(duration: timedelta | None) -> float | None:
    return None if duration is None else float(f"{duration.total_seconds() / 3600:.2f}")


_YES_NO = {True: "yes", False: "no", None: ""}


def cells(row: DaySheet) -> dict[str, object]:
    """A day as the cells of a table with `SHEET_COLUMNS`: local clock times, hours with two digits, empty if unknown."""
    return {
        "employee_id": row.employee_id,
        "name": row.name,
        "date": row.day.isoformat(),
        "first_in": _clock(row.first_in),
        "last_out": _clock(row.last_out),
        "hours": _digits(row.worked),
        "status": row.status.value,
        "punches": row.punches,
        "utc_offset": row.utc_offset,
        "camera_in": row.camera_in,
        "similarity_in": "" if row.similarity_in is None else str(row.similarity_in),
        "department": row.department,
        "shift": row.shift,
        "planned_in": _clock(row.planned_in)[:5],
        "planned_out": _clock(row.planned_out)[:5],
        "planned_hours": _digits(row.planned),
        "presence_hours": _digits(row.stayed),
        "break_hours": _digits(row.breaks),
        "late_min": "" if row.late_min is None else row.late_min,
        "early_min": "" if row.early_min is None else row.early_min,
        "note": row.note,
        "recorded_first_in": _clock(row.recorded.first_in),
        "recorded_last_out": _clock(row.recorded.last_out),
        "recorded_hours": _digits(row.recorded.worked),
        "recorded_status": row.recorded.status.value if row.recorded.status else "",
        "corrected_by": row.corrected_by,
        "correction_reason": row.correction_reason,
        "approved_by": row.approved_by,
        "covered_pct": "" if row.covered_pct is None else row.covered_pct,
        "liveness": row.liveness,
        "late": _YES_NO[row.late],
        "left_early": _YES_NO[row.left_early],
        "credited_hours": _digits(row.credited) if row.credited else "",
        "presence": row.presence.value,
        "long": "yes" if row.long else "",
        **_pending_cells(row.pending or Variant()),
        "leave": row.leave_names,
        "leave_days": f"{row.leave_days:g}" if row.leave else "",
        "counted_in": _clock(row.counted_in)[:5],
        "counted_out": _clock(row.counted_out)[:5],
        "day_share": "" if row.day_share is None else f"{row.day_share:g}",
        **{name: "" if not hours else f"{hours:.2f}" for name, hours in kinds_of_hours(row).items()},
    }


def kinds_of_hours(row: DaySheet) -> dict[str, float | None]:
    """Hours that payroll may pay differently, by column; one hour may be several of these."""
    return {
        "overtime_hours": _hours(row.overtime),
        "night_hours": _hours(row.night),
        "sunday_hours": _hours(row.sunday),
        "holiday_hours": _hours(row.holiday),
    }


KINDS_OF_HOURS = tuple(kinds_of_hours(DaySheet("", date.min, Status.ABSENT)))
"""Columns of `kinds_of_hours`."""


def _pending_cells(pending: Variant) -> dict[str, object]:
    return {
        "pending_first_in": _clock(pending.first_in),
        "pending_last_out": _clock(pending.last_out),
        "pending_hours": _digits(pending.worked),
        "pending_status": pending.status.value if pending.status else "",
    }


def _clock(time: datetime | None) -> str:
    # takes a third of the time of %H:%M:%S, and there are thousands
    return "" if time is None else f"{time.hour:02}:{time.minute:02}:{time.second:02}"


def _digits(duration: timedelta | None) -> str:
    return "" if duration is None else f"{duration.total_seconds() / 3600:.2f}"


SHEET_COLUMNS = tuple(cells(DaySheet("", date.min, Status.ABSENT)))
"""Columns of a day sheet as a table."""


@cache
def _adapter() -> TypeAdapter[list[DaySheet]]:
    from pydantic import TypeAdapter  # noqa: PLC0415 - building it takes a moment that most commands do not need

    return TypeAdapter(list[DaySheet])


def days_to_json(rows: Sequence[DaySheet], *, whole: bool = True) -> bytes:
    """Days as JSON that `days_from_json` reads back unchanged; `whole`: with fields that have their default."""
    return _adapter().dump_json(list(rows), exclude_defaults=not whole)


def days_from_json(content: bytes) -> list[DaySheet]:
    """Read what `days_to_json` wrote.

    Raises:
        ValueError: the content is something else.
    """
    return _adapter().validate_json(content)
