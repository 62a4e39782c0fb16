"""The threshold in force, and its source: the settings, a calibration, or the gallery itself."""

from __future__ import annotations

import logging
import os
from dataclasses import dataclass, replace
from typing import Literal

from engine.config import MatchingConfig, VotingConfig
from engine.evaluation import cohort_of, derive_threshold, impostors_of
from engine.gallery import Gallery
from engine.records import Records
from engine.storage import Document
from engine.tuning.calibration.versions import Version, VersionStore

log = logging.getLogger(__name__)

_GROWN = 1.5
_GROWN_PEOPLE = 5


@dataclass(frozen=True)
class Concern:
    """A problem with the threshold in force."""

    what: str
    hint: str


@dataclass(frozen=True)
class ThresholdInForce:
    """The threshold that recognition uses.

    Attributes:
        threshold: smallest similarity (`>=`) of a match.
        source: `settings`, `calibration` (`muster calibrate --apply`), or `derived` from the gallery.
        version: the latest one, even if it is not in use; None without any.
    """

    threshold: float
    source: Literal["settings", "calibration", "derived"]
    version: Version | None = None
    concerns: tuple[Concern, ...] = ()


class ThresholdKeeper:
    """Determines the threshold in force."""

    def __init__(self, records: Records, versions: Document, matching: MatchingConfig, voting: VotingConfig) -> None:
        self._records, self._matching, self._voting = records, matching, voting
        self._versions = VersionStore(versions)
        self._cached: tuple[Gallery, Version | None, float] | None = None
        self._told: frozenset[Concern] = frozenset()

    def threshold(self, gallery: Gallery | None = None) -> float:
        """Return the matching threshold in force for a gallery, default: the present one; log each concern once.

        Cheap: Muster computes it again only after a change of the gallery or of `calibration.json`, which running cameras thus follow.

        Raises:
            StorageError: `calibration.json` is damaged, and was never read before.
        """
        gallery = self._records.gallery.current() if gallery is None else gallery
        version = self._versions.current()
        known = self._cached
        if known is None or known[0] is not gallery or known[1] is not version:
            found = self.in_force(gallery)
            for concern in set(found.concerns) - self._told:
                log.warning("%s → %s", concern.what, concern.hint)
            self._told |= set(found.concerns)
            known = self._cached = (gallery, version, found.threshold)
        return known[2]

    def in_force(self, gallery: Gallery | None = None) -> ThresholdInForce:
        """Return the threshold in force for a gallery, default: the present one, with its source and concerns."""
        gallery = self._records.gallery.current() if gallery is None else gallery
        current, fixed = self._versions.current(), self._matching.threshold
        version = self._readable(current) if current else None
        applied = version.threshold if version is not None else None
        if fixed is not None:
            unused = applied is not None and applied != fixed
            return ThresholdInForce(fixed, "settings", version, (self._overridden(fixed),) if unused else ())
        if version is None or applied is None:
            return ThresholdInForce(self.derived(gallery), "derived", version)
        if not version.fits(gallery.model_id, gallery.alignment_id):
            concern = Concern(
                f"the threshold {applied:.3f} was calibrated for {version.model_id} and {version.alignment_id}, but the gallery is of "
                f"{gallery.model_id} and {gallery.alignment_id}; a derived one is used",
                "run `muster calibrate` again",
            )
            return ThresholdInForce(self.derived(gallery), "derived", version, (concern,))
        return ThresholdInForce(applied, "calibration", version, self._growth(version, len(gallery)))

    def _readable(self, version: Version) -> Version:
        """Return a version with ids in place of the pseudonyms of people who are still known."""
        readable = self._records.names.readable
        return replace(version, author=readable(version.author), reason=readable(version.reason))

    def _overridden(self, fixed: float) -> Concern:
        return Concern(
            f"{self.fixed_where} fixes the threshold at {fixed:g}; the one applied by `muster calibrate` is not used",
            f"remove {self.fixed_where}",
        )

    @staticmethod
    def _growth(version: Version, people: int) -> tuple[Concern, ...]:
        """Return a concern if there are many more people, whom strangers may resemble."""
        if people < version.people + _GROWN_PEOPLE or people < _GROWN * version.people:
            return ()
        more = f"{people / version.people:.1f} times as often" if version.people else "more often"
        return (
            Concern(
                f"the threshold was calibrated for {version.people} people, now there are {people}; strangers are named {more}",
                "run `muster calibrate` again",
            ),
        )

    def derived(self, gallery: Gallery) -> float:
        """Return the threshold derived from the gallery itself, see `engine.evaluation.derive_threshold`."""
        found = impostors_of(cohort_of(gallery.model_id), gallery.impostor_scores(), gallery.counts)
        matching = self._matching
        return derive_threshold(found, target_fmr=matching.target_fmr, target_fpir=matching.target_fpir)

    @property
    def fixed_where(self) -> str:
        """Where the settings fix the threshold; empty if they do not."""
        if self._matching.threshold is None:
            return ""
        variables = ("MUSTER_MATCHING__THRESHOLD", "MUSTER_MATCHING")
        return (
            next((name for name in variables if name in os.environ), "")
            or f"[matching] threshold in {self._records.workspace / 'muster.toml'}"
        )
