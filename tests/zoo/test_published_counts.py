"""Parameters and multiply-adds of every network: what its paper or its well-known implementation states."""

from __future__ import annotations

import importlib
import math
import re
from collections.abc import Mapping

import keras
import pytest

import cnnkit as ck
from cnnkit.backbones.cuts import cut_table
from cnnkit.zoo import mobilefacenets

# All parameters, moving statistics included.
PARAMETERS = {
    "mlp": 784 * 256 + 256 + 256 * 10 + 10,  # lecture 000's code by hand
    "convnet": (25 + 1) * 32 + (9 * 32 + 1) * 64 + (5 * 5 * 64 + 1) * 256 + (256 + 1) * 10,
    "lenet5": 60_000 + 84 * 10 + 10,  # LeCun et al., II.B, without its fixed output layer; the softmax
    "alexnet": 62_378_344,  # what articles count for the simplified version
    "alexnet_two_columns": 60_965_224,  # Caffe's bvlc_alexnet
    "unet": 31_030_658,  # counted from figure 1, with one channel and two classes
    "vgg11": 132_863_336,  # torchvision
    "vgg13": 133_047_848,  # torchvision
    "vgg16": 138_357_544,  # lecture 004
    "vgg19": 143_667_240,  # torchvision
    "googlenet": 6_998_552,  # Caffe's bvlc_googlenet
    "googlenet, auxiliary": 13_378_280,  # the same with its heads
    "squeezenet1_0": 1_248_424,  # torchvision
    "squeezenet1_1": 1_235_496,  # torchvision
    "mobilenet": 4_253_864,  # keras.applications, as those below
    "mobilenet_v2": 3_538_984,
    "mobilenet_v3_large": 5_507_432,
    "mobilenet_v3_small": 2_554_968,
    "densenet121": 8_062_504,
    "densenet169": 14_307_880,
    "densenet201": 20_242_984,
}
# Those that are trained, which is what torchvision counts.
TRAINED = {
    "resnet18": 11_689_512,
    "resnet34": 21_797_672,
    "resnet50": 25_557_032,
    "resnet101": 44_549_160,
    "resnet152": 60_192_808,
    "shufflenet_v2, 0.5": 1_366_792,
    "shufflenet_v2": 2_278_604,
    "shufflenet_v2, 1.5": 3_503_624,
    "shufflenet_v2, 2.0": 7_393_996,
}
# Millions of multiply-adds as the papers print them.
MILLIONS = {
    "resnet18": 1800,  # lecture 004, "FLOPs", as the four below
    "resnet34": 3600,
    "resnet50": 3800,
    "resnet101": 7600,
    "resnet152": 11_300,
    "vgg16": 15_300,  # lecture 000
    "googlenet": 1502 - 34 + 118,  # Szegedy et al., Table 1; its 34 of conv1 is 112²·7²·3·64, 118
    "mobilenet": 569,  # Howard et al. 2017, Table 4
    "mobilenet_v2": 300,  # Sandler et al., Table 4
    "mobilenet_v3_large": 219,  # Howard et al. 2019, Table 3
    "mobilenet_v3_small": 56,  # the same
    "shufflenet, 1 groups": 143,  # Zhang et al., Table 1, as the four below
    "shufflenet, 2 groups": 140,
    "shufflenet": 137,
    "shufflenet, 4 groups": 133,
    "shufflenet, 8 groups": 137,
    "shufflenet_v2, 0.5": 41,  # Ma et al., Table 5, as the three below
    "shufflenet_v2": 146,
    "shufflenet_v2, 1.5": 299,
    "shufflenet_v2, 2.0": 591,
    "mobilefacenet": 221,  # Chen et al., Table 2
}


def trained(model: keras.Model) -> int:
    return sum(math.prod(weight.shape) for weight in model.trainable_weights)


@pytest.mark.parametrize("title", PARAMETERS)
def test_parameters(drawn: Mapping[str, keras.Model], title: str) -> None:
    assert drawn[title].count_params() == PARAMETERS[title]


@pytest.mark.parametrize("title", TRAINED)
def test_trained_parameters(drawn: Mapping[str, keras.Model], title: str) -> None:
    assert trained(drawn[title]) == TRAINED[title]


@pytest.mark.parametrize("title", MILLIONS)
def test_multiply_adds(drawn: Mapping[str, keras.Model], title: str) -> None:
    """Within 2 %: papers print two or three digits, some cut off and some rounded (ResNet50's 3.858 is "3.8")."""
    assert cut_table(drawn[title])["multiply_adds"].iloc[-1] / 1e6 == pytest.approx(MILLIONS[title], rel=0.02)


@pytest.mark.parametrize("name", [name for name in ck.zoo.__all__ if name != "nano"])
def test_every_network_has_a_count_that_its_file_states(name: str) -> None:
    if name in ("shufflenet", "mobilefacenet"):  # no count is published for the one, below for the other
        return
    count = {**PARAMETERS, **TRAINED}[name]
    page = importlib.import_module(getattr(ck.zoo, name).__module__).__doc__ or ""
    stated = f"{count / 1e6:.1f}" if name in ("vgg11", "vgg13", "vgg19") else f"{count:,}"
    assert (stated if name != "lenet5" else "60,000") in page


def test_mobilefacenet_is_below_a_million_parameters_and_four_megabytes(drawn: Mapping[str, keras.Model]) -> None:
    """ "0.99 million" and "4.0 MB" (Chen et al., Table 2) with the normalization made part of the convolutions."""
    model = drawn["mobilefacenet"]
    assert f"{trained(model):,}" in (mobilefacenets.__doc__ or "")
    normalizations = [layer for layer in model.layers if isinstance(layer, keras.layers.BatchNormalization)]
    folded = trained(model) - sum(layer.gamma.shape[0] for layer in normalizations)  # a bias a map stays
    assert round(folded / 1e6, 2) == 0.99
    assert 4 * folded < 4_000_000


def test_squeezenet_1_1_needs_2_4_times_less_computation_than_1_0(drawn: Mapping[str, keras.Model]) -> None:
    """The authors' README."""
    older, newer = (
        cut_table(drawn[name])["multiply_adds"].iloc[-1] for name in ("squeezenet1_0", "squeezenet1_1")
    )  # fmt: skip
    assert round(older / newer, 1) == 2.4


INCEPTIONS = ("3a", "3b", "4a", "4b", "4c", "4d", "4e", "5a", "5b")
# Rows of the files' tables that state parameters → the layers that they stand for.
ROWS = {
    "lenet5": {name: f"{name}.*" for name in ("C1", "S2", "C3", "S4", "C5", "F6")},
    "mlp": {name: name for name in ("hidden", "predictions")},
    "convnet": {name: name for name in ("conv1", "conv2", "hidden", "predictions")},
    "vgg16": {f"block{n} conv": f"block{n}_conv." for n in range(1, 6)} | {name: name for name in ("fc1", "fc2")},
    "googlenet": {f"inception_{name}": f"inception_{name}_.*" for name in INCEPTIONS}
    | {"conv1": "conv1", "conv2": "conv2(_reduce)?", "predictions": "predictions"},
    "squeezenet1_0": {f"fire{n}": f"fire{n}_.*" for n in range(2, 10)} | {"conv1": "conv1", "conv10": "conv10"},
    "squeezenet1_1": {f"fire{n}": f"fire{n}_.*" for n in range(2, 10)} | {"conv1": "conv1", "conv10": "conv10"},
    "mobilenet": {f"conv_dw/pw_{n}": f"conv_.._{n}(_bn)?" for n in (*range(1, 7), 12, 13)}
    | {"conv_dw/pw_7…11": r"conv_.._([789]|1[01])(_bn)?", "conv1": "conv1(_bn)?", "conv_preds": "conv_preds"},
}


@pytest.mark.parametrize("title", ROWS)
def test_the_table_of_a_file_is_its_network(drawn: Mapping[str, keras.Model], title: str) -> None:
    page = (importlib.import_module(getattr(ck.zoo, title).__module__).__doc__ or "").splitlines()
    for row, pattern in ROWS[title].items():
        layers = [layer for layer in drawn[title].layers if re.fullmatch(pattern, layer.name)]
        parameters = f"{sum(layer.count_params() for layer in layers):,}"
        assert any(row in line and parameters in line for line in page), (row, parameters)
