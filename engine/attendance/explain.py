"""Why a row of the attendance log says what it says: as values, and as parts of a sentence that an interface can translate. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

__all__ = ["Explanation", "Part", "explain"]


@dataclass(frozen=True)
class Part:
    """A part of a sentence.

    Attributes:
        text: in English; `{name}` stands for a value. One of a few texts, so that each can be translated.
        values: put into it; under `who` the id of a person.
    """

    text: str
    values: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.text.format(**self.values)


@dataclass(frozen=True)
class Explanation:
    """One row of the log, explained.

    Attributes:
        event_id, event: of the row.
        time: when; None: not readable.
        camera, direction, method: where and how: `face`, `pin`, `sample`.
        agreeing, voting: good frames that said this name, of all that voted; None: not known.
        similarity, threshold: cosines: what the face had, and what it had to reach.
        runner_up, runner_up_similarity: the next best person.
        liveness: `passed`, `unproven`, `failed`; empty: not checked.
        reason: of withdrawals and of faces that could not be told.
        image: the evidence, relative to the workspace; may be empty.
        model, gallery_version: what decided.
        taken_back: reason of a later row that takes this one back; None: none does.
        parts: all of it as parts of a sentence.
    """

    event_id: str
    event: str
    time: datetime | None
    camera: str
    direction: str
    method: str
    agreeing: int | None
    voting: int | None
    similarity: float | None
    threshold: float | None
    runner_up: str
    runner_up_similarity: float | None
    liveness: str
    reason: str
    image: str
    model: str
    gallery_version: str
    taken_back: str | None = None
    parts: tuple[Part, ...] = ()

    def __str__(self) -> str:
        return ", ".join(map(str, self.parts))


_LIVENESS = {"passed": "liveness passed", "unproven": "liveness not proven", "failed": "liveness failed"}


def explain(row: Mapping[str, str], taken_back_by: Mapping[str, str] | None = None) -> Explanation:
    """Explain a row of the attendance log.

    Args:
        row: as the log has it; cells that make no sense count as empty.
        taken_back_by: the row that takes it back, if one does.
    """

    def number(column: str) -> float | None:
        try:
            value = float(row.get(column, ""))
        except ValueError:
            return None
        return value if math.isfinite(value) else None

    agreeing, voting = number("agreeing_frames"), number("voting_frames")
    try:
        time: datetime | None = datetime.fromisoformat(row.get("timestamp", ""))
    except ValueError:
        time = None
    found = Explanation(
        event_id=row.get("event_id", ""),
        event=row.get("event", ""),
        time=time,
        camera=row.get("camera", ""),
        direction=row.get("direction", ""),
        method=row.get("method", ""),
        agreeing=None if agreeing is None else int(agreeing),
        voting=None if voting is None else int(voting),
        similarity=number("similarity"),
        threshold=number("threshold"),
        runner_up=row.get("runner_up", ""),
        runner_up_similarity=number("runner_up_similarity"),
        liveness=row.get("liveness", ""),
        reason=row.get("reason", ""),
        image=row.get("evidence_image", ""),
        model=row.get("model", ""),
        gallery_version=row.get("gallery_version", ""),
        taken_back=None if taken_back_by is None else taken_back_by.get("reason", ""),
    )
    return _with_parts(found)


def _with_parts(found: Explanation) -> Explanation:
    parts: list[Part] = []
    if found.taken_back is not None:
        parts.append(Part("taken back: {reason}", {"reason": found.taken_back or "–"}))
    if found.method == "sample":
        parts.append(Part("made up for the sample"))
    if found.event == "unidentified":
        parts.append(Part("not certain: {reason}", {"reason": found.reason or "–"}))
    elif found.reason:
        parts.append(Part("because {reason}", {"reason": found.reason}))
    if found.method == "pin":  # no face was compared
        parts.append(Part("the person entered their PIN at camera {camera}", {"camera": found.camera or "–"}))
        if found.image:
            parts.append(Part("the picture of that moment is kept"))
        return replace(found, parts=tuple(parts))
    if found.agreeing is not None:
        parts.append(Part("1 agreeing frame" if found.agreeing == 1 else "{count} agreeing frames",
                          {} if found.agreeing == 1 else {"count": str(found.agreeing)}))  # fmt: skip
        if found.voting is not None and found.voting > found.agreeing:
            parts.append(Part("of {count} that voted", {"count": str(found.voting)}))
    if found.similarity is not None:
        parts.append(Part("similarity {value}", {"value": _cosine(found.similarity)}))
    if found.runner_up_similarity is not None:
        values = {"value": _cosine(found.runner_up_similarity), "who": found.runner_up}
        parts.append(Part("next best {value} ({who})" if found.runner_up else "next best {value}", values))
    if found.threshold is not None:
        parts.append(Part("threshold {value}", {"value": _cosine(found.threshold)}))
    if found.liveness in _LIVENESS:
        parts.append(Part(_LIVENESS[found.liveness]))
    return replace(found, parts=tuple(parts))


def _cosine(value: float) -> str:
    """Two digits, without the zero before the point: `.71`."""
    return f"{value:.2f}".replace("0.", ".", 1).replace("-", "−")
