"""The browser's camera over WebRTC. The frames' thread never calls Streamlit.

With `async_processing` the newest frame wins: frames that arrive during processing are dropped. An exception, or ten seconds in the
callback, would end the stream, so failures are kept and shown on the page.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Any

import av
import numpy as np
import streamlit as st
from numpy.typing import NDArray
from streamlit_webrtc import WebRtcMode, webrtc_streamer

from app.ui import parts
from app.web import services
from app.web.collector import spare_what_is_loaded
from app.words import say
from engine.errors import MusterError

log = logging.getLogger(__name__)

Image = NDArray[np.uint8]


class BrowserCamera:
    """Processes the frames of one browser's camera.

    Args:
        process: RGB uint8 (H, W, 3) in, the picture to show out; called from one thread at a time. Sizes change in mid-stream.
    """

    def __init__(self, process: Callable[[Image], Image]) -> None:
        self._process = process
        self._lock = threading.Lock()
        self.failure: Exception | None = None
        self.dropped = 0

    async def frames(self, waiting: list[av.VideoFrame]) -> list[av.VideoFrame]:
        """Process the newest of the frames since the last call. WebRTC calls this in the stream's own thread."""
        self.dropped += len(waiting) - 1
        return [self._frame(waiting[-1])]

    def _frame(self, frame: av.VideoFrame) -> av.VideoFrame:
        image: Image = np.ascontiguousarray(frame.to_ndarray(format="rgb24"), np.uint8)
        try:
            with self._lock:
                shown = self._process(image)
            self.failure = None
        except Exception as error:  # noqa: BLE001 - an exception here would end the stream silently
            if self.failure is None:
                log.warning("a frame of the browser's camera could not be processed: %s", error)
            self.failure = error
            shown = image
        answer = av.VideoFrame.from_ndarray(shown, format="rgb24")
        answer.pts, answer.time_base = frame.pts, frame.time_base
        return answer


def show_failure(camera: BrowserCamera) -> None:
    """Say on the page why the last frame could not be processed, if so."""
    if camera.failure is not None:
        told = camera.failure if isinstance(camera.failure, MusterError) else say("A frame could not be processed.")
        st.warning(parts.plain(told), icon=":material/error:")


def browser_camera(key: str, camera: BrowserCamera, *, ideal_height: int = 720) -> bool:
    """Show the browser's camera with its processed frames, and tell whether it plays.

    Args:
        key: of the element; the same camera object must come with it in every run.
        camera: works on the frames.
        ideal_height: of the frames in pixels; browsers may give less.
    """
    spare_what_is_loaded("browser camera")
    servers = [{"urls": [url]} for url in services.home().config.app.ice_servers]
    rtc: Any = {"iceServers": servers}  # none by default: browsers on a closed network would wait for them in vain
    context = webrtc_streamer(
        key=key,
        mode=WebRtcMode.SENDRECV,
        rtc_configuration=rtc,
        server_rtc_configuration=rtc,
        queued_video_frames_callback=camera.frames,
        async_processing=True,
        media_stream_constraints={
            "video": {"height": {"ideal": ideal_height}, "width": {"ideal": ideal_height * 16 // 9}},
            "audio": False,
        },
        video_html_attrs={
            "autoPlay": True,
            "controls": False,
            "muted": True,
            "playsInline": True,
            "style": {"width": "100%"},
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
    show_failure(camera)
    return bool(context.state.playing)
