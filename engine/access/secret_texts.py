"""Secrets that Muster must be able to read again, such as those of second factors: encrypted where the workspace is.

Not here: passwords, PINs and tokens, of which only hashes are stored.
"""

from __future__ import annotations

from base64 import b64decode, b64encode

from engine.errors import StorageError
from engine.storage.vault import Owner, Vault, sealed_key

_SEALED = "sealed:"


class SecretTexts:
    """Seals and opens texts.

    Args:
        vault: None: nothing is sealed, and what is sealed cannot be opened.
        plain: write plain what the vault could seal, as in a database: machines that share one share no keys.
    """

    def __init__(self, vault: Vault | None = None, *, plain: bool = False) -> None:
        self._vault = vault
        self._seals = vault is not None and vault.at_rest and not plain

    def seal(self, text: str, place: str) -> str:
        """Return what is to be stored of a text; it opens at that place alone. What could not be opened stays as it is.

        Raises:
            StorageError: the keys are missing or cannot be written.
        """
        if not text or is_sealed_text(text) or self._vault is None or not self._seals:
            return text
        return _SEALED + b64encode(self._vault.seal(text.encode(), Owner.account(), place)).decode()

    def open(self, stored: str, place: str) -> str:
        """Return the text of what was stored; that of an older version is plain.

        Raises:
            StorageError: the keys are missing, or it was changed or belongs elsewhere.
        """
        if not is_sealed_text(stored):
            return stored
        try:
            content = b64decode(stored.removeprefix(_SEALED), validate=True)
        except ValueError as error:
            raise StorageError(f"{place} is damaged", hint="set the second factor up anew") from error
        if self._vault is None:
            raise StorageError(f"{place} is encrypted", hint="`muster keys decrypt` it where its keys are")
        return self._vault.open(content, place).decode()

    def current(self, stored: str) -> bool:
        """Whether something is stored as it would be now: sealed with a key in force, or plain where nothing is sealed.

        Raises:
            StorageError: the keys are missing.
        """
        if not stored or self._vault is None:
            return True
        if not is_sealed_text(stored):
            return not self._seals
        name = sealed_key(b64decode(stored.removeprefix(_SEALED)))
        return self._seals and name is not None and not self._vault.ring.is_old(name)


def is_sealed_text(stored: str) -> bool:
    """Whether a stored text is sealed."""
    return stored.startswith(_SEALED)
