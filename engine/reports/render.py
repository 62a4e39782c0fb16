"""Printable pages: one self-contained HTML file, escaped, that loads nothing from elsewhere."""

from __future__ import annotations

from datetime import datetime

from engine.errors import ConfigError


def render(template: str, generated_at: datetime, **values: object) -> str:
    """A page from a template of this package.

    Args:
        template: file name in `templates/`.
        generated_at: timezone-aware; printed on the page.
        values: for the template. All are escaped except the charts, which the template marks as safe.

    Raises:
        ConfigError: the package that renders templates is not installed.
    """
    generated = f"{generated_at:%Y-%m-%d %H:%M} (UTC{generated_at.isoformat()[-6:]})"
    return render_plain(template, generated=generated, **values)


def render_plain(template: str, **values: object) -> str:
    """The same without the time at which it was made.

    Raises:
        ConfigError: see `render`.
    """
    try:
        import jinja2  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise ConfigError("printable pages need a further package", hint="pip install 'muster[office]'") from error
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("engine.reports"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template(template).render(**values)
