"""The `muster` program: its commands, one module per topic. They parse options and print; the work is done in the rooms below.

Exit codes: 0 done · 1 a check failed · 2 wrong usage · 3 settings · 4 input files · 5 models · 6 camera or video ·
7 enrolment refused · 8 gallery of another model · 9 storage · 70 internal error · 130 interrupted.

Each command imports what it needs inside its function, so that help and errors come at once.
"""

from __future__ import annotations

import os
import sys
import traceback

from engine.cli.terminal import plain_where_needed
from engine.errors import MusterError
from engine.masking import mask, mask_process, veil_process

__all__ = ["main"]


def main() -> None:
    """Run the program. A failure is one line on standard error, never a traceback."""
    plain_where_needed()
    veil_process()
    mask_process()
    from engine.cli.app import command  # an import may fail, too

    code = 0
    try:
        command()
    except SystemExit as stop:
        code = stop.code if isinstance(stop.code, int) else 1
    except MusterError as error:
        print(f"muster: {error}", file=sys.stderr)  # noqa: T201
        code = error.exit_code
    except KeyboardInterrupt:
        code = 130
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except Exception as error:  # noqa: BLE001 - one line instead of a traceback
        if os.environ.get("MUSTER_DEBUG"):
            print(mask(traceback.format_exc()), file=sys.stderr)  # noqa: T201
        text = " ".join(mask(f"{type(error).__name__}: {error}").split())[:300]
        print(  # noqa: T201
            f"muster: internal error ({text}) → set MUSTER_DEBUG=1, run the command again and report the traceback",
            file=sys.stderr,
        )
        code = 70
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    sys.exit(code)
