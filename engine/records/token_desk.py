"""Tokens of programs that read attendance, made and revoked by a named author; each use of them is recorded."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from engine.access import AccessToken, TokenBook
from engine.errors import InputError
from engine.records.books import Records
from engine.storage import clean_text


class TokenDesk:
    """Makes and revokes tokens, and admits those who send one."""

    def __init__(self, records: Records, tokens: TokenBook) -> None:
        self._records, self._tokens = records, tokens

    def add(
        self,
        name: str,
        scopes: Iterable[str],
        *,
        author: str,
        departments: Iterable[str] = (),
        until: date | None = None,
    ) -> tuple[AccessToken, str]:
        """Make a token, see `TokenBook.add`.

        Raises:
            InputError: a value cannot be used, or the name is taken.
            StorageError: the token cannot be written.
        """
        records, names = self._records, self._records.names
        noted = names.author(author)
        # nothing in tokens.json is replaced when the author is forgotten
        row, token = self._tokens.add(
            name, scopes, author=names.text(author), now=records.now(), departments=departments, until=until
        )
        parts = [f"{row.token_id}: {', '.join(row.scopes)}"]
        parts += [f"departments {', '.join(row.departments)}"] if row.departments else []
        parts += [f"until {row.until}"] if row.until else []
        records.note("add_token", names.ids(row.name), "; ".join(parts), author=noted)
        return row, token

    def revoke(self, token_id_or_name: str, *, author: str) -> AccessToken:
        """Revoke a token, from the next request on.

        Raises:
            InputError: there is no such token, or it was revoked before.
            StorageError: the change cannot be written.
        """
        names = self._records.names
        noted = names.author(author)
        row = self._tokens.revoke(token_id_or_name, now=self._records.now())
        self._records.note("revoke_token", names.ids(row.name), row.token_id, author=noted)
        return row

    def admit(self, token: str) -> AccessToken:
        """Return the row of a token that a program sent.

        Raises:
            InputError: it is none, or it is revoked or expired.
            StorageError: the tokens cannot be read.
        """
        row = self._tokens.check(token)
        if row is None:
            raise InputError(
                "this token is not valid", hint="ask an administrator: `muster token list` lists the valid ones"
            )
        if row.expired(self._records.now().date()):
            raise InputError(f"this token expired on {row.until}", hint="ask an administrator for a new one")
        return row

    def note_use(self, row: AccessToken, what: str) -> None:
        """Record that a program has read something.

        Args:
            what: route, range and number of rows; names of people in it are replaced.

        Raises:
            InputError: it is too long.
            StorageError: the log cannot be written.
        """
        names = self._records.names
        detail = clean_text(names.text(what), what="use of a token", limit=500)
        self._records.note("read_api", names.ids(row.name), detail, author=f"token {row.token_id}")
