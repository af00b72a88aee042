"""Framing against slow definitions of its filters."""

from __future__ import annotations

import numpy as np
import pytest

from cnnkit.data.views.framing import Framing
from cnnkit.errors import InputError, UnknownNameError

NOISE = np.random.default_rng(0).integers(0, 256, (75, 100, 3)).astype(np.uint8)


def weights(count: int, size: int, filter_of: str, start: float, stop: float) -> np.ndarray:
    """(size, count): the part of each of `count` samples in each of `size` that lie between start and stop.

    A filter of width `scale`, at least 1, is centred on each result; beside a crop it still sees the picture.
    """
    scale = (stop - start) / size
    centres = start + (np.arange(size)[:, None] + 0.5) * scale
    distance = (np.arange(count)[None] + 0.5 - centres) / max(scale, 1.0)
    if filter_of == "bilinear":
        table = np.clip(1 - np.abs(distance), 0, None)
    else:
        table = (np.abs(distance) <= 0.5).astype(float)
    return table / table.sum(axis=1, keepdims=True)


def resampled(
    image: np.ndarray,
    height: int,
    width: int,
    filter_of: str = "bilinear",
    *,
    top: float = 0,
    bottom: float | None = None,
    left: float = 0,
    right: float | None = None,
) -> np.ndarray:
    rows = weights(image.shape[0], height, filter_of, top, bottom or image.shape[0])
    columns = weights(image.shape[1], width, filter_of, left, right or image.shape[1])
    tall = np.einsum("yh,hwc->ywc", rows, image.astype(float))
    return np.einsum("ywc,xw->yxc", tall, columns)


@pytest.mark.parametrize("size", [(30, 40), (25, 50), (150, 60), (110, 130)])
def test_bilinear_is_an_antialiased_triangle(size: tuple[int, int]) -> None:
    framed = Framing("squash").apply(NOISE, size)
    assert framed.shape == (*size, 3)
    assert framed.dtype == np.uint8
    assert np.abs(framed - resampled(NOISE, *size, "bilinear")).max() <= 1.01  # rounding after each of two passes


def test_area_is_a_box() -> None:
    framed = Framing("squash", "area").apply(NOISE, (15, 20))  # 5 × 5 source pixels each
    assert np.abs(framed - NOISE.reshape(15, 5, 20, 5, 3).mean(axis=(1, 3))).max() <= 1.01


def test_nearest_takes_single_pixels() -> None:
    assert (Framing("squash", "nearest").apply(NOISE, (25, 20)) == NOISE[1::3, 2::5]).all()


def test_bicubic_keeps_a_flat_picture_flat() -> None:
    flat = np.full((33, 57, 3), 77, np.uint8)
    assert (Framing("squash", "bicubic").apply(flat, (20, 20)) == 77).all()


@pytest.mark.parametrize("framing", [Framing(fraction=0.875), Framing("pad"), Framing("squash", "bicubic")])
def test_a_picture_of_the_input_size_is_not_framed(framing: Framing) -> None:
    framed = framing.apply(NOISE, NOISE.shape[:2])
    assert (framed == NOISE).all()
    assert not np.shares_memory(framed, NOISE)


def test_shrinking_does_not_alias() -> None:
    """A checkerboard of single pixels is grey from afar; without antialiasing it is a pattern."""
    board = np.indices((128, 128)).sum(axis=0) % 2 * 255
    picture = np.repeat(board[..., None], 3, axis=2).astype(np.uint8)
    middle = Framing().apply(picture, (30, 30))[2:-2, 2:-2].astype(int)
    assert np.abs(middle - 127).max() <= 8


def test_crop_keeps_the_middle_of_the_long_side() -> None:
    framed = Framing("crop").apply(NOISE, (25, 25))
    assert np.abs(framed - resampled(NOISE, 25, 25, left=12, right=87)).max() <= 1.01


def test_crop_without_scale_copies_pixels() -> None:
    """224 of 256, as ImageNet is evaluated: no resampling at all, odd margins included."""
    picture = np.random.default_rng(1).integers(0, 256, (256, 341, 3)).astype(np.uint8)
    assert (Framing(fraction=0.875).apply(picture, (224, 224)) == picture[16:240, 58:282]).all()


def test_crop_to_another_aspect_ratio() -> None:
    framed = Framing("crop").apply(NOISE, (10, 50))  # the whole width, 20 of 75 rows
    assert np.abs(framed - resampled(NOISE, 10, 50, top=27, bottom=47)).max() <= 1.01


def test_pad_keeps_the_whole_picture_between_bars() -> None:
    framed = Framing("pad").apply(NOISE, (40, 40))
    assert (framed[:5] == (124, 116, 104)).all()
    assert (framed[35:] == (124, 116, 104)).all()
    assert np.abs(framed[5:35] - resampled(NOISE, 30, 40, "bilinear")).max() <= 1.01


@pytest.mark.parametrize("resize", ["crop", "squash", "pad"])
@pytest.mark.parametrize("shape", [(1, 1), (1, 500), (500, 1), (3, 2)])
def test_pictures_of_any_size_fit(resize: str, shape: tuple[int, int]) -> None:
    picture = np.full((*shape, 3), 9, np.uint8)
    framed = Framing(resize).apply(picture, (17, 23))  # type: ignore[arg-type]  # a parametrized literal
    assert framed.shape == (17, 23, 3)
    assert (framed == 9).all(axis=-1).any()


def test_wrong_choices_are_named() -> None:
    with pytest.raises(UnknownNameError, match="'crop'"):
        Framing("cropp")  # type: ignore[arg-type]  # the mistake under test
    with pytest.raises(UnknownNameError, match="'bilinear'"):
        Framing(interpolation="linear")  # type: ignore[arg-type]  # the mistake under test
    with pytest.raises(InputError, match=r"0\.875"):
        Framing(fraction=0)
    with pytest.raises(InputError, match="resize='crop'"):
        Framing("pad", fraction=0.5)
    with pytest.raises(InputError, match=r"size=\(0, 5\)"):
        Framing().apply(NOISE, (0, 5))
