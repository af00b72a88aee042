"""Affine moves: the way back, points, and the pixels that a result takes from."""

from __future__ import annotations

import math

import numpy as np
import pytest

from cnnkit.data.targets.matrices import inverse
from cnnkit.data.targets.moves import Move, mirrored, moved_points, source_pixels


def matrices(count: int = 20) -> np.ndarray:
    dice = np.random.default_rng(0)
    affine = np.eye(3)[None].repeat(count, axis=0)
    affine[:, :2] = dice.normal(size=(count, 2, 3)) + 0.5
    return affine


def test_the_way_back() -> None:
    affine = matrices()
    np.testing.assert_allclose(inverse(affine), np.linalg.inv(affine), rtol=1e-9, atol=1e-12)
    np.testing.assert_array_equal(inverse(np.diag([2.0, 4.0, 1.0])), np.diag([0.5, 0.25, 1.0]))
    np.testing.assert_array_equal([inverse(matrix) for matrix in affine], inverse(affine))  # to the bit


def test_moved_points_are_products() -> None:
    affine, points = matrices(3), np.random.default_rng(1).normal(size=(3, 5, 2))
    moved = moved_points(affine, points)
    for matrix, before, after in zip(affine, points, moved, strict=True):
        for (x, y), where in zip(before, after, strict=True):
            np.testing.assert_allclose([*where, 1], matrix @ [x, y, 1])


def test_mirrors_have_a_negative_determinant() -> None:
    turn = np.array([[0, -1, 0], [1, 0, 0], [0, 0, 1.0]])
    several = np.array([np.eye(3), np.diag([-1, 1, 1]), np.diag([1, -1, 1]), np.diag([-1, -1, 1]), turn])
    assert mirrored(several).tolist() == [False, True, True, False, False]


@pytest.mark.parametrize("upright", [False, True])
def test_source_pixels_are_those_around_the_centres(upright: bool) -> None:
    for matrix in matrices(5):
        if upright:
            matrix[0, 1] = matrix[1, 0] = 0
        rows, columns = source_pixels(matrix, (4, 6))
        assert rows.shape == ((4, 1) if upright else (4, 6))
        rows, columns = np.broadcast_to(rows, (4, 6)), np.broadcast_to(columns, (4, 6))
        for row in range(4):
            for column in range(6):
                x, y, _ = matrix @ [column + 0.5, row + 0.5, 1]
                assert (rows[row, column], columns[row, column]) == (math.floor(y), math.floor(x))


def test_rounding_does_not_choose_between_two_pixels() -> None:
    for error in (-1e-9, 0.0, 1e-9):  # a centre on the border of two pixels belongs to the second
        back = np.array([[2 + error, 0, error], [0, 2, 0], [0, 0, 1]])
        assert source_pixels(back, (2, 3))[1].tolist() == [[1, 3, 5]]


def test_one_matrix_and_one_size_are_for_all() -> None:
    move = Move.of(np.eye(3), (4, 5), 3)
    assert move.positions.shape == (3, 3, 3)
    assert move.sizes.tolist() == [[4, 5]] * 3
    assert Move.of(np.zeros((0, 3, 3)), np.zeros((0, 2), int), 0).sizes.shape == (0, 2)
