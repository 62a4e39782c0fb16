"""Standard output and standard error on terminals that cannot show every character."""

from __future__ import annotations

import codecs
import io
import sys

_PLAIN = str.maketrans(
    {"→": "->", "–": "-", "—": "-", "…": "...", "·": "-", "×": "x", "≤": "<=", "≥": ">=", "−": "-", "’": "'"}
)
_HANDLER = "muster-plain"


def plain_where_needed() -> None:
    """Never fail for a character that the terminal's encoding lacks: marks get a plain form, other characters their number, `\\xfc`.

    Half a character, as in a file name that is not UTF-8, gets its number, too.
    """
    codecs.register_error(_HANDLER, _instead)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors=_HANDLER)


def shows(text: str) -> bool:
    """Whether standard output takes a text as it is."""
    try:
        text.encode(sys.stdout.encoding or "ascii")
    except UnicodeEncodeError:
        return False
    return True


def _instead(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    piece = error.object[error.start : error.end]
    return piece.translate(_PLAIN).encode("ascii", "backslashreplace").decode("ascii"), error.end
