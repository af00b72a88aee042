from __future__ import annotations

import numpy as np
import pytest

from cnnkit.scenes.photo import blurred, exposed, grained, recompressed
from cnnkit.scenes.randomness import Dice
from cnnkit.scenes.surfaces import BANK, cut, grain, noise


@pytest.fixture
def picture() -> np.ndarray:
    return Dice(5).bytes(48 * 48 * 3).reshape(48, 48, 3)


def test_blur_is_the_binomial_with_a_repeated_border(picture: np.ndarray) -> None:
    padded = np.pad(picture.astype(np.int64), ((1, 1), (1, 1), (0, 0)), mode="edge")
    slow = sum(
        weight_y * weight_x * padded[dy : dy + 48, dx : dx + 48]
        for dy, weight_y in enumerate((1, 2, 1))
        for dx, weight_x in enumerate((1, 2, 1))
    )
    np.testing.assert_array_equal(blurred(picture, 1), (slow + 8) // 16)
    np.testing.assert_array_equal(blurred(picture, 0), picture)


def test_exposure_scales_channels_and_keeps_the_middle_grey() -> None:
    grey = np.full((4, 4, 3), 118, np.uint8)
    np.testing.assert_array_equal(exposed(grey, (1.0, 1.0, 1.0), 0.5), grey)
    assert exposed(grey, (1.5, 1.0, 0.5), 1.0)[0, 0].tolist() == [177, 118, 59]
    assert exposed(np.full((4, 4, 3), 250, np.uint8), (2.0, 2.0, 2.0), 1.0).max() == 255


def test_grain_of_no_strength_changes_nothing(picture: np.ndarray) -> None:
    piece = cut(grain(), Dice(0), 48, 48)
    assert grained(picture, piece, 0) is picture
    assert np.abs(grained(np.full_like(picture, 128), piece, 64).astype(float) - 128).std() > 3


def test_textures_have_no_tint_and_wrap() -> None:
    assert abs(noise().mean()) < 12
    assert abs(grain().mean()) < 1
    np.testing.assert_array_equal(cut(noise(), Dice(1), BANK + 8, 16)[:8], cut(noise(), Dice(1), BANK + 8, 16)[BANK:])


def test_jpeg_keeps_colours_in_their_order() -> None:
    red = np.zeros((16, 16, 3), np.uint8)
    red[:, :, 0] = 200
    assert np.abs(recompressed(red, 95).astype(int) - red).max() < 8
