"""Relays a kiosk's pictures to the workbench of the same workspace, so that one process recognises for both."""

from __future__ import annotations

import contextlib
import http.client
import json
import logging
from collections.abc import Generator, Iterator
from pathlib import Path
from urllib.parse import urlsplit

from engine.errors import MusterError
from engine.storage import atomic_write, file_name, storage_errors
from engine.workbench import Workbench

log = logging.getLogger(__name__)

_TIMEOUT_S = 6.0
_LARGEST = 4_000_000


def _path(bench: Workbench, camera: str) -> Path:
    return bench.workspace / "log" / f"kiosk-{file_name(camera)}.json"


@contextlib.contextmanager
def announced(bench: Workbench, camera: str, address: str) -> Iterator[None]:
    """Announce to workbenches of the workspace that this kiosk shows a camera.

    Its address is such as `http://127.0.0.1:8502`. In a workspace that cannot be written the kiosk runs unannounced.
    """
    path = _path(bench, camera)
    if (shown := pictures(bench, camera)) is not None:  # another kiosk on this camera was faster
        shown.close()
        yield
        return
    try:
        _, token = bench.kiosk.pair(f"workbench {file_name(camera)}"[:60], ["screen"], author="engine", replace=True)
        atomic_write(path, json.dumps({"address": address, "token": token}).encode(), mode=0o600)
    except MusterError as error:
        log.warning("the workbench cannot show what this kiosk sees: %s", error)
    try:
        yield
    finally:
        with contextlib.suppress(MusterError), storage_errors(path):
            path.unlink(missing_ok=True)


def pictures(bench: Workbench, camera: str) -> Generator[bytes] | None:
    """A kiosk's JPEG pictures of a camera until they end, or None if no kiosk shows it."""
    try:
        told = json.loads(_path(bench, camera).read_text(encoding="utf-8"))
        place, token = urlsplit(str(told["address"])), str(told["token"])
        connection = http.client.HTTPConnection(place.hostname or "", place.port, timeout=_TIMEOUT_S)
        connection.request("GET", "/stream.mjpg", headers={"Authorization": f"Bearer {token}"})
        answer = connection.getresponse()
    except (OSError, ValueError, KeyError, TypeError, http.client.HTTPException):
        return None
    if answer.status != http.client.OK:
        connection.close()
        return None
    return _parts(connection, answer)


def _parts(connection: http.client.HTTPConnection, answer: http.client.HTTPResponse) -> Generator[bytes]:
    with contextlib.closing(connection), contextlib.suppress(OSError, ValueError, http.client.HTTPException):
        while line := answer.readline(1000):
            name, _, value = line.partition(b":")
            if name.lower() == b"content-length" and 0 < (size := int(value)) <= _LARGEST:
                answer.readline(1000)
                if len(picture := answer.read(size)) < size:
                    return
                yield picture
