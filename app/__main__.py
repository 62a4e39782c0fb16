"""`python -m app WORKSPACE HOST PORT [--with-input] [--tls … --root-path …]`: what `muster app` starts."""

from __future__ import annotations

import sys
from pathlib import Path

from app.web.parent import end_with_input
from app.web.server import follow_hang_up, serve
from engine.errors import MusterError
from engine.operations.logs import begin_logs
from engine.operations.reach import Reach

if __name__ == "__main__":
    begin_logs()
    folder, host, port, *more = sys.argv[1:]
    if "--with-input" in more:
        end_with_input()
        follow_hang_up()  # without a parent process, the terminal's end is this one's, too
    try:
        serve(Path(folder), host, int(port), Reach.read(more))
    except MusterError as error:
        print(f"muster: {error}", file=sys.stderr)  # noqa: T201
        sys.exit(error.exit_code)
