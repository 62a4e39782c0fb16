"""How well faces are distinguished: error rates, intervals over people, thresholds.

Terms follow ISO/IEC 19795-1:2021: *genuine* (mated) comparisons are of one person with themselves, *impostor* (non-mated) ones of two
people; FMR and FNMR are the rates of false matches and false non-matches; FPIR and FNIR the same for open-set identification at
rank 1. A comparison is accepted iff `similarity >= threshold`, ties included.

Not here: which threshold a workspace runs with (`engine.tuning`).
"""

from engine.evaluation.border import Compared, border
from engine.evaluation.comparisons import NO_SCORE, Comparisons, GalleryScores, gallery_scores, photo_comparisons
from engine.evaluation.figures import FARS, Ranked, figures
from engine.evaluation.identification import OpenSetCurve, fmr_of_fpir, fnir, fpir, fpir_of_fmr, open_set_curve
from engine.evaluation.intervals import Bands, Estimate, Resampling, SubjectBootstrap
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
from engine.evaluation.thresholds import (
    ImpostorModel,
    PriorCurve,
    derive_threshold,
    impostor_model,
    measure_prior,
    prior_of,
)
from engine.evaluation.verification import Curve, balanced_accuracy, curve

__all__ = [
    "FARS",
    "NO_SCORE",
    "Bands",
    "Compared",
    "Comparisons",
    "Curve",
    "Difficulty",
    "Estimate",
    "GalleryScores",
    "ImpostorModel",
    "LookAlike",
    "OpenSetCurve",
    "Outlier",
    "PhotosEffect",
    "PriorCurve",
    "Ranked",
    "Rate",
    "Resampling",
    "SubjectBootstrap",
    "balanced_accuracy",
    "border",
    "clopper_pearson",
    "curve",
    "derive_threshold",
    "difficulty",
    "error_rates",
    "figures",
    "fmr_of_fpir",
    "fnir",
    "fpir",
    "fpir_of_fmr",
    "gallery_scores",
    "impostor_model",
    "look_alikes",
    "measure_prior",
    "open_set_curve",
    "outliers",
    "photo_comparisons",
    "photos_effect",
    "prior_of",
    "smallest_rate",
    "threshold_at_fmr",
]
