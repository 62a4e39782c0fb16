"""Passwords that the settings only name: `{secret:NAME}` in `muster.toml` stands for a text in `secrets.toml` beside it.

So the settings can be shown, compared and handed on. `secrets.toml` is readable by its owner alone.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from engine.errors import ConfigError

SECRETS_NAME = "secrets.toml"
REFERENCE = re.compile(r"\{secret:([A-Za-z0-9_-]{1,120})\}")
_HINT = "give the password again on the Settings page, or write it there by hand"


def reference(name: str) -> str:
    """Return how the settings name a secret."""
    return f"{{secret:{name}}}"


def read_secrets(folder: Path) -> dict[str, str]:
    """Return the secrets of a workspace by name; none without a file.

    Raises:
        ConfigError: the file cannot be read, or holds something else than texts.
    """
    path = folder / SECRETS_NAME
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"{path} cannot be read: {error}", hint="restore it, or give the passwords again") from error
    if not all(isinstance(value, str) for value in content.values()):
        raise ConfigError(f"{path} holds something else than texts", hint='write each line as name = "password"')
    return content


def named_secrets(content: object) -> Iterator[str]:
    """Yield the names of the secrets that settings name."""
    if isinstance(content, Mapping):
        for value in content.values():
            yield from named_secrets(value)
    elif isinstance(content, list | tuple):
        for value in content:
            yield from named_secrets(value)
    elif isinstance(content, str):
        yield from REFERENCE.findall(content)


def with_secrets(content: Any, secrets: Mapping[str, str]) -> Any:
    """Return settings in which each name of a secret is replaced by the secret.

    Raises:
        ConfigError: there is no secret of that name.
    """
    if isinstance(content, Mapping):
        return {key: with_secrets(value, secrets) for key, value in content.items()}
    if isinstance(content, list | tuple):
        return [with_secrets(value, secrets) for value in content]
    if not isinstance(content, str):
        return content

    def found(match: re.Match[str]) -> str:
        if match[1] not in secrets:
            raise ConfigError(f"{SECRETS_NAME} has no {match[1]}, which muster.toml names", hint=_HINT)
        return secrets[match[1]]

    return REFERENCE.sub(found, content)
