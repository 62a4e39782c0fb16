"""The cameras that this process records, as the settings say at the moment."""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import Collection, Mapping
from typing import Any

from app.kiosk.door import DOOR, door_style
from app.kiosk.prompts import PROVEN, Prompter
from app.live.cameras import Camera, CameraWatcher
from engine.config import CameraConfig, load_config
from engine.errors import MusterError
from engine.operations.recording import recorded_by
from engine.operations.site import recorded_cameras
from engine.pipeline import FrameResult, Pipeline
from engine.workbench import Workbench

log = logging.getLogger(__name__)

_Key = tuple[str, str]


class _Watcher(CameraWatcher):
    """Logs what becomes of a camera, and asks people at a door for what helps to recognise them.

    Args:
        site: shown before the camera's name; empty at home.
        prompter: for a camera with a kiosk.
    """

    def __init__(self, bench: Workbench, site: str, name: str, prompter: Prompter | None) -> None:
        self._bench, self._name, self._prompter = bench, name, prompter
        self._shown = f"{site}/{name}" if site else name
        self._prompt = ""
        self.camera: Camera | None = None

    def saw(self, result: FrameResult, pipeline: Pipeline) -> None:
        """See `CameraWatcher`."""
        if self._prompter is None or self.camera is None:
            return
        if self._prompter.demands:
            pipeline.demand_challenge()
        prompt, proven = self._prompter.look(result.tracks, result.frame.time)
        if proven is not None:
            pipeline.vouch(proven, PROVEN)
        self._ask(prompt if self.camera.state == "playing" else "")

    def became(self, state: str, detail: str) -> None:
        """See `CameraWatcher`."""
        if state != "playing" and self._prompter is not None:
            self._prompter.clear()
            self._ask("")
        level = logging.WARNING if state in {"failed", "lost"} else logging.INFO
        log.log(level, "camera %s: %s%s", self._shown, state, f", {detail}" if detail else "")

    def taken(self) -> None:
        """See `CameraWatcher`."""
        who = recorded_by(self._bench.workspace, self._name)
        log.warning("camera %s is already recorded by %s; it is taken over when that ends", self._shown, who)

    def _ask(self, prompt: str) -> None:
        if prompt != self._prompt and self.camera is not None and self.camera.recorder is not None:
            self._prompt = prompt
            self.camera.recorder.tell("prompt", {"code": prompt})


class Recorders:
    """Records the cameras of some sites.

    Args:
        benches: a workbench for each site by its name; home, whose cameras may have kiosks, has an empty one.
        doors: cameras of home that have a kiosk.
    """

    def __init__(self, benches: Mapping[str, Workbench], doors: Collection[str]) -> None:
        self._benches, self._doors = benches, doors
        self._running: dict[_Key, tuple[CameraConfig, contextlib.ExitStack]] = {}

    def follow(self) -> None:
        """Start, stop and restart cameras as the settings say now; a site whose settings make no sense goes on as before."""
        wanted: dict[_Key, CameraConfig] = {}
        for site, bench in self._benches.items():
            try:
                config = load_config(bench.workspace)
            except MusterError as error:
                log.error("the cameras before go on: %s", error)
                wanted |= {key: each for key, (each, _) in self._running.items() if key[0] == site}
                continue
            bench.take_over(config.cameras)
            wanted |= {(site, name): config.camera(name) for name in recorded_cameras(config)}
        self._stop([key for key, (camera, _) in self._running.items() if wanted.get(key) != camera])
        for key, camera in wanted.items():
            if key not in self._running:
                self._running[key] = (camera, self._started(*key, camera))

    def close(self) -> None:
        """Stop all cameras, with every decided row written."""
        self._stop(list(self._running))

    def _stop(self, keys: Collection[_Key]) -> None:
        stacks = [self._running.pop(key)[1] for key in keys]
        threads = [threading.Thread(target=stack.close, name="ending") for stack in stacks]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def _started(self, site: str, name: str, config: CameraConfig) -> contextlib.ExitStack:
        bench, door = self._benches[site], not site and name in self._doors
        watcher = _Watcher(bench, site, name, Prompter(bench.config, name) if door else None)
        more: dict[str, Any] = {"styles": {DOOR: door_style(bench)}} if door else {"doze": True}
        camera = watcher.camera = Camera(bench, name, config.source, watcher=watcher, **more)
        stack = contextlib.ExitStack()
        stack.enter_context(camera.kept())
        return stack
