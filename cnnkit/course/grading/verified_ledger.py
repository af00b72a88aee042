"""A ledger to go on with: what is decided in it counts, so it has to hold."""

from __future__ import annotations

from pathlib import Path

from cnnkit.course.grading.ledger import Ledger
from cnnkit.course.grading.ledger_key import key_at
from cnnkit.errors import DataError


def open_verified(place: str | Path, key: Path) -> Ledger:
    """The ledger, ready to go on with.

    Args:
        place: A file or a URL, see `Ledger.open`.
        key: The file of its key; made where there is none.

    Raises:
        DataError: It does not hold, or cannot be opened.
    """
    first = not key.exists()  # then the ledger may be an older version's, which has no seals
    book = Ledger.open(place, key=key_at(key))
    found = book.verify(unsealed=first)
    if found.broken is not None:
        book.close()
        raise DataError(
            "a ledger that nobody changed",
            f"record {found.broken:,} of {place} does not hold: {found.reason}",
            "Put the last copy that `cnnkit ledger verify` accepts in its place, or begin a new ledger.",
        )
    if first:
        book.seal_the_past()
    return book
