"""The threshold in force: where it comes from, who put it there, how it is changed and taken back."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from engine.config import MatchingConfig
from engine.errors import GalleryMismatch, InputError
from engine.evaluation import prior_of
from engine.gallery import Gallery
from engine.records import Records
from engine.storage import Document, clean_text, new_id
from engine.tuning.calibration.in_force import Model, ThresholdInForce, ThresholdKeeper
from engine.tuning.calibration.operating import ErrorTarget
from engine.tuning.calibration.report import CalibrationReport
from engine.tuning.calibration.traffic import Traffic, punch_history, traffic_of
from engine.tuning.calibration.versions import Version, VersionStore


class Calibration:
    """Evaluates the gallery, and keeps the threshold that people chose."""

    def __init__(
        self,
        records: Records,
        versions: Document,
        matching: MatchingConfig,
        model: Model,
        clock: Callable[[], datetime],
    ) -> None:
        self._records, self._matching, self._model, self._clock = records, matching, model, clock
        self._versions = VersionStore(versions)
        self._keeper = ThresholdKeeper(records.workspace, self._versions, matching, model)
        self._names = records.names

    @property
    def fixed_where(self) -> str:
        """Where the settings fix the threshold, so that none can be applied; empty: they do not."""
        return "" if self._matching.threshold is None else self._keeper.fixed_where

    def threshold(self, gallery: Gallery | None = None) -> float:
        """The matching threshold in force for a gallery, default: as it is now.

        Cheap: it is worked out again only when the gallery or `calibration.json` changed, so a running camera takes a new one over.

        Raises:
            StorageError: `calibration.json` is damaged, and was never read before.
        """
        return self._keeper.threshold(gallery if gallery is not None else self._records.gallery.current())

    def in_force(self, gallery: Gallery | None = None) -> ThresholdInForce:
        """The threshold in force, where it comes from, and what does not fit."""
        found = self._keeper.in_force(gallery if gallery is not None else self._records.gallery.current())
        return replace(found, version=self._readable(found.version)) if found.version else found

    def report(
        self,
        target_fmr: float | None = None,
        target_fpir: float | None = None,
        *,
        traffic: Traffic | None = None,
        runs: int = 1000,
    ) -> CalibrationReport:
        """Evaluate the gallery as it is now. Nothing is written.

        Args:
            target_fmr, target_fpir: rates that the threshold must keep; default: both of the settings, of which the stricter decides.
            traffic: of the entrance; default: as logged in the last four weeks.

        Raises:
            InputError: a target is not between 0 and 1.
            GalleryMismatch: the gallery is of another model.
            StorageError: something cannot be read.
        """
        for name, value in (("FMR", target_fmr), ("FPIR", target_fpir)):
            if value is not None and not 0 < value < 1:
                raise InputError(
                    f"a target {name} of {value:g} is no rate", hint="give one between 0 and 1, such as 1e-4"
                )
        if target_fmr is None and target_fpir is None:
            target_fmr, target_fpir = self._matching.target_fmr, self._matching.target_fpir
        gallery, now = self._records.gallery.current(), self._clock().astimezone(self._records.zone)
        found = self.in_force(gallery)
        return CalibrationReport(
            evaluation_id=new_id(now),
            made_at=now,
            gallery=gallery,
            target=ErrorTarget(target_fmr, target_fpir),
            in_force=found.threshold,
            source=found.source,
            min_margin=self._matching.min_margin,
            prior_mean=self._model.impostor_mean,
            prior_std=self._model.impostor_std,
            prior=prior_of(self._model.model_id),
            traffic=traffic or traffic_of(self._records, len(gallery), now),
            seen=punch_history(self._records, gallery.model_id, now),
            runs=runs,
        )

    def history(self) -> tuple[Version, ...]:
        """All decisions, oldest first."""
        return tuple(self._readable(each) for each in self._versions.history())

    def _readable(self, version: Version) -> Version:
        """The version with ids instead of the pseudonyms of people who are still known."""
        readable = self._names.readable
        return replace(version, author=readable(version.author), reason=readable(version.reason))

    def apply(self, report: CalibrationReport, threshold: float | None = None, *, author: str, reason: str) -> Version:
        """Put a threshold in force; running cameras take it over.

        Args:
            report: of this gallery; the decision rests on it.
            threshold: default: the proposed one.
            author, reason: who decides, and why; both must be given.

        Raises:
            InputError: the threshold is not between -1 and 1, author or reason is empty, the settings fix a threshold,
                or the gallery changed since.
            GalleryMismatch: the report is of a gallery of another model or alignment.
            StorageError: it could not be written; nothing was changed.
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
        """Go back to the threshold that was in force before; rolled back once more, to the one before that, in the end to the derived.

        Raises:
            InputError: there is nothing to go back to, author or reason is empty, or the settings fix a threshold.
            GalleryMismatch: the earlier one was for another model or alignment.
            StorageError: it could not be written; nothing was changed.
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
        if self._matching.threshold is not None:
            raise InputError(
                f"{self._keeper.fixed_where} fixes the threshold at {self._matching.threshold:g}: a calibrated one would not be used",
                hint=f"remove {self._keeper.fixed_where} first",
            )
        # neither can be replaced when somebody is forgotten: ids that spell a name are pseudonyms here
        return (
            clean_text(self._names.text(author), what="author", limit=100),
            clean_text(self._names.text(reason), what="reason", limit=1000),
        )

    def _now(self) -> str:
        return self._clock().astimezone(self._records.zone).isoformat(timespec="seconds")

    def _write(self, make: Callable[[tuple[Version, ...]], Version]) -> Version:
        made = self._versions.add(make)
        after = "derived" if made.threshold is None else f"{made.threshold:.4f}"
        detail = f"{made.previous:.4f} → {after}, version {made.version}"
        self._records.audit.note(
            "calibrate" if made.action == "apply" else "calibrate_rollback",
            "threshold",
            f"{detail}, evaluation {made.evaluation_id}" if made.evaluation_id else detail,
            author=self._names.readable(made.author),
            now=self._clock(),
        )
        return self._readable(made)
