"""`python -m app.kiosk WORKSPACE CAMERA SOURCE HOST PORT [--with-input] [--tls … --root-path …]`: what `muster kiosk` starts."""

from __future__ import annotations

import sys
from pathlib import Path

from app.kiosk.server import serve
from app.web.parent import end_with_input
from engine.errors import MusterError
from engine.masking import unveil
from engine.operations.logs import begin_logs
from engine.operations.reach import Reach

if __name__ == "__main__":
    begin_logs()
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
