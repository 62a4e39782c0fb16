"""Tuning the match threshold on one's own people: evaluate, decide, put in force, take back. Reached as `Workbench.calibration`."""

from engine.tuning.calibration.desk import Calibration
from engine.tuning.calibration.in_force import Concern, InForce
from engine.tuning.calibration.operating import ASSUMPTIONS, Operating, Support, Target
from engine.tuning.calibration.report import Report
from engine.tuning.calibration.traffic import Seen, Traffic
from engine.tuning.calibration.versions import Version
from engine.tuning.calibration.words import how_often, in_words, percent

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
