"""A running kiosk: camera, greetings, prompts and viewers. Independent of HTTP."""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections import deque
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any, Literal

from app.kiosk.door import DOOR, door_style
from app.kiosk.greeter import Greeter
from app.kiosk.hub import Hub
from app.kiosk.offers import Offers
from app.kiosk.prompts import PROVEN, Prompter
from app.live.cameras import Camera, CameraWatcher, may_record
from app.live.places import Places
from engine import __version__
from engine.access import TryLater
from engine.attendance import PunchRow
from engine.config import KioskConfig
from engine.errors import InputError, MusterError
from engine.imaging import Broadcast
from engine.operations.standing import standing
from engine.operations.upkeep import attended
from engine.pipeline import FrameResult, Pipeline
from engine.records.today import arrivals
from engine.storage import writable
from engine.workbench import Workbench

log = logging.getLogger(__name__)

Said = Literal["in", "out", "not_me"]
"""What somebody may say about the passage for which they were greeted."""
_POLL_S = 1.0
_PATIENCE_S = 5.0
_GUESSES, _GUESS_S = 12, 60.0
"""Window of recent wrong PINs, and of wrong badges, in count and seconds."""


@contextlib.contextmanager
def _slowed(wrong: deque[float], problem: str) -> Iterator[None]:
    """Count what is refused within the context.

    Raises:
        TryLater: there was too much of it lately.
    """
    now = time.monotonic()
    recent = [each for each in wrong if now - each < _GUESS_S]
    if len(recent) >= _GUESSES:
        raise TryLater(problem, wait_s=max(1, round(_GUESS_S - (now - recent[0]))))
    try:
        yield
    except TryLater:
        raise
    except InputError:
        wrong.append(now)
        raise


class TooLate(InputError):
    """What was offered on a screen is over."""


class Station(CameraWatcher):
    """The kiosk behind one screen: a camera by its name, and its source as `engine.sources.open_source` takes it."""

    def __init__(self, bench: Workbench, camera: str, source: str, config: KioskConfig) -> None:
        self.bench, self.config = bench, config
        self.hub = Hub(bench.clock)
        self.picture = Broadcast(longest_px=config.longest_px, fps=config.fps)
        self.watching, self.listening = Places(config.streams_per_device), Places(config.streams_per_device)
        style = door_style(bench)
        self.camera = Camera(
            bench,
            camera,
            source,
            picture=self.picture,
            watcher=self,
            draw=lambda _bench, result: style.draw(result),
            style=DOOR,
            styles={DOOR: style},
            records=lambda: may_record(bench.workspace, camera),
        )
        self.offers = Offers()
        self.greeter = Greeter(bench, camera, self.hub, self.offers if config.change_s else None)
        self.prompt = ""
        self.today = 0
        self.punches = 0
        self.backlog = bench.store.backlog()
        self._prompter = Prompter(bench.config, camera)
        self._wrong: deque[float] = deque(maxlen=_GUESSES)
        self._wrong_codes: deque[float] = deque(maxlen=_GUESSES)
        self._guessing = threading.Lock()
        self._stopping = threading.Event()

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        """Run camera, greetings and notifications.

        Raises:
            ConfigError: a notification rule cannot be followed.
        """
        self._stopping.clear()
        self.hub.open()
        with contextlib.ExitStack() as stack:
            if standing(self.bench.workspace) is None:  # else the workbench beside it does this work
                stack.enter_context(attended(self.bench))
            self.greeter.start()
            stack.callback(self.greeter.stop)
            poll = threading.Thread(target=self._poll, name="poll", daemon=True)
            poll.start()
            stack.callback(poll.join, 5)
            stack.enter_context(self.camera.kept())
            stack.callback(self.picture.clear)  # disconnect viewers first
            stack.callback(self.hub.close)
            stack.callback(self._stopping.set)
            yield

    def saw(self, result: FrameResult, pipeline: Pipeline) -> None:
        """See `CameraWatcher`."""
        self.greeter.saw(result)
        self.punches += sum(isinstance(row, PunchRow) and row.event == "punch" for row in result.rows)
        if self._prompter.demands:
            pipeline.demand_challenge()
        prompt, proven = self._prompter.look(result.tracks, result.frame.time)
        if proven is not None:
            pipeline.vouch(proven, PROVEN)
        self._ask(prompt if self.camera.state == "playing" else "")

    def became(self, state: str, detail: str) -> None:
        """See `CameraWatcher`."""
        del detail  # may contain an address with a password; administrators see it in the status
        if state != "playing":
            self._prompter.clear()
            self._ask("")
        self.hub.publish("camera", self.state())

    def told(self, kind: str, data: Mapping[str, Any]) -> None:
        """See `CameraWatcher`."""
        if kind == "prompt":
            self._ask(str(data["code"]) if self.camera.state == "playing" else "")
        elif kind == "seen":
            self.greeter.expect(str(data["employee_id"]), datetime.fromisoformat(data["time"]))
        elif kind == "row":
            self.punches += data["event"] == "punch"
            self.greeter.written(str(data["event_id"]), datetime.fromisoformat(data["time"]))

    def _ask(self, prompt: str) -> None:
        if prompt != self.prompt:
            self.prompt = prompt
            self.hub.publish("prompt", {"code": prompt})

    def _poll(self) -> None:
        """Update what changes without the camera: today's count, the database backlog."""
        while not self._stopping.is_set():
            try:
                self.backlog = self.bench.store.backlog()
                self.today, _ = arrivals(self.bench.records, self.bench.clock(), 1)
            except MusterError as error:
                log.warning("%s", error)
            except Exception:
                log.exception("what happens today")
            self._stopping.wait(_POLL_S)

    def _checked(self, employee_id: str, pin: str) -> PunchRow | None:
        # each number has its own wait; this one slows down attempts with many numbers
        with _slowed(self._wrong, "too many wrong numbers or PINs"):
            return self.bench.kiosk.punch(employee_id, pin, self.camera.name, self.camera.frame())

    def show_badge(self, code: str) -> dict[str, Any]:
        """Record a person by the code of their badge with the camera's current picture, and return their greeting.

        Raises:
            TryLater: too many wrong codes.
            InputError: the badge is not known, or not good any more.
            StorageError: it could not be written.
        """
        if not self._guessing.acquire(timeout=_PATIENCE_S):
            raise TryLater("someone else is identifying themselves", wait_s=round(_PATIENCE_S))
        try:
            with _slowed(self._wrong_codes, "too many wrong badges"):
                employee_id, row = self.bench.kiosk.punch_by_badge(code, self.camera.name, self.camera.frame())
        finally:
            self._guessing.release()
        return self._identified(employee_id, row, "badge")

    def _identified(self, employee_id: str, row: PunchRow | None, method: str) -> dict[str, Any]:
        """Somebody identified themselves: the face before the camera is theirs. Return their greeting."""
        self.camera.claim(employee_id)
        self.punches += row is not None and row.event == "punch"
        return self.greeter.by_hand(employee_id, row, method)

    def enter_pin(self, employee_id: str, pin: str) -> dict[str, Any]:
        """Record a person by number and PIN with the camera's current picture, and return their greeting.

        Raises:
            TryLater: too many wrong tries.
            InputError: they do not belong together.
            StorageError: it could not be written.
        """
        if not self._guessing.acquire(timeout=_PATIENCE_S):  # each check takes 64 MB
            raise TryLater("someone else is entering a PIN", wait_s=round(_PATIENCE_S))
        try:
            row = self._checked(employee_id, pin)
        finally:
            self._guessing.release()
        return self._identified(self.bench.kiosk.meant(employee_id.strip()), row, "pin")

    def change(self, offer: str, said: Said) -> dict[str, Any] | None:
        """Take down what somebody says about the passage that a screen has just shown.

        Args:
            offer: the name under which the greeting offered it.
            said: the direction in which they went, or that the name is wrong.

        Returns:
            The greeting as it is now; None: the passage was taken back.

        Raises:
            TooLate: nothing is offered under that name, or no more.
            StorageError: it could not be written.
        """
        row = self.offers.find(offer)
        if row is None:
            raise TooLate("this passage cannot be changed here any more", hint="tell HR")
        if said != "not_me":
            return self.greeter.changed(self.bench.kiosk.turn(row, said), offer)
        self.bench.kiosk.deny(row)
        self.greeter.withdraw(row.employee_id, row.event_id)
        return None

    def state(self) -> dict[str, Any]:
        """The public state of the camera."""
        camera = self.camera
        return {"name": camera.name, "state": camera.state, "since": camera.since.isoformat(timespec="milliseconds")}

    def offers_pin(self) -> bool:
        """Whether anyone has a PIN; False if the file is unreadable."""
        try:
            return self.bench.pins.any()
        except MusterError as error:
            log.warning("%s", error)
            return False

    def offers_badge(self) -> bool:
        """Whether anyone has a badge; False if the file is unreadable."""
        try:
            return self.bench.badges.any()
        except MusterError as error:
            log.warning("%s", error)
            return False

    def hello(self, *, pin: bool, badge: bool = False) -> dict[str, Any]:
        """The initial state for a screen; `pin`, `badge`: what it may offer, and a page that began with other ways begins anew."""
        now = self.bench.clock().astimezone(self.bench.config.zone)
        return {
            "boot": f"{self.hub.boot}{'p' if pin else ''}{'b' if badge else ''}",
            "version": __version__,
            "server_time": now.isoformat(timespec="milliseconds"),
            "utc_offset_min": round((now.utcoffset() or timedelta(0)).total_seconds() / 60),
            "camera": self.state(),
            "prompt": self.prompt,
        }

    def status(self) -> dict[str, Any]:
        """All metrics, without reading a file."""
        camera, told = self.camera, self.camera.told
        now = self.bench.clock().astimezone(self.bench.config.zone)
        return {
            "time": now.isoformat(timespec="milliseconds"),
            "version": __version__,
            "camera": {
                **self.state(),
                "detail": camera.detail,
                "fps": told.fps if camera.state == "playing" else 0.0,
                "width": told.size[0] if told.size else None,
                "height": told.size[1] if told.size else None,
                "recording": camera.recording and camera.state in {"playing", "lost"},
                "frames": told.frames,
                "dropped": told.dropped,
                "losses": told.losses,
            },
            "prompt": self.prompt,
            "people_today": self.today,
            "greetings": self.greeter.count,
            "waiting_rows": camera.waiting,
            "spool": self._spool(now),
            "viewers": self.picture.viewers,
            "listeners": self.hub.listeners,
        }

    def _spool(self, now: datetime) -> dict[str, Any] | None:
        """The latest known database backlog, or None with file storage."""
        backlog = self.backlog
        if backlog is None:
            return None
        since = backlog.since
        return {
            "rows": backlog.rows,
            "bytes": backlog.size,
            "since": since.isoformat(timespec="milliseconds") if since else None,
            "oldest_s": round(max(0.0, (now - since).total_seconds()), 1) if since else 0.0,
            "problem": backlog.problem,
            "refused": backlog.refused,
        }

    def faults(self) -> list[str]:
        """The reasons why the kiosk cannot work right now; empty if it can."""
        camera = self.camera
        found = [] if camera.state == "playing" else [f"the camera is {camera.state}"]
        if not writable(self.bench.workspace):
            found.append("the workspace cannot be written")
        if camera.state == "playing" and not self.greeter.alive:
            found.append("nobody is greeted")
        if camera.stuck:
            found.append("rows cannot be written and are kept in memory")
        return found
