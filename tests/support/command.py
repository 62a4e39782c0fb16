"""Runs the `muster` command as a user does: in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

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


def muster(
    *arguments: str | Path, cwd: Path | None = None, timeout_s: float = 300, stdin: str = "", **environment: str
) -> Answer:
    """Run `muster` with these arguments, this standard input and, on top of this process's, this environment."""
    settings = {**os.environ, **environment}
    done = subprocess.run(
        [sys.executable, "-c", "from engine.cli import main; main()", *(str(argument) for argument in arguments)],
        capture_output=True,
        text=True,
        cwd=cwd,
        env=settings,
        timeout=timeout_s,
        check=False,
        input=stdin,
    )
    return Answer(done.returncode, done.stdout, done.stderr)
