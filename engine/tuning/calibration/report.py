"""The evaluation of a gallery: what its people prove about thresholds."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from typing import Literal

import numpy as np

from engine.evaluation import (
    Bands,
    Comparisons,
    Curve,
    Difficulty,
    GalleryScores,
    ImpostorModel,
    LookAlike,
    OpenSetCurve,
    Outlier,
    PhotosEffect,
    PriorCurve,
    SubjectBootstrap,
    curve,
    difficulty,
    fnir,
    fpir,
    fpir_of_fmr,
    gallery_scores,
    impostor_model,
    look_alikes,
    open_set_curve,
    outliers,
    photos_effect,
    smallest_rate,
    threshold_at_fmr,
)
from engine.gallery import Gallery
from engine.tuning.calibration.operating import ErrorTarget, Operating, Support
from engine.tuning.calibration.traffic import PunchHistory, Traffic
from engine.tuning.calibration.words import percent

_DET_POINTS = 60


@dataclass(frozen=True, eq=False)
class CalibrationReport:
    """An evaluation of a gallery by `Calibration.report`; `at` shows what a threshold would mean.

    Attributes:
        evaluation_id: to which a version in force refers.
        in_force, source: the threshold in force, and its source.
        prior_mean, prior_std: of the model's impostor scores.
        prior: the model's measured curve; None if it was never measured.
        runs: most resamplings of the bootstrap; beyond two hundred people there are fewer.
    """

    evaluation_id: str
    made_at: datetime
    gallery: Gallery
    target: ErrorTarget
    in_force: float
    source: Literal["settings", "calibration", "derived"]
    min_margin: float
    prior_mean: float
    prior_std: float
    prior: PriorCurve | None
    traffic: Traffic
    seen: PunchHistory
    runs: int = 1000

    def under(self, traffic: Traffic) -> CalibrationReport:
        """Return the same evaluation for other traffic, without repeating comparisons."""
        other = replace(self, traffic=traffic)
        vars(other).update(
            (name, value) for name, value in vars(self).items() if name not in {"traffic", "proposed", "now"}
        )
        return other

    @cached_property
    def scores(self) -> GalleryScores:
        """The gallery compared with itself."""
        gallery = self.gallery
        return gallery_scores(gallery.people, gallery.embeddings, gallery.owners, gallery.weights)

    @cached_property
    def comparisons(self) -> Comparisons:
        """All comparisons; `.genuine` and `.impostor` are the distributions."""
        return self.scores.comparisons

    @cached_property
    def bootstrap(self) -> SubjectBootstrap:
        """Intervals at any threshold; `.bands(thresholds)` for a DET curve."""
        # many people take time, and two hundred resamplings are enough for a variance
        most = max(200, 200_000 // max(len(self.gallery), 1))
        return SubjectBootstrap(self.comparisons, min(self.runs, most))

    @cached_property
    def curve(self) -> Curve:
        """FMR and FNMR over thresholds; zero rows if one kind of comparison is missing."""
        return curve(self.comparisons.genuine, self.comparisons.impostor)

    @cached_property
    def bands(self) -> Bands:
        """FMR and FNMR with intervals, from the median impostor to the median genuine score; zero rows likewise."""
        genuine, impostor = self.comparisons.genuine, self.comparisons.impostor
        if not len(genuine) or not len(impostor):
            return self.bootstrap.bands(np.empty(0))
        low = min(float(np.median(impostor)), float(genuine.min()))
        high = max(float(np.median(genuine)), float(impostor.max()))
        return self.bootstrap.bands(np.linspace(low, high, _DET_POINTS))

    @cached_property
    def impostors(self) -> ImpostorModel:
        """The impostor distribution, from this gallery and the prior."""
        return impostor_model(
            self.gallery.impostor_scores(), len(self.gallery), prior_mean=self.prior_mean, prior_std=self.prior_std
        )

    def open_set(self, threshold: float) -> OpenSetCurve:
        """Return FPIR and FNIR over gallery size at a threshold."""
        fmr = max(self.impostors.fmr(threshold), self._own_fmr(threshold))
        return open_set_curve(self.scores, threshold, fmr, min_margin=self.min_margin)

    def photos(self, threshold: float) -> PhotosEffect:
        """Return FNMR at a threshold by the number of enrolment photos."""
        gallery = self.gallery
        return photos_effect(gallery.embeddings, gallery.owners, gallery.weights, threshold)

    @property
    def different(self) -> float:
        """Similarity below which two photos count as two people."""
        return self.prior_mean + 2 * self.prior_std

    @cached_property
    def difficulty(self) -> list[Difficulty]:
        """All people, hardest to recognise first."""
        return difficulty(self.scores)

    @cached_property
    def look_alikes(self) -> list[LookAlike]:
        """The twenty most similar pairs of people."""
        return look_alikes(self.scores, self.gallery.fused)

    @cached_property
    def outliers(self) -> list[Outlier]:
        """Templates that do not fit their person."""
        return outliers(self.scores, self.different)

    @cached_property
    def support(self) -> Support:
        """What these people can prove."""
        people, pairs = len(self.gallery), self.comparisons.pairs_of_people
        fmr, fpir_ = smallest_rate(pairs), smallest_rate(people if people > 1 else 0)
        wanted = self.target
        enough = (wanted.fmr is None or fmr <= wanted.fmr) and (wanted.fpir is None or fpir_ <= wanted.fpir)
        count = len(self.comparisons.impostor)
        if pairs:
            said = (
                f"{people} people ({count:,} comparisons, {pairs:,} pairs) support a false-match rate down to "
                f"{percent(fmr)} and named strangers down to {percent(fpir_)}"
            )
        else:
            said = "False matches are unknown with fewer than two people"
        basis = "their own scores are used" if enough else f"using the prior curve ({self._prior_in_words})"
        return Support(people, count, pairs, fmr, fpir_, enough, f"{said}; {basis}.")

    @property
    def _prior_in_words(self) -> str:
        if self.prior is None:
            return "assumed: this model was never measured"
        note = "" if self.prior.alignment_id == self.gallery.alignment_id else ", aligned otherwise"
        return f"{self.prior.photos} photos of {self.prior.people} people{note}"

    @cached_property
    def proposed_threshold(self) -> float:
        """The threshold for the target: from the gallery's own scores if they suffice, else from the distribution with its prior."""
        if not self.support.enough:
            return self.impostors.threshold_at(self.target.rate(len(self.gallery)))
        found = [-1.0]
        if self.target.fmr is not None:
            found.append(threshold_at_fmr(self.comparisons.impostor, self.target.fmr))
        if self.target.fpir is not None:
            found.append(threshold_at_fmr(self.scores.nearest_score, self.target.fpir))
        return min(1.0, max(found))

    @cached_property
    def proposed(self) -> Operating:
        """What to expect at the proposed threshold."""
        return self.at(self.proposed_threshold)

    @cached_property
    def now(self) -> Operating:
        """What to expect at the threshold in force."""
        return self.at(self.in_force)

    def _own_fmr(self, threshold: float) -> float:
        impostor = self.comparisons.impostor
        return float((impostor >= threshold).mean()) if len(impostor) else 0.0

    def at(self, threshold: float) -> Operating:
        """Return what to expect at a threshold; after the first call quick enough for a slider."""
        people, resampling = len(self.gallery), self.bootstrap.resampling
        rules = {"min_margin": self.min_margin, "resampling": resampling}
        fmr, missed = self.bootstrap.fmr(threshold), fnir(self.scores, threshold, **rules)  # type: ignore[arg-type]
        expected = max(self.impostors.fmr(threshold), self._own_fmr(threshold))
        prior = self.prior
        again: float | None = None
        source: Literal["gallery", "prior", ""] = ""
        if missed.trials:
            again, source = (missed.value if missed.errors else missed.high), "gallery"
        elif prior is not None:
            again, source = prior.fnmr(threshold), "prior"

        def wrong(rate: float) -> float:
            """Return wrong punches a month at a false-match rate."""
            strangers = self.traffic.strangers_per_day * fpir_of_fmr(rate, people)
            confused = self.traffic.arrivals_per_day * (1.0 if again is None else again) * fpir_of_fmr(rate, people - 1)
            return self.traffic.days_per_month * (strangers + confused)

        return Operating(
            threshold=threshold,
            fmr=fmr,
            fnmr=self.bootstrap.fnmr(threshold),
            fpir=fpir(self.scores, threshold, **rules),  # type: ignore[arg-type]
            fnir=missed,
            fpir_seen=self.seen.fpir(threshold),
            model_fmr=expected,
            model_fpir=fpir_of_fmr(expected, people),
            prior_fmr=prior.fmr(threshold) if prior else None,
            prior_fnmr=prior.fnmr(threshold) if prior else None,
            wrong_per_month=wrong(expected),
            wrong_per_month_high=wrong(max(expected, fmr.high)),
            try_again=again,
            at_most=bool(missed.trials and not missed.errors),
            try_again_source=source,
        )

    def warnings(self, threshold: float) -> tuple[str, ...]:
        """Return warnings to show before this threshold is put in force."""
        found = []
        alike = [pair for pair in self.look_alikes if pair.reaches(threshold)]
        if alike:
            pairs = ", ".join(f"{pair.first} and {pair.second}" for pair in alike[:5])
            more = f" and {len(alike) - 5} more pairs" if len(alike) > 5 else ""
            found.append(f"Look-alikes at or above {threshold:.3f}: {pairs}{more}. Cameras may confuse them.")
        if self.outliers:
            whose = ", ".join(dict.fromkeys(each.person for each in self.outliers[:5]))
            found.append(
                f"{len(self.outliers)} templates do not match their person ({whose}): check their pictures first."
            )
        if self.scores.singles:
            found.append(f"{self.scores.singles} people have one template: their recognition is not measured.")
        if self.prior is None and not self.support.enough:
            found.append("The prior of this model is assumed: it was never measured.")
        if self.traffic.source == "assumed":
            found.append(
                f"The logs hold {self.traffic.days} working days of the last four weeks: two arrivals per person and one stranger a day "
                "are assumed."
            )
        return tuple(found)
