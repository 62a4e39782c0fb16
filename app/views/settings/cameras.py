"""Beside a camera's settings: webcams, cameras of the network, and a picture to try address, turn, region and masks."""

from __future__ import annotations

import base64
import contextlib
from dataclasses import dataclass
from typing import Any

import numpy as np
import streamlit as st
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from app.ui import parts
from app.views.settings.draft import Draft, at, key
from app.views.system.cameras import no_picture
from app.web import access
from app.words import said, say, say_number, term
from engine.config.editing import SettingPath
from engine.config.outlines import corners
from engine.errors import MusterError
from engine.imaging import encode_jpeg
from engine.masking import HIDDEN
from engine.operations.camera_search import FoundCamera, find_cameras
from engine.operations.camera_trial import CameraTrial, try_camera, webcams
from engine.sources import NoPicture

_WIDEST = 960

_draw = parts.component("masks")


@dataclass(frozen=True)
class _Seen:
    """A picture that a camera gave, and what it was asked for."""

    source: str
    rotate: int
    trial: CameraTrial


def show(draft: Draft, base: SettingPath, given: dict[str, Any] | None) -> None:
    """Draw it below the fields.

    Args:
        given: values of a camera that is not there yet; None: it is.
    """
    source, rotate, region = (_entered(draft, base, given, name) for name in ("source", "rotate", "region"))
    held = key(base, "#seen")
    if not source:
        _offer_found(base)
    with st.container(horizontal=True, vertical_alignment="center"):
        wanted = st.button(
            say("Test"),
            icon=":material/photo_camera:",
            key=key(base, "#try"),
            disabled=not source,
            help=say("Take a picture now."),
        )
    if wanted:
        st.session_state.pop(held, None)
        try:
            with st.spinner(say("Waiting for a picture…")):
                found = _tried(draft, base, str(source), rotate or 0)
            if isinstance(found, NoPicture):
                parts.notice(no_picture(found), f"{term(found.hint)}.", tone="bad")
            else:
                st.session_state[held] = _Seen(str(source), rotate or 0, found)
        except MusterError as error:
            parts.notice(say("No picture"), said(error), tone="bad")
    seen: _Seen | None = st.session_state.get(held)
    if seen is not None and (seen.source, seen.rotate) == (source, rotate or 0):
        _masked(base, _drawn(seen.trial.picture, region))
        width, height = seen.trial.size
        facts = [f"{width} × {height}"]
        if seen.trial.fps:
            facts.append(say("{count} pictures a second", count=say_number(seen.trial.fps)))
        if seen.trial.codec:
            facts.append(seen.trial.codec)
        parts.soft(" · ".join(facts))


def _entered(draft: Draft, base: SettingPath, given: dict[str, Any] | None, name: str) -> Any:
    """What a field holds now."""
    if given is not None:
        return given.get(name)
    path = (*base, name)
    return draft.changes[path] if path in draft.changes else draft.effective(path)


def _offer_found(base: SettingPath) -> None:
    """Webcams of this computer, and on demand the cameras of its network."""
    held = key(base, "#found")
    if st.button(
        say("Find cameras"),
        icon=":material/search:",
        key=key(base, "#find"),
        help=say("Ask the network for ONVIF cameras."),
    ):
        access.acting("system.settings")
        with st.spinner(say("Asking the network…")):
            st.session_state[held] = find_cameras()
    found: list[FoundCamera] | None = st.session_state.get(held)
    if found == []:
        parts.notice(
            say("No camera answered"),
            say("Switch ONVIF on in the camera, or enter its address from the manual."),
        )
    for camera in found or ():
        st.button(
            " · ".join(filter(None, (camera.host, parts.plain(camera.name or camera.make)))),
            key=key(base, f"#found-{camera.host}"),
            icon=":material/videocam:",
            on_click=st.session_state.__setitem__,
            args=(key((*base, "source")), camera.source),
        )
    if found:
        st.caption(say("Then write user and password before the host, and compare the path with the manual."))
    for number, name in webcams().items():
        st.button(
            say("Use webcam {number}: {name}", number=number, name=parts.plain(name)),
            key=key(base, f"#webcam-{number}"),
            icon=":material/videocam:",
            on_click=st.session_state.__setitem__,
            args=(key((*base, "source")), number),
        )


def _tried(draft: Draft, base: SettingPath, source: str, rotate: int) -> CameraTrial | NoPicture:
    bench, author = access.acting("system.settings")
    if HIDDEN in source and source == draft.effective((*base, "source")):
        source = str(at(draft.now.config, (*base, "source")))  # with its password, which the page does not know
    trial = try_camera(source, bench.workspace, draft.now.config.sources, rotate=rotate)
    if isinstance(trial, CameraTrial):
        bench.settings_desk.note_trial(str(base[-1]), author=author)
    return trial


def _masked(base: SettingPath, picture: bytes) -> None:
    """The picture, on which masks are drawn; they go into their field, which holds one a line."""
    field, drawing = key((*base, "masks")), key(base, "#drawing")

    def take() -> None:
        found = st.session_state[drawing].get("masks")
        if isinstance(found, str):
            st.session_state[field] = found

    masks = []
    for line in str(st.session_state.get(field) or "").splitlines():
        with contextlib.suppress(ValueError):  # what is wrong is said at the field
            masks.append(corners(line))
    _draw(
        key=drawing,
        on_masks_change=take,
        data={
            "picture": f"data:image/jpeg;base64,{base64.b64encode(picture).decode()}",
            "masks": masks,
            "words": {
                "picture": say("Picture of the camera"),
                "how": say("Draw masks: drag a rectangle, or click corners and then the first one again."),
                "undo": say("Undo"),
                "clear": say("Remove all"),
            },
        },
    )


def _drawn(picture: NDArray[np.uint8], region: Any) -> bytes:
    """The picture as JPEG, darkened outside of the region."""
    image = Image.fromarray(picture)
    image.thumbnail((_WIDEST, _WIDEST))
    if region:
        width, height = image.size
        left, top, right, bottom = region
        box = (left * width, top * height, right * width - 1, bottom * height - 1)
        shade = Image.new("L", image.size, 150)
        ImageDraw.Draw(shade).rectangle(box, fill=0)
        image.paste((0, 0, 0), mask=shade)
        ImageDraw.Draw(image).rectangle(box, outline=(255, 200, 0), width=3)
    return encode_jpeg(np.asarray(image, np.uint8))
