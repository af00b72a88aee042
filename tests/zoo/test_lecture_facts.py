"""What the lectures (decks) of the course behind cnnkit fix about architectures; each test names its deck."""

from __future__ import annotations

from collections.abc import Mapping

import keras
import numpy as np
import pytest

from cnnkit.backbones.cuts import stages
from cnnkit.backbones.graph import nodes
from cnnkit.backbones.model_costs import count
from cnnkit.backbones.truncation import truncate

Drawn = Mapping[str, keras.Model]


def sizes(model: keras.Model, names: str) -> list[tuple[int, ...]]:
    return [tuple(model.get_layer(name).output.shape[1:]) for name in names.split()]


def weights_without_biases(model: keras.Model) -> list[int]:
    return [int(np.prod(layer.kernel.shape)) for layer in model.layers if hasattr(layer, "kernel")]


def depth(model: keras.Model) -> int:
    """Layers with weights on the longest way through."""
    longest: list[int] = []
    for call in nodes(model):
        longest.append(max((longest[parent] for parent in call.parents), default=0) + hasattr(call.layer, "kernel"))
    return longest[-1]


# --- lecture 000: the first two networks


def test_deck_000_the_mlp_and_the_convnet(drawn: Drawn) -> None:
    assert sizes(drawn["mlp"], "image flatten hidden predictions") == [(28, 28, 1), (784,), (256,), (10,)]
    assert sizes(drawn["convnet"], "conv1 pool1 conv2 pool2 flatten hidden predictions") == [
        *((24, 24, 32), (12, 12, 32), (10, 10, 64), (5, 5, 64)),
        *((1600,), (256,), (10,)),
    ]


# --- AlexNet


def test_decks_000_and_001_alexnet_in_one_column(drawn: Drawn) -> None:
    model = drawn["alexnet"]
    assert sizes(model, "image conv1 pool1 conv2 pool2 conv3 conv4 conv5 pool5 fc6 fc7 predictions") == [
        *((227, 227, 3), (55, 55, 96), (27, 27, 96), (27, 27, 256), (13, 13, 256)),
        *((13, 13, 384), (13, 13, 384), (13, 13, 256), (6, 6, 256), (4096,), (4096,), (1000,)),
    ]
    assert model.get_layer("conv1").count_params() == 34_944


def test_deck_004_alexnet_in_two_columns(drawn: Drawn) -> None:
    """The deck counts conv3 with 128 maps in, as if the columns did not meet there, and conv4 dense."""
    model = drawn["alexnet_two_columns"]
    found = weights_without_biases(model)
    assert found == [34_848, 307_200, 2 * 442_368, 663_552, 442_368, 37_748_736, 16_777_216, 4_096_000]
    assert weights_without_biases(drawn["alexnet"])[3] == 1_327_104
    assert sizes(model, "conv1 pool1 conv2 pool2 conv3 conv4 conv5 pool5") == [
        *((55, 55, 96), (27, 27, 96), (27, 27, 256), (13, 13, 256)),
        *((13, 13, 384), (13, 13, 384), (13, 13, 256), (6, 6, 256)),
    ]


# --- VGG


def test_deck_004_vgg16_block_by_block(drawn: Drawn) -> None:
    layers = drawn["vgg16"].layers
    blocks = [sum(layer.count_params() for layer in layers if layer.name.startswith(f"block{n}")) for n in range(1, 6)]
    assert blocks == [38_720, 221_440, 1_475_328, 5_899_776, 7_079_424]
    heads = [drawn["vgg16"].get_layer(name).count_params() for name in ("fc1", "fc2", "predictions")]
    assert heads == [102_764_544, 16_781_312, 4_097_000]
    assert drawn["vgg16"].count_params() == 138_357_544
    assert [depth(drawn[name]) for name in ("vgg11", "vgg13", "vgg16", "vgg19")] == [11, 13, 16, 19]


# --- GoogLeNet


def test_decks_001_and_004_googlenet(drawn: Drawn) -> None:
    model = drawn["googlenet"]
    assert depth(model) == 22
    assert sum(layer.name.startswith("inception") and "_" not in layer.name[10:] for layer in model.layers) == 9
    assert sum(isinstance(layer, keras.layers.Dense) for layer in model.layers) == 1
    assert [tuple(output.shape) for output in drawn["googlenet, auxiliary"].outputs] == [(None, 1000)] * 3


def test_googlenet_table_1(drawn: Drawn) -> None:
    """The paper's "params" are weights without biases in units of 1024; its sums are rough, that of 4c by 7 %."""
    thousands = {"3a": 159, "3b": 380, "4a": 364, "4b": 437, "4c": 463, "4d": 580, "4e": 840, "5a": 1072, "5b": 1388}
    for name, stated in thousands.items():
        layers = [layer for layer in drawn["googlenet"].layers if layer.name.startswith(f"inception_{name}_")]
        weights = sum(int(np.prod(layer.kernel.shape)) for layer in layers if hasattr(layer, "kernel"))
        assert weights / 1024 == pytest.approx(stated, rel=0.08), name


# --- ResNet


@pytest.mark.parametrize(
    ("name", "blocks"),
    [
        ("resnet18", (2, 2, 2, 2)),
        ("resnet34", (3, 4, 6, 3)),
        ("resnet50", (3, 4, 6, 3)),
        ("resnet101", (3, 4, 23, 3)),
        ("resnet152", (3, 8, 36, 3)),
    ],
)
def test_deck_004_the_resnet_family(drawn: Drawn, name: str, blocks: tuple[int, ...]) -> None:
    model = drawn[name]
    layers = int(name.removeprefix("resnet"))
    assert depth(model) == layers
    wide = 1 if layers < 50 else 4
    ends = " ".join(f"conv{stage}_block{count}_out" for stage, count in enumerate(blocks, start=2))
    assert sizes(model, f"conv1_relu pool1_pool {ends} avg_pool predictions") == [
        *((112, 112, 64), (56, 56, 64)),
        *((56, 56, 64 * wide), (28, 28, 128 * wide), (14, 14, 256 * wide), (7, 7, 512 * wide)),
        *((512 * wide,), (1000,)),
    ]
    assert sum(name.endswith("_add") for name in (layer.name for layer in model.layers)) == sum(blocks)


# --- MobileFaceNet


def test_deck_003_mobilefacenet_row_by_row(drawn: Drawn) -> None:
    model = drawn["mobilefacenet"]
    rows = (
        ("conv1_prelu", (56, 56, 64)),
        ("dwconv1_prelu", (56, 56, 64)),
        ("bottleneck1_5_add", (28, 28, 64)),
        ("bottleneck2_1_project_bn", (14, 14, 128)),
        ("bottleneck3_6_add", (14, 14, 128)),
        ("bottleneck4_1_project_bn", (7, 7, 128)),
        ("bottleneck5_2_add", (7, 7, 128)),
        ("conv2_prelu", (7, 7, 512)),
        ("gdconv_bn", (1, 1, 512)),
        ("linear_conv_bn", (1, 1, 128)),
        ("embedding", (128,)),
    )
    for name, shape in rows:
        assert tuple(model.get_layer(name).output.shape[1:]) == shape, name
    expansions = {f"bottleneck{row}_1": t for row, t in zip(range(1, 6), (2, 4, 2, 4, 2), strict=True)}
    for name, t in expansions.items():
        layer = model.get_layer(f"{name}_expand")
        assert layer.filters == t * layer.input.shape[-1]


# --- LeNet-5


def test_lenet5_layer_by_layer(drawn: Drawn) -> None:
    """Trainable parameters and connections of section II.B."""
    model = drawn["lenet5"]
    parameters = {
        layer: sum(part.count_params() for part in model.layers if part.name.startswith(layer))
        for layer in ("C1", "S2", "C3", "S4", "C5", "F6")
    }
    assert parameters == {"C1": 156, "S2": 12, "C3": 1516, "S4": 32, "C5": 48_120, "F6": 10_164}
    assert truncate(model, "F6").count_params() == 60_000
    assert sizes(model, "C1 S2 C3 S4 C5 F6") == [
        *((28, 28, 6), (14, 14, 6), (10, 10, 16), (5, 5, 16), (1, 1, 120)),
        (84,),
    ]


# --- stages


def test_deck_003_stages_halve_the_side_five_times(drawn: Drawn) -> None:
    for name in ("vgg16", "googlenet", "resnet18", "mobilenet_v2", "shufflenet", "shufflenet_v2", "densenet121"):
        table = count(drawn[name])
        ends = stages(table)
        shapes = table.set_index("name")["shape"]
        assert [shapes[end][0] for end in ends][-5:] == [112, 56, 28, 14, 7], name
