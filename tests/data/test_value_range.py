"""Values that are 0…255 and values that are not, told apart by their distribution."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from cnnkit.data.pixel_arrays import is_one_picture
from cnnkit.data.value_range import check_values, seem_scaled
from cnnkit.errors import DataError
from cnnkit.scenes.scene_drawing import render_scene

X = np.stack([render_scene(0, index, 48).image for index in range(12)])
F = X.astype(np.float32)
HOT = (F / 255).copy()
HOT[:, 7, 7] = 255  # one hot pixel in each picture
BOXED = F * 0.01
BOXED[:, 10:30, 10:30] = F[:, 10:30, 10:30]  # nearly black, with a lamp


@pytest.mark.parametrize(
    "x",
    [
        F / 255,
        F / 255 * 1.2,
        F / 255 * 2,
        F / 255 - 0.2,
        (F / 255).astype(np.float16),
        HOT,
        F[0, None] / 255,
        (F / 255 * 0.5),
        np.concatenate([F[:6] / 255, F[6:]]),  # half of them
        (F / 255).astype(np.uint8) + np.eye(48, dtype=np.uint8)[..., None],  # cast: 0, and 1 where it was white
        (F > 127).astype(np.float32),
        np.concatenate([X * 0, np.ones_like(X[:1])]),  # cast, and white was in one of them only
    ],
)
def test_what_was_divided_by_255(x: Any) -> None:
    with pytest.raises(DataError, match=r"multiply by 255|before any preprocessing"):
        check_values(np.clip(x, -1, 255) if x.dtype.kind == "f" else x.clip(max=1), "x")


@pytest.mark.parametrize(
    ("x", "remedy"),
    [
        (F / 127.5 - 1, r"\(x \+ 1\) \* 127\.5"),
        ((F - F.mean()) / F.std(), "before any preprocessing"),
        (F - np.float32([123.68, 116.779, 103.939]), "before any preprocessing"),
        (X.astype(np.uint16) * 257, r"x / 257"),
        (F * 1.1 - 5, r"np\.clip"),
    ],
)
def test_other_preprocessing(x: Any, remedy: str) -> None:
    with pytest.raises(DataError, match=remedy):
        check_values(x, "x")


@pytest.mark.parametrize(
    "x",
    [
        X,
        F,
        F * 0.999,
        X // 60,  # 0…4
        F * 0.02,  # ends at 5
        (X // 90).astype(np.float32),  # 0, 1, 2
        np.concatenate([X[:6] // 90, X[6:].clip(max=1)]),  # dark, half of them even darker
        np.zeros_like(F),
        np.zeros_like(X[:1]),
        BOXED,
        np.concatenate([F, F[:1] * 0.004]),  # a film that ends in black
        np.clip(F, 0.0, 255.0) + np.float32(0.00002),  # what a resize leaves above 255
        F - np.float32(0.00002),
        np.concatenate([F, np.ones_like(F[..., :1])], axis=3),  # alpha of any kind is no colour
    ],
)
def test_what_is_0_to_255(x: Any) -> None:
    check_values(x, "x")
    check_values(list(x), "x")


def test_each_picture_is_judged_alone() -> None:
    x = np.stack([F[0], F[1] / 255, np.zeros_like(F[0])])
    assert seem_scaled(x).tolist() == [False, True, False]
    with pytest.raises(DataError, match="in 1 of 3 pictures, number 1 for one"):
        check_values(x, "x")


@pytest.mark.parametrize(
    ("shape", "alone"),
    [
        ((5, 6), True),
        ((5, 6, 1), True),
        ((5, 6, 3), True),
        ((5, 6, 4), True),
        ((5, 6, 7), False),
        ((1, 5, 6, 3), False),
    ],
)
def test_one_picture_alone(shape: tuple[int, ...], alone: bool) -> None:
    assert is_one_picture(shape) is alone
