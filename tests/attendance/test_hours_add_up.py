"""Whatever the shifts and the passages: each passage counts on one day, and hours are the time between paired passages."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from engine.attendance import Book, DayRows, DaySheet, PunchRow, Rota, day_sheet
from engine.attendance.periods import Periods
from engine.config import AttendanceConfig, HolidaysConfig, ShiftConfig
from engine.reports import stays
from engine.types import Person

PLACES = [  # days on which clocks change, in Santiago at midnight, and one on which they do not
    ("Europe/Berlin", date(2026, 3, 29)),
    ("Europe/Berlin", date(2026, 10, 25)),
    ("Australia/Sydney", date(2026, 4, 5)),
    ("Australia/Sydney", date(2026, 10, 4)),
    ("America/Santiago", date(2026, 4, 4)),
    ("America/Santiago", date(2026, 9, 6)),
    ("Asia/Kathmandu", date(2026, 11, 18)),
]
PEOPLE = {"E1": Person("E1", "Ann", enrolled_at="2026-01-05T10:00:00+01:00")}
CLOCKS = ("00:00", "00:30", "05:00", "06:00", "07:00", "08:30", "14:00", "16:00", "20:00", "22:00", "23:59")
WEEK = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
DAY, AROUND = timedelta(days=1), timedelta(hours=4)

shifts_ = st.lists(
    st.builds(
        lambda start, end, days: ShiftConfig(
            start=time.fromisoformat(start), end=time.fromisoformat(end), days=",".join(sorted(days))
        ),
        st.sampled_from(CLOCKS),
        st.sampled_from(CLOCKS),
        st.sets(st.sampled_from(WEEK), min_size=1),
    ),
    max_size=3,
)
passages_ = st.lists(
    st.tuples(
        st.integers(-3 * 1440, 4 * 1440) | st.integers(-24, 24).map(lambda hour: 60 * hour),
        st.sampled_from(["in", "out", "both"]),
        st.sampled_from(["punch", "punch", "seen"]),
    ),
    max_size=16,
)
stints_ = st.lists(st.tuples(st.integers(1, 2000), st.integers(1, 13 * 60)), min_size=1, max_size=8)
day_starts_ = st.sampled_from([time(0), time(4), time(12)])


class Week:
    """Ann's passages around a day, and all that is made from them."""

    def __init__(
        self,
        shifts: Sequence[ShiftConfig],
        place: tuple[str, date],
        passages: Sequence[tuple[int, str, str]],
        day_starts: time = time(),
    ) -> None:
        zone, middle = ZoneInfo(place[0]), place[1]
        start = datetime.combine(middle, time(), zone).astimezone(UTC)
        self.rows = [
            PunchRow(f"e{number:02}", start + timedelta(minutes=minute), "E1", event, "door", direction=direction)  # type: ignore[arg-type]
            for number, (minute, direction, event) in enumerate(passages)
        ]
        self.config = AttendanceConfig(day_starts=day_starts)
        self.rota = Rota(
            {f"s{n}": each for n, each in enumerate(shifts)}, HolidaysConfig(), zone, day_starts=day_starts
        )
        self.days = [middle + timedelta(days=offset) for offset in range(-7, 13)]
        self._zone = zone

    def near(self, day: date) -> list[PunchRow]:
        """Rows that the files of the days around one hold."""
        return [row for row in self.rows if -3 <= (row.timestamp.astimezone(self._zone).date() - day).days <= 2]

    def sheets(self) -> list[DaySheet]:
        book = Book(PEOPLE, self.rota, self._zone, self.config)
        return [row for day in self.days for row in day_sheet([DayRows(self.near(day))], day, book)]

    def periods(self, rows: Sequence[PunchRow]) -> Periods:
        return Periods(self.rota, "E1", "", rows, {}, self.config.longest_day_h)

    def longest(self, day: date) -> timedelta:
        planned = self.rota.planned("E1", "", day)
        return max(DAY, planned.end - planned.start + AROUND) if planned else DAY


@settings(deadline=None, max_examples=200)
@given(shifts_, st.sampled_from(PLACES), passages_, day_starts_)
@example([], PLACES[0], [(1439, "in", "punch"), (1440, "out", "punch")], time(0))
@example([], PLACES[0], [(0, "both", "punch"), (720, "both", "punch"), (1440, "both", "punch")], time(0))
def test_each_passage_counts_on_one_day_and_no_moment_twice(
    shifts: list[ShiftConfig], place: tuple[str, date], passages: list[tuple[int, str, str]], day_starts: time
) -> None:
    week = Week(shifts, place, passages, day_starts)
    periods = week.periods(week.rows)
    assert Counter(row.event_id for day in week.days for row in periods.on(day)) == Counter(
        row.event_id for row in week.rows
    )
    for day in week.days:
        own = periods.on(day)
        assert week.periods(week.near(day)).on(day) == own, "the days around it decide"
        assert [periods.day_of(row) for row in own] == [day] * len(own)
    for sheet in week.sheets():
        assert sheet.punches == sum(row.event == "punch" for row in periods.on(sheet.day))
        assert (sheet.worked or timedelta()) <= (sheet.stayed or timedelta()) <= week.longest(sheet.day)
    found = stays(week.rows, [], week.days[0], week.days[-1], week.rota, PEOPLE, week.config)
    for earlier, later in pairwise(sorted((stay for stay in found if not stay.open), key=lambda stay: stay.begin)):
        assert earlier.end <= later.begin, "a moment counts twice"


@settings(deadline=None, max_examples=200)
@given(shifts_, st.sampled_from(PLACES), stints_, day_starts_)
@example([], PLACES[1], [(1320, 540), (900, 540)], time(0))  # the night in which clocks go back
def test_hours_are_the_time_between_pairs_or_somebody_is_told(
    shifts: list[ShiftConfig], place: tuple[str, date], stints: list[tuple[int, int]], day_starts: time
) -> None:
    passages, minute = [], -2000
    for pause, length in stints:
        passages += [(minute + pause, "in", "punch"), (minute + pause + length, "out", "punch")]
        minute += pause + length
    week = Week(shifts, place, passages, day_starts)
    sheets = week.sheets()
    total = sum((row.worked or timedelta() for row in sheets), timedelta())
    paired = timedelta(minutes=sum(length for _, length in stints))
    if not any(row.to_settle for row in sheets):
        assert total == paired
    assert total <= paired


@pytest.mark.parametrize(
    "shift", [None, ("09:00", "17:30"), ("22:00", "06:00"), ("14:00", "22:00"), ("00:30", "08:30")]
)
@pytest.mark.parametrize("place", PLACES, ids=lambda place: f"{place[0]} {place[1]}")
def test_a_week_as_planned_needs_nobody(shift: tuple[str, str] | None, place: tuple[str, date]) -> None:
    """Nights without a shift, too: nothing is open, and every day has its hours."""
    begin, end = (time.fromisoformat(text) for text in shift or ("22:00", "06:00"))
    plan = [ShiftConfig(start=begin, end=end, days="mon-sun")]
    week = Week(plan, place, [])
    passages: list[tuple[int, str, str]] = []
    lengths: list[timedelta] = []
    middle = datetime.combine(place[1], time(), ZoneInfo(place[0])).astimezone(UTC)
    for day in week.days[4:11]:
        planned = week.rota.planned("E1", "", day)
        assert planned is not None
        lengths.append(planned.end - planned.start)
        for moment, direction in ((planned.start, "in"), (planned.end, "out")):
            passages.append(((moment - middle) // timedelta(minutes=1), direction, "punch"))
    for both in (False, True):
        own = [(minute, "both" if both else direction, event) for minute, direction, event in passages]
        worked = Week(plan if shift else [], place, own)
        rows = [row for row in worked.sheets() if row.present]
        assert [row.day for row in rows] == week.days[4:11]
        assert not any(row.to_settle for row in rows)
        assert [row.worked for row in rows] == lengths
