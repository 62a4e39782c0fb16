"""`python -m app.recorder WORKSPACE [CAMERA …] [--with-input]`: records all cameras of a workspace; those named here have a kiosk."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
import threading
from pathlib import Path

from app.recorder.recorders import Recorders
from app.web.parent import end_with_input
from engine.access import find_sites
from engine.config import load_config
from engine.errors import MusterError
from engine.masking import unveil
from engine.models import ModelStore
from engine.operations.doors import opening_doors
from engine.operations.logs import begin_logs
from engine.operations.site import beat_path
from engine.operations.upkeep import delivering, returning_memory
from engine.storage import atomic_write
from engine.workbench import Workbench

_BEAT_S = 3.0


def record(workspace: Path, doors: frozenset[str]) -> None:
    """Record until SIGTERM or SIGINT; SIGHUP reads the settings of the cameras again.

    Raises:
        MusterError: the workspace or the networks cannot be opened.
    """
    wake, ended, again = threading.Event(), threading.Event(), threading.Event()

    def note(which: threading.Event) -> None:
        which.set()
        wake.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: note(ended))
    signal.signal(signal.SIGHUP, lambda *_: note(again))
    config = load_config(workspace)
    models = ModelStore(config.runtime.backend, config.runtime.threads)
    sites = find_sites(workspace, config.site)
    benches = {
        "" if folder == workspace else name: Workbench(folder, config if folder == workspace else None, models=models)
        for name, folder in sites.folders.items()
    }
    with contextlib.ExitStack() as stack:
        stack.enter_context(returning_memory())
        for bench in benches.values():
            stack.enter_context(delivering(bench))
            stack.enter_context(opening_doors(bench))
        recorders = Recorders(benches, doors)
        stack.callback(recorders.close)
        recorders.follow()
        while not ended.is_set():
            if again.is_set():
                again.clear()
                recorders.follow()
            atomic_write(beat_path(workspace), json.dumps({"pid": os.getpid()}).encode(), durable=False)
            wake.wait(_BEAT_S)
            wake.clear()


if __name__ == "__main__":
    begin_logs()
    folder, *more = unveil(sys.argv[1:])
    if "--with-input" in more:
        end_with_input()
    try:
        record(Path(folder), frozenset(more) - {"--with-input"})
    except MusterError as error:
        print(f"muster: {error}", file=sys.stderr)  # noqa: T201
        sys.exit(error.exit_code)
