"""The parts of a network that become one box each: a layer with its activation, a block, a stage.

Three levels, each made from the one before by taking parts together, from where they leave to where they meet:
layers (a convolution, its normalization and its activation), blocks (a fork, its branches and their join), stages
(what follows each other at one size of the maps).
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from graphlib import TopologicalSorter

import keras

from cnnkit.backbones.graph import Node, nodes
from cnnkit.diagrams.layer_words import Words, described, extras, is_minor, leading, lines_of, stride_of
from cnnkit.diagrams.layered_graph import readers_of

Shape = tuple[int | None, ...]

TANGLE = 6
"""More joins of one size than this, which end no block, are drawn as one part in stages."""
MOST_WORDS = 4
"""Kinds of convolutions that such a part names."""
FEATURES = ("joining", "convolution", "branches", "residual")
"""Kinds that a stage takes together, and what it is then: the last of them."""


@dataclass(frozen=True)
class Part:
    """One box.

    Attributes:
        names: Of its layers, in the network's order.
        kind: A key of `layer_words.KINDS`.
        shape: Of what it gives, without the batch.
        words: What its layers do, a tuple for each block: `(("1×1", "3×3", "1×1"),)`.
        stride: Of its first layer.
        groups: Of its convolution: columns that do not see each other.
        parents: Positions of the parts that it reads.
        extras: What a layer does besides, `("batch norm", "ReLU")`; of several layers nothing.
    """

    names: tuple[str, ...]
    kind: str
    shape: Shape
    words: Words
    stride: int
    groups: int
    parents: tuple[int, ...]
    extras: tuple[str, ...] = ()

    @property
    def sides(self) -> Shape:
        """Height and width of its maps; empty for a vector."""
        return self.shape[:-1]

    def lines(self) -> list[str]:
        """Its words as a slide has them; a single layer with its stride."""
        single = sum(map(len, self.words)) == 1
        return [f"{line} /{self.stride}" if single and self.stride > 1 else line for line in lines_of(self.words)]


def layer_parts(model: keras.Model) -> list[Part]:
    """One part per layer, together with the normalization, activation and dropout behind it.

    Padding belongs to the layer before, too, but not to its shape.
    """
    calls = nodes(model)
    ends = {id(tensor) for tensor in model.outputs}
    home: list[int] = []  # call → part
    parts: list[Part] = []
    for call in calls:
        above = tuple(dict.fromkeys(home[parent] for parent in call.parents))
        if is_minor(call.layer) and len(above) == 1:
            home.append(above[0])
            host = parts[above[0]]
            also = (*host.extras, *extras(call.layer))
            parts[above[0]] = replace(host, names=(*host.names, call.name), extras=also)
        else:
            kind, words = described(call.layer)
            shape = tuple(call.outputs[0].shape[1:])
            if kind == "dense" and len(shape) > 2:
                kind, words = "convolution", "×".join("1" * (len(shape) - 1))  # a dense layer at each place
            home.append(len(parts))
            stride, groups = stride_of(call.layer), getattr(leading(call.layer), "groups", 1)
            also = tuple(extras(call.layer))
            parts.append(Part((call.name,), kind, shape, ((words,),), stride, groups, above, also))
    for call, at in zip(calls, home, strict=True):
        if any(id(tensor) in ends for tensor in call.outputs) and _answers(call):
            parts[at] = replace(parts[at], kind="output")
    return parts


def _answers(call: Node) -> bool:
    """Whether a network's last layer is its answer, and not features."""
    activation = getattr(getattr(call.layer, "activation", None), "__name__", "")
    return isinstance(call.layer, keras.layers.Dense | keras.layers.Softmax) or activation in ("sigmoid", "softmax")


def block_parts(parts: Sequence[Part]) -> list[Part]:
    """Fork, branches and join as one part, where all of it works at the sizes of its input and its output.

    Depthwise convolutions are one part with the pointwise ones that they are made to go with.
    """
    made = list(parts)
    joins = [part.names for part in made if len(part.parents) > 1]
    for names in joins:  # inner ones come before those around them
        at = next(at for at, part in enumerate(made) if set(names) <= set(part.names))
        region = _region(made, at)
        if region:
            made = _together(made, [region], _block)
    return _separable(made)


def _separable(parts: list[Part]) -> list[Part]:
    """Depthwise + pointwise as one part; with the pointwise one before, where that widens and the other narrows."""
    readers = readers_of([part.parents for part in parts])
    groups: list[list[int]] = []
    taken: set[int] = set()
    for at, part in enumerate(parts):
        after = readers[at]
        if not _depthwise(part) or len(after) != 1 or not _pointwise(parts[after[0]]):
            continue
        (before,) = part.parents
        narrows = (parts[after[0]].shape[-1] or 0) < (parts[before].shape[-1] or 0)
        widened = _pointwise(parts[before]) and readers[before] == [at] and before not in taken
        groups.append([before, at, after[0]] if narrows and widened else [at, after[0]])
        taken.update(groups[-1])
    return _together(parts, groups, _block_chain)


def _depthwise(part: Part) -> bool:
    return part.kind == "convolution" and len(part.words) == 1 and part.words[0][-1].endswith("dw")


def _pointwise(part: Part) -> bool:
    return part.kind == "convolution" and part.words == (("1×1",),) and part.stride == 1 and len(part.parents) == 1


def stage_parts(parts: Sequence[Part]) -> list[Part]:
    """What follows each other at one size of the maps as one part.

    Blocks with the convolutions before and between them; plain convolutions, and dense layers, that are repeated.
    """
    readers = readers_of([part.parents for part in parts])
    runs: list[list[int]] = []
    run_of: dict[int, list[int]] = {}
    for at, part in enumerate(parts):
        run = run_of.get(part.parents[0]) if len(part.parents) == 1 else None
        if run and readers[run[-1]] == [at] and _alike(parts[run[-1]], part):
            run.append(at)
        else:
            run = [at]
            runs.append(run)
        run_of[at] = run
    groups = [group for run in runs for group in _grouped(parts, run)]
    return _together(list(parts), [group for group in groups if len(group) > 1], _chain)


def _alike(one: Part, other: Part) -> bool:
    """Whether two parts can be of one stage."""
    if one.kind in FEATURES and other.kind in FEATURES:
        return one.sides == other.sides
    return one.kind == other.kind == "dense" and one.shape == other.shape


def _grouped(parts: Sequence[Part], run: list[int]) -> list[list[int]]:
    """A run up to its last block as one, then what is repeated after it."""
    blocks = [index for index, at in enumerate(run) if parts[at].kind in FEATURES[2:] or len(parts[at].words[0]) > 1]
    split = blocks[-1] + 1 if blocks else 0
    groups = [run[:split]] if split else []
    for at in run[split:]:
        if groups and groups[-1] != run[:split] and _repeated(parts[groups[-1][-1]], parts[at]):
            groups[-1].append(at)
        else:
            groups.append([at])
    return groups


def _repeated(one: Part, other: Part) -> bool:
    return one.kind == "joining" or (one.shape == other.shape and one.words == other.words)


def _region(parts: Sequence[Part], join: int) -> list[int]:
    """The parts between a join and the fork that dominates it, the join included; empty where they are no block."""
    fork = _dominator(parts, join)
    if fork is None:
        return []
    inside = sorted(ancestors(parts, join) - ancestors(parts, fork))
    readers = readers_of([part.parents for part in parts])
    closed = all(set(readers[at]) <= set(inside) for at in inside if at != join)
    if not closed or not parts[fork].sides:
        return []
    if _gates(parts[join]):  # squeeze and excitation, one number a channel: with what it is applied to
        whole = set(readers[fork]) <= set(inside)
        inner = {parts[at].sides for at in inside if not _one_place(parts[at])}
        return [fork, *inside] if whole and inner == {parts[fork].sides} else []
    return inside if {parts[at].sides for at in inside} <= {parts[fork].sides, parts[join].sides} else []


def _gates(join: Part) -> bool:
    return join.words == (("multiply",),)


def _one_place(part: Part) -> bool:
    return math.prod(side or 2 for side in part.sides) == 1


def ancestors(parts: Sequence[Part], at: int) -> set[int]:
    """Indices of all parts that a part depends on, itself included."""
    found, waiting = set(), [at]
    while waiting:
        here = waiting.pop()
        if here not in found:
            found.add(here)
            waiting += parts[here].parents
    return found


def _dominator(parts: Sequence[Part], at: int) -> int | None:
    """The last part before `at` that every path to it passes through."""
    above: list[int | None] = []
    for part in parts[: at + 1]:
        meeting: int | None = part.parents[0] if part.parents else None
        for parent in part.parents[1:]:
            other: int | None = parent
            while meeting != other:  # Cooper, Harvey and Kennedy, 2001: the later of the two steps back
                if meeting is None or other is None:
                    meeting = other = None
                elif meeting > other:
                    meeting = above[meeting]
                else:
                    other = above[other]
        above.append(meeting)
    return above[at]


def _block(parts: Sequence[Part], region: Sequence[int]) -> Part:
    """A fork's branches and their join: in the words of the longest branch, or the number of those that are joined."""
    join, names = parts[region[-1]], _names(parts, region)
    if _gates(join):
        gated = parts[region[0]]
        return replace(gated, names=names, shape=join.shape)
    longest: dict[int, list[int]] = {}
    for at in region[:-1]:
        before = max((longest[parent] for parent in parts[at].parents if parent in longest), key=len, default=[])
        longest[at] = [*before, at]
    branches = [longest[parent] for parent in join.parents if parent in longest]
    if join.words == (("concatenate",),):
        reads = _chosen_maps(parts, branches)
        if reads:
            return replace(join, kind="convolution", words=((reads,),), stride=1, names=names, extras=())
        kind, count = "branches", len(branches)
    else:
        kind, count = "residual", 1
    words = tuple(word for at in max(branches, key=len, default=[]) for part in parts[at].words for word in part)
    return replace(
        join, kind=kind, words=((f"{count} branches",) if count > 1 else words,), stride=1, names=names, extras=()
    )


def _chosen_maps(parts: Sequence[Part], branches: Sequence[Sequence[int]]) -> str:
    """The words of one convolution each of whose maps reads chosen maps, as LeNet's C3; otherwise nothing."""
    last = {parts[branch[-1]].words for branch in branches}
    chosen = all(len(branch) == 2 and parts[branch[0]].kind == "joining" for branch in branches)
    alike = len(last) == 1 and len(branches) > 1 and parts[branches[0][-1]].kind == "convolution"
    return f"{parts[branches[0][-1]].words[0][0]}, each on some maps" if chosen and alike else ""


def _chain(parts: Sequence[Part], group: Sequence[int]) -> Part:
    """Parts that follow each other."""
    members = [parts[at] for at in group]
    kind = max((part.kind for part in members), key=lambda kind: FEATURES.index(kind) if kind in FEATURES else -1)
    words = tuple(word for part in members for word in part.words)
    groups = members[0].groups if len({part.groups for part in members}) == 1 else 1
    names = _names(parts, group)
    return replace(members[-1], kind=kind, words=words, stride=members[0].stride, groups=groups, names=names, extras=())


def _block_chain(parts: Sequence[Part], group: Sequence[int]) -> Part:
    """Parts that follow each other as one block."""
    chain = _chain(parts, group)
    return replace(chain, words=(tuple(word for part in chain.words for word in part),))


def _names(parts: Sequence[Part], group: Sequence[int]) -> tuple[str, ...]:
    return tuple(name for at in group for name in parts[at].names)


def _together(
    parts: list[Part], groups: Sequence[Sequence[int]], merge: Callable[[Sequence[Part], Sequence[int]], Part]
) -> list[Part]:
    """The parts with each group as one, at the place of its last."""
    last = {at: group[-1] for group in groups for at in group}
    made = {group[-1]: merge(parts, group) for group in groups}
    lasts = [at for at in range(len(parts)) if last.get(at, at) == at]
    position = {at: index for index, at in enumerate(lasts)}
    above: dict[int, list[int]] = {at: [] for at in lasts}
    for at, part in enumerate(parts):
        home = last.get(at, at)
        above[home] += [position[last.get(parent, parent)] for parent in part.parents]
    return [
        replace(made.get(at, parts[at]), parents=tuple(dict.fromkeys(up for up in above[at] if up != position[at])))
        for at in lasts
    ]


def untangled(parts: Sequence[Part]) -> list[Part]:
    """What no fork and join explain, and is too much for a slide, as one part a size: the cells of a NASNet.

    A size that a network comes back to, as a U-Net does, stays as it is.
    """
    made = list(parts)
    for sides in dict.fromkeys(part.sides for part in parts if part.sides):
        members = [at for at, part in enumerate(made) if part.sides == sides and part.kind in (*FEATURES, "pooling")]
        joins = sum(len(made[at].parents) > 1 for at in members)
        if joins > TANGLE and not _left_between(made, members):
            made = _ordered(_together(made, [members], _tangle))
    return made


def _left_between(parts: Sequence[Part], members: Sequence[int]) -> bool:
    """Whether a way leads out of the members and back in."""
    inside = set(members)
    above = set().union(*(ancestors(parts, at) for at in members)) - inside
    return any(inside & ancestors(parts, at) for at in above)


def _ordered(parts: list[Part]) -> list[Part]:
    """Each part after those that it reads."""
    order = list(TopologicalSorter({at: part.parents for at, part in enumerate(parts)}).static_order())
    position = {at: index for index, at in enumerate(order)}
    return [replace(parts[at], parents=tuple(position[up] for up in parts[at].parents)) for at in order]


def _tangle(parts: Sequence[Part], group: Sequence[int]) -> Part:
    """A part that says how many cells it has, each of which ends in a concatenation, and what they are made of."""
    names = _names(parts, group)
    cells = sum(parts[at].words == (("concatenate",),) for at in group)
    inside = [word for at in group if parts[at].kind == "convolution" for words in parts[at].words for word in words]
    common = [word for word, _ in Counter(", ".join(inside).split(", ")).most_common(MOST_WORDS)]
    words = ((f"cell of {common[0]}", *common[1:]),) * cells if cells > 1 and inside else ((f"{len(names)} layers",),)
    return replace(parts[group[-1]], kind="branches", words=words, stride=1, groups=1, names=names, extras=())


DETAILS: dict[str, Callable[[keras.Model], list[Part]]] = {
    "layers": layer_parts,
    "blocks": lambda model: block_parts(layer_parts(model)),
    "stages": lambda model: untangled(stage_parts(block_parts(layer_parts(model)))),
}
"""What `detail=` means."""
