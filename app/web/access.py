"""The signed-in user, their site and their rights: the only way from a page to a workbench.

A page reads through `reading(action)` and acts through `acting(action)`. Both check the account again, so losing a role or a site
takes effect at the next click.

The site is part of the address, so that a link opens the same one; without it the previous page's site stays. Each run chooses its site
at the beginning (`enter`) and keeps it, so a click acts on the site that the user saw.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import streamlit as st

from app.ui.address import put
from app.web import services, viewer
from app.web.sessions import COOKIE
from engine.access import OF_HOME, Account, Session, Visitor
from engine.errors import MusterError
from engine.records import BindingDesk, note_export
from engine.workbench import Workbench

_SITE = "muster-site"
Content = TypeVar("Content", str, bytes)


class NotAllowed(MusterError):
    """The role does not allow it, the site is not theirs, or the session has ended."""


def account() -> Account | None:
    """The account that is signed in during this run of a page, or None."""
    return services.sessions().account(st.context.cookies.get(COOKIE))


def _sees(found: Account, name: str) -> bool:
    served = services.sites()
    return name in served.folders and found.sees(name, served.home)


def sites() -> list[str]:
    """The sites that the signed-in user may choose from, home first."""
    found = account()
    return [name for name in services.sites().names if found is not None and _sees(found, name)]


def every_site() -> list[str]:
    """All sites that an account can be given, including those that cannot be served right now."""
    served = services.sites()
    return [*served.names, *served.problems]


def enter() -> None:
    """Choose the site of this run: from the address, else from the previous run, else the user's first site."""
    theirs = sites()
    before = str(st.session_state.get(_SITE, ""))
    chosen = st.query_params.get("site") or (before if before in theirs else next(iter(theirs), ""))
    if before and chosen != before:
        st.session_state.clear()  # drafts, files and choices belong to the old site's people
    st.session_state[_SITE] = chosen
    if len(theirs) > 1:
        put(site=chosen)


def site() -> str:
    """The site of this run, which the user may have no right to see."""
    if _SITE not in st.session_state:
        enter()
    return str(st.session_state[_SITE])


def turn_to(name: str) -> None:
    """Switch to another site (a callback) and clear the address, whose values belong to the old site."""
    st.query_params.clear()
    put(site=name)


def theme() -> viewer.Theme:
    """The theme of the browser."""
    return "dark" if st.context.theme.type == "dark" else "light"


def look() -> None:
    """Set the viewer for words, figures and addresses; each run of a page, fragment or callback begins with this.

    The language is the account's, else the workspace's, else the browser's, else English.

    Raises:
        MusterError: the accounts cannot be read.
    """
    found, here = account(), site()
    wanted = (found.language if found else "") or services.home().config.app.language
    viewer.current.set(
        viewer.Viewer(
            wanted or (st.context.locale or "en").split("-")[0].lower(),
            theme(),
            "" if here == services.sites().home else here,
        )
    )


def _place(action: str) -> str:
    """The site of an action: home for what all sites share, otherwise the current site."""
    return services.sites().home if action in OF_HOME else site()


def may(action: str) -> bool:
    """Whether the signed-in user may do something here."""
    found = account()
    return found is not None and found.may(action) and _sees(found, _place(action))


def lasting(action: str) -> Callable[[], bool]:
    """A check, callable from any thread, of whether this session still has a right at this site."""
    token, sessions, place = st.context.cookies.get(COOKIE), services.sessions(), _place(action)

    def still() -> bool:
        found = sessions.account(token)
        return found is not None and found.may(action) and _sees(found, place)

    return still


def on_click(action: str, make: Callable[[], Content]) -> Callable[[], Content]:
    """What makes the file of a download on click, outside the page's run; it checks the right again and raises `NotAllowed`."""
    still = lasting(action)

    def made() -> Content:
        if not still():
            raise NotAllowed("your role does not allow this", hint="ask an administrator")
        return make()

    return made


def own() -> Account:
    """The account that is signed in.

    Raises:
        NotAllowed: nobody is.
    """
    if (found := account()) is None:
        raise NotAllowed("you are signed out", hint="reload the page and sign in")
    return found


def _entitled(action: str) -> tuple[Workbench, Account]:
    found, place = own(), _place(action)
    if action and not found.may(action):
        raise NotAllowed(f"your role ({found.role}) does not allow this ({action})", hint="ask an administrator")
    if not _sees(found, place):
        raise NotAllowed(
            f"you have no access to the site {place}",
            hint="choose one of your sites, or ask an administrator for access",
        )
    return services.bench_for(found, place), found


def reading(action: str) -> Workbench:
    """The workbench of the site, for reading under the right `action`; a manager's shows their departments only.

    Raises:
        NotAllowed: they may not.
    """
    return _entitled(action)[0]


def acting(action: str) -> tuple[Workbench, str]:
    """The workbench of the site and the author's name, to change something.

    Raises:
        NotAllowed: they may not.
    """
    bench, found = _entitled(action)
    return bench, found.name


def bound() -> bool:
    """Whether the signed-in user may read their own record at this site, because their account belongs to a person here."""
    return may("own.view") and services.bench(site()).bindings.person(own()) is not None


def person() -> str:
    """The id of the person of this site to whom the account belongs; empty: to nobody here."""
    found = services.bench(site()).bindings.person(own())
    return found.employee_id if found else ""


def oneself(action: str) -> tuple[Workbench, str, str]:
    """The whole workbench of the site, the id of the person to whom the account belongs, and the author's name.

    The id never comes from an address or a form. Callers show and change nothing but what belongs to that person.

    Raises:
        NotAllowed: the role does not allow it, or the account belongs to nobody here.
    """
    _, found = _entitled(action)
    bench = services.bench(_place(action))
    if (person := bench.bindings.person(found)) is None:
        raise NotAllowed("your account belongs to no person here", hint="ask HR for access to your record")
    return bench, person.employee_id, found.name


def bindings(action: str, place: str) -> BindingDesk:
    """The desk of a site that says whose record accounts read, for administrators of all sites.

    Raises:
        NotAllowed: they may not.
        InputError: there is no such site.
    """
    _entitled(action)
    return services.bench(place).bindings


def visiting() -> Workbench:
    """The whole workbench of the site, for the frame around every page, which shows no people.

    Raises:
        NotAllowed: nobody is signed in, or the site is not theirs.
    """
    _entitled("")
    return services.bench(site())


def viewed(action: str, subject: str, detail: str = "") -> None:
    """Record in the audit log that the signed-in user looks at something of this site, see `engine.records.Views`.

    Raises:
        NotAllowed: nobody is signed in.
    """
    found = own()
    session = services.sessions().key_of(_token())
    services.bench(site()).views.note(action, subject, detail, author=found.name, session=session)


def telling() -> Callable[[str, str, str, bytes], None]:
    """What `exported` does, callable from any thread."""
    records, author = services.bench(site()).records, own().name

    def tell(action: str, subject: str, detail: str, content: bytes) -> None:
        note_export(records, action, records.names.ids(subject), detail, content, author=records.names.author(author))

    return tell


def exported(action: str, subject: str, detail: str, content: bytes) -> None:
    """Record in the audit log that the signed-in user takes a file of this site away; call it before they get it.

    Raises:
        NotAllowed: nobody is signed in.
        StorageError: it could not be written.
    """
    telling()(action, subject, detail, content)


def colleagues(action: str) -> list[str]:
    """Who else may do something at this site."""
    return sorted(
        name
        for name, each in services.home().accounts.all().items()
        if each.may(action) and _sees(each, _place(action))
    )


def own_language(language: str) -> None:
    """Set the language of one's own account.

    Raises:
        NotAllowed: nobody is signed in.
        StorageError: it could not be written.
    """
    services.home().accounts.change(own().name, language=language)


def _token() -> str:
    return str(st.context.cookies.get(COOKIE) or "")


def own_sessions() -> tuple[str, list[Session]]:
    """The key of this session, and all sessions of one's own account, the one used last first."""
    sessions = services.sessions()
    return sessions.key_of(_token()), sessions.of(own())


def end_own(key: str = "") -> None:
    """End another session of one's own account by its key, or all others.

    Raises:
        NotAllowed: nobody is signed in.
        StorageError: it could not be written.
    """
    services.sessions().end_of(own(), key, but=_token())


def own_password(old: str, new: str) -> None:
    """Change one's own password; this session goes on, all others end.

    Raises:
        NotAllowed: nobody is signed in.
        InputError: the old password is wrong, or the new one cannot be used.
        StorageError: it could not be written.
    """
    sessions = services.sessions()
    changed = services.home().users.own_password(own(), old, new, sessions.key_of(_token()))
    sessions.keep(_token(), changed)


def own_factor(password: str, secret: str, code: str) -> list[str]:
    """Set up one's own second factor and return its recovery codes; this session goes on, all others end.

    Raises:
        NotAllowed: nobody is signed in.
        InputError: password or code is wrong.
        StorageError: it could not be written.
    """
    sessions, home, account = services.sessions(), services.home(), own()
    session = sessions.key_of(_token())
    home.accounts.check(account.name, password, home.clock(), Visitor(f"session {session}"))
    codes = home.users.enrol(account, secret, code)
    sessions.keep(_token(), home.accounts.all()[account.name])
    return codes
