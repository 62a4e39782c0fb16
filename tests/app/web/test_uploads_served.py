"""Files that somebody sends to a real server until they are refused: what they cost in memory."""

from __future__ import annotations

import time
from collections import Counter
from contextlib import closing
from pathlib import Path

import httpx2
import pytest
from browser import Site, serve
from open_sockets import page
from waiting import until

from app.web.sessions import COOKIE

pytestmark = pytest.mark.slow

FILES, FILE_MB = 30, 59


def test_thirty_large_files_cost_no_more_than_their_quota(tmp_path: Path) -> None:
    content = bytes(FILE_MB * 1_000_000)
    with serve(tmp_path) as site:

        def send(client: httpx2.Client, session: str, count: int) -> Counter[int]:
            return Counter(
                client.put(f"/_stcore/upload_file/{session}/{number}", files={"file": ("x.jpg", content)}).status_code
                for number in range(count)
            )

        def signed_in(role: str) -> httpx2.Client:
            client = httpx2.Client(base_url=site.base, headers={"origin": site.base}, timeout=60)
            form = {"name": role, "password": Site.password(role)}
            assert client.post("/sign-in", data=form).status_code == 303
            client.get("/_stcore/health")  # it gives what Streamlit asks for beside a file
            client.headers["X-Xsrftoken"] = client.cookies["_streamlit_xsrf"]
            return client

        with closing(signed_in("security")) as taker, closing(signed_in("viewer")) as viewer:
            with (
                page(site, taker.cookies[COOKIE], "camera=still") as one,
                page(site, viewer.cookies[COOKIE], "camera=still") as other,
            ):
                before = site.memory_mb
                assert send(viewer, other, 3) == {403: 3}, "their page has no uploader"
                assert send(viewer, one, 1) == {403: 1}, "it is somebody else's page"
                told, most = send(taker, one, FILES), site.memory_mb
                assert told == {204: 2, 413: FILES - 2}
                print(f"{told}, +{most - before:.0f} MB")
                assert most - before < 400  # two files, and one that is being read
            begun = time.monotonic()
            until(lambda: site.memory_mb < most - 80, 40)
            print(f"freed {time.monotonic() - begun:.0f} s after the page was closed")
