"""Cases from the field: employment, shifts over time, leave and corrections."""

from __future__ import annotations

from datetime import date

from engine.config import RotaConfig, ShiftConfig
from engine.types import Person
from tests.attendance.field_case import ANN, FAIR, NIGHT, OFFICE, TURNS, Case, shift

EMPLOYED = [
    Case(
        "joining in the middle of the month",
        {"Mon": "", "Tue": "", "Wed": "absent"},
        career=("employed - no", "employed Wed yes"),
    ),
    Case(
        "joining before the photos are taken",
        {"Tue": "", "Wed": "not enrolled, planned_hours 8.00, balance 0", "Thu": "absent"},
        career=("employed - no", "employed Wed yes"),
        person=Person("E1", "Ann Lee", "Lab", enrolled_at="2026-11-26T08:00:00+01:00"),
    ),
    Case("the relieving date is the last day", {"Tue": "absent", "Wed": "", "Thu": ""}, career=("employed Wed no",)),
    Case(
        "seen after the last day",
        {"Wed": "present, hours 8.50, planned_hours "},
        career=("employed Wed no",),
        shifts={"office": shift("09:00", "17:30", break_min=30, break_off_plan=False)},
        passages="in Wed 09:00, out Wed 17:30",
    ),
    Case(
        "inactive people are not absent",
        {"Mon": ""},
        person=Person("E1", "Ann Lee", "Lab", enrolled_at=ANN.enrolled_at, active=False),
    ),
    Case(
        "back after a gap",
        {"Mon": "absent", "Tue": "", "Wed": "", "Thu": "absent"},
        career=("employed Tue no", "employed Thu yes"),
    ),
    Case(
        "moving to another department",
        {"Mon": "on time, hours 8.00, department Lab", "Wed": "on time, hours 4.00, shift desk"},
        shifts={
            "lab": shift("09:00", "17:30", break_min=30, departments=("Lab",)),
            "desk": shift("13:00", "17:00", departments=("Desk",)),
        },
        career=("department - Lab", "department Wed Desk"),
        passages="in Mon 09:00, out Mon 17:30, in Wed 13:00, out Wed 17:00",
    ),
    Case(
        "an assigned shift comes before the usual one",
        {"Tue": "absent, shift office", "Wed": "on time, shift late"},
        shifts=OFFICE | TURNS,
        career=('shift - ""', "shift Wed late"),
        passages="in Wed 14:00, out Wed 22:00",
    ),
    Case(
        "after the assignment the usual shift holds again",
        {"Tue": "absent, shift late", "Wed": "absent, shift office"},
        shifts=OFFICE | TURNS,
        career=('shift - ""', "shift Tue late", 'shift Wed ""'),
    ),
    Case(
        "a rotation by weeks",
        {"Mon": "on time, shift early", "Mon+": "on time, shift late", "Mon++": "absent, shift night"},
        shifts=TURNS,
        rotas={"a": RotaConfig(cycle=("early", "late", "night"), anchor=date(2026, 11, 23), people=("E1",))},
        passages="in Mon 06:00, out Mon 14:00, in Mon+ 14:00, out Mon+ 22:00",
    ),
    Case(
        "four days on, four days off",
        {"Thu": "absent", "Fri": "", "Mon+": "", "Tue+": "absent"},
        shifts={"long": shift("06:30", "18:30", "mon-sun", assigned_only=True)},
        rotas={"four": RotaConfig(cycle=("long", "off"), anchor=date(2026, 11, 23), days_each=4, people=("E1",))},
    ),
    Case(
        "a split shift",
        {"Mon": "on time, hours 8.00, planned_hours 8.00"},
        shifts={"split": shift("08:00", "20:00", break_min=240)},
        passages="in Mon 08:00, out Mon 12:00, in Mon 16:00, out Mon 20:00",
    ),
    Case(
        "a new timetable does not change the past",
        {"Tue": "late, late_min 30", "Wed": "on time"},
        shifts={
            "old": shift("09:00", "17:00", valid_until=date(2026, 11, 24)),
            "new": shift("10:00", "17:00", valid_from=date(2026, 11, 25)),
        },
        passages="in Tue 09:30, out Tue 17:00, in Wed 09:30, out Wed 17:00",
    ),
]

CHANGES = [
    Case(
        "a move and a rota that ends on the same day",
        {"Tue": "absent, shift late, department Lab", "Wed": "on time, shift desk, department Desk"},
        shifts=TURNS | {"desk": shift("13:00", "17:00", departments=("Desk",))},
        rotas={"lab": RotaConfig(cycle=("late", "early"), anchor=date(2026, 11, 23), departments=("Lab",))},
        career=("department - Lab", "department Wed Desk"),
        passages="in Wed 13:00, out Wed 17:00",
    ),
    Case(
        "from nights to days in the middle of a week",
        {"Tue": "on time, hours 8.00, shift night", "Wed": "absent, shift office", "Thu": "on time, hours 8.00"},
        shifts={
            "night": shift("22:00", "06:00", departments=("Lab",)),
            "office": shift("09:00", "17:30", break_min=30, departments=("Desk",)),
        },
        career=("department - Lab", "department Wed Desk"),
        passages="in Tue 22:00, out Wed 06:00, in Thu 09:00, out Thu 17:30",
    ),
    Case(
        "leave across a move",
        {"Tue": "on leave, credited_hours 8.00", "Wed": "on leave, credited_hours 4.00"},
        shifts={
            "lab": shift("09:00", "17:30", break_min=30, departments=("Lab",)),
            "desk": shift("13:00", "17:00", departments=("Desk",)),
        },
        career=("department - Lab", "department Wed Desk"),
        leave=("Mon|Fri|annual leave",),
    ),
    Case(
        "leave across the last day",
        {"Tue": "on leave, leave_days 1", "Wed": "", "Thu": ""},
        leave=("Mon|Fri|annual leave",),
        career=("employed Wed no",),
    ),
    Case(
        "a last night that ends after the last day",
        {"Tue": "on time, hours 8.00", "Wed": ""},
        shifts=NIGHT,
        career=("employed Wed no",),
        passages="in Tue 22:00, out Wed 06:00",
    ),
    Case(
        "part time in a rota: two weeks on, one off",
        {"Mon": "absent, planned_hours 4.00", "Tue": "", "Mon+": "absent, planned_hours 4.00", "Mon++": ""},
        shifts={"half": shift("08:00", "12:00", "mon,wed,fri", assigned_only=True)},
        rotas={"part": RotaConfig(cycle=("half", "half", "off"), anchor=date(2026, 11, 23), people=("E1",))},
    ),
    Case(
        "capitals and spaces of a department do not matter",
        {"Mon": "late, late_min 60, shift sales"},
        shifts={"sales": shift("09:00", "17:30", departments=("Sales",))},
        person=Person("E1", "Ann Lee", " SALES ", enrolled_at=ANN.enrolled_at),
        passages="in Mon 10:00, out Mon 17:30",
    ),
    Case(
        "shorter on Fridays",
        {"Thu": "on time, planned_hours 8.50, balance 0", "Fri": "on time, planned_hours 6.00, balance 0"},
        shifts={"week": shift("08:00", "16:30", "mon-thu"), "friday": shift("08:00", "14:00", "fri")},
        passages="in Thu 08:00, out Thu 16:30, in Fri 08:00, out Fri 14:00",
    ),
    Case(
        "come and go as you like, eight hours a day",
        {"Mon": "on time, planned_hours 8.00, balance -1", "Tue": "on time, balance 0"},
        shifts={"flexible": shift("09:00", "17:30", break_min=30, grace_min=240, leave_grace_min=240)},
        passages="in Mon 10:30, out Mon 18:00, in Tue 06:30, out Tue 15:00",
    ),
    Case(
        "two shifts on one day",
        {"Mon": "on time, hours 8.00, planned_hours 8.00, balance 0"},
        shifts={"split": ShiftConfig(hours=("06:00-10:00", "16:00-20:00"))},
        passages="in Mon 06:00, out Mon 10:00, in Mon 16:00, out Mon 20:00",
    ),
]

PART_TIME = {"part": shift("08:00", "12:00", "mon,wed,fri")}

LEAVE = [
    Case(
        "a whole day",
        {"Mon": "on leave, hours , credited_hours 8.00, balance 0, leave_days 1"},
        leave=("Mon|Mon|annual leave",),
    ),
    Case("pending leave is no leave yet", {"Mon": "absent, balance -8"}, leave=("Mon|Mon|annual leave|pending",)),
    Case("rejected leave is none", {"Mon": "absent"}, leave=("Mon|Mon|annual leave|rejected",)),
    Case("cancelled leave is none", {"Mon": "absent"}, leave=("Mon|Mon|annual leave|cancelled",)),
    Case(
        "half a day, the other half worked",
        {"Mon": "on time, hours 4.00, credited_hours 4.00, balance 0, planned_in 13:30"},
        leave=("Mon|Mon|annual leave|approved|morning",),
        passages="in Mon 13:30, out Mon 17:30",
    ),
    Case(
        "half a day, the other half missed",
        {"Mon": "absent, credited_hours 4.00, balance -4, leave_days 0.5"},
        leave=("Mon|Mon|annual leave|approved|afternoon",),
    ),
    Case(
        "half a day, nobody said which",
        {"Mon": "present, hours 4.00, late , balance 0"},
        leave=("Mon|Mon|half day annual leave",),
        passages="in Mon 10:00, out Mon 14:00",
    ),
    Case(
        "half a day at the end of a longer leave",
        {"Mon": "on leave, leave_days 1", "Tue": "on time, hours 4.00, leave_days 0.5"},
        leave=("Mon|Tue|annual leave|approved|morning|Tue",),
        passages="in Tue 13:30, out Tue 17:30",
    ),
    Case(
        "from Friday to Monday: two days",
        {"Fri": "on leave, leave_days 1", "Sat": "", "Sun": "", "Mon+": "on leave, leave_days 1"},
        leave=("Fri|Mon+|annual leave",),
        policy="four days, if days off between days of leave count",
    ),
    Case(
        "a holiday between days of leave is none",
        {"Mon": "holiday, leave_days ", "Tue": "on leave, leave_days 1"},
        holidays=FAIR,
        leave=("Mon|Tue|annual leave",),
        policy="two days, if holidays between days of leave count",
    ),
    Case(
        "illness during a holiday",
        {"Tue": "on leave", "Wed": "sick, leave sick leave", "Thu": "on leave"},
        leave=("Mon|Fri|annual leave", "Wed|Wed|sick leave"),
        policy="the second request overlaps and is refused",
    ),
    Case(
        "two halves of two kinds",
        {"Mon": "sick, credited_hours 8.00, leave_days 1"},
        leave=("Mon|Mon|annual leave|approved|morning", "Mon|Mon|sick leave|approved|afternoon"),
    ),
    Case(
        "unpaid leave is missing in the balance",
        {"Mon": "on leave, credited_hours , balance -8"},
        leave=("Mon|Mon|unpaid leave",),
    ),
    Case(
        "parental leave asks for no hours",
        {"Mon": "on leave, planned_hours , balance 0"},
        leave=("Mon|Mon|Elternzeit",),
    ),
    Case("a remote day", {"Mon": "remote, credited_hours 8.00, balance 0"}, leave=("Mon|Mon|home office",)),
    Case(
        "work on a day of leave",
        {"Mon": "on leave, hours 8.00, credited_hours , late , balance 0"},
        leave=("Mon|Mon|annual leave",),
        passages="in Mon 11:00, out Mon 19:30",
        policy="presence on a day of leave is refused, or the leave is deleted",
    ),
    Case(
        "leave before joining does not count",
        {"Mon": "", "Wed": "on leave, leave_days 1"},
        leave=("Mon|Wed|annual leave",),
        career=("employed - no", "employed Wed yes"),
    ),
    Case(
        "part time: only planned days count",
        {"Mon": "on leave, credited_hours 4.00", "Tue": "", "Wed": "on leave, leave_days 1"},
        shifts=PART_TIME,
        leave=("Mon|Wed|annual leave",),
    ),
    Case(
        "leave on a night",
        {"Mon": "on leave, credited_hours 8.00", "Tue": "absent"},
        shifts=NIGHT,
        leave=("Mon|Mon|annual leave",),
    ),
    Case(
        "leave without a shift",
        {"Fri": "on leave, leave_days 1, credited_hours ", "Sat": ""},
        shifts={},
        leave=("Fri|Sat|annual leave",),
    ),
]

HALVES = [
    Case(
        "the second half of a night is free",
        {"Mon": "on time, hours 4.00, credited_hours 4.00, balance 0, planned_out 02:00", "Tue": "absent"},
        shifts=NIGHT,
        leave=("Mon|Mon|annual leave|approved|afternoon",),
        passages="in Mon 22:00, out Tue 02:00",
    ),
    Case(
        "the first half of a night is free",
        {"Mon": "on time, hours 4.00, credited_hours 4.00, balance 0, planned_in 02:00", "Tue": "absent"},
        shifts=NIGHT,
        leave=("Mon|Mon|annual leave|approved|morning",),
        passages="in Tue 02:00, out Tue 06:00",
    ),
    Case(
        "half of a night in which an hour is skipped",
        {"Sat": "on time, hours 3.50, credited_hours 3.50, balance 0, planned_in 01:30"},
        shifts=NIGHT,
        monday=date(2026, 3, 23),
        leave=("Sat|Sat|annual leave|approved|morning",),
        passages="in Sun 01:30, out Sun 06:00",
    ),
    Case(
        "half of a night in which an hour comes twice",
        {"Sat": "on time, hours 4.50, credited_hours 4.50, balance 0, planned_in 02:30"},
        shifts=NIGHT,
        monday=date(2026, 10, 19),
        leave=("Sat|Sat|annual leave|approved|morning",),
        passages="in Sun 02:30, out Sun 06:00",
    ),
    Case(
        "half of 24 hours on duty",
        {"Mon": "on time, hours 12.00, credited_hours 12.00, leave_days 0.5, planned_in 19:00", "Tue": ""},
        shifts={"fire": shift("07:00", "07:00", "mon")},
        leave=("Mon|Mon|annual leave|approved|morning",),
        passages="in Mon 19:00, out Tue 07:00",
    ),
    Case(
        "half a day in the kind, in German",
        {"Mon": "present, hours 4.00, credited_hours 4.00, leave_days 0.5"},
        leave=("Mon|Mon|Urlaub halbtags",),
        passages="in Mon 09:00, out Mon 13:00",
    ),
    Case(
        "half a day as a number",
        {"Mon": "absent, credited_hours 4.00, leave_days 0.5"},
        leave=("Mon|Mon|0.5 vacation",),
    ),
    Case(
        "half a day ill after a morning at work",
        {"Mon": "on time, hours 4.00, credited_hours 4.00, balance 0, planned_out 13:00"},
        leave=("Mon|Mon|sick leave|approved|afternoon",),
        passages="in Mon 09:00, out Mon 13:00",
    ),
    Case(
        "half a day unpaid",
        {"Mon": "on time, hours 4.00, credited_hours , balance -4"},
        leave=("Mon|Mon|unpaid leave|approved|afternoon",),
        passages="in Mon 09:00, out Mon 13:00",
    ),
    Case(
        "an afternoon off for everybody, such as on Christmas Eve",
        {"Thu": "on time, hours 4.00, credited_hours 4.00, balance 0"},
        monday=date(2026, 12, 21),
        leave=("Thu|Thu|special leave|approved|afternoon",),
        passages="in Thu 09:00, out Thu 13:00",
    ),
    Case(
        "half a day of a split shift",
        {"Mon": "on time, hours 4.00, credited_hours 4.00, balance 0, planned_in 16:00"},
        shifts={"split": ShiftConfig(hours=("08:00-12:00", "16:00-20:00"))},
        leave=("Mon|Mon|annual leave|approved|morning",),
        passages="in Mon 16:00, out Mon 20:00",
    ),
    Case(
        "half a day of part time",
        {"Mon": "on time, hours 2.00, credited_hours 2.00, balance 0", "Tue": ""},
        shifts=PART_TIME,
        leave=("Mon|Tue|annual leave|approved|morning|Mon",),
        passages="in Mon 10:00, out Mon 12:00",
    ),
    Case(
        "leave over the change to winter time, on nights",
        {
            "Fri": "on leave, credited_hours 8.00",
            "Sat": "on leave, credited_hours 9.00",
            "Sun": "on leave, credited_hours 8.00",
        },
        shifts=NIGHT,
        monday=date(2026, 10, 19),
        leave=("Fri|Sun|annual leave",),
    ),
    Case(
        "leave over the change to summer time, on nights",
        {"Sat": "on leave, credited_hours 7.00", "Sun": "on leave, credited_hours 8.00"},
        shifts=NIGHT,
        monday=date(2026, 3, 23),
        leave=("Fri|Sun|annual leave",),
    ),
]

MORE_LEAVE = [
    Case(
        "annual leave by its German name", {"Mon": "on leave, leave annual leave, balance 0"}, leave=("Mon|Mon|Urlaub",)
    ),
    Case("leave that is called off", {"Mon": "absent"}, leave=("Mon|Mon|Urlaub|storniert",)),
    Case(
        "shortened leave",
        {"Tue": "on leave", "Wed": "absent"},
        leave=("Mon|Fri|annual leave",),
        later=("Mon|Tue|annual leave",),
    ),
    Case(
        "leave that was asked for, then called off",
        {"Mon": "absent", "Wed": "absent"},
        leave=("Mon|Fri|annual leave",),
        later=("Mon|Fri|annual leave|cancelled",),
    ),
    Case(
        "one day of a longer leave called off",
        {"Mon": "on leave", "Wed": "absent", "Thu": "on leave"},
        leave=("Mon|Fri|annual leave",),
        later=("Wed|Wed|annual leave|cancelled",),
    ),
    Case("time off in lieu", {"Mon": "on leave, credited_hours , balance -8"}, leave=("Mon|Mon|Überstundenabbau",)),
    Case(
        "a quarter of a day",
        {"Mon": "present, credited_hours 2.00, leave_days 0.25, balance 0"},
        leave=("Mon|Mon|annual leave|approved|0.25",),
        passages="in Mon 09:00, out Mon 15:00",
    ),
    Case(
        "work on a half day of leave beyond the other half",
        {"Mon": "on time, hours 6.00, credited_hours 4.00, balance 2"},
        leave=("Mon|Mon|annual leave|approved|afternoon",),
        passages="in Mon 09:00, out Mon 15:00",
    ),
]

FOUR_EYES = {"count_unapproved": False, "four_eyes": True}

CORRECTIONS = [
    Case(
        "a check-out that was forgotten",
        {"Mon": "on time, hours 8.00, recorded_status missing out, corrected_by hr"},
        passages="in Mon 09:00",
        fixes=("hr add Mon out Mon 17:30",),
    ),
    Case(
        "a whole day entered by hand",
        {"Mon": "late, hours 7.00, recorded_status absent"},
        fixes=("hr add Mon in Mon 10:00", "hr add Mon out Mon 17:30"),
    ),
    Case(
        "a check-out after midnight",
        {"Mon": "on time, hours 10.00", "Tue": "absent"},
        shifts={"late": shift("14:30", "22:30")},
        passages="in Mon 14:30",
        fixes=("hr add Mon out Tue 00:30",),
    ),
    Case(
        "waiting for approval",
        {"Mon": "missing out, pending_status on time, pending_hours 8.00, open yes"},
        passages="in Mon 09:00",
        fixes=("hr add Mon out Mon 17:30",),
        config=FOUR_EYES,
    ),
    Case(
        "approved",
        {"Mon": "on time, hours 8.00, approved_by lead, pending_status "},
        passages="in Mon 09:00",
        fixes=("hr add Mon out Mon 17:30", "lead approve Mon"),
        config=FOUR_EYES,
    ),
    Case(
        "revoked",
        {"Mon": "missing out, corrected_by "},
        passages="in Mon 09:00",
        fixes=("hr add Mon out Mon 17:30", "hr revoke Mon c0"),
    ),
    Case(
        "somebody else's passage is taken out",
        {"Mon": "on time, hours 8.00, recorded_status missing in"},
        passages="in Mon 09:00, out Mon 12:00, out Mon 17:30",
        fixes=("hr remove Mon e1",),
    ),
    Case("an absence is excused", {"Mon": "excused, credited_hours 8.00, balance 0"}, fixes=("hr status Mon excused",)),
    Case(
        "an entry by hand counts more than the cameras",
        {"Mon": "absent, hours 8.00, recorded_status on time"},
        passages="in Mon 09:00, out Mon 17:30",
        fixes=("hr status Mon absent",),
        policy="the times of the cameras are skipped and not shown",
    ),
    Case(
        "as planned",
        {"Mon": "as planned, hours 8.00, balance 0"},
        passages="in Mon 09:00",
        fixes=("hr status Mon as planned",),
    ),
    Case(
        "present in place of a day of leave",
        {"Mon": "present, hours 6.50, credited_hours , left_early yes, leave , note , balance -1.5"},
        passages="in Mon 09:00, out Mon 16:00",
        leave=("Mon|Mon|home office",),
        fixes=("hr status Mon present",),
    ),
]

MORE_CORRECTIONS = [
    Case(
        "the end of 24 hours on duty",
        {"Mon": "on time, hours 24.08", "Tue": ""},
        shifts={"fire": shift("07:00", "07:00", "mon")},
        passages="in Mon 07:00",
        fixes=("hr add Mon out Tue 07:05",),
    ),
    Case(
        "past midnight from the office, entered by hand",
        {"Mon": "on time, hours 15.17, open ", "Tue": "on time, hours 8.00"},
        passages="in Mon 09:00, in Tue 09:00, out Tue 17:30",
        fixes=("hr add Mon out Tue 00:40",),
    ),
    Case(
        "an absence that was presence",
        {"Mon": "present, hours , credited_hours 8.00, balance 0, recorded_status absent"},
        fixes=("hr status Mon present",),
    ),
    Case(
        "an absence that was worked as planned",
        {"Mon": "as planned, hours 8.00, credited_hours , balance 0"},
        fixes=("hr status Mon as planned",),
    ),
    Case(
        "illness entered by hand on a night",
        {"Mon": "sick, credited_hours 8.00, balance 0", "Tue": "absent"},
        shifts=NIGHT,
        fixes=("hr status Mon sick",),
    ),
]

PEOPLE = [*EMPLOYED, *CHANGES, *LEAVE, *HALVES, *MORE_LEAVE, *CORRECTIONS, *MORE_CORRECTIONS]
