"""Search by photo: a photo, the face in it, filters, and who was seen where and when."""

from __future__ import annotations

import base64
import contextlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date
from typing import cast, get_args

import streamlit as st

from app.ui import parts
from app.ui.address import day_of, put
from app.views.search.tiles import candidates, tile
from app.web import access, pictures, uploads
from app.web.pictures import inline
from app.words import date_format, said, say, say_count, say_number
from engine.errors import InputError
from engine.imaging import MAX_BYTES, decode_image, read_image
from engine.records import Answer, Probe, Wanted
from engine.records.face_search import MARGIN, Who
from engine.types import Image
from engine.workbench import Workbench

__all__ = ["forget", "show"]

RIGHT = "search.faces"
PAGE = 24
_KEY, _NOTED, _GIVEN = "search", "search-noted", "search-given"
_PICTURE_S = 0.25
"""To read a picture, on two cores."""
_PASTED_BYTES = 4_000_000

_paste = parts.component("paste")


@dataclass(frozen=True, eq=False)
class _Photo:
    """A photo whose faces are known; in the session's memory alone, until the user leaves the page.

    Attributes:
        source: tells one photo from another.
        faces: that can be searched for.
        problem: why there are none.
    """

    source: str
    faces: tuple[Probe, ...] = ()
    problem: str = ""


def forget() -> None:
    """Drop the photo: the user left the page."""
    for key in (_KEY, _NOTED, _GIVEN):
        st.session_state.pop(key, None)


def show() -> None:
    """The page."""
    bench = access.reading(RIGHT)
    parts.stylesheet("alerts")
    uploads.expect(RIGHT)
    st.title(say("Search by photo"), anchor=False)
    if not bench.records.seen.days():
        _nothing_kept(bench)
    _ask(bench)
    if bench.settings.get().retention.faces != 0 and st.button(
        say("Search earlier pictures, too …"), icon=":material/history:", type="tertiary", key="search-earlier"
    ):
        _earlier(bench)
    photo = _photo()
    if photo is None:
        parts.notice(
            say("Whom are you looking for?"),
            say("Choose or paste a photo. Muster shows where and when cameras saw this face. The photo is not stored."),
        )
        return
    if photo.problem or not photo.faces:
        parts.notice(say("No face to search for"), photo.problem, tone="warn")
        return
    chosen = _chosen(photo)
    wanted = _filters(bench)
    _results(bench, photo.faces[chosen], wanted)


def _nothing_kept(bench: Workbench) -> None:
    """Why no sighting can be found, and what to do."""
    if bench.settings.get().retention.faces == 0:
        parts.notice(
            say("No faces are kept"),
            say("Set how many days to keep them: Settings › Retention › Faces."),
            tone="warn",
        )
        return
    parts.notice(
        say("No faces yet"),
        say(
            "Cameras add everyone they see well. “Search earlier pictures, too” adds those of earlier punches and strangers."
        ),
    )


def _earlier(bench: Workbench) -> None:
    """Offer to read the pictures of before, and say what it costs."""

    @st.dialog(say("Earlier pictures"))
    @parts.guarded
    def shown() -> None:
        with st.spinner(say("Counting…")):
            count = bench.face_search.unread()
        if not count:
            st.write(say("All pictures that are kept are searched already."))
            return
        st.write(
            say_count(
                "{count} picture of an earlier punch or stranger is not searched yet.",
                "{count} pictures of earlier punches and strangers are not searched yet.",
                count,
            )
        )
        minutes = max(1, round(count * _PICTURE_S / 60))
        st.write(
            say_count(
                "Reading takes about {count} minute and slows cameras on this computer meanwhile.",
                "Reading takes about {count} minutes and slows cameras on this computer meanwhile.",
                minutes,
            )
        )
        st.write(say("The faces are kept as long as those that cameras add. The audit trail notes it."))
        if not st.button(say("Read the pictures"), type="primary", key="search-read"):
            return
        bar = st.progress(0.0)

        def progress(_: str, done: int, of: int) -> None:
            bar.progress(done / max(of, 1), say("{done} of {total} pictures read", done=done, total=of))

        acting, author = access.acting(RIGHT)
        read = acting.face_search.read_pictures(author=author, progress=progress)
        parts.done(say_count("{count} face can be found now", "{count} faces can be found now", read))

    shown()


def give(image: Image, source: str) -> None:
    """Go to this page and search for the faces of a picture that is stored nowhere.

    Args:
        source: tells it from others.
    """
    st.session_state[_GIVEN] = (source, image)
    st.switch_page(st.Page(show, url_path="search"))


def _photo() -> _Photo | None:
    found = st.session_state.get(_KEY)
    return found if isinstance(found, _Photo) else None


# ----------------------------------------------------------------------------------------- the photo


def _ask(bench: Workbench) -> None:
    """Take a photo in: a file, the clipboard, or a picture of the workspace that a link names."""
    with st.container(gap=None):
        file = st.file_uploader(
            say("Photo of a face"),
            type=["jpg", "jpeg", "png", "webp"],
            max_upload_size=MAX_BYTES // 1_000_000,
            key="search-file",
        )
        pasted = _paste(key="search-paste", on_picture_change=lambda: None)
        parts.soft(say("Or press Ctrl+V to paste a picture."))
    if isinstance(address := pasted.get("picture"), str) and address:
        put(picture="")
        _take(bench, f"pasted {hash(address)}", lambda: _from_clipboard(address))
    elif file is not None:
        put(picture="")
        _take(bench, f"file {file.file_id}", lambda: decode_image(file.getvalue(), name=say("The picture")))
    elif linked := st.query_params.get("picture", ""):
        _take(bench, f"picture {linked}", lambda: _of_workspace(bench, linked))
    elif given := st.session_state.get(_GIVEN):
        source, image = given
        _take(bench, source, lambda: image)


def _take(bench: Workbench, source: str, read: Callable[[], Image]) -> None:
    """Find the faces of a photo, once."""
    before = _photo()
    if before is not None and before.source == source:
        return
    st.session_state["search-face"] = 0
    put(page="")
    try:
        with st.spinner(say("Looking for faces…")):
            st.session_state[_KEY] = _Photo(source, tuple(bench.face_search.faces(read())))
    except InputError as error:
        st.session_state[_KEY] = _Photo(source, problem=said(error))


def _from_clipboard(address: str) -> Image:
    content = b""
    if address.startswith("data:image/jpeg;base64,") and len(address) < _PASTED_BYTES:
        with contextlib.suppress(ValueError):
            content = base64.b64decode(address.partition(",")[2], validate=True)
    return decode_image(content, name=say("The picture"))


def _of_workspace(bench: Workbench, linked: str) -> Image:
    """A picture that the workspace holds and the account may see."""
    folder = linked.removeprefix("images/").partition("/")[0]
    path = bench.records.inside(linked)
    if path is None or not pictures.allowed(access.own(), folder):
        raise InputError(say("This picture is no longer kept."), hint=say("Choose another one."))
    return read_image(path)


def _chosen(photo: _Photo) -> int:
    """The face to search for."""
    count = len(photo.faces)
    number = min(int(st.session_state.get("search-face") or 0), count - 1)
    if count > 1:
        parts.soft(
            say_count("{count} face in the picture. Choose one:", "{count} faces in the picture. Choose one:", count)
        )
        with st.container(horizontal=True, gap="small"):
            for place, face in enumerate(photo.faces):
                with st.container(width=112, gap="xxsmall"):
                    label = say("Face {number}", number=place + 1)
                    parts.html(parts.face(inline(face.picture, 112), 112, label))
                    st.button(
                        label,
                        key=f"search-face-{place}",
                        type="primary" if place == number else "secondary",
                        on_click=_turn_to,
                        args=(place,),
                    )
    else:
        parts.html(parts.face(inline(photo.faces[0].picture, 112), 112, say("The face to search for")))
    if not photo.faces[number].quality.good:
        parts.soft(say("This face is small, blurred or turned away: expect fewer finds."))
    return number


def _turn_to(place: int) -> None:
    st.session_state["search-face"] = place
    put(page="")


# ----------------------------------------------------------------------------------------- filters


def _filters(bench: Workbench) -> Wanted:
    names = {"any": say("All cameras"), **{each: each for each in bench.face_search.cameras()}}
    if st.query_params.get("camera", "any") not in names:
        put(camera="")
    grid = st.grid(5, min_column_width=140)
    with grid.cell():
        camera = parts.choice(say("Camera"), names, "search-camera", "camera", menu=True)
    with grid.cell():
        everybody = {"any": say("Everyone"), "people": say("Enrolled people"), "strangers": say("Strangers")}
        who = parts.choice(say("Show"), everybody, "search-who", "who", menu=True)
    with grid.cell():
        first = _day("from", say("From"))
    with grid.cell():
        last = _day("to", say("To"))
    usual = round(bench.calibration.threshold() - MARGIN, 2)
    with grid.cell():
        at_least = st.slider(
            say("Smallest similarity"),
            0.0,
            0.95,
            usual,
            0.01,
            key="search-least",
            help=say("Below the threshold of {value} a likeness proves nothing.", value=say_number(usual + MARGIN, 2)),
        )
    page = st.query_params.get("page", "1")
    number = max(1, int(page)) if page.isascii() and page.isdecimal() and len(page) < 5 else 1
    return Wanted(
        camera="" if camera == "any" else camera,
        first=first or date.min,
        last=last or date.max,
        at_least=at_least,
        who=cast(Who, who if who in get_args(Who) else ""),
        limit=PAGE,
        skip=PAGE * (number - 1),
    )


def _day(param: str, label: str) -> date | None:
    key = f"search-{param}"
    st.session_state[key] = day_of(st.query_params.get(param, ""))

    def chosen() -> None:
        day = st.session_state[key]
        put(**{param: day.isoformat() if day else "", "page": ""})

    return st.date_input(label, value=None, key=key, on_change=chosen, format=date_format())


# ----------------------------------------------------------------------------------------- results


def _results(bench: Workbench, face: Probe, wanted: Wanted) -> None:
    try:
        _, author = access.acting(RIGHT)
        asked = (face, replace(wanted, skip=0))
        again = st.session_state.get(_NOTED) == asked
        answer = bench.face_search.search(face.embedding, wanted, author=author, again=again)
        st.session_state[_NOTED] = asked
    except InputError as error:
        parts.failed(error)
        return
    candidates(bench, answer)
    _sightings(bench, answer, wanted)


def _sightings(bench: Workbench, answer: Answer, wanted: Wanted) -> None:
    st.header(say("Sightings ({count})", count=answer.total) if answer.total else say("Sightings"), anchor=False)
    if not answer.total:
        parts.notice(
            say("No camera saw this face"),
            say("Lower the smallest similarity, or choose other days and cameras."),
        )
        return
    grid = st.grid(min_column_width=162)
    for each in answer.seen:
        with grid.cell():
            tile(bench, each, answer.threshold)
    pages = -(-answer.total // PAGE)
    if pages > 1:
        now = wanted.skip // PAGE + 1
        key = f"search-page-{now}"
        st.pagination(pages, default=min(now, pages), key=key, on_change=lambda: put(page=str(st.session_state[key])))
