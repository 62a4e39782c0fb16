"""What a folder holds, to the byte, and what of it looks like a face, a picture or a film."""

from __future__ import annotations

import hashlib
from pathlib import Path

MAGIC = {
    "JPEG": b"\xff\xd8\xff",
    "PNG": b"\x89PNG",
    "WebP": b"WEBP",
    "MP4": b"ftyp",
    "NumPy": b"\x93NUMPY",
    "zip": b"PK\x03\x04",
}
COUNTERS = ("log/coverage-", "log/.heads/coverage-", "log/recording-")
"""Files that may grow while nobody enrolled passes: when the camera was watching, and how it is."""


def contents(workspace: Path) -> dict[str, bytes]:
    """Every file of a workspace, by its place."""
    return {str(path.relative_to(workspace)): path.read_bytes() for path in workspace.rglob("*") if path.is_file()}


def left_behind(before: dict[str, bytes], after: dict[str, bytes]) -> list[str]:
    """What was added or changed beyond counters, and what in those looks like more than a counter."""
    told = []
    for place, content in sorted(after.items()):
        if content == before.get(place) or (place.endswith(".lock") and not content):
            continue
        added = content[len(before.get(place, b"")) :] if content.startswith(before.get(place, b"")) else content
        if not place.startswith(COUNTERS):
            told.append(f"{place} ({hashlib.sha256(content).hexdigest()[:8]})")
        told += [f"{place}: {name}" for name, magic in MAGIC.items() if magic in added]
    return told + [f"{place} is gone" for place in sorted(before.keys() - after.keys())]
