"""Where points of a photograph lie in the batch that a network gets."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from cnnkit.data import Augmentation, Chain, Framing, RandAugment, RandomErasing, Source
from cnnkit.data.array_images import ArrayReader
from cnnkit.data.image_folder import ScalingFileReader
from cnnkit.data.pipeline import batch_at
from cnnkit.data.random_streams import picture_bits
from cnnkit.data.views.framing import PADDING
from cnnkit.data.views.placement import placement
from cnnkit.errors import InputError

HEIGHT, WIDTH = 150, 200
POINT = np.array([93.0, 67.0, 1.0])  # near the middle, so that views keep it


def disc(height: int, width: int, point: np.ndarray, radius: float) -> np.ndarray:
    """A white disc on the colour of the bars that "pad" makes."""
    y, x = np.mgrid[0:height, 0:width] + 0.5
    share = np.clip(radius - np.hypot(x - point[0], y - point[1]), 0, 1)[..., None]
    return np.rint(PADDING + (255 - np.array(PADDING)) * share).astype(np.uint8)


def centre(picture: np.ndarray) -> np.ndarray:
    """The centroid of what is brighter than the ground, in continuous pixels."""
    weights = np.maximum(picture[..., 0].astype(float) - PADDING[0] - 4, 0)
    y, x = np.mgrid[0 : picture.shape[0], 0 : picture.shape[1]] + 0.5
    return np.array([(weights * x).sum(), (weights * y).sum()]) / weights.sum()


def source(reader: Any, count: int) -> Source:
    return Source(tuple(map(str, range(count))), None, reader, np.arange(count))


@pytest.mark.parametrize("framing", [Framing(), Framing(fraction=0.875), Framing("squash"), Framing("pad")])
@pytest.mark.parametrize(
    "augment",
    [None, Augmentation(rotation=25, width_shift=0.1, zoom=0.2, horizontal_flip=True)],
    ids=["as it is", "views"],
)
def test_a_disc_is_in_the_batch_where_placement_says(framing: Framing, augment: Augmentation | None) -> None:
    pictures = np.stack([disc(HEIGHT, WIDTH, POINT, 12)] * 6)
    for epoch in range(3):
        batch = batch_at(
            source(ArrayReader(pictures), 6), range(6), framing, (96, 80), augment=augment, seed=7, epoch=epoch
        )
        for index, picture in enumerate(batch.images):
            where = placement((HEIGHT, WIDTH), framing, (96, 80), augment=augment, seed=7, epoch=epoch, index=index)
            assert centre(picture) == pytest.approx((where @ POINT)[:2], abs=0.06)


def test_the_stream_is_that_of_the_picture() -> None:
    """By the definition: the matrix of the framing, and then that of a view drawn from seed, epoch and index."""
    chain = Chain((RandAugment(), RandomErasing(), Augmentation.lecture()))
    view = chain.view((32, 48), np.random.Generator(picture_bits(5, 2, 11)))
    expected = view.positions @ Framing("squash").positions((60, 70), (32, 48))
    found = placement((60, 70), Framing("squash"), (32, 48), augment=chain, seed=5, epoch=2, index=11)
    assert (found == expected).all()


@pytest.mark.parametrize(("height", "width"), [(600, 800), (603, 797)])
@pytest.mark.parametrize("framing", [Framing(), Framing("squash"), Framing(fraction=0.7)])
def test_of_a_photograph_that_was_decoded_smaller(framing: Framing, height: int, width: int, tmp_path: Path) -> None:
    point = np.array([371.0, 270.0, 1.0])
    Image.fromarray(disc(height, width, point, 60)).save(tmp_path / "a.jpg", quality=95)
    reader = ScalingFileReader(tmp_path, ("a.jpg",))
    reduction = reader.reduction(0, framing.least((64, 64)))
    assert reduction > 1
    picture = batch_at(source(reader, 1), [0], framing, (64, 64)).images[0]
    where = placement(reader.shape(0), framing, (64, 64), reduction=reduction)
    assert centre(picture) == pytest.approx((where @ point)[:2], abs=0.1)


def test_what_only_has_apply_is_refused() -> None:
    class Own:
        def apply(self, image: Any, generator: Any) -> Any:
            return image

    with pytest.raises(InputError, match=r"view\(size, chance\)"):
        placement((9, 9), Framing(), (5, 5), augment=Own())
