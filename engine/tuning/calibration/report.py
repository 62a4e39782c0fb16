"""The evaluation of a gallery: what its people prove about thresholds."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from typing import Literal

import numpy as np

from engine.config import VotingConfig
from engine.evaluation import (
    Bands,
    Cohort,
    Comparisons,
    Curve,
    Difficulty,
    GalleryScores,
    Impostors,
    LookAlike,
    OpenSetCurve,
    Outlier,
    PhotosEffect,
    SubjectBootstrap,
    curve,
    difficulty,
    fnir,
    fpir,
    fpir_of_fmr,
    gallery_scores,
    impostors_of,
    look_alikes,
    open_set_curve,
    outliers,
    photos_effect,
    smallest_rate,
    threshold_at_fmr,
)
from engine.gallery import Gallery
from engine.tracking import passage_factor
from engine.tuning.calibration.operating import ErrorTarget, Operating, Support
from engine.tuning.calibration.traffic import PunchHistory, Traffic
from engine.tuning.calibration.words import passage_in_words, percent

_DET_POINTS = 60


@dataclass(frozen=True, eq=False)
class CalibrationReport:
    """An evaluation of a gallery by `Calibration.report`; `at` shows what a threshold would mean.

    Attributes:
        evaluation_id: to which a version in force refers.
        in_force, source: the threshold in force, and its source.
        voting: how many looks a name takes.
        cohort: the people on whom the model was measured; another model's if it never was.
        runs: most resamplings of the bootstrap; beyond two hundred people there are fewer.
    """

    evaluation_id: str
    made_at: datetime
    gallery: Gallery
    target: ErrorTarget
    in_force: float
    source: Literal["settings", "calibration", "derived"]
    min_margin: float
    voting: VotingConfig
    cohort: Cohort
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
    def impostors(self) -> Impostors:
        """How often strangers reach a threshold, from the cohort and from how much these people resemble each other."""
        return impostors_of(self.cohort, self.gallery.impostor_scores(), self.gallery.counts)

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
        return self.cohort.pairs_mean + 2 * self.cohort.pairs_std

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
        if not pairs:
            said = "Fewer than two people prove nothing about strangers"
        elif enough:
            said = f"These {people} people ({count:,} comparisons, {pairs:,} pairs) can prove the target by themselves"
        else:
            said = (
                f"These {people} people alone ({count:,} comparisons, {pairs:,} pairs) could only prove a false-match rate below "
                f"{percent(fmr)}, and less than {percent(fpir_)} of strangers named"
            )
        basis = "the threshold must suit them and" if enough and pairs else "the threshold rests on"
        return Support(people, count, pairs, fmr, fpir_, enough, f"{said}; {basis} a cohort: {self._cohort_in_words}.")

    @property
    def _cohort_in_words(self) -> str:
        note = "" if self.cohort.alignment_id == self.gallery.alignment_id else ", aligned otherwise"
        note += f", measured with {self.cohort.model_id}" if self.assumed else ""
        return f"{self.cohort.photos:,} photos of {self.cohort.people:,} people{note}"

    @property
    def assumed(self) -> bool:
        """The gallery's model was never measured: another one's cohort stands in for it."""
        return self.cohort.model_id != self.gallery.model_id

    @cached_property
    def proposed_threshold(self) -> float:
        """The threshold for the target: from the cohort, or from the gallery's own scores where they suffice and ask for more."""
        found = [self.impostors.threshold_at(self.target.rate(len(self.gallery)))]
        if not self.support.enough:
            return found[0]
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
        usual = int(np.median(self.gallery.counts)) if people else 3
        of_cohort = self.cohort.fnmr(threshold, usual)
        again = min(max(of_cohort, missed.low), missed.high) if missed.trials else of_cohort
        named, traffic = fpir_of_fmr(expected, people), self.traffic
        confused = traffic.arrivals_per_day * again * fpir_of_fmr(expected, people - 1)
        wrong = traffic.days_per_month * (traffic.strangers_per_day * named + confused)
        return Operating(
            threshold=threshold,
            fmr=fmr,
            fnmr=self.bootstrap.fnmr(threshold),
            fpir=fpir(self.scores, threshold, **rules),  # type: ignore[arg-type]
            fnir=missed,
            fpir_seen=self.seen.fpir(threshold),
            model_fmr=expected,
            model_fpir=named,
            passage_fpir=min(1.0, named * passage_factor(self.voting)),
            wrong_per_month=wrong if traffic.known else None,
            try_again=again,
            try_again_source="cohort" if again == of_cohort else "gallery",
        )

    def passage(self, found: Operating) -> str:
        """What a whole passage adds to the sentence about a single look, in words."""
        return passage_in_words(self.voting, found.passage_fpir)

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
                f"Templates that do not match their person: {len(self.outliers)} ({whose}). Check their pictures first."
            )
        if self.scores.singles:
            found.append(f"People with one template: {self.scores.singles}. Their recognition is not measured.")
        if self.assumed:
            found.append(f"This model was never measured: the cohort of {self.cohort.model_id} stands in for it.")
        if not self.traffic.known:
            found.append(
                f"Wrong punches per month are unknown: the logs hold {self.traffic.days} working days of the last four weeks."
            )
        return tuple(found)
