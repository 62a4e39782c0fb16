"""`muster doctor`, `muster models`: is this machine ready, and are the weights of the networks here?"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from typer import Argument, Option

from engine.cli.context import Json, Panel, Workspace
from engine.cli.output import emit_json, note, progress_bar, say, table

if TYPE_CHECKING:
    from engine.models import ModelStatus

app = typer.Typer()
_models = typer.Typer(name="models", help="List, fetch and check the weights of the networks.", no_args_is_help=True)
app.add_typer(_models, rich_help_panel=Panel.START)


@app.command(rich_help_panel=Panel.START)
def doctor(
    camera: Annotated[list[str] | None, Option(help="Also try this camera (number or URL); repeatable.")] = None,
    workspace: Workspace = Path("data"),
    as_json: Json = False,
) -> None:
    """Check models, workspace, cameras and versions.

    For each fault, the table says what to do. The exit code is 1 if there is one.
    """
    from engine.operations.doctor import examine

    checks = examine(workspace, camera or [])
    passed = all(check.ok for check in checks)
    if as_json:
        rows = [{"what": check.what, "ok": check.ok, "state": check.state, "found": check.line} for check in checks]
        emit_json({"ok": passed, "checks": rows})
    else:
        cells = [(check.what, check.state if check.ok else "WRONG", check.line) for check in checks]
        table("Doctor", ("", "", "found"), cells)
    if not passed:
        raise typer.Exit(1)


def _show(statuses: Sequence[ModelStatus], as_json: bool) -> None:
    if as_json:
        emit_json([dataclasses.asdict(status) for status in statuses])
        return
    rows = [(status.model_id, status.state, status.detail, status.summary) for status in statuses]
    table("Models", ("model", "state", "detail", "summary"), rows)


@_models.command("list")
def list_models(as_json: Json = False) -> None:
    """List the known models and whether they are on this machine."""
    from engine.models import ModelStore

    _show(ModelStore().statuses(), as_json)


@_models.command()
def fetch(
    model: Annotated[
        str, Argument(help="Model id, as in `muster models list`.", show_default="those of a new workspace")
    ] = "",
    checkpoint: Annotated[Path | None, Option(help="Take the weights from this .pt or .tflite file.")] = None,
    force: Annotated[bool, Option("--force", help="Convert again even if the model is here.")] = False,
    samples: Annotated[bool, Option("--samples", help="Also unpack the sample photos.")] = False,
    as_json: Json = False,
) -> None:
    """Download a model, verify its hash and convert it.

    Without a model id, the command fetches FaceNet and MobileFaceNet, or FaceNet alone if the other one cannot be fetched.
    """
    from engine.errors import ModelUnavailable
    from engine.models import FACENET, MOBILEFACENET, ModelStore, embedder_spec, fetch_samples

    usual = not model and checkpoint is None
    wanted = [FACENET, MOBILEFACENET] if usual else list(embedder_spec(model).parts or [model])
    with progress_bar() as progress:
        store = ModelStore(progress=progress)
        for each in wanted:
            try:
                store.fetch(each, checkpoint=checkpoint, force=force)
                store.embedder(each)
            except ModelUnavailable as error:
                if not usual or each == FACENET:
                    raise
                note(f"{error}. Until then, new workspaces use FaceNet alone.")
        store.mtcnn()
        if samples:
            fetch_samples(progress)
    _show([store.detector_status(), *(store.status(each) for each in wanted)], as_json)


@_models.command()
def verify(as_json: Json = False) -> None:
    """Read every byte of the fetched models and check the hashes.

    The exit code is 5 if a file is damaged.
    """
    from engine.models import EMBEDDERS, ModelStore

    store = ModelStore()
    statuses = [store.detector_status(), *(store.status(model_id, thorough=True) for model_id in EMBEDDERS)]
    _show(statuses, as_json)
    damaged = [status.model_id for status in statuses if status.state == "damaged"]
    if damaged:
        if not as_json:
            say(f"Damaged: {', '.join(damaged)}. Fetch again with `muster models fetch --force`.")
        raise typer.Exit(5)
