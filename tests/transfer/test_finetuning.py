"""`finetune`: the defaults reach the head, the backbone and the training."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest

from cnnkit.backbones.extractor import backbone
from cnnkit.data.array_images import ArrayReader, arrays
from cnnkit.data.dataset import Dataset
from cnnkit.data.source import Source
from cnnkit.data.targets.masks import Masks
from cnnkit.errors import InputError
from cnnkit.heads.classification import classifier
from cnnkit.transfer import default_training
from cnnkit.transfer.default_training import exact_head_first, whole_photographs
from cnnkit.transfer.finetuning import finetune
from cnnkit.transfer.inference import evaluate, predict
from cnnkit.transfer.network import attach
from cnnkit.transfer.plans import probe, together
from tests.transfer.worlds import GRAPHS, pictures


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


def test_labels_begin_with_the_exact_head_where_there_is_one_and_it_is_quick(monkeypatch) -> None:
    """Hidden layers and focal losses are stepped, and so is a head of as many numbers as take minutes or gigabytes."""
    images = np.zeros((3, 8, 8, 3), np.uint8)
    photos = arrays(images, np.arange(3), classes=["a", "b", "c"], split=(1, 0, 0))
    body = backbone(GRAPHS["residual"]())  # (4, 4, 12)

    def solver(**settings: Any) -> str:
        return exact_head_first(photos, attach(body, classifier(list("abc"), **settings))).phases[0].solver

    assert solver() == solver(multi_label=True) == solver(dropout=0.5, pooling="flatten") == "lbfgs"
    assert solver(hidden=8) == solver(loss="focal") == "steps"
    monkeypatch.setattr(default_training, "MOST_NUMBERS", 3 * 4 * 12)  # of three pictures in four versions
    assert (solver(), solver(pooling="flatten")) == ("lbfgs", "steps")
    monkeypatch.setattr(default_training, "MOST_PROBABILITIES", 3 * 50 - 1)
    assert solver() == "steps"


def test_a_backbone_of_one_stage_trains_that_one() -> None:
    """Nobody asked for the two stages of the default."""
    image = keras.Input((16, 16, 3))
    body = keras.Model(image, keras.layers.Conv2D(4, 3, strides=2, name="only")(image))
    photos = arrays(*pictures(4, 0), classes=["a", "b"], split=(1, 0, 0))
    network = finetune(photos, backbone=body, preprocessing="inside", progress=False)
    assert [phase.train for phase in network.run.plan.phases] == ["head", 1]
    assert network.run.history["phase"].tolist() == ["head", *["deep"] * 8]


def test_many_people_of_few_pictures_are_known() -> None:
    """Twelve colours, three pictures of each to train on, without validation: steps of a head forget most of them."""
    random = np.random.default_rng(0)
    colours = np.array([(r, g, b) for r in (30, 130, 230) for g in (60, 200) for b in (60, 200)])
    labels = np.repeat(np.arange(12), 3)
    noise = random.integers(-12, 13, (36, 16, 16, 3))
    images = np.clip(colours[labels][:, None, None] + noise, 0, 255).astype(np.uint8)
    photos = arrays(images, labels, classes=[f"colour {number}" for number in range(12)], split=(1, 0, 0))
    network = finetune(photos, backbone=GRAPHS["residual"](), progress=False)
    assert evaluate(network, photos.train)["accuracy"] == 1
