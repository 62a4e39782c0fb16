"""Names that cannot be mistaken, and passwords that are not the first to be tried."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import app
import engine
from engine.access import ROLES
from engine.access.choosing import account_name, check_password
from engine.errors import InputError
from engine.workbench import Workbench


@pytest.mark.parametrize(
    "name",
    [
        *ROLES,
        "ada",
        "Ann Lee",
        "o'neil",
        "ann.lee@example.com",
        "Jürgen",
        "Ирина",
        "山田さくら",
        "김민준",
        "zoë-2",
        "max.muster",
        "muster.max",
        "Mustermann",
    ],
)
def test_names_that_people_have(name: str) -> None:
    assert account_name(f" {name} ", []) == name


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("engine", "reserved"),
        ("System", "reserved"),
        ("muster", "reserved"),
        ("muster  app", "reserved"),
        *(
            (name, "reserved")
            for name in ("muster serve", "Muster-Serve", "muster.serve", "musterserve", "muster_retry")
        ),
        *((name, "reserved") for name in ("token 3f2a", "TOKEN-3f2a", "signin", "bench", "demo", "en-gine")),
        ("ｍｕｓｔｅｒ", "reserved"),
        ("еngine", "mixes"),  # the first letter is Cyrillic
        ("аdmin", "mixes"),
        ("αdmin", "mixes"),
        ("ada\u200b", "U[+]200B"),
        ("ada\u202e", "U[+]202E"),
        ("ada\x00", "U[+]0000"),
        ("ada\tb", "U[+]0009"),
        ("<ada>", "sign <"),
        ("ada٣", "sign ٣"),
        ("", "empty"),
        (" ", "empty"),
        ("x" * 61, "characters"),
    ],
)
def test_names_that_would_be_mistaken(name: str, why: str) -> None:
    with pytest.raises(InputError, match=why):
        account_name(name, [])


def test_no_account_is_called_as_a_part_of_muster_signs_its_rows() -> None:
    """Every author that the code writes by itself."""
    signed = {
        name
        for folder in (Path(engine.__file__).parent, Path(app.__file__).parent)
        for file in folder.rglob("*.py")
        for name in re.findall(r'author=f?"([^"{]+)', file.read_text(encoding="utf-8"))
    }
    assert {"engine", "muster app", "muster serve", "token "} <= signed
    for name in signed:
        with pytest.raises(InputError, match="reserved"):
            account_name(f"{name}1" if name.endswith(" ") else name, [])


@pytest.mark.parametrize("name", ["Admin", "ADMIN", "adm1n", "ａdmin", "сор", "bi11", "Bill"])
def test_a_name_does_not_look_like_one_that_is_taken(name: str) -> None:
    with pytest.raises(InputError, match=r"looks like|already exists"):
        account_name(name, ["admin", "cop", "bill"])


@pytest.mark.parametrize(
    "password",
    [
        *("1234567890", "administrator", "qwertyuiop", "qwertzuiop", "1q2w3e4r5t", "aaaaaaaaaa", "password123"),
        *("Passwort123", "Sommer2026!", "muster2026!", "P@ssw0rd2026", "ada lovelace", "Lovelace2026", "headquarters1"),
        *("abcdefghijkl", "short", "x" * 201),
        *(
            "muster-123456",
            "Muster2026!",
            "MUSTER_2026",
            "Mu$ter2026!!",
            "retsum-123456",
            "muster muster 1",
            "Muster-2026-Berlin!",
        ),
        *(
            "Beispiel2026!",
            "beispiel-gmbh-1",
            "BeispielGmbH99!",
            "Be1sp1el#2026",
            "Grünstadt1234!",
            "Gruenstadt-2026",
            "grunstadt99!!",
        ),
        *("November2026!!", "januar-2026-x", "Saturday12345", "Donnerstag#1", "April-Mai-2026", "Ada.Lovelace.26"),
    ],
)
def test_passwords_that_are_tried_first(password: str) -> None:
    with pytest.raises(InputError):
        check_password(password, ["ada", "lovelace@example.com", "headquarters", "Beispiel GmbH", "Grünstadt"])


@pytest.mark.parametrize(
    "password",
    [
        *("correct horse battery", "Tr4ktor-im-Nebel", "xK9#vLq2pZ", "naß und kalt am Deich", "correct horse"),
        *(
            "password of admin",
            "password of manager",
            "ada-xK9#vLq2pZ",
            "mayhem in the attic",
            "Beispiel kalt am Deich",
        ),
    ],
)
def test_passwords_that_are_not(password: str) -> None:
    check_password(password, ["ada", "admin", "manager", "Beispiel GmbH"])


def test_the_name_of_the_organisation_is_no_password(tmp_path: Path) -> None:
    (tmp_path / "muster.toml").write_text('organisation = "Beispiel GmbH"\nsite = "gruenstadt"\n')
    bench = Workbench(tmp_path)
    bench.users.add("ada", "admin", "correct horse battery", email="lovelace@example.com", author="x")
    for password in ("Beispiel-2026!", "Grünstadt2026!"):
        with pytest.raises(InputError, match="easy to guess"):
            bench.users.add("bob", "admin", password, author="ada")
        with pytest.raises(InputError, match="easy to guess"):
            bench.users.change("ada", password=password, author="ada")
    with pytest.raises(InputError, match="easy to guess"):
        bench.users.change("ada", password="Lovelace-2026!", author="ada")
