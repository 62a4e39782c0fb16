"""How browsers reach a server of Muster: with or without TLS of its own, and below which path of a proxy.

The command says it, and the server's process reads it from its arguments.
"""

from __future__ import annotations

import itertools
import re
import ssl
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from engine.errors import InputError
from engine.operations import serving
from engine.operations.tls import Certificates, GivenCertificates, OwnCertificates, own_names

_PATH = re.compile(r"(/[A-Za-z0-9._~-]+)+")


@dataclass(frozen=True)
class Reach:
    """See the module.

    Attributes:
        tls: `self-signed`: by an authority of this machine; empty: by the given files, or none.
        chain, key: files with a certificate and its key; both or neither.
        root_path: such as `/muster`, under which a proxy shows the server; empty: at the root.
    """

    tls: Literal["", "self-signed"] = ""
    chain: str = ""
    key: str = ""
    root_path: str = ""

    def __post_init__(self) -> None:
        if bool(self.chain) != bool(self.key):
            raise InputError("--tls-cert and --tls-key belong together", hint="give both, or --tls self-signed")
        if self.chain and self.tls:
            raise InputError(
                "--tls self-signed makes its own certificate", hint="leave it out, or --tls-cert and --tls-key"
            )
        if self.root_path and not (_PATH.fullmatch(self.root_path) and "/.." not in self.root_path):
            raise InputError(f"{self.root_path!r} is no path of an address", hint="write it as in --root-path /muster")

    @property
    def secure(self) -> bool:
        """Whether the server itself speaks TLS."""
        return bool(self.tls or self.chain)

    def certificates(self, hosts: Iterable[str] = ()) -> Certificates | None:
        """Where the server's certificate comes from; None: it speaks plain HTTP.

        Args:
            hosts: names and addresses beside those of this machine.
        """
        if self.chain:
            return GivenCertificates(Path(self.chain), Path(self.key))
        return OwnCertificates(hosts) if self.tls else None

    def address(self, host: str, port: int) -> str:
        """URL of the server, for a browser on this machine."""
        plain = serving.address(host, port).removeprefix("http")
        return f"http{'s' if self.secure else ''}{plain}{self.root_path}"

    def elsewhere(self, host: str, port: int) -> str:
        """URL of the server for browsers on other machines; empty: it does not listen to them."""
        if host not in serving.EVERYWHERE:
            return ""
        return f"http{'s' if self.secure else ''}://{own_names()[0]}:{port}{self.root_path}"

    def words(self) -> list[str]:
        """Arguments of a server's process."""
        told = {"--tls": self.tls, "--tls-cert": self.chain, "--tls-key": self.key, "--root-path": self.root_path}
        return [word for name, value in told.items() if value for word in (name, value)]

    @staticmethod
    def read(words: Sequence[str]) -> Reach:
        """What `words` made, among other arguments."""
        told = dict(itertools.pairwise(words))
        tls: Literal["", "self-signed"] = "self-signed" if told.get("--tls") else ""
        return Reach(tls, told.get("--tls-cert", ""), told.get("--tls-key", ""), told.get("--root-path", ""))


AT_ROOT = Reach()
"""Plain HTTP at the root."""


def chosen(tls: Literal["self-signed"] | None, chain: Path | None, key: Path | None, root_path: str | None) -> Reach:
    """What the options of a command say.

    Raises:
        InputError: they do not go together.
        ConfigError, StorageError: the certificate cannot be used or made.
    """
    files = [str(each.absolute()) if each else "" for each in (chain, key)]
    reach = Reach(tls or "", files[0], files[1], (root_path or "").rstrip("/"))
    if found := reach.certificates():
        found.files()
    return reach


def own_client() -> ssl.SSLContext:
    """TLS for asking a server on this machine that the same command started: whoever answers there needs no proof."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context
