"""Masks of regions, from the true ones and back to the picture."""

from __future__ import annotations

import numpy as np
import pytest

from cnnkit.data.targets import Boxes, Masks
from cnnkit.errors import DataError
from cnnkit.heads.region_masks import FINE, RegionMasks, mask_losses, masks_in, small_masks
from cnnkit.heads.region_targets import padded

SIDE = 40
ROWS, COLUMNS = np.mgrid[:SIDE, :SIDE] + 0.5
BOXES = np.array([[4.0, 4, 32, 32], [10, 0, 38, 14]])
# A disc in the first box, the left half of the second.
DISC = ((ROWS - 18) ** 2 + (COLUMNS - 18) ** 2 < 12**2).astype(np.uint8)
LEFT = ((COLUMNS > 10) & (COLUMNS < 24) & (ROWS < 14)).astype(np.uint8)
TRUTH = Boxes.of_lists(
    ("a", "b"), [BOXES, []], [[0, 1], []], masks=Masks.of_arrays(("background", "thing"), [DISC, LEFT])
)


def disc(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    return (y - 18) ** 2 + (x - 18) ** 2 < 12**2


def middles(region: np.ndarray, side: int) -> tuple[np.ndarray, np.ndarray]:
    """x and y in pixels of the middle of each of side × side cells of a region."""
    steps = (np.arange(side) + 0.5) / side
    left, top, right, bottom = region.astype(float)
    return np.meshgrid(left + steps * (right - left), top + steps * (bottom - top))


def test_small_masks_show_the_part_of_the_thing_in_each_cell_of_its_box() -> None:
    small = small_masks(TRUTH)
    assert small.shape == (2, 50, FINE, FINE)
    wrong = (small[0, 0] > 127) != disc(*middles(BOXES[0], FINE))
    assert wrong.mean() < 0.02  # pixels at its border
    np.testing.assert_array_equal(small[0, 1] > 127, np.tile(np.arange(FINE) < FINE // 2, (FINE, 1)))
    assert not small[0, 2:].any()
    assert not small[1].any()


@pytest.mark.parametrize("region", [[5, 3, 31, 32], [8, 10, 24, 40], [-6, 2, 20, 20]])
def test_a_region_shows_its_part_of_the_mask(region: list[float]) -> None:
    regions, like = np.float32([[region]]), np.zeros((1, 1, 14, 14), np.float32)
    boxes, fine = np.float32(BOXES[None, :1]), np.float32(small_masks(TRUTH)[:1, :1])
    shown = np.asarray(masks_in(regions, boxes, fine, like))[0, 0]
    wrong = (shown > 0) != disc(*middles(regions[0, 0], 14))
    assert wrong.mean() < 0.04


def test_the_loss_is_the_mean_over_regions_that_show_a_box() -> None:
    encoded = padded(TRUTH) | {"true_masks": small_masks(TRUTH)}
    regions = np.float32([[BOXES[0], BOXES[1], [0, 30, 8, 40]], [[1, 1, 9, 9]] * 3])
    logits = np.random.default_rng(0).normal(size=(2, 3, 14, 14)).astype(np.float32)
    losses = np.asarray(mask_losses(encoded, regions, logits))
    expected = []
    for place in (0, 1):
        true = np.asarray(
            masks_in(
                regions[:1, [place]],
                np.float32(BOXES[None, [place]]),
                np.float32(encoded["true_masks"][:1, [place]]),
                logits[:1, [place]],
            )
        )[0, 0]
        p = 1 / (1 + np.exp(-logits[0, place].astype(float)))
        expected.append(-np.where(true > 0, np.log(p), np.log(1 - p)).mean())
    np.testing.assert_allclose(losses, [np.mean(expected), 0], rtol=1e-5)


def test_a_mask_comes_back_to_its_place() -> None:
    logits = np.where(small_masks(TRUTH)[0, :2] > 127, 9, -9).astype(np.float32)
    reader = RegionMasks(logits, BOXES, (SIDE, SIDE))
    for place, true in enumerate((DISC, LEFT)):
        mask = reader.read(place)
        assert mask.dtype == np.uint8
        assert (mask & true).sum() / (mask | true).sum() > 0.95
    assert Masks.of_arrays(("a", "b"), [reader.read(0)]).stored.digest(0) == reader.digest(0)


def test_boxes_without_masks_are_refused() -> None:
    with pytest.raises(DataError, match="mask of each thing"):
        small_masks(Boxes.of_lists(("a",), [[[0, 0, 4, 4]]], [[0]]))
