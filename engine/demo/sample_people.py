"""Made-up people for sample workspaces: names from many countries, departments, and habits."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from engine.people import Person

_GIVEN = (
    "Aaliyah",
    "Adaeze",
    "Agnieszka",
    "Aino",
    "Amara",
    "Anders",
    "Anjali",
    "Arjun",
    "Ayşe",
    "Beatriz",
    "Birgit",
    "Bojan",
    "Camille",
    "Chidi",
    "Chiara",
    "Dagny",
    "Daniela",
    "Dmitri",
    "Elif",
    "Emeka",
    "Emre",
    "Esther",
    "Fatima",
    "Femi",
    "Freya",
    "Giulia",
    "Grace",
    "Hana",
    "Hassan",
    "Heike",
    "Hiroshi",
    "Ingrid",
    "Ishaan",
    "Ivana",
    "Jakub",
    "Joaquín",
    "Jonas",
    "Kateryna",
    "Kofi",
    "Laila",
    "Leandro",
    "Lien",
    "Lucía",
    "Magnus",
    "Mai",
    "Marek",
    "Mariam",
    "Mateus",
    "Mei",
    "Nadia",
    "Ngozi",
    "Niamh",
    "Noor",
    "Oksana",
    "Olu",
    "Paulo",
    "Petra",
    "Priya",
    "Quynh",
    "Rafael",
    "Ravi",
    "Rosa",
    "Sakura",
    "Samir",
    "Sean",
    "Sofia",
    "Sunil",
    "Tamás",
    "Thandi",
    "Tomasz",
    "Ulrike",
    "Valentina",
    "Wei",
    "Yara",
    "Yusuf",
    "Zeynep",
    "Zoran",
)
_FAMILY = (
    "Abiola",
    "Andersen",
    "Araújo",
    "Bakker",
    "Bauer",
    "Björk",
    "Bianchi",
    "Chen",
    "Costa",
    "Dąbrowski",
    "Demir",
    "Diallo",
    "Dvořák",
    "El Amrani",
    "Eriksen",
    "Fernández",
    "Fischer",
    "Gallagher",
    "García",
    "Georgiou",
    "Haddad",
    "Hoffmann",
    "Horvat",
    "Ivanov",
    "Iyer",
    "Jansen",
    "Jovanović",
    "Kaya",
    "Kamara",
    "Kim",
    "Kowalczyk",
    "Kovács",
    "Lambert",
    "Lindqvist",
    "López",
    "Mbeki",
    "Mensah",
    "Mehta",
    "Moreau",
    "Müller",
    "Nakamura",
    "Nguyen",
    "Novák",
    "O'Brien",
    "Okafor",
    "Oliveira",
    "Owusu",
    "Papadakis",
    "Park",
    "Petrov",
    "Quist",
    "Rao",
    "Reyes",
    "Rossi",
    "Saito",
    "Schneider",
    "Sharma",
    "Silva",
    "Sokolova",
    "Suzuki",
    "Tanaka",
    "Tran",
    "Usman",
    "Virtanen",
    "Wagner",
    "Wang",
    "Weber",
    "Yamamoto",
    "Yilmaz",
    "Zhou",
    "Zieliński",
)
_DEPARTMENTS = (
    "Production",
    "Engineering",
    "Logistics",
    "Sales",
    "Production",
    "Quality",
    "Administration",
    "Engineering",
)


@dataclass(frozen=True)
class Habit:
    """How somebody usually comes and goes.

    Attributes:
        offset_min, spread_min: of arrivals around the planned start.
        late_share: of days on which something goes wrong on the way.
        lunch_out: share of days on which they go out at noon.
        remote_day: day of the week worked from elsewhere, 0 Monday; -1: none.
        similarity: of their face, usually.
    """

    offset_min: float
    spread_min: float
    late_share: float
    lunch_out: float
    remote_day: int
    similarity: float


def made_up(count: int, rng: random.Random, since: datetime) -> list[Person]:
    """So many people with ids from S001 on, known since then; no two bear one name."""
    names: dict[str, None] = {}
    while len(names) < min(count, len(_GIVEN) * len(_FAMILY)):
        names.setdefault(f"{rng.choice(_GIVEN)} {rng.choice(_FAMILY)}")
    stamp = (since - timedelta(days=7)).isoformat(timespec="seconds")
    return [
        Person(
            f"S{number:03d}",
            name,
            _DEPARTMENTS[(number - 1) % len(_DEPARTMENTS)],
            enrolled_at=stamp,
            consent_at=stamp[:10],
        )
        for number, name in enumerate(names, 1)
    ]


def habits_of(people: Sequence[Person], rng: random.Random) -> dict[str, Habit]:
    """A habit for each, by id."""
    return {
        person.employee_id: Habit(
            offset_min=rng.uniform(-16, -6),
            spread_min=rng.uniform(2.5, 7),
            late_share=0.18 if rng.random() < 0.1 else rng.uniform(0.005, 0.05),
            lunch_out=rng.choice((0.1, 0.5, 0.8)),
            remote_day=rng.choice((1, 2, 3, 4))
            if person.department in {"Engineering", "Sales"} and rng.random() < 0.4
            else -1,
            similarity=rng.uniform(0.66, 0.82),
        )
        for person in people
    }
