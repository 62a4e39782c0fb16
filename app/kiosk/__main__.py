"""`python -m app.kiosk WORKSPACE CAMERA SOURCE HOST PORT [--with-input] [--tls … --root-path …]`: what `muster kiosk` starts."""

from __future__ import annotations

import logging
import sys
from pathlib import Path

from app.kiosk.server import serve
from app.web.parent import end_with_input
from engine.errors import MusterError
from engine.masking import mask_process, unveil
from engine.operations.reach import Reach

if __name__ == "__main__":
    logging.basicConfig(level=logging.WARNING, format="muster (%(levelname)s): %(message)s")
    mask_process()
    folder, camera, source, host, port, *more = unveil(sys.argv[1:])
    if "--with-input" in more:
        end_with_input()
    try:
        serve(Path(folder), {"camera": camera, "source": source}, host, int(port), Reach.read(more))
    except MusterError as error:
        print(f"muster: {error}", file=sys.stderr)  # noqa: T201
        sys.exit(error.exit_code)
    except OSError as error:
        told = f"muster: {host}:{port} cannot be used: {error.strerror or error} → choose another --port"
        print(told, file=sys.stderr)  # noqa: T201
        sys.exit(2)
