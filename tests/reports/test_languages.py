"""Reports and workbooks in the reader's language: no English word is left over, and every figure is the same."""

from __future__ import annotations

import io
import re
from datetime import date, timedelta

import pytest
from openpyxl import load_workbook
from sheets import NOW, month, report, row

from engine.reports import excel_bytes
from engine.words import ENGLISH, Words, phrase

GERMAN = Words("de")


def workbook(words: Words) -> dict[str, list[tuple[object, ...]]]:
    content = excel_bytes(
        month(3), title="T", generated_at=NOW, verified=phrase("all logs are as they were written"), words=words
    )
    return {
        sheet.title: list(sheet.iter_rows(values_only=True)) for sheet in load_workbook(io.BytesIO(content)).worksheets
    }


def test_a_german_workbook_has_german_sheets_heads_statuses_and_meanings() -> None:
    english, german = workbook(ENGLISH), workbook(GERMAN)
    assert list(english) == ["Days", "Summary", "Columns"]
    assert list(german) == ["Tage", "Summen", "Spalten"]
    heads = list(german["Tage"][0])
    assert heads[:8] == [
        "Personalnummer",
        "Name",
        "Abteilung",
        "Datum",
        "Erstes Kommen",
        "Letztes Gehen",
        "Stunden",
        "Status",
    ]
    statuses = {str(line[heads.index("Status")]) for line in german["Tage"][1:]}
    assert {"pünktlich", "verspätet"} & statuses
    assert not {"on time", "late", "absent"} & statuses
    assert [line[6] for line in german["Tage"][1:]] == [line[6] for line in english["Days"][1:]], "the same hours"
    assert len(german["Summen"]) == len(english["Summary"])
    told = {line[2]: (line[1], line[3]) for line in german["Spalten"][1:] if line[2]}
    assert told["balance"][0] == "Saldo"
    assert german["Spalten"][0] == ("Blatt", "Überschrift", "Name in CSV", "Bedeutung")
    assert "alle Protokolle sind so, wie sie geschrieben wurden" in {line[3] for line in german["Spalten"]}


@pytest.mark.parametrize("people", [1, 4])
def test_a_german_report_speaks_german_alone(people: int) -> None:
    rows = month(people) if people > 1 else [each for each in month(4) if each.employee_id == "E003"]
    page = report(
        rows, words=GERMAN, grace_min=10, title="Anwesenheit", verified=phrase("all logs are as they were written")
    )
    assert '<html lang="de">' in page.source
    left = set(re.findall(r"\b(?:the|and|of|on|late|days?|hours|with|people)\b", page.text, re.IGNORECASE))
    assert left == set()


def test_columns_without_figures_are_left_out() -> None:
    plain = report([row(), row(employee_id="E2", name="Ben")])
    assert not {"Night", "Sunday", "Account", "Sick"} & set(plain.words)
    more = report([row(night=timedelta(hours=2), overtime=timedelta(hours=1)), row(employee_id="E2", name="Ben")])
    assert "Night" in more.text
    assert "Overtime" in more.text
    assert "2.00" in more.text
    assert "Sunday" not in more.words


def test_words_of_a_language() -> None:
    first, last = date(2026, 10, 1), date(2026, 10, 31)
    assert (ENGLISH.span(first, last), GERMAN.span(first, last)) == ("1 to 31 October 2026", "1. bis 31. Oktober 2026")
    assert GERMAN.span(first, first) == "Donnerstag, 1. Oktober 2026"
    assert (ENGLISH.signed(1234.5), GERMAN.signed(-1234.5), GERMAN.signed(-0.001)) == (
        "+1,234.50",
        "−1.234,50",
        "+0,00",
    )
    assert (ENGLISH.day(first), GERMAN.day(first)) == ("Thu 1 Oct", "Do 1.10.")
    assert Words("fr").code == "en"
    inner = phrase("{count} faults in logs and sealed files: see muster verify", count=2)
    assert inner == "2 faults in logs and sealed files: see muster verify"
    assert GERMAN.say(inner).startswith("2 Fehler")
    assert phrase("100 % {sic}") == "100 % {sic}"
    assert phrase("100 % {sic}").said(str) == "100 % {sic}"
