"""What must not be read in messages, logs and process lists: passwords and tokens in addresses, and values of settings that are secret.

One place knows what a secret looks like. Errors and log records pass through `mask` by themselves; what else shows an address uses
`mask_address`. Besides the look of a secret, the settings of this process are remembered, because a library may quote a password
without the address around it.
"""

from __future__ import annotations

import json
import logging
import os
import re
import sys
import threading
import traceback
from collections.abc import Iterable, Mapping, Sequence
from types import TracebackType
from typing import Any, NoReturn
from urllib.parse import quote, quote_plus, unquote, unquote_plus

HIDDEN = "•••"

_SHORTEST = 6
_WORD = re.compile(r"[^\W\d_]?[^\W\d_A-Z]*")
"""Shorter texts and plain words are not remembered: hiding them would make messages unreadable."""
_PUBLIC = frozenset(
    {"http", "https", "ws", "wss", "file", "rtsp", "rtsps", "rtmp", "rtmps", "rtp", "srt", "udp", "tcp", "mms"}
    | {"stun", "stuns", "turn", "turns", "postgres", "postgresql"}
)
"""Schemes whose hosts and paths may be read; addresses of other services hold tokens anywhere."""
_DATABASES = ("postgres", "postgresql")
_NAMES = r"(?:pass(?:word|wd|phrase|code)?|pwd|secret|token|pin|credentials?|key|signature|authorization)s?"
_SECRET_NAME = re.compile(rf"(?:^|.*[^a-z]){_NAMES}|.*(?:password|secret|token|apikey)s?", re.IGNORECASE)
_NO_SECRET = {"seal_key", "muster_keys"}
"""Paths."""
_ADDRESSES = frozenset({"to", "webhook", "mail_server"})
"""Settings in the notation of notification services, whose paths hold tokens."""

# Each begins only where a match can begin, or looks a short way ahead: the time must not grow with the square of a text's length.
_URL = re.compile(r"\b(?P<scheme>[a-z][a-z0-9+.-]{1,200}):(?P<slashes>/+)(?P<rest>[^\s\"'<>`]*)", re.IGNORECASE)
_PAIR = re.compile(
    rf"""(?P<name>(?<![^\W_]){_NAMES}["']?\s*=\s*|["'](?:[\w-]*[_-])?{_NAMES}["']\s*:\s*)"""
    r"""(?P<value>"[^"]*"?|'[^']*'?|[^\s,;&"'}\])…]+)""",
    re.IGNORECASE,
)
_HOST = re.compile(r"[\w-]+(?:\.[\w-]+)+(?::\d+)?", re.ASCII)
_HEADER = re.compile(r"\b(?P<kind>Bearer|Basic)\s+(?P<value>[A-Za-z0-9._~+/=-]{6,})")
_QUERY = re.compile(r"((?<![^=&;#])[^=&;#]+|)=([^&;#]*)")


# ----------------------------------------------------------------------------------------------------- addresses


def is_secret(name: str) -> bool:
    """Return whether a setting or parameter of this name holds a secret: `password`, `client_secret`, `api-key`, `token`."""
    return name.lower() not in _NO_SECRET and _SECRET_NAME.fullmatch(name) is not None


def mask_address(source: str) -> str:
    """Return the address of a camera or another service without user, password and values of its query.

    Args:
        source: an address, with or without a scheme; paths of files stay as they are.
    """
    text = source.strip()
    if _URL.match(text):
        return _URL.sub(_masked_url, text)
    secret, at, place = text.rpartition("@")
    return f"{HIDDEN}@{_without_values(place)}" if at and ":" in secret else _without_values(text)


def mask_userinfo(text: str) -> str:
    """Return a text in which no address has a user and a password; for results, which are meant to be read."""
    return _URL.sub(_without_user, text) if ":/" in text else text


def _masked_url(found: re.Match[str]) -> str:
    head, base, rest = _taken(found)
    if base not in _PUBLIC:  # with one slash, it is no address
        return found[0] if found["slashes"] == "/" or not rest.strip("…") else head + HIDDEN
    place, question, query = _public(rest, base).partition("?")
    shown = _QUERY.sub(
        lambda pair: f"{pair[1]}={HIDDEN}" if base not in _DATABASES or is_secret(pair[1]) else pair[0], query
    )
    return head + place + question + shown


def _without_user(found: re.Match[str]) -> str:
    head, base, rest = _taken(found)
    return head + _public(rest, base) if base in _PUBLIC else found[0]


def _taken(found: re.Match[str]) -> tuple[str, str, str]:
    """An address's beginning up to its slashes, its scheme without a driver, and the rest."""
    return f"{found['scheme']}:{found['slashes']}", found["scheme"].lower().partition("+")[0], found["rest"]


def _public(rest: str, base: str) -> str:
    """What follows `//`, without the user; of an address that was cut off, without anything that may be a password."""
    user, at, place = rest.rpartition("@")
    if at and base in _DATABASES:  # logins of databases are named in messages, and their passwords are not
        login, colon, password = user.partition(":")
        return rest if password in {"", "***"} else f"{login}{colon}{HIDDEN}@{place}"
    if at:
        return f"{HIDDEN}@{place}"
    host = re.match(r"\[[0-9a-fA-F:.%]*\]|[^:/?#]*", rest)
    assert host is not None
    after = rest[host.end() :]
    return rest if re.match(r":\d{0,5}(?!\w)|(?!:)", after) else HIDDEN


def _without_values(text: str) -> str:
    place, question, query = text.partition("?")
    return place + question + _QUERY.sub(rf"\1={HIDDEN}", query)


# ---------------------------------------------------------------------------------------------------- remembered

_NUMBERED = re.compile(r"(?:\d{1,3}\.){3}\d{1,3}(?::\d{1,5})?")
"""An address of a machine: no secret, whatever address of a camera it was cut out of."""
_known: set[str] = set()
_pattern: re.Pattern[str] | None = None
_guard = threading.Lock()


def remember(settings: object, name: str = "") -> None:
    """Remember the secrets in settings, so that no message of this process repeats them, whoever writes it.

    Args:
        settings: sections, lists and values as in the file; `name`: of the setting.
    """
    if isinstance(settings, Mapping):
        for key, value in settings.items():
            remember(value, str(key))
    elif isinstance(settings, str):
        _add(_secrets(settings, name))
    elif isinstance(settings, Iterable) and not isinstance(settings, bytes):
        for value in settings:
            remember(value, name)


def _secrets(text: str, name: str) -> Iterable[str]:
    if is_secret(name):
        yield text
    whole = re.fullmatch(r"\s*([A-Za-z][A-Za-z0-9+.-]+):/+(.*)", text)
    for found in filter(None, (whole, *re.finditer(r"([A-Za-z][A-Za-z0-9+.-]+):/+([^\s\"'<>]*)", text))):
        scheme, rest = found[1].lower().partition("+")[0], found[2]
        user, _, place = rest.rpartition("@")
        yield user.partition(":")[2]
        yield from _parts(user.partition(":")[2])
        for key, value in re.findall(r"([^?=&;#]*)=([^&;#\s\"']*)", place.partition("?")[2]):
            if is_secret(key) or (scheme not in _DATABASES and not _HOST.fullmatch(value)):
                yield from _parts(value)
        if scheme not in _PUBLIC or name.lower().rpartition("__")[2] in _ADDRESSES:
            host, _, path = place.partition("/")
            token = scheme not in _PUBLIC and "." not in host  # of some services, the host is one
            if user or path or token:  # a host alone, such as a mail server's, is no secret
                yield rest
            yield from _parts(f"{user}/{host if token else ''}/{path}")


def _parts(text: str) -> Iterable[str]:
    return (part for part in re.split(r"[/@:?&=#,;+\s\"'{}]+", text) if len(part) >= _SHORTEST)


def _add(found: Iterable[str]) -> None:
    global _pattern  # noqa: PLW0603 - as logging: what one part of the process knows, no other may print
    new = {text for each in found for text in (each, unquote(each), unquote_plus(each), quote(each), quote_plus(each))}
    public = (text for text in new if _WORD.fullmatch(text) or _NUMBERED.fullmatch(text) or HIDDEN in text)
    new = {text for text in new if len(text) >= _SHORTEST} - set(public) - _known
    if not new:
        return
    with _guard:
        _known.update(new)
        every = sorted(_known, key=len, reverse=True)
        _pattern = re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, every))})(?!\w)")


# ------------------------------------------------------------------------------------------------------ messages


def mask(text: str) -> str:
    """Return a message without secrets: addresses without user and values, `password = …` without its value, and nothing that the
    settings of this process hold as a secret."""
    if _pattern is not None:
        text = _pattern.sub(HIDDEN, text)
    if ":/" in text:
        text = _URL.sub(_masked_url, text)
    if "=" in text or ":" in text:
        text = _PAIR.sub(lambda found: found["name"] + HIDDEN, text)
    return _HEADER.sub(lambda found: f"{found['kind']} {HIDDEN}", text)


def mask_process() -> None:
    """Mask every log record of this process, whichever library writes it and whoever prints it, and tracebacks of what nobody caught."""
    make = logging.getLogRecordFactory()
    if getattr(make, "masks", False):
        return
    form = logging.Formatter()

    def masked(*args: Any, **kwargs: Any) -> logging.LogRecord:
        record = make(*args, **kwargs)
        try:
            text = record.getMessage()
        except (TypeError, ValueError, KeyError):  # logging reports a wrong format itself
            return record
        if (shown := mask(text)) != text:
            record.msg, record.args = shown, ()
        if record.exc_info and record.exc_info[0] is not None:
            record.exc_text = mask(form.formatException(record.exc_info))
        return record

    masked.masks = True  # type: ignore[attr-defined]
    logging.setLogRecordFactory(masked)
    sys.excepthook = _told
    threading.excepthook = lambda args: (
        _told(args.exc_type, args.exc_value, args.exc_traceback)
        if args.exc_value is not None and args.exc_type is not SystemExit
        else None
    )


def _told(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    sys.stderr.write(mask("".join(traceback.format_exception(kind, error, trace))))


# ----------------------------------------------------------------------------------------------------- arguments

_ARGUMENTS = "_MUSTER_ARGUMENTS"
"""Variable that hands arguments over to a process: other users can read a command line, but not the environment."""


def veiled(arguments: Sequence[str]) -> tuple[list[str], dict[str, str]]:
    """Return a command's arguments as a process list may show them, and variables of the environment that carry the real ones.

    The process calls `unveil` before it reads its arguments. Without a secret among them, the variables are empty.
    """
    shown = [mask(each) if mask_address(each) == each else mask_address(each) for each in arguments]
    return shown, ({} if shown == list(arguments) else {_ARGUMENTS: json.dumps(list(arguments))})


def unveil(arguments: Sequence[str]) -> list[str]:
    """Return the real arguments of this process: those that `veiled` handed over, else the given ones."""
    handed = os.environ.pop(_ARGUMENTS, None)
    if handed is None:
        return list(arguments)
    real = [str(each) for each in json.loads(handed)]
    if veiled(real)[0] != list(arguments)[: len(real)]:  # left over from another process
        return list(arguments)
    found = [*real, *list(arguments)[len(real) :]]
    for each in found:
        _add(_secrets(each, ""))
    return found


def veil_process() -> None:
    """Begin this process again without the secrets in its command line, if there are any; its arguments are then the real ones."""
    given = sys.argv[1:]
    sys.argv[1:] = unveil(given)
    shown, carried = veiled(given)
    own = sys.orig_argv[len(sys.orig_argv) - len(given) :] == given and sys.argv[1:] == given
    if carried and own and given:
        _again(sys.orig_argv[1 : len(sys.orig_argv) - len(given)] + shown, carried)


def _again(arguments: Sequence[str], carried: Mapping[str, str]) -> NoReturn:
    os.execve(sys.executable, [sys.executable, *arguments], {**os.environ, **carried})  # noqa: S606
