"""Settings that may change while Muster runs: the file is read again when it is another one than before."""

from __future__ import annotations

import logging
import threading
from pathlib import Path

from engine.config import CONFIG_NAME, Config, load_config
from engine.errors import ConfigError

log = logging.getLogger(__name__)


class CurrentSettings:
    """The settings of a workspace as they are now.

    Most settings hold from the start of a process to its end. What a page may change is asked for here.

    Args:
        opened: the settings that hold until the file changes.
    """

    def __init__(self, workspace: Path, opened: Config) -> None:
        self._workspace, self._held = workspace, opened
        self._stamp = self._state()
        self._turn = threading.Lock()

    def get(self) -> Config:
        """Return them; a file that cannot be used is logged, and what it said before holds on."""
        if self._state() != self._stamp:
            with self._turn:
                if (now := self._state()) != self._stamp:
                    self._stamp = now
                    try:
                        self._held = load_config(self._workspace)
                    except ConfigError as error:
                        log.warning("the settings before hold on: %s", error)
        return self._held

    def _state(self) -> tuple[int, int, int] | None:
        try:
            found = (self._workspace / CONFIG_NAME).stat()
        except OSError:
            return None
        return found.st_mtime_ns, found.st_size, found.st_ino
