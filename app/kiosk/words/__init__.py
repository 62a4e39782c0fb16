"""Words of the screen, one flat file per language. Another language is one more file with the same keys."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from engine.errors import ConfigError

__all__ = ["choose", "languages", "table"]

_HERE = Path(__file__).parent


@cache
def languages() -> tuple[str, ...]:
    """Codes of the languages that there are words for."""
    return tuple(sorted(path.stem for path in _HERE.glob("*.toml")))


@cache
def table(language: str) -> dict[str, str]:
    """All words of a language."""
    return tomllib.loads((_HERE / f"{language}.toml").read_text(encoding="utf-8"))


def choose(wanted: str, accepted: Sequence[str]) -> str:
    """The language of a screen.

    Args:
        wanted: by the settings; may be empty.
        accepted: by the browser, best first, such as `de-AT`.

    Raises:
        ConfigError: there are no words for what the settings want.
    """
    if wanted and wanted not in languages():
        raise ConfigError(
            f"the kiosk has no words for language {wanted!r}", hint=f"choose one of {', '.join(languages())}"
        )
    spoken = (code.partition("-")[0].casefold() for code in accepted)
    return wanted or next((code for code in spoken if code in languages()), "en")
