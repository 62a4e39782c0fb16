"""Cases from the field: passages, nights, clocks, holidays, breaks and the hours that count."""

from __future__ import annotations

from datetime import date

from engine.config import HolidaysConfig
from tests.attendance.field_case import FAIR, MORNING, NIGHT, Case, shift

PAIRS = [
    Case(
        "first in and last out without directions",
        {"Mon": "present, hours 6.50"},
        shifts={},
        passages="Mon 08:00, Mon 09:30, Mon 10:00, Mon 13:00, Mon 14:30",
    ),
    Case(
        "only pairs of in and out count",
        {"Mon": "missing in, hours 4.50, late "},
        shifts={},
        passages="out Mon 08:00, in Mon 08:30, out Mon 09:30, in Mon 09:40, out Mon 10:10, in Mon 10:30, in Mon 12:00, out Mon 13:30",
    ),
    Case(
        "two check-ins in a row",
        {"Mon": "on time, hours 8.00, first_in 09:00:00"},
        passages="in Mon 09:00, in Mon 09:30, out Mon 17:30",
    ),
    Case(
        "two check-outs in a row, hours apart",
        {"Mon": "missing in, hours 3.00, open yes"},
        passages="in Mon 09:00, out Mon 12:00, out Mon 17:30",
    ),
    Case(
        "duplicate punches within a minute",
        {"Mon": "on time, hours 8.00, punches 4"},
        passages="in Mon 09:00, in Mon 09:00:40, out Mon 17:30, out Mon 17:30:50",
    ),
    Case(
        "the same punch from two devices",
        {"Mon": "on time, hours 8.00"},
        passages="in Mon 09:00, in Mon 09:00, out Mon 17:30, out Mon 17:30",
    ),
    Case(
        "a check-in without a check-out",
        {"Mon": "missing out, hours , credited_hours 8.00, balance 0, open yes"},
        passages="in Mon 09:00",
        policy="absent, or a departure at the end of the shift",
    ),
    Case("a check-out without a check-in", {"Mon": "missing in, hours , late , open yes"}, passages="out Mon 17:30"),
    Case(
        "no check-out is made up after 24 hours",
        {"Mon": "missing out, hours ", "Tue": "on time, hours 8.00"},
        passages="in Mon 09:00, in Tue 09:00, out Tue 17:30",
        policy="a departure after so many hours",
    ),
    Case(
        "a check-out more than 24 hours later belongs to no check-in",
        {"Mon": "missing out", "Tue": "missing in, hours "},
        shifts={},
        passages="in Mon 08:00, out Tue 09:30",
        policy="a day of 25.5 hours",
    ),
    Case(
        "23 hours count, but somebody must look",
        {"Mon": "present, hours 23.00, long yes, open yes", "Tue": ""},
        shifts={},
        passages="in Mon 08:00, out Tue 07:00",
    ),
    Case(
        "lingering at the door is no departure",
        {"Mon": "missing out, hours , left_early "},
        passages="Mon 09:00, seen Mon 09:03",
    ),
    Case(
        "a visit of three minutes by two cameras",
        {"Sat": "present, hours 0.05"},
        passages="in Sat 10:00, out Sat 10:03",
    ),
]

GRACES = [
    Case(
        "late entry and early exit beyond an hour's grace",
        {"Mon": "late, left early, hours 1.00, late_min 90, early_min 90"},
        shifts={"morning": shift("08:00", "12:00", grace_min=60, leave_grace_min=60)},
        passages="in Mon 09:30, out Mon 10:30",
    ),
    Case(
        "both exactly at the end of the grace",
        {"Mon": "on time, hours 2.00, late_min 0, early_min 0"},
        shifts={"morning": shift("08:00", "12:00", grace_min=60, leave_grace_min=60)},
        passages="in Mon 09:00, out Mon 11:00",
    ),
    Case(
        "a second after the grace: minutes count from the start",
        {"Mon": "late, late_min 5"},
        passages="in Mon 09:05:01, out Mon 17:30",
    ),
    Case(
        "coming early counts as time",
        {"Mon": "on time, hours 8.50, balance 0.5"},
        passages="in Mon 08:30, out Mon 17:30",
    ),
    Case(
        "staying longer counts as time",
        {"Mon": "on time, hours 10.00, balance 2"},
        passages="in Mon 09:00, out Mon 19:30",
    ),
    Case(
        "below a threshold of hours: no half day, no absence",
        {"Mon": "left early, hours 1.50, balance -2.5"},
        shifts=MORNING,
        passages="in Mon 08:00, out Mon 09:30",
        policy="half a day, or absent, unless no threshold is set",
    ),
    Case(
        "late and no check-out: both are told", {"Mon": "missing out, late yes, late_min 60"}, passages="in Mon 10:00"
    ),
    Case(
        "late while the camera was off",
        {"Mon": "not covered, late , hours 7.67, balance 0"},
        off="Mon 08:50-09:10",
        passages="in Mon 09:20, out Mon 17:30",
    ),
]

NIGHTS = [
    Case(
        "check-out after midnight and after the shift",
        {"Mon": "on time, hours 2.50, last_out 01:30:00", "Tue": ""},
        shifts={"midnight": shift("23:00", "01:00", "mon")},
        passages="in Mon 23:00, out Tue 01:30",
    ),
    Case(
        "a night assigned for one day",
        {"Mon": "on time, hours 8.00, planned_hours 8.00", "Tue": ""},
        shifts={"night": shift("23:00", "07:00", "mon")},
        passages="in Mon 23:00, out Tue 07:00",
    ),
    Case(
        "the night after the assigned one has no shift",
        {"Mon": "absent", "Tue": "present, hours 8.00, shift "},
        shifts={"night": shift("23:00", "07:00", "mon")},
        passages="in Tue 23:00, out Wed 07:00",
    ),
    Case(
        "an evening that ends after midnight",
        {"Mon": "on time, hours 5.50", "Tue": ""},
        shifts={"evening": shift("19:00", "00:30", "mon")},
        passages="in Mon 19:00, out Tue 00:30",
    ),
    Case(
        "coming before midnight for a shift after it",
        {"Mon": "", "Tue": "on time, hours 10.50, first_in 23:30:00"},
        shifts={"owl": shift("00:30", "10:00", "tue")},
        passages="in Mon 23:30, out Tue 10:00",
    ),
    Case(
        "coming in the evening after that shift",
        {"Tue": "absent", "Wed": "present, hours 6.00"},
        shifts={"owl": shift("00:30", "10:00", "tue")},
        passages="in Tue 23:30, out Wed 05:30",
    ),
    Case(
        "leaving an hour after a late shift, on the next date",
        {"Mon": "on time, hours 9.50, balance 1", "Tue": ""},
        shifts={"late": shift("15:00", "23:30", "mon")},
        passages="in Mon 15:00, out Tue 00:30",
    ),
    Case(
        "not absent before the shift is over",
        {"Mon": "not yet"},
        shifts={"late": shift("15:00", "23:30")},
        now="Mon 23:29",
    ),
    Case("absent once it is over", {"Mon": "absent"}, shifts={"late": shift("15:00", "23:30")}, now="Tue 00:30"),
    Case(
        "two nights in a row",
        {"Mon": "on time, hours 8.00", "Tue": "on time, hours 8.00"},
        shifts=NIGHT,
        passages="in Mon 22:00, out Tue 06:00, in Tue 22:00, out Wed 06:00",
    ),
    Case(
        "two nights in a row without directions",
        {"Mon": "on time, hours 8.00", "Tue": "on time, hours 8.00"},
        shifts=NIGHT,
        passages="Mon 22:00, Tue 06:00, Tue 22:00, Wed 06:00",
    ),
    Case(
        "a late shift and an early one the next day",
        {"Mon": "on time, hours 8.17", "Tue": "on time, hours 8.17"},
        shifts={"late": shift("14:00", "22:00", "mon"), "early": shift("06:00", "14:00", "tue")},
        passages="in Mon 14:00, out Mon 22:10, in Tue 05:50, out Tue 14:00",
    ),
    Case(
        "a night and a late shift on the day it ends",
        {"Mon": "on time, hours 8.00", "Tue": "on time, hours 8.00"},
        shifts={"night": shift("22:00", "06:00", "mon"), "late": shift("14:00", "22:00", "tue")},
        passages="in Mon 22:00, out Tue 06:00, in Tue 14:00, out Tue 22:00",
    ),
    Case(
        "24 hours on duty",
        {"Mon": "on time, hours 24.25, open ", "Tue": ""},
        shifts={"fire": shift("07:00", "07:00", "mon")},
        passages="in Mon 06:50, out Tue 07:05",
    ),
    Case(
        "the night of the new year belongs to the old one",
        {"Thu": "present, hours 1.50", "Fri": ""},
        shifts={},
        monday=date(2026, 12, 28),
        passages="in Thu 23:45, out Fri 01:15",
    ),
]

CLOCKS = [
    Case(
        "an hour is skipped in a night, Berlin",
        {"Sat": "on time, hours 7.00, planned_hours 7.00"},
        shifts=NIGHT,
        monday=date(2026, 3, 23),
        passages="in Sat 22:00, out Sun 06:00",
    ),
    Case(
        "an hour comes twice in a night, Berlin",
        {"Sat": "on time, hours 9.00, planned_hours 9.00"},
        shifts=NIGHT,
        monday=date(2026, 10, 19),
        passages="in Sat 22:00, out Sun 06:00",
    ),
    Case(
        "an hour is skipped in a night, New York",
        {"Sat": "on time, hours 7.00, balance 0"},
        shifts=NIGHT,
        zone="America/New_York",
        monday=date(2026, 3, 2),
        passages="in Sat 22:00, out Sun 06:00",
    ),
    Case(
        "half an hour is skipped in a night, Lord Howe",
        {"Sat": "on time, hours 7.50, balance 0"},
        shifts=NIGHT,
        zone="Australia/Lord_Howe",
        monday=date(2026, 9, 28),
        passages="in Sat 22:00, out Sun 06:00",
    ),
    Case(
        "the day after the change is as long as ever",
        {"Sun": "on time, hours 8.00, utc_offset UTC+01:00"},
        shifts={"office": shift("09:00", "17:30", "sun", break_min=30)},
        monday=date(2026, 10, 19),
        passages="in Sun 09:00, out Sun 17:30",
    ),
    Case(
        "far from Greenwich the date is the workplace's",
        {"Mon": "on time, hours 8.00", "Tue": "absent", "Sun": ""},
        zone="Pacific/Honolulu",
        passages="in Mon 09:00, out Mon 17:30",
    ),
]

AFTER_MIDNIGHT = [
    Case(
        "five minutes past midnight after a late shift",
        {"Mon": "on time, hours 10.08", "Tue": "on time, hours 8.00"},
        shifts={"late": shift("14:00", "22:00")},
        passages="in Mon 14:00, out Tue 00:05, in Tue 14:00, out Tue 22:00",
    ),
    Case(
        "past midnight from the office",
        {"Mon": "on time, hours 15.17, long yes, open yes", "Tue": "absent"},
        passages="in Mon 09:00, out Tue 00:40",
    ),
    Case(
        "past midnight from the office, without directions",
        {"Mon": "on time, hours 15.17, long yes", "Tue": "on time, hours 8.00"},
        passages="Mon 09:00, Tue 00:40, Tue 09:00, Tue 17:30",
    ),
    Case(
        "leaving at midnight to the second",
        {"Mon": "on time, hours 14.50, last_out 00:00:00", "Tue": "absent"},
        passages="in Mon 09:00, out Tue 00:00",
    ),
    Case(
        "coming at midnight to the second",
        {"Mon": "absent", "Tue": "on time, hours 8.00, first_in 00:00:00"},
        shifts={"owl": shift("00:00", "08:00")},
        passages="in Tue 00:00, out Tue 08:00",
    ),
    Case(
        "a night that nobody planned before one that is",
        {"Mon": "present, hours 8.00, shift ", "Tue": "on time, hours 8.00"},
        shifts={"night": shift("22:00", "06:00", "tue")},
        passages="in Mon 22:00, out Tue 06:00, in Tue 22:00, out Wed 06:00",
    ),
    Case(
        "nights without any shift",
        {"Mon": "present, hours 8.00", "Tue": "present, hours 8.00", "Wed": ""},
        shifts={},
        passages="in Mon 22:00, out Tue 06:00, in Tue 22:00, out Wed 06:00",
    ),
    Case(
        "nights without any shift or directions",
        {"Mon": "present, hours 8.00", "Tue": "present, hours 8.00", "Wed": ""},
        shifts={},
        passages="Mon 22:00, Tue 06:00, Tue 22:00, Wed 06:00",
    ),
    Case(
        "a stray passage in the morning opens no night",
        {"Mon": "missing out, hours 8.00", "Tue": "on time, hours 8.00, first_in 22:00:00"},
        shifts=NIGHT,
        passages="in Mon 22:00, out Tue 06:00, in Tue 07:00, in Tue 22:00, out Wed 06:00",
    ),
    Case(
        "a stray passage in the afternoon before a night",
        {"Mon": "on time, hours 8.00", "Tue": "on time, hours 15.00, long yes, open yes"},
        shifts=NIGHT,
        passages="in Mon 22:00, out Tue 06:00, in Tue 15:00, in Tue 22:00, out Wed 06:00",
    ),
    Case(
        "24 hours on duty and the next ones",
        {"Mon": "on time, hours 24.00", "Tue": "", "Wed": "on time, hours 24.00", "Thu": ""},
        shifts={"fire": shift("07:00", "07:00", "mon,wed")},
        passages="in Mon 07:00, out Tue 07:00, in Wed 07:00, out Thu 07:00",
    ),
    Case(
        "24 hours on duty, one after the other",
        {"Mon": "on time, hours 24.00", "Tue": "on time, hours 23.99", "Wed": ""},
        shifts={"fire": shift("07:00", "07:00", "mon,tue")},
        passages="in Mon 07:00, out Tue 07:00, in Tue 07:00:30, out Wed 07:00",
    ),
    Case(
        "24 hours over the change of clocks",
        {"Sat": "on time, hours 25.00, planned_hours 25.00, balance 0", "Sun": ""},
        shifts={"fire": shift("07:00", "07:00", "sat")},
        monday=date(2026, 10, 19),
        passages="in Sat 07:00, out Sun 07:00",
    ),
]

COOL_DOWN = [
    Case(
        "the last sighting is the departure where cameras see both ways",
        {"Mon": "on time, hours 8.01, last_out 17:30:40"},
        passages="Mon 09:00, Mon 17:26, seen Mon 17:28, seen Mon 17:30:40",
    ),
    Case(
        "in, out and in again at the door",
        {"Mon": "on time, hours 8.00, first_in 09:00:00"},
        passages="in Mon 09:00, out Mon 09:00:20, in Mon 09:00:45, out Mon 17:30",
    ),
    Case(
        "seen again after leaving is no arrival",
        {"Mon": "on time, hours 8.00, open "},
        passages="in Mon 09:00, out Mon 17:30:10, seen Mon 17:33:30",
    ),
    Case(
        "a sighting through the exit is a departure",
        {"Mon": "on time, hours 8.03, last_out 17:32:00"},
        passages="in Mon 09:00, seen out Mon 17:32",
    ),
    Case(
        "sightings alone are no hours",
        {"Mon": "missing out, hours , open yes"},
        passages="seen Mon 10:00, seen Mon 10:02",
    ),
]

HOLIDAYS = [
    Case(
        "a holiday that is worked",
        {"Mon": "present, hours 4.00, planned_hours , late , balance 4"},
        shifts=MORNING,
        holidays=FAIR,
        passages="in Mon 08:30, out Mon 12:30",
    ),
    Case("nobody is absent on a holiday", {"Mon": "holiday, planned_hours , balance 0"}, holidays=FAIR),
    Case(
        "a shift that is worked on holidays, too",
        {"Mon": "absent, planned_hours 8.00"},
        holidays=FAIR,
        shifts={"office": shift("09:00", "17:30", break_min=30, on_holidays=True)},
    ),
    Case("nobody is absent on a weekly day off", {"Sat": "", "Sun": ""}),
    Case(
        "work on a weekly day off",
        {"Sat": "present, hours 3.00, planned_hours , balance 3"},
        passages="in Sat 08:00, out Sat 11:00",
    ),
    Case(
        "a holiday of another region",
        {"Mon": "absent"},
        holidays=HolidaysConfig(groups={"munich": {"departments": ["Munich"], "extra": {"2026-11-23": "Fair"}}}),
    ),  # type: ignore[dict-item]
    Case(
        "a holiday of one's own region",
        {"Mon": "holiday"},
        holidays=HolidaysConfig(groups={"lab": {"departments": ["Lab"], "extra": {"2026-11-23": "Fair"}}}),
    ),  # type: ignore[dict-item]
    Case(
        "a public holiday that is a working day here",
        {"Fri": "absent"},
        monday=date(2026, 12, 21),
        holidays=HolidaysConfig(country="DE", working=(date(2026, 12, 25),)),
    ),
]

BREAKS = [
    Case(
        "the planned break is deducted",
        {"Mon": "on time, hours 8.00, break_hours 0.50"},
        passages="in Mon 09:00, out Mon 17:30",
    ),
    Case(
        "not from six hours",
        {"Mon": "left early, hours 6.00, break_hours 0.00"},
        passages="in Mon 09:00, out Mon 15:00",
    ),
    Case(
        "a little more is not paid less",
        {"Mon": "left early, hours 6.00, break_hours 0.33"},
        passages="in Mon 09:00, out Mon 15:20",
    ),
    Case(
        "unless the settings want it",
        {"Mon": "left early, hours 5.83"},
        passages="in Mon 09:00, out Mon 15:20",
        shifts={"office": shift("09:00", "17:30", break_min=30, break_floor=False)},
    ),
    Case(
        "several breaks",
        {"Mon": "on time, hours 7.58, break_hours 0.92"},
        passages="in Mon 09:00, out Mon 10:00, in Mon 10:15, out Mon 12:00, in Mon 12:30, out Mon 15:00, in Mon 15:10, out Mon 17:30",
    ),
    Case(
        "a break longer than planned",
        {"Mon": "on time, hours 7.00, balance -1"},
        passages="in Mon 09:00, out Mon 12:00, in Mon 13:30, out Mon 17:30",
    ),
    Case(
        "a break shorter than planned",
        {"Mon": "on time, hours 8.00, break_hours 0.50"},
        passages="in Mon 09:00, out Mon 12:00, in Mon 12:10, out Mon 17:30",
    ),
]

THRESHOLDS = {"office": shift("09:00", "17:30", break_min=30, full_day_h=6, half_day_h=3)}

RULES = [
    Case(
        "fewer hours than a whole day asks for",
        {"Mon": "half day, hours 5.00, day_share 0.5"},
        shifts=THRESHOLDS,
        passages="in Mon 09:00, out Mon 14:00",
    ),
    Case(
        "fewer hours than half a day asks for",
        {"Mon": "absent, hours 1.50, day_share 0"},
        shifts=THRESHOLDS,
        passages="in Mon 09:00, out Mon 10:30",
    ),
    Case(
        "just enough hours for a whole day",
        {"Mon": "left early, hours 6.00, day_share "},
        shifts=THRESHOLDS,
        passages="in Mon 09:00, out Mon 15:00",
    ),
    Case(
        "no rounding, unless the settings want it",
        {"Mon": "on time, hours 8.02, counted_in "},
        passages="in Mon 08:59, out Mon 17:30",
    ),
    Case(
        "arrivals rounded up, departures down, to a quarter",
        {"Mon": "on time, hours 8.00, first_in 08:52:00, counted_in 09:00, counted_out 17:30"},
        config={"round_in_min": 15, "round_in": "up", "round_out_min": 15, "round_out": "down"},
        passages="in Mon 08:52, out Mon 17:41",
    ),
    Case(
        "rounded to the nearest five minutes",
        {"Mon": "late, late_min 7, hours 7.92, counted_in 09:05, counted_out "},
        config={"round_in_min": 5, "round_out_min": 5},
        passages="in Mon 09:07, out Mon 17:30",
    ),
    Case(
        "overtime beyond the planned hours",
        {"Mon": "on time, hours 10.00, overtime_hours 2.00"},
        passages="in Mon 09:00, out Mon 19:30",
    ),
    Case(
        "overtime from half an hour on",
        {"Mon": "on time, hours 10.00, overtime_hours 1.50"},
        config={"overtime_after_min": 30},
        passages="in Mon 09:00, out Mon 19:30",
    ),
    Case(
        "all hours of a day off are overtime",
        {"Sat": "present, overtime_hours 3.00"},
        passages="in Sat 08:00, out Sat 11:00",
    ),
    Case(
        "hours at night and on Sunday",
        {"Sat": "on time, hours 8.00, night_hours 7.00, sunday_hours 6.00"},
        shifts=NIGHT,
        passages="in Sat 22:00, out Sun 06:00",
    ),
    Case(
        "hours on a holiday that begins at midnight",
        {"Sun": "on time, hours 8.00, sunday_hours 2.00, holiday_hours 6.00"},
        shifts=NIGHT,
        holidays=HolidaysConfig(extra={date(2026, 11, 30): "Fair"}),
        passages="in Sun 22:00, out Mon+ 06:00",
    ),
]

DAYS = [*PAIRS, *GRACES, *NIGHTS, *CLOCKS, *AFTER_MIDNIGHT, *COOL_DOWN, *HOLIDAYS, *BREAKS, *RULES]
