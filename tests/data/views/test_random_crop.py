"""Random parts of photographs: where they lie, what they show, and how they reach a network with their truth."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image

import cnnkit as ck
from cnnkit.data import Augmentation, Chain, Framing, RandomCrop
from cnnkit.data.array_images import ArrayReader
from cnnkit.data.pipeline import batch_at, batches
from cnnkit.data.placements import in_crops
from cnnkit.data.targets import Masks, Points
from cnnkit.data.views.framing import PADDING
from cnnkit.data.views.placement import placement
from cnnkit.data.views.random_crop import FILLS
from cnnkit.errors import InputError, UnknownNameError

NOISE = np.random.default_rng(0).integers(0, 256, (60, 80, 3), np.uint8)


def views(augment: Any, count: int = 40, size: tuple[int, int] = (60, 80)) -> list[ck.data.View]:
    return [augment.view(size, np.random.default_rng(seed)) for seed in range(count)]


def test_at_the_scale_of_the_photograph_a_view_is_a_part_of_it() -> None:
    corners = set()
    for view in views(RandomCrop((20, 30), scale=(1, 1)), 300):
        left, top = (-view.positions[:2, 2]).astype(int)
        assert (view.pixels(NOISE) == NOISE[top : top + 20, left : left + 30]).all()
        corners.add((top, left))
    tops, lefts = ({corner[axis] for corner in corners} for axis in (0, 1))
    assert (min(tops), max(tops), min(lefts), max(lefts)) == (0, 40, 0, 50)
    assert len(tops) == 41


def test_a_small_photograph_lies_anywhere_in_the_view_and_whole() -> None:
    lefts = set()
    for view in views(RandomCrop((70, 100), scale=(1, 1))):
        left, top = view.positions[:2, 2].astype(int)
        pixels = view.pixels(NOISE)
        assert (pixels[top : top + 60, left : left + 80] == NOISE).all()
        pixels[top : top + 60, left : left + 80] = PADDING
        assert (pixels == PADDING).all()
        lefts.add(left)
    assert len(lefts) > 10


def test_scales_are_even_between_their_logarithms() -> None:
    scales = [view.positions[0, 0] for view in views(RandomCrop((20, 20), scale=(0.5, 2)), 400)]
    assert 0.5 <= min(scales) < 0.52
    assert 1.95 < max(scales) <= 2
    assert np.mean(np.array(scales) < 1) == pytest.approx(0.5, abs=0.07)


def test_whole_is_the_size_of_scale_one() -> None:
    crop = RandomCrop((32, 32), scale=(1, 1), whole=(40, 40))
    assert views(crop, 1)[0].positions[0, 0] == 0.5  # 60 × 80 fits into 40 × 40 as 30 × 40
    assert views(crop, 1, (20, 10))[0].positions[0, 0] == 2


@pytest.mark.parametrize("fill", FILLS)
@pytest.mark.parametrize(("scale", "rotation"), [(0.55, 40), (1.3, 40), (4, 40), (0.55, 0), (1, 0)])
@pytest.mark.parametrize("size", [(48, 40), (70, 110)])
def test_the_part_that_is_taken_gives_the_pixels_of_the_whole(
    fill: Any, scale: float, rotation: float, size: tuple[int, int]
) -> None:
    """By OpenCV from the whole photograph."""
    crop = RandomCrop(size, scale=(scale, scale), rotation=rotation, horizontal_flip=True, fill=fill)
    half = np.array([[1, 0, 0.5], [0, 1, 0.5], [0, 0, 1]])
    for view in views(crop, 12):
        origins = np.linalg.inv(half) @ view.inverse() @ half
        expected = cv2.warpAffine(
            NOISE.astype(np.float32),
            origins[:2],
            size[::-1],
            flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
            borderMode=FILLS[fill],
            borderValue=PADDING,
        )
        assert np.abs(view.pixels(NOISE) - expected).max() < 0.02


def test_a_much_smaller_view_is_antialiased() -> None:
    """Against Pillow's box filter; the nearest pixels of noise would be off by 70."""
    noise = np.random.default_rng(1).integers(0, 256, (320, 400, 3), np.uint8)
    view = RandomCrop((40, 50), scale=(1 / 8, 1 / 8)).view((320, 400), np.random.default_rng(0))
    expected = np.asarray(Image.fromarray(noise).resize((50, 40), Image.Resampling.BOX), np.float32)
    assert np.abs(view.pixels(noise) - expected).max() <= 1


def test_floats_are_taken_as_they_are() -> None:
    for view in views(RandomCrop((20, 30)), 5):
        assert (view.pixels(NOISE.astype(np.float32)) == view.pixels(NOISE)).all()


def test_photographs_and_their_truth_are_cropped_before_any_framing() -> None:
    photos, size = np.stack([NOISE] * 3), (24, 32)
    source = ck.data.Source(("a", "b", "c"), None, ArrayReader(photos), np.arange(3))
    augment = Chain((RandomCrop(size, scale=(1, 1), horizontal_flip=True), Augmentation(brightness=(1, 1))))
    masks = Masks.of_arrays(tuple(map(str, range(250))), np.minimum(photos[..., 0], 249))
    shapes = np.array([(60, 80)] * 3)
    moved = in_crops(masks, shapes, np.arange(3), size, augment, seed=3, view=1)
    for batch in batches(source, Framing(), size, augment=augment, seed=3, epoch=1):
        for index, picture in enumerate(batch.images):
            assert (moved.mask(index) == np.minimum(picture[..., 0], 249)).all()
            where = placement((60, 80), Framing(), size, augment=augment, seed=3, epoch=1, index=index)
            assert abs(where[0, 0]) == 1  # pixels of the photograph
    kept = ck.data.KeptPictures()
    framed = batch_at(source, [0], Framing(), size, kept=kept).images
    cropped = batch_at(source, [0], Framing(), size, augment=augment, kept=kept, seed=3, epoch=1).images
    assert (batch_at(source, [0], Framing(), size, kept=kept).images == framed).all()
    assert (cropped == batch_at(source, [0], Framing(), size, augment=augment, seed=3, epoch=1).images).all()


def test_points_outside_are_absent_and_mirrored_ones_swapped() -> None:
    truth = Points(("left", "right"), [[[10, 10], [70, 50]]], [[2, 2]], mirror=(1, 0))
    for view in views(RandomCrop((30, 40), scale=(1, 1), horizontal_flip=True)):
        moved = truth.moved(view.positions, (30, 40))
        assert (moved.shown > 0).sum() <= 1


@pytest.mark.parametrize(
    "settings",
    [
        {"size": (0, 3)},
        {"size": 3},
        {"scale": (0, 1)},
        {"scale": (2, 1)},
        {"scale": 1},
        {"whole": (3,)},
        {"rotation": -1},
        {"horizontal_flip": 0.5},
    ],
)
def test_wrong_settings_are_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(InputError):
        RandomCrop(**{"size": (8, 8), **settings})


def test_other_fills_are_refused() -> None:
    with pytest.raises(UnknownNameError, match="mean"):
        RandomCrop((8, 8), fill="black")  # type: ignore[arg-type]


def test_crops_of_another_size_than_the_input_are_refused() -> None:
    source = ck.data.as_source(NOISE)
    with pytest.raises(InputError, match="24 × 32"):
        next(iter(batches(source, Framing(), (24, 30), augment=Chain((RandomCrop((24, 32)),)))))
