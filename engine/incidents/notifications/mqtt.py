"""A connection to an MQTT broker (version 5) over which messages are published and acknowledged. It subscribes to nothing.

A connection that failed is thrown away with everything that it still held, and whoever publishes begins a new one: nothing is sent
late by itself.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib
import re
import socket
import ssl
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.config import MqttConfig
from engine.errors import BrokerAway, ConfigError
from engine.words import phrase

MQTT = "mqtt"
"""Name of the channel in the log of deliveries."""
ONLINE, OFFLINE = b"online", b"offline"
TIMEOUT_S = 10.0
_KEEPALIVE_S = 20
_LOOK_S = 0.05


@dataclass(frozen=True)
class Publication:
    """A message for the broker.

    Attributes:
        payload: empty and retained: the broker forgets what it kept of the topic.
        retain: the broker keeps it for those who come later.
        expires_s: the broker does not deliver it later than so; None: no limit.
    """

    topic: str
    payload: bytes
    retain: bool = False
    expires_s: int | None = None


def client_id_of(config: MqttConfig, workspace: Path, site: str) -> str:
    """The name under which a workspace connects: two that have the same throw each other out."""
    if config.client_id:
        return config.client_id
    place = f"{socket.gethostname()}\n{workspace.absolute()}"
    return f"muster-{level(site)}-{hashlib.sha256(place.encode()).hexdigest()[:8]}"


def level(text: str) -> str:
    """Return a text as one level of a topic, and a part of an id, that no other text makes: without `/ + #`, spaces and dots."""
    if re.fullmatch(r"[A-Za-z0-9_-]{1,64}", text, re.ASCII):
        return text
    readable = re.sub(r"[^A-Za-z0-9_-]+", "-", text, flags=re.ASCII).strip("-")[:40]
    return f"{readable}-{hashlib.sha256(text.encode()).hexdigest()[:8]}".lstrip("-")


class Broker:
    """One connection to the broker of the settings.

    Args:
        workspace: to which the file of the authority is relative.
        availability: topic that says `online` while this connection stands, and `offline` after it; empty: none does.

    Attributes:
        lost: why the connection ended; empty: it stands, or was never made.

    Raises:
        ConfigError: paho is not installed, or the file of the authority cannot be used.
    """

    def __init__(self, config: MqttConfig, client_id: str, workspace: Path, availability: str = "") -> None:
        self._config, self._availability = config, availability
        self.lost = ""
        self._answered, self._answer = threading.Event(), ""
        self._refused: dict[int, str] = {}
        try:
            paho: Any = importlib.import_module("paho.mqtt.client")
        except ImportError as error:
            raise ConfigError("MQTT needs paho-mqtt", hint="pip install 'muster[notify]'") from error
        self._paho = paho
        client = paho.Client(
            paho.CallbackAPIVersion.VERSION2,
            client_id=client_id,
            protocol=paho.MQTTv5,
            reconnect_on_failure=False,
        )
        client.connect_timeout = TIMEOUT_S
        client.on_connect, client.on_disconnect, client.on_publish = self._connected, self._ended, self._published
        if config.user:
            client.username_pw_set(config.user, config.password.get_secret_value() if config.password else None)
        if config.tls:
            client.tls_set_context(_context(config, workspace))
        if availability:
            client.will_set(availability, OFFLINE, qos=1, retain=True)
        self._client = client

    # ------------------------------------------------------------------------------- called in paho's thread

    def _connected(self, _client: Any, _data: Any, _flags: Any, reason: Any, _properties: Any) -> None:
        self._answer = str(reason) if reason.is_failure else ""
        self._answered.set()

    def _ended(self, _client: Any, _data: Any, _flags: Any, reason: Any, _properties: Any) -> None:
        self.lost = str(reason) or "connection lost"
        if not self._answered.is_set():
            self._answer = self.lost
            self._answered.set()

    def _published(self, _client: Any, _data: Any, number: int, reason: Any, _properties: Any) -> None:
        if reason is not None and reason.is_failure:
            self._refused[number] = str(reason)

    # -------------------------------------------------------------------------------------------------------

    @property
    def stands(self) -> bool:
        """Whether messages can be published."""
        return not self.lost and bool(self._client.is_connected())

    def connect(self, timeout_s: float = TIMEOUT_S) -> None:
        """Connect, and say that this workspace is online.

        Raises:
            BrokerAway: there is no connection; the hint names the next step.
        """
        config = self._config
        try:
            self._client.connect_timeout = timeout_s
            self._client.connect(config.host, config.number, keepalive=_KEEPALIVE_S, clean_start=True)
        except (OSError, ValueError) as error:
            raise _not_reached(config, error) from error
        self._client.loop_start()
        if not self._answered.wait(timeout_s):
            self.close()
            raise BrokerAway(
                phrase(
                    "the MQTT broker {broker} did not answer within {seconds} s",
                    broker=config.place,
                    seconds=f"{timeout_s:g}",
                ),
                hint=phrase("check that an MQTT broker of version 5 listens there, and whether [mqtt] tls is right"),
            )
        if self._answer:
            why = self._answer
            self.close()
            raise _not_admitted(config, why)
        if self._availability:
            self.publish([Publication(self._availability, ONLINE, retain=True)], timeout_s)

    def publish(self, messages: Sequence[Publication], timeout_s: float = TIMEOUT_S) -> None:
        """Publish messages in their order and wait until the broker has all of them.

        Raises:
            BrokerAway: it may have none, some or all of them.
        """
        paho, left_s = self._paho, timeout_s
        under_way = []
        for message in messages:
            more = None
            if message.expires_s is not None:
                more = paho.Properties(paho.PacketTypes.PUBLISH)
                more.MessageExpiryInterval = message.expires_s
            told = self._client.publish(message.topic, message.payload, 1, message.retain, more)
            if told.rc != paho.MQTT_ERR_SUCCESS:
                raise self._interrupted()
            under_way.append((message.topic, told))
        for topic, told in under_way:
            while not told.is_published():
                if self.lost:
                    raise self._interrupted()
                if left_s <= 0:
                    raise BrokerAway(
                        phrase(
                            "the MQTT broker {broker} confirmed no message within {seconds} s",
                            broker=self._config.place,
                            seconds=f"{timeout_s:g}",
                        ),
                        hint=phrase("see whether the broker is overloaded"),
                    )
                told.wait_for_publish(_LOOK_S)
                left_s -= _LOOK_S
            if why := self._refused.pop(told.mid, ""):
                raise BrokerAway(
                    phrase(
                        "the MQTT broker {broker} refuses messages to {topic}: {why}",
                        broker=self._config.place,
                        topic=topic,
                        why=why,
                    ),
                    hint=phrase("allow the user of [mqtt] to write there"),
                )

    def _interrupted(self) -> BrokerAway:
        lost = self.lost or "connection lost"
        if "taken over" in lost.lower():
            return BrokerAway(
                phrase(
                    "another program took over the connection to the MQTT broker {broker} under the same client id",
                    broker=self._config.place,
                ),
                hint=phrase("give each a [mqtt] client_id of its own"),
            )
        return BrokerAway(
            phrase("the connection to the MQTT broker {broker} was lost: {why}", broker=self._config.place, why=lost),
            hint=phrase("see the broker's log"),
        )

    def abort(self) -> None:
        """Give up connecting, from another thread."""
        if not self._answered.is_set():
            self._answer = "given up"
            self._answered.set()

    def close(self, *, goodbye: bool = False) -> None:
        """End the connection, and whatever was under way with it.

        Args:
            goodbye: say first that this workspace is offline; without it the broker does.
        """
        if goodbye and self._availability and self.stands:
            with contextlib.suppress(BrokerAway):
                self.publish([Publication(self._availability, OFFLINE, retain=True)], 2.0)
        with contextlib.suppress(OSError, ValueError, RuntimeError):
            self._client.disconnect()
        with contextlib.suppress(RuntimeError):
            self._client.loop_stop()


class _Closing(ssl.SSLSocket):
    """Is closed when the other side is not trusted: paho leaves that to the garbage collector."""

    def do_handshake(self, block: bool = False) -> None:
        """See `ssl.SSLSocket`."""
        try:
            super().do_handshake(block)
        except OSError:
            self.close()
            raise


def _context(config: MqttConfig, workspace: Path) -> ssl.SSLContext:
    path = workspace / config.ca_file if config.ca_file else None
    try:
        context = ssl.create_default_context(cafile=None if path is None else str(path))
    except (OSError, ssl.SSLError) as error:
        why = "it is no certificate" if isinstance(error, ssl.SSLError) else error.strerror
        raise ConfigError(
            f"mqtt.ca_file: {path} cannot be used: {why}",
            hint="give the certificate of the authority that signed the broker's, as PEM",
        ) from error
    context.sslsocket_class = _Closing
    return context


def _not_reached(config: MqttConfig, error: Exception) -> BrokerAway:
    where = config.place
    if isinstance(error, ssl.SSLCertVerificationError):
        return BrokerAway(
            phrase(
                "the certificate of the MQTT broker {broker} is not trusted: {why}",
                broker=where,
                why=error.verify_message,
            ),
            hint=phrase(
                "give the certificate of its authority as [mqtt] ca_file, and the host as the certificate names it"
            ),
        )
    if isinstance(error, ssl.SSLError):
        return BrokerAway(
            phrase("the MQTT broker {broker} does not speak TLS", broker=where),
            hint=phrase("give the port that does, or set [mqtt] tls = false"),
        )
    if isinstance(error, socket.gaierror):
        return BrokerAway(
            phrase("the name of the MQTT broker {broker} is not known", broker=where),
            hint=phrase("correct [mqtt] host, or the name server"),
        )
    if isinstance(error, TimeoutError):
        return BrokerAway(
            phrase("the MQTT broker {broker} does not answer", broker=where),
            hint=phrase("check the address, and firewalls on the way"),
        )
    if isinstance(error, ConnectionResetError):
        return BrokerAway(
            phrase("the MQTT broker {broker} closed the connection at once", broker=where),
            hint=phrase(
                "give its port of MQTT, and check whether [mqtt] tls is right: it speaks TLS there, or it does not"
            ),
        )
    why = (isinstance(error, OSError) and error.strerror) or type(error).__name__
    return BrokerAway(
        phrase("the MQTT broker {broker} cannot be reached: {why}", broker=where, why=why),
        hint=phrase("start the broker, or correct host and port in [mqtt]"),
    )


def _not_admitted(config: MqttConfig, why: str) -> BrokerAway:
    if re.search(r"user name|password|authori[sz]ed", why, re.IGNORECASE):
        hint = phrase("correct user and password in [mqtt]")
    elif "identifier" in why.lower():
        hint = phrase("give another [mqtt] client_id")
    elif "protocol" in why.lower():
        hint = phrase("use a broker of MQTT version 5")
    else:
        hint = phrase("see the broker's log")
    return BrokerAway(
        phrase("the MQTT broker {broker} refuses the connection: {why}", broker=config.place, why=why), hint=hint
    )
