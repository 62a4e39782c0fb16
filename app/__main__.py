"""`python -m app WORKSPACE HOST PORT`: what `muster app` starts."""

from __future__ import annotations

import sys
from pathlib import Path

from app.server import serve
from engine.errors import MusterError

if __name__ == "__main__":
    try:
        serve(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]))
    except MusterError as error:
        print(f"muster: {error}", file=sys.stderr)  # noqa: T201
        sys.exit(error.exit_code)
