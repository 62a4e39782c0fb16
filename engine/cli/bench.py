"""`muster bench`, and the comparison of engines of `muster evaluate --rivals`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from typer import Option

from engine.cli.context import Json, Panel, open_workbench
from engine.cli.output import emit_json, progress_bar, say, table
from engine.errors import InputError

__all__ = ["app", "compare_engines"]

app = typer.Typer()


@app.command(rich_help_panel=Panel.MEASURE)
def bench(
    quick: Annotated[bool, Option("--quick", help="Only measure single steps: one minute instead of ten.")] = False,
    page: Annotated[Path | None, Option(help="Also write a page with a plot, such as docs/performance.md.")] = None,
    as_json: Json = False,
) -> None:
    """Measure speed against facenet-pytorch.

    Both do the same work in one run.
    """
    from engine.bench import run_bench
    from engine.bench.page import write_page
    from engine.models import DEFAULT_EMBEDDER, ModelStore, fetch_samples

    if quick and page is not None:
        raise InputError("a quick run does not measure enough for a page", hint="leave --quick out")
    with progress_bar(quiet=as_json) as progress:
        photos = fetch_samples(progress)
        ModelStore("onnx", progress=progress).embedder(DEFAULT_EMBEDDER)
        result = run_bench(photos, progress, quick=quick)
    if page is not None:
        write_page(page, result)
    if as_json:
        emit_json(result)
    else:
        _show(result, quick=quick)


def _show(result: dict[str, Any], *, quick: bool) -> None:
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
    if quick:
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


def compare_engines(page: Path | None, workspace: Path, as_json: bool) -> None:
    """Compare the default recipe with other engines and recipes on the sample photos.

    Args:
        page: if given, write the results there.
        workspace: folder whose settings apply.
        as_json: print JSON instead of a table.

    Raises:
        InputError: a page was asked for, but dlib is not installed.
    """
    from engine.bench.accuracy import run_accuracy
    from engine.bench.accuracy_page import write_accuracy_page
    from engine.bench.loops import has_dlib
    from engine.models import fetch_samples

    if page is not None and not has_dlib():
        raise InputError("the page compares with dlib, which is not installed", hint="pip install 'muster[bench]'")
    with progress_bar(quiet=as_json) as progress:
        result = run_accuracy(open_workbench(workspace, progress=progress), fetch_samples(progress), progress)
    if page is not None:
        write_accuracy_page(page, result)
    if as_json:
        emit_json(result)
        return
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
    if page is not None:
        say(f"The page {page} adds intervals, results per person and other recipes.")
