"""Boxes: moved by hand, dropped, and their tables."""

from __future__ import annotations

import math

import numpy as np
import pytest

from cnnkit.data.targets import Boxes, Masks, Points
from cnnkit.data.targets.boxes import LEAST_VISIBLE

NAMES = ("cat", "dog")


def of(*boxes: list[float]) -> Boxes:
    return Boxes.of_lists(NAMES, [list(boxes)], [[0] * len(boxes)])


@pytest.mark.parametrize(
    ("matrix", "expected"),
    [
        ([[2, 0, 3], [0, 4, 1], [0, 0, 1]], [5, 9, 9, 25]),
        ([[-1, 0, 40], [0, 1, 0], [0, 0, 1]], [37, 2, 39, 6]),
        ([[1, 0, 0], [0, -1, 40], [0, 0, 1]], [1, 34, 3, 38]),
        ([[0, -1, 40], [1, 0, 0], [0, 0, 1]], [34, 1, 38, 3]),
        ([[0.5, 0, 0.25], [0, 0.5, 0], [0, 0, 1]], [0.75, 1, 1.75, 3]),
    ],
    ids=["larger", "mirrored", "upside down", "a quarter turned", "smaller"],
)
def test_upright_moves_are_exact(matrix: list[list[float]], expected: list[float]) -> None:
    moved = of([1, 2, 3, 6]).moved(matrix, (40, 40))
    assert moved.boxes.tolist() == [expected]
    assert moved.moved(np.linalg.inv(matrix), (10, 10)).boxes.tolist() == [[1, 2, 3, 6]]


def test_a_turned_box_is_the_hull_of_its_corners() -> None:
    turn = math.radians(30)
    cos, sin = math.cos(turn), math.sin(turn)
    corners = [(cos * x - sin * y + 20, sin * x + cos * y) for x, y in ((2, 1), (10, 1), (10, 7), (2, 7))]
    xs, ys = zip(*corners, strict=True)
    moved = of([2, 1, 10, 7]).moved([[cos, -sin, 20], [sin, cos, 0], [0, 0, 1]], (50, 50))
    np.testing.assert_allclose(moved.boxes, [[min(xs), min(ys), max(xs), max(ys)]])


def test_boxes_are_clipped_and_dropped_below_a_part_of_their_area() -> None:
    truth = of([0, 0, 4, 4], [6, 0, 10, 4], [7, 0, 11, 4], [8, 0, 12, 4], [3, 3, 3, 5])
    moved = truth.moved([[1, 0, 0], [0, 1, 0], [0, 0, 1]], (10, 8))
    # Half of the second is visible, a quarter of the third, none of the fourth, and the fifth has no area.
    assert moved.boxes.tolist() == [[0, 0, 4, 4], [6, 0, 8, 4], [7, 0, 8, 4]]
    assert LEAST_VISIBLE == 0.25
    assert truth.moved(np.eye(3), (10, 8), least=0.26).boxes.tolist() == [[0, 0, 4, 4], [6, 0, 8, 4]]
    assert len(truth.moved(np.eye(3), (10, 13), least=0).boxes) == 4
    assert len(truth.moved([[1, 0, 50], [0, 1, 0], [0, 0, 1]], (10, 8), least=0).boxes) == 0


def test_what_belongs_to_a_box_goes_with_it() -> None:
    things = np.zeros((3, 6, 8), np.uint8)
    things[0, :2, :2] = things[1, 2:4, 2:4] = things[2, 4:, 4:] = 1
    truth = Boxes(
        NAMES,
        [[0, 0, 2, 2], [2, 2, 4, 4], [4, 4, 8, 6]],
        [0, 1, 0],
        [0, 2, 3],
        scores=[0.1, 0.2, 0.3],
        crowd=[0, 0, 1],
        difficult=[0, 1, 0],
        masks=Masks.of_arrays(("background", "thing"), things),
        points=Points(("a", "b"), [[[1, 1], [1, 2]], [[3, 3], [2, 3]], [[7, 5], [5, 5]]], [[2, 2]] * 3, mirror=(1, 0)),
    )
    shift, flip = np.array([[1, 0, -2], [0, 1, -2], [0, 0, 1]]), np.array([[-1, 0, 8], [0, 1, 0], [0, 0, 1]])
    moved = truth.moved([shift, flip], (6, 8))
    assert moved.starts.tolist() == [0, 1, 2]
    assert moved.boxes.tolist() == [[0, 0, 2, 2], [0, 4, 4, 6]]
    assert moved.labels.tolist() == [1, 0]
    assert moved.crowd is not None
    assert moved.crowd.tolist() == [False, True]
    assert moved.masks is not None
    assert moved.points is not None
    assert np.argwhere(moved.masks.mask(0) == 1).tolist() == [[0, 0], [0, 1], [1, 0], [1, 1]]
    assert (moved.masks.mask(1)[4:, :4] == 1).all()
    np.testing.assert_allclose(moved.points.values, [[[1, 1], [0, 1]], [[3, 5], [1, 5]]])  # the second one swapped
    table = moved.table(["p", "q"])
    assert table.drop(columns="mask").round(4).to_dict("list") == {
        "id": ["p", "q"],
        "label": ["dog", "cat"],
        "score": [np.float32(0.2), np.float32(0.3)],
        "x": [0, 0],
        "y": [0, 4],
        "width": [2, 4],
        "height": [2, 2],
        "crowd": [False, True],
        "difficult": [True, False],
        "a_x": [1, 3],
        "a_y": [1, 5],
        "a_shown": [2, 2],
        "b_x": [0, 1],
        "b_y": [1, 5],
        "b_shown": [2, 2],
    }


def test_examples_without_boxes() -> None:
    truth = Boxes.of_lists(
        NAMES, [[], [[0, 0, 1, 1], [0, 0, 2, 2]], []], [[], [1, 0], []], scores=[[], [0.5, 0.25], []]
    )
    assert len(truth) == 3
    assert truth.owners.tolist() == [1, 1]
    assert truth.span(1) == slice(0, 2)
    assert truth.take([2, 1, 1]).starts.tolist() == [0, 0, 2, 4]
    assert truth.counts().tolist() == [1, 1]
    assert truth.strata().tolist() == [0, 1, 0]
    table = truth.table(["p", "q", "r"])
    assert table.to_dict("list") == {
        "id": ["q", "q"],
        "label": ["dog", "cat"],
        "score": [0.5, 0.25],
        "x": [0, 0],
        "y": [0, 0],
        "width": [1, 2],
        "height": [1, 2],
    }
    assert list(truth.take([0]).table(["p"])) == list(table)
    nothing = Boxes.of_lists(NAMES, [], [])
    assert (len(nothing), nothing.boxes.shape) == (0, (0, 4))


def test_a_class_counts_once_per_example() -> None:
    assert Boxes.of_lists(NAMES, [[[0, 0, 1, 1]] * 3, [[0, 0, 1, 1]]], [[0, 0, 1], [0]]).counts().tolist() == [2, 1]


def test_sizes_and_shapes_per_class() -> None:
    boxes = [[0, 0, 4, 1], [0, 0, 1, 4], [1, 1, 3, 3], [5, 5, 5, 9]]
    truth = Boxes.of_lists(("cat", "dog", "hen"), [boxes[:2], boxes[2:]], [[0, 0], [1, 1]])
    measures = truth.measures()
    assert measures["boxes"].tolist() == [2, 2, 0, 4]
    np.testing.assert_allclose(measures["area"], [4, 4, np.nan, 4])  # the box without area has no shape
    np.testing.assert_allclose(measures["aspect"], [1, 1, np.nan, 1])
    wide = Boxes.of_lists(NAMES, [[[0, 0, 8, 1], [0, 0, 2, 1]]], [[0, 0]]).measures()
    np.testing.assert_allclose(wide["aspect"], [4, np.nan, 4])
