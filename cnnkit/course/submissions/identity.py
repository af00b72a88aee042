"""Who somebody is: a value and what kind of value it is, so that a login is never taken for another's number.

Platforms write the same student in several ways: Canvas's number in file names, the school's number and the login in
its gradebook, an address somewhere else. Two values are the same person only if they are of the same kind, or if one
of them is of no stated kind, such as the name of a folder.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

ANY = "any"
"""The kind of a value that may be anything: the name of a folder, a column called "student"."""
WITHOUT_CASE = frozenset({"email", "login"})
"""Kinds whose values are the same in capital and small letters, on every platform."""

_SPACE = re.compile(r"\s+")


@dataclass(frozen=True)
class Identity:
    """A value that names somebody.

    Attributes:
        platform: Whose kind it is, `"canvas"`, `"moodle"` or `"gradescope"`; "" for what is the same everywhere.
        kind: `"id"`, `"participant"`, `"anonymous"`, `"number"` (the school's), `"login"`, `"email"` or `ANY`.
        value: As the platform writes it, `normalized`.
    """

    platform: str
    kind: str
    value: str

    @classmethod
    def of(cls, kind: str, value: object, *, platform: str = "") -> Identity:
        """An identity of any text, normalized."""
        return cls(platform, kind, normalized(str(value)))

    @property
    def folded(self) -> str:
        """The value without capital letters."""
        return self.value.casefold()

    def likeness(self, other: Identity) -> int:
        """How sure it is that both are one person: 3 the same kind and value, 2 but for capitals, 1 of any kind, or 0.

        >>> Identity.of("id", "1002", platform="canvas").likeness(Identity.of("login", "1002"))
        0
        >>> Identity.of("number", "U1").likeness(Identity.of(ANY, "u1"))
        1
        """
        if self.folded != other.folded or not self.value:
            return 0
        if (self.platform, self.kind) == (other.platform, other.kind) and self.kind != ANY:
            return 3 if self.value == other.value or self.kind in WITHOUT_CASE else 2
        return 1 if ANY in (self.kind, other.kind) else 0


def normalized(text: str) -> str:
    r"""Text as it is compared and stored: composed (NFC), trimmed, single spaces, without marks that nobody sees.

    macOS decomposes the letters of file names, spreadsheets leave no-break spaces, web pages marks of direction.

    >>> normalized("\u200fjose\u0301\xa0 \ufeff")
    'josé'
    """
    composed = unicodedata.normalize("NFC", legible(text))
    visible = "".join(letter for letter in composed if unicodedata.category(letter) != "Cf")
    return _SPACE.sub(" ", visible).strip()


def legible(text: str) -> str:
    r"""Text that any file can hold: bytes of the file system that are no UTF-8 are spelled out.

    >>> legible("zo\udceb")
    'zo\\xeb'
    """
    return _SURROGATE.sub(_spelled, text)


def loose(text: str) -> str:
    """Letters and digits alone, without accents and capitals: what two spellings of one name share.

    >>> loose("José  PÉREZ-Ruiz") == loose("jose perezruiz")
    True
    """
    parts = unicodedata.normalize("NFKD", text).casefold()
    return "".join(letter for letter in parts if letter.isalnum())


def _spelled(match: re.Match[str]) -> str:
    r"""A byte as `\xeb`, half of a UTF-16 pair as `\ud83d`."""
    code = ord(match[0])
    return f"\\x{code - _BYTES:02x}" if _BYTES + 0x80 <= code <= _BYTES + 0xFF else f"\\u{code:04x}"


_SURROGATE = re.compile("[\ud800-\udfff]")
_BYTES = 0xDC00  # Python adds this to a byte of a file name that is no UTF-8 (PEP 383)
