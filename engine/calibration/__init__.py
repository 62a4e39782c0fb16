"""Tuning the match threshold on one's own people: evaluate, decide, put in force, take back. Reached as `Workbench.calibration`."""

from engine.calibration.desk import Calibration
from engine.calibration.in_force import Concern, InForce
from engine.calibration.operating import ASSUMPTIONS, Operating, Support, Target
from engine.calibration.report import Report
from engine.calibration.traffic import Seen, Traffic
from engine.calibration.versions import Version
from engine.calibration.words import how_often, in_words, percent

__all__ = [
    "ASSUMPTIONS",
    "Calibration",
    "Concern",
    "InForce",
    "Operating",
    "Report",
    "Seen",
    "Support",
    "Target",
    "Traffic",
    "Version",
    "how_often",
    "in_words",
    "percent",
]
