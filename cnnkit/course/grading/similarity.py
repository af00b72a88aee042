"""Submissions that have something the very same: flags for a person, never a verdict. See also `likeness`."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

SAME = {
    "predictions": "the same predictions file as",
    "tensors": "the same weights as",
    "notebook": "the same notebook as",
    "script": "the same script as",
}
"""What is compared by hash. The architecture is not: whoever follows the template has the same."""
CODE, TEMPLATE_USERS = ("notebook", "script"), 5
"""Code that more hand in than this is the template, unchanged: that is no reason to look at them."""


@dataclass(frozen=True)
class Pair:
    """Two submissions that are alike.

    Attributes:
        student: Whose submission is flagged.
        other: Whose is the same.
        what: In what they are alike, in words that end before the other's name.
        alike: How many others are alike in this.
    """

    student: str
    other: str
    what: str
    alike: int

    def __str__(self) -> str:
        more = f" (and {self.alike - 1} more)" if self.alike > 1 else ""
        return f"{self.what} {self.other}{more}"


def same(digests: Iterable[tuple[str, Mapping[str, str]]]) -> list[Pair]:
    """Pairs with equal hashes.

    Args:
        digests: (student, key of `SAME` → digest) of each submission.
    """
    owners: dict[tuple[str, str], list[str]] = defaultdict(list)
    for student, digest_of in digests:
        for kind in SAME:
            if digest_of.get(kind):
                owners[kind, digest_of[kind]].append(student)
    found = []
    for (kind, _), students in owners.items():
        group = sorted(students)
        if len(group) == 1 or (kind in CODE and len(group) > TEMPLATE_USERS):
            continue
        for place, student in enumerate(group):
            found.append(Pair(student, group[0] if place else group[1], SAME[kind], len(group) - 1))
    return sorted(found, key=lambda pair: (pair.student, pair.what))
