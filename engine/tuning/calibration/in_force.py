"""The threshold that recognition uses, and where it comes from: the settings, a calibration, or the gallery itself."""

from __future__ import annotations

import logging
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

from engine.config import MatchingConfig
from engine.evaluation import derive_threshold
from engine.gallery import Gallery
from engine.tuning.calibration.versions import Version, VersionStore

log = logging.getLogger(__name__)

_GROWN = 1.5
_GROWN_PEOPLE = 5


class Model(Protocol):
    """What a calibration reads from an embedder's entry in the registry."""

    @property
    def model_id(self) -> str: ...
    @property
    def impostor_mean(self) -> float: ...
    @property
    def impostor_std(self) -> float: ...


@dataclass(frozen=True)
class Concern:
    """Something about the threshold in force that does not fit."""

    what: str
    hint: str


@dataclass(frozen=True)
class ThresholdInForce:
    """The threshold that recognition uses.

    Attributes:
        threshold: a similarity; a match is `>=`.
        source: `settings` (a person wrote it there), `calibration` (`muster calibrate --apply`), or `derived` from the gallery.
        version: the latest of the history, also when it is not in use; None: there is none.
        concerns: what does not fit together.
    """

    threshold: float
    source: Literal["settings", "calibration", "derived"]
    version: Version | None = None
    concerns: tuple[Concern, ...] = ()


class ThresholdKeeper:
    """Says which threshold is in force for a gallery."""

    def __init__(
        self,
        workspace: Path,
        versions: VersionStore,
        matching: MatchingConfig,
        model: Model,
    ) -> None:
        self._workspace, self._versions, self._matching, self._model = workspace, versions, matching, model
        self._cached: tuple[Gallery, Version | None, float] | None = None
        self._told: frozenset[Concern] = frozenset()

    def threshold(self, gallery: Gallery) -> float:
        """The matching threshold in force for a gallery; each concern is logged once.

        Cheap: it is worked out again only when the gallery or `calibration.json` changed, so a running camera takes a new one over.

        Raises:
            StorageError: `calibration.json` is damaged, and was never read before.
        """
        version = self._versions.current()
        known = self._cached
        if known is None or known[0] is not gallery or known[1] is not version:
            found = self.in_force(gallery)
            for concern in set(found.concerns) - self._told:
                log.warning("%s → %s", concern.what, concern.hint)
            self._told |= set(found.concerns)
            known = self._cached = (gallery, version, found.threshold)
        return known[2]

    def in_force(self, gallery: Gallery) -> ThresholdInForce:
        """The threshold in force, where it comes from, and what does not fit."""
        version, fixed = self._versions.current(), self._matching.threshold
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

    def _overridden(self, fixed: float) -> Concern:
        return Concern(
            f"{self.fixed_where} fixes the threshold at {fixed:g}; the one applied by `muster calibrate` is not used",
            f"remove {self.fixed_where}",
        )

    @staticmethod
    def _growth(version: Version, people: int) -> tuple[Concern, ...]:
        """More people mean more chances for a stranger to resemble one."""
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
        """The threshold derived from the gallery itself, see `engine.evaluation.derive_threshold`."""
        return derive_threshold(
            gallery.impostor_scores(),
            len(gallery),
            prior_mean=self._model.impostor_mean,
            prior_std=self._model.impostor_std,
            target_fmr=self._matching.target_fmr,
            target_fpir=self._matching.target_fpir,
        )

    @property
    def fixed_where(self) -> str:
        variables = ("MUSTER_MATCHING__THRESHOLD", "MUSTER_MATCHING")
        return (
            next((name for name in variables if name in os.environ), "")
            or f"[matching] threshold in {self._workspace / 'muster.toml'}"
        )
