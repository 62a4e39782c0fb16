"""`muster models`: what weights exist, fetch them, check them."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Annotated

import typer

from engine.cli.context import Json
from engine.cli.output import console, emit_json, progress_bar, table
from engine.models import DEFAULT_EMBEDDER, EMBEDDERS, ModelStatus, ModelStore, fetch_samples

__all__ = ["app"]

app = typer.Typer(help="Weights of the networks.", no_args_is_help=True, rich_markup_mode=None)


def _show(statuses: list[ModelStatus], as_json: bool) -> None:
    if as_json:
        emit_json([dataclasses.asdict(status) for status in statuses])
        return
    rows = [(status.model_id, status.state, status.detail, status.summary) for status in statuses]
    table("Models", ("model", "state", "detail", "what it is"), rows)


@app.command("list")
def list_models(as_json: Json = False) -> None:
    """List the models of the registry and whether they are here."""
    _show(ModelStore().statuses(), as_json)


@app.command()
def fetch(
    model: Annotated[str, typer.Argument(help="Model id.")] = DEFAULT_EMBEDDER,
    checkpoint: Annotated[Path | None, typer.Option(help="Take the weights from this .pt file.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Convert again even if it is here.")] = False,
    samples: Annotated[bool, typer.Option("--samples", help="Also unpack the sample photos.")] = False,
    as_json: Json = False,
) -> None:
    """Bring a model to this machine: download, verify, convert, export."""
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
    """Read every byte of the models that are here and check their hashes."""
    store = ModelStore()
    statuses = [store.detector_status(), *(store.status(model_id, thorough=True) for model_id in EMBEDDERS)]
    _show(statuses, as_json)
    damaged = [status.model_id for status in statuses if status.state == "damaged"]
    if damaged:
        if not as_json:
            console.print(f"damaged: {', '.join(damaged)}")
        raise typer.Exit(5)
