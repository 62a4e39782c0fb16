"""TLS of Muster's own servers: certificates that an administrator gives, or ones that an authority of this machine signs.

The authority is one for all workspaces of a user, so that phones and computers learn to trust it once. Its key never leaves the folder of
keys, and whoever has it can pretend to be any site before those devices.
"""

from __future__ import annotations

import contextlib
import hashlib
import ipaddress
import logging
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Protocol

import ifaddr
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from engine.errors import ConfigError
from engine.storage import atomic_write, locked, storage_errors
from engine.storage.logs import key_folder

log = logging.getLogger(__name__)

_AUTHORITY_LIFE, _AUTHORITY_LEFT = timedelta(days=3650), timedelta(days=400)
_LIFE, _LEFT = timedelta(days=397), timedelta(days=30)
"""How long a certificate holds, which browsers limit, and how long before its end it is renewed."""
_SKEW = timedelta(days=1)  # clocks of phones may be behind
_LOOK_EVERY_S = 60.0


class Certificates(Protocol):
    """Where a server's certificate comes from."""

    @property
    def authority(self) -> Path | None:
        """The certificate of this machine's authority, which devices must learn to trust; None: they know who signed."""

    @property
    def names(self) -> frozenset[str]:
        """Host names that the certificate is for, in lower case."""

    def files(self) -> tuple[Path, Path]:
        """The chain of certificates and its key, as they hold now.

        Raises:
            ConfigError: they cannot be used.
            StorageError: they cannot be read or written.
        """


class GivenCertificates:
    """A certificate and its key in files of the administrator, which may be renewed while a server runs."""

    authority = None

    def __init__(self, chain: Path, key: Path) -> None:
        self._files = (chain.absolute(), key.absolute())

    @property
    def names(self) -> frozenset[str]:
        """See `Certificates`."""
        return frozenset(name.casefold() for name in _texts(_loaded(self._files[0]), x509.DNSName) if "*" not in name)

    def files(self) -> tuple[Path, Path]:
        """See `Certificates`."""
        chain, key = self._files
        server_context(chain, key)
        return self._files


class OwnCertificates:
    """Certificates for the names and addresses of this machine, signed by an authority that is made when it is missing.

    Args:
        more: further names and addresses, such as the settings' `hosts`.
        folder: for authority and certificates; default: beside the user's seal keys.
    """

    def __init__(
        self,
        more: Iterable[str] = (),
        folder: Path | None = None,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._folder, self._clock = folder or key_folder() / "tls", clock
        self._more = tuple(each.casefold() for each in more if each and "*" not in each)

    @property
    def authority(self) -> Path:
        """See `Certificates`."""
        return self._folder / "authority.pem"

    @property
    def names(self) -> frozenset[str]:
        """See `Certificates`."""
        return frozenset(own_names()) | frozenset(each for each in self._more if _address(each) is None)

    def files(self) -> tuple[Path, Path]:
        """See `Certificates`. Makes or renews what is missing, ends soon or lacks a name."""
        wanted = [*own_names(), *own_addresses(), *self._more]
        chain = self._folder / f"server-{hashlib.sha256(' '.join(self._more).encode()).hexdigest()[:8]}.pem"
        key = chain.with_suffix(".key")
        with storage_errors(self._folder):
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not self._holds(chain, key, wanted):
            with locked(self.authority):
                if not self._holds(chain, key, wanted):  # another server may have been faster
                    self._sign(chain, key, wanted)
        return chain, key

    def _holds(self, chain: Path, key: Path, wanted: list[str]) -> bool:
        try:
            found, signer = _loaded(chain), _loaded(self.authority)
            found.verify_directly_issued_by(signer)
            server_context(chain, key)
        except (ConfigError, ValueError, TypeError, InvalidSignature):
            return False
        there = {*_texts(found, x509.DNSName), *_texts(found, x509.IPAddress)}
        return found.not_valid_after_utc - self._clock() > _LEFT and {_plain(each) for each in wanted} <= there

    def _sign(self, chain: Path, key: Path, wanted: list[str]) -> None:
        signer, signer_key = self._made_authority()
        now, own = self._clock(), ec.generate_private_key(ec.SECP256R1())
        end = min(now + _LIFE, signer.not_valid_after_utc)
        alternatives = [
            x509.IPAddress(address) if (address := _address(each)) else x509.DNSName(_plain(each))
            for each in dict.fromkeys(wanted)
        ]
        signed = (
            _builder(_name(wanted[0][:60]), signer.subject, own.public_key(), now, end)
            .add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_usage(digital_signature=True), critical=True)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer_key.public_key()), critical=False)
            .sign(signer_key, hashes.SHA256())
        )
        atomic_write(key, _key_text(own), mode=0o600)
        atomic_write(chain, _text(signed) + _text(signer))

    def _made_authority(self) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
        key_path, now = self.authority.with_suffix(".key"), self._clock()
        if self.authority.exists():
            found, key = _loaded(self.authority), _loaded_key(key_path)
            if found.not_valid_after_utc - now > _AUTHORITY_LEFT:
                return found, key
            log.warning("the authority of this machine ends soon, so there is a new one: devices must trust it, too")
        key = ec.generate_private_key(ec.SECP256R1())
        subject = _name(f"Muster on {socket.gethostname()[:40]} {now:%Y-%m-%d}")
        made = (
            _builder(subject, subject, key.public_key(), now, now + _AUTHORITY_LIFE)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(_usage(key_cert_sign=True, crl_sign=True), critical=True)
            .sign(key, hashes.SHA256())
        )
        atomic_write(key_path, _key_text(key), mode=0o600)
        atomic_write(self.authority, _text(made))
        return made, key


def own_names() -> list[str]:
    """The host names of this machine: `localhost`, its own, the one on the local network (`.local`), and the full one."""
    own, full = socket.gethostname().casefold(), socket.getfqdn().casefold()
    found = [own, *([] if "." in own else [f"{own}.local"]), full, "localhost"]
    return list(dict.fromkeys(each for each in found if _is_name(each)))


def own_addresses() -> list[str]:
    """The addresses of this machine, without those that hold on one wire only."""
    found = {"127.0.0.1", "::1"}
    for adapter in ifaddr.get_adapters():
        for each in adapter.ips:
            address = ipaddress.ip_address(each.ip if isinstance(each.ip, str) else each.ip[0])
            if not address.is_link_local:
                found.add(str(address))
    return sorted(found)


def fingerprint(path: Path) -> str:
    """The SHA-256 fingerprint of a certificate, as devices show it.

    Raises:
        ConfigError: the file is no certificate.
    """
    return ":".join(f"{byte:02X}" for byte in _loaded(path).fingerprint(hashes.SHA256()))


def server_context(chain: Path, key: Path) -> ssl.SSLContext:
    """TLS for a server.

    Raises:
        ConfigError: a file is missing, is no certificate or key, or they do not belong together.
    """
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    _load(context, chain, key)
    return context


def _load(context: ssl.SSLContext, chain: Path, key: Path) -> None:
    try:
        # a key with a passphrase would ask for it on the terminal, and at each renewal again
        context.load_cert_chain(chain, key, password=lambda: "")
    except (OSError, ValueError) as error:  # ssl's errors are among them
        told = (
            error.strerror
            if isinstance(error, OSError) and error.strerror and not isinstance(error, ssl.SSLError)
            else str(error)
        )
        raise ConfigError(
            f"{chain} and {key} cannot be used for TLS ({told})",
            hint="give the chain of certificates with --tls-cert and its key, without passphrase, with --tls-key",
        ) from error


def current_context(certificates: Certificates) -> ssl.SSLContext:
    """TLS for a server that takes over renewed certificates while it runs.

    Raises:
        ConfigError: the certificate cannot be used.
        StorageError: it cannot be read or written.
    """
    held = certificates.files()
    context, stamp = server_context(*held), _stamp(held)

    def look() -> None:
        nonlocal stamp
        while True:
            time.sleep(_LOOK_EVERY_S)
            try:
                stamp = taken_over(context, certificates, stamp)
            except Exception as error:  # noqa: BLE001 - what holds now goes on
                log.warning("the certificate was not renewed: %s", error)

    threading.Thread(target=look, name="certificates", daemon=True).start()
    return context


def taken_over(context: ssl.SSLContext, certificates: Certificates, stamp: object) -> object:
    """Use certificates that are others than those with a stamp for connections from now on; return the new stamp.

    Raises:
        ConfigError, StorageError: see `Certificates.files`.
    """
    files = certificates.files()
    now = _stamp(files)
    if now != stamp:
        _load(context, *files)
    return now


def _stamp(files: Iterable[Path]) -> object:
    return tuple((path, each.st_mtime_ns, each.st_size, each.st_ino) for path in files for each in (path.stat(),))


def _loaded(path: Path) -> x509.Certificate:
    try:
        return x509.load_pem_x509_certificate(path.read_bytes())
    except (OSError, ValueError) as error:
        raise ConfigError(f"{path} is no certificate ({error})", hint="give a certificate in PEM form") from error


def _loaded_key(path: Path) -> ec.EllipticCurvePrivateKey:
    try:
        found = serialization.load_pem_private_key(path.read_bytes(), password=None)
    except (OSError, ValueError, TypeError) as error:
        found, told = None, str(error)
    else:
        told = "another kind of key"
    if not isinstance(found, ec.EllipticCurvePrivateKey):
        raise ConfigError(
            f"{path} is not the key of this machine's authority ({told})",
            hint=f"put it back from a copy, or remove {path.parent} to make another authority, which devices must trust anew",
        )
    return found


def _builder(
    subject: x509.Name, issuer: x509.Name, public: ec.EllipticCurvePublicKey, now: datetime, end: datetime
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _SKEW)
        .not_valid_after(end)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
    )


def _usage(*, digital_signature: bool = False, key_cert_sign: bool = False, crl_sign: bool = False) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=digital_signature,
        key_cert_sign=key_cert_sign,
        crl_sign=crl_sign,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _name(common: str) -> x509.Name:
    return x509.Name(
        [x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Muster"), x509.NameAttribute(NameOID.COMMON_NAME, common)]
    )


def _texts(found: x509.Certificate, kind: type[x509.DNSName | x509.IPAddress]) -> list[str]:
    try:
        names = found.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return []
    return [str(each.value) for each in names if isinstance(each, kind)]


def _text(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def _key_text(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    with contextlib.suppress(ValueError):
        return ipaddress.ip_address(text)
    return None


def _plain(text: str) -> str:
    """A name or address as a certificate writes it."""
    address = _address(text)
    return str(address) if address else text if text.isascii() else text.encode("idna").decode("ascii")


def _is_name(text: str) -> bool:
    labels = text.split(".")
    usual = all(label and label.replace("-", "").replace("_", "").isalnum() for label in labels)
    return usual and text.isascii() and _address(text) is None and len(text) <= 253
