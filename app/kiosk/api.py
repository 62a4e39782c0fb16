"""Routes for other programs: state, arrivals, identification of a picture, and punching by PIN."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any, cast, get_args

from flask import Blueprint, Response, jsonify, request
from werkzeug.exceptions import UnsupportedMediaType

from app.kiosk.guard import needs, problem, station
from app.kiosk.station import Said, TooLate
from engine.access import TryLater
from engine.errors import InputError
from engine.imaging import check_size, decode_image, shrunk
from engine.pipeline import IdentifiedFace
from engine.records.today import arrivals
from engine.types import NOBODY, Person

routes = Blueprint("api", __name__, url_prefix="/api")

_LONGEST_PX = 1920
_PATIENCE_S = 10.0
_MOST_OF_A_PIN = 4096
_looking, _asking = threading.BoundedSemaphore(1), threading.BoundedSemaphore(3)
"""One picture at a time, so that the camera's own recognition keeps up; few wait, so that threads are left for the door."""


@routes.get("/status")
@needs("status")
def status() -> Response:
    """State of the camera and the kiosk. Reads no file, so clients may poll it."""
    return jsonify(station().status())


@routes.get("/today")
@needs("attendance")
def today() -> Response:
    """Today's arrivals, newest first."""
    bench = station().bench
    now = bench.clock()
    people, rows = arrivals(bench.records, now, 1000)
    return jsonify(
        {
            "date": bench.attendance.day_of(now).isoformat(),
            "people": people,
            "arrivals": [
                {
                    "event_id": row.event_id,
                    "employee_id": row.employee_id,
                    "name": row.name,
                    "time": row.time,
                    "camera": row.camera,
                    "first": row.first,
                    "late_min": row.late_min if row.late else None,
                }
                for row in rows
            ],
        }
    )


@routes.post("/recognitions")
@needs("recognise")
def recognitions() -> Response:
    """Identify the people in a picture without recording anything."""
    content, most_px = _picture(), 1e6 * station().bench.config.detection.photo_max_megapixels
    check_size(content, name="the picture", most_px=most_px)
    if not _asking.acquire(blocking=False):
        return _busy()
    try:
        if not _looking.acquire(timeout=_PATIENCE_S):
            return _busy()
        try:
            return jsonify(_found(content))
        finally:
            _looking.release()
    finally:
        _asking.release()


def _busy() -> Response:
    answer = problem(503, "busy", "the kiosk is busy with other pictures")
    answer.headers["Retry-After"] = "5"
    return answer


def _found(content: bytes) -> dict[str, Any]:
    """The people in a picture."""
    bench = station().bench
    image = decode_image(content, name="the picture")
    height, width = image.shape[:2]
    smaller, factor = shrunk(image, _LONGEST_PX)
    names = bench.people.known()
    faces = [_face(face, factor, names) for face in bench.services().identify(smaller)]
    return {"width": width, "height": height, "faces": faces}


def _picture() -> bytes:
    """The bytes of the uploaded picture: the body, or the form field `image`.

    Raises:
        UnsupportedMediaType: it is neither.
        InputError: the form has no such field.
    """
    if request.mimetype == "multipart/form-data":
        upload = request.files.get("image")
        if upload is None:
            raise InputError("the form has no file `image`", hint="send the picture under that name")
        return bytes(upload.read())
    if request.mimetype.startswith("image/") or request.mimetype == "application/octet-stream":
        return request.get_data(cache=False)
    raise UnsupportedMediaType


def _face(face: IdentifiedFace, factor: float, names: Mapping[str, Person]) -> dict[str, Any]:
    match = face.match
    person = match.person if face.quality.good else None
    return {
        "box": [round(float(value) * factor, 1) for value in face.box],
        "score": round(face.score, 4),
        "quality": {"score": round(face.quality.score, 4), "good": face.quality.good, "reason": face.quality.flaw},
        "employee_id": person,
        "name": names.get(person, NOBODY).name if person else None,
        "similarity": None if match.similarity is None else round(match.similarity, 4),
        "threshold": round(match.threshold, 4),
    }


@routes.post("/passage")
@needs("screen")
def change() -> Response:
    """Change the passage that the screen has just shown: in, out, or a wrong name."""
    request.max_content_length = _MOST_OF_A_PIN
    fields = _fields()
    offer, said = fields.get("offer"), fields.get("said")
    if not isinstance(offer, str) or not isinstance(said, str) or said not in get_args(Said):
        return problem(422, "incomplete", f"send `offer`, and as `said` one of {', '.join(get_args(Said))}")
    try:
        return jsonify({"greeting": station().change(offer, cast("Said", said))})
    except TooLate as error:
        return problem(410, "over", error.message, hint=error.hint)


def _fields() -> dict[str, Any]:
    """The body as a JSON object; empty if it is none."""
    try:
        content = request.get_json(silent=True)
    except RecursionError:  # brackets within brackets
        content = None
    return content if isinstance(content, dict) else {}


@routes.post("/badge")
@needs("pin")
def badge() -> Response:
    """Record somebody by the code of their badge, as a reader typed it."""
    request.max_content_length = _MOST_OF_A_PIN
    code = _fields().get("code")
    if not isinstance(code, str) or not code.strip():
        return problem(422, "incomplete", "send the code that the reader typed")
    try:
        return jsonify({"greeting": station().show_badge(code)})
    except TryLater:
        raise
    except InputError as error:
        return problem(403, "wrong_badge", error.message, hint=error.hint)


@routes.post("/pin")
@needs("pin")
def pin() -> Response:
    """Record somebody who has no face template by their number and PIN."""
    request.max_content_length = _MOST_OF_A_PIN
    fields = _fields()
    employee_id, secret = fields.get("employee_id"), fields.get("pin")
    if not isinstance(employee_id, str) or not isinstance(secret, str) or not employee_id.strip() or not secret:
        return problem(422, "incomplete", "send both number and PIN")
    try:
        return jsonify({"greeting": station().enter_pin(employee_id, secret)})
    except TryLater:
        raise
    except InputError as error:
        return problem(403, "wrong_pin", error.message, hint=error.hint)
