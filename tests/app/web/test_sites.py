"""Several sites behind one sign-in: who sees which, in every page, route and file; and what is away or broken takes nobody else down."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from command import muster
from pages import open_page, signed_in, texts
from paperwork import enrol, face, picture, stranger
from postgres import Server
from sites import Place
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.testclient import TestClient
from streamlit.testing.v1 import AppTest
from waiting import until

from app.web import pictures, server, services, streams
from app.web.gate import Gate
from app.web.sessions import COOKIE
from engine.access import find_sites, site_names
from engine.attendance import Sighting
from engine.errors import InputError, StorageError
from engine.imaging import write_jpeg
from engine.types import Identity, TrackState
from engine.workbench import Workbench

MAIN = Path(__file__).parents[3] / "app" / "main.py"
MOMENT = datetime(2025, 3, 14, 8, 57, tzinfo=UTC)
DAY = "2025-03-14"
BERLIN, TOKYO = ("Anna Adler", "09:57"), ("Aiko Abe", "17:57")
"""Who bears the number E1 there, and what their clock said when they came."""
VIEWS = ("live", "attendance", "alerts", "people", "registration", "tuning", "system")


def fill(bench: Workbench, name: str, shade: int) -> None:
    """One person, called E1 at every site, who came once, and one alert; each with pictures in a shade of the site's own."""
    enrol(bench, "E1", name, face(1, 0))
    best = bench.gallery.current().best_template("E1")
    assert best is not None
    write_jpeg(bench.registrar.picture(best), picture(shade))
    write_jpeg(bench.workspace / "images" / "unknown" / "x.jpg", picture(shade))
    identity = Identity(TrackState.KNOWN, "E1", 4, 5, 0.9, None, None, None, 0.5)
    bench.attendance.record(Sighting("E1", MOMENT, "door", "t1", identity, "model", 1), bench.people.known())
    stranger(bench, face(0, 1), MOMENT, track="t9")


def settings(folder: Path, site: str, zone: str, more: str = "") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "muster.toml").write_text(f'site = "{site}"\ntimezone = "{zone}"\n{more}')
    return folder


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Berlin, with Tokyo behind the same sign-in."""
    settings(tmp_path, "berlin", "Europe/Berlin")
    camera = '[cameras.gate]\nsource = "/nowhere/gate.mp4"\n'
    settings(tmp_path / "sites" / "tokyo", "tokyo", "Asia/Tokyo", camera)
    monkeypatch.setenv("MUSTER_WORKSPACE", str(tmp_path))
    fill(services.bench("berlin"), BERLIN[0], 40)
    fill(services.bench("tokyo"), TOKYO[0], 220)
    return tmp_path


def account(role: str, *sites: str) -> None:
    """An account that is called like its role."""
    services.home().accounts.add(role, role, email=f"{role}@example.com", language="en", sites=sites)


def shown(page: AppTest) -> str:
    """Everything on a page, tables, choices and addresses of pictures included."""
    assert not page.exception
    tables = [table.value.to_csv() for table in page.dataframe]
    chosen = [str(each.value) for each in page.selectbox]
    return "\n".join([texts(page), *tables, *chosen])


def opened(workspace: Path, monkeypatch: pytest.MonkeyPatch, role: str, **query: str) -> AppTest:
    """The whole workbench, frame and all."""
    signed_in(workspace, monkeypatch, role)
    page = AppTest.from_file(str(MAIN), default_timeout=60)
    for name, value in {"camera": "still", **query}.items():  # no browser here whose camera could be asked for
        page.query_params[name] = value
    return page.run()


# --------------------------------------------------------------------------------------------- accounts


def test_sites_are_given_by_command_and_a_slip_is_told(home: Path) -> None:
    def users(*arguments: str) -> str:
        answer = muster("users", *arguments, "--workspace", home)
        return answer.err if answer.code else answer.out

    users("add", "ada", "--role", "admin", "--email", "a@example.com", "--without-password")
    bob = ("add", "bob", "--role", "hr", "--email", "b@example.com", "--without-password")
    assert "choose from berlin, tokyo, or * for all" in users(*bob, "--sites", "tokio")
    users(*bob, "--sites", "berlin, tokyo")
    epoch = services.home().accounts.all()["bob"].epoch
    users("set", "bob", "--sites", "tokyo")
    assert services.home().accounts.all()["bob"].epoch == epoch + 1, "running sessions end"
    listed = {row["name"]: row["sites"] for row in json.loads(users("list", "--json"))}
    assert listed == {"ada": [], "bob": ["tokyo"]}
    users("set", "bob", "--sites", "")
    assert services.home().accounts.all()["bob"].sites == ()
    assert "sites tokyo" in (home / "log" / "audit.csv").read_text()


# --------------------------------------------------------------------------------------------- folders


def test_a_broken_site_is_named_and_takes_no_other_down(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sites = home / "sites"
    settings(sites / "oslo", "bergen", "Europe/Oslo")
    settings(sites / "rome", "rome", "Europe/Atlantis")
    settings(sites / "berlin", "berlin", "Europe/Berlin")
    (sites / "paris").mkdir()
    (sites / "Bad Name").mkdir()
    (sites / ".trash").mkdir()
    (sites / "note.txt").write_text("x")
    (sites / "lima").mkdir()
    (sites / "lima" / "muster.toml").write_text("site = [")
    found = find_sites(home, "berlin")
    assert found.names == ("berlin", "tokyo")
    assert {name: problem.message.rpartition("/")[2] for name, problem in found.problems.items()} == {
        "oslo": "oslo should hold the site oslo, but its setting `site` is bergen",
        "rome": found.problems["rome"].message.rpartition("/")[2],
        "berlin": "berlin has the name of the workspace's own site",
        "paris": "paris has no muster.toml",
        "Bad Name": "Bad Name has no muster.toml",
        "lima": found.problems["lima"].message.rpartition("/")[2],
    }
    assert "Atlantis" in found.problems["rome"].message
    assert all(problem.hint for problem in found.problems.values())
    services._sites.cache_clear()
    account("admin", "*")
    page = open_page("system", home, monkeypatch, "admin")
    assert "Muster skips the site “oslo”" in shown(page)
    assert "bergen" in shown(page)
    assert TOKYO[0] in shown(open_page("people", home, monkeypatch, "admin", query={"site": "tokyo"}))
    assert "muster.toml" in shown(open_page("system", home, monkeypatch, "admin", query={"site": "tokyo"}))


def test_without_further_folders_there_is_one_site_and_no_word_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert site_names(tmp_path, "main") == ("main",)
    page = opened(tmp_path, monkeypatch, "admin")
    assert "times in" not in shown(page)
    assert [each.label for each in page.selectbox if each.label == "Site"] == []
    assert "site" not in page.query_params
    page = open_page("system", tmp_path, monkeypatch, "admin", query={"part": "users"})
    assert [each.label for each in page.multiselect if each.label == "Sites"] == []


# --------------------------------------------------------------------------------------------- pages


@pytest.mark.parametrize("view", VIEWS)
def test_who_sees_one_site_sees_nothing_of_another_on_any_page(
    home: Path, monkeypatch: pytest.MonkeyPatch, view: str
) -> None:
    account("admin", "*")
    for role, unknown in (("hr", "../tokyo"), ("security", "<b>")):
        account(role, "tokyo")
        page = open_page(view, home, monkeypatch, role, query={"from": DAY, "person": "E1"})
        assert BERLIN[0] not in shown(page)
        assert "berlin" not in shown(page).lower()
        page = open_page(view, home, monkeypatch, role, query={"from": DAY, "person": "E1", "site": "berlin"})
        told = shown(page)
        assert "You have no access to the site berlin" in told or "Your role" in told
        assert not {BERLIN[0], TOKYO[0]} & set(told.split("\n"))
        assert "E1" not in told
        told = shown(open_page(view, home, monkeypatch, role, query={"site": unknown}))
        assert f"You have no access to the site {unknown.replace('<b>', '&lt;b&gt;')}" in told or "Your role" in told


def test_pages_show_the_site_of_the_address_with_its_own_people_and_clock(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    account("admin", "*")
    for _ in range(2):  # the second time from whatever was kept
        for site, (name, clock), other in (("berlin", BERLIN, TOKYO), ("tokyo", TOKYO, BERLIN)):
            for view, query in (
                ("attendance", {"from": DAY}),
                ("attendance", {"person": "E1", "day": DAY}),
                ("people", {}),
            ):
                found = shown(open_page(view, home, monkeypatch, "admin", query={**query, "site": site}))
                assert name in found
                assert other[0] not in found
                if view == "attendance":
                    assert clock in found
                    assert other[1] not in found
            incident = services.bench(site).alerts.all()[0].row.incident_id
            found = shown(open_page("alerts", home, monkeypatch, "admin", query={"site": site, "incident": incident}))
            assert clock in found
            assert other[1] not in found
            stray = shown(
                open_page("alerts", home, monkeypatch, "admin", query={"site": site, "incident": f"{incident}x"})
            )
            assert "Alert not found" in stray
            assert ("site=tokyo" in found) == (site == "tokyo"), (
                "pictures are asked for at the site, home needs no word"
            )


def test_an_address_of_one_sites_alert_shows_nothing_at_another(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    account("security", "tokyo")
    berlin = services.bench("berlin")
    incident = berlin.alerts.all()[0].row.incident_id
    dossier = berlin.strangers.current().people[0]
    if incident != services.bench("tokyo").alerts.all()[0].row.incident_id:
        assert "Alert not found" in shown(
            open_page("alerts", home, monkeypatch, "security", query={"incident": incident})
        )
    for query in ({"incident": incident}, {"dossier": dossier}):
        told = shown(open_page("alerts", home, monkeypatch, "security", query={**query, "site": "berlin"}))
        assert "You have no access to the site berlin" in told


def test_the_frame_names_the_site_and_lets_those_switch_who_may(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    account("admin", "*")
    account("viewer", "tokyo")
    page = opened(home, monkeypatch, "viewer")
    assert "times in Asia/Tokyo" in shown(page)
    assert [each for each in page.selectbox if each.label == "Site"] == []
    page = opened(home, monkeypatch, "admin")
    assert "times in Europe/Berlin" in shown(page)
    assert page.query_params["site"] == "berlin"
    page.session_state["attendance-made"] = "a file of Berlin"
    page.session_state["export"] = "another"
    page.selectbox(key="site-switch").select("tokyo").run()
    assert "times in Asia/Tokyo" in shown(page)
    assert page.query_params == {"site": "tokyo"}
    assert "export" not in page.session_state, "what was made at one site is gone at another"
    del page.query_params["site"]  # as the menu does
    page.run()
    assert page.query_params["site"] == "tokyo", "it is remembered from page to page"


def test_an_address_of_a_foreign_site_leads_back_to_ones_own(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    account("admin", "*")
    account("hr", "tokyo")
    page = opened(home, monkeypatch, "hr", site="berlin")
    assert "You have no access to the site “berlin”" in shown(page)
    assert "Arrivals today" not in shown(page)
    page.button(key="own-site").click().run()
    assert "times in Asia/Tokyo" in shown(page)
    assert "Arrivals today" in shown(page)


# --------------------------------------------------------------------------------------------- in the middle of a session


def test_a_site_that_is_taken_away_is_gone_with_the_next_click(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    account("admin")
    account("hr", "berlin", "tokyo")
    page = open_page("people", home, monkeypatch, "hr", query={"site": "tokyo", "person": "E1"})
    assert TOKYO[0] in shown(page)
    services.home().accounts.change("hr", sites=["berlin"])
    page.run()
    assert "you are signed out" in shown(page).casefold()
    assert TOKYO[0] not in shown(page)
    page = open_page("people", home, monkeypatch, "hr", query={"site": "tokyo", "person": "E1"})
    assert "You have no access to the site tokyo" in shown(page)
    assert BERLIN[0] in shown(open_page("people", home, monkeypatch, "hr"))


ASKING = """
import streamlit as st
from app.web import access
access.enter()
st.session_state["still"] = access.lasting("live.camera")
bench, author = access.acting("people.edit")
bench.audit.note("tried", "E1", "", author=author, now=bench.clock())
st.text(f"{bench.config.site} {access.colleagues('alerts.review')} {access.may('system.manage')}")
"""


def test_what_is_done_at_a_site_is_written_there_and_rights_end_with_it(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    account("admin", "tokyo", "berlin")
    account("hr", "tokyo")
    account("security", "tokyo")
    signed_in(home, monkeypatch, "hr")
    page = AppTest.from_string(ASKING, default_timeout=30).run()
    assert page.text[0].value == "tokyo ['admin', 'security'] False"
    still = page.session_state["still"]
    assert still()
    noted = [
        [row.author for row in services.bench(site).audit.read() if row.action == "tried"]
        for site in ("berlin", "tokyo")
    ]
    assert noted == [[], ["hr"]]
    services.home().accounts.change("hr", sites=["berlin"])
    assert not still(), "a camera that goes on without its page stops"


def test_users_are_changed_by_administrators_who_see_home_wherever_they_are(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    account("admin", "*")
    query = {"part": "users", "site": "tokyo"}
    page = open_page("system", home, monkeypatch, "admin", query=query)
    page.text_input(key="new_name").input("kenji")
    page.text_input(key="new_password").input("correct horse battery")
    page.multiselect(key="new_sites").select("tokyo")
    next(each for each in page.button if each.label == "Add").click().run()
    assert not page.exception
    assert services.home().accounts.all()["kenji"].sites == ("tokyo",)
    assert services.bench("tokyo").accounts.all() == {}, "accounts are kept at home"
    assert "add_user" in [row.action for row in services.home().audit.read()]
    page = open_page("system", home, monkeypatch, "admin", query=query)
    page.selectbox(key="user").select("kenji").run()
    page.multiselect(key="sites-of-kenji").select("berlin")
    next(each for each in page.button if each.label == "Save").click().run()
    assert services.home().accounts.all()["kenji"].sites == ("tokyo", "berlin")
    services.home().accounts.add("local", "admin", email="l@example.com", sites=["tokyo"])
    page = open_page("system", home, monkeypatch, "local", query=query)
    assert "users" not in page.segmented_control(key="part").options
    assert [each.label for each in page.multiselect if each.label == "Sites"] == []


# --------------------------------------------------------------------------------------------- routes


@pytest.fixture
def client(home: Path) -> Iterator[TestClient]:
    """A browser before the routes of our own, behind the gate."""
    app = Starlette(routes=[*pictures.routes, *streams.routes], middleware=[Middleware(Gate)])
    with TestClient(app, base_url="http://127.0.0.1:8501") as found:
        yield found


def as_role(client: TestClient, role: str) -> None:
    client.cookies[COOKIE] = services.sessions().begin(services.home().accounts.all()[role])


ROUTES = ("/picture/images/unknown/x.jpg?side=56", "/portrait?id=E1&side=56", "/camera?name=gate", "/cameras?name=gate")


@pytest.mark.parametrize("path", ROUTES)
@pytest.mark.parametrize("role", ["hr", "security", "viewer", "admin"])
def test_no_route_serves_a_site_to_who_does_not_see_it(client: TestClient, path: str, role: str) -> None:
    account("admin")
    if role != "admin":
        account(role)
    as_role(client, role)
    for foreign in ("tokyo", "oslo", "../sites/tokyo", "*", "sites/tokyo"):
        answer = client.get(
            path, params={**dict(part.split("=") for part in path.partition("?")[2].split("&")), "site": foreign}
        )
        assert answer.status_code in {403, 404}, foreign
        assert answer.headers["content-type"].startswith("text/plain")
    services.home().accounts.change(role, sites=["tokyo", "berlin"] if role == "admin" else ["tokyo"])
    as_role(client, role)
    if role != "admin":
        assert client.get(path).status_code in {403, 404}, "home is not theirs any more"
        assert client.get(f"{path}&site=berlin").status_code in {403, 404}


def test_pictures_of_two_sites_with_the_same_names_are_not_confused(client: TestClient) -> None:
    account("admin", "*")
    as_role(client, "admin")
    for path in ROUTES[:2]:
        seen = {site: client.get(f"{path}&site={site}").content for site in ("berlin", "tokyo", "berlin")}
        shades = {site: _shade(content) for site, content in seen.items()}
        assert abs(shades["berlin"] - 40) < 6
        assert abs(shades["tokyo"] - 220) < 6
    assert client.get("/picture/sites/tokyo/images/unknown/x.jpg").status_code == 404
    assert client.get("/picture/images/../sites/tokyo/images/unknown/x.jpg").status_code == 404
    assert client.get("/camera?name=gate").status_code == 404, "home has no such camera"
    assert client.get("/cameras?name=gate").status_code == 404
    for query in ("", "name=gate&name=none", "&".join(f"name=c{number}" for number in range(10))):
        assert client.get(f"/cameras?{query}&site=tokyo").status_code == 404, "what is not there, or too many"
    assert list(services.cameras("tokyo")) == ["gate"]


def _shade(content: bytes) -> float:
    import cv2

    return float(cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR).mean())


# --------------------------------------------------------------------------------------------- the server


def test_house_is_kept_at_every_site_that_can_be_opened(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "_AGAIN_S", 0.2)
    real, tries = services.bench, []

    def bench(site: str) -> Workbench:
        if site == "tokyo" and len(tries) < 2:
            tries.append(site)
            raise StorageError("not mounted yet")
        return real(site)

    monkeypatch.setattr(services, "bench", bench)
    with contextlib.ExitStack() as stack:
        server._attend(stack)
        for workspace in (home, home / "sites" / "tokyo"):
            until(lambda workspace=workspace: _closed(workspace))  # type: ignore[misc]
    assert len(tries) == 2


def _closed(workspace: Path) -> bool:
    """The day on which somebody came stands among those that are over."""
    path = workspace / "log" / "seals.csv"
    return path.exists() and DAY in path.read_text()


def test_networks_are_opened_once_for_all_sites(home: Path) -> None:
    del home
    assert services.bench("tokyo").models is services.home().models
    assert services.bench("berlin") is services.home()
    with pytest.raises(InputError, match="no site 'oslo'"):
        services.bench("oslo")


@pytest.mark.models
def test_two_sites_work_with_the_same_networks_in_memory(home: Path) -> None:
    del home
    models = services.home().models
    assert models.mtcnn()[0] is models.mtcnn()[0]
    for name in services.home().spec.parts:
        assert models.embedder(name) is models.embedder(name)


# --------------------------------------------------------------------------------------------- a database


def test_two_sites_in_one_database_and_pages_when_it_is_away(
    postgres: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = Place(postgres, tmp_path)
    place.add_site("tokyo", "Asia/Tokyo")
    workspace = place.workspace("home")
    place.workspace("home/sites/tokyo", "tokyo", timezone="Asia/Tokyo")
    text = (workspace / "sites" / "tokyo" / "muster.toml").read_text()
    (workspace / "sites" / "tokyo" / "muster.toml").write_text(text.replace('"home/sites/tokyo"', '"tokyo"'))
    monkeypatch.setenv("MUSTER_WORKSPACE", str(workspace))
    fill(services.bench("main"), BERLIN[0], 40)
    fill(services.bench("tokyo"), TOKYO[0], 220)
    account("admin", "*")
    account("hr", "tokyo")
    try:
        found = shown(open_page("attendance", workspace, monkeypatch, "hr", query={"from": DAY}))
        assert TOKYO[0] in found
        assert TOKYO[1] in found
        assert BERLIN[0] not in found
        assert "You have no access to the site main" in shown(
            open_page("attendance", workspace, monkeypatch, "hr", query={"site": "main"})
        )
        system = {"part": "workspace", "site": "tokyo"}
        found = shown(open_page("system", workspace, monkeypatch, "admin", query=system))
        assert "owner" in found
        postgres.kill()
        try:
            bench = services.bench("tokyo")
            identity = Identity(TrackState.KNOWN, "E1", 4, 5, 0.9, None, None, None, 0.5)
            late = Sighting("E1", datetime.now(UTC), "door", "t2", identity, "model", 1)
            assert bench.attendance.record(late, bench.people.known()) is not None
            for view in VIEWS:
                for query in ({"person": "E1", "day": DAY}, {"part": "check"}, {"part": "audit"}):
                    more = {"camera": "still", "site": "tokyo", **query}
                    found = shown(open_page(view, workspace, monkeypatch, "admin", query=more))
                    assert view == "system" or "postgresql" not in found
            found = shown(open_page("system", workspace, monkeypatch, "admin", query=system))
            assert "not usable" in found
            assert "rows: 1" in found
            assert "check the network and the server" in found
            shown(opened(workspace, monkeypatch, "admin", site="tokyo"))
        finally:
            postgres.start()
    finally:
        for site in ("main", "tokyo"):
            services.bench(site).store.close()
