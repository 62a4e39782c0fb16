"""What day sheets and logs say beyond single rows: arrivals, presence, trends, departments, what needs somebody, alerts. Pure.

Rows are those of the day sheet (`engine.attendance.sheet`); what is too little to be judged (a camera was off, a face not told) counts
neither as late nor as absent.
"""

from engine.insights.alerts import AlertRate, FalseAlarms, alert_rates, false_alarms
from engine.insights.arrivals import Arrival, arrivals, quarters, starts
from engine.insights.headline import Exceptional, Headline, exceptions, headline
from engine.insights.rows import came_late, minutes_late
from engine.insights.stays import Stay, occupancy, stays
from engine.insights.trends import Day, Department, Week, by_department, days_of, weeks

__all__ = [
    "AlertRate",
    "Arrival",
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
    "came_late",
    "days_of",
    "exceptions",
    "false_alarms",
    "headline",
    "minutes_late",
    "occupancy",
    "quarters",
    "starts",
    "stays",
    "weeks",
]
