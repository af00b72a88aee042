"""Target pictures: framed as their inputs are, warped as another library does, antialiased."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from cnnkit.data.targets import Pictures
from cnnkit.data.views.framing import PADDING, Framing

PICTURE = np.random.default_rng(0).integers(0, 256, (60, 90, 3)).astype(np.uint8)


def moved(matrix: np.ndarray, size: tuple[int, int], picture: np.ndarray = PICTURE) -> np.ndarray:
    return Pictures.of_arrays([picture]).moved(matrix, size).picture(0)


@pytest.mark.parametrize(
    "framing", [Framing("crop"), Framing("crop", fraction=0.875), Framing("squash"), Framing("pad")], ids=repr
)
@pytest.mark.parametrize("size", [(32, 32), (60, 90), (96, 100), (224, 224), (7, 50)])
def test_a_target_is_framed_like_its_input(framing: Framing, size: tuple[int, int]) -> None:
    result = moved(framing.positions((60, 90), size), size)
    expected = framing.apply(PICTURE, size)
    if framing.resize == "pad":  # the input has bars of one colour, the target goes on
        inside = ~(expected == PADDING).all(axis=2)
        result, expected = result[inside], expected[inside]
    np.testing.assert_array_equal(result, expected)


@pytest.mark.parametrize("seed", range(3))
def test_a_warp_without_shrinking_is_that_of_scipy(seed: int) -> None:
    dice = np.random.default_rng(seed)
    matrix = np.eye(3)
    matrix[:2, :2] = np.diag([1.5, 1.7]) + dice.uniform(-0.3, 0.3, (2, 2))
    matrix[:2, 2] = dice.uniform(-9, 9, 2)
    centre = np.array([[1, 0, 0.5], [0, 1, 0.5], [0, 0, 1]])
    (xx, xy, x), (yx, yy, y) = (np.linalg.inv(centre) @ np.linalg.inv(matrix) @ centre)[:2]
    expected = [
        ndimage.affine_transform(
            PICTURE[..., channel].astype(float), [[yy, yx], [xy, xx]], (y, x), (70, 80), order=1, mode="nearest"
        )
        for channel in range(3)
    ]
    np.testing.assert_allclose(moved(matrix, (70, 80)), np.stack(expected, axis=-1), atol=0.52)


def test_a_mirror_is_exact() -> None:
    np.testing.assert_array_equal(moved(np.array([[-1, 0, 90], [0, 1, 0], [0, 0, 1]]), (60, 90)), PICTURE[:, ::-1])


def test_every_pixel_counts_where_a_picture_shrinks() -> None:
    board = np.indices((128, 128)).sum(axis=0) % 2 * 255
    picture = np.stack([board] * 3, axis=-1).astype(np.uint8)
    turn = np.sqrt(0.5) / 4 * np.array([[1, -1, 90.5], [1, 1, 0], [0, 0, 4 / np.sqrt(0.5)]])
    middle = moved(turn, (32, 32), picture)[12:20, 12:20].astype(float)
    assert abs(middle.mean() - 127.5) < 4
    assert middle.std() < 12


def test_the_border_goes_on() -> None:
    picture = np.full((4, 4, 3), 7, np.uint8)
    assert (moved(np.array([[1, 0, 2], [0, 1, 2], [0, 0, 1]]), (8, 8), picture) == 7).all()


def test_nothing_has_a_name() -> None:
    truth = Pictures.of_arrays([PICTURE, PICTURE])
    assert truth.names == ()
    assert truth.strata().tolist() == [0, 0]
