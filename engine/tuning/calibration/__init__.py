"""Calibration of the match threshold on the workplace's own people: evaluate, apply, roll back; see `Workbench.calibration`."""

from engine.tuning.calibration.answers import NearLine
from engine.tuning.calibration.desk import Calibration
from engine.tuning.calibration.in_force import Concern, ThresholdInForce
from engine.tuning.calibration.operating import ASSUMPTIONS, ErrorTarget, Operating, Support
from engine.tuning.calibration.report import CalibrationReport
from engine.tuning.calibration.traffic import PunchHistory, Traffic
from engine.tuning.calibration.versions import Version
from engine.tuning.calibration.words import how_many, how_often, in_words, passage_in_words, percent

__all__ = [
    "ASSUMPTIONS",
    "Calibration",
    "CalibrationReport",
    "Concern",
    "ErrorTarget",
    "NearLine",
    "Operating",
    "PunchHistory",
    "Support",
    "ThresholdInForce",
    "Traffic",
    "Version",
    "how_many",
    "how_often",
    "in_words",
    "passage_in_words",
    "percent",
]
