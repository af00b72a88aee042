from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import cnnkit as ck
from cnnkit.data.random_streams import picture_bits
from cnnkit.errors import InputError
from cnnkit.visualize import augmentations

PHOTO = np.random.default_rng(0).integers(0, 120, (60, 80, 3), dtype=np.uint8)
GENTLE = ck.data.Augmentation.gentle()


def shown(figure: Any) -> list[np.ndarray]:
    return [np.asarray(axes.get_images()[0].get_array()) for axes in figure.axes if axes.get_visible()]


def test_views_are_those_of_training() -> None:
    first, *views = shown(augmentations(PHOTO, GENTLE, views=4, seed=3, frame=False))
    np.testing.assert_array_equal(first, PHOTO)
    for epoch, view in enumerate(views):
        expected = GENTLE.apply(PHOTO, np.random.Generator(picture_bits(3, epoch, 0)))
        np.testing.assert_array_equal(view, np.clip(np.rint(expected), 0, 255))


def corner(picture: np.ndarray) -> tuple[bool, bool]:
    """Whether the frame's square is on the right, and below."""
    orange = (picture[..., 0] > 180) & (picture[..., 2] < 60)
    rows, columns = np.nonzero(orange)
    heavy = np.median(rows), np.median(columns)
    return heavy[1] > picture.shape[1] / 2, heavy[0] > picture.shape[0] / 2


def test_the_frame_shows_what_was_mirrored() -> None:
    grey = np.full((90, 90, 3), 60, np.uint8)
    mirrored = ck.data.Augmentation(horizontal_flip=True, vertical_flip=True)
    first, *views = shown(augmentations(grey, mirrored, views=24))
    assert len({picture.tobytes() for picture in views}) == 4  # as it was, left to right, upside down, both
    np.testing.assert_array_equal(first[::-1, ::-1], next(view for view in views if corner(view) == (True, True)))


@pytest.mark.parametrize("augment", [ck.data.RandAugment(), ck.data.RandomErasing(), ck.data.Chain((GENTLE,))])
def test_of_every_augmentation_and_of_whatever_is_called_pictures(augment: Any) -> None:
    for pictures in (PHOTO, [PHOTO, PHOTO], ck.data.as_source(PHOTO[None])):
        figure = augmentations(pictures, augment)
        assert [axes.get_title(loc="center") for axes in figure.axes[:2]] == ["the picture", "view 1"]
        assert len(shown(figure)) == 9
        assert figure.get_figheight() <= 7.7


def test_what_cannot_be_drawn() -> None:
    for augment in (None, "gentle", ck.data.Augmentation, lambda picture: picture):
        with pytest.raises(InputError, match=r"Augmentation\.gentle\(\)"):
            augmentations(PHOTO, augment)
    with pytest.raises(InputError, match="at least one view"):
        augmentations(PHOTO, GENTLE, views=0)
