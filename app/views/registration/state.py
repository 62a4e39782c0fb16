"""The state of a registration before it is stored: in session memory only, cleared on leaving the page."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from app.live.stream import BrowserCamera
from engine.enrolment import STEPS, EnrolmentReport, GuidedCapture, GuideMark, RefusedPhoto, Shot, Step, guide_mark
from engine.people import Person
from engine.people.basis import Basis
from engine.workbench import Workbench

Stage = Literal["details", "consent", "pictures", "check", "done"]

MOST_PICTURES = 20
"""More pictures add nothing, and each costs memory until it is stored."""
BROUGHT = 5
"""Pictures of a dossier that are chosen at first."""
CAMERA_KEY = "registration-camera"
_KEY = "registration"


def camera_name(step: Step) -> str:
    """The name of a picture of the guided capture; no uploaded file is called so."""
    return f"camera/{step}"


@dataclass(frozen=True, eq=False)
class Piece:
    """A picture to be enrolled.

    Attributes:
        step: when the guided capture took it.
        refused: what the check said, if the user overruled it.
    """

    shot: Shot
    step: Step | None = None
    refused: RefusedPhoto | None = None


@dataclass
class Registration:
    """A registration in progress.

    Attributes:
        origin: person and dossier that the address named.
        stage: where it is.
        person: who, as far as is known.
        suggested: a free id.
        known: whether they are on the list already and only add pictures.
        dossier: the stranger to register; empty: none.
        offered: pictures of the dossier: place in the workspace, file. looked: what the check said of each, by place.
        brought: the best of them were taken.
        agreed, basis: see `app.views.registration.consent.Consented`.
        capture, camera: the guided capture, once started.
        pieces: pictures from other sources than the guided capture, and those of it for which the user overruled the check.
        refused: pictures that the check refused.
        compared: all pictures, during the check.
        rounds: number of uploads and single pictures taken in; part of their widgets' keys, so that these start empty.
        report: the result. problem: the last error.
    """

    origin: tuple[str, str]
    stage: Stage = "details"
    person: Person = field(default_factory=lambda: Person("", ""))
    suggested: str = ""
    known: bool = False
    dossier: str = ""
    offered: list[tuple[str, Path]] = field(default_factory=list)
    looked: dict[str, Shot | RefusedPhoto] = field(default_factory=dict)
    brought: bool = False
    agreed: bool = False
    basis: Basis = field(default_factory=Basis)
    capture: GuidedCapture | None = None
    camera: BrowserCamera | None = None
    pieces: list[Piece] = field(default_factory=list)
    refused: list[RefusedPhoto] = field(default_factory=list)
    compared: list[Piece] = field(default_factory=list)
    rounds: int = 0
    report: EnrolmentReport | None = None
    problem: str = ""

    @property
    def count(self) -> int:
        """Number of pictures."""
        others = sum(piece.step is None for piece in self.pieces)
        return others + (len(self.capture.guidance.takes) if self.capture else 0)

    def begin_capture(self, bench: Workbench) -> tuple[GuidedCapture, BrowserCamera]:
        """The guided capture and its camera; the first call loads the models.

        Raises:
            ModelUnavailable: the models are missing.
            NotAllowed: the user may not enrol.
        """
        if self.capture is None or self.camera is None:
            self.capture = GuidedCapture(bench.reader)
            self.camera = BrowserCamera(self._frame, "people.enrol")
        return self.capture, self.camera

    def _frame(self, image: NDArray[np.uint8]) -> GuideMark | None:
        """Process a frame of the browser's camera. Called in the stream's thread."""
        capture = self.capture
        return None if capture is None else guide_mark(capture.feed(image, time.monotonic()))

    def retake(self, step: Step) -> None:
        """Retake a picture of the guided capture."""
        self.pieces = [piece for piece in self.pieces if piece.step != step]
        self.refused = [each for each in self.refused if each.name != camera_name(step)]
        if self.capture is not None:
            self.capture.retake(step)

    def bring(self) -> None:
        """Take the best pictures of the dossier, all of which the check has seen."""
        good = [each for each in self.looked.values() if isinstance(each, Shot)]
        best = sorted(good, key=lambda shot: -shot.quality.score)[:BROUGHT]
        self.pieces += [Piece(shot) for shot in best]
        self.refused += [each for each in self.looked.values() if isinstance(each, RefusedPhoto)]
        self.brought = True

    def use_anyway(self, refused: RefusedPhoto) -> None:
        """Overrule the check, which refused a picture with a face."""
        assert refused.anyway is not None
        step = next((step for step in STEPS if camera_name(step) == refused.name), None)
        piece = Piece(refused.anyway, step, refused)
        self.refused = [each for each in self.refused if each is not refused]
        self.pieces, self.compared = [*self.pieces, piece], [*self.compared, piece]

    def drop(self, piece: Piece) -> None:
        """Remove a picture; one for which the check was overruled is a refused one again."""
        if piece.refused is not None:
            self.refused = [*self.refused, piece.refused]
        elif piece.step is not None:
            self.retake(piece.step)
        self.pieces = [each for each in self.pieces if each is not piece]
        self.compared = [each for each in self.compared if each is not piece]

    def clear(self) -> None:
        """Remove all pictures."""
        for step in STEPS:
            self.retake(step)
        self.capture = self.camera = None
        self.pieces, self.compared, self.refused = [], [], []
        self.looked.clear()


def current() -> Registration:
    """The registration of this session; another address starts a new one."""
    origin = (st.query_params.get("person", ""), st.query_params.get("dossier", ""))
    found = st.session_state.get(_KEY)
    if not isinstance(found, Registration) or found.origin != origin:
        forget()
        found = st.session_state[_KEY] = Registration(origin, dossier=origin[1])
    return found


def restart() -> None:
    """Start again with an empty registration."""
    forget()
    st.query_params.clear()


def forget() -> None:
    """Clear everything when the page is left or done."""
    found = st.session_state.pop(_KEY, None)
    if isinstance(found, Registration):
        found.clear()
    for key in [key for key in st.session_state if str(key).startswith(CAMERA_KEY)]:
        del st.session_state[key]
