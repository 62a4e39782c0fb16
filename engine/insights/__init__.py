"""What day sheets and logs say beyond single rows: arrivals, presence, trends, departments, what needs somebody, alerts. Pure.

Rows are those of the day sheet (`engine.attendance.DaySheet`): what late, present, away and absent mean is decided there.
"""

from engine.insights.alerts import AlertRate, FalseAlarms, alert_rates, false_alarms
from engine.insights.arrivals import arrivals, minute_of_day, punctuality, quarters, starts
from engine.insights.headline import Exceptional, Headline, exceptions, headline
from engine.insights.stays import Stay, occupancy, stays
from engine.insights.trends import Day, Department, Week, by_department, days_of, weeks

__all__ = [
    "AlertRate",
    "Day",
    "Department",
    "Exceptional",
    "FalseAlarms",
    "Headline",
    "Stay",
    "Week",
    "alert_rates",
    "arrivals",
    "by_department",
    "days_of",
    "exceptions",
    "false_alarms",
    "headline",
    "minute_of_day",
    "occupancy",
    "punctuality",
    "quarters",
    "starts",
    "stays",
    "weeks",
]
