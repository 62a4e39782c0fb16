"""Make the README's picture from a demo workspace: `python docs/demo_picture.py data/demo`."""

from __future__ import annotations

import sys
from pathlib import Path

import cv2
import numpy as np

MOMENTS_S = (6.2, 24.0, 35.2, 56.2)
SIZE = (800, 450)
GAP = 8


def main(workspace: Path) -> None:
    """Write docs/images/demo.jpg."""
    capture = cv2.VideoCapture(str(workspace / "demo" / "entrance-annotated.mp4"))
    fps = capture.get(cv2.CAP_PROP_FPS)
    cells = []
    for moment in MOMENTS_S:
        capture.set(cv2.CAP_PROP_POS_FRAMES, round(moment * fps))
        ok, picture = capture.read()
        if not ok:
            sys.exit(f"{workspace}: run `muster demo` first")
        cells.append(cv2.resize(picture, SIZE, interpolation=cv2.INTER_AREA))
    wide = np.full((SIZE[1], GAP, 3), 255, np.uint8)
    rows = [np.hstack([cells[0], wide, cells[1]]), np.hstack([cells[2], wide, cells[3]])]
    high = np.full((GAP, rows[0].shape[1], 3), 255, np.uint8)
    target = Path(__file__).parent / "images" / "demo.jpg"
    cv2.imwrite(str(target), np.vstack([rows[0], high, rows[1]]), [cv2.IMWRITE_JPEG_QUALITY, 82])


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "data/demo"))
