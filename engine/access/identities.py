"""Identities that the organisation's sign-in proves (OpenID Connect), and whose account each is.

An issuer names a person by a subject that never changes, while addresses move from one person to another. So an account is bound to
issuer and subject when an identity with its address comes for the first time. Afterwards the address does not matter.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from engine.access.account import Account
from engine.errors import InputError
from engine.words import Phrase, phrase


@dataclass(frozen=True)
class Identity:
    """Whom an issuer vouches for.

    Attributes:
        issuer, subject: name the person for ever.
        email: an address that the issuer vouches for; empty: there is none.
        proven_s: when the person proved it to the issuer, in seconds since 1970.
    """

    issuer: str
    subject: str
    email: str
    proven_s: float

    def __post_init__(self) -> None:
        if not self.issuer or not self.subject:
            raise ValueError("an identity needs an issuer and a subject")


class NotAdmitted(InputError):
    """An identity opens no account.

    Attributes:
        told, step: what happened, and what to do, to be translated.
        why: for the audit log. account: which one it is about, if there is one.
    """

    def __init__(self, told: Phrase, step: Phrase, *, why: str, account: Account | None = None) -> None:
        self.told, self.step, self.why, self.account = told, step, why, account
        super().__init__(told, hint=step)


def owner_of(identity: Identity, accounts: Iterable[Account], *, now_s: float, life_s: float) -> Account:
    """Return the account of an identity; it may have to be bound yet.

    Args:
        life_s: how old the proof may be.

    Raises:
        NotAdmitted: there is none, it is blocked or bound to somebody else, or the proof is too old.
    """
    found = list(accounts)
    account = next((each for each in found if (each.issuer, each.subject) == (identity.issuer, identity.subject)), None)
    if account is None:
        account = next((each for each in found if identity.email and each.email == identity.email), None)
        if account is None:
            raise NotAdmitted(
                phrase("No account has the address {address}.", address=identity.email or "–"),
                phrase("Ask an administrator to add it, then sign in again."),
                why="no account has the address",
            )
        if account.subject:
            raise NotAdmitted(
                phrase("The account with the address {address} belongs to another identity.", address=identity.email),
                phrase("Ask an administrator to release it, then sign in again."),
                why="the account is bound to another identity",
                account=account,
            )
    if not account.active:
        raise NotAdmitted(
            phrase("Your account is blocked."),
            phrase("Ask an administrator."),
            why="the account is blocked",
            account=account,
        )
    if now_s - identity.proven_s > life_s:
        raise _too_old("the identity is too old", account)
    if identity.proven_s < account.ended_s:
        raise _too_old("the identity is older than the end of the account's sessions", account)
    return account


def _too_old(why: str, account: Account) -> NotAdmitted:
    return NotAdmitted(
        phrase("Your sign-in at your organisation was too long ago."),
        phrase("Sign out there, then sign in again."),
        why=why,
        account=account,
    )
