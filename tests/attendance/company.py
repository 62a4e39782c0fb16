"""A made-up company with all that makes a month hard: shifts that take turns, nights, leave, outages, corrections, missed passages."""

from __future__ import annotations

import random
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from engine.attendance import Correction, PunchRow, Span
from engine.people import Leave
from engine.workbench import Workbench

DAY, HOUR, MINUTE = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1)
NOW = datetime(2026, 12, 8, 12, 0, tzinfo=UTC)
COUNTRIES = {"Europe/Berlin": "DE", "America/New_York": "US", "Asia/Kolkata": ""}
SETTINGS = """
timezone = "{zone}"
[attendance]
four_eyes = true
[holidays]
country = "{country}"
extra = {{ 2026-10-14 = "Founders' Day" }}
[holidays.groups.service]
departments = ["Service"]
extra = {{ 2026-10-21 = "Service Day" }}
working = [2026-10-14]
[shifts.office]
start = 09:00:00
end = 17:30:00
break_min = 30
departments = ["Sales"]
[shifts.late]
start = 14:00:00
end = 22:00:00
days = "mon-sat"
break_min = 30
leave_grace_min = 5
break_off_plan = false
departments = ["Service"]
[shifts.night]
start = 22:00:00
end = 06:00:00
days = "sun-thu"
break_min = 45
break_floor = false
on_holidays = true
departments = ["Guard"]
[shifts.mornings]
start = 08:00:00
end = 12:00:00
days = "mon,wed,fri"
grace_min = 0
departments = ["Desk"]
[shifts.fire]
start = 07:00:00
end = 07:00:00
days = "tue,fri"
break_min = 60
departments = ["Fire"]
[shifts.turn-early]
start = 06:00:00
end = 14:00:00
break_min = 30
[shifts.turn-late]
start = 14:00:00
end = 22:00:00
break_min = 30
[shifts.turn-night]
start = 22:00:00
end = 06:00:00
break_min = 30
[shifts.long]
start = 06:30:00
end = 18:30:00
days = "mon-sun"
break_min = 60
[shifts.owl]
start = 00:30:00
end = 08:30:00
break_min = 30
people = ["{owl}"]
[rotas.team-a]
cycle = ["turn-early", "turn-late", "turn-night"]
anchor = 2026-10-05
departments = ["Team A"]
[rotas.team-b]
cycle = ["turn-early", "turn-late", "turn-night"]
anchor = 2026-09-28
departments = ["Team B"]
[rotas.four]
cycle = ["long", "off"]
anchor = 2026-10-02
days_each = 4
[cameras.front]
direction = "in"
[cameras.back]
direction = "out"
[cameras.gate]
direction = "both"
"""
DEPARTMENTS = (
    "Sales",
    "Team A",
    "Service",
    "Free",
    "Guard",
    "Desk",
    "Team B",
    "Sales",
    "Fire",
    "Free",
    "Sales",
    "Four",
)
CLOCKS = {  # usual arrival and length, for people without a shift and for days off
    "Free": [(time(8), 8.5), (time(10), 7), (time(22), 8), (time(18), 9)],
}
KINDS = ("annual", "annual", "sick", "unpaid", "parental", "remote", "time_off", "special")
HR, LEAD = "hr.kim", "lead.bo"


class Author:
    """Writes a company into a folder, the same for the same seed."""

    def __init__(self, folder: Path, zone: str, people: int, first: date, last: date, seed: int) -> None:
        self.rng, self.zone = random.Random(f"{seed} {zone}"), ZoneInfo(zone)
        self.folder, self.first, self.last = folder, first, last
        self.ids = [f"E{number:03}" for number in range(1, people + 1)]
        self.departments = {who: DEPARTMENTS[number % len(DEPARTMENTS)] for number, who in enumerate(self.ids)}
        self.both = {who: self.rng.random() < 0.4 for who in self.ids}
        self.rows: list[PunchRow] = []
        self.corrections: list[Correction] = []
        self.leave: list[Leave] = []
        self.days = [first + DAY * step for step in range((last - first).days + 1)]
        settings = SETTINGS.format(zone=zone, country=COUNTRIES[zone], owl=self.ids[-1])
        (folder / "muster.toml").write_text(settings)
        self._staff()
        self.bench = Workbench(folder, clock=lambda: NOW)

    def write(self) -> Workbench:
        """Everything: leave, passages, corrections, coverage."""
        self._leave()
        people = self.bench.people.known()
        for who in self.ids:
            self._passages(who, people[who].department)
        book = self.bench.attendance
        for day, rows in _by_day(self.rows, self.zone):
            with book.log.exclusive():
                book.log.append(day, rows)
        for day, fixes in _by_day(self.corrections, self.zone):
            with book.corrections.exclusive():
                book.corrections.append(day, fixes)
        self._coverage()
        return self.bench

    def at(self, day: date, clock: time) -> datetime:
        return datetime.combine(day, clock, self.zone).astimezone(UTC)

    # ---------------------------------------------------------------------------------------------- staff

    def _staff(self) -> None:
        """Leavers, hires, movers, people who are not enrolled yet and people with a shift of their own."""
        people, dated = [], []
        for number, who in enumerate(self.ids):
            department, enrolled, active = self.departments[who], "2026-01-05T09:00:00+00:00", "yes"
            day = self.first + DAY * (5 + number % 17)
            if number % 12 == 3:
                dated.append((who, day + DAY, "employed", "no"))
                active = "no"
            elif number % 12 == 5:
                dated += [(who, "", "employed", "no"), (who, day, "employed", "yes")]
                enrolled = f"{day + 4 * DAY}T03:00:00+00:00" if number % 24 == 5 else enrolled
            elif number % 12 == 7:
                dated += [(who, "", "department", department), (who, day, "department", "Team A")]
                department = "Team A"
            elif number % 12 == 10:
                dated += [(who, "", "shift", ""), (who, day, "shift", "turn-late")]
            elif number % 12 == 11:
                dated.append((who, "", "shift", "four"))
            people.append((who, f"Person {who}", department, "", enrolled, "", active))
        _table(self.folder / "people.csv", "employee_id,name,department,email,enrolled_at,consent_at,active", people)
        _table(
            self.folder / "employment.csv",
            "employee_id,valid_from,fact,value,noted_on,source",
            [(*row, "2026-09-01", "hand") for row in dated],
        )

    def _leave(self) -> None:
        rng = self.rng
        taken: set[tuple[str, date]] = set()
        for who in self.ids:
            for _ in range(rng.choice((0, 1, 1, 2, 3))):
                first = rng.choice(self.days)
                length = rng.choice((1, 1, 2, 3, 5, 8))
                kind, form = rng.choice(KINDS), rng.random()
                if any((who, first + DAY * step) in taken for step in range(length)):
                    continue
                taken |= {(who, first + DAY * step) for step in range(length)}
                share, half = None, ""
                if 0.1 < form < 0.4:
                    share, half = 0.5, rng.choice(("", "morning", "afternoon"))
                elif form < 0.45:
                    share = 0.25
                if form < 0.95:  # else it was cancelled
                    self._away(who, kind, first, length, share, half, "pending" if form < 0.1 else "approved")
                if half == "morning" and kind != "sick":
                    self._away(who, "sick", first, 1, 0.5, "afternoon", "approved")
        self.bench.leave.extend(self.leave)

    def _away(self, who: str, kind: str, first: date, length: int, share: float | None, half: str, status: str) -> None:
        last, number = first + DAY * (length - 1), len(self.leave)
        self.leave.append(Leave(f"hand-{number}", who, first, last, kind, "hand", "", share, half, status=status))  # type: ignore[arg-type]

    def _coverage(self) -> None:
        """All cameras watch, but for one morning, one evening and one night."""
        off = {
            "gate": [(self.at(self.first + 6 * DAY, time(8, 30)), 65 * MINUTE)],
            "front": [(self.at(self.first + 13 * DAY, time(21, 40)), 45 * MINUTE)],
            "back": [(self.at(self.first + 20 * DAY, time(5, 30)), HOUR)],
        }
        begin, end = self.at(self.first - 8 * DAY, time()), self.at(self.last + 6 * DAY, time())
        spans = []
        for camera, gaps in off.items():
            at = begin
            while at < end:
                spans.append(Span(camera, at.astimezone(self.zone), (at + 4 * HOUR).astimezone(self.zone)))
                at += 4 * HOUR
            for since, length in gaps:
                own = [each for each in spans if each.camera == camera]
                spans = [each for each in spans if each.camera != camera]
                for each in own:
                    parts = ((each.begins, min(each.ends, since)), (max(each.begins, since + length), each.ends))
                    spans += [
                        Span(camera, *(t.astimezone(self.zone) for t in part)) for part in parts if part[0] < part[1]
                    ]
        log = self.bench.attendance.plan.coverage.log  # type: ignore[union-attr]
        for day in sorted({span.begins.date() for span in spans}):
            with log.exclusive():
                log.append(day, [span for span in spans if span.begins.date() == day])

    # ---------------------------------------------------------------------------------------------- passages

    def _passages(self, who: str, department: str) -> None:
        rota = self.bench.attendance.rota
        habit = self.rng.choice(CLOCKS["Free"])
        for day in self.days:
            planned = rota.planned(who, department, day)
            chance = self.rng.random()
            if planned is not None:
                self._worked(who, day, planned.start, planned.end)
            elif self.departments[who] == "Free" and day.weekday() < 5 and chance < 0.9:
                begin = self.at(day, habit[0])
                self._worked(who, day, begin, begin + timedelta(hours=habit[1]))
            elif chance < 0.06:
                begin = self.at(day, self.rng.choice((time(7), time(9), time(16), time(21))))
                self._worked(who, day, begin, begin + self.rng.choice((3, 6.2, 8, 10)) * HOUR)

    def _worked(self, who: str, day: date, start: datetime, end: datetime) -> None:
        """A day, usual or not."""
        rng = self.rng
        came, left = start + _minutes(rng.gauss(-6, 5)), end + _minutes(abs(rng.gauss(5, 6)))
        chance, half = rng.random(), (end - start) / 2
        if chance < 0.04:
            self._unseen(who, day, came, chance)
            return
        came, left = self._unusual(chance, start, end, came, left)
        passages = [(came, "in"), (left, "out")]
        if rng.random() < 0.35 and left - came > 4 * HOUR:
            out = came + half + _minutes(rng.uniform(-60, 40))
            passages[1:1] = [(out, "out"), (out + _minutes(rng.uniform(1.2, 70)), "in")]
        if 0.21 < chance < 0.235:
            passages.pop()
        elif 0.235 < chance < 0.255:
            passages.pop(0)
        elif 0.255 < chance < 0.265 and len(passages) > 2:
            passages.pop(rng.choice((1, 2)))
        elif 0.265 < chance < 0.275:  # in, out and in again at the door
            passages[1:1] = [(came + 40 * timedelta(seconds=1), "out"), (came + 75 * timedelta(seconds=1), "in")]
        elif 0.275 < chance < 0.285:  # a stray one, hours before
            passages.insert(0, (came - rng.uniform(3, 14) * HOUR, rng.choice(("in", "out"))))
        rows = [self._row(who, at, way) for at, way in sorted(passages)]
        self._sightings(who, passages)
        if 0.285 < chance < 0.295:
            self._row(who, rows[0].timestamp + MINUTE, "in", "retract", refers_to=rows[0].event_id)
        self._correct(who, day, start, end, rows)

    def _unseen(self, who: str, day: date, came: datetime, chance: float) -> None:
        if chance < 0.012:
            self._row(who, came, "in", "unidentified")
        elif chance < 0.02:
            self._fix(who, day, "status", value=self.rng.choice(("excused", "as planned", "present", "sick", "remote")))

    def _unusual(
        self, chance: float, start: datetime, end: datetime, came: datetime, left: datetime
    ) -> tuple[datetime, datetime]:
        rng = self.rng
        if chance < 0.08:
            came = start + _minutes(rng.uniform(4, 90))
        elif chance < 0.09:
            came = start + 5 * MINUTE
        elif chance < 0.13:
            left = end - _minutes(rng.uniform(2, 120))
        elif chance < 0.15:
            left = end + _minutes(rng.uniform(60, 420))
        elif chance < 0.17:  # around midnight
            day = end.astimezone(self.zone).date()
            left = max(self.at(day + DAY, time()) + MINUTE * rng.choice((-1, 0, 5, 40)), came + HOUR)
        elif chance < 0.19:
            left = start + 6 * HOUR + MINUTE * rng.choice((0, 1, 20, 45))
            came = start
        elif chance < 0.21:
            came = start - rng.uniform(1, 4) * HOUR
        return came, left

    def _sightings(self, who: str, passages: Iterable[tuple[datetime, str]]) -> None:
        for at, way in passages:
            if self.rng.random() < 0.15:
                self._row(who, at + _minutes(self.rng.uniform(0.3, 4.9)), way, "seen")

    def _row(self, who: str, at: datetime, way: str, event: str = "punch", refers_to: str = "") -> PunchRow:
        local = at.astimezone(self.zone)
        direction = "both" if self.both[who] else way
        camera = {"both": "gate", "in": "front", "out": "back"}[direction]
        key = f"{local:%Y%m%dT%H%M%S}-{self.rng.getrandbits(32):08x}"
        row = PunchRow(
            key, local, who, event, camera, "face", direction=direction, refers_to=refers_to, author="engine"
        )  # type: ignore[arg-type]
        self.rows.append(row)
        return row

    # ---------------------------------------------------------------------------------------------- corrections

    def _correct(self, who: str, day: date, start: datetime, end: datetime, rows: list[PunchRow]) -> None:
        chance = self.rng.random()
        if chance < 0.015:
            self._fix(who, day, "add", time=end, direction="out")
        elif chance < 0.025:
            self._fix(who, day, "add", time=start, direction="in")
        elif chance < 0.035:
            self._fix(who, day, "remove", refers_to=self.rng.choice(rows).event_id)
        elif chance < 0.05:
            states = ("excused", "as planned", "present", "sick", "remote", "on leave", "absent")
            self._fix(who, day, "status", value=self.rng.choice(states))

    def _fix(self, who: str, day: date, action: str, **more: object) -> None:
        """A correction, approved in three of four cases; some are revoked again."""
        made = self.at(self.last + 3 * DAY, time(10)) + MINUTE * len(self.corrections)
        held = Correction("", made, day, who, action, author=HR, reason="asked", **more)  # type: ignore[arg-type]
        rows = [held]
        if self.rng.random() < 0.1:
            rows.append(Correction("", made, day, who, "revoke", refers_to="-", author=HR, reason="wrong"))
        if self.rng.random() < 0.75:
            rows.append(Correction("", made, day, who, "approve", author=LEAD, reason="checked"))
        first = ""
        for step, row in enumerate(rows):
            at = (made + timedelta(seconds=step)).astimezone(self.zone)
            key = f"{at:%Y%m%dT%H%M%S}-{self.rng.getrandbits(32):08x}"
            first = first or key
            local = row.time.astimezone(self.zone) if row.time else None
            refers_to = first if row.refers_to == "-" else row.refers_to
            made_at = replace(row, correction_id=key, timestamp=at, time=local, refers_to=refers_to)
            self.corrections.append(made_at)


def _minutes(number: float) -> timedelta:
    return timedelta(seconds=round(number * 60))


def _by_day(rows: Iterable[object], zone: ZoneInfo) -> list[tuple[date, list]]:  # type: ignore[type-arg]
    days: dict[date, list] = {}  # type: ignore[type-arg]
    for row in sorted(rows, key=lambda each: each.timestamp):  # type: ignore[attr-defined]
        days.setdefault(row.timestamp.astimezone(zone).date(), []).append(row)  # type: ignore[attr-defined]
    return sorted(days.items())


def _table(path: Path, columns: str, rows: Iterable[Iterable[object]]) -> None:
    path.write_text("\n".join([columns, *(",".join(map(str, row)) for row in rows)]) + "\n")
