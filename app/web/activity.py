"""Tells what people do on a page from what the page does by itself: only the former keeps a session from ending.

Pages talk to Streamlit over a socket. A click sends a message that asks for a run; a part that renews itself sends the same, marked as
automatic.
"""

from __future__ import annotations

import logging

from google.protobuf.message import DecodeError
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from streamlit.proto.BackMsg_pb2 import BackMsg

from app.web import services
from app.web.sessions import token_of
from engine.errors import MusterError

log = logging.getLogger(__name__)
_LONGEST = 1_000_000


def by_hand(message: bytes) -> bool:
    """Whether a message of a page comes from something that its user did."""
    if len(message) > _LONGEST:
        return True
    told = BackMsg()
    try:
        told.ParseFromString(message)
    except DecodeError:
        return False
    return told.WhichOneof("type") == "rerun_script" and not told.rerun_script.is_auto_rerun


class Activity:
    """ASGI middleware behind the gate: notes when the user of a session does something on a page."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request or socket."""
        if scope["type"] != "websocket":
            await self._app(scope, receive, send)
            return
        token = token_of(Headers(scope=scope).get("cookie", ""))

        async def receiving() -> Message:
            message = await receive()
            content = message.get("bytes") if message["type"] == "websocket.receive" else None
            if content and by_hand(content):
                try:
                    await run_in_threadpool(services.sessions().used, token)
                except MusterError as error:
                    log.warning("the use of a session cannot be noted: %s", error)
            return message

        await self._app(scope, receiving, send)
