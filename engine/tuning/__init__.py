"""Choosing the match threshold for the workplace's own people: assessment on photos, `calibration`, `replay` of past decisions.

Not here: rates, intervals and thresholds as such (`engine.evaluation`).
"""

from engine.tuning.assessment import Thresholds, assess_cohort, assess_folder, assess_pairs
from engine.tuning.identification import Recipe
from engine.tuning.reading import KeptEmbeddings, recipe_of

__all__ = ["KeptEmbeddings", "Recipe", "Thresholds", "assess_cohort", "assess_folder", "assess_pairs", "recipe_of"]
