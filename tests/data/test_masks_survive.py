"""Masks through views and back: against a slow definition, on 1,000 drawn scenes and all of CamVid."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import cnnkit as ck
from cnnkit.data import Augmentation, Framing
from cnnkit.data.targets import Masks

VOID = 255
SIZE = (40, 56)
VIEWS = Augmentation(rotation=25, zoom=0.3, width_shift=0.2, height_shift=0.2, shear=10, horizontal_flip=True)
# Of the pixels of a view, row by row.
CENTRES = np.array([[column + 0.5, row + 0.5, 1] for row in range(SIZE[0]) for column in range(SIZE[1])])


def matrices(count: int, shape: tuple[int, int]) -> np.ndarray:
    """From photographs of a shape to a view of them, one each."""
    framing = Framing("pad").positions(shape, SIZE)
    chances = (np.random.default_rng(index) for index in range(count))
    return np.array([VIEWS.view(SIZE, chance).positions @ framing for chance in chances])


def slow(mask: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """Per pixel of the view the class of the pixel in which its centre lies; void outside."""
    x, y, _ = np.linalg.solve(matrix, CENTRES.T)
    rows, columns = np.floor(y + 1e-6).astype(int), np.floor(x + 1e-6).astype(int)
    inside = (rows >= 0) & (rows < mask.shape[0]) & (columns >= 0) & (columns < mask.shape[1])
    values = mask[np.where(inside, rows, 0), np.where(inside, columns, 0)]
    return np.where(inside, values, VOID).reshape(SIZE)


def survives(truth: Masks, shape: tuple[int, int]) -> None:
    positions = matrices(len(truth), shape)
    there = truth.moved(positions, SIZE)
    back = there.moved(np.linalg.inv(positions), shape)
    seen = 0.0
    for index, matrix in enumerate(positions):
        original, moved, returned = truth.mask(index), there.mask(index), back.mask(index)
        expected = slow(original, matrix)
        # A centre that lies on the border of two pixels may count to either.
        assert (moved != expected).mean() <= 0.001, index
        left = returned != original
        assert (returned[left] == VOID).all(), index
        seen += 1 - left.mean()
    assert seen / len(truth) > 0.5  # void is only what the view did not show


def test_a_thousand_scenes() -> None:
    photos = ck.data.scenes(1000, 8, size=32, target="masks")
    for part in photos.parts().values():
        survives(part.targets, (32, 32))


def test_camvid(shared: Path) -> None:
    root = shared / "data" / "camvid"
    names = [str(number) for number in range(11)]
    for part in ("train", "val", "test"):
        photos = ck.data.masks(root / part, root / f"{part}annot", names, void=11, split=(1, 0, 0))
        survives(photos.train.targets, (360, 480))


@pytest.mark.parametrize("crop", [(0, 0, 8, 8), (5, 3, 20, 17)])
def test_a_crop_is_the_part_itself(crop: tuple[int, int, int, int]) -> None:
    left, top, right, bottom = crop
    truth = ck.data.scenes(2, 8, size=32, target="masks").train.targets
    matrix = [[1, 0, -left], [0, 1, -top], [0, 0, 1]]
    moved = truth.moved(matrix, (bottom - top, right - left)).mask(0)
    np.testing.assert_array_equal(moved, truth.mask(0)[top:bottom, left:right])
