"""Faces for notebooks, and a view of a threshold that follows a slider. Does not need Streamlit.

Needs the extra `notebooks`. Pictures are embedded in the page, made small: a notebook saved with its outputs contains faces.
"""

from __future__ import annotations

import base64
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import cv2
import numpy as np
import pandas as pd
import plotly.io as pio
from IPython.display import HTML, display
from markupsafe import Markup

from app.charts import tuning
from app.web.pictures import inline
from engine.errors import MusterError
from engine.evaluation import Compared, border, error_rates
from engine.imaging import encode_jpeg, read_image
from engine.models import Progress
from engine.tuning.calibration import CalibrationReport
from engine.types import NOBODY
from engine.workbench import Workbench

_FACE_PX, _SHARE = 104, 0.8
_SHOWN_EVERY_S = 0.25
_ROW = Markup('<div style="display:flex;flex-wrap:wrap;gap:12px;margin:4px 0 12px">{}</div>')
_FIGURE = Markup(
    '<figure style="margin:0;width:{width}px;font-size:12px;line-height:1.35">{images}'
    '<figcaption style="white-space:pre-line">{caption}</figcaption></figure>'
)
_IMAGE = Markup('<img src="{source}" width="{width}" style="display:inline-block;margin:0" alt="">')
_GONE = Markup(
    '<span style="display:inline-flex;width:{width}px;height:{height}px;align-items:center;justify-content:center;'
    'background:#8882">no picture</span>'
)


def begin() -> None:
    """Draw figures with Plotly's own code, which goes into the notebook: an exported page shows them, too, and asks no server."""
    pio.renderers.default = "plotly_mimetype+notebook"


class _Bar:
    """What is being done, and how far it has got."""

    def __init__(self) -> None:
        self._handle = display(HTML(""), display_id=True)
        self._next = 0.0

    def __call__(self, what: str, done: int, total: int) -> None:
        now = time.monotonic()
        if now < self._next and done != total:
            return
        self._next = now + _SHOWN_EVERY_S
        bar = Markup('<progress max="{}" value="{}"></progress>').format(total, done) if total else ""
        self.show(Markup("{} {}").format(bar, what))

    def show(self, text: Markup) -> None:
        """Show this instead."""
        if self._handle is not None:
            self._handle.update(HTML(text))


@contextmanager
def progress(what: str) -> Iterator[Progress]:
    """Show below the cell what is being done, until it is done; the object takes further steps, see `engine.models.Progress`."""
    bar = _Bar()
    bar(what, 0, 0)
    try:
        yield bar
    finally:
        bar.show(Markup(""))


def pictures(bench: Workbench, rows: Iterable[tuple[str, str]], width: int = 240) -> HTML:
    """Pictures of incidents side by side, each so many pixels wide; pictures that are gone leave a blank.

    Each row is a path as a log names it, and what to write under the picture.
    """
    shown = []
    for relative, caption in rows:
        image = _GONE.format(width=width, height=width * 9 // 16)
        if (path := bench.records.inside(relative)) is not None:
            picture = read_image(path)
            size = (width, round(picture.shape[0] * width / picture.shape[1]))
            small = np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)
            source = "data:image/jpeg;base64," + base64.b64encode(encode_jpeg(small, 85)).decode()
            image = _IMAGE.format(source=source, width=width)
        shown.append(_FIGURE.format(width=width, images=image, caption=caption))
    return HTML(_ROW.format(Markup("").join(shown)))


def _face(bench: Workbench, template_id: str | None) -> Markup:
    """The picture that a template was made from."""
    if template_id is not None:
        try:
            source = inline(read_image(bench.registrar.picture(template_id)), _FACE_PX, _SHARE)
        except MusterError:  # erased, or never kept
            pass
        else:
            return _IMAGE.format(source=source, width=_FACE_PX)
    return _GONE.format(width=_FACE_PX, height=_FACE_PX)


def _pair(bench: Workbench, one: str | None, other: str | None, caption: str) -> Markup:
    images = _face(bench, one) + Markup("&#8202;") + _face(bench, other)
    return _FIGURE.format(width=2 * _FACE_PX + 8, images=images, caption=caption)


def _name(bench: Workbench, person: str) -> str:
    return bench.people.known().get(person, NOBODY).name or person


def look_alikes(bench: Workbench, report: CalibrationReport, most: int = 4) -> HTML:
    """The people who resemble each other most, both faces side by side."""
    pairs = [
        _pair(
            bench,
            bench.gallery.current().best_template(each.first),
            bench.gallery.current().best_template(each.second),
            f"{_name(bench, each.first)} · {_name(bench, each.second)}\nsimilarity {max(each.similarity, each.closest):.3f}",
        )
        for each in report.look_alikes[:most]
    ]
    return HTML(_ROW.format(Markup("").join(pairs)))


def confusion(report: CalibrationReport, threshold: float) -> pd.DataFrame:
    """Comparisons at a threshold: who was shown, and whether they were accepted (`>=`)."""
    found = report.comparisons
    wrong, missed = error_rates(found.genuine, found.impostor, threshold)
    rows = [(missed.trials - missed.hits, missed.hits), (wrong.hits, wrong.trials - wrong.hits)]
    return pd.DataFrame(rows, index=["the same person", "another person"], columns=["accepted", "refused"])


class ThresholdView:
    """Shows what a threshold means; a slider calls it with each value."""

    def __init__(self, bench: Workbench, report: CalibrationReport) -> None:
        self._bench, self._report = bench, report

    def __call__(self, threshold: float) -> None:
        """Show sentence, counts, distributions, and the comparisons on either side."""
        report = self._report
        found = report.at(threshold)
        display(HTML(Markup("<p><b>{}</b></p><p>{}</p>").format(found.sentence, report.passage(found))))
        display(confusion(report, threshold))
        display(tuning.densities(report, threshold))
        refused, accepted = border(report.scores, threshold)
        for title, side, passed in (("Refused", refused, False), ("Accepted", accepted, True)):
            faces = Markup("").join(self._compared(each, wrong=each.same != passed) for each in side)
            display(HTML(Markup("<b>{}, nearest to the line first</b>").format(title) + _ROW.format(faces or "nobody")))

    def _compared(self, each: Compared, *, wrong: bool) -> Markup:
        """A template's picture beside the best picture of the compared person."""
        own = [template for template in self._report.gallery.templates if template.person == each.other]
        probe = self._report.gallery.templates[each.row]
        rest = [template for template in own if template.template_id != probe.template_id]
        best = max(rest, key=lambda template: template.quality, default=None)
        names = " · ".join(_name(self._bench, person) for person in dict.fromkeys((each.person, each.other)))
        kind = f"{'the same person' if each.same else 'two people'}, {each.similarity:.3f}{' ✗ wrong' * wrong}"
        return _pair(self._bench, probe.template_id, best.template_id if best else None, f"{names}\n{kind}")
