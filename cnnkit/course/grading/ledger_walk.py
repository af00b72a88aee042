"""A walk along the chain of a ledger: what does not hold, and what is to be known of what does."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from cnnkit.course.grading.canonical_json import digest
from cnnkit.course.grading.ledger_database import RECORDS
from cnnkit.course.grading.ledger_key import LedgerKey
from cnnkit.course.grading.ledger_records import ORIGIN

if TYPE_CHECKING:
    from sqlalchemy import Row


class Walk:
    """A walk along the chain, record after record."""

    def __init__(self, key: LedgerKey | None) -> None:
        self.previous = ORIGIN
        self.sealed = 0
        self._key = key
        self._count = 0
        self._created = ""
        self._went_back: list[int] = []

    def fault(self, row: Row[Any]) -> str:
        """What is wrong with the next record; "" if nothing is."""
        self._count += 1
        reason = self._chain_fault(row) or self._seal_fault(row)
        if not reason:
            if row.created < self._created:
                self._went_back.append(self._count)
            self.previous, self._created = row.hash, row.created
            self.sealed += row.seal is not None
        return reason

    def _chain_fault(self, row: Row[Any]) -> str:
        if row.sequence != self._count:
            return f"it is missing; the next one is {row.sequence}"
        if row.previous != self.previous:
            return f"it does not follow record {self._count - 1}"
        if digest(list(row)[: len(RECORDS.c) - 1]) != row.hash:
            return "its content is not what its hash says"
        return ""

    def _seal_fault(self, row: Row[Any]) -> str:
        if row.seal is None:
            return "it has no seal: who appended it did not have the key" if self.sealed else ""
        if self._key is None:
            return ""
        if row.sealed_by != self._key.name:
            return f"it is sealed with the key {row.sealed_by}, not with {self._key.name}"
        return "" if self._key.sealed(row.hash, row.seal) else "its seal was not made with the key"

    def notes(self) -> Iterator[str]:
        """What is to be known of a chain without a fault."""
        unsealed = self._count - self.sealed
        if self._went_back:
            shown = ", ".join(map(str, self._went_back[:5]))
            yield f"the clock went back: record {shown} says that it is earlier than the one before it"
        if self.sealed and self._key is None:
            yield "whether its seals are genuine needs the key beside the labels: give --labels or --key"
        if unsealed:
            yield f"the first {unsealed:,} records have no seal: they are of an older version"
