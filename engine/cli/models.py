"""`muster models`: list, fetch and check the weights of the networks."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from typer import Argument, Option

from engine.cli.context import Json
from engine.cli.output import emit_json, progress_bar, say, table

if TYPE_CHECKING:
    from engine.models import ModelStatus

app = typer.Typer(name="models", help="List, fetch and check the weights of the networks.", no_args_is_help=True)


def _show(statuses: Sequence[ModelStatus], as_json: bool) -> None:
    if as_json:
        emit_json([dataclasses.asdict(status) for status in statuses])
        return
    rows = [(status.model_id, status.state, status.detail, status.summary) for status in statuses]
    table("Models", ("model", "state", "detail", "summary"), rows)


@app.command("list")
def list_models(as_json: Json = False) -> None:
    """List the known models and whether they are on this machine."""
    from engine.models import ModelStore

    _show(ModelStore().statuses(), as_json)


@app.command()
def fetch(
    model: Annotated[str, Argument(help="Model id, as in `muster models list`.")] = "facenet-ms1m-128",
    checkpoint: Annotated[Path | None, Option(help="Take the weights from this .pt file.")] = None,
    force: Annotated[bool, Option("--force", help="Convert again even if the model is here.")] = False,
    samples: Annotated[bool, Option("--samples", help="Also unpack the sample photos.")] = False,
    as_json: Json = False,
) -> None:
    """Download a model, verify its hash and convert it."""
    from engine.models import ModelStore, fetch_samples

    with progress_bar() as progress:
        store = ModelStore(progress=progress)
        store.fetch(model, checkpoint=checkpoint, force=force)
        store.embedder(model)
        store.mtcnn()
        if samples:
            fetch_samples(progress)
    _show([store.detector_status(), store.status(model)], as_json)


@app.command()
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
