"""The key that seals a ledger's records: who does not have it can append nothing that holds.

A chain of hashes stops whoever changes the middle of a ledger, but anybody can compute the next hash. A seal is an
HMAC-SHA256 (RFC 2104) of a record's hash under a key that lies beside the secret labels, away from the ledger.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from cnnkit.errors import DataError

KEY_FILE = "ledger.key"
KEY_BYTES = 32
_NAME_LENGTH = 16


@dataclass(frozen=True)
class LedgerKey:
    """A key.

    Attributes:
        secret: Its bytes; never printed.
    """

    secret: bytes = field(repr=False)

    @property
    def name(self) -> str:
        """What the ledger calls the key: a part of its sha256, from which nobody learns the key."""
        return hashlib.sha256(b"cnnkit ledger key " + self.secret).hexdigest()[:_NAME_LENGTH]

    def seal(self, record_hash: str) -> str:
        """The seal of a record, by its hash, which covers its content and all records before it."""
        return hmac.new(self.secret, record_hash.encode(), hashlib.sha256).hexdigest()

    def sealed(self, record_hash: str, seal: str) -> bool:
        """Whether this key made a seal."""
        return hmac.compare_digest(self.seal(record_hash), seal)


def key_beside(labels: str | Path) -> Path:
    """Where the key of those labels lies: `ledger.key` in the same folder."""
    return Path(labels).with_name(KEY_FILE)


def read_key(path: str | Path) -> LedgerKey:
    """Reads a key.

    Raises:
        DataError: There is none.
    """
    try:
        text = Path(path).read_text(encoding="ascii").strip()
        secret = bytes.fromhex(text)
    except (OSError, ValueError) as error:
        raise DataError(f"a ledger's key in {path}", str(error), _REMEDY) from error
    if len(secret) != KEY_BYTES:
        raise DataError(f"a ledger's key of {KEY_BYTES} bytes in {path}", f"{len(secret)} bytes", _REMEDY)
    return LedgerKey(secret)


def key_at(path: str | Path) -> LedgerKey:
    """Reads a key, or makes one where there is none; two processes at once end with the same one.

    Raises:
        DataError: The file holds something else, or none can be written there.
    """
    place = Path(path)
    if not place.exists():
        _write_new(place)
    return read_key(place)


def _write_new(place: Path) -> None:
    """Writes a new key whole or not at all, readable by its owner only."""
    partial = place.with_name(f".{place.name}.{secrets.token_hex(4)}")
    try:
        with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(secrets.token_hex(KEY_BYTES) + "\n")
            file.flush()
            os.fsync(file.fileno())
        with suppress(FileExistsError):  # another process was faster: its key is the key
            os.link(partial, place)
    except OSError as error:
        raise DataError(
            f"a place for the ledger's key at {place}",
            error.strerror or str(error),
            "Make the folder of the labels writable once, or name another file with key= or --key.",
        ) from error
    finally:
        partial.unlink(missing_ok=True)


_REMEDY = "`cnnkit grade` writes it beside the labels; take the copy that you kept with them."
