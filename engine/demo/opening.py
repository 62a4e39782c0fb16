"""The workspace that notebooks work on."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from engine.demo.sample import seed_sample
from engine.errors import InputError
from engine.models import Progress, no_progress
from engine.workbench import Workbench

SAMPLE = Path("data", "sample")


def opened(
    environ: Mapping[str, str] = os.environ, here: Path | None = None, progress: Progress = no_progress
) -> Workbench:
    """The workspace that `MUSTER_WORKSPACE` names, else the sample workspace `data/sample`, which is made if need be.

    A relative folder begins at the project's, the nearest one upwards from `here` (default: the current folder) that holds a
    `pyproject.toml`. So a notebook may be run from its own folder or from the project's.

    Raises:
        InputError: there is no such workspace.
        ModelUnavailable: networks or sample photos cannot be fetched.
        StorageError: the sample workspace cannot be written.
    """
    here = (here or Path.cwd()).absolute()
    project = next((folder for folder in (here, *here.parents) if (folder / "pyproject.toml").is_file()), here)
    named = environ.get("MUSTER_WORKSPACE", "")
    workspace = project / (named or SAMPLE)
    if not named:
        seed_sample(workspace, progress)
    elif not workspace.is_dir():
        raise InputError(
            f"there is no workspace {workspace}", hint="set MUSTER_WORKSPACE to one, or to nothing for the sample"
        )
    return Workbench(workspace)
