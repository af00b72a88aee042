"""One fused warp against SciPy's slow affine, and against Keras itself."""

from __future__ import annotations

import math
import warnings
from dataclasses import replace
from typing import Any

import cv2
import numpy as np
import pytest
from scipy import ndimage

from cnnkit.data.views.affine import warp_affine
from cnnkit.data.views.augmentation import Augmentation
from cnnkit.errors import InputError, UnknownNameError

SIDE = 48
ROWS, COLUMNS = np.mgrid[0:SIDE, 0:SIDE]
SMOOTH = np.stack([127 + 100 * np.sin(ROWS / 5), 127 + 100 * np.cos(COLUMNS / 7), 2 * ROWS + COLUMNS], axis=-1).astype(
    np.uint8
)
EVERYTHING = Augmentation(
    rotation=40, width_shift=0.2, height_shift=0.1, shear=20, zoom=0.3, horizontal_flip=True, vertical_flip=True
)
# The warps agree to 0.004 of 255 with OpenCV 5; its predecessor rounded positions to 1/32 pixel and was off by 4.
TOLERANCE = 0.02


@pytest.mark.parametrize("dtype", ["uint8", "float32"])
@pytest.mark.parametrize("border", [cv2.BORDER_CONSTANT, cv2.BORDER_REPLICATE, cv2.BORDER_REFLECT])
def test_three_channels_are_warped_as_opencv_warps_three(border: int, dtype: str) -> None:
    """To the bit, though by way of four, which take half the time."""
    dice = np.random.default_rng(border)
    for _ in range(8):
        height, width, *size = dice.integers(1, 90, 4).tolist()
        picture = dice.integers(0, 256, (height, width, 3)).astype(dtype)
        origins = np.append(dice.normal(size=(2, 2)), dice.uniform(-9, 90, (2, 1)), axis=1)
        expected = cv2.warpAffine(
            picture.astype(np.float32),
            origins,
            size[::-1],
            flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
            borderMode=border,
            borderValue=(7, 8, 9),
        )
        found = warp_affine(picture, origins, (size[0], size[1]), border=border, colour=(7, 8, 9))
        np.testing.assert_array_equal(found, expected.reshape(found.shape))


def drawn(augmentation: Augmentation, seed: int) -> dict[str, float]:
    """What the ten draws mean, in the words of Keras."""
    draws = np.random.default_rng(seed).random(10)

    def between(low: float, high: float, place: int) -> float:
        return low + (high - low) * float(draws[place])

    a = augmentation
    return {
        "theta": between(-a.rotation, a.rotation, 0),
        "across": between(-a.width_shift, a.width_shift, 1) * SIDE,
        "down": between(-a.height_shift, a.height_shift, 2) * SIDE,
        "shear": between(-a.shear, a.shear, 3),
        "zx": between(1 - a.zoom, 1 + a.zoom, 4),
        "zy": between(1 - a.zoom, 1 + a.zoom, 5),
        "flip_x": a.horizontal_flip and draws[6] < 0.5,
        "flip_y": a.vertical_flip and draws[7] < 0.5,
    }


def slow_view(image: np.ndarray, augmentation: Augmentation, seed: int, mode: str = "nearest") -> np.ndarray:
    """Rotation · shift · shear · zoom around the middle by SciPy, then the flips as flips.

    The matrices are written for (x, y); SciPy wants (row, column), so both axes are exchanged at the end.
    """
    wanted = drawn(augmentation, seed)
    theta, shear = math.radians(wanted["theta"]), math.radians(wanted["shear"])
    rotation = np.array([[math.cos(theta), -math.sin(theta)], [math.sin(theta), math.cos(theta)]])
    slant = np.array([[1, -math.sin(shear)], [0, math.cos(shear)]])
    linear = rotation @ slant @ np.diag([wanted["zx"], wanted["zy"]])
    middle = (np.array([image.shape[1], image.shape[0]]) - 1) / 2
    offset = middle + rotation @ np.array([wanted["across"], wanted["down"]]) - linear @ middle
    channels = [
        ndimage.affine_transform(channel, linear[::-1, ::-1], offset[::-1], order=1, mode=mode)
        for channel in np.moveaxis(image.astype(np.float64), -1, 0)
    ]
    view = np.stack(channels, axis=-1)
    view = view[:, ::-1] if wanted["flip_x"] else view
    return view[::-1] if wanted["flip_y"] else view


def view(augmentation: Augmentation, seed: int, image: np.ndarray = SMOOTH) -> np.ndarray:
    return augmentation.apply(image, np.random.default_rng(seed))


@pytest.mark.parametrize("seed", range(12))
def test_everything_at_once_is_scipys_affine_and_flips(seed: int) -> None:
    fast = view(EVERYTHING, seed)
    assert fast.dtype == np.float32
    assert np.abs(fast - slow_view(SMOOTH, EVERYTHING, seed)).max() < TOLERANCE


@pytest.mark.parametrize(
    "one",
    [
        {"rotation": 90},
        {"width_shift": 0.4},
        {"height_shift": 0.4},
        {"shear": 45},
        {"zoom": 0.5},
        {"horizontal_flip": True},
        {"vertical_flip": True},
    ],
    ids=lambda one: next(iter(one)),
)
def test_each_alone(one: dict[str, Any]) -> None:
    augmentation = Augmentation(**one)
    views = [view(augmentation, seed) for seed in range(6)]
    for seed, fast in enumerate(views):
        assert np.abs(fast - slow_view(SMOOTH, augmentation, seed)).max() < TOLERANCE
    assert any((fast != SMOOTH).any() for fast in views)


@pytest.mark.parametrize(("fill", "mode"), [("reflect", "reflect"), ("wrap", "grid-wrap")])
def test_what_lies_outside(fill: Any, mode: str) -> None:
    augmentation = replace(EVERYTHING, fill=fill)
    for seed in range(4):
        assert np.abs(view(augmentation, seed) - slow_view(SMOOTH, augmentation, seed, mode)).max() < TOLERANCE


def test_constant_is_black_outside() -> None:
    augmentation = Augmentation(width_shift=0.5, fill="constant")
    seed = next(seed for seed in range(99) if drawn(augmentation, seed)["across"] > 10)
    assert (view(augmentation, seed)[:, -9:] == 0).all()


def test_a_width_shift_is_sideways_and_a_height_shift_is_not() -> None:
    columns = np.repeat(np.repeat(COLUMNS[..., None], 3, axis=2), 1, axis=0).astype(np.uint8)
    assert (view(Augmentation(width_shift=0.3), 1, columns) != columns).any()
    assert (view(Augmentation(height_shift=0.3), 1, columns) == columns).all()


def test_a_picture_that_is_not_square_turns_around_its_middle() -> None:
    wide = SMOOTH[:20]
    augmentation = Augmentation(rotation=40, zoom=0.2)
    assert np.abs(view(augmentation, 3, wide) - slow_view(wide, augmentation, 3)).max() < TOLERANCE


def test_the_matrix_is_that_of_keras() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Keras calls a SciPy name that moved
        import tensorflow as tf

        for seed in range(4):
            wanted = drawn(replace(EVERYTHING, horizontal_flip=False, vertical_flip=False), seed)
            expected = tf.keras.preprocessing.image.apply_affine_transform(
                SMOOTH.astype(np.float32),
                theta=wanted["theta"],
                tx=wanted["across"],  # Keras 3 moves columns by tx, which it draws from height_shift_range
                ty=wanted["down"],
                shear=wanted["shear"],
                zx=wanted["zx"],
                zy=wanted["zy"],
                row_axis=0,
                col_axis=1,
                channel_axis=2,
                fill_mode="nearest",
            )
            unflipped = replace(EVERYTHING, horizontal_flip=False, vertical_flip=False)
            assert np.abs(view(unflipped, seed) - expected).max() < TOLERANCE


def test_a_channel_shift_is_one_number_clipped_to_the_picture() -> None:
    picture = np.array([[[10, 20, 30], [40, 50, 200]]], np.uint8)
    shifted = view(Augmentation(channel_shift=9), 5, picture)
    amount = -9 + 18 * np.random.default_rng(5).random(10)[8]
    assert shifted == pytest.approx(np.clip(picture + amount, 10, 200), abs=1e-4)


def test_brightness_is_a_factor() -> None:
    picture = np.array([[[10, 100, 240]]], np.uint8)
    assert view(Augmentation(brightness=(1.5, 1.5)), 0, picture).ravel().tolist() == [15, 150, 255]


def test_switching_one_thing_on_leaves_the_others_alone() -> None:
    turned = Augmentation(rotation=30)
    also_flipped = replace(turned, horizontal_flip=True)
    seed = next(seed for seed in range(99) if not drawn(also_flipped, seed)["flip_x"])
    assert (view(turned, seed) == view(also_flipped, seed)).all()


def test_views_stay_in_range_and_leave_the_picture_alone() -> None:
    before = SMOOTH.copy()
    for preset in (Augmentation.gentle(), Augmentation.lecture()):
        views = [view(preset, seed) for seed in range(20)]
        assert min(float(one.min()) for one in views) >= 0
        assert max(float(one.max()) for one in views) <= 255
        assert len({one.tobytes() for one in views}) == 20
    assert (before == SMOOTH).all()


def test_the_lectures_setting() -> None:
    lecture = Augmentation.lecture()
    assert (lecture.rotation, lecture.width_shift, lecture.height_shift) == (40, 0.2, 0.2)
    assert (lecture.shear, lecture.zoom, lecture.channel_shift) == (0.2, 0.2, 9)
    assert (lecture.horizontal_flip, lecture.vertical_flip, lecture.fill) == (True, False, "nearest")


@pytest.mark.parametrize(
    "wrong",
    [
        {"rotation": -1},
        {"shear": 90},
        {"channel_shift": 256},
        {"width_shift": 1},
        {"height_shift": 20},
        {"zoom": 1.0},
        {"brightness": (1.2, 0.8)},
    ],
    ids=lambda wrong: next(iter(wrong)),
)
def test_impossible_ranges_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(InputError, match=next(iter(wrong))):
        Augmentation(**wrong)


def test_an_unknown_fill_gets_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match="'nearest'"):
        Augmentation(fill="neares")  # type: ignore[arg-type]  # the mistake under test
