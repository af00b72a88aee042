"""Polygons and run lengths against COCO's own code."""

from __future__ import annotations

import numpy as np
import pytest

from cnnkit.metrics.run_lengths import counted_runs, letters_counts, paint, polygon_runs, upright

oracle = pytest.importorskip("pycocotools.mask", reason="pycocotools is not installed")


def painted(runs: tuple[np.ndarray, np.ndarray], size: tuple[int, int]) -> np.ndarray:
    canvas = np.zeros(size[0] * size[1], np.uint8)
    paint(canvas, runs, 1)
    return upright(canvas, size)


@pytest.mark.parametrize("seed", range(300))
def test_polygons_cover_what_coco_says(seed: int) -> None:
    dice = np.random.default_rng(seed)
    size = tuple(dice.integers(1, 60, 2).tolist())
    corners = dice.uniform(-20, 80, (int(dice.integers(3, 12)), 2))  # they cross themselves and leave the picture
    if seed % 3 == 0:
        corners = np.rint(corners)
    if seed % 5 == 0:
        corners = corners.repeat(2, axis=0)  # sides of no length
    expected = oracle.decode(oracle.frPyObjects([corners.ravel().tolist()], *size))[..., 0]
    np.testing.assert_array_equal(painted(polygon_runs(corners, size), size), expected)


@pytest.mark.parametrize("seed", range(50))
def test_run_lengths_are_those_of_coco(seed: int) -> None:
    dice = np.random.default_rng(seed)
    size = tuple(dice.integers(1, 80, 2).tolist())
    mask = np.asfortranarray(dice.random(size) < dice.random() ** 3, np.uint8)
    letters = oracle.encode(mask)["counts"].decode()
    np.testing.assert_array_equal(painted(counted_runs(letters_counts(letters)), size), mask)


def test_letters_that_are_none() -> None:
    with pytest.raises(ValueError, match="the letter '!'"):
        letters_counts("1!")
    with pytest.raises(ValueError, match="in the middle of a number"):
        letters_counts("1P")


def test_a_rectangle_covers_its_pixels() -> None:
    mask = painted(polygon_runs(np.array([[1, 2], [4, 2], [4, 5], [1, 5]], float), (6, 7)), (6, 7))
    expected = np.zeros((6, 7), np.uint8)
    expected[2:5, 1:4] = 1
    np.testing.assert_array_equal(mask, expected)
