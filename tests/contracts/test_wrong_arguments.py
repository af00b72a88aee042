"""Every argument of the functions that take a network or a backbone: what it is not gives an error in words."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

import cnnkit as ck
from cnnkit.errors import CnnkitError
from tests.transfer.worlds import SIZE, pictures

VALUES: tuple[Any, ...] = (
    None,
    True,
    -1,
    5,
    2.5,
    float("nan"),
    "nix",
    b"nix",
    Path("nix"),
    (),
    [1],
    {"a": 1},
    np.float32(1.5),
    np.int64(7),
    object(),
)


@cache
def world() -> tuple[keras.Model, ck.Network, Any, Any]:
    """A model, a network on it, a dataset and a picture."""
    image = keras.Input((SIZE, SIZE, 3), name="image")
    x = keras.layers.Rescaling(1 / 255, name="scale")(image)
    model = keras.Model(image, keras.layers.Conv2D(4, 3, padding="same", activation="relu", name="conv")(x))
    net = ck.attach(ck.backbone(model), ck.heads.classifier(["grey", "red"]))
    images, labels = pictures(8, 0)
    return model, net, ck.data.arrays(images, labels, classes=["grey", "red"]), images[0]


def boxed() -> ck.data.Dataset:
    """One picture of eight boxes."""
    source = ck.data.arrays(world()[3][None].repeat(2, axis=0), [0, 1], split=(1, 0, 0)).train
    truth = ck.data.targets.Boxes.of_lists(["a"], [[[0, 0, 4, 4]] * 8] * 2, [[0] * 8] * 2)
    empty = ck.data.Source.empty(truth)
    return ck.data.Dataset(
        truth.names, ck.data.Source(source.ids, truth, source.reader, source.positions), empty, empty
    )


def small(**given: Any) -> ck.backbones.Backbone:
    return ck.backbone("mobilenet", **{"weights": None, "alpha": 0.1, "input_shape": (32, 32, 3)} | given)


def figure(**given: Any) -> Any:
    return ck.visualize.gradcam_figure(world()[1], world()[3][None], **given)


def rate(**given: Any) -> Any:
    return ck.find_rate(world()[1], world()[2], **{"steps": 3} | given)


def picture(function: Callable[..., Any], **given: Any) -> Any:
    return function(given.pop("network", world()[1]), given.pop("image", world()[3]), **given)


HEAD = ck.heads.classifier(["grey", "red"])
# Function and argument → the call, and which of VALUES it takes, by their place.
CALLS: dict[str, tuple[Callable[[Any], Any], set[int]]] = {
    "backbone name": (lambda value: ck.backbone(value), set()),
    "predictor network": (lambda value: ck.predictor(value), set()),
    "predictor engine": (lambda value: ck.predictor(world()[1], engine=value), set()),
    "predictor precision": (lambda value: ck.predictor(world()[1], precision=value), set()),
    "backbone cut": (lambda value: small(cut=value), {0}),
    "backbone weights": (lambda value: small(weights=value), {0}),
    "backbone input_shape": (lambda value: ck.backbone("vgg16", weights=None, input_shape=value, cut=1), set()),
    "backbone alpha": (lambda value: small(alpha=value), {0, 3, 4, 12, 13}),
    "backbone top": (lambda value: small(top=value), {1}),
    "backbone seed": (lambda value: small(seed=value), {3, 13}),
    "backbone preprocessing": (lambda value: ck.backbone(world()[0], preprocessing=value), {0}),
    "backbone of a model, cut": (lambda value: ck.backbone(world()[0], cut=value), {0}),
    "backbone of a model, input_shape": (lambda value: ck.backbone(world()[0], input_shape=value), {0}),
    "truncate model": (lambda value: ck.truncate(value, "conv"), set()),
    "truncate cut": (lambda value: ck.truncate(world()[0], value), set()),
    "attach body": (lambda value: ck.attach(value, HEAD), set()),
    "attach head": (lambda value: ck.attach(world()[1].backbone, value), set()),
    "attach framing": (lambda value: ck.attach(world()[1].backbone, HEAD, framing=value), {0}),
    "localizer classes": (lambda value: ck.heads.localizer(value), {10}),
    "localizer boxes": (lambda value: ck.heads.localizer(["a"], boxes=value), {3, 13}),
    "localizer pooling": (lambda value: ck.heads.localizer(["a"], pooling=value), set()),
    "localizer width": (lambda value: ck.heads.localizer(["a"], width=value), {3, 13}),
    "localizer box_weight": (lambda value: ck.heads.localizer(["a"], box_weight=value), {3, 4, 12, 13}),
    "largest_boxes photos": (lambda value: ck.data.largest_boxes(value), set()),
    "largest_boxes classes": (lambda value: ck.data.largest_boxes(boxed(), value), {0}),
    "largest_boxes count": (lambda value: ck.data.largest_boxes(boxed(), count=value), {3, 13}),
    "find_rate network": (lambda value: ck.find_rate(value, world()[2]), set()),
    "find_rate dataset": (lambda value: ck.find_rate(world()[1], value), set()),
    "find_rate phase": (lambda value: rate(phase=value), {0}),
    "find_rate lowest": (lambda value: rate(lowest=value), set()),
    "find_rate highest": (lambda value: rate(highest=value, lowest=2), {3, 4, 13}),
    "find_rate steps": (lambda value: rate(steps=value), {3, 13}),
    "find_rate batch_size": (lambda value: rate(batch_size=value), {3, 13}),
    "find_rate seed": (lambda value: rate(seed=value), {3, 13}),
    "gradcam network": (lambda value: picture(ck.visualize.gradcam, network=value), set()),
    "gradcam image": (lambda value: picture(ck.visualize.gradcam, image=value), set()),
    "gradcam layer": (lambda value: picture(ck.visualize.gradcam, layer=value), {0}),
    "gradcam target": (lambda value: picture(ck.visualize.gradcam, target=value), {0}),
    "gradcam_figure images": (lambda value: ck.visualize.gradcam_figure(world()[1], value), set()),
    "gradcam_figure titles": (lambda value: figure(titles=value), {9}),
    "gradcam_figure targets": (lambda value: figure(targets=value), {0, 10}),
    "gradcam_figure colours": (lambda value: figure(colours=value), {9}),
    "activations network": (lambda value: picture(ck.visualize.activations, network=value, layer="conv"), set()),
    "activations image": (lambda value: picture(ck.visualize.activations, image=value, layer="conv"), set()),
    "activations layer": (lambda value: picture(ck.visualize.activations, layer=value), set()),
    "activations count": (lambda value: picture(ck.visualize.activations, layer="conv", count=value), {3, 13}),
    "activation_maps layer": (lambda value: picture(ck.visualize.activation_maps, layer=value), set()),
    "dominators model": (lambda value: ck.backbones.dominators(value), set()),
    "ancestors layer": (lambda value: ck.backbones.ancestors(world()[0], value), set()),
    "boundary names": (lambda value: ck.backbones.boundary(world()[0], value), {9}),
    "canonical model": (lambda value: ck.backbones.canonical(value), set()),
    "cut_table model": (lambda value: ck.backbones.cut_table(value), set()),
    "count model": (lambda value: ck.backbones.count(value), set()),
}


@pytest.mark.parametrize("name", CALLS)
def test_a_wrong_value_is_named(name: str) -> None:
    call, fine = CALLS[name]
    for place, value in enumerate(VALUES):
        if place in fine:
            continue
        with pytest.raises(CnnkitError, match=r"Expected .+\. Received: .+"):
            call(value)


@pytest.mark.parametrize("name", [name for name, (_, fine) in CALLS.items() if fine])
def test_a_right_value_is_taken(name: str) -> None:
    call, fine = CALLS[name]
    call(VALUES[min(fine)])
