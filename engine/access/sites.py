"""The sites that one workbench serves: its own workspace, and a folder below `sites/` for each other site."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from engine.config import CONFIG_NAME, load_config
from engine.errors import ConfigError

SITES_FOLDER = "sites"


@dataclass(frozen=True)
class Sites:
    """The sites that can be served.

    Attributes:
        home: name of the workspace's own site, which holds the accounts.
        folders: workspaces by name, home first, the others sorted by name.
        problems: why a folder below `sites/` is left out, by name.
    """

    home: str
    folders: Mapping[str, Path]
    problems: Mapping[str, ConfigError] = field(default_factory=dict)

    @property
    def names(self) -> tuple[str, ...]:
        """The names of all sites, home first."""
        return tuple(self.folders)


def _below(workspace: Path) -> list[Path]:
    try:
        return sorted(each for each in (workspace / SITES_FOLDER).iterdir() if each.is_dir() and each.name[0] != ".")
    except OSError:
        return []


def home_of(workspace: Path) -> Path:
    """Return the workspace that holds the accounts for a site: the one whose `sites/` it lies in, else itself."""
    folder = workspace.resolve()
    home = folder.parent.parent
    below = folder.parent.name == SITES_FOLDER and folder.name[:1] != "."
    return home if below and any((home / name).is_file() for name in (CONFIG_NAME, "accounts.json")) else workspace


def site_names(workspace: Path, home: str) -> tuple[str, ...]:
    """Return the name of every site, home first, without checking its settings."""
    return tuple(dict.fromkeys((home, *(folder.name for folder in _below(workspace)))))


def find_sites(workspace: Path, home: str) -> Sites:
    """Read the settings of every site; `workspace` and `home` are the home site's."""
    folders, problems = {home: workspace}, {}
    for folder in _below(workspace):
        try:
            _check(folder, home)
        except ConfigError as error:
            problems[folder.name] = error
        else:
            folders[folder.name] = folder
    return Sites(home, folders, problems)


def _check(folder: Path, home: str) -> None:
    """Check that a folder holds the site it is named after."""
    if folder.name == home:
        raise ConfigError(
            f"{folder} has the name of the workspace's own site", hint="rename the folder and its setting `site`"
        )
    if not (folder / CONFIG_NAME).is_file():
        raise ConfigError(f"{folder} has no {CONFIG_NAME}", hint=f'create it with site = "{folder.name}"')
    found = load_config(folder).site
    if found != folder.name:
        raise ConfigError(
            f"{folder} should hold the site {folder.name}, but its setting `site` is {found}",
            hint=f'set site = "{folder.name}" in its {CONFIG_NAME}, or rename the folder (MUSTER_SITE overrides the file)',
        )
