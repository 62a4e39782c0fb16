"""Channels for messages: apprise (desktop, e-mail, chat), and webhooks with a signed POST.

Logs and errors never contain an address, because it holds credentials.
"""

from __future__ import annotations

import base64
import contextlib
import json
import logging
import os
import re
import tempfile
import threading
from collections.abc import Callable, Hashable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from pydantic import SecretStr

from engine.config import NotificationsConfig
from engine.config.webhooks import SHORTEST_KEY, Webhook
from engine.errors import ConfigError
from engine.incidents.notifications.rules import Message, Target, targets
from engine.incidents.notifications.webhook import TIMEOUT_S, SendResult, post_webhook
from engine.storage import below
from engine.storage.vault import read_file

DEADLINE_S = 60.0
_WARNING_FROM = {"medium", "high"}


class _Reasons(logging.Handler):
    """Collects the warnings of apprise in one thread."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.texts: list[str] = []
        self._thread = threading.get_ident()

    def emit(self, record: logging.LogRecord) -> None:
        """See `logging.Handler`."""
        if record.thread == self._thread:
            self.texts.append(record.getMessage())


def _service(url: SecretStr) -> Any:
    """Return an apprise object with one address; None if apprise does not understand it.

    Raises:
        ConfigError: apprise is not installed.
    """
    try:
        import apprise  # noqa: PLC0415 - optional
    except ImportError as error:
        raise ConfigError(
            "notifications to desktop, e-mail and chat need apprise", hint="pip install 'muster[notify]'"
        ) from error
    # apprise logs hosts and recipients, and for some services the host is a token
    logger = logging.getLogger("apprise")
    logger.propagate = False
    if not logger.handlers:
        logger.addHandler(logging.NullHandler())
    # no timeout of its own, which would use threads that delay the end of the program
    asset = apprise.AppriseAsset(
        app_id="Muster",
        app_desc="Muster",
        app_url="",
        image_url_mask="",
        image_url_logo="",
        async_mode=False,
        service_timeout=0,
        http_redirects=False,  # a message must not arrive at an address that nobody chose
    )
    instance = apprise.Apprise.instantiate(url.get_secret_value(), asset=asset)
    return apprise.Apprise([instance], asset=asset) if instance is not None else None


def understands(url: SecretStr) -> bool:
    """Return whether apprise understands an address in its notation.

    Raises:
        ConfigError: apprise is not installed.
    """
    return _service(url) is not None


def send_apprise(
    url: SecretStr, title: str, body: str, attach: Sequence[Path] = (), *, warning: bool = False
) -> SendResult:
    """Send plain text through apprise.

    Args:
        url: address in apprise's notation.
        attach: a picture, or the files of a report.
        warning: mark the message as a warning if the service can.

    Raises:
        ConfigError: apprise is not installed.
    """
    service = _service(url)
    if service is None:
        return SendResult("retry", "apprise does not understand the address, or a package that it needs is missing")
    reasons = _Reasons()
    logger = logging.getLogger("apprise")
    logger.addHandler(reasons)
    try:
        done = service.notify(
            body=body,
            title=title,
            notify_type="warning" if warning else "info",
            body_format="text",
            attach=list(map(str, attach)) or None,
        )
    finally:
        logger.removeHandler(reasons)
    if done:
        return SendResult("delivered")
    return SendResult("retry", _without(url, "; ".join(reasons.texts)) or "not accepted")


def _without(url: SecretStr, text: str) -> str:
    """Return a text without any part of the address except for its scheme."""
    parts = re.split(r"[/@:?&=#,;+]+", url.get_secret_value().partition("://")[2])
    for part in sorted({*parts, *map(unquote, parts)}, key=len, reverse=True):
        if len(part) > 2:
            text = re.sub(re.escape(part), "…", text, flags=re.IGNORECASE)
    return " ".join("".join(ch if ch.isprintable() else " " for ch in text).split())[:200]


class Attempts:
    """Ends attempts that hang: such a one stays in a thread that ends with the program, and none other begins at its address."""

    def __init__(self, deadline_s: float = DEADLINE_S) -> None:
        self._deadline_s = deadline_s
        self._busy: dict[Hashable, threading.Thread] = {}

    def run(self, where: Hashable, attempt: Callable[[], SendResult]) -> SendResult:
        """Run an attempt at an address; whatever it raises is a reason to try again."""
        earlier = self._busy.get(where)
        if earlier is not None and earlier.is_alive():
            return SendResult("retry", "an earlier attempt is still hanging")
        outcomes: list[SendResult] = []

        def safely() -> None:
            try:
                outcomes.append(attempt())
            except Exception as error:  # noqa: BLE001 - services raise many things, whose texts may hold addresses
                outcomes.append(SendResult("retry", f"failed: {type(error).__name__}"))

        thread = threading.Thread(target=safely, name="muster-notify", daemon=True)
        self._busy[where] = thread
        thread.start()
        thread.join(self._deadline_s)
        return outcomes[0] if outcomes else SendResult("retry", f"no end within {self._deadline_s:g} s")


class Channels:
    """Sends messages to the addresses in the settings. Not thread-safe.

    Args:
        workspace: to which pictures and key files are relative.
        clock: timezone-aware time for signatures.
        timeout_s: longest wait of a webhook for the network at each step.
        deadline_s: longest time for one attempt.

    Raises:
        ConfigError: apprise is missing or does not understand an address, or a key is missing or too short; raised here rather than
            when an alert is due.
    """

    def __init__(
        self,
        workspace: Path,
        config: NotificationsConfig,
        *,
        clock: Callable[[], datetime],
        timeout_s: float = TIMEOUT_S,
        deadline_s: float = DEADLINE_S,
    ) -> None:
        self._workspace, self._clock, self._timeout_s = workspace, clock, timeout_s
        self._attempts = Attempts(deadline_s)
        self._rules = {rule.name: rule for rule in config.rules}
        self._targets: dict[tuple[str, str, int], Target] = {}
        self._keys: dict[str, bytes] = {}
        for rule in config.rules:
            for target in targets(rule):
                self._targets[target.rule, target.channel, target.place] = target
                if target.place == 0:
                    self._keys[rule.name] = key_of(rule, workspace)
                elif not understands(target.address):
                    raise ConfigError(
                        f"notification rule {rule.name!r}: apprise does not understand the address {target.channel}… "
                        f"(number {target.place} of its kind), or lacks a package for it",
                        hint="see docs/notifications.md for how addresses are written",
                    )

    def send(self, message: Message) -> SendResult:
        """Try once within the deadline, without raising; an attempt that hangs stays in a thread that ends with the program."""
        target = self._targets.get((message.rule, message.channel, message.place))
        if target is None:
            return SendResult("refused", "the rule or its address is no longer in the settings")
        return self._attempts.run(target, lambda: self._try(target, message))

    def _try(self, target: Target, message: Message) -> SendResult:
        picture = self._picture(message)
        if target.place == 0:
            key = self._keys[target.rule]
            body = _webhook_body(message, picture)
            return post_webhook(target.address, key, body, message.message_id, self._clock(), self._timeout_s)
        warning = message.facts.get("severity") in _WARNING_FROM
        with _readable(picture) as pictures:
            return send_apprise(target.address, message.title, message.body, pictures, warning=warning)

    def _picture(self, message: Message) -> Path | None:
        """Return the picture if the rule still wants it and neither `muster forget` nor retention has erased it."""
        if not message.image or not self._rules[message.rule].attach_image:
            return None
        path = below(self._workspace, message.image)
        return path if path is not None and path.is_file() else None


@contextlib.contextmanager
def _readable(picture: Path | None) -> Iterator[list[Path]]:
    """Yield a picture that services can read: of an encrypted one, a copy that is gone afterwards."""
    if picture is None:
        yield []
        return
    with tempfile.TemporaryDirectory(prefix="muster-picture-") as folder:  # readable by this user alone
        copy = Path(folder) / picture.name
        copy.write_bytes(read_file(picture))
        yield [copy]


def _webhook_body(message: Message, picture: Path | None) -> bytes:
    content: dict[str, object] = {
        "message": message.message_id,
        "rule": message.rule,
        "created": message.created.isoformat(),
        "title": message.title,
        "text": message.body,
        "held_back": message.held,
        "incident": message.facts,
    }
    if picture is not None:
        content["picture_jpeg_base64"] = base64.b64encode(read_file(picture)).decode()
    return json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()


def key_of(entry: Webhook, workspace: Path) -> bytes:
    """Return the key that signs what goes to a webhook.

    Raises:
        ConfigError: it cannot be read, or is too short.
    """
    if entry.webhook_key is not None:  # the settings have checked it
        return os.fsencode(entry.webhook_key.get_secret_value())
    if entry.webhook_secret_env:
        place = f"the environment variable {entry.webhook_secret_env}"
        key = os.fsencode(os.environ.get(entry.webhook_secret_env, "")).strip()
    else:
        path = workspace / entry.webhook_secret_file
        place = str(path)
        try:
            key = path.read_bytes().strip()
        except OSError as error:
            raise ConfigError(
                f"the webhook of {entry.name!r}: the key file {path} cannot be read: {error.strerror}",
                hint=f"openssl rand -hex 32 > {path}",
            ) from error
    if len(key) < SHORTEST_KEY:
        raise ConfigError(
            f"the webhook of {entry.name!r}: expected a key of {SHORTEST_KEY} characters or more in {place}, "
            f"found {len(key)}",
            hint="make one with: openssl rand -hex 32",
        )
    return key
