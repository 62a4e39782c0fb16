"""New sites of an installation, in the name of somebody."""

from __future__ import annotations

import re

from engine.access import site_names
from engine.access.sites import SITES_FOLDER
from engine.config import CONFIG_NAME, parse_config
from engine.errors import ConfigError, InputError
from engine.records.books import Records
from engine.storage import atomic_write, locked

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,39}")


class SitesDesk:
    """Adds sites below the workspace of the home site.

    Args:
        home: name of the workspace's own site.
    """

    def __init__(self, records: Records, home: str) -> None:
        self._records, self._home = records, home

    def add(self, name: str, timezone: str, *, author: str) -> None:
        """Make the folder of a site with its settings.

        Raises:
            InputError: the name or the zone cannot be used, or there is such a site.
            StorageError: the folder cannot be written.
        """
        workspace = self._records.workspace
        noted = self._records.names.author(author)
        if not _NAME.fullmatch(name):
            raise InputError(
                f"{name!r} cannot be the name of a site",
                hint="use small letters, digits, dot, underscore and hyphen, at most 40",
            )
        path = workspace / SITES_FOLDER / name / CONFIG_NAME
        text = f'site = "{name}"\ntimezone = "{timezone}"\n'
        try:
            parse_config(text, path)
        except ConfigError as error:
            raise InputError(error.message, hint="give another time zone") from error
        with locked(workspace / CONFIG_NAME):
            if name in site_names(workspace, self._home):
                raise InputError(f"there is a site {name} already", hint="choose another name")
            atomic_write(path, text.encode("utf-8"))
        self._records.note("add_site", name, timezone, author=noted)
