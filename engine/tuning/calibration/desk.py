"""Evaluation of the gallery, and changes of the threshold in force."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

from engine.errors import GalleryMismatch, InputError
from engine.evaluation import cohort_of
from engine.storage import clean_text, new_id
from engine.tuning.calibration.answers import NearLine
from engine.tuning.calibration.in_force import ThresholdKeeper
from engine.tuning.calibration.operating import ErrorTarget
from engine.tuning.calibration.report import CalibrationReport
from engine.tuning.calibration.traffic import Traffic, punch_history, traffic_of
from engine.tuning.calibration.versions import Version


class Calibration(ThresholdKeeper):
    """Evaluates the gallery, and changes the threshold in force."""

    def report(
        self,
        target_fmr: float | None = None,
        target_fpir: float | None = None,
        *,
        traffic: Traffic | None = None,
        runs: int = 1000,
    ) -> CalibrationReport:
        """Evaluate the present gallery without writing anything.

        Args:
            target_fmr, target_fpir: rates that the threshold must keep; default: both targets in the settings. The stricter one decides.
            traffic: at the entrance; default: as logged in the last four weeks.
            runs: see `CalibrationReport`.

        Raises:
            InputError: a target is not between 0 and 1.
            GalleryMismatch: the gallery belongs to another model.
            StorageError: something cannot be read.
        """
        for name, value in (("FMR", target_fmr), ("FPIR", target_fpir)):
            if value is not None and not 0 < value < 1:
                raise InputError(
                    f"a target {name} of {value:g} is no rate", hint="give one between 0 and 1, such as 1e-4"
                )
        if target_fmr is None and target_fpir is None:
            target_fmr, target_fpir = self._matching.target_fmr, self._matching.target_fpir
        gallery, now, found = self._records.gallery.current(), self._records.now(), self.in_force()
        return CalibrationReport(
            evaluation_id=new_id(now),
            made_at=now,
            gallery=gallery,
            target=ErrorTarget(target_fmr, target_fpir),
            in_force=found.threshold,
            source=found.source,
            min_margin=self._matching.min_margin,
            voting=self._voting,
            cohort=cohort_of(gallery.model_id),
            traffic=traffic or traffic_of(self._records, len(gallery), now),
            seen=punch_history(self._records, gallery.model_id, now),
            runs=runs,
        )

    def answers(self, threshold: float | None = None) -> NearLine:
        """Return how the answers of the confirm queue lie against a threshold, default: the one in force."""
        gallery = self._records.gallery.current()
        chosen = self.threshold(gallery) if threshold is None else threshold
        return NearLine.of(self._records.answers.in_force().values(), chosen, gallery.model_id)

    def history(self) -> tuple[Version, ...]:
        """Return all decisions, oldest first."""
        return tuple(self._readable(each) for each in self._versions.history())

    def apply(self, report: CalibrationReport, threshold: float | None = None, *, author: str, reason: str) -> Version:
        """Put a threshold in force, also for running cameras.

        Args:
            report: of this gallery; the basis of the decision.
            threshold: default: the proposed one.

        Raises:
            InputError: the threshold is not between -1 and 1, author or reason is empty, the settings fix a threshold,
                or the gallery has changed since.
            GalleryMismatch: the report is of a gallery of another model or alignment.
            StorageError: the threshold cannot be written; nothing was changed.
        """
        chosen = report.proposed_threshold if threshold is None else threshold
        if not (math.isfinite(chosen) and -1 <= chosen <= 1):
            raise InputError(f"{chosen} is no similarity", hint="give a threshold between -1 and 1")
        author, reason = self._signed(author, reason)
        gallery = self._records.gallery.current()
        made_for = (report.gallery.model_id, report.gallery.alignment_id)
        if made_for != (gallery.model_id, gallery.alignment_id):
            raise GalleryMismatch(
                f"the evaluation is of a gallery of {' and '.join(made_for)}, but this one is of {gallery.model_id} and "
                f"{gallery.alignment_id}",
                hint="run `muster calibrate` on this gallery",
            )
        if report.gallery.version != gallery.version or report.gallery.people != gallery.people:
            raise InputError("people were enrolled or removed since the evaluation", hint="evaluate again, then apply")
        expected = report.at(chosen)

        def make(versions: tuple[Version, ...]) -> Version:
            number, before = len(versions) + 1, versions[-1].restores if versions else 0
            return Version(
                version=number,
                action="apply",
                threshold=float(chosen),
                previous=self.in_force(gallery).threshold,
                restores=number,
                before=before,
                made_at=self._now(),
                author=author,
                reason=reason,
                evaluation_id=report.evaluation_id,
                model_id=gallery.model_id,
                alignment_id=gallery.alignment_id,
                gallery_version=gallery.version,
                people=len(gallery),
                target=str(report.target) if chosen == report.proposed_threshold else "",
                wrong_per_month=expected.wrong_per_month,
                try_again=expected.try_again,
            )

        return self._write(make)

    def rollback(self, *, author: str, reason: str) -> Version:
        """Return to the threshold that was in force before; repeated, to earlier ones and in the end to the derived one.

        Raises:
            InputError: there is no earlier threshold, author or reason is empty, or the settings fix a threshold.
            GalleryMismatch: the earlier threshold was for another model or alignment.
            StorageError: the threshold cannot be written; nothing was changed.
        """
        author, reason = self._signed(author, reason)
        gallery = self._records.gallery.current()
        made_for = (gallery.model_id, gallery.alignment_id, gallery.version, len(gallery))
        derived = Version(0, "rollback", None, 0.0, 0, 0, "", "", "", "", *made_for)

        def make(versions: tuple[Version, ...]) -> Version:
            if not versions or versions[-1].restores == 0:
                raise InputError(
                    "the threshold in force is the derived one: there is nothing to go back to",
                    hint="`muster calibrate history` lists what was",
                )
            goal = versions[-1].before
            earlier = versions[goal - 1] if goal else None
            if earlier is not None and not earlier.fits(gallery.model_id, gallery.alignment_id):
                raise GalleryMismatch(
                    f"the earlier threshold is one for {earlier.model_id} and {earlier.alignment_id}",
                    hint="run `muster calibrate --apply` on this gallery instead",
                )
            return replace(
                earlier or derived,
                version=len(versions) + 1,
                action="rollback",
                previous=self.in_force(gallery).threshold,
                restores=goal,
                made_at=self._now(),
                author=author,
                reason=reason,
            )

        return self._write(make)

    def _signed(self, author: str, reason: str) -> tuple[str, str]:
        if where := self.fixed_where:
            raise InputError(
                f"{where} fixes the threshold at {self._matching.threshold:g}: a calibrated one would not be used",
                hint=f"remove {where} first",
            )
        # the file is never rewritten when somebody is forgotten, so pseudonyms stand for ids that reveal a name
        names = self._records.names
        return (
            clean_text(names.text(author), what="author", limit=100),
            clean_text(names.text(reason), what="reason", limit=1000),
        )

    def _now(self) -> str:
        return self._records.now().isoformat(timespec="seconds")

    def _write(self, make: Callable[[tuple[Version, ...]], Version]) -> Version:
        made = self._versions.add(make)
        after = "derived" if made.threshold is None else f"{made.threshold:.4f}"
        detail = f"{made.previous:.4f} → {after}, version {made.version}"
        self._records.note(
            "calibrate" if made.action == "apply" else "calibrate_rollback",
            "threshold",
            f"{detail}, evaluation {made.evaluation_id}" if made.evaluation_id else detail,
            author=self._records.names.readable(made.author),
        )
        return self._readable(made)
