"""Training on parts of another size than the network's own: what it learns, and what it is judged on."""

from __future__ import annotations

import numpy as np
import pytest

import cnnkit as ck
from cnnkit.data.array_images import ArrayReader
from cnnkit.data.source import Source
from cnnkit.data.targets.masks import Masks

WHOLE, PART = (96, 128), (64, 96)
CLASSES = ("left", "right")


@pytest.fixture(scope="module")
def photos() -> ck.data.Dataset:
    """Eight pictures whose right side is lighter."""
    random = np.random.default_rng(0)
    masks = [(np.indices(WHOLE)[1] > 40 + 6 * index).astype(np.uint8) for index in range(8)]
    images = [(120 * mask[..., None] + random.integers(0, 100, (*WHOLE, 3))).astype(np.uint8) for mask in masks]
    truth = Masks.of_arrays(CLASSES, masks)
    source = Source(tuple("abcdefgh"), truth, ArrayReader(images), np.arange(8))
    return ck.data.Dataset(CLASSES, source.take(range(6)), source.take([6, 7]), source.take([]))


def trained(photos: ck.data.Dataset, size: tuple[int, int], train: str | int, **settings: object) -> ck.Network:
    body = ck.backbone("nano", weights=None, input_shape=(*size, 3))
    net = ck.attach(body, ck.heads.fcn(CLASSES, seed=1), framing=ck.data.Framing("pad"))
    parts = ck.data.RandomCrop(PART, scale=(0.8, 1.2), horizontal_flip=True)
    plan = ck.Plan([ck.Phase("together", train=train, epochs=2, rate=1e-3)])
    ck.fit(net, photos, plan, augment=parts, batch_size=3, progress=False, **settings)
    return net


@pytest.mark.parametrize(("train", "views"), [(2, None), ("head", 3)])
def test_weights_are_those_of_a_network_of_that_size(photos: ck.data.Dataset, train: str | int, views: int) -> None:
    """Kept features too; and validation is of whole pictures, as `evaluate` sees them."""
    ours = trained(photos, WHOLE, train, views=views, cache="memory")
    theirs = trained(photos, PART, train, views=views, cache="none")
    for one, other in zip(ours.model.get_weights(), theirs.model.get_weights(), strict=True):
        np.testing.assert_allclose(one, other, atol=2e-5)
    last = ours.run.history.iloc[-1]
    assert last["val_mean_iou"] == pytest.approx(ck.evaluate(ours, photos.validation)["mean_iou"], abs=1e-6)
    assert ours.size == WHOLE
