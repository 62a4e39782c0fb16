"""Files come only to pages that take them, and not more than memory holds."""

from __future__ import annotations

import dataclasses
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient
from streamlit.runtime import Runtime
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager
from streamlit.runtime.scriptrunner_utils.script_run_context import ScriptRunContext
from streamlit.runtime.uploaded_file_manager import UploadedFileRec

from app.web import uploads
from app.web.server import OPTIONS
from app.web.sessions import COOKIE
from app.web.uploads import Uploads

MB = 1_000_000


class Held:
    """A server's files, as far as the middleware asks for them."""

    def __init__(self) -> None:
        self.bytes: Counter[str] = Counter()

    def held(self) -> Counter[str]:
        return Counter(self.bytes)

    def cookie(self, session: str) -> str | None:
        return {"one": f"{COOKIE}=a", "two": f"{COOKIE}=b"}.get(session)


@pytest.fixture
def held() -> Held:
    return Held()


@pytest.fixture
def client(held: Held) -> Iterator[TestClient]:
    """The browser of session `one`, whose page takes files."""

    async def keep(request: Request) -> PlainTextResponse:
        size = len(await request.body())
        held.bytes[request.path_params["session"]] += size
        return PlainTextResponse("kept", 204)

    route = Route("/_stcore/upload_file/{session}/{file}", keep, methods=["PUT"])
    uploads._expected.add("one")
    yield TestClient(Starlette(routes=[route], middleware=[Middleware(Uploads, files=held)]), cookies={COOKIE: "a"})
    uploads._expected.begin("one")
    uploads._expected.end("one")


def put(client: TestClient, session: str, size: int, file: int = 0) -> int:
    return client.put(f"/_stcore/upload_file/{session}/{file}", content=bytes(size)).status_code


def test_a_page_that_takes_files_gets_them(client: TestClient, held: Held) -> None:
    assert put(client, "one", 5 * MB) == 204
    assert held.bytes == {"one": 5 * MB}


@pytest.mark.parametrize("session", ["two", "none", ""])
def test_no_other_session_gets_any(client: TestClient, held: Held, session: str) -> None:
    uploads._expected.add("none")
    assert put(client, session, MB) in {403, 404}
    assert not held.bytes
    uploads._expected.begin("none")
    uploads._expected.end("none")


def test_a_page_that_takes_no_files_any_more_gets_none(client: TestClient, held: Held) -> None:
    uploads._expected.begin("one")
    assert put(client, "one", 10) == 204  # while the page runs, nobody knows yet
    assert not uploads._expected.end("one")
    assert put(client, "one", 10) == 403


def test_sessions_that_have_ended_are_forgotten_in_the_end() -> None:
    expected = uploads._Expected()
    for number in range(uploads._MOST_SESSIONS):
        expected.add(f"session {number}")
    expected.add("session 0")  # its page runs once more
    expected.add("new")
    assert "new" in expected
    assert "session 0" in expected
    assert "session 1" not in expected
    assert "session 2" in expected


def test_a_file_of_unknown_length_is_refused(client: TestClient) -> None:
    answer = client.put("/_stcore/upload_file/one/1", content=iter([b"a", b"b"]))
    assert answer.status_code == 411


def test_thirty_files_of_twenty_megabytes_are_too_many(client: TestClient, held: Held) -> None:
    answers = Counter(put(client, "one", 20 * MB, number) for number in range(30))
    assert answers == {204: 6, 413: 24}
    assert held.bytes.total() == 120 * MB


class Slow(Counter[str]):
    """Lets other threads run between a look at what is held and what follows from it."""

    def __add__(self, other: Counter[str]) -> Counter[str]:  # type: ignore[override]
        total = super().__add__(other)
        time.sleep(0.001)
        return total


def test_files_that_come_side_by_side_have_the_same_limit(held: Held) -> None:
    uploads._expected.add("one")
    held.held = Slow  # type: ignore[method-assign]
    middleware = Uploads(Starlette(), held)
    with ThreadPoolExecutor(30) as threads:
        refusals = list(threads.map(lambda _: middleware._refusal("one", f"{COOKIE}=a", 20 * MB), range(30)))
    assert refusals.count(None) == 6
    uploads._expected.begin("one")
    uploads._expected.end("one")


def test_all_sessions_together_have_a_limit(client: TestClient, held: Held) -> None:
    held.bytes["others"] = 390 * MB
    assert put(client, "one", 20 * MB) == 503
    held.bytes["others"] = 0
    assert put(client, "one", 20 * MB) == 204


class Served:
    """Streamlit's runtime, as far as files ask for it: which sessions are connected."""

    def __init__(self) -> None:
        self.uploaded_file_mgr = MemoryUploadedFileManager("/upload")
        self.connected: set[str] = set()

    def is_active_session(self, session: str) -> bool:
        return session in self.connected


def test_files_of_a_session_that_comes_back_are_there_and_those_of_one_that_does_not_are_freed() -> None:
    runtime, now = Served(), [0.0]
    files = uploads._Streamlit(lambda: runtime, lambda: now[0])
    for session in ("stays", "returns", "leaves"):
        runtime.connected.add(session)
        runtime.uploaded_file_mgr.add_file(session, UploadedFileRec("f", "a.csv", "text/csv", b"1234"))
    runtime.connected -= {"returns", "leaves"}
    assert files.held() == {"stays": 4, "returns": 4, "leaves": 4}, "a connection that was lost for a moment"
    now[0] += 8
    runtime.connected.add("returns")
    assert files.held().total() == 12
    runtime.connected.discard("returns")
    now[0] += 14
    assert files.held() == {"stays": 4, "returns": 4}, "time counts from when it was lost last"
    now[0] += 16
    assert files.held() == {"stays": 4}


def test_streamlit_keeps_no_session_longer_than_its_files() -> None:
    assert OPTIONS["server.disconnectedSessionTTL"] < uploads._BACK_S


def test_streamlit_still_has_what_this_asks_it_for() -> None:
    manager = MemoryUploadedFileManager("/upload")
    manager.add_file("s", UploadedFileRec("f", "a.csv", "text/csv", b"1234"))
    assert {name: sum(len(file.data) for file in files.values()) for name, files in manager.file_storage.items()} == {
        "s": 4
    }
    assert callable(Runtime.get_client)
    assert "uploaded_file_mgr" in {field.name for field in dataclasses.fields(ScriptRunContext)}
