from __future__ import annotations

import itertools

import numpy as np
import pytest

from cnnkit.diagrams.layered_graph import Edge, layered


def test_a_chain_is_straight() -> None:
    layout = layered([(), (0,), (1,)])
    assert (layout.columns, layout.lanes) == ((0, 1, 2), (0, 0, 0))
    assert layout.edges == (Edge(0, 1, 0), Edge(1, 2, 0))


def test_branches_beside_each_other_take_lanes_on_both_sides() -> None:
    # A fork 0, branches 1-2, 3, 4-5 and 6, a join 7.
    layout = layered([(), (0,), (1,), (0,), (0,), (4,), (0,), (2, 3, 5, 6)])
    assert layout.columns == (0, 1, 2, 1, 1, 2, 1, 3)
    branches = [layout.lanes[first] for first in (1, 3, 4, 6)]
    assert sorted(branches) == [-1, 0, 1, 2]
    assert layout.lanes[1] == layout.lanes[2]
    assert layout.lanes[4] == layout.lanes[5]
    assert layout.lanes[0] == layout.lanes[7] == 0


def test_nested_shortcuts_are_nested_lanes_the_inner_one_nearer() -> None:
    layout = layered([(), (0,), (1,), (2, 1), (3, 0)])
    lanes = {(edge.source, edge.target): edge.lane for edge in layout.edges}
    assert lanes[1, 3] == 1
    assert lanes[0, 4] == 2
    assert set(layout.lanes) == {0}


def test_a_second_source_stands_just_before_what_reads_it() -> None:
    layout = layered([(), (0,), (1,), (), (2, 3)])
    assert layout.columns == (0, 1, 2, 2, 3)
    assert layout.lanes[3] == 1


@pytest.mark.parametrize("seed", range(20))
def test_no_two_boxes_and_no_two_shortcuts_meet(seed: int) -> None:
    random = np.random.default_rng(seed)
    parents = [tuple(random.choice(box, min(box, random.integers(1, 4)), replace=False)) for box in range(25)]
    parents = [tuple(int(parent) for parent in above) for above in parents]
    layout = layered(parents)
    assert len(set(zip(layout.columns, layout.lanes, strict=True))) == len(parents)
    assert {(edge.source, edge.target) for edge in layout.edges} == {
        (parent, box) for box, above in enumerate(parents) for parent in above
    }
    for edge in layout.edges:
        assert layout.columns[edge.source] < layout.columns[edge.target]
        passed = range(layout.columns[edge.source] + 1, layout.columns[edge.target])
        on_the_way = [box for box in range(25) if layout.lanes[box] == edge.lane and layout.columns[box] in passed]
        assert not on_the_way
    own = [edge for edge in layout.edges if edge.lane not in {layout.lanes[edge.source], layout.lanes[edge.target]}]
    for one, other in itertools.combinations(own, 2):
        if one.lane == other.lane:
            spans = [(layout.columns[edge.source], layout.columns[edge.target]) for edge in (one, other)]
            assert spans[0][1] <= spans[1][0] or spans[1][1] <= spans[0][0]
