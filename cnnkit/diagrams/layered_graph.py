"""Layout of a graph of boxes: columns along the way, lanes beside it.

The longest path is straight, in lane 0. What runs beside it (branches, then shortcuts) takes the nearest lane that is
free from the fork to the join.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import count, pairwise

Parents = Sequence[Sequence[int]]
Span = tuple[int, int]


@dataclass(frozen=True)
class Edge:
    """An arrow from box to box; between their columns it runs in its lane."""

    source: int
    target: int
    lane: int


@dataclass(frozen=True)
class Layout:
    """Column and lane of each box, and the arrows."""

    columns: tuple[int, ...]
    lanes: tuple[int, ...]
    edges: tuple[Edge, ...]


def layered(parents: Parents) -> Layout:
    """The layout of a graph.

    Args:
        parents: For each box the positions of those that it depends on, all before it.

    >>> layered([(), (0,), (1,), (2, 0)])  # a residual block: the shortcut in lane 1
    Layout(columns=(0, 1, 2, 3), lanes=(0, 0, 0, 0), edges=(Edge(source=0, target=1, lane=0), \
Edge(source=1, target=2, lane=0), Edge(source=2, target=3, lane=0), Edge(source=0, target=3, lane=1)))
    """
    columns = _columns(parents)
    readers = readers_of(parents)
    paths = _paths(parents)
    lanes = [0] * len(parents)
    taken: dict[int, list[Span]] = {}
    for path in paths[1:]:
        forks, joins = parents[path[0]], readers[path[-1]]
        start = min((columns[fork] for fork in forks), default=columns[path[0]] - 1)
        end = max((columns[join] for join in joins), default=columns[path[-1]] + 1)
        lane = _free(taken, (start, end), (side * number for number in count(1) for side in (1, -1)))
        for box in path:
            lanes[box] = lane
    follows = {pair for path in paths for pair in pairwise(path)}
    first, last = {path[0] for path in paths[1:]}, {path[-1] for path in paths[1:]}
    edges = []
    pairs = [(parent, box) for box, above in enumerate(parents) for parent in dict.fromkeys(above)]
    for source, target in sorted(pairs, key=lambda pair: columns[pair[1]] - columns[pair[0]]):
        if (source, target) in follows or target in first:
            lane = lanes[target]
        elif source in last or columns[target] - columns[source] == 1:
            lane = lanes[source]
        else:
            lane = _free(taken, (columns[source], columns[target]), count(1))
        edges.append(Edge(source, target, lane))
    return Layout(tuple(columns), tuple(lanes), tuple(edges))


def readers_of(parents: Parents) -> list[list[int]]:
    """The boxes that depend on each box."""
    readers: list[list[int]] = [[] for _ in parents]
    for box, above in enumerate(parents):
        for parent in dict.fromkeys(above):
            readers[parent].append(box)
    return readers


def _columns(parents: Parents) -> list[int]:
    """The column of each box, as early as possible; a source that is read late stands just before its reader."""
    columns: list[int] = []
    for above in parents:
        columns.append(1 + max((columns[parent] for parent in above), default=-1))
    for box, below in enumerate(readers_of(parents)):
        if not parents[box] and below:
            columns[box] = min(columns[reader] for reader in below) - 1
    return columns


def _paths(parents: Parents) -> list[list[int]]:
    """The boxes as paths: the longest of all, the longest of what is left, and so on."""
    left = set(range(len(parents)))
    found = []
    while left:
        lengths: dict[int, tuple[int, int | None]] = {}
        for box in sorted(left):
            before = [parent for parent in parents[box] if parent in left]
            best = max(before, key=lambda parent: lengths[parent][0], default=None)
            lengths[box] = (1 + (lengths[best][0] if best is not None else 0), best)
        at: int | None = max(lengths, key=lambda box: lengths[box][0])
        path: list[int] = []
        while at is not None:
            path.append(at)
            at = lengths[at][1]
        found.append(path[::-1])
        left.difference_update(path)
    return found


def _free(taken: dict[int, list[Span]], span: Span, lanes: Iterator[int]) -> int:
    """The first lane with room for a span, which is taken."""
    lane = next(lane for lane in lanes if all(end <= span[0] or span[1] <= start for start, end in taken.get(lane, ())))
    taken.setdefault(lane, []).append(span)
    return lane
