"""`muster backup`, `restore`."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

import typer
from typer import Argument, Option

from engine.cli.context import Panel, Workspace, author_of, open_workbench
from engine.cli.output import counted, say
from engine.errors import InputError

app = typer.Typer()

KeyFile = Annotated[
    Path | None, Option("--key-file", metavar="FILE", help="File whose content encrypts, instead of a passphrase.")
]
_SHORTEST = 12


@app.command(rich_help_panel=Panel.ADMINISTER)
def backup(
    file: Annotated[Path, Argument(help="File to write.")],
    key_file: KeyFile = None,
    workspace: Workspace = Path("data"),
) -> None:
    """Write the workspace and its keys to one encrypted file.

    Recorders may go on meanwhile. The file is read back at the end.
    """
    from engine.operations.backup import backup as write

    bench = open_workbench(workspace)  # a typing error is told before anybody types a passphrase
    secret = _secret(key_file, new=True)
    bench.records.note_reading("backup", file.name, "everything, encrypted", author=author_of(bench))
    count = write(workspace, file, secret)
    say(f"{file}: {counted(count, 'file')}, encrypted and read back. Keep it and its passphrase in different places.")


@app.command(rich_help_panel=Panel.ADMINISTER)
def restore(
    file: Annotated[Path, Argument(help="File that `muster backup` wrote.")],
    folder: Annotated[Path, Argument(help="New folder.")],
    key_file: KeyFile = None,
) -> None:
    """Put a backup into a new folder and check its seals.

    Whoever was erased since the backup is erased again.
    """
    from engine.operations.backup import restore as put_back

    done = put_back(file, folder, _secret(key_file, new=False))
    again = f" Erased again: {counted(done.forgotten, 'person', 'people')}." if done.forgotten else ""
    say(f"{folder}: {counted(done.files, 'file')}; all seals hold.{again}")


def _secret(key_file: Path | None, *, new: bool) -> bytes:
    """The secret of a backup.

    Raises:
        InputError: there is none, or it is too short.
    """
    if key_file is not None:
        try:
            content = key_file.read_bytes()
        except OSError as error:
            raise InputError(f"{key_file} cannot be read ({error.strerror})", hint="give another file") from error
        if len(content) < _SHORTEST:
            raise InputError(f"{key_file} is too short for a key", hint="make one: `head -c 32 /dev/urandom > FILE`")
        return content
    passphrase = os.environ.get("MUSTER_PASSPHRASE", "")  # no option: others can read a process's arguments
    if not passphrase and sys.stdin.isatty():
        passphrase = typer.prompt("Passphrase", hide_input=True, confirmation_prompt=new)
    if not passphrase:
        raise InputError("there is no passphrase", hint="set MUSTER_PASSPHRASE, or give --key-file FILE")
    if new and len(passphrase) < _SHORTEST:
        raise InputError(f"the passphrase has {len(passphrase)} characters", hint=f"choose at least {_SHORTEST}")
    return passphrase.encode()
