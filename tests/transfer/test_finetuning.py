"""`finetune`: the defaults reach the head, the backbone and the training."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from cnnkit.backbones.extractor import backbone
from cnnkit.data.array_images import arrays
from cnnkit.data.source import Source
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


@pytest.mark.parametrize("hidden", [(), (4,)])
def test_by_default_the_head_is_solved_and_deep_layers_train_where_validation_earns_it(colours, hidden, capsys) -> None:
    network = finetune(colours, backbone=GRAPHS["residual"](), hidden=hidden, batch_size=40)
    head, deep = network.run.plan.phases
    assert (head.solver, deep.earned, deep.train) == (("steps", False, 1) if hidden else ("lbfgs", True, 2))
    assert ("has no exact solution: it is stepped" in capsys.readouterr().err) == bool(hidden)
    after_head = network.run.history.query("phase == 'head'")["val_accuracy"].iloc[-1]
    assert evaluate(network, colours.validation)["accuracy"] >= after_head


def test_without_validation_pictures_the_exact_head_is_all(colours, capsys) -> None:
    data = replace(colours, validation=Source.empty(colours.classes))
    network = finetune(data, backbone=GRAPHS["residual"]())
    assert network.run.history["phase"].tolist() == ["head"]
    assert "deep: left out" in capsys.readouterr().err
    assert evaluate(network, colours.test)["accuracy"] > 0.9


@pytest.mark.parametrize(("count", "smoothing", "views"), [(2, 0.0, 1), (3, 0.1, None)])
def test_one_of_several_classes_is_learned_from_smooth_targets_and_all_views(count, smoothing, views) -> None:
    images = np.random.default_rng(0).integers(0, 256, (30, 16, 16, 3)).astype(np.uint8)
    photos = arrays(images, np.arange(30) % count, classes=list("abc")[:count])
    network = finetune(photos, backbone=GRAPHS["residual"](), progress=False)
    assert network.head.label_smoothing == smoothing
    assert network.run.plan.phases[0].views == views
