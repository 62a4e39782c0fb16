"""The figures of thousands of people as tables of `docs/evaluation.md` and `docs/models.md`, between markers; the words around them stay.

python -m tests.bench.scale_page RESULTS.json docs
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from engine.storage import atomic_write
from tests.bench.page import put, table
from tests.bench.scale import OLD

__all__ = ["blocks", "write_scale_pages"]

Result = Mapping[str, Any]

_DEFAULT = "both (default)"
_FARS = {"0.001": "1e-3", "0.0001": "1e-4", "0.00001": "1e-5"}


def _percent(value: float, digits: int = 2) -> str:
    return f"{100 * value:.{digits}f} %"


def _rate(found: Mapping[str, float] | None, digits: int = 2) -> str:
    if found is None:
        return "–"
    return f"{_percent(found['value'], digits)} ({100 * found['low']:.{digits}f} – {100 * found['high']:.{digits}f})"


def _lfw(found: Mapping[str, float]) -> str:
    return f"{100 * found['accuracy']:.2f} ± {100 * found['error']:.2f} %"


def _photos(result: Result) -> str:
    twins = result["twins"]
    versions = ", ".join(f"{name} {version}" for name, version in result["versions"].items())
    faces = f"all but {result['failures']} of the photos" if result["failures"] else "every photo"
    return (
        f"Measured on {result['photos']:,} photos of {result['people']:,} people ({versions}). Muster found a face in {faces}. "
        f"{len(twins)} pairs of people are so alike that chance does not explain it; "
        "they are probably one person under two names, and one of each pair is left out of all pairs and of the promise "
        "(not of the LFW protocol): "
        + ", ".join(f"{first} and {second}" for first, second, _ in twins).replace("_", " ")
        + "."
    )


def _engines(result: Result) -> str:
    rows = [
        (
            name,
            _lfw(row["lfw"]),
            *(_rate(row["few"]["fnmr"].get(far)) for far in _FARS),
            _rate(row["few"]["eer"]),
        )
        for name, row in result["engines"].items()
    ]
    return table(("network", "LFW protocol", *(f"FNMR at FMR {told}" for told in _FARS.values()), "EER"), rows)


def _every_photo(result: Result) -> str:
    rows = [
        (
            name,
            f"{row['all']['genuine'] + row['all']['impostor']:,}",
            *(_rate(row["all"]["fnmr"].get(far)) for far in _FARS),
        )
        for name, row in result["engines"].items()
    ]
    return table(("network", "pairs", *(f"FNMR at FMR {told}" for told in _FARS.values())), rows)


def _rivals(result: Result) -> str:
    found = result["rivals"]
    versions = ", ".join(f"{name} {version}" for name, version in found["versions"].items())
    rows = [
        (name, _lfw(row["lfw"]), *(_rate(row["few"]["fnmr"].get(far)) for far in ("0.001", "0.0001")), row["failures"])
        for name, row in found["engines"].items()
    ]
    told = table(("engine", "LFW protocol", "FNMR at FMR 1e-3", "FNMR at FMR 1e-4", "photos without a face"), rows)
    return f"{found['photos']:,} photos of {found['people']} people drawn at random; {versions}.\n\n{told}"


def _promise(result: Result, names: Sequence[str]) -> str:
    rows = [
        (
            name,
            f"{each['people']:,}, {each['photos']}",
            f"{each['threshold']:.3f}",
            _percent(each["promised"], 1),
            _rate(each["fpir"], 3),
            _rate(each["fnir"]),
        )
        for name in names
        for each in result["promises"][name]
    ]
    header = ("network and threshold", "people, photos of each", "threshold", "promised FPIR", "FPIR", "FNIR")
    if len(names) == 1:
        header, rows = header[1:], [row[1:] for row in rows]
    return table(header, rows)


def _at(result: Result, name: str, people: int) -> Mapping[str, Any]:
    return next(each for each in result["promises"][name] if each["people"] == people)


def _measures(result: Result) -> str:
    """What each measure gave: its figure before and after."""
    old, facenet, both = (_at(result, name, 50) for name in (OLD, "FaceNet alone", _DEFAULT))
    large, larger = _at(result, "FaceNet alone", 200), _at(result, _DEFAULT, 200)
    rows = [
        (
            "threshold from the cohort instead of a normal distribution",
            "FPIR in galleries of 50 people, promise 0.1 % (FaceNet alone)",
            _rate(old["fpir"], 3),
            _rate(facenet["fpir"], 3),
        ),
        ("", "FNIR there: what the promise costs", _rate(old["fnir"]), _rate(facenet["fnir"])),
        (
            "MobileFaceNet beside FaceNet, both at the cohort's threshold",
            "FNIR, 50 people with 3 photos",
            _rate(facenet["fnir"]),
            _rate(both["fnir"]),
        ),
        ("", "FNIR, 200 people with 1 photo", _rate(large["fnir"]), _rate(larger["fnir"])),
    ]
    if (photos := result.get("readings")) is not None:
        told = (
            f"{photos['taken_turned']} of {photos['turned']} ({photos['righted']} righted, {photos['refused']} refused)"
        )
        rows += [
            (
                "photos are read with a border, too",
                "faces cut out at the box that can be enrolled",
                f"{photos['tight_without_border']} of {photos['photos']}",
                f"{photos['tight']} of {photos['photos']}",
            ),
            (
                "photos are stood upright",
                "photos turned by 90, 180 or 270° that become a wrong template",
                f"{photos['plainly_taken']} of {photos['turned']}",
                told,
            ),
        ]
    return table(("measure", "what is measured", "before", "after"), rows)


def _weights(result: Result) -> str:
    found = result["weights"]
    rows = [(share, _percent(value)) for share, value in found["fnmr"].items()]
    chosen = ", ".join(f"{share:g}" for share in found["chosen"])
    return (
        table(("share of FaceNet in the similarity", "FNMR at FMR 1e-4"), rows)
        + f"\n\nChosen on four fifths of the people each, to be used on the last fifth: {chosen}."
    )


def blocks(result: Result) -> dict[str, str]:
    """Every table by the name of its markers; parts that were not measured have none."""
    beside = {"rivals": _rivals(result)} if "rivals" in result else {}
    return beside | {
        "photos": _photos(result),
        "engines": _engines(result),
        "every-photo": _every_photo(result),
        "promise": _promise(result, [_DEFAULT]),
        "promises": _promise(result, [name for name in result["promises"] if name != _DEFAULT]),
        "measures": _measures(result),
        "weights": _weights(result),
    }


def write_scale_pages(result: Result, pages: Iterable[Path]) -> None:
    """Write the tables into pages that have their markers.

    Raises:
        StorageError: a page cannot be written.
    """
    found = blocks(result)
    for page in pages:
        atomic_write(page, put(page.read_text(encoding="utf-8"), found).encode())


def main() -> None:
    """Write the pages."""
    parser = argparse.ArgumentParser("python -m tests.bench.scale_page", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("results", type=Path, help="JSON file of tests.bench.scale")
    parser.add_argument("docs", type=Path, help="folder of evaluation.md and models.md")
    options = parser.parse_args()
    result = json.loads(options.results.read_text(encoding="utf-8"))
    write_scale_pages(result, [options.docs / "evaluation.md", options.docs / "models.md"])


if __name__ == "__main__":
    main()
