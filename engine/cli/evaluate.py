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
    from engine.tuning import KeptEmbeddings
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
    groups: Annotated[
        Path | None, Option(help="CSV file with columns person,group: rates within groups and across.")
    ] = None,
    cohort: Annotated[Path | None, Option(help="Only measure the cohort; write it to this file.")] = None,
    cache: Annotated[
        bool, Option(help="Keep the embeddings for the next run; --no-cache deletes what was kept of these photos.")
    ] = True,
    workspace: Workspace = Path("data"),
    as_json: Json = False,
) -> None:
    """Measure accuracy on labelled photos.

    Given folders, it also measures identification and how the threshold keeps its promise. Embeddings are kept in the cache.
    """
    if sum((folder is not None, pairs is not None, samples)) != 1:
        raise InputError("give exactly one set of photos", hint="name a folder, --pairs CSV or --samples")
    if pairs is not None and (cohort is not None or groups is not None):
        what = "a cohort needs" if cohort is not None else "groups need"
        raise InputError(f"{what} photos grouped by person", hint="name a folder or --samples")
    if cohort is not None and groups is not None:
        raise InputError("a cohort has no groups", hint="give --cohort or --groups")
    from engine.models import fetch_samples

    with progress_bar(quiet=as_json) as progress:
        workbench = open_workbench(workspace, progress=progress, begin=True)
        place = pairs or folder or fetch_samples(progress)
        kept = _kept(workbench, place, cache)
        if cohort is not None:
            _measure_cohort(workbench, place, cohort, kept, progress, as_json)
            return
        if pairs is not None:
            from engine.tuning import assess_pairs

            result = assess_pairs(workbench.reader, pairs, kept=kept, progress=progress)
        else:
            result = _measure(workbench, place, enrol_photos, groups, kept, progress)
    result = {"model": workbench.spec.model_id, "cache": None if kept is None else str(kept.folder), **result}
    if as_json:
        emit_json(result)
    else:
        _show(result)


def _kept(workbench: Workbench, place: Path, cache: bool) -> KeptEmbeddings | None:
    """The embeddings of an earlier evaluation; without the cache they are deleted."""
    from engine.tuning import KeptEmbeddings, recipe_of

    gallery = workbench.gallery.current()
    kept = KeptEmbeddings(place, recipe_of(gallery.model_id, gallery.alignment_id, workbench.config))
    if not cache:
        kept.delete()
        return None
    kept.load()
    return kept


def _measure_cohort(
    workbench: Workbench, place: Path, target: Path, kept: KeptEmbeddings | None, progress: Progress, as_json: bool
) -> None:
    from engine.storage import atomic_write
    from engine.tuning import assess_cohort

    ids = {"model_id": workbench.spec.model_id, "alignment_id": workbench.gallery.current().alignment_id}
    cohort, twins = assess_cohort(workbench.reader, place, **ids, kept=kept, progress=progress)
    atomic_write(target, cohort.to_json().encode())
    alike = [{"people": [first, second], "similarity": round(score, 3)} for first, second, score in twins]
    found = {"file": str(target), **ids, "people": cohort.people, "photos": cohort.photos, "left_out": alike}
    text = [f"The cohort of {cohort.people} people was written to {target}."]
    text += [f"Left out as one person under two names: {a} and {b} ({score:.2f})." for a, b, score in twins]
    answer(as_json, found, "\n".join(text))


def _measure(
    workbench: Workbench,
    folder: Path,
    enrol_photos: int | None,
    groups: Path | None,
    kept: KeptEmbeddings | None,
    progress: Progress,
) -> dict[str, Any]:
    from engine.tuning import Recipe, Thresholds, assess_folder

    gallery, matching = workbench.gallery.current(), workbench.config.matching
    calibration = workbench.calibration
    thresholds = Thresholds(
        recipe=Recipe(gallery.model_id, gallery.alignment_id, matching.min_margin),
        in_force=lambda drawn: calibration.in_force(drawn).threshold,
        derived=calibration.derived,
        promised=matching.target_fpir,
        present=calibration.in_force(gallery).threshold,
    )
    return assess_folder(
        workbench.reader,
        folder,
        enrol=enrol_photos,
        thresholds=thresholds,
        groups=groups,
        kept=kept,
        progress=progress,
    )


def _span(bounds: tuple[float, float]) -> str:
    return f"{bounds[0]:.4f} – {bounds[1]:.4f}"


def _rate(found: dict[str, Any] | None, digits: int = 4) -> str:
    """A rate with its interval, in per cent."""
    if found is None:
        return "–"
    value, low, high = (f"{found[name]:.{digits - 2}%}" for name in ("value", "low", "high"))
    return f"{value} ({low} – {high})"


def _show(result: dict[str, Any]) -> None:
    one = result["verification"]
    spans, failed = one["intervals"], f"{len(one['failures'])} of {one['photos']}"
    rows = [
        ("pairs compared", one["pairs"], ""),
        ("AUC", f"{one['auc']:.4f}", _span(spans["auc"])),
        ("equal error rate", f"{one['eer']:.4f}", _span(spans["eer"])),
        ("balanced accuracy", f"{one['balanced_accuracy']:.4f}", ""),
        *(
            (f"TAR at FAR {far}", f"{tar:.4f}", _span(spans["tar_at_far"][far]))
            for far, tar in one["tar_at_far"].items()
        ),
        ("failure to acquire", failed, _span(spans["failure_to_acquire"])),
    ]
    if (enrolling := result.get("failure_to_enrol")) is not None:
        failed = f"{enrolling['failed']} of {enrolling['people']} people"
        rows.append(("failure to enrol", failed, _span(enrolling["interval"])))
    table(f"Verification ({result['model']}, {result['people']} people)", ("", "value", "95% interval"), rows)
    many = result["identification"]
    if many["rank1"] is None:
        say(f"Identification was not measured: {many['reason']}.")
    else:
        rows = [
            ("rank-1", rounded(many["rank1"], 4), _span(many["intervals"]["rank1"])),
            ("FPIR", rounded(many["fpir"], 4), _span(many["intervals"]["fpir"])),
            ("FNIR", rounded(many["fnir"], 4), _span(many["intervals"]["fnir"])),
            ("threshold in force", rounded(many["threshold"], 4), ""),
        ]
        title = f"Open-set identification ({many['people']} people, {many['enrolled_photos']} photos enrolled each)"
        table(title, ("", "value", "95% interval"), rows)
    _show_promise(result.get("promise", []))
    for pair in result.get("twins", []):
        names = " and ".join(pair["people"])
        say(f"Perhaps one person under two names, the second left out there: {names} ({pair['similarity']:.2f}).")
    if "groups" in result:
        _show_groups(result["groups"])
    for path, reason in one["failures"].items():
        say(f"No face found: {path}: {reason}")
    if result["cache"] is not None:
        say(
            f"Embeddings of these faces, which are personal data, are kept in {result['cache']}; --no-cache deletes them."
        )


def _show_promise(sizes: list[dict[str, Any]]) -> None:
    if not sizes:
        return
    table(
        f"Single looks at the derived threshold; promised: {sizes[0]['promised']:.2%} of strangers' photos are named (FPIR)",
        ("people", "photos enrolled", "threshold", "FPIR, 95% interval", "FNIR, 95% interval"),
        [
            (size["people"], size["photos"], f"{size['threshold']:.3f}", _rate(size["fpir"], 5), _rate(size["fnir"]))
            for size in sizes
        ],
    )


def _show_groups(found: dict[str, Any]) -> None:
    rows = [
        (group["group"], group["people"], group["photos"], _rate(group["fmr"], 6), _rate(group["fnmr"]))
        for group in found["groups"]
    ]
    mean = [(name, found["mean"][name]) for name in ("fmr", "fnmr")]
    fmr, fnmr = ("–" if value is None else f"{value:.{4 if name == 'fmr' else 2}%}" for name, value in mean)
    rows.append(("mean of the groups", "", "", fmr, fnmr))
    rows.append(("worst group", "", "", found["worst"]["fmr"] or "–", found["worst"]["fnmr"] or "–"))
    title = f"Groups: pairs of photos, at most five of each person, at the threshold in force, {found['threshold']:.3f}"
    table(title, ("group", "people", "photos", "FMR within, 95% interval", "FNMR, 95% interval"), rows)
    across = [(" – ".join(two["groups"]), _rate(two["fmr"], 6)) for two in found["across"]]
    if across:
        table("Across groups", ("groups", "FMR, 95% interval"), across)
    if found["left_out"]:
        say(f"Left out: {counted(found['left_out'], 'person', 'people')} without a group, or under a second name.")


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
