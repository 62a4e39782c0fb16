"""Runs the `muster` command as a user does: in a process of its own."""

from __future__ import annotations

import os
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from processes import CONTEXT

from engine.cli import main

__all__ = ["Answer", "muster"]


@dataclass(frozen=True)
class Answer:
    """What a command said: exit code, standard output, standard error."""

    code: int
    out: str
    err: str

    @property
    def error_lines(self) -> list[str]:
        """Lines on standard error that report a failure."""
        return [line for line in self.err.splitlines() if line.startswith("muster: ")]


def _command(arguments: list[str], cwd: Path, environment: dict[str, str], streams: tuple[Path, Path, Path]) -> None:
    """Body of the process: become a shell's child with these streams, and run."""
    os.chdir(cwd)
    os.environ.clear()
    os.environ.update(environment)
    for number, path in enumerate(streams):
        opened = os.open(path, os.O_RDWR)
        os.dup2(opened, number)
        os.close(opened)
    sys.stdin, sys.stdout, sys.stderr = open(0), open(1, "w"), open(2, "w", buffering=1)  # noqa: SIM115
    sys.argv = ["muster", *arguments]
    main()


def muster(
    *arguments: str | Path, cwd: Path | None = None, timeout_s: float = 300, stdin: str = "", **environment: str
) -> Answer:
    """Run `muster` with these arguments, this standard input and, on top of this process's, this environment."""
    with tempfile.TemporaryDirectory() as folder:
        streams = Path(folder, "in"), Path(folder, "out"), Path(folder, "err")
        for path, content in zip(streams, (stdin, "", ""), strict=True):
            path.write_text(content, encoding="utf-8")
        child = CONTEXT.Process(
            target=_command,
            args=([str(each) for each in arguments], cwd or Path.cwd(), {**os.environ, **environment}, streams),
        )
        child.start()
        child.join(timeout_s)
        if child.exitcode is None:
            child.kill()
            raise TimeoutError(f"muster {arguments} takes longer than {timeout_s:g} s")
        _, out, err = (path.read_text(encoding="utf-8") for path in streams)
    return Answer(child.exitcode, out, err)
