"""Masks: against a slow warp pixel by pixel, there and back, and what is counted."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import ndimage

from cnnkit.data.targets import Masks

NAMES = ("ground", "cat", "dog")
VOID = 255


def random_masks(count: int, size: tuple[int, int] = (9, 12)) -> np.ndarray:
    return np.random.default_rng(3).choice([0, 1, 2, VOID], (count, *size)).astype(np.uint8)


def random_moves(seed: int, count: int) -> np.ndarray:
    dice = np.random.default_rng(seed)
    matrices = np.eye(3)[None].repeat(count, axis=0)
    matrices[:, :2, :2] += dice.uniform(-0.7, 0.7, (count, 2, 2))
    matrices[:, :2, 2] = dice.uniform(-3, 3, (count, 2))
    return matrices


def slow(mask: np.ndarray, steps: list[tuple[np.ndarray, tuple[int, int]]]) -> np.ndarray:
    """Per pixel of the last result the class at the place of its centre in the mask, if all pictures show it."""
    height, width = steps[-1][1]
    shapes = [mask.shape, *(shape for _, shape in steps[:-1])]
    result = np.full((height, width), VOID, np.uint8)
    for row in range(height):
        for column in range(width):
            place, seen = np.array([column + 0.5, row + 0.5, 1]), True
            for (matrix, _), (high, wide) in zip(reversed(steps), reversed(shapes), strict=True):
                place = np.linalg.solve(matrix, place)
                seen = seen and 0 <= place[0] < wide and 0 <= place[1] < high
            if seen:
                result[row, column] = mask[math.floor(place[1]), math.floor(place[0])]
    return result


@pytest.mark.parametrize("seed", range(6))
def test_a_moved_mask_is_the_slow_one(seed: int) -> None:
    masks, first, second = random_masks(3), random_moves(seed, 3), random_moves(seed + 50, 3)
    once = Masks.of_arrays(NAMES, masks).moved(first, (8, 11))
    twice = once.moved(second, [(10, 9), (7, 7), (12, 12)])
    for index in range(3):
        np.testing.assert_array_equal(once.mask(index), slow(masks[index], [(first[index], (8, 11))]))
        size = [(10, 9), (7, 7), (12, 12)][index]
        steps = [(first[index], (8, 11)), (second[index], size)]
        np.testing.assert_array_equal(twice.mask(index), slow(masks[index], steps))


@pytest.mark.parametrize("seed", range(4))
def test_a_moved_mask_is_that_of_scipy(seed: int) -> None:
    (mask,), (matrix,) = random_masks(1, (20, 24)), random_moves(seed, 1)
    centre = np.array([[1, 0, 0.5], [0, 1, 0.5], [0, 0, 1]])
    back = np.linalg.inv(centre) @ np.linalg.inv(matrix) @ centre  # from pixel to pixel, x before y
    (xx, xy, x), (yx, yy, y) = back[:2]
    expected = ndimage.affine_transform(
        mask, [[yy, yx], [xy, xx]], (y, x), (20, 24), order=0, mode="grid-constant", cval=VOID, prefilter=False
    )
    moved = Masks.of_arrays(NAMES, [mask]).moved(matrix, (20, 24)).mask(0)
    np.testing.assert_array_equal(moved, expected)


@pytest.mark.parametrize(
    ("matrix", "expected"),
    [
        ([[-1, 0, 4], [0, 1, 0], [0, 0, 1]], [[2, 1, 0, 0], [0, 2, 1, 1]]),
        ([[1, 0, 0], [0, -1, 2], [0, 0, 1]], [[1, 1, 2, 0], [0, 0, 1, 2]]),
        ([[1, 0, 1], [0, 1, 0], [0, 0, 1]], [[VOID, 0, 0, 1], [VOID, 1, 1, 2]]),
        ([[0.5, 0, 0], [0, 1, 0], [0, 0, 1]], [[0, 2, VOID, VOID], [1, 0, VOID, VOID]]),
        ([[2, 0, 0], [0, 2, 0], [0, 0, 1]], [[0, 0, 0, 0], [0, 0, 0, 0]]),
    ],
    ids=["mirrored", "upside down", "shifted", "half as wide", "twice as large"],
)
def test_upright_moves_by_hand(matrix: list[list[float]], expected: list[list[int]]) -> None:
    mask = [[0, 0, 1, 2], [1, 1, 2, 0]]
    assert Masks.of_arrays(NAMES, [mask]).moved(matrix, (2, 4)).mask(0).tolist() == expected


@pytest.mark.parametrize("seed", range(4))
def test_moved_back_is_the_truth_but_for_what_left(seed: int) -> None:
    masks, matrices = random_masks(3), random_moves(seed, 3)
    truth = Masks.of_arrays(NAMES, masks)
    back = truth.moved(matrices, (8, 11)).moved(np.linalg.inv(matrices), (9, 12))
    for index in range(3):
        result = back.mask(index)
        left = np.zeros((9, 12), np.bool_)
        for row in range(9):
            for column in range(12):
                x, y, _ = matrices[index] @ [column + 0.5, row + 0.5, 1]
                left[row, column] = not (0 <= x < 11 and 0 <= y < 8)
        np.testing.assert_array_equal(result[~left], masks[index][~left])
        assert (result[left] == VOID).all()


def test_a_prediction_moved_back_lies_on_the_truth() -> None:
    mask = np.zeros((40, 60), np.uint8)
    mask[10:30, 20:45] = 1
    turn = math.radians(20)
    matrix = 2.5 * np.array([[math.cos(turn), -math.sin(turn), 20], [math.sin(turn), math.cos(turn), 4], [0, 0, 0.4]])
    view = Masks.of_arrays(NAMES, [mask]).moved(matrix, (180, 220)).mask(0)
    back = Masks.of_arrays(NAMES, [view]).moved(np.linalg.inv(matrix), (40, 60)).mask(0)
    # Every centre of a pixel is at most half a pixel of the view, a fifth of the picture's, from where it was read.
    near = ndimage.binary_dilation(mask != ndimage.minimum_filter(mask, 3)) | ndimage.binary_dilation(mask == 0) & (
        mask == 1
    )
    np.testing.assert_array_equal(back[~near], mask[~near])
    assert (back == mask).mean() > 0.97


def test_what_is_counted() -> None:
    truth = Masks.of_arrays(NAMES, [[[0, 1], [1, VOID]], [[0, 0, 0]], [[VOID]]])
    assert truth.counts().tolist() == [2, 1, 0]
    assert truth.pixels().tolist() == [4, 2, 0]
    assert truth.strata().tolist() == [2, 1, 0]
    assert truth.moved(np.eye(3), (1, 1)).pixels().tolist() == [2, 0, 0]


def test_a_mask_of_255_classes_still_has_void() -> None:
    truth = Masks.of_arrays(tuple(map(str, range(255))), [[[254, VOID]]])
    assert truth.pixels()[254] == truth.pixels().sum() == 1


def test_shares_of_pixels_leave_void_out() -> None:
    truth = Masks.of_arrays(NAMES, [[[0, 0, 1, 255]], [[0, 255, 255, 255]]])
    assert truth.measures()["pixels"].tolist() == [3 / 4, 1 / 4, 0, 4 / 8]
    nothing = truth.take([]).measures()["pixels"]
    np.testing.assert_array_equal(nothing, [np.nan, np.nan, np.nan, 0])
