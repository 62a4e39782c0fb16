"""`muster evaluate`, `bench`, `doctor`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import typer

from engine.assess import assess_folder, assess_pairs, assess_prior
from engine.cli.output import console, emit_json, progress_bar, rounded, table
from engine.doctor import examine
from engine.errors import InputError
from engine.gallery import Gallery
from engine.models import DEFAULT_EMBEDDER, ModelStore, fetch_samples
from engine.storage import atomic_write
from engine.workbench import Workbench

__all__ = ["bench", "doctor", "evaluate"]


def evaluate(
    folder: Path | None,
    pairs: Path | None,
    samples: bool,
    enrol_photos: int | None,
    workspace: Path,
    as_json: bool,
    *,
    prior: Path | None = None,
    rivals: bool = False,
    page: Path | None = None,
) -> None:
    """Evaluate on one of: a folder, a table of pairs, the sample photos; or measure the prior curve on it, or compare engines."""
    if sum((folder is not None, pairs is not None, samples)) != 1:
        raise InputError("nothing to evaluate, or too much", hint="give a folder, or --pairs CSV, or --samples")
    if prior is not None and pairs is not None:
        raise InputError("a prior curve is measured on photos of people", hint="give a folder, or --samples")
    if rivals or page is not None:
        if not samples or prior is not None:
            raise InputError(
                "engines are compared on the sample photos", hint="give --samples alone with --rivals or --page"
            )
        _compare(page, workspace, as_json)
        return
    with progress_bar(quiet=as_json) as progress:
        workbench = Workbench(workspace, progress=progress)
        if prior is not None:
            place = fetch_samples(progress) if folder is None else folder
            ids = {"model_id": workbench.spec.model_id, "alignment_id": workbench.gallery.current().alignment_id}
            curve = assess_prior(workbench.reader, place, **ids, progress=progress)
            atomic_write(prior, curve.to_json().encode())
            if as_json:
                emit_json({"file": str(prior), **ids, "people": curve.people, "photos": curve.photos})
            else:
                console.print(f"The prior curve of {curve.people} people is in {prior}.", markup=False)
            return
        if pairs is not None:
            result = assess_pairs(workbench.reader, pairs, progress)
        else:
            empty = workbench.gallery.current()
            place = fetch_samples(progress) if folder is None else folder
            result = assess_folder(
                workbench.reader,
                place,
                enrol=enrol_photos,
                gallery=lambda: Gallery.empty(empty.model_id, empty.alignment_id, workbench.spec.dimension),
                threshold=workbench.threshold_of,
                min_margin=workbench.config.matching.min_margin,
                progress=progress,
            )
    result = {"model": workbench.spec.model_id, **result}
    if as_json:
        emit_json(result)
        return
    _show_evaluation(result)


def _compare(page: Path | None, workspace: Path, as_json: bool) -> None:
    """Hold the default recipe against other engines and other recipes, and write the page."""
    from engine.bench.accuracy import run_accuracy  # noqa: PLC0415 - no other command needs it
    from engine.bench.accuracy_page import write_accuracy_page  # noqa: PLC0415
    from engine.bench.loops import has_dlib  # noqa: PLC0415

    if page is not None and not has_dlib():
        raise InputError("the page compares with dlib, which is not installed", hint="pip install 'muster[bench]'")
    with progress_bar(quiet=as_json) as progress:
        result = run_accuracy(Workbench(workspace, progress=progress), fetch_samples(progress), progress)
    if page is not None:
        write_accuracy_page(page, result)
    if as_json:
        emit_json(result)
        return
    told = [
        (
            name,
            *(f"{row[kind][figure]['value']:.4f}" for kind in ("all", "common") for figure in ("auc", "tar@0.001")),
            f"{row['failure_to_acquire']['failed']} of {row['failure_to_acquire']['photos']}",
        )
        for name, row in result["engines"].items()
    ]
    columns = ("", "AUC, all pairs", "TAR at FAR 0.1%", "AUC, common pairs", "TAR at FAR 0.1%", "no face")
    table(f"Engines on {result['photos']} photos; failures to acquire count in all pairs", columns, told)
    if page is not None:
        console.print(f"Intervals, people and what was tried are in {page}.", markup=False)


def _show_evaluation(result: dict[str, Any]) -> None:
    def span(bounds: tuple[float, float]) -> str:
        return f"{bounds[0]:.4f} – {bounds[1]:.4f}"

    one = result["verification"]
    rows = [
        ("pairs compared", one["pairs"], ""),
        ("AUC", f"{one['auc']:.4f}", span(one["intervals"]["auc"])),
        ("equal error rate", f"{one['eer']:.4f}", span(one["intervals"]["eer"])),
        ("balanced accuracy", f"{one['balanced_accuracy']:.4f}", ""),
        *(
            (f"TAR at FAR {far}", f"{value:.4f}", span(one["intervals"]["tar_at_far"][far]))
            for far, value in one["tar_at_far"].items()
        ),
        (
            "failure to acquire",
            f"{len(one['failures'])} of {one['photos']}",
            span(one["intervals"]["failure_to_acquire"]),
        ),
    ]
    if (enrolling := result.get("failure_to_enrol")) is not None:
        told = (f"{enrolling['failed']} of {enrolling['people']} people", span(enrolling["interval"]))
        rows.append(("failure to enrol", *told))
    table(f"Verification ({result['model']}, {result['people']} people)", ("", "value", "95% interval"), rows)
    many = result["identification"]
    if many["rank1"] is None:
        console.print(f"Identification was not measured: {many['reason']}.")
    else:
        rows = [
            ("rank-1", rounded(many["rank1"], 4), span(many["intervals"]["rank1"])),
            ("FPIR", rounded(many["fpir"], 4), span(many["intervals"]["fpir"])),
            ("FNIR", rounded(many["fnir"], 4), span(many["intervals"]["fnir"])),
            ("threshold in force", rounded(many["threshold"], 4), ""),
        ]
        title = f"Open-set identification ({many['people']} people, {many['enrolled_photos']} photos enrolled each)"
        table(title, ("", "value", "95% interval"), rows)
    for path, reason in one["failures"].items():
        console.print(f"not acquired: {path}: {reason}", markup=False)


def bench(as_json: bool, *, quick: bool, page: Path | None) -> None:
    """Run the benchmark."""
    from engine.bench import run_bench  # noqa: PLC0415 - no other command needs it
    from engine.bench.page import write_page  # noqa: PLC0415

    if quick and page is not None:
        raise InputError("a quick run is too little for a page", hint="leave --quick out")
    with progress_bar(quiet=as_json) as progress:
        photos = fetch_samples(progress)
        ModelStore("onnx", progress=progress).embedder(DEFAULT_EMBEDDER)
        result = run_bench(photos, progress, quick=quick)
    if page is not None:
        write_page(page, result)
    if as_json:
        emit_json(result)
        return
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
    console.print(f"sgemm {result['sgemm_gflops']:.0f} GFLOP/s, FaceNet runs at {share:.0%} of it")
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
        ("work", "", "found", "wanted", ""),
        [
            (row["work"], row["unit"], f"{row['found']:.3g}", row["wanted"], "✓" if row["met"] else "missed")
            for row in result["targets"]
        ],
    )


def doctor(cameras: list[str], workspace: Path, as_json: bool) -> None:
    """Check everything that can be checked; exit 1 when something is wrong."""
    checks = examine(workspace, cameras)
    passed = all(check.ok for check in checks)
    if as_json:
        rows = [{"what": check.what, "ok": check.ok, "found": check.line} for check in checks]
        emit_json({"ok": passed, "checks": rows})
    else:
        cells = [(check.what, "ok" if check.ok else "WRONG", check.line) for check in checks]
        table("Doctor", ("", "", "found"), cells)
    if not passed:
        raise typer.Exit(1)
