"""Regions warped to one size."""

from __future__ import annotations

import numpy as np
import pytest

import cnnkit as ck
from cnnkit.data.views.framing import PADDING
from cnnkit.errors import DataError, InputError

PICTURE = np.random.default_rng(0).integers(0, 256, (20, 24, 3), dtype=np.uint8)


def test_a_region_of_the_size_of_a_crop_is_copied() -> None:
    found = ck.data.region_crops(PICTURE, np.array([[3.2, 4.9, 11.2, 12.9]]), (8, 8), context=0)
    np.testing.assert_array_equal(found[0], PICTURE[5:13, 3:11])


def test_a_crop_shows_what_is_around_and_the_mean_colour_outside() -> None:
    found = ck.data.region_crops(PICTURE, np.array([[0, 2, 8, 10], [10, 10, 18, 18]]), (16, 16), context=0.25)
    np.testing.assert_array_equal(found[0][2:, 4:], PICTURE[:14, :12])
    assert (found[0][:2] == PADDING).all()
    assert (found[0][:, :4] == PADDING).all()
    np.testing.assert_array_equal(found[1][:14], PICTURE[6:20, 6:22])
    assert (found[1][14:] == PADDING).all()


def test_a_region_is_squashed_whatever_its_shape() -> None:
    halves = np.zeros((16, 8, 3), np.uint8)
    halves[8:] = 200
    found = ck.data.region_crops(halves, np.array([[0, 0, 8, 16]]), (8, 8), context=0)
    assert (found[0][:3] == 0).all()  # between them is a border that both shades share
    assert (found[0][5:] == 200).all()


def test_other_regions_and_contexts_are_refused() -> None:
    with pytest.raises(DataError, match="x1 ≤ x2"):
        ck.data.region_crops(PICTURE, [[4, 4, 2, 2]], (8, 8))
    with pytest.raises(InputError, match="context"):
        ck.data.region_crops(PICTURE, [[0, 0, 2, 2]], (8, 8), context=0.5)
