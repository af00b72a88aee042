"""What a tail trains on: pictures and truth of one view, cut out of whole photographs."""

from __future__ import annotations

import numpy as np
import pytest

import cnnkit as ck
from cnnkit.data.array_images import ArrayReader
from cnnkit.transfer.feed import Feed

CLASSES = tuple(map(str, range(250)))
SIZE = (24, 32)


@pytest.mark.parametrize("views", [None, 3])
def test_crops_and_their_masks_show_the_same(views: int | None) -> None:
    """The masks are the red of the pictures, so that both must be equal pixel by pixel, but for what is void."""
    photos = [np.random.default_rng(index).integers(0, 250, (40 + index, 50, 3), np.uint8) for index in range(4)]
    truth = ck.data.targets.Masks.of_arrays(CLASSES, [photo[..., 0] for photo in photos])
    source = ck.data.Source(tuple("abcd"), truth, ArrayReader(photos), np.arange(4))
    feed = Feed(
        source=source,
        head=ck.heads.unet(CLASSES),
        framing=ck.data.Framing(),
        size=SIZE,
        batch_size=3,
        forward=None if views is None else lambda images: [images],
        augment=ck.data.RandomCrop(SIZE, scale=(1, 1), horizontal_flip=True),
        views=views,
        decoded=ck.data.KeptPictures(),
    )
    seen = set()
    for epoch in (1, 2):
        for batch in feed.epoch(epoch):
            pictures, masks = np.asarray(batch.inputs[0]), np.asarray(batch.targets)
            assert (pictures[..., 0] == masks).all()
            seen |= {mask.tobytes() for mask in masks}
    assert len(seen) == 8  # four pictures, each epoch its own parts
