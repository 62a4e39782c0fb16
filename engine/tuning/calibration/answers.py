"""How the answers of the confirm queue lie against a threshold.

People were asked about faces near the threshold alone, so these are no error rates of all passages; they show on which side of the line the
difficult ones lie.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from engine.evaluation import Rate
from engine.tracking import AnswerRow
from engine.tuning.calibration.words import percent


@dataclass(frozen=True)
class NearLine:
    """Answers against a threshold.

    Attributes:
        threshold: smallest similarity (`>=`) that is accepted.
        right, missed: faces of the person at or above the threshold, and below it.
        wrong, refused: faces of somebody else at or above the threshold, and below it.
        unsure: faces of which nobody could tell.
        other_models: answers about similarities of another model, which are not counted.
    """

    threshold: float
    right: int
    missed: int
    wrong: int
    refused: int
    unsure: int
    other_models: int

    @classmethod
    def of(cls, rows: Iterable[AnswerRow], threshold: float, model: str) -> NearLine:
        """Count the answers about similarities of a model."""
        rows = list(rows)
        own = [row for row in rows if row.model == model]

        def count(said: str, above: bool) -> int:
            return sum(row.answer == said and (row.similarity >= round(threshold, 4)) == above for row in own)

        return cls(
            threshold,
            count("yes", True),
            count("yes", False),
            count("no", True),
            count("no", False),
            sum(row.answer == "unsure" for row in own),
            len(rows) - len(own),
        )

    @property
    def answers(self) -> int:
        """Number of answers that say who it is."""
        return self.right + self.missed + self.wrong + self.refused

    @property
    def genuine_missed(self) -> Rate:
        """Share of the person's own faces that lie below the threshold."""
        return Rate(self.missed, self.right + self.missed)

    @property
    def others_accepted(self) -> Rate:
        """Share of other people's faces that lie at or above the threshold."""
        return Rate(self.wrong, self.wrong + self.refused)

    @property
    def wrong_named(self) -> Rate:
        """Share of the accepted faces that were somebody else's."""
        return Rate(self.wrong, self.right + self.wrong)

    @property
    def rates(self) -> dict[str, Rate]:
        """What the answers are counted as, with a name for each."""
        return {
            "the person's own faces below the threshold": self.genuine_missed,
            "somebody else's faces at or above it": self.others_accepted,
            "somebody else's among the accepted faces": self.wrong_named,
        }

    @property
    def sentence(self) -> str:
        """The same in a sentence."""
        if not self.answers:
            return "Nobody has answered questions about faces near the threshold yet."
        return (
            f"Of {self.answers} answers near the line, {self.right + self.wrong} are about faces at or above {self.threshold:.3f}, "
            f"{self.wrong} of them somebody else's ({_span(self.wrong_named)}); of {self.right + self.missed} faces of the person "
            f"asked about, {self.missed} lie below ({_span(self.genuine_missed)})."
        )


def _span(rate: Rate) -> str:
    if not rate.trials:
        return "not measured"
    low, high = rate.interval
    return f"95% interval {percent(low)} – {percent(high)}"
