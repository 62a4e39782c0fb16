"""Which pages take files, and how much: uploads wait in memory until a page reads them, so nobody else may leave any.

Streamlit keeps every file that a session sends, whether its page asked for one or not. A page that shows an uploader says so with
`expect`, at each of its runs; the middleware refuses all other uploads.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable
from typing import Any, Protocol

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send
from streamlit.runtime import exists, get_instance
from streamlit.runtime.scriptrunner_utils.script_run_context import get_script_run_ctx

from app.web import access
from app.web.sessions import token_of

_WHERE = "/_stcore/upload_file/"
_SESSION_BYTES, _ALL_BYTES = 120_000_000, 400_000_000
_BACK_S = 15.0
"""Files of a session that is not connected are kept so long; Streamlit keeps the session itself for less."""
_MOST_SESSIONS = 10_000  # nobody says here when a session ends


class Files(Protocol):
    """What a server holds for its sessions."""

    def held(self) -> Counter[str]:
        """Bytes by session; files of sessions that ended a while ago are dropped first."""

    def cookie(self, session: str) -> str | None:
        """The cookies with which a session's page was opened; None: there is no such session."""


class _Streamlit:
    """Files of the running Streamlit server, see `Files`.

    A browser that lost its connection comes back to its session within seconds, and finds its files.

    Args:
        runtime: of Streamlit. clock: seconds.
    """

    def __init__(self, runtime: Callable[[], Any] = get_instance, clock: Callable[[], float] = time.monotonic) -> None:
        self._runtime, self._clock, self._gone = runtime, clock, dict[str, float]()
        self._guard = threading.Lock()

    def held(self) -> Counter[str]:
        runtime, now = self._runtime(), self._clock()
        storage = runtime.uploaded_file_mgr.file_storage
        with self._guard:
            here = {session for session in list(storage) if not runtime.is_active_session(session)}
            self._gone = {session: self._gone.get(session, now) for session in here}
            over = [session for session, since in self._gone.items() if now - since > _BACK_S]
        for session in over:
            runtime.uploaded_file_mgr.remove_session_files(session)
        return Counter(
            {name: sum(len(file.data) for file in list(files.values())) for name, files in list(storage.items())}
        )

    def cookie(self, session: str) -> str | None:
        client = self._runtime().get_client(session)
        context = getattr(client, "client_context", None)
        return "; ".join(f"{name}={value}" for name, value in context.cookies.items()) if context else None


_streamlit = _Streamlit()


class _Expected:
    """Sessions whose page takes files; beyond a number of them, the one whose page ran longest ago is forgotten."""

    def __init__(self) -> None:
        self._renewed: dict[str, bool] = {}  # whether the page said so in the run that is going on, or was the last
        self._guard = threading.Lock()

    def begin(self, session: str) -> None:
        """A run of the session's page begins."""
        with self._guard:
            if session in self._renewed:
                self._renewed[session] = False

    def add(self, session: str) -> None:
        """The page takes a file."""
        with self._guard:
            self._renewed.pop(session, None)
            self._renewed[session] = True
            if len(self._renewed) > _MOST_SESSIONS:
                del self._renewed[next(iter(self._renewed))]

    def end(self, session: str) -> bool:
        """The run is over; whether the page takes files."""
        with self._guard:
            if not self._renewed.get(session):
                self._renewed.pop(session, None)
            return session in self._renewed

    def __contains__(self, session: str) -> bool:
        with self._guard:
            return session in self._renewed


_expected = _Expected()


def expect(action: str) -> None:
    """The page that runs shows an uploader, or asks the browser for a picture, to whoever may do an action.

    Raises:
        NotAllowed: they may not.
    """
    access.acting(action)
    if (context := get_script_run_ctx(suppress_warning=True)) is not None:
        _expected.add(context.session_id)


def run(page: Callable[[], object]) -> None:
    """Run a whole page. If it takes no files, those of the page before are dropped."""
    context = get_script_run_ctx(suppress_warning=True)
    if context is None:
        page()
        return
    _expected.begin(context.session_id)
    page()
    if not _expected.end(context.session_id):
        context.uploaded_file_mgr.remove_session_files(context.session_id)


def tidy() -> None:
    """Free the files of sessions that ended; Streamlit notices that only when somebody comes."""
    if exists():
        _streamlit.held()


class Uploads:
    """ASGI middleware behind the gate."""

    def __init__(self, app: ASGIApp, files: Files | None = None) -> None:
        self._app, self._files = app, files or _streamlit
        self._arriving: Counter[str] = Counter()
        self._guard = threading.Lock()  # over a look at what is held and the reservation that depends on it

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request or socket."""
        if scope["type"] != "http" or scope["method"] != "PUT" or not scope["path"].startswith(_WHERE):
            await self._app(scope, receive, send)
            return
        headers, session = Headers(scope=scope), scope["path"].removeprefix(_WHERE).partition("/")[0]
        length = headers.get("content-length", "")
        size = int(length) if length.isascii() and length.isdecimal() else None
        refusal = await run_in_threadpool(self._refusal, session, headers.get("cookie", ""), size)
        if refusal is not None or size is None:
            await (refusal or PlainTextResponse("say how long the file is", 411))(scope, receive, send)
            return
        try:
            await self._app(scope, receive, send)
        finally:
            with self._guard:
                self._arriving[session] -= size
                self._arriving += Counter()  # forgets who sends nothing any more

    def _refusal(self, session: str, cookies: str, size: int | None) -> Response | None:
        """The refusal of a file; None: it may come, and its size is reserved."""
        own = self._files.cookie(session)
        token = token_of(cookies)
        if own is None or not token or token_of(own) != token or session not in _expected:
            return PlainTextResponse("this page takes no files", 403)
        if size is None:
            return None
        with self._guard:
            held = self._files.held() + self._arriving
            if held[session] + size > _SESSION_BYTES:
                return PlainTextResponse("too many files at once: reload the page", 413)
            if held.total() + size > _ALL_BYTES:
                return PlainTextResponse("others are sending files: try again in a minute", 503)
            self._arriving[session] += size
        return None
