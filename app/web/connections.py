"""Connections of the workbench's server: nobody keeps one open without sending a request, and nobody takes all of them.

Uvicorn waits for a request's headers and body for ever, so a few hundred clients that send nothing would occupy it. With TLS it knows
of a connection once hands are shaken, for which asyncio leaves a minute: here a connection counts from its beginning.
"""

from __future__ import annotations

import asyncio
import ssl
from collections import OrderedDict, defaultdict
from collections.abc import Container
from dataclasses import dataclass, field
from typing import Any, Literal

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

_Stage = Literal["headers", "body", ""]
_FAREWELL_S = 5.0
"""So long does the end of a TLS connection wait for the other side's."""


@dataclass
class Room:
    """How many connections there may be, and how long a request may take.

    Attributes:
        per_address: most connections of one address, WebSockets included.
        unlimited: addresses that may have more: proxies, which connect for others.
        waiting: most connections that have not sent a whole request; the oldest gives way to a new one.
        headers_s: time for a request's headers. body_s: time for its body, and a second more for each `rate` bytes of it.
        rate: slowest body that is waited for, in bytes a second.
    """

    per_address: int
    unlimited: Container[str] = ()
    waiting: int = 512
    headers_s: float = 15.0
    body_s: float = 15.0
    rate: float = 2000.0
    _open: defaultdict[str, set[asyncio.BaseTransport]] = field(default_factory=lambda: defaultdict(set))
    _waiting: OrderedDict[asyncio.Transport, None] = field(default_factory=OrderedDict)

    def enter(self, transport: asyncio.Transport, address: str) -> bool:
        """Count a new connection; False: its address has too many."""
        if address in self.unlimited:
            return True
        own = self._open[address]
        own.difference_update([each for each in own if each.is_closing()])  # a WebSocket ends with another protocol
        if len(own) >= self.per_address:
            return False
        own.add(transport)
        if len(self._open) > self.waiting:
            for gone in [key for key, open_ in self._open.items() if all(each.is_closing() for each in open_)]:
                del self._open[gone]
        return True

    def leave(self, transport: asyncio.Transport, address: str) -> None:
        """A connection counts no longer, because it goes on as another one."""
        self._open[address].discard(transport)

    def wait(self, transport: asyncio.Transport) -> None:
        """Count a connection that has yet to send a request, and end the oldest such one if there are too many."""
        self._waiting[transport] = None
        while len(self._waiting) > self.waiting:
            self._waiting.popitem(last=False)[0].abort()

    def go(self, transport: asyncio.Transport) -> None:
        """A connection no longer waits: its request is here, or it has ended."""
        self._waiting.pop(transport, None)


class _Guarded(H11Protocol):
    room: Room

    def __init__(self, *arguments: Any, **more: Any) -> None:
        super().__init__(*arguments, **more)
        self._stage: _Stage = ""
        self._timer: asyncio.TimerHandle | None = None
        self._due = 0.0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        if self.room.enter(transport, self.client[0] if self.client else ""):
            self._watch()
        else:
            transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        self._turn("")
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._stage == "body":
            self._due += len(data) / self.room.rate
        super().data_received(data)
        self._watch()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        self._watch()

    def handle_websocket_upgrade(self, event: h11.Request) -> None:
        self._turn("")
        super().handle_websocket_upgrade(event)

    def _watch(self) -> None:
        state = self.conn.their_state
        if self.transport.is_closing() or self.transport.get_protocol() is not self:
            self._turn("")
        elif state is h11.SEND_BODY:
            self._turn("body")
        elif state is h11.IDLE and (self.cycle is None or self.conn.trailing_data[0]):
            self._turn("headers")
        else:  # answering, or between two requests, where uvicorn has a limit of its own
            self._turn("")

    def _turn(self, stage: _Stage) -> None:
        if stage == self._stage:
            return
        self._stage = stage
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if stage == "headers":
            self.room.wait(self.transport)
        else:
            self.room.go(self.transport)
        if stage:
            self._due = self.loop.time() + (self.room.headers_s if stage == "headers" else self.room.body_s)
            self._timer = self.loop.call_at(self._due, self._enforce)

    def _enforce(self) -> None:
        if self.flow.read_paused:  # it is us who are slow
            self._due = self.loop.time() + self.room.body_s
        if self.loop.time() < self._due:
            self._timer = self.loop.call_at(self._due, self._enforce)
        else:
            self.transport.abort()


class _Knocking(asyncio.Protocol):
    """Shakes hands with who connects, within the time for headers; then `behind` has the connection."""

    room: Room
    context: ssl.SSLContext
    behind: type[_Guarded]

    def __init__(self, **arguments: Any) -> None:
        self._behind = self.behind(**arguments)
        self._early, self._over = bytearray(), False
        self._shaking: asyncio.Task[None] | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        peer = transport.get_extra_info("peername")
        address = str(peer[0]) if isinstance(peer, tuple) else ""
        if self.room.enter(transport, address):
            transport.pause_reading()
            self.room.wait(transport)
            self._shaking = asyncio.get_running_loop().create_task(self._shake(transport, address))
        else:
            transport.abort()

    def data_received(self, data: bytes) -> None:
        self._early += data  # it came together with the end of the handshake

    def eof_received(self) -> None:
        self._over = True

    def connection_lost(self, exc: Exception | None) -> None:
        self._over = True

    async def _shake(self, transport: asyncio.Transport, address: str) -> None:
        try:
            secured = await asyncio.get_running_loop().start_tls(
                transport,
                self,
                self.context,
                server_side=True,
                ssl_handshake_timeout=self.room.headers_s,
                ssl_shutdown_timeout=_FAREWELL_S,
            )
        except OSError:  # they are gone, too slow, or speak something else
            transport.abort()
            return
        finally:
            self.room.go(transport)
            self.room.leave(transport, address)
        if secured is None or self._over:
            transport.abort()
            return
        secured.set_protocol(self._behind)
        self._behind.connection_made(secured)
        if self._early and not secured.is_closing():
            self._behind.data_received(bytes(self._early))


def guarded(room: Room, context: ssl.SSLContext | None = None) -> type[asyncio.Protocol]:
    """The protocol of connections that share a room, for `uvicorn.Config(http=…)`; `context`: for TLS, which uvicorn leaves to it."""
    behind = type("Guarded", (_Guarded,), {"room": room})
    return (
        behind
        if context is None
        else type("Knocking", (_Knocking,), {"room": room, "context": context, "behind": behind})
    )
