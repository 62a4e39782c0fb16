"""The evaluation on the sample photos as a part of `docs/evaluation.md`, and its DET plot."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from engine.storage import atomic_write
from tests.bench.accuracy import DLIB, MUSTER
from tests.bench.det import det_plot
from tests.bench.page import put, table

__all__ = ["write_accuracy_page"]

Result = Mapping[str, Any]

_NEW = "# Evaluation\n\n<!-- samples: written by `make bench` -->\n\n<!-- end of samples -->\n"


def _digits(value: float) -> str:
    told = f"{value:.4f}".rstrip("0").rstrip(".") if round(value, 4) in (0, 1) else f"{value:.4f}"
    return told.removeprefix("0") if "." in told else told


def _span(bounds: Sequence[float]) -> str:
    return f"{_digits(bounds[0])} – {_digits(bounds[1])}"


def _figure(found: Mapping[str, float]) -> str:
    return f"{_digits(found['value'])} ({_span((found['low'], found['high']))})"


def _signed(value: float) -> str:
    return f"{value:+.4f}".replace("+0.", "+.").replace("-0.", "−.") if round(value, 4) else "0"


def _gain(found: Mapping[str, Any]) -> str:
    told = f"{_signed(found['value'])} ({_signed(found['low'])} to {_signed(found['high'])})"
    return f"**{told}**" if found["significant"] else told


def _share(found: Mapping[str, Any]) -> str:
    return f"{found['failed']} of {found['photos']} ({_span(found['interval'])})"


def _name(person: str) -> str:
    return person.replace("_", " ").title()


def _engines(result: Result, kind: str) -> str:
    return table(
        ("engine", "pairs", "AUC", "EER", "TAR at FAR 1%", "TAR at FAR 0.1%"),
        [
            (
                name,
                f"{row[kind]['pairs']:,}",
                *(_figure(row[kind][key]) for key in ("auc", "eer", "tar@0.01", "tar@0.001")),
            )
            for name, row in result["engines"].items()
        ],
    )


def _differences(result: Result, kind: str) -> str:
    rows = []
    for name, row in result["differences"].items():
        for key, told in (("auc", "AUC"), ("tar@0.001", "TAR at FAR 0.1%")):
            found = row[kind][key]
            by_pairs = " to ".join(_signed(bound) for bound in found["pairs"])
            rows.append((f"{MUSTER} − {name}", told, _gain(found), by_pairs))
    return table(("", "figure", "difference (95% over people)", "95% over pairs: optimistic"), rows)


def _sure(difference: Mapping[str, Any]) -> str:
    return "excludes zero" if difference["significant"] else "contains zero"


def _line(result: Result) -> str:
    """The comparison with dlib, in words that follow the figures."""
    ours, theirs = result["engines"][MUSTER], result["engines"][DLIB]
    said = []
    for kind, told in (("common", "on the pairs that all engines can score"), ("all", "on all pairs")):
        better = ours[kind]["auc"]["value"] >= theirs[kind]["auc"]["value"]
        sure = _sure(result["differences"][DLIB][kind]["auc"])
        said.append(
            f"{told} {_digits(ours[kind]['auc']['value'])} against {_digits(theirs[kind]['auc']['value'])} "
            f"({'at least as good' if better else 'worse'}; the interval of the difference {sure})"
        )
    own = (ours["own"]["auc"]["value"], theirs["own"]["auc"]["value"])
    tars = ", ".join(
        f"{_digits(ours[kind]['tar@0.001']['value'])} against {_digits(theirs[kind]['tar@0.001']['value'])} on {told} pairs "
        f"(the interval {_sure(result['differences'][DLIB][kind]['tar@0.001'])})"
        for kind, told in (("common", "the common"), ("all", "all"))
    )
    return (
        f"Against {DLIB}, AUC: {'; '.join(said)}. Each on the pairs that it can score itself (not the same pairs): "
        f"{_digits(own[0])} against {_digits(own[1])}. TAR at FAR 0.1%: {tars}. Photos without a face: "
        f"{ours['failure_to_acquire']['failed']} "
        f"against {theirs['failure_to_acquire']['failed']}."
    )


def _people(result: Result) -> str:
    engines = result["engines"]
    rows = []
    for number, person in enumerate(result["people"]):
        cells: list[object] = [_name(person), engines[MUSTER]["people"][number]["photos"]]
        for engine in engines.values():
            row = engine["people"][number]
            blind = f", {row['no_face']} without a face" if row["no_face"] else ""
            cells.append(f"{_digits(row['fnmr'])} ({_span(row['interval'])}){blind}")
        nearest = engines[MUSTER]["people"][number]
        who = nearest["nearest_person"]
        cells.append("–" if who is None else f"{_name(result['people'][who])}, {_digits(nearest['nearest'])}")
        rows.append(cells)
    return table(("person", "photos", *(f"FNMR {name}" for name in engines), f"nearest impostor ({MUSTER})"), rows)


def _open_set(result: Result) -> str:
    return table(
        ("engine", "failure to acquire", "FNIR", "FPIR reached"),
        [
            (
                name,
                _share(row["failure_to_acquire"]),
                "–"
                if row["open_set"] is None
                else f"{_digits(row['open_set']['fnir'])} ({_span(row['open_set']['interval'])})",
                "–" if row["open_set"] is None else _digits(row["open_set"]["fpir"]),
            )
            for name, row in result["engines"].items()
        ],
    )


def _tried(rows: Mapping[str, Any], costs: bool = False) -> str:
    return table(
        (
            "what",
            *(("network runs a face",) if costs else ()),
            "AUC",
            "EER",
            "TAR at FAR 0.1%",
            "gain in AUC",
            "gain in TAR",
        ),
        [
            (
                name,
                *((row["runs"],) if costs else ()),
                *(_digits(row[key]["value"]) for key in ("auc", "eer", "tar@0.001")),
                *(_gain(row["gain"][key]) if row["gain"] else "–" for key in ("auc", "tar@0.001")),
            )
            for name, row in rows.items()
        ],
    )


def _verdict(tried: Result) -> str:
    """Whether something tried is better beyond doubt, in words that follow the figures."""
    better = [
        name
        for rows in (tried["recipes"], tried["normalisation"], tried["templates"])
        for name, row in rows.items()
        if row["gain"] and any(row["gain"][key]["low"] > 0 for key in ("auc", "tar@0.001"))
    ]
    held = tried["held_out"]
    often = ", ".join(f"{name} ({times}×)" for name, times in sorted(held["chosen"].items(), key=lambda row: -row[1]))
    gains = f"AUC {_gain(held['gain']['auc'])}, TAR at FAR 0.1% {_gain(held['gain']['tar@0.001'])}"
    found = (
        f"By itself, an interval over people excludes zero for: {', '.join(better)}."
        if better
        else "No gain has an interval over people that excludes zero, so the default stays as it is."
    )
    return (
        f"{found} We also chose the recipe with the best AUC on all people but two and scored those two with it, for all "
        f"{sum(held['chosen'].values())} ways to hold two out. The gain is {gains}. The choices were: {often}."
    )


def _page(result: Result, picture: str) -> str:
    tried = result["tried"]
    parts = [
        f"{result['photos']} photos of {len(result['people'])} people: every pair once, {result['pairs']:,} pairs. The same command on "
        f"the same photos and versions gives the same figures. Model `{result['model']}`, alignment `{result['alignment']}`. Versions: "
        + ", ".join(f"{name} {version}" for name, version in result["versions"].items())
        + ".",
        _line(result),
        f"![DET curves of the engines]({picture})",
        "### All pairs, failures to acquire counted",
        _engines(result, "all"),
        _differences(result, "all"),
        "### The pairs that every engine could score",
        "The photos that an engine cannot read are the hard ones. Leaving them out for everybody favours the engine that could not "
        "read them.",
        _engines(result, "common"),
        _differences(result, "common"),
        "### Failure to acquire, and strangers among five people",
        OPEN_SET,
        _open_set(result),
        "### Person by person",
        PERSONS,
        _people(result),
        "### What we tried to improve it",
        TRIED,
        _verdict(tried),
        "#### From the face to the embedding",
        _tried(tried["recipes"], costs=True),
        "#### From two embeddings to a score",
        "The cohort consists of the photos of the people who are not compared, about 68 photos: far too few for these methods.",
        _tried(tried["normalisation"]),
        "#### From several photos to a template",
        "We set aside ten photos per person, in ten draws, and make templates of them; the other photos are the probes.",
        _tried(tried["templates"]),
    ]
    return "\n\n".join(parts)


OPEN_SET = """\
Each engine enrols five photos per person, in 20 draws, and searches all other photos. Each person is once a stranger to the other
four. FNIR is taken at the threshold where at most 1% of the strangers' searches name somebody. Muster searches fused templates, the
others the closest enrolled photo; they enrol only photos that every engine could read. A gallery of four or five people says little
about one of five hundred: `muster calibrate` measures the rates in your own gallery."""

PERSONS = """\
FNMR at each engine's own threshold for FAR 0.1% over all pairs; photos without a face count. Pairs of one person share photos, so
the interval is the exact one for as many trials as photos. The nearest impostor is the most similar photo of somebody else. Other
engines use other scales of similarity."""

TRIED = """\
The rule: we change the default when a gain's interval over people excludes zero (printed bold) and the choice also holds on people
who had no part in it. Gains are relative to the first row. The best of many rows is better by chance alone, so we also choose a
recipe on some people and judge it on others."""


def write_accuracy_page(path: Path, result: Result) -> None:
    """Write the page's part on the sample photos, and its plot into `images/` beside it. The rest of the page stays.

    Args:
        path: of the Markdown file; a new one is made if there is none.
        result: from `tests.bench.accuracy.run_accuracy`, with the rival's figures.

    Raises:
        StorageError: it cannot be written.
    """
    picture = path.parent / "images" / f"{path.stem}.svg"
    atomic_write(picture, det_plot(result["engines"]).encode())
    text = path.read_text(encoding="utf-8") if path.is_file() else _NEW
    atomic_write(path, put(text, {"samples": _page(result, f"images/{picture.name}")}).encode())
