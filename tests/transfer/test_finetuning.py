"""`finetune`: the defaults reach the head, the backbone and the training."""

from __future__ import annotations

import numpy as np
import pytest

from cnnkit.backbones.extractor import backbone
from cnnkit.data.array_images import arrays
from cnnkit.errors import InputError
from cnnkit.transfer.finetuning import finetune
from cnnkit.transfer.inference import evaluate, predict
from cnnkit.transfer.plans import probe
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
    network = finetune(colours, backbone=body, hidden=4, plan=probe(epochs=1), augment=None, progress=False)
    assert (network.cut, network.backbone.settings) == ("block1_add", body.settings)
    assert network.model.get_layer("head_dense1").units == 4
    assert network.head.class_weight == "balanced"
    with pytest.raises(InputError, match=r"only cut= beside.*with a Backbone"):
        finetune(colours, backbone=body, alpha=0.5)
