"""Muster against other engines, on the sample photos: `make bench`, or parts of it.

    python -m tests.bench [speed] [accuracy] [attacks] [challenge] [recall] [--quick] [--json] [--pages docs]

speed       stations, whole loops, live watching, search and start-up against facenet-pytorch and face_recognition (ten minutes)
accuracy    the default recipe against other engines and other recipes (five minutes)
attacks     how often rendered attacks pass the liveness checks (half an hour)
challenge   how often the kiosk's challenge is passed by people and by pictures of them (a quarter of an hour; only if named)
recall      whom live watching names among those that a plain loop names, over twelve streets (half an hour; only if named)

All of it needs the extra `bench`. `--pages` writes performance.md and evaluation.md with their plots into a folder; what was written by
hand in a page stays. The table of attacks is printed, for docs/liveness.md. Photos of thousands of people: `tests.bench.scale`.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path
from typing import Any

from engine.cli.output import emit_json, progress_bar, say, table
from engine.errors import InputError, MusterError
from engine.models import FACENET, ModelStore, fetch_samples
from engine.workbench import Workbench
from tests.bench.accuracy import run_accuracy
from tests.bench.accuracy_page import write_accuracy_page
from tests.bench.attacks import crowd, markdown, measure, shown_to_checks, subjects
from tests.bench.challenged import challenged, in_words, straight
from tests.bench.loops import has_dlib
from tests.bench.page import write_page
from tests.bench.recall import recall
from tests.bench.suite import run_bench

PARTS = ("speed", "accuracy", "attacks")
_ON_REQUEST = ("challenge", "recall")
_STREETS = 12
_CROWD = 50
_MORE = 66  # of whom about 40 look straight ahead


def main() -> None:
    """Run the parts that were asked for, all of them by default."""
    parser = argparse.ArgumentParser("python -m tests.bench", description=(__doc__ or "").splitlines()[0])
    parser.add_argument(
        "parts", nargs="*", metavar="PART", help=f"of {', '.join((*PARTS, *_ON_REQUEST))}; default: {', '.join(PARTS)}"
    )
    parser.add_argument("--quick", action="store_true", help="speed: only the stations one by one, in a minute")
    parser.add_argument("--json", action="store_true", help="print JSON instead of tables")
    parser.add_argument(
        "--people",
        type=Path,
        metavar="FOLDER",
        help="a folder of photos per person: for the hard clips of speed and recall, and for attacks",
    )
    parser.add_argument("--pages", type=Path, metavar="FOLDER", help="write performance.md and evaluation.md there")
    options = parser.parse_args()
    parts = options.parts or PARTS
    if unknown := set(parts) - {*PARTS, *_ON_REQUEST}:
        parser.error(f"there is no part {', '.join(sorted(unknown))}")
    if options.quick and (options.pages or "speed" not in parts):
        parser.error("--quick goes with speed, and measures too little for a page")
    try:
        found = run(parts, quick=options.quick, people=options.people, pages=options.pages, quiet=options.json)
    except MusterError as error:
        print(f"bench: {error}", file=sys.stderr)
        sys.exit(error.exit_code)
    if options.json:
        emit_json(found)
    else:
        show(found)


def run(
    parts: list[str] | tuple[str, ...], *, quick: bool, people: Path | None, pages: Path | None, quiet: bool
) -> dict[str, Any]:
    """The results by part.

    Raises:
        InputError: a page was asked for that compares with dlib, which is not installed.
    """
    if pages is not None and "accuracy" in parts and not has_dlib():
        raise InputError("the page compares with dlib, which is not installed", hint="pip install -e '.[bench]'")
    found: dict[str, Any] = {}
    with progress_bar(quiet=quiet) as progress, tempfile.TemporaryDirectory() as folder:
        photos = fetch_samples(progress)
        ModelStore("onnx", progress=progress).embedder(FACENET)
        bench = Workbench(Path(folder), progress=progress)
        if "speed" in parts:
            found["speed"] = run_bench(photos, progress, people=people, quick=quick)
            if pages is not None:
                write_page(pages / "performance.md", found["speed"])
        if "accuracy" in parts:
            found["accuracy"] = run_accuracy(bench, photos, progress)
            if pages is not None:
                write_accuracy_page(pages / "evaluation.md", found["accuracy"])
        if "attacks" in parts:
            detector = bench.reader.detector
            if people is None:
                found["attacks"] = measure(photos, detector, rounds=2, progress=progress)
            else:
                found["attacks"] = shown_to_checks(crowd(people, detector, _CROWD), detector, progress=progress)
        if "challenge" in parts:
            detector = bench.reader.detector
            faces = subjects(photos, detector) if people is None else crowd(people, detector, _MORE)
            found["challenge"] = challenged(straight(faces), detector, progress=progress)
        if "recall" in parts:
            found["recall"] = recall(people or photos / "val", _STREETS, progress)
    return found


def show(found: dict[str, Any]) -> None:
    """Print tables."""
    if "speed" in found:
        show_speed(found["speed"])
    if "accuracy" in found:
        show_accuracy(found["accuracy"])
    if "attacks" in found:
        print(markdown(found["attacks"]))
    if "challenge" in found:
        print(in_words(found["challenge"]))
    if "recall" in found:
        row = found["recall"]
        say(
            f"{row['clips']} streets: of {row['enrolled']} enrolled people Muster named {row['every_frame']} with every frame, and live "
            f"{row['kept']} of these ({row['share']:.1%}). The plain loop named {row['reference']}; of these Muster named {row['live']} "
            f"live, and {row['beyond']} beyond them."
        )


def show_speed(result: dict[str, Any]) -> None:
    """Stations; and loops and targets, unless it was a quick run."""
    rows = [
        (
            name,
            f"{row['muster']:.1f}",
            f"{row['facenet-pytorch']:.1f}",
            f"{result['ratios'][name]:.2f}×",
            ", ".join(f"{what.replace('_', ' ')} {value:g}" for what, value in result["parity"][name].items()),
        )
        for name, row in result["medians_ms"].items()
    ]
    table("Median milliseconds", ("work", "muster", "facenet-pytorch", "faster", "same results"), rows)
    share = result["facenet_share_of_sgemm"]["embedder_1_face"]
    say(f"sgemm reaches {result['sgemm_gflops']:.0f} GFLOP/s; FaceNet reaches {share:.0%} of that.")
    if "loops" not in result:
        return
    table(
        "Loops over clips, frames per second",
        ("clip", "muster", "facenet-pytorch", "faster", "face_recognition"),
        [
            (
                name,
                f"{row['muster']['fps']:.1f}",
                f"{row['facenet-pytorch']['fps']:.1f}",
                f"{row['ratio']:.1f}×",
                f"{row['face_recognition']['fps']:.1f}" if "face_recognition" in row else "",
            )
            for name, row in result["loops"].items()
        ],
    )
    table(
        "Targets",
        ("work", "", "measured", "target", ""),
        [
            (row["work"], row["unit"], f"{row['found']:.3g}", row["wanted"], "✓" if row["met"] else "missed")
            for row in result["targets"]
        ],
    )


def show_accuracy(result: dict[str, Any]) -> None:
    """Engines side by side; intervals, people and recipes are on the page."""
    cells = [
        (
            name,
            *(f"{row[kind][figure]['value']:.4f}" for kind in ("all", "common") for figure in ("auc", "tar@0.001")),
            f"{row['failure_to_acquire']['failed']} of {row['failure_to_acquire']['photos']}",
        )
        for name, row in result["engines"].items()
    ]
    columns = ("", "AUC, all pairs", "TAR at FAR 0.1%", "AUC, common pairs", "TAR at FAR 0.1%", "no face")
    table(f"Engines on {result['photos']} photos; photos without a face count in all pairs", columns, cells)


if __name__ == "__main__":
    main()
