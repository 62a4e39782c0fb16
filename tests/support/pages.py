"""Opens single pages of the workbench without a browser, signed in as somebody."""

from __future__ import annotations

import functools
from pathlib import Path

import pytest
from streamlit.components.v2 import manifest_scanner
from streamlit.runtime.context import ContextProxy
from streamlit.testing.v1 import AppTest

from app.web import services
from app.web.sessions import COOKIE
from engine.access import MANAGER
from engine.workbench import Workbench

__all__ = ["bench_of", "open_page", "signed_in", "texts"]

# each new AppTest looks through all installed packages for components, which takes longer than most pages
manifest_scanner.scan_component_manifests = functools.cache(manifest_scanner.scan_component_manifests)


def open_page(
    name: str,
    workspace: Path,
    monkeypatch: pytest.MonkeyPatch,
    role: str | None = "admin",
    *,
    language: str = "en",
    query: dict[str, str] | None = None,
) -> AppTest:
    """A page of `app/views`, run once as a role (None: nobody is signed in).

    Pages share the process's workbench of the workspace: `services.home()`.
    """
    signed_in(workspace, monkeypatch, role, language=language)
    script = (
        f"from app.web import access\nfrom app.ui import parts\nfrom app.views import {name}\n"
        f"access.enter()\nparts.style()\nparts.guarded({name}.show)()\n"
    )
    page = AppTest.from_string(script, default_timeout=30)
    for key, value in (query or {}).items():
        page.query_params[key] = value
    return page.run()


def signed_in(workspace: Path, monkeypatch: pytest.MonkeyPatch, role: str | None, *, language: str = "en") -> None:
    """Whoever looks from now on has the session of an account that is called like its role."""
    monkeypatch.setenv("MUSTER_WORKSPACE", str(workspace))
    accounts = services.home().accounts
    for each in ("admin", role):
        if each and each not in accounts.all():
            # known by address alone: hashing a password takes longer than most pages
            own = ("Lab",) if each == MANAGER else ()
            accounts.add(each, each, email=f"{each}@example.com", language=language, departments=own)
    cookies = {COOKIE: services.sessions().begin(accounts.all()[role])} if role else {}
    monkeypatch.setattr(ContextProxy, "cookies", property(lambda _self: cookies))


def texts(page: AppTest) -> str:
    """Everything that the page says, HTML included, for looking something up."""
    kinds = (
        "title",
        "header",
        "subheader",
        "markdown",
        "caption",
        "text",
        "error",
        "warning",
        "info",
        "success",
        "metric",
    )
    found = [str(getattr(each, "value", "")) for kind in kinds for each in page.get(kind)]
    found += [each.proto.body for each in page.get("html")]
    found += [
        str(getattr(each, "label", "")) for kind in ("button", "selectbox", "text_input") for each in page.get(kind)
    ]
    return "\n".join(found)


def bench_of(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> Workbench:
    """The workbench that pages of a workspace share in this process."""
    monkeypatch.setenv("MUSTER_WORKSPACE", str(workspace))
    return services.home()
