"""TLS of Muster's own servers: an authority of this machine, certificates that are renewed, and those of an administrator."""

from __future__ import annotations

import socket
import ssl
import stat
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization

from engine.errors import ConfigError, InputError
from engine.operations.reach import Reach
from engine.operations.tls import (
    Certificates,
    GivenCertificates,
    OwnCertificates,
    current_context,
    own_addresses,
    own_names,
    server_context,
    taken_over,
)

NOW = datetime.now(UTC)


def own(folder: Path, *more: str, now: datetime = NOW) -> OwnCertificates:
    """Certificates of an authority in a folder, at a time."""
    return OwnCertificates(more, folder / "tls", lambda: now)


def loaded(path: Path) -> x509.Certificate:
    """The first certificate of a file."""
    return x509.load_pem_x509_certificate(path.read_bytes())


def greeted(certificates: Certificates, name: str, trusted: Path | None = None) -> str:
    """Shake hands with a server under a name; why that fails, or an empty text."""
    context = current_context(certificates)
    client = ssl.create_default_context(cafile=trusted or certificates.authority)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]

        def answer() -> None:
            accepted, _ = listening.accept()
            try:
                context.wrap_socket(accepted, server_side=True).close()
            except OSError:
                accepted.close()

        server = threading.Thread(target=answer)
        server.start()
        try:
            with (
                socket.create_connection(("127.0.0.1", port)) as plain,
                client.wrap_socket(plain, server_hostname=name),
            ):
                return ""
        except ssl.SSLCertVerificationError as error:
            return error.verify_message
        finally:
            server.join(10)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where an authority was made."""
    place = tmp_path_factory.mktemp("keys")
    own(place).files()
    return place


def test_clients_that_trust_the_authority_accept_every_name_and_address(folder: Path) -> None:
    certificates = own(folder)
    for name in (*own_names(), *own_addresses()):
        assert greeted(certificates, name) == "", name
    assert {"localhost", socket.gethostname().casefold()} <= certificates.names
    assert "127.0.0.1" in own_addresses()


def test_others_are_refused(folder: Path, tmp_path: Path) -> None:
    assert "not valid for" in greeted(own(folder), "example.org")
    other = own(tmp_path)
    other.files()
    assert greeted(own(folder), "localhost", other.authority) != ""


def test_names_of_the_settings_are_added(folder: Path) -> None:
    certificates = own(folder, "Entrance.Example", "192.0.2.77", "*", "türe.example")
    assert greeted(certificates, "entrance.example") == ""
    assert greeted(certificates, "192.0.2.77") == ""
    assert {"entrance.example", "türe.example"} <= certificates.names
    assert "192.0.2.77" not in certificates.names


def test_what_is_signed_is_narrow_and_keys_are_private(folder: Path) -> None:
    chain, key = own(folder).files()
    authority, found = loaded(own(folder).authority), loaded(chain)
    assert authority.extensions.get_extension_for_class(x509.BasicConstraints).value.path_length == 0
    assert not found.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    assert found.not_valid_after_utc - found.not_valid_before_utc < timedelta(days=399)
    for path in (key, own(folder).authority.with_suffix(".key")):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(key.parent.stat().st_mode) == 0o700


@pytest.mark.parametrize(("days", "renewed"), [(0, False), (366, False), (368, True), (3000, True)])
def test_a_certificate_is_renewed_a_month_before_its_end_under_the_same_authority(
    tmp_path: Path, days: int, renewed: bool
) -> None:
    chain, _ = own(tmp_path).files()
    before, authority = chain.read_bytes(), own(tmp_path).authority.read_bytes()
    own(tmp_path, now=NOW + timedelta(days=days)).files()
    assert (chain.read_bytes() != before) is renewed
    assert own(tmp_path).authority.read_bytes() == authority


def test_an_authority_that_ends_is_replaced_with_a_warning(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    own(tmp_path).files()
    before = own(tmp_path).authority.read_bytes()
    late = own(tmp_path, now=NOW + timedelta(days=3650 - 399))
    chain, _ = late.files()
    assert late.authority.read_bytes() != before
    assert "devices must trust it, too" in caplog.text
    assert loaded(chain).issuer == loaded(late.authority).subject


def test_damaged_files_are_made_again(tmp_path: Path) -> None:
    chain, key = own(tmp_path).files()
    for path, content in ((chain, b""), (key, b"-----BEGIN"), (chain, b"\xff" * 9)):
        path.write_bytes(content)
        own(tmp_path).files()
        assert greeted(own(tmp_path), "localhost") == ""


def test_an_authority_without_its_key_says_what_to_do(tmp_path: Path) -> None:
    chain, _ = own(tmp_path).files()
    own(tmp_path).authority.with_suffix(".key").unlink()
    chain.unlink()
    with pytest.raises(ConfigError, match="put it back from a copy, or remove"):
        own(tmp_path).files()


def test_servers_that_start_together_make_one_authority(tmp_path: Path) -> None:
    with ThreadPoolExecutor(6) as pool:
        made = list(pool.map(lambda _: own(tmp_path).files(), range(6)))
    assert len(set(made)) == 1
    assert greeted(own(tmp_path), "localhost") == ""


def test_a_running_server_takes_over_a_new_certificate(tmp_path: Path) -> None:
    class Now(OwnCertificates):
        time = NOW

    certificates = Now((), tmp_path / "tls", lambda: Now.time)
    held = certificates.files()
    context = server_context(*held)
    stamp = taken_over(context, certificates, None)
    assert taken_over(context, certificates, stamp) == stamp
    Now.time += timedelta(days=380)
    assert taken_over(context, certificates, stamp) != stamp


@pytest.fixture(scope="module")
def given(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A certificate and its key in files of an administrator."""
    place = tmp_path_factory.mktemp("given")
    return own(place, "muster.example", "*.muster.example").files()


def test_given_files_are_used_with_their_names(given: tuple[Path, Path]) -> None:
    certificates = GivenCertificates(*given)
    assert greeted(certificates, "muster.example", given[0].parent / "authority.pem") == ""
    assert "muster.example" in certificates.names
    assert certificates.authority is None


def test_given_files_that_cannot_be_used_are_told_in_a_line(given: tuple[Path, Path], tmp_path: Path) -> None:
    other, other_key = own(tmp_path).files()
    locked = tmp_path / "locked.key"
    secret = serialization.load_pem_private_key(given[1].read_bytes(), None)
    cipher = serialization.BestAvailableEncryption(b"a passphrase")
    locked.write_bytes(
        secret.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, cipher)  # type: ignore[union-attr]
    )
    for chain, key in ((given[0], other_key), (given[0], tmp_path / "none"), (given[1], given[1]), (given[0], locked)):
        with pytest.raises(ConfigError, match="cannot be used for TLS") as caught:
            GivenCertificates(chain, key).files()
        assert "\n" not in str(caught.value)
    assert other.exists()


@pytest.mark.parametrize(
    "wrong",
    [
        {"chain": "a"},
        {"key": "a"},
        {"tls": "self-signed", "chain": "a", "key": "b"},
        {"root_path": "muster"},
        {"root_path": "/a b"},
        {"root_path": "/../x"},
        {"root_path": "//evil.example"},
        {"root_path": "/a?b"},
    ],
)
def test_options_that_do_not_go_together_are_refused(wrong: dict[str, str]) -> None:
    with pytest.raises(InputError):
        Reach(**wrong)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("reach", "address"),
    [
        (Reach(), "http://127.0.0.1:8501"),
        (Reach(tls="self-signed"), "https://127.0.0.1:8501"),
        (Reach(chain="a", key="b", root_path="/x/y"), "https://127.0.0.1:8501/x/y"),
    ],
)
def test_what_a_command_says_reaches_its_server(reach: Reach, address: str) -> None:
    assert Reach.read(["--with-input", *reach.words()]) == reach
    assert reach.address("0.0.0.0", 8501) == address
    assert reach.elsewhere("127.0.0.1", 8501) == ""
    assert reach.elsewhere("::", 8501).endswith(f"://{own_names()[0]}:8501{reach.root_path}")


def test_the_folder_of_keys_holds_the_authority(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MUSTER_KEYS", str(tmp_path))
    chain, _ = OwnCertificates().files()
    assert chain.parent == tmp_path / "tls"
    assert [each.name for each in tmp_path.iterdir()] == ["tls"]
