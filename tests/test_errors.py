"""Errors: one printable line, the next step, an exit code of their own."""

from __future__ import annotations

import pickle

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import engine.errors
from engine.errors import InputError, MusterError, StorageError, Unreachable

KINDS = [getattr(engine.errors, name) for name in engine.errors.__all__]


def test_message_and_hint_stand_in_the_text() -> None:
    error = InputError("photo.jpg: not a picture", hint="choose a JPEG")
    assert str(error) == "photo.jpg: not a picture → choose a JPEG"
    assert (error.message, error.hint) == ("photo.jpg: not a picture", "choose a JPEG")


def test_without_a_hint_there_is_no_arrow() -> None:
    error = InputError("photo.jpg: not a picture")
    assert str(error) == "photo.jpg: not a picture"
    assert error.hint == ""


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_is_caught_as_a_muster_error(kind: type[MusterError]) -> None:
    with pytest.raises(MusterError, match="what is wrong → what to do"):
        raise kind("what is wrong", hint="what to do")


def test_every_kind_has_its_own_exit_code() -> None:
    kinds = [kind for kind in KINDS if MusterError in kind.__bases__]  # others end like the kind that they belong to
    codes = [kind.exit_code for kind in kinds]
    assert len(set(codes)) == len(kinds) > 1
    assert Unreachable.exit_code == StorageError.exit_code
    assert all(0 < code < 128 and code != 2 for code in codes), "0 is success, 2 is wrong usage, 128 and up are signals"


@settings(deadline=None)
@given(st.text(), st.text())
def test_any_text_becomes_one_printable_line(message: str, hint: str) -> None:
    text = str(InputError(message, hint=hint))
    assert len(text.splitlines()) <= 1
    assert text.isprintable()


def test_white_space_and_control_characters_become_single_spaces() -> None:
    assert str(InputError("a\r\n\tb\x1b[31m c\u202e")) == "a b [31m c"


@pytest.mark.parametrize(("length", "is_cut"), [(400, False), (401, True)])
def test_a_text_longer_than_the_limit_is_cut_and_says_so(length: int, is_cut: bool) -> None:
    error = InputError("x" * length, hint="shorten it")
    assert len(error.message) == 400
    assert error.message.endswith("…") is is_cut
    assert str(error).endswith(" → shorten it")


def test_an_error_crosses_a_process_boundary_whole() -> None:
    error = pickle.loads(pickle.dumps(StorageError("log.csv: disk full", hint="free space")))
    assert type(error) is StorageError
    assert (str(error), error.message, error.hint) == (
        "log.csv: disk full → free space",
        "log.csv: disk full",
        "free space",
    )
