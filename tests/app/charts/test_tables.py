"""Tables behind the charts, with values worked out by hand, and axes that one outlier does not flatten."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest
from sheets import row, unseen

from app.charts import tables
from app.charts.absence import absence
from app.charts.arrivals import delays, heat_map
from app.charts.axis import limits, padded
from app.charts.hours import balance, hours, overtime
from app.charts.people import MEASURES, people
from app.charts.presence import opening_day
from app.charts.trends import departments, trend
from app.web import viewer
from engine.attendance import DaySheet, Status, WorkWarning
from engine.config import AwayPart
from engine.reports import days_of, weeks

ANN = {"employee_id": "E1", "name": "Ann Ray", "department": "Lab"}
BEN = {"employee_id": "E2", "name": "Ben Orr", "department": "Sales"}
NO_PLAN = {"planned_in": "", "planned_out": "", "planned_hours": ""}
WEEK = [
    replace(row(2, hours="8.00", **ANN), overtime=timedelta(hours=0.5)),  # Monday: 0.5 over
    row(3, hours="7.00", late_min=20, status="late", first_in="09:20:00", **ANN),  # 0.5 under
    unseen(4, "sick", **ANN),  # credited
    replace(row(7, hours="3.00", status="present", **NO_PLAN, **ANN), overtime=timedelta(hours=3)),  # Saturday: 3 over
    unseen(2, "absent", **BEN),  # 7.5 under
    replace(row(3, hours="9.00", first_in="08:50:00", **BEN), overtime=timedelta(hours=1.5)),  # 1.5 over
]


def test_hours_by_day() -> None:
    found = tables.by_time(tables.person_days(WEEK)).set_index("date")
    assert found.loc[date(2026, 11, 2)].tolist() == [8.0, 0.0, 15.0, -7.0, 0.5, 2]
    assert found.loc[date(2026, 11, 3)].tolist() == [16.0, 0.0, 15.0, 1.0, 1.5, 2]
    assert found.loc[date(2026, 11, 4)].tolist() == [0.0, 7.5, 7.5, 0.0, 0.0, 1]
    assert found.loc[date(2026, 11, 7)].tolist() == [3.0, 0.0, 0.0, 3.0, 3.0, 1]


def test_one_day_is_grouped_by_department_and_a_quarter_by_week() -> None:
    assert tables.by_time(tables.person_days(WEEK[4:5])).columns[0] == "department"
    later = [replace(WEEK[0], day=date(2026, 12, 10)), *WEEK]  # a Thursday; its week begins on the 7th
    assert tables.by_time(tables.person_days(later))["week"].tolist() == [date(2026, 11, 2), date(2026, 12, 7)]


def test_overtime_is_that_of_the_sheet() -> None:
    guest = row(7, hours="5.00", status="present", **NO_PLAN, employee_id="E9", name="Guest", department="")
    days = tables.person_days([*WEEK, guest])
    assert days.groupby("employee_id")["overtime_hours"].sum().to_dict() == {"E1": 3.5, "E2": 1.5, "E9": 0.0}
    found = tables.overtime_by_department(days).set_index(["date", "department"])
    assert found.loc[(date(2026, 11, 7), "Lab")].tolist() == [3.0, 1]
    assert found.loc[(date(2026, 11, 2), "Sales")].tolist() == [0.0, 0]


def test_the_balance_runs_for_few_people_by_person_for_many_by_department() -> None:
    days = tables.person_days(WEEK)
    few = tables.running_balance(days)
    assert few[few["employee_id"] == "E1"]["balance"].tolist() == [0.5, 0.0, 0.0, 3.0]
    assert few[few["employee_id"] == "E2"]["balance"].tolist() == [-7.5, -6.0, -6.0, -6.0]
    cora = row(2, hours="9.50", employee_id="E3", name="Cora", department="Sales")  # 2 over
    many = tables.running_balance(tables.person_days([*WEEK, cora]), most=2)
    sales = many[many["department"] == "Sales"]
    assert sales["total_balance"].tolist() == [-5.5, -4.0, -4.0, -4.0]
    assert sales["balance"].tolist() == [-2.75, -2.0, -2.0, -2.0]


def test_absence_by_kind_counts_shares_and_no_remote_work() -> None:
    half = replace(row(3, **ANN), leave=(AwayPart("annual", "annual leave", "on leave", 0.5),))
    both = replace(unseen(5, "absent", **ANN), leave=(AwayPart("annual", "annual leave", "on leave", 0.5),))
    remote = replace(unseen(6, "remote", **ANN), leave=(AwayPart("remote", "remote", "remote"),))
    corrected = replace(unseen(6, "sick", **BEN), leave=(), corrected_by="hr")
    found = tables.absences([half, both, remote, corrected, unseen(6, "holiday", **ANN)])
    assert found[["date", "kind", "days"]].to_numpy().tolist() == [
        [date(2026, 11, 3), "annual leave", 0.5],
        [date(2026, 11, 5), "annual leave", 0.5],
        [date(2026, 11, 5), "absent", 0.5],
        [date(2026, 11, 6), "sick", 1.0],
    ]


def test_people_and_departments() -> None:
    ann, ben = tables.per_person(tables.person_days(WEEK)).to_dict("records")
    assert ann == {
        "employee_id": "E1", "name": "Ann Ray", "department": "Lab", "hours": 18.0, "credited_hours": 7.5, "planned_hours": 22.5,
        "balance": 3.0, "overtime_hours": 3.5, "late_days": 1, "late_min": 20, "absence_days": 1.0,
    }  # fmt: skip
    assert (ben["balance"], ben["absence_days"]) == (-6.0, 1.0)
    lab, sales = tables.departments(WEEK).set_index("department").loc[["Lab", "Sales"]].to_dict("records")
    # arrivals at 08:55:10 and 09:20:00: the median is half-way between −4:50 and 20:00
    assert (lab["arrivals"], round(lab["median_min"], 2), lab["late"]) == (2, 7.58, 0.5)
    assert (sales["arrivals"], sales["median_min"], sales["absent"]) == (1, -10.0, 0.5)


def test_a_spreadsheet_takes_no_name_for_a_formula() -> None:
    table = tables.per_person(tables.person_days([row(2, name="=1+1")]))
    assert b"\n=1" not in tables.csv(table)
    assert b",=1" not in tables.csv(table)


@pytest.mark.parametrize(
    ("values", "ends"),
    [
        ([*range(1, 11), 100], (0, 10 * 13 / 12)),  # a hundred would take nine tenths
        ([*range(1, 11), 14], (0, 14)),  # takes less than a third
        ([*range(-10, 0), -100], (-10 * 13 / 12, 0)),
        ([1, 2, 3, 100], (0, 100)),  # of four, none is an outlier
        ([0] * 10 + [5], (0, 5)),  # nothing else to see
        ([3.0, float("nan")], (0, 3)),
    ],
)
def test_one_outlier_does_not_flatten_an_axis(values: list[float], ends: tuple[float, float]) -> None:
    assert limits(values) == pytest.approx(ends)


def test_a_margin_is_never_empty() -> None:
    assert padded((0, 0)) == [0, 1]
    assert padded((0, 10)) == pytest.approx([0, 10.6])


def many(outlier: str) -> list[DaySheet]:
    return [row(2, hours=f"{7 + n / 10:.2f}", employee_id=f"E{n}", name=f"P{n}") for n in range(10)] + [
        row(2, hours=outlier, employee_id="far", name="Far Off")
    ]


def test_an_outlier_is_marked_at_the_edge_with_its_value_under_the_pointer() -> None:
    figure = people(tables.per_person(tables.person_days(many("90.00"))), "hours")
    far = figure.data[-1]
    assert (list(far.y), list(far.marker.symbol)) == ([0], ["triangle-right-open"])
    assert far.x[0] < 9
    assert "90 h" in far.text[0]
    assert far.customdata == ("person=far",)
    assert figure.layout.xaxis.range[1] < 10
    assert len(people(tables.per_person(tables.person_days(many("8.00"))), "hours").data) == 1


def test_an_early_bird_is_marked_among_arrivals() -> None:
    rows = [row(day, employee_id=f"E{n}") for day in (2, 3) for n in range(10)]
    far = row(3, first_in="01:00:00", employee_id="far")
    figure = delays([*rows, far], 5)
    assert figure.layout.yaxis.range[0] == -34
    assert figure.data[-1].text[0].endswith("8 h 00 min before the start")
    assert figure.data[-1].marker.symbol == ("triangle-down-open",)


def test_shift_starts_that_would_cover_each_other_share_a_label() -> None:
    starts = {"early": 360.0, "kitchen": 360.0, "gate": 375.0, "office": 540.0}
    figure = heat_map({(0, 24): 3, (0, 36): 5, (1, 40): 2}, starts)
    labels = [(each.text, each.hovertext) for each in figure.layout.annotations]
    assert labels == [
        ("3 shifts begin 06:00–06:15", "06:00 early<br>06:00 kitchen<br>06:15 gate"),
        ("office begins 09:00", "09:00 office"),
    ]
    assert len(figure.layout.shapes) == 3, "one line for each time"


def test_presence_opens_on_the_last_working_day() -> None:
    crowd = [row(day, employee_id=f"E{n}") for day in (5, 6) for n in range(4)]
    saturday = row(7, status="present", **NO_PLAN)
    guard = row(8, employee_id="E9")  # one person was planned on Sunday
    assert opening_day([*crowd, saturday, guard]) == date(2026, 11, 6)
    assert opening_day([saturday]) == date(2026, 11, 7)
    assert opening_day([]) is None


@pytest.mark.parametrize("language", ["en", "de"])
def test_every_figure_speaks_the_viewers_language_and_leads_somewhere(language: str) -> None:
    viewer.current.set(viewer.Viewer(language, "dark", ""))
    try:
        days = tables.person_days(WEEK)
        away = tables.absence_by_kind(WEEK)
        shown = days_of(WEEK)
        figures = [
            hours(tables.by_time(days)),
            balance(tables.running_balance(days)),
            overtime(tables.overtime_by_department(days)),
            absence(away, tables.steps(days)),
            departments(tables.departments(WEEK)),
            trend(shown, weeks(shown)),
            *(people(tables.per_person(days), measure) for measure in MEASURES),
        ]
        texts = [figure.to_json() for figure in figures]
    finally:
        viewer.current.set(viewer.Viewer("en", "light", ""))
    assert all('"customdata"' in text for text in texts)
    monday = {"en": "Mon 2 Nov", "de": "Mo 02.11."}[language]
    assert all(monday in text for text in texts[:2])
    assert {"en": "2 Nov", "de": "02.11."}[language] in texts[5]


def test_colours_run_out_into_grey() -> None:
    rows = [
        replace(row(2 + n % 5, hours="9.00"), employee_id=f"E{n}", department=f"D{n}", overtime=timedelta(hours=2))
        for n in range(8)
    ]
    figure = overtime(tables.overtime_by_department(tables.person_days(rows)))
    assert [trace.name for trace in figure.data][-1] == "other departments"
    assert len(figure.data) == 7
    kinds = [
        replace(unseen(2 + n % 5, "on leave"), leave=(AwayPart(f"k{n}", f"kind {n}", Status.ON_LEAVE),))
        for n in range(8)
    ]
    table = tables.absence_by_kind(kinds)
    assert len(absence(table, tables.steps(tables.person_days(kinds))).data) == 6


def test_warnings_of_working_time_are_counted_by_day_and_kind() -> None:
    rows = [row(2), row(3), row(3, employee_id="E2")]
    found = [
        WorkWarning(
            each.employee_id, each.name, each.department, each.day, kind, timedelta(hours=9), timedelta(hours=11)
        )
        for each, kind in ((rows[0], "rest"), (rows[1], "rest"), (rows[2], "rest"), (rows[2], "day"))
    ]
    table = tables.warnings_by_kind(rows, found)
    told = [tuple(each) for each in table[["date", "kind", "days", "people"]].itertuples(index=False)]
    second, third = rows[0].day, rows[1].day
    assert told == [(second, "short rest", 1.0, 1), (third, "short rest", 2.0, 2), (third, "too many hours", 1.0, 1)]
    figure = absence(table, [second, third], "Beyond the law on working time")
    assert {trace.name for trace in figure.data} >= {"short rest", "too many hours"}
    assert tables.warnings_by_kind(rows, []).empty
