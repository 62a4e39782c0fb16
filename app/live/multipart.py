"""One JPEG after the other in one answer, as browsers show them in an `img`."""

from __future__ import annotations

_BOUNDARY = "muster-frame"
MULTIPART = f"multipart/x-mixed-replace; boundary={_BOUNDARY}"
"""The media type."""


def part(jpeg: bytes) -> bytes:
    """One picture of the answer."""
    head = f"--{_BOUNDARY}\r\nContent-Type: image/jpeg\r\nContent-Length: {len(jpeg)}\r\n\r\n"
    return b"".join((head.encode(), jpeg, b"\r\n"))
