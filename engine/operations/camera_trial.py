"""Try a camera before it is in use: one picture, its size, how many come and how they are coded; and the webcams of this computer."""

from __future__ import annotations

import contextlib
import re
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engine.config import SourcesConfig
from engine.errors import InputError, SourceLost
from engine.masking import mask_address
from engine.sources import NoPicture, Trouble, is_live, open_source
from engine.sources.address import written_out
from engine.sources.stream import Stream
from engine.types import Frame

_COUNTED_S = 1.5
"""How long pictures are counted."""
_WEBCAMS = Path("/sys/class/video4linux")
_HINT = "check the address, user, password and cable"


@dataclass(frozen=True)
class CameraTrial:
    """What a camera showed.

    Attributes:
        picture: (H, W, 3) uint8 RGB, upright as the settings say.
        fps: pictures a second that came; 0: only one did. codec: such as `h264`; empty: unknown, as of webcams.
    """

    picture: NDArray[np.uint8]
    fps: float
    codec: str

    @property
    def size(self) -> tuple[int, int]:
        """Width and height."""
        return self.picture.shape[1], self.picture.shape[0]


def try_camera(source: str, workspace: Path, config: SourcesConfig, *, rotate: int = 0) -> CameraTrial | NoPicture:
    """Take a picture from a camera or a video file; return what it showed, or why a camera gives none.

    Args:
        source: as in the settings; a file's path from the workspace on.

    Raises:
        InputError: it is no source. SourceLost: it gives no picture and does not say why.
    """
    source = source.strip()
    if not source:
        raise InputError(
            "the camera has no address", hint="give an rtsp:// or http:// address, a webcam's number, or a file"
        )
    spec = source if is_live(source) else str(workspace / source)
    opened = open_source(spec, "trial", config, rotate=rotate)
    picture: NDArray[np.uint8] | None = None
    count, begun = 0, 0.0
    try:
        for item in opened:
            if not isinstance(item, Frame):
                return NoPicture.read(item.detail) or NoPicture(Trouble.OTHER)
            if picture is None:
                begun = time.monotonic()
            picture, count = item.image, count + 1
            if time.monotonic() - begun >= _COUNTED_S:
                break
    except (OSError, ValueError) as error:
        raise InputError(f"{mask_address(source)}: cannot be read", hint=_HINT) from error
    finally:
        opened.close()
    if picture is None:
        raise SourceLost(f"{mask_address(source)}: gives no picture", hint=_HINT)
    passed = time.monotonic() - begun
    return CameraTrial(picture, (count - 1) / passed if count > 1 and passed > 0.1 else 0.0, _codec(spec, config))


def _codec(spec: str, config: SourcesConfig) -> str:
    if spec.isdecimal() or spec.startswith("/dev/video"):
        return ""
    with contextlib.suppress(OSError, ValueError):
        stream = Stream(written_out(spec), timeouts_s=(config.open_timeout_s, config.stall_timeout_s))
        stream.close()
        return stream.codec
    return ""


def webcams() -> dict[str, str]:
    """The webcams of this computer: their names by number, as far as the system tells (Linux)."""
    found = {}
    for folder in sorted(_WEBCAMS.glob("video*")) if _WEBCAMS.is_dir() else []:
        number = re.sub(r"\D", "", folder.name)
        with contextlib.suppress(OSError):
            if (folder / "index").read_text().strip() == "0":  # further ones of a device give no pictures
                found[number] = (folder / "name").read_text().strip()
    return found
