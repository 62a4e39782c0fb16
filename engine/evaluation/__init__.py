"""How well faces are distinguished: error rates, intervals over people, thresholds.

Terms follow ISO/IEC 19795-1:2021: *genuine* (mated) comparisons are of one person with themselves, *impostor* (non-mated) ones of two
people; FMR and FNMR are the rates of false matches and false non-matches; FPIR and FNIR the same for open-set identification at
rank 1. A comparison is accepted iff `similarity >= threshold`, ties included.

Not here: which threshold a workspace runs with (`engine.tuning`).
"""

from engine.evaluation.border import Compared, border
from engine.evaluation.cohort import Cohort, Impostors, cohort_of, derive_threshold, impostors_of
from engine.evaluation.comparisons import NO_SCORE, Comparisons, GalleryScores, gallery_scores, photo_comparisons
from engine.evaluation.figures import FARS, Ranked, figures
from engine.evaluation.groups import GroupRates, group_rates
from engine.evaluation.identification import OpenSetCurve, fmr_of_fpir, fnir, fpir, fpir_of_fmr, open_set_curve
from engine.evaluation.intervals import Bands, Estimate, Resampling, SubjectBootstrap
from engine.evaluation.measuring import few_of_each, find_twins, measure_cohort
from engine.evaluation.people import (
    Difficulty,
    LookAlike,
    Outlier,
    PhotosEffect,
    difficulty,
    look_alikes,
    outliers,
    photos_effect,
)
from engine.evaluation.rates import Rate, clopper_pearson, error_rates, smallest_rate, threshold_at_fmr
from engine.evaluation.tally import PairTally
from engine.evaluation.verification import Curve, balanced_accuracy, curve

__all__ = [
    "FARS",
    "NO_SCORE",
    "Bands",
    "Cohort",
    "Compared",
    "Comparisons",
    "Curve",
    "Difficulty",
    "Estimate",
    "GalleryScores",
    "GroupRates",
    "Impostors",
    "LookAlike",
    "OpenSetCurve",
    "Outlier",
    "PairTally",
    "PhotosEffect",
    "Ranked",
    "Rate",
    "Resampling",
    "SubjectBootstrap",
    "balanced_accuracy",
    "border",
    "clopper_pearson",
    "cohort_of",
    "curve",
    "derive_threshold",
    "difficulty",
    "error_rates",
    "few_of_each",
    "figures",
    "find_twins",
    "fmr_of_fpir",
    "fnir",
    "fpir",
    "fpir_of_fmr",
    "gallery_scores",
    "group_rates",
    "impostors_of",
    "look_alikes",
    "measure_cohort",
    "open_set_curve",
    "outliers",
    "photo_comparisons",
    "photos_effect",
    "smallest_rate",
    "threshold_at_fmr",
]
