"""`muster evaluate`, `bench`, `doctor`."""

from __future__ import annotations

import importlib.metadata
import platform
import shutil
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import typer

from engine.assess import assess_folder, assess_pairs
from engine.cli.output import console, emit_json, progress_bar, rounded, table
from engine.config import load_config
from engine.errors import InputError, MusterError
from engine.gallery import Gallery
from engine.models import DEFAULT_EMBEDDER, ModelStore, cache_dir, fetch_samples
from engine.sources import probe_live
from engine.workbench import Workbench

__all__ = ["bench", "doctor", "evaluate"]


def evaluate(
    folder: Path | None, pairs: Path | None, samples: bool, enrol_photos: int | None, workspace: Path, as_json: bool
) -> None:
    """Evaluate on one of: a folder, a table of pairs, the sample photos."""
    if sum((folder is not None, pairs is not None, samples)) != 1:
        raise InputError("nothing to evaluate, or too much", hint="give a folder, or --pairs CSV, or --samples")
    with progress_bar(quiet=as_json) as progress:
        workbench = Workbench(workspace, progress=progress)
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


def _show_evaluation(result: dict[str, Any]) -> None:
    def span(bounds: tuple[float, float]) -> str:
        return f"{bounds[0]:.4f} – {bounds[1]:.4f}"

    one = result["verification"]
    rows = [
        ("pairs compared", one["pairs"], ""),
        ("AUC", f"{one['auc']:.4f}", span(one["intervals"]["auc"])),
        ("equal error rate", f"{one['eer']:.4f}", ""),
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
    checks: list[tuple[str, bool, str]] = []

    def check(what: str, found: str, ok: bool = True) -> None:
        checks.append((what, ok, found))

    check("python", platform.python_version(), sys.version_info >= (3, 11))
    for package in (
        "muster",
        "torch",
        "torchvision",
        "facenet-pytorch",
        "onnxruntime",
        "numpy",
        "opencv-python-headless",
        "pillow",
        "streamlit",
    ):
        try:
            check(package, importlib.metadata.version(package))
        except importlib.metadata.PackageNotFoundError:
            check(package, "missing → install muster again", ok=False)
    _check_models(_wanted_model(workspace), check)
    _check_workspace(workspace, check)
    for spec in cameras:
        try:
            width, height = probe_live(spec, load_config(workspace).sources)
            check(f"camera {spec}", f"{width}×{height}")
        except MusterError as error:
            check(f"camera {spec}", str(error), ok=False)
    passed = all(ok for _, ok, _ in checks)
    if as_json:
        emit_json({"ok": passed, "checks": [{"what": what, "ok": ok, "found": found} for what, ok, found in checks]})
    else:
        table("Doctor", ("", "", "found"), [(what, "ok" if ok else "WRONG", found) for what, ok, found in checks])
    if not passed:
        raise typer.Exit(1)


def _check_models(model: str, check: Any) -> None:
    store = ModelStore()
    for status in store.statuses(thorough=True):
        needed = status.model_id in {"mtcnn", model}
        check(
            f"model {status.model_id}",
            f"{status.state} ({status.detail})",
            status.state == "ready" or not (needed or status.state == "damaged"),
        )
    free = store.free_bytes() / 1e9
    check("model cache", f"{cache_dir()} · {free:.1f} GB free{'' if free > 1 else ' → free at least 1 GB'}", free > 1)
    check("networks run on", f"{store.backend}")


def _wanted_model(workspace: Path) -> str:
    try:
        return load_config(workspace).embedding.model
    except MusterError:
        return DEFAULT_EMBEDDER  # the workspace's own check tells what is wrong with the settings


def _check_workspace(workspace: Path, check: Any) -> None:
    try:
        workbench = Workbench(workspace)
        people, gallery = workbench.people.all(), workbench.gallery.current()
    except MusterError as error:
        check("workspace", str(error), ok=False)
        return
    place = workspace
    while not place.exists():
        place = place.resolve().parent
    try:
        with tempfile.NamedTemporaryFile(dir=place, prefix=".doctor-"):
            pass
        check("workspace", f"{workspace} · writable · {shutil.disk_usage(place).free / 1e9:.1f} GB free")
    except OSError as error:
        check("workspace", f"{workspace}: {error.strerror} → give this user write access", ok=False)
    check(
        "time zone",
        f"{workbench.config.timezone} · now {datetime.now(UTC).astimezone(workbench.config.zone):%Y-%m-%d %H:%M}",
    )
    check(
        "people", f"{len(people)} listed, {len(gallery)} with templates · threshold {workbench.threshold(gallery):.3f}"
    )
    without = sorted(set(people) - set(gallery.people))
    if without:
        check("people without templates", f"{', '.join(without[:5])} → enrol them", ok=False)
    strays = sorted(set(gallery.people) - set(people))
    if strays:
        check("templates without a person", f"{', '.join(strays[:5])} → `muster forget` them", ok=False)
