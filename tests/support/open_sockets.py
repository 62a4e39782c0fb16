"""Pages of a served workbench, opened through Streamlit's socket as a browser does, without a browser."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from browser import Site
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.sync.client import connect

from app.web.sessions import COOKIE

__all__ = ["page"]


@contextmanager
def page(site: Site, cookie: str, query: str, told: list[bytes] | None = None, name: str = "") -> Iterator[str]:
    """The id of the session in which a page was opened and has run; it ends with its connection.

    Args:
        query: of the address. told: gets what the server said. name: of the page, as its address has it; empty: the first one.
    """
    address = site.base.replace("http", "ws") + "/_stcore/stream"
    headers = {"Cookie": f"{COOKIE}={cookie}"}
    with connect(
        address, additional_headers=headers, origin=site.base, subprotocols=["streamlit"], max_size=None
    ) as line:  # type: ignore[arg-type, list-item]
        asked = BackMsg()
        asked.rerun_script.query_string = query
        asked.rerun_script.page_name = name
        line.send(asked.SerializeToString())
        session = ""
        while True:
            said = line.recv(timeout=60)
            message = ForwardMsg.FromString(said)  # type: ignore[arg-type]
            if told is not None:
                told.append(said)  # type: ignore[arg-type]
            session = message.new_session.initialize.session_id or session
            if message.WhichOneof("type") == "script_finished":
                break
        yield session
