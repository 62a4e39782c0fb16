"""Who is planned when, from the settings and the lists of a workspace. Nothing here comes from the engine."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd

DAY, HOUR, MINUTE = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1)
NONE = timedelta(0)
WEEK = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
PUBLIC = {"DE": ("2026-10-03",), "US": ("2026-10-12", "2026-11-11", "2026-11-26"), "": ()}
"""Public holidays of October and November 2026."""

Span = tuple[datetime, datetime]


def table(path: Path) -> pd.DataFrame:
    """A CSV file as texts."""
    return pd.read_csv(path, dtype=str, keep_default_na=False)


def tables(folder: Path, name: str) -> pd.DataFrame:
    """All days of a log."""
    found = [table(path) for path in sorted((folder / "log").glob(f"{name}-*.csv"))]
    return pd.concat(found, ignore_index=True) if found else pd.DataFrame()


def weekdays(text: str) -> set[int]:
    """`mon-fri` or `sun-thu` or `mon,wed` as numbers."""
    found: set[int] = set()
    for part in text.split(","):
        first, _, last = part.partition("-")
        at, end = WEEK.index(first), WEEK.index(last or first)
        found |= {(at + step) % 7 for step in range((end - at) % 7 + 1)}
    return found


@dataclass(frozen=True)
class Shift:
    """A shift on a date, as moments."""

    name: str
    start: datetime
    end: datetime
    rules: Mapping[str, Any]

    @property
    def length(self) -> timedelta:
        return self.end - self.start

    def minutes(self, setting: str, usual: float = 0) -> timedelta:
        return timedelta(minutes=self.rules.get(setting, usual))

    def without_break(self, stayed: timedelta, seen: timedelta = NONE) -> timedelta:
        """What is left of a presence after the breaks that were seen, or the planned one."""
        after, planned = timedelta(hours=self.rules.get("break_after_h", 6)), self.minutes("break_min")
        if stayed > after:
            least = min(planned, stayed - after) if self.rules.get("break_floor", True) else planned
            return max(stayed - max(seen, least), NONE)
        return stayed - seen


class Company:
    """Who is planned when, from the settings and the lists."""

    def __init__(self, folder: Path) -> None:
        self.settings = tomllib.loads((folder / "muster.toml").read_text())
        self.zone = ZoneInfo(self.settings["timezone"])
        self.people = {row["employee_id"]: row for row in table(folder / "people.csv").to_dict("records")}
        dated = table(folder / "employment.csv").sort_values("valid_from", kind="stable")
        self.dated = {
            key: list(zip(rows.valid_from, rows.value, strict=True))
            for key, rows in dated.groupby(["employee_id", "fact"])
        }
        self.day_starts = self.settings.get("attendance", {}).get("day_starts", time())
        self.longest = timedelta(hours=self.settings.get("attendance", {}).get("longest_day_h", 13))
        self.shift, self.holiday = cache(self._shift), cache(self._holiday)
        self.begins, self._fact = cache(self._begins), cache(self._dated)

    def at(self, day: date, clock: time) -> datetime:
        return datetime.combine(day, clock, self.zone).astimezone(UTC)

    def _dated(self, who: str, fact: str, day: date) -> str | None:
        """What holds on a day; None: nothing is dated, or somebody was employed until a day without a dated first one."""
        held = [value for since, value in self.dated.get((who, fact), []) if since <= day.isoformat()]
        return held[-1] if held else None

    def department(self, who: str, day: date) -> str:
        found = self._fact(who, "department", day)
        return self.people[who]["department"] if found is None else found

    def first_day(self, who: str) -> date | None:
        known = [since for since, value in self.dated.get((who, "employed"), []) if since and value == "yes"]
        return date.fromisoformat(known[-1]) if known else None

    def enrolled(self, who: str) -> date | None:
        text = self.people[who]["enrolled_at"]
        return datetime.fromisoformat(text).astimezone(self.zone).date() if text else None

    def employed(self, who: str, day: date) -> bool:
        found = self._fact(who, "employed", day)
        return (found or self._before(who)) == "yes"

    def _before(self, who: str) -> str:
        """Whether somebody was employed before all that is dated."""
        dated = self.dated.get((who, "employed"))
        return {"yes": "no", "no": "yes"}[dated[0][1]] if dated else self.people[who]["active"]

    def _names(self, rule: Mapping[str, Any], who: str, department: str) -> int:
        """2: names the person, 1: the department, 0: everybody, -1: somebody else."""
        if who in rule.get("people", ()):
            return 2
        if department in rule.get("departments", ()):
            return 1
        return -1 if rule.get("people") or rule.get("departments") else 0

    def _shift(self, who: str, day: date) -> Shift | None:
        if not self.employed(who, day):
            return None
        assigned = self._fact(who, "shift", day)
        if assigned:
            return self._named(assigned, day, assigned=True)
        found: list[tuple[int, Shift | None]] = []
        in_cycles = {name for rota in self.settings.get("rotas", {}).values() for name in rota["cycle"]}
        for kind in ("rotas", "shifts"):
            for name, rule in self.settings.get(kind, {}).items():
                rank = self._names(rule, who, self.department(who, day))
                alone = kind == "rotas" or name in in_cycles or rule.get("assigned_only")
                if rank > 0 or (rank == 0 and not alone):
                    turn = self._named(name, day)
                    if turn or kind == "rotas":
                        found.append((rank, turn))
        return max(found, key=lambda each: each[0])[1] if found else None

    def _named(self, name: str, day: date, *, assigned: bool = False) -> Shift | None:
        rotas = self.settings.get("rotas", {})
        if name in rotas:
            rota = rotas[name]
            turn = (day - rota["anchor"]).days // rota.get("days_each", 7) % len(rota["cycle"])
            name = rota["cycle"][turn]
            if name == "off":
                return None
        rules = self.settings["shifts"][name]
        held = rules.get("valid_from", date.min) <= day <= rules.get("valid_until", date.max)
        return self._on(name, day) if held and day.weekday() in weekdays(rules.get("days", "mon-fri")) else None

    def _on(self, name: str, day: date) -> Shift:
        """A shift on a date, whether it is worked there or not."""
        rules = self.settings["shifts"][name]
        start, end = rules["start"], rules["end"]
        return Shift(name, self.at(day, start), self.at(day + DAY * (end <= start), end), rules)

    def _holiday(self, who: str, day: date) -> bool:
        rules = self.settings.get("holidays", {})
        groups = [
            (self._names(each, who, self.department(who, day)), each) for each in rules.get("groups", {}).values()
        ]
        best = max(groups, key=lambda each: each[0], default=(0, {}))
        own = best[1] if best[0] > 0 else {}
        extra = {*rules.get("extra", {}), *own.get("extra", {})}
        working = {*map(str, rules.get("working", ())), *map(str, own.get("working", ()))}
        country = own.get("country") or rules.get("country", "")
        return str(day) in extra or str(day) in set(PUBLIC[country]) - working

    def expected(self, who: str, day: date) -> Shift | None:
        shift = self.shift(who, day)
        return shift if shift and (shift.rules.get("on_holidays") or not self.holiday(who, day)) else None

    def near_shift(self, who: str, day: date) -> Shift | None:
        """That of the day, or of the nearest day within a week, the earlier of two."""
        near = sorted(range(-7, 8), key=lambda step: (abs(step), step))
        return next((found for step in near if (found := self.shift(who, day + step * DAY))), None)

    def _begins(self, who: str, day: date) -> datetime:
        """The boundary at which a working day begins."""
        own, before = self.shift(who, day), self.shift(who, day - DAY)
        usual, latest = self.at(day, self.day_starts), self.at(day, time(21, 59))
        if own is None and before is None:
            return usual
        later = own or self._on(before.name, day)
        earlier = before or self._on(own.name, day - DAY)
        half = earlier.end + (later.start - earlier.end) / 2
        if before is None:
            half = min(half, own.start - 4 * HOUR)
        if own is None:
            half = max(half, before.end + 4 * HOUR)
        if half < usual:
            half = min(usual, later.start - 2 * HOUR)
        return min(half, latest)

    def limit(self, who: str, day: date, usual: timedelta) -> timedelta:
        """A usual limit, or the length of the shift and four hours if that is more."""
        shift = self.shift(who, day)
        return max(usual, shift.length + 4 * HOUR) if shift else usual
