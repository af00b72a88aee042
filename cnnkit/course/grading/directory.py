"""Finding people by what they are called: the surest likeness decides, and what two share decides nothing."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Generic, TypeVar

from cnnkit.course.submissions.identity import ANY, Identity

T = TypeVar("T")


@dataclass(frozen=True)
class Match(Generic[T]):
    """Whom some identities lead to.

    Attributes:
        owners: Nobody, one, or several, among whom a person has to decide.
        likeness: How sure it is, see `Identity.likeness`. What carries results or has a stated kind is surer than a
            further column of any kind, a group's number say.
    """

    owners: tuple[T, ...] = ()
    likeness: float = 0


class Directory(Generic[T]):
    """People and what they are called.

    Args:
        people: Each with the identities, the one that results carry first.
    """

    def __init__(self, people: Iterable[tuple[T, Sequence[Identity]]]) -> None:
        self._called: dict[str, list[tuple[T, Identity, bool]]] = defaultdict(list)
        self.kinds: set[tuple[str, str]] = set()
        for owner, identities in people:
            for place, identity in enumerate(identities):
                self._called[identity.folded].append((owner, identity, place == 0))
                self.kinds.add((identity.platform, identity.kind))

    def find(self, identities: Iterable[Identity], *, of_any_kind: bool = False) -> Match[T]:
        """Whom these lead to: of all likenesses only the surest count.

        Args:
            identities: What somebody is called.
            of_any_kind: Whether a value may be of another kind than it says.
        """
        owners: dict[float, list[T]] = defaultdict(list)
        for identity in identities:
            asked = replace(identity, platform="", kind=ANY) if of_any_kind else identity
            for owner, known, first in self._called.get(asked.folded, ()):
                likeness: float = asked.likeness(known)
                likeness += 0.5 * (likeness == 1 and (first or known.kind != ANY))
                if likeness and owner not in owners[likeness]:
                    owners[likeness].append(owner)
        surest = max(owners, default=0)
        return Match(tuple(owners[surest]), surest) if surest else Match()
