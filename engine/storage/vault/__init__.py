"""Encryption at rest: AES-256-GCM with a data key for whatever must be erasable by itself, wrapped by a key outside of the workspace.

Whoever reads a file that may be sealed calls `read_file`; whoever writes one calls `Vault.write` with its owner.

Not here: what is sealed and who owns it. Seals of logs, which are keyed hashes and hide nothing, are in `engine.storage.logs`.
"""

from engine.storage.vault.ring import Ring
from engine.storage.vault.rows import KeyErased, RingState
from engine.storage.vault.vault import MONTHLY, Owner, Vault, is_sealed, read_file, sealed_key

__all__ = ["MONTHLY", "KeyErased", "Owner", "Ring", "RingState", "Vault", "is_sealed", "read_file", "sealed_key"]
