"""Public holidays of a workplace, of its departments and of single people."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from functools import lru_cache, partial

from engine.attendance.shift_rules import closeness
from engine.config import HolidaysConfig
from engine.errors import ConfigError


class PublicHolidays:
    """Holidays by day, for everybody or for one of the groups in the settings.

    Args:
        language: of their names, as far as they are known in it; otherwise they are in the country's own. What the machine's locale says
            does not count, so that a sheet reads the same wherever it is made.
    """

    def __init__(self, config: HolidaysConfig, language: str = "en") -> None:
        self._config, self.language = config, language
        self.on = lru_cache(maxsize=20_000)(self._on)
        """Name of the holiday of a group (empty: everybody else) on a day; empty: none."""

    def of(self, employee_id: str, department: str, day: date) -> str:
        """The name of somebody's holiday; empty on other days.

        Raises:
            ConfigError: the country or subdivision is not known, or the package is missing.
        """
        ranked = [
            (rank, place, name)
            for place, (name, group) in enumerate(self._config.groups.items())
            if (rank := closeness(group, employee_id, department)) is not None
        ]
        return self.on(min(ranked)[2] if ranked else "", day)

    def _on(self, name: str, day: date) -> str:
        general, group = self._config, self._config.groups.get(name)
        own = group or general
        for extra in (own.extra, general.extra):
            if day in extra:
                return extra[day]
        country = own.country or general.country
        if not country or day in own.working or day in general.working:
            return ""
        subdivision = own.subdivision or (general.subdivision if country == general.country else "")
        return _calendar(country, subdivision, self.language).get(day, "") or ""


@lru_cache
def _calendar(country: str, subdivision: str, language: str) -> Mapping[date, str]:
    try:
        import holidays  # noqa: PLC0415 - optional, and slow to import
    except ImportError as error:
        raise ConfigError("public holidays need the package `holidays`", hint="pip install 'muster[office]'") from error
    try:
        make = partial(holidays.country_holidays, country, subdiv=subdivision or None)
        own, known = make().default_language, make().supported_languages
        found: Mapping[date, str] = make(language=next((each for each in known if each.split("_")[0] == language), own))
    except (NotImplementedError, AttributeError, KeyError) as error:
        raise ConfigError(
            f"no holidays are known for {country} {subdivision}".rstrip(),
            hint="give ISO 3166 codes such as country = 'DE', subdivision = 'BE'",
        ) from error
    return found
