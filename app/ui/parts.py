"""Building blocks of pages. User texts (names, notes, file names) never become markup: `plain` for Streamlit's labels,
`markup` for HTML.
"""

from __future__ import annotations

import contextlib
import functools
import string
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, ParamSpec

import streamlit as st
from markupsafe import Markup

from app.ui.address import put
from app.web import access, pictures
from app.web.below import at
from app.words import capital, said, say, say_number, sentence, term
from app.words.terms import N_
from engine.access import PASSWORD_LENGTH
from engine.errors import MusterError, Unreachable

P = ParamSpec("P")
picture, portrait = pictures.picture, pictures.portrait

Tone = Literal["good", "warn", "bad", "info", "quiet"]

_STATUS: dict[str, tuple[Tone, str]] = {
    "on time": ("good", "●"),
    "present": ("good", "●"),
    "as planned": ("good", "●"),
    "inside": ("good", "◉"),
    "possibly inside": ("info", "◎"),
    "late": ("warn", "▲"),
    "left early": ("warn", "▼"),
    "late, left early": ("warn", "▲"),
    "half day": ("warn", "◧"),
    "missing out": ("warn", "◐"),
    "missing in": ("warn", "◑"),
    "absent": ("bad", "■"),
    "not yet": ("quiet", "○"),
    "not covered": ("info", "▨"),
    "not identified": ("info", "?"),
    "not enrolled": ("info", "◌"),
    "holiday": ("quiet", "–"),
    "day off": ("quiet", "–"),
    "on leave": ("quiet", "▬"),
    "remote": ("quiet", "□"),
    "sick": ("quiet", "+"),
    "excused": ("quiet", "✓"),
    N_("approved"): ("good", "✓"),
    N_("pending"): ("warn", "?"),
    N_("overdue"): ("bad", "□"),
    N_("awaiting approval"): ("info", "✎"),
    N_("long day"): ("warn", "◷"),
    "corrected": ("quiet", "✎"),
    "open": ("bad", "■"),
    "acknowledged": ("warn", "◐"),
    "resolved": ("good", "●"),
    "false alarm": ("quiet", "○"),
    "high": ("bad", "▲"),
    "medium": ("warn", "◆"),
    "low": ("quiet", "◇"),
    "info": ("quiet", "○"),
    N_("active"): ("good", "●"),
    N_("inactive"): ("quiet", "○"),
    N_("valid"): ("good", "●"),
    N_("expired"): ("quiet", "○"),
    N_("revoked"): ("quiet", "–"),
    N_("withdrawn"): ("quiet", "–"),
    N_("no templates"): ("warn", "▲"),
    N_("few pictures"): ("warn", "△"),
    N_("no consent"): ("warn", "◆"),
    N_("not in the list"): ("warn", "?"),
    N_("good"): ("good", "●"),
    "fair": ("quiet", "◐"),
    N_("poor"): ("warn", "○"),
    N_("watching"): ("good", "◉"),
    N_("not watching"): ("bad", "■"),
    N_("never seen"): ("quiet", "○"),
    N_("ready"): ("good", "●"),
    N_("missing"): ("bad", "■"),
    N_("damaged"): ("bad", "■"),
    N_("ok"): ("good", "●"),
    N_("wrong"): ("bad", "■"),
    N_("advice"): ("warn", "▲"),
    N_("noted"): ("quiet", "–"),
    "watched": ("warn", "◎"),
    "ignored": ("quiet", "–"),
    "named": ("good", "●"),
    N_("passed"): ("good", "●"),
    N_("unproven"): ("quiet", "○"),
    N_("failed"): ("bad", "■"),
    N_("running"): ("good", "●"),
    N_("starting"): ("warn", "◐"),
}

_ESCAPED = str.maketrans({sign: f"\\{sign}" for sign in string.punctuation if sign != ":"} | {":": "\\:\u2060"})


def plain(text: object) -> str:
    """Escape a text for Streamlit's labels: no Markdown, links or symbols."""
    return " ".join(said(text).split()).translate(_ESCAPED)


def markup(template: str, **values: object) -> Markup:
    """HTML with values put in escaped; the template is trusted, with `{name}` for each."""
    return Markup(template).format(**values)


def _commands(text: str) -> Markup:
    """A text whose commands, such as `muster verify`, are drawn as such."""
    pieces = text.split("`")
    if not len(pieces) % 2:
        return markup("{text}", text=text)
    return joined(
        markup("<code>{text}</code>" if place % 2 else "{text}", text=piece) for place, piece in enumerate(pieces)
    )


def html(body: Markup) -> None:
    """Show HTML made with `markup`."""
    st.html(str(body))


def show(template: str, **values: object) -> None:
    """Show HTML with values put in escaped, see `markup`."""
    html(markup(template, **values))


def sign_out(text: str) -> None:
    """A button that ends the session: a form, because a link of another site could sign people out."""
    show(
        '<form method="post" action="{place}"><button class="m-link">{text}</button></form>',
        place=at("/sign-out"),
        text=text,
    )


def soft(text: object) -> None:
    """Show a line of small print. Unlike Streamlit's captions, it escapes user texts itself."""
    show('<p class="m-soft">{text}</p>', text=text)


def joined(pieces: Iterable[str]) -> Markup:
    """Pieces of HTML one after the other; plain texts are escaped."""
    return Markup("").join(pieces)


def link(address: str, text: str, kind: str = "") -> Markup:
    """A link within the workbench, see `app.ui.address.to`; of kind `m-link` it is drawn as a button."""
    return markup('<a class="{kind}" href="{address}" target="_self">{text}</a>', kind=kind, address=address, text=text)


def table(heads: Sequence[object], rows: Iterable[Iterable[object]], kind: str = "") -> None:
    """Show a table; cells other than markup are escaped."""

    def line(tag: str, cells: Iterable[object]) -> Markup:
        return markup("<tr>{cells}</tr>", cells=joined(Markup(f"<{tag}>{{}}</{tag}>").format(cell) for cell in cells))

    show(
        '<table class="m-table {kind}"><thead>{head}</thead><tbody>{body}</tbody></table>',
        kind=kind,
        head=line("th", heads),
        body=joined(line("td", row) for row in rows),
    )


def plot(figure: object, key: str, alt: str, *, name: str = "", follow: Callable[[], None] | None = None) -> None:
    """Show a figure of `app.charts`, with a button that saves it as a picture.

    Args:
        figure: of Plotly. alt: what it shows, for those who do not see it.
        name: of the saved file, without its ending; by default the key.
        follow: is called when a point was chosen; what was chosen is in the session's state under the key.
    """
    from app.charts.theme import config  # noqa: PLC0415 - Plotly takes a moment to load

    shown = config(name or key)
    if follow is None:
        st.plotly_chart(figure, theme=None, config=shown, key=key, alt=alt)
    else:
        st.plotly_chart(figure, theme=None, config=shown, key=key, alt=alt, on_select=follow, selection_mode="points")


def choice(
    label: str,
    names: Mapping[str, str],
    key: str,
    address: str = "",
    *,
    required: bool = True,
    menu: bool = False,
    drops: str = "page",
    width: int | Literal["stretch"] = "stretch",
) -> str:
    """One of several views or ways; the first unless the user chose another.

    Args:
        names: labels by word, escaped with `plain` where users wrote them.
        address: parameter of the address that holds the word, which unlike the text is the same in every language.
        required: False: none need be chosen, and none is at first (empty).
        menu: instead of buttons.
        drops: a parameter of the address that another choice empties.
        width: of the menu, in pixels.
    """
    first = next(iter(names)) if required else ""
    asked = st.query_params.get(address) if address else st.session_state.get(key)
    st.session_state[key] = asked if asked in names else first or None

    def chosen() -> None:
        word = str(st.session_state[key] or "")
        put(**{address: "" if word == first else word, drops: ""})

    follow = chosen if address else None
    if menu:
        st.selectbox(label, list(names), format_func=names.__getitem__, key=key, on_change=follow, width=width)
    else:
        st.segmented_control(
            label,
            list(names),
            format_func=names.__getitem__,
            required=required,
            key=key,
            label_visibility="collapsed",
            on_change=follow,
        )
    return str(st.session_state[key] or first)


def items(lines: Iterable[object]) -> Markup:
    """The entries of a list; lines other than markup are escaped."""
    return joined(markup("<li>{line}</li>", line=line) for line in lines)


def bullets(lines: Iterable[object], kind: str = "") -> None:
    """Show a list; `kind`: further classes of the stylesheet."""
    show('<ul class="m-list {kind}">{items}</ul>', kind=kind, items=items(lines))


def facts(rows: Iterable[tuple[str, object]]) -> Markup:
    """Names and values, one below the other."""
    cells = joined(markup("<dt>{name}</dt><dd>{value}</dd>", name=name, value=value) for name, value in rows)
    return markup('<dl class="m-facts">{cells}</dl>', cells=cells)


def style() -> None:
    """The stylesheet of all pieces, once per page."""
    stylesheet("workbench")


def stylesheet(name: str) -> None:
    """One more stylesheet of `app/web/static`."""
    st.html(Path(__file__).parents[1] / "web" / "static" / f"{name}.css")


def component(name: str) -> Callable[..., Any]:
    """Declare what a script of `app/web/static` draws; its styles are the page's."""
    script = Path(__file__).parents[1] / "web" / "static" / f"{name}.js"
    return st.components.v2.component(f"muster-{name}", js=script.read_text(encoding="utf-8"), isolate_styles=False)


def face(source: str, side: int = 56, alt: str = "") -> Markup:
    """A square face."""
    return markup(
        '<img class="m-face" src="{source}" width="{side}" height="{side}" alt="{alt}" loading="lazy">',
        source=source,
        side=side,
        alt=alt,
    )


def captioned(face: Markup, caption: object) -> Markup:
    """A face with a text below."""
    return markup("<figure>{face}<figcaption>{text}</figcaption></figure>", face=face, text=caption)


def similarity_bar(
    similarity: float | None,
    threshold: float | None,
    runner_up: float | None = None,
    *,
    tone: Tone | None = None,
) -> Markup:
    """A similarity as a bar from 0 to 1 with the threshold drawn on it, and the runner-up as a dot; all are cosines.

    Unless another tone is asked for, it is good from the threshold on. Nothing is drawn without a similarity or a threshold.
    """
    if similarity is None or threshold is None:
        return Markup("")

    def place(value: float) -> str:
        return f"{100 * min(1.0, max(0.0, value)):.1f}%"

    second = markup('<i class="m-second" style="left:{x}"></i>', x=place(runner_up)) if runner_up is not None else ""
    text = say("similarity {a}, threshold {b}", a=say_number(similarity, 2), b=say_number(threshold, 2))
    if runner_up is not None:
        text += say(", next best {c}", c=say_number(runner_up, 2))
    return markup(
        '<span class="m-bar {tone}" role="img" aria-label="{text}" title="{text}"><b style="width:{width}"></b>{second}'
        '<i style="left:{line}"></i></span>',
        tone=f"m-{tone or ('good' if similarity >= threshold else 'warn')}",
        text=text,
        width=place(similarity),
        second=second,
        line=place(threshold),
    )


def new_password(label: str, key: str) -> str | None:
    """A field for a password that somebody chooses; what was typed."""
    return st.text_input(
        label,
        type="password",
        max_chars=200,
        key=key,
        autocomplete="new-password",
        help=say("At least {length} characters.", length=PASSWORD_LENGTH),
    )


def mark(word: str) -> str:
    """Sign and word of a status in the viewer's language, for tables."""
    return f"{_STATUS.get(word, ('quiet', '·'))[1]} {term(word)}" if word else ""


def tone(word: str) -> Tone:
    """The tone of a status."""
    return _STATUS.get(word, ("quiet", ""))[0]


def status(word: str, text: str = "") -> Markup:
    """A status as sign, word and colour; `text` is shown instead of the word's translation."""
    return markup(
        '<span class="m-status m-{tone}"><span aria-hidden="true">{sign}</span> {text}</span>',
        tone=tone(word),
        sign=_STATUS.get(word, ("quiet", "·"))[1],
        text=text or term(word),
    )


@dataclass(frozen=True)
class Metric:
    """One figure of a page's first line.

    Attributes:
        label: what it counts. value: the number. note: what it means; shown below, small. tone: of the number, unless it is 0.
        rows: address of the rows that it counts. chosen: whether these are shown.
    """

    label: str
    value: int | str
    note: str = ""
    tone: Tone = "quiet"
    rows: str = ""
    chosen: bool = False


def figures(*row: Metric) -> None:
    """The line of figures at the top of a page."""

    def cell(each: Metric) -> Markup:
        leads = bool(each.rows and each.value)
        return markup(
            '<{tag} class="m-figure"><span>{label}</span><strong class="m-{tone}">{value}</strong><small>{note}</small></{end}>',
            tag=markup(
                'a href="{rows}"{now}', rows=each.rows, now=Markup(' aria-current="true"' if each.chosen else "")
            )
            if leads
            else "div",
            end="a" if leads else "div",
            label=each.label,
            tone=each.tone if each.value else "quiet",
            value=say_number(each.value) if isinstance(each.value, int) else each.value,
            note=each.note,
        )

    cells = joined(map(cell, row))
    show('<div class="m-figures">{cells}</div>', cells=cells)


def paged(count: int, size: int) -> slice:
    """The slice of items on the page that the address asks for, with page controls when there are several."""
    pages = max(1, -(-count // size))
    text = st.query_params.get("page", "1")
    page = min(pages, max(1, int(text))) if text.isascii() and text.isdecimal() and len(text) < 6 else 1
    if pages > 1:
        key = f"page-{page}-{pages}"  # one widget per value in the address
        st.pagination(pages, default=page, key=key, on_change=lambda: put(page=str(st.session_state[key])))
    return slice((page - 1) * size, page * size)


def window(*names: str) -> None:
    """Name the browser's tab, the innermost first."""
    st.set_page_config(page_title=" · ".join((*names, "Muster")))


def notice(title: str, why: str, *, tone: Tone = "quiet", action: Callable[[], object] | None = None) -> None:
    """A notice for an empty, first-use or error state: what is missing, why it matters, and the button that `action` draws."""
    with st.container(border=True):
        body = '<div class="m-notice m-{tone}"><h2>{title}</h2><p>{why}</p></div>'
        show(body, title=capital(said(title)), why=_commands(sentence(said(why))), tone=tone)
        if action is not None:
            action()


def guarded(page: Callable[P, None]) -> Callable[P, None]:
    """Decorate a page, fragment or callback: set the viewer, and show expected errors with a next step."""

    @functools.wraps(page)
    def shown(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            access.look()
            page(*args, **kwargs)
        except MusterError as error:
            failed(error)

    return shown


@contextlib.contextmanager
def told() -> Iterator[None]:
    """Show an expected error where the action was, and continue with the page."""
    try:
        yield
    except MusterError as error:
        st.error(plain(error), icon=":material/error:")


def done(text: str) -> None:
    """Confirm an action and rerun the page."""
    st.toast(text, icon=":material/check:")
    st.rerun()


def failed(error: MusterError) -> None:
    """Show an expected error as a notice with a next step."""
    if isinstance(error, Unreachable):  # only users of the System page may learn the database's address
        notice(
            say("The database does not answer"),
            say(
                "Try again in a moment. Muster keeps what the cameras see until then. If it persists, tell your administrator."
            ),
            tone="bad",
        )
    else:
        notice(error.message, error.hint, tone="bad")
