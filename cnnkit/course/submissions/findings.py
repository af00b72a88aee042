"""What a check has to say about a submission."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass, replace
from typing import Any

from cnnkit.errors import InputError


@dataclass(frozen=True)
class Finding:
    """One reason to refuse a submission, or one piece of advice.

    Attributes:
        check: Its stable name in kebab case, e.g. `"json-duplicate-key"`: tests, feedback pages and staff refer to it.
        file: Name of the file within the submission; "" where the folder is meant.
        expected: What the assignment asks for, as the end of a sentence that begins with "Expected".
        received: What was handed in, as the end of a sentence that begins with "Received".
        remedy: What the student can do now, a sentence of its own.
        blocking: Whether the submission is refused for it; advice is not.
    """

    check: str
    file: str
    expected: str
    received: str
    remedy: str
    blocking: bool = True

    def cut(self, letters: int) -> Finding:
        """The same with each text cut to so many letters."""
        texts = {name: getattr(self, name) for name in ("file", "expected", "received", "remedy")}
        long: dict[str, Any] = {name: f"{text[: letters - 1]}…" for name, text in texts.items() if len(text) > letters}
        return replace(self, **long)

    def __str__(self) -> str:
        where = f"{self.file}: " if self.file else ""
        return f"[{self.check}] {where}Expected {self.expected}. Received: {self.received}. {self.remedy}"


def printable(text: str) -> str:
    r"""Text on one line of a terminal: control characters and marks that turn its direction are spelled out.

    >>> printable("Zoë \x1b[2J\u202e")
    'Zoë \\x1b[2J\\u202e'
    """
    return "".join(
        ascii(letter)[1:-1] if unicodedata.category(letter).startswith(("C", "Zl", "Zp")) else letter for letter in text
    )


def shown(value: object, limit: int = 60) -> str:
    r"""A value from a student's file as one short printable line: no control or right-to-left marks, no end of lines.

    >>> shown("line\nbreak")
    "'line\\nbreak'"
    >>> shown("ab" * 40, limit=4)
    "'abab'… (80 characters)"
    """
    if isinstance(value, str):
        text = ascii(value[:limit])
        return text if len(value) <= limit else f"{text}… ({len(value)} characters)"
    if isinstance(value, int) and not isinstance(value, bool) and value.bit_length() > 128:
        return f"an integer of {value.bit_length()} bits"
    if isinstance(value, list | dict):
        return f"{'a list' if isinstance(value, list) else 'an object'} of {len(value)}"
    return ascii(value)[:limit]


class RefusedError(InputError):
    """A check failed, and what it found: how the inner functions of the gate stop. The gate itself raises nothing.

    Args:
        check: The finding's stable name.
        expected: See `Finding`.
        received: See `Finding`.
        remedy: See `Finding`.
    """

    def __init__(self, check: str, expected: str, received: str, remedy: str) -> None:
        self.check = check
        super().__init__(expected, received, remedy)

    def finding(self, file: str) -> Finding:
        """The same as a finding about this file."""
        return Finding(self.check, file, self.expected, self.received, self.remedy)
