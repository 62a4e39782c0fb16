"""Day sheets computed a second time, with pandas, from the files of a workspace and the prose of docs/attendance.md alone.

Nothing here comes from the engine: what both computations agree on was understood twice.
`python -m tests.attendance.independent --people 200 --months 2` makes up companies and compares both.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd

from tests.attendance.independent_doors import Door, Mark, Stay
from tests.attendance.independent_plan import DAY, HOUR, MINUTE, NONE, Company, Span, table, tables

COLUMNS = ["employee_id", "date", "status", "hours", "planned", "credited", "balance", "late", "late_min", "early_min"]
WITHIN = {"hours": 0.006, "planned": 0.006, "credited": 0.011, "balance": 0.011}
"""Hours: the sheet has two digits, and what it credits is the difference of two such figures."""
KINDS = {  # status, credit, as the table of kinds says
    "annual": ("on leave", "full"),
    "special": ("on leave", "full"),
    "sick": ("sick", "full"),
    "remote": ("remote", "full"),
    "time_off": ("on leave", "none"),
    "unpaid": ("on leave", "none"),
    "parental": ("on leave", "unplanned"),
}
RANK = ("sick", "on leave", "remote")


@dataclass(frozen=True)
class Corrections:
    """What holds of a person's day: approved additions, removals and a status."""

    added: tuple[Mark, ...] = ()
    removed: frozenset[str] = frozenset()
    status: str = ""


def _moments(texts: pd.Series) -> pd.Series:
    return pd.to_datetime(texts, utc=True, format="ISO8601")


def corrections_of(folder: Path) -> dict[tuple[str, date], Corrections]:
    """Approved corrections that were not revoked, by person and day."""
    found: dict[tuple[str, date], Corrections] = {}
    rows = tables(folder, "corrections")
    if rows.empty:
        return found
    by_day: dict[tuple[str, date], list[Any]] = {}
    for row in rows.sort_values("timestamp", key=_moments, kind="stable").itertuples():
        by_day.setdefault((row.employee_id, date.fromisoformat(row.day)), []).append(row)
    for key, own in by_day.items():
        last = max((number for number, row in enumerate(own, 1) if row.action == "approve"), default=0)
        revoked = {row.refers_to for row in own[:last] if row.action == "revoke"}
        held = [row for row in own[:last] if row.correction_id not in revoked]
        found[key] = Corrections(
            tuple(
                Mark(datetime.fromisoformat(row.time).astimezone(UTC), row.correction_id, row.direction or "both")
                for row in held
                if row.action == "add"
            ),
            frozenset(row.refers_to for row in held if row.action == "remove"),
            "".join([row.value for row in held if row.action == "status"][-1:]),
        )
    return found


@dataclass(frozen=True)
class Away:
    """Leave on a working day."""

    status: str
    share: float
    half: str
    credited: float
    unplanned: float

    @property
    def whole(self) -> bool:
        return self.share >= 1


def leave_of(folder: Path) -> dict[tuple[str, date], Away]:
    """Approved leave by person and day, whether a working day or not."""
    days: dict[tuple[str, date], list[tuple[str, float, str]]] = {}
    if not (folder / "leave.csv").exists():
        return {}
    for row in table(folder / "leave.csv").itertuples():
        if row.status in {"", "approved"}:
            for at in pd.date_range(row.first_day, row.last_day):
                entry = (row.kind, float(row.share or 1), row.half)
                days.setdefault((row.employee_id, at.date()), []).append(entry)
    return {key: _combined(entries) for key, entries in days.items()}


def _combined(entries: list[tuple[str, float, str]]) -> Away:
    """Sick leave counts before other leave, and other leave before remote work."""
    entries.sort(key=lambda each: RANK.index(KINDS[each[0]][0]))
    left, halves, parts = 1.0, set[str](), []
    for kind, share, half in entries:
        if half and half in halves:
            continue
        taken = min(share, left)
        if taken > 0:
            parts.append((kind, taken))
            left -= taken
            halves.add(half)
    sums = {credit: sum(share for kind, share in parts if KINDS[kind][1] == credit) for credit in ("full", "unplanned")}
    half = next(iter(halves)) if len(halves) == 1 else ""
    return Away(KINDS[parts[0][0]][0], 1 - left, half, sums["full"], sums["unplanned"])


class Cameras:
    """When the entrance was not covered."""

    def __init__(self, folder: Path, company: Company) -> None:
        rows, self.gaps = tables(folder, "coverage"), list[Span]()
        cameras = company.settings["cameras"]
        self.lead = timedelta(minutes=company.settings.get("attendance", {}).get("lead_min", 30))
        rows["begin"], rows["end"] = (
            pd.to_datetime(rows[name], utc=True, format="ISO8601") for name in ("begins", "ends")
        )
        for camera in (name for name, rules in cameras.items() if rules.get("entrance", True)):
            own = rows[rows.camera == camera].sort_values("begin")
            until = own.end.cummax().shift()
            for begin, end in zip(until, own.begin, strict=True):
                if end - begin > pd.Timedelta(seconds=60):
                    self.gaps.append((begin.to_pydatetime(), end.to_pydatetime()))

    def off(self, begin: datetime, end: datetime) -> bool:
        """Whether a camera was off between two moments for longer than a minute."""
        return any(min(end, until) - max(begin, since) > MINUTE for since, until in self.gaps)


class Independent:
    """The day sheets of a workspace."""

    def __init__(self, folder: Path) -> None:
        self.company = company = Company(folder)
        self.cameras, self.leave, self.corrections = Cameras(folder, company), leave_of(folder), corrections_of(folder)
        rows = tables(folder, "attendance")
        rows["time"] = pd.to_datetime(rows.timestamp, utc=True, format="ISO8601")
        taken_back = set(rows[rows.event == "retract"].refers_to)
        taken_back |= {key for held in self.corrections.values() for key in held.removed}
        passed = rows[rows.event.isin(["punch", "seen"]) & ~rows.event_id.isin(taken_back)]
        doubtful = rows[rows.event.isin(["unidentified", "retract"])]
        corrected = tables(folder, "corrections")
        revoked = set(corrected[corrected.action == "revoke"].refers_to)
        held = corrected[~corrected.correction_id.isin(revoked) & corrected.action.isin(["add", "remove", "status"])]
        self.touched = {(row.employee_id, date.fromisoformat(row.day)) for row in held.itertuples()}
        self.marks, self.doubts = self._by_day(passed), self._by_day(doubtful)
        self.moved, self.first_guess = cache(self._moved), cache(self._first_guess)

    def _by_day(self, rows: pd.DataFrame) -> dict[tuple[str, date], list[Mark]]:
        found: dict[tuple[str, date], list[Mark]] = {}
        for row in rows.sort_values(["time", "event_id"]).itertuples():
            mark = Mark(row.time.to_pydatetime(), row.event_id, row.direction or "both", row.event == "seen")
            found.setdefault((row.employee_id, self.day_of(row.employee_id, mark.time)), []).append(mark)
        return found

    def day_of(self, who: str, at: datetime) -> date:
        """The working day by its boundaries alone."""
        day = at.astimezone(self.company.zone).date()
        return next(each for each in (day + DAY, day, day - DAY) if self.company.begins(who, each) <= at)

    # ------------------------------------------------------------------------------------------ working days

    def _own(self, who: str, day: date, without: frozenset[str]) -> list[Mark]:
        """Passages between the boundaries of a day that count there, with what was added to it."""
        held = self.corrections.get((who, day), Corrections())
        marks = [mark for mark in self.marks.get((who, day), []) if mark.key not in without]
        return sorted([*marks, *held.added], key=lambda mark: (mark.time, mark.key))

    def _going_on(self, who: str, day: date, own: Sequence[Mark]) -> frozenset[str]:
        """Passages after the boundary that still belong to the day with these passages."""
        company = self.company
        shorter, longer = company.limit(who, day, company.longest), company.limit(who, day, DAY)
        door, found = Door(shorter, longer), set[str]()
        for mark in own:
            door.step(mark)
        after = company.shift(who, day + DAY) is not None
        added = [mark.time for mark in self.corrections.get((who, day + DAY), Corrections()).added]
        for mark in self.marks.get((who, day + DAY), []):
            if added and mark.time >= min(added):
                break
            if not door.goes_on(mark, after):
                break
            found.add(mark.key)
            door.step(mark)
        return frozenset(found)

    def _first_guess(self, who: str, day: date) -> frozenset[str]:
        return self._going_on(who, day, self._own(who, day, frozenset()))

    def _moved(self, who: str, day: date) -> frozenset[str]:
        """Passages of the next day that belong to this one; it looks back one boundary."""
        return self._going_on(who, day, self._own(who, day, self.first_guess(who, day - DAY)))

    def passages(self, who: str, day: date) -> list[Mark]:
        """The passages of a working day as corrected."""
        own = self._own(who, day, self.moved(who, day - DAY))
        more = [mark for mark in self.marks.get((who, day + DAY), []) if mark.key in self.moved(who, day)]
        return sorted([*own, *more], key=lambda mark: (mark.time, mark.key))

    # ------------------------------------------------------------------------------------------ sheets

    def sheets(self, first: date, last: date) -> pd.DataFrame:
        """One row per person and day as far as there is anything to say."""
        rows = [
            row
            for day in pd.date_range(first, last)
            for who in self.company.people
            if (row := self.row(who, day.date())) is not None
        ]
        return pd.DataFrame(rows, columns=COLUMNS)

    def row(self, who: str, day: date) -> dict[str, Any] | None:
        """The sheet of a person's day; None: nothing to say."""
        return _Day(self, who, day).row()


class _Day:
    """One person's working day."""

    def __init__(self, all_: Independent, who: str, day: date) -> None:
        company = all_.company
        self.all, self.who, self.day, self.company = all_, who, day, company
        self.shift, self.expected = company.shift(who, day), company.expected(who, day)
        self.marks = all_.passages(who, day)
        self.fix = all_.corrections.get((who, day), Corrections())
        self.stay = Stay(
            self.marks,
            company.limit(who, day, company.longest),
            company.limit(who, day, DAY),
            has_shift=self.shift is not None,
        )
        entry = all_.leave.get((who, day))
        near = self.expected or (
            company.near_shift(who, day) is None and day.weekday() < 5 and not company.holiday(who, day)
        )
        self.away = entry if entry and near and company.employed(who, day) else None
        replaced = self.fix.status in {"excused", "on leave", "remote", "sick"}
        if self.away and self.fix.status and (self.away.whole or replaced):
            self.away = None
        self.seen = bool(self.marks)
        self.doubt = bool(all_.doubts.get((who, day)))
        self.plan = self._plan()
        self.hours = self._hours()

    def _plan(self) -> timedelta:
        return self.expected.without_break(self.expected.length) if self.expected else NONE

    def _hours(self) -> timedelta:
        pairs = self.stay.pairs
        if not pairs:
            return NONE
        stayed = pairs[-1][1] - pairs[0][0]
        breaks = stayed - sum((end - begin for begin, end in pairs), NONE)
        shift = self.shift or self.company.near_shift(self.who, self.day)
        if shift is None or (not self.expected and not shift.rules.get("break_off_plan", True)):
            return stayed - breaks
        return shift.without_break(stayed, breaks)

    # ------------------------------------------------------------------------------------------ judgement

    def window(self) -> Span | None:
        """The planned time, without the half that is free; None: nothing is compared with it."""
        shift, away = self.expected, self.away
        if shift is None or (away and (away.whole or not away.half)):
            return None
        if not away:
            return shift.start, shift.end
        left = self.plan * (1 - away.share)
        if left > timedelta(hours=shift.rules.get("break_after_h", 6)):
            left += shift.minutes("break_min")
        return (shift.end - left, shift.end) if away.half == "morning" else (shift.start, shift.start + left)

    def judged(self) -> tuple[bool | None, bool | None]:
        """Late and left early; None: unknown."""
        window, stay, shift = self.window(), self.stay, self.expected
        if window is None or shift is None or not self.seen:
            return None, None
        off, lead = self.all.cameras.off, self.all.cameras.lead
        late = early = None
        by_hand = {mark.time for mark in self.fix.added}
        if stay.arrival:
            late = stay.arrival > window[0] + shift.minutes("grace_min", 5)
            if late and stay.arrival not in by_hand and off(window[0] - lead, stay.arrival):
                late = None
        if stay.departure:
            early = stay.departure < window[1] - shift.minutes("leave_grace_min")
            if early and stay.departure not in by_hand and off(stay.departure, window[1]):
                early = None
        return late, early

    def status(self, late: bool | None, early: bool | None) -> str:
        """The status without corrections of it."""
        if self.away and self.away.whole:
            return self.away.status
        if self.expected is None:
            return self._off_plan()
        begin, end = self.window() or (self.expected.start, self.expected.end)
        off, lead = self.all.cameras.off, self.all.cameras.lead
        if not self.seen:
            return self._unseen(off(begin, end))
        if missing := self._missing():
            stay, last, timed = self.stay, self.marks[-1].time, self.window() is not None
            came = off(begin - lead, max(stay.strays, default=last)) if stay.missing_in else timed and late is None
            left = off(last, max(end, last) + lead) if stay.departure is None else timed and early is None
            return "not covered" if (came and (stay.missing_in or stay.arrival)) or left else missing
        return self._punctual(late, early)

    def _missing(self) -> str:
        return "missing out" if self.stay.missing_out else "missing in" if self.stay.missing_in else ""

    def _punctual(self, late: bool | None, early: bool | None) -> str:
        if self.window() is None:
            return "present"
        if None in (late, early):
            return "not covered"
        return ", ".join(["late"] * bool(late) + ["left early"] * bool(early)) or "on time"

    def _off_plan(self) -> str:
        if self.seen:
            return self._missing() or "present"
        return "holiday" if self.shift and self.company.holiday(self.who, self.day) else ""

    def _unseen(self, hidden: bool) -> str:
        enrolled = self.company.enrolled(self.who)
        if enrolled is None or enrolled > self.day:
            return "not enrolled" if self.company.first_day(self.who) else ""
        return "not identified" if self.doubt else "not covered" if hidden else "absent"

    def row(self) -> dict[str, Any] | None:
        """The day as cells; None: there is nothing to say."""
        late, early = self.judged()
        found = self.status(late, early)
        if self.fix.status not in {"", "present"}:
            late = early = None
        planned, hours = self.plan, self.hours
        status = self.fix.status or found or ("day off" if (self.who, self.day) in self.all.touched else "")
        if not status:
            return None
        if self.away:
            planned *= 1 - self.away.unplanned
        credited = self._credited(status, planned)
        if self.fix.status == "as planned" and self.expected:
            left = 1 - self.away.share if self.away and not self.away.whole else 1
            hours, credited = self.plan * left, self.plan * self.half_credit
        start, end = self.window() or (None, None)
        return {
            "employee_id": self.who,
            "date": self.day.isoformat(),
            "status": status,
            "hours": hours / HOUR,
            "planned": planned / HOUR,
            "credited": credited / HOUR,
            "balance": (hours + credited - planned) / HOUR,
            "late": {True: "yes", False: "no", None: ""}[late],
            "late_min": "" if late is None else (self.stay.arrival - start) // MINUTE if late else 0,
            "early_min": "" if early is None else (end - self.stay.departure) // MINUTE if early else 0,
        }

    @property
    def half_credit(self) -> float:
        """Share of the day that leave of a part of it credits, whatever is worked in the rest."""
        return self.away.credited if self.away and not self.away.whole else 0

    def _credited(self, status: str, planned: timedelta) -> timedelta:
        away, stay = self.away, self.stay
        complete = bool(stay.pairs) and not stay.missing_in and not stay.missing_out
        rest = max(planned - self.hours, NONE)
        if self.fix.status in {"excused", "on leave", "remote", "sick"}:
            return max(self.plan - self.hours, NONE)
        if away and away.whole and not self.fix.status:
            return min(self.plan * away.credited, rest)
        expected = self.plan * (1 - away.share) if away and not away.whole else self.plan
        open_ = status in {"not covered", "not identified", "not enrolled", "missing in", "missing out"}
        open_ |= self.fix.status == "present" and not complete
        return self.plan * self.half_credit + (max(expected - self.hours, NONE) if open_ else NONE)


def engine_sheets(bench: Any, first: date, last: date) -> pd.DataFrame:
    """The same columns from the engine."""
    from engine.attendance import cells

    rows = []
    for each in bench.attendance.sheets.between(first, last, bench.people.known()):
        found = cells(each)
        hours, planned = ((value or timedelta(0)) / HOUR for value in (each.worked, each.planned))
        credited = (each.credited or timedelta(0)) / HOUR
        row = {name: found[name] for name in ("employee_id", "date", "status", "late", "late_min", "early_min")}
        row |= {"hours": hours, "planned": planned, "credited": credited, "balance": hours + credited - planned}
        rows.append(row)
    return pd.DataFrame(rows, columns=COLUMNS)


def differences(own: pd.DataFrame, other: pd.DataFrame) -> pd.DataFrame:
    """Rows in which two computations disagree, one line per cell."""
    key = ["employee_id", "date"]
    both = own.merge(other, on=key, how="outer", suffixes=("", "_engine")).astype(object).fillna("")
    found = []
    for name in COLUMNS[2:]:
        here, there = both[name], both[f"{name}_engine"]
        if name in WITHIN:
            here, there = (pd.to_numeric(each, errors="coerce").fillna(0) for each in (here, there))
            wrong = (here - there).abs() > WITHIN[name]
        else:
            wrong = here.astype(str) != there.astype(str)
        found.append(both[wrong][key].assign(column=name, own=here[wrong], engine=there[wrong]))
    return pd.concat(found).sort_values(key, ignore_index=True)


def main() -> None:
    """Compare both on companies in three time zones, from the command line."""
    import argparse
    import tempfile
    from time import perf_counter

    from tests.attendance.company import COUNTRIES, Author

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, default=24)
    parser.add_argument("--months", type=int, choices=(1, 2), default=1)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--zone", choices=COUNTRIES, action="append")
    parser.add_argument("--keep", type=Path)
    given = parser.parse_args()
    first, last = date(2026, 10, 1), date(2026, 10, 31) if given.months == 1 else date(2026, 11, 30)
    for zone in given.zone or COUNTRIES:
        with tempfile.TemporaryDirectory() as made:
            folder = (given.keep or Path(made)) / zone.replace("/", "-")
            folder.mkdir(parents=True)
            begin = perf_counter()
            bench = Author(folder, zone, given.people, first, last, given.seed).write()
            written = perf_counter()
            other = engine_sheets(bench, first, last)
            by_engine = perf_counter()
            own = Independent(folder).sheets(first, last)
            found = differences(own, other)
            print(
                f"{zone}: {len(own)} person-days, {len(other)} of the engine, {len(found)} differences; "
                f"written in {written - begin:.0f} s, engine {by_engine - written:.0f} s, own {perf_counter() - by_engine:.0f} s"
            )
            print(found.groupby("column").size().to_string())
            print(found.head(60).to_string())


if __name__ == "__main__":
    main()
