"""Sliding windows: they cover a photograph, and their maps are joined as a slow definition says."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from cnnkit.errors import InputError
from cnnkit.transfer.windows import Windows

SHAPES = [(40, 50), (41, 97), (40, 51), (200, 90)]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("overlap", [0, 0.25, 0.5, 0.9])
def test_windows_cover_all_and_overlap_as_asked(shape: tuple[int, int], overlap: float) -> None:
    windows = Windows((40, 50), overlap)
    corners = windows.corners(shape)
    assert len(set(corners)) == len(corners)
    for side, length, starts in zip(
        shape, (40, 50), (sorted(set(axis)) for axis in zip(*corners, strict=True)), strict=True
    ):
        assert (starts[0], starts[-1]) == (0, side - length)
        assert all(after - before <= length * (1 - overlap) + 1 for before, after in itertools.pairwise(starts))
    assert windows.weights().min() > 0


@pytest.mark.parametrize("shape", SHAPES)
def test_what_does_not_depend_on_the_window_is_joined_unchanged(shape: tuple[int, int]) -> None:
    windows = Windows((40, 50), 0.3)
    whole = np.random.default_rng(0).normal(size=(*shape, 3)).astype(np.float32)
    maps = [((top, left), whole[top : top + 40, left : left + 50]) for top, left in windows.corners(shape)]
    assert np.abs(windows.joined(shape, maps) - whole).max() < 1e-5


def test_a_pixel_is_the_weighted_mean_of_the_windows_that_show_it() -> None:
    """Pixel by pixel; weights rise linearly over the overlap."""
    windows, shape = Windows((6, 8), 0.5), (9, 14)
    random = np.random.default_rng(1)
    maps = [(corner, random.normal(size=(6, 8, 2)).astype(np.float32)) for corner in windows.corners(shape)]
    joined = windows.joined(shape, maps)
    for row in range(9):
        for column in range(14):
            total, weights = np.zeros(2), 0.0
            for (top, left), values in maps:
                down, across = row - top, column - left
                if 0 <= down < 6 and 0 <= across < 8:
                    weight = min(1, (down + 0.5) / 3, (5.5 - down) / 3) * min(1, (across + 0.5) / 4, (7.5 - across) / 4)
                    total, weights = total + weight * values[down, across], weights + weight
            assert joined[row, column] == pytest.approx(total / weights, abs=1e-5)


def test_coarse_maps_are_enlarged() -> None:
    windows = Windows((8, 8), 0)
    assert (windows.joined((8, 8), [((0, 0), np.full((2, 2, 1), 3.0, np.float32))]) == 3).all()


def test_a_small_photograph_gets_mirrored_borders() -> None:
    picture = np.arange(5 * 4 * 3, dtype=np.uint8).reshape(5, 4, 3)
    padded, (top, left) = Windows((8, 4)).padded(picture)
    assert (padded.shape, top, left) == ((8, 4, 3), 1, 0)
    assert (padded == picture[[0, 0, 1, 2, 3, 4, 4, 3]]).all()
    assert Windows((5, 4)).padded(picture)[0] is picture


@pytest.mark.parametrize(("size", "overlap"), [((0, 3), 0), (5, 0), ((4, 4), 1), ((4, 4), -0.1), ((4, 4), "half")])
def test_wrong_windows_are_refused(size: object, overlap: object) -> None:
    with pytest.raises(InputError):
        Windows(size, overlap)  # type: ignore[arg-type]
