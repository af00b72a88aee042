"""The values of a ledger: what is to be appended, what is there, and what a walk along the chain finds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

Kind = Literal["decision", "reproduction", "grade", "snapshot"]

ORIGIN = "0" * 64
"""What the first record names as the hash before it."""


@dataclass(frozen=True)
class Draft:
    """A record that is to be appended.

    Attributes:
        kind: What it is about.
        key: What makes it unique, a sha256: a second record of the same key is not appended.
        content: What it says: JSON values.
    """

    kind: Kind
    key: str
    content: Mapping[str, Any]


@dataclass(frozen=True)
class Record:
    """A link of the chain.

    Attributes:
        sequence: Its place, from 1.
        kind: What it is about.
        key: What makes it unique.
        content: What it says.
        created: When it was appended, UTC, ISO 8601.
        previous: Hash of the record before it.
        hash: sha256 of all of the above.
    """

    sequence: int
    kind: str
    key: str
    content: Mapping[str, Any]
    created: str
    previous: str
    hash: str


@dataclass(frozen=True)
class Verification:
    """What a walk along the chain found.

    Attributes:
        records: How many records are there.
        head: Hash of the last.
        broken: Number of the first record that is not what it was, or None.
        reason: What is wrong with it.
        notes: What a person should know of a chain that holds: a clock that went back, records without a seal, that no
            key was given.
    """

    records: int
    head: str
    broken: int | None = None
    reason: str = ""
    notes: tuple[str, ...] = ()
