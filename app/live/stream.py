"""The browser's camera over WebRTC. The frames' thread never calls Streamlit.

The browser sends its picture and shows its own camera; what to draw over it comes as data (`app.live.overlay`), so no picture is encoded
here, and the preview stays fluent whatever the engine does.

With `async_processing` the newest frame wins: frames that arrive during processing are dropped. An exception, or ten seconds in the
callback, would end the stream, so failures are kept and shown on the page.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Any

import av
import numpy as np
import streamlit as st
from numpy.typing import NDArray
from streamlit_webrtc import WebRtcMode, webrtc_streamer

from app.live.overlay import Drawing, Overlay
from app.ui import parts
from app.web import access, services
from app.web.below import at
from app.web.collector import spare_what_is_loaded
from app.words import say
from engine.errors import MusterError

log = logging.getLogger(__name__)

Image = NDArray[np.uint8]

_LATELY_S, _ENOUGH_FPS = 8.0, 6.0
"""Fewer looks a second than that take long to recognise somebody who walks by."""

_preview = parts.component("preview")


class BrowserCamera:
    """Processes the frames of one browser's camera. A page makes it, for its user.

    Args:
        process: RGB uint8 (H, W, 3) in, what to draw over it out; called from one thread at a time. Sizes change in mid-stream.
        action: the right that the page needs.

    Attributes:
        overlay: what is drawn now. dropped: frames that were left out for newer ones.
        failure: why the newest frame could not be processed, or None.

    Raises:
        NotAllowed: the user may not.
    """

    def __init__(self, process: Callable[[Image], Drawing | None], action: str) -> None:
        _, owner = access.acting(action)
        self.overlay = Overlay(owner, access.lasting(action))
        self._process = process
        self._lock = threading.Lock()
        self.failure: Exception | None = None
        self.dropped = 0
        self._recent = deque[tuple[float, int]](maxlen=400)

    @property
    def too_slow(self) -> bool:
        """Whether most of the frames of the last seconds were left out, and fewer than `_ENOUGH_FPS` a second were looked at."""
        since = time.monotonic() - _LATELY_S
        recent = [count for moment, count in tuple(self._recent) if moment >= since]
        return len(recent) >= 3 and sum(recent) > 2 * len(recent) and len(recent) < _ENOUGH_FPS * _LATELY_S

    async def frames(self, waiting: list[av.VideoFrame]) -> list[av.VideoFrame]:
        """Process the newest of the frames since the last call. WebRTC calls this in the stream's own thread.

        Only this frame is converted. What is returned goes nowhere.
        """
        self.dropped += len(waiting) - 1
        self._recent.append((time.monotonic(), len(waiting)))
        image: Image = np.ascontiguousarray(waiting[-1].to_ndarray(format="rgb24"), np.uint8)
        try:
            with self._lock:
                self.overlay.show(self._process(image))
            self.failure = None
        except Exception as error:  # noqa: BLE001 - an exception here would end the stream silently
            if self.failure is None:
                log.warning("a frame of the browser's camera could not be processed: %s", error)
            self.failure = error
            self.overlay.show(None)
        return waiting[-1:]


def show_failure(camera: BrowserCamera) -> None:
    """Say on the page why the last frame could not be processed, if so."""
    if camera.failure is not None:
        told = camera.failure if isinstance(camera.failure, MusterError) else say("A frame could not be processed.")
        st.warning(parts.plain(told), icon=":material/error:")


def _troubles() -> dict[str, str]:
    """Why a browser gives no picture, and what to click, by the browser's names for it and those of `preview.js`."""
    return {
        "NotAllowedError": say(
            "The browser blocks the camera. Click the camera sign in the address bar, choose Allow, and start the camera again."
        ),
        "NotFoundError": say("This device has no camera. Plug one in and start the camera again."),
        "NotReadableError": say(
            "Another program uses the camera. Close it, such as a video call, and start the camera again."
        ),
        "Insecure": say(
            "Browsers give cameras to secure pages only. Open Muster by its https address, or on its own computer as localhost."
        ),
        "Ended": say("The camera was unplugged, or another program took it. Plug it in and start the camera again."),
        "Lost": say("The connection to Muster was interrupted. Muster connects again by itself."),
        "Gone": say("The connection to Muster keeps breaking off. Check the network, then start the camera again."),
        "Other": say("The browser cannot open the camera. Choose another one, or start the browser again."),
    }


def browser_camera(
    key: str, camera: BrowserCamera, *, ideal_height: int = 720, mirrored: bool = False, turn_deg: int = 0
) -> bool:
    """Show the browser's camera with what is drawn over it, and tell whether it plays.

    Args:
        key: of the element; the same camera object must come with it in every run.
        camera: works on the frames.
        ideal_height: of the frames in pixels; browsers may give less.
        mirrored: show the picture as a mirror does, and say no names beside it.
        turn_deg: turn the picture clockwise by that; boxes belong to the turned picture.
    """
    spare_what_is_loaded("browser camera")
    servers = [{"urls": [url]} for url in services.home().config.app.ice_servers]
    rtc: Any = {"iceServers": servers}  # none by default: browsers on a closed network would wait for them in vain
    with st.container(key="browser-camera", gap=None):  # the preview looks for the streamer's frame in it
        above = st.container()
        context = webrtc_streamer(
            key=key,
            mode=WebRtcMode.SENDONLY,
            rtc_configuration=rtc,
            server_rtc_configuration=rtc,
            queued_video_frames_callback=camera.frames,
            async_processing=True,
            media_stream_constraints={
                "video": {"height": {"ideal": ideal_height}, "width": {"ideal": ideal_height * 16 // 9}},
                "audio": False,
            },
            translations={
                "start": say("Start camera"),
                "stop": say("Stop camera"),
                "select_device": say("Choose camera"),
                "media_api_not_available": say("Browsers allow cameras on secure pages only. Use https or localhost."),
                "device_ask_permission": say("Allow the camera in the browser."),
                "device_not_available": say("No camera found."),
                "device_access_denied": say("The browser blocks the camera. Allow it next to the address bar."),
            },
        )
    playing = bool(context.state.playing)
    with above:
        _preview(
            key=f"{key}-preview",
            data={
                "playing": playing,
                "mirrored": mirrored,
                "turn": turn_deg,
                "source": at(f"/overlay?key={camera.overlay.key}"),
                "label": say("Preview of the camera"),
                "off": say("The camera is off"),
                "start": say("Start camera"),
                "stop": say("Stop camera"),
                "troubles": _troubles(),
                "in_view": "" if mirrored else say("In view: {names}"),
            },
        )
    show_failure(camera)
    return playing
