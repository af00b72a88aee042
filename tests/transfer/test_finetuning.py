"""`finetune`: the defaults reach the head, the backbone and the training."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from cnnkit.backbones.extractor import backbone
from cnnkit.data.array_images import ArrayReader, arrays
from cnnkit.data.dataset import Dataset
from cnnkit.data.source import Source
from cnnkit.data.targets.masks import Masks
from cnnkit.errors import InputError
from cnnkit.transfer.default_training import whole_photographs
from cnnkit.transfer.finetuning import finetune
from cnnkit.transfer.inference import evaluate, predict
from cnnkit.transfer.plans import probe, together
from tests.transfer.worlds import GRAPHS


def test_pictures_of_several_classes_at_once() -> None:
    """Red or not, green or not: four combinations."""
    random = np.random.default_rng(0)
    labels = random.integers(0, 2, (24, 2))
    images = random.integers(0, 100, (24, 16, 16, 3))
    images[..., :2] += 120 * labels[:, None, None]
    photos = arrays(images.astype(np.uint8), labels, classes=["red", "green"], split=(0.7, 0.3, 0))
    network = finetune(photos, backbone=GRAPHS["residual"](), plan=probe(epochs=1), augment=None, progress=False)
    assert network.head.multi_label
    assert network.head.class_weight is None
    assert np.isfinite(evaluate(network, photos.validation)["loss"])
    assert set(predict(network, photos.validation)["label"]) <= {"", "red", "green", "red|green"}


def test_a_backbone_of_ones_own_keeps_what_it_is(colours) -> None:
    body = backbone(GRAPHS["residual"](), cut="block1_add")
    network = finetune(colours, backbone=body, plan=probe(epochs=1), augment=None, progress=False)
    assert (network.cut, network.backbone.settings) == ("block1_add", body.settings)
    assert network.head.class_weight == "balanced"
    with pytest.raises(InputError, match=r"only cut= beside.*with a Backbone"):
        finetune(colours, backbone=body, alpha=0.5)


def test_masks_of_photographs_that_are_not_square() -> None:
    """One call: a U-Net, weighed by the square root of what is rare, on an input that shows photographs whole."""
    random = np.random.default_rng(0)
    masks = [(np.indices((40, 60))[1] > 12 * index + 8).astype(np.uint8) for index in range(4)]
    images = [(120 * mask[..., None] + random.integers(0, 100, (40, 60, 3))).astype(np.uint8) for mask in masks]
    truth = Masks.of_arrays(("left", "right"), masks)
    source = Source(tuple("abcd"), truth, ArrayReader(images), np.arange(4))
    photos = Dataset(truth.names, source.take([0, 1, 2]), source.take([3]), source.take([]))
    strided = [keras.layers.Conv2D(4, 3, strides=2, padding="same", activation="relu") for _ in range(5)]
    body = keras.Sequential([keras.Input((64, 64, 3)), *strided])
    network = finetune(photos, backbone=body, preprocessing="inside", plan=together(epochs=1), progress=False)
    assert network.framing.resize == "pad"
    left, right = truth.take([0, 1, 2]).pixels()
    assert network.head.class_weight[0] / network.head.class_weight[1] == pytest.approx(np.sqrt(right / left))
    table = predict(network, photos.validation)
    assert table[["height", "width"]].to_numpy().tolist() == [[40, 60]]


def test_the_input_of_masks_is_that_of_most_photographs() -> None:
    """CamVid's 360 × 480 become 384 × 480; 2,048 × 1,024 as small as 384 × 512 pixels, in the same proportion."""

    def of(*shapes: tuple[int, int]) -> tuple[int, int, int]:
        truth = Masks.of_arrays(("a", "b"), [np.zeros((1, 1), np.uint8)] * len(shapes))
        images = [np.zeros((*shape, 3), np.uint8) for shape in shapes]
        return whole_photographs(
            Source(tuple(map(str, range(len(shapes)))), truth, ArrayReader(images), range(len(shapes)))
        )

    assert of((360, 480)) == (384, 480, 3)
    assert of((360, 480), (360, 480), (2000, 100)) == (384, 480, 3)
    assert of((1024, 2048)) == (320, 640, 3)
