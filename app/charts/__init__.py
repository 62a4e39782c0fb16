"""Plotly figures. They take tidy values of `engine.insights`; texts of people are escaped, because Plotly reads a little HTML.

Imported by pages only when a chart is shown: Plotly takes a moment to load.
"""

from app.charts.arrivals import delays, heat_map
from app.charts.presence import Lane, time_line
from app.charts.theme import CONFIG
from app.charts.trends import departments, trend

__all__ = ["CONFIG", "Lane", "delays", "departments", "heat_map", "time_line", "trend"]
