"""Explain a row of the attendance log, as parts of a sentence that an interface can translate. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from engine.attendance.rows import IMPORTED, PunchRow


@dataclass(frozen=True)
class Part:
    """A part of a sentence.

    Attributes:
        text: in English, with `{name}` in place of a value; one of a few, so that each can be translated.
        values: by name; `who` is the id of a person.
    """

    text: str
    values: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.text.format(**self.values)


@dataclass(frozen=True)
class Explanation:
    """One row of the log with its explanation.

    Attributes:
        taken_back: reason of a later row that takes it back; None: none does.
        repeats: an imported passage that another row shows, too.
        told: the direction that the person told at the kiosk; empty: they told none.
    """

    row: PunchRow
    taken_back: str | None = None
    repeats: bool = False
    told: str = ""
    parts: tuple[Part, ...] = ()

    def __str__(self) -> str:
        return ", ".join(map(str, self.parts))


_LIVENESS = {"passed": "liveness passed", "unproven": "liveness not proven", "failed": "liveness failed"}


_TOLD = {
    "in": "the person changed it at the kiosk: came in",
    "out": "the person changed it at the kiosk: went out",
}


def explain(row: PunchRow, taken_back: str | None = None, *, repeats: bool = False, told: str = "") -> Explanation:
    """Explain a row of the attendance log; `taken_back`, `repeats`, `told`: see `Explanation`."""
    parts: list[Part] = []
    if taken_back is not None:
        parts.append(Part("taken back: {reason}", {"reason": taken_back or "–"}))
    if told in _TOLD:
        parts.append(Part(_TOLD[told]))
    if row.method == "sample":
        parts.append(Part("made up for the sample"))
    if row.event == "unidentified":
        parts.append(Part("not certain: {reason}", {"reason": row.reason or "–"}))
    elif row.reason:
        parts.append(Part("because {reason}", {"reason": row.reason}))
    ways = {"pin": _of_pin, "badge": _of_badge, IMPORTED: _of_import}
    parts += ways.get(row.method, _of_face)(row)
    if repeats:
        parts.append(Part("another row shows the same passage"))
    return Explanation(row, taken_back, repeats, told, tuple(parts))


def _of_pin(row: PunchRow) -> Iterator[Part]:
    """No face was compared."""
    yield Part("the person entered their PIN at camera {camera}", {"camera": row.camera or "–"})
    if row.evidence_image:
        yield Part("the picture of that moment is kept")


def _of_badge(row: PunchRow) -> Iterator[Part]:
    """No face was compared."""
    yield Part("the person showed their badge at camera {camera}", {"camera": row.camera or "–"})
    if row.evidence_image:
        yield Part("the picture of that moment is kept")


def _of_import(row: PunchRow) -> Iterator[Part]:
    """No camera saw it."""
    yield Part("imported, recorded by {camera}", {"camera": row.camera or "–"})
    if row.author:
        yield Part("imported by {author}", {"author": row.author})


def _of_face(row: PunchRow) -> Iterator[Part]:
    agreeing, voting = row.agreeing_frames, row.voting_frames
    if agreeing == 1:
        yield Part("1 agreeing frame")
    elif agreeing is not None:
        yield Part("{count} agreeing frames", {"count": str(agreeing)})
    if agreeing is not None and voting is not None and voting > agreeing:
        yield Part("of {count} that voted", {"count": str(voting)})
    if row.similarity is not None:
        yield Part("similarity {value}", {"value": _cosine(row.similarity)})
    if row.runner_up_similarity is not None:
        values = {"value": _cosine(row.runner_up_similarity), "who": row.runner_up}
        yield Part("next best {value} ({who})", values) if row.runner_up else Part("next best {value}", values)
    if row.threshold is not None:
        yield Part("threshold {value}", {"value": _cosine(row.threshold)})
    if row.liveness in _LIVENESS:
        yield Part(_LIVENESS[row.liveness])


def _cosine(value: float) -> str:
    """Two digits, without the zero before the point: `.71`."""
    return f"{value:.2f}".replace("0.", ".", 1).replace("-", "−")
