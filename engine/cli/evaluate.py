"""`muster evaluate`, `muster bench`."""

from __future__ import annotations

import math
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer import Argument, Option

from engine.cli.context import Json, Panel, Workspace, open_workbench
from engine.cli.output import answer, counted, emit_json, progress_bar, rounded, say, table
from engine.errors import InputError

if TYPE_CHECKING:
    from engine.types import Progress
    from engine.workbench import Workbench

app = typer.Typer()


@app.command(rich_help_panel=Panel.MEASURE)
def evaluate(
    folder: Annotated[Path | None, Argument(help="Folder with one folder of photos per person.")] = None,
    pairs: Annotated[Path | None, Option(help="Instead: CSV file with columns file_x,file_y,Decision.")] = None,
    samples: Annotated[bool, Option("--samples", help="Instead: use the sample photos.")] = False,
    enrol_photos: Annotated[
        int | None, Option("--enrol", min=1, show_default="up to 5", help="Photos enrolled per person.")
    ] = None,
    prior: Annotated[Path | None, Option(help="Only measure the prior curve; write it to this file.")] = None,
    workspace: Workspace = Path("data"),
    as_json: Json = False,
) -> None:
    """Measure accuracy on labelled photos.

    The command measures verification and, given folders, open-set identification.
    """
    if sum((folder is not None, pairs is not None, samples)) != 1:
        raise InputError("give exactly one set of photos", hint="name a folder, --pairs CSV or --samples")
    if prior is not None and pairs is not None:
        raise InputError("a prior curve needs photos grouped by person", hint="name a folder or --samples")
    with progress_bar(quiet=as_json) as progress:
        workbench = open_workbench(workspace, progress=progress)
        if prior is not None:
            _measure_prior(workbench, folder, prior, progress, as_json)
            return
        result = _measure(workbench, folder, pairs, enrol_photos, progress)
    result = {"model": workbench.spec.model_id, **result}
    if as_json:
        emit_json(result)
    else:
        _show(result)


def _measure_prior(workbench: Workbench, folder: Path | None, target: Path, progress: Progress, as_json: bool) -> None:
    from engine.models import fetch_samples
    from engine.storage import atomic_write
    from engine.tuning import assess_prior

    place = fetch_samples(progress) if folder is None else folder
    ids = {"model_id": workbench.spec.model_id, "alignment_id": workbench.gallery.current().alignment_id}
    curve = assess_prior(workbench.reader, place, **ids, progress=progress)
    atomic_write(target, curve.to_json().encode())
    found = {"file": str(target), **ids, "people": curve.people, "photos": curve.photos}
    answer(as_json, found, f"The prior curve of {curve.people} people was written to {target}.")


def _measure(
    workbench: Workbench, folder: Path | None, pairs: Path | None, enrol_photos: int | None, progress: Progress
) -> dict[str, Any]:
    from engine.gallery import Gallery
    from engine.models import fetch_samples
    from engine.tuning import assess_folder, assess_pairs

    if pairs is not None:
        return assess_pairs(workbench.reader, pairs, progress)
    empty = workbench.gallery.current()
    return assess_folder(
        workbench.reader,
        fetch_samples(progress) if folder is None else folder,
        enrol=enrol_photos,
        gallery=lambda: Gallery.empty(empty.model_id, empty.alignment_id, workbench.spec.dimension),
        threshold=lambda gallery: workbench.calibration.in_force(gallery).threshold,
        min_margin=workbench.config.matching.min_margin,
        progress=progress,
    )


def _show(result: dict[str, Any]) -> None:
    def span(bounds: tuple[float, float]) -> str:
        return f"{bounds[0]:.4f} – {bounds[1]:.4f}"

    one = result["verification"]
    spans, failed = one["intervals"], f"{len(one['failures'])} of {one['photos']}"
    rows = [
        ("pairs compared", one["pairs"], ""),
        ("AUC", f"{one['auc']:.4f}", span(spans["auc"])),
        ("equal error rate", f"{one['eer']:.4f}", span(spans["eer"])),
        ("balanced accuracy", f"{one['balanced_accuracy']:.4f}", ""),
        *(
            (f"TAR at FAR {far}", f"{tar:.4f}", span(spans["tar_at_far"][far]))
            for far, tar in one["tar_at_far"].items()
        ),
        ("failure to acquire", failed, span(spans["failure_to_acquire"])),
    ]
    if (enrolling := result.get("failure_to_enrol")) is not None:
        failed = f"{enrolling['failed']} of {enrolling['people']} people"
        rows.append(("failure to enrol", failed, span(enrolling["interval"])))
    table(f"Verification ({result['model']}, {result['people']} people)", ("", "value", "95% interval"), rows)
    many = result["identification"]
    if many["rank1"] is None:
        say(f"Identification was not measured: {many['reason']}.")
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
        say(f"No face found: {path}: {reason}")


@app.command(rich_help_panel=Panel.MEASURE)
def bench(as_json: Json = False) -> None:
    """Measure how many cameras this machine can run.

    The command simulates one camera with 1280×720 pixels and 25 frames per second, which takes about a minute.
    """
    from engine.models import fetch_samples
    from engine.operations.bench import FPS, measure_load

    with progress_bar(quiet=as_json) as progress:
        load = measure_load(fetch_samples(progress), progress)
    if as_json:
        latency = None if math.isnan(load.latency_s) else round(load.latency_s, 3)
        emit_json({"cameras": load.cameras, **asdict(load), "used": round(load.used, 3), "latency_s": latency})
        return
    able = f"can run {counted(load.cameras, 'camera')}" if load.cameras else "cannot keep up with one camera"
    say(f"This machine {able} (1280×720, {FPS:g} frames/s).")
    dropped = f"{load.dropped} of {load.frames + load.dropped} frames were left out"
    say(f"One camera used {load.used:.2f} of {load.cores} cores; {dropped}.")
    if load.recognised:
        say(f"{load.recognised} of {load.shown} people were recognised, and recorded within {load.latency_s:.2f} s.")
