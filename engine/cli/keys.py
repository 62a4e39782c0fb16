"""`muster keys`: what is encrypted at rest, and the keys."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Annotated

import typer
from typer import Option

from engine.cli.context import Author, Json, Panel, Reason, Workspace, open_workbench
from engine.cli.output import answer, counted, emit_json, progress_bar, table
from engine.errors import InputError

app = typer.Typer()
_keys = typer.Typer(name="keys", help="Encryption at rest: templates, pictures and their keys.", no_args_is_help=True)
app.add_typer(_keys, rich_help_panel=Panel.ADMINISTER)


@_keys.command()
def status(workspace: Workspace = Path("data"), as_json: Json = False) -> None:
    """Show where the keys lie and what is encrypted."""
    found = open_workbench(workspace).privacy.encryption()
    if as_json:
        emit_json(dataclasses.asdict(found))
        return
    keys = found.keys
    rows = [("encryption at rest", "on" if found.at_rest else "off (`[encryption] at_rest = false`)")]
    if keys:
        rows.append(("keys", f"{keys.folder}{' (in the workspace: they protect nothing)' if keys.inside else ''}"))
        rows.append(("workspace key", keys.key))
        rows += [(f"keys of a {kind}", str(count)) for kind, count in sorted(keys.owners.items())]
        rows.append(("destroyed keys", str(keys.erased)))
        if keys.old:
            rows.append(("keys to replace", f"{keys.old}: run `muster keys rotate --reencrypt` again"))
    rows += [("encrypted files", str(found.sealed)), ("plain files", str(found.plain))]
    table("Encryption", ("", ""), rows)


@_keys.command()
def encrypt(author: Author = "", workspace: Workspace = Path("data"), as_json: Json = False) -> None:
    """Encrypt templates and pictures that are still plain.

    Recorders and the workbench may run meanwhile. If it is interrupted, run it again.
    """
    bench = open_workbench(workspace)
    if not bench.config.encryption.at_rest:
        raise InputError("encryption is off", hint="remove `at_rest = false` from [encryption] in the settings first")
    with progress_bar(quiet=as_json) as progress:
        count = bench.privacy.convert(progress=progress, author=author)
    answer(as_json, {"files": count}, f"{counted(count, 'file')} encrypted.")


@_keys.command()
def decrypt(author: Author = "", workspace: Workspace = Path("data"), as_json: Json = False) -> None:
    """Store templates and pictures plain again.

    Set `at_rest = false` first.
    """
    bench = open_workbench(workspace)
    if bench.config.encryption.at_rest:
        raise InputError("encryption is on", hint="set `at_rest = false` in [encryption] first; doctor will say so")
    with progress_bar(quiet=as_json) as progress:
        count = bench.privacy.convert(progress=progress, author=author)
    answer(as_json, {"files": count}, f"{counted(count, 'file')} decrypted.")


@_keys.command()
def rotate(
    reencrypt: Annotated[
        bool, Option("--reencrypt", help="Also make new data keys and encrypt all files with them.")
    ] = False,
    author: Author = "",
    workspace: Workspace = Path("data"),
    as_json: Json = False,
) -> None:
    """Make a new workspace key and delete the old one.

    With `--reencrypt`, backups of before cannot be opened any more: make a new one. If it is interrupted, run it again.
    """
    with progress_bar(quiet=as_json) as progress:
        count, key = open_workbench(workspace).privacy.rotate(reencrypt=reencrypt, progress=progress, author=author)
    more = f" {counted(count, 'file')} encrypted anew." if reencrypt else ""
    text = f"New workspace key {key}.{more} Renew your copy of the folder of keys."
    answer(as_json, {"key": key, "files": count}, text)


@_keys.command()
def begin(author: Author = "", reason: Reason = "", workspace: Workspace = Path("data"), as_json: Json = False) -> None:
    """Begin new seals after the seal key was lost for good.

    If you have a copy of the key, put it back instead. Stop everything else first. All rows are sealed as they are found.
    """
    from engine.records import begin_seals

    count, aside = begin_seals(open_workbench(workspace).records, author=author, reason=reason)
    text = f"{counted(count, 'row')} sealed with a new key, as they were found. The files of before are in {aside}."
    answer(as_json, {"rows": count, "aside": str(aside)}, text)
