"""Choosing the match threshold for the workplace's own people: assessment on photos, `calibration`, `replay` of past decisions.

Not here: rates, intervals and thresholds as such (`engine.evaluation`).
"""

from engine.tuning.assessment import assess_folder, assess_pairs, assess_prior

__all__ = ["assess_folder", "assess_pairs", "assess_prior"]
