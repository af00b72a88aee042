"""Counting of hand-written networks: shapes against the layers that compute them, costs against papers."""

from __future__ import annotations

import numpy as np
import pytest

import cnnkit as ck
from cnnkit.errors import InputError
from cnnkit.primitives.layers import (
    Activation,
    Add,
    BatchNorm,
    Border,
    Concat,
    Conv,
    Dense,
    Depthwise,
    Flatten,
    GlobalPool,
    Layer,
    Parallel,
    Pool,
    Separable,
    TransposedConv,
    Upsample,
)

p = ck.primitives


def test_shapes_are_those_that_the_primitives_compute() -> None:
    x = np.ones((13, 15, 4))
    cases: list[tuple[Layer, np.ndarray]] = [
        (
            Conv(6, (3, 2), stride=(2, 3), padding=1, groups=2),
            p.conv2d(x, np.ones((3, 2, 2, 6)), stride=(2, 3), padding=1, groups=2),
        ),
        (
            Conv(6, 3, dilation=2, padding="same", stride=2),
            p.conv2d(x, np.ones((3, 3, 4, 6)), dilation=2, padding="same", stride=2),
        ),
        (Depthwise(3, stride=2, multiplier=2), p.depthwise_conv2d(x, np.ones((3, 3, 4, 2)), stride=2)),
        (Pool(3, stride=2, padding="same"), p.max_pool2d(x, 3, stride=2, padding="same")),
        (Pool(), p.average_pool2d(x)),
        (TransposedConv(5, 4, stride=2, padding=1), p.transposed_conv2d(x, np.ones((4, 4, 5, 4)), stride=2, padding=1)),
        (TransposedConv(5, 2, stride=3), p.transposed_conv2d(x, np.ones((2, 2, 5, 4)), stride=3)),
        (Upsample(3), p.resize2d(x, 3)),
        (GlobalPool(), p.global_max_pool2d(x)),
        (Dense(7), p.dense(x, np.ones((4, 7)))),
        (Border([(1, 2), (0, -3)]), x[np.arange(16) % 13][:, :12]),
        (Flatten(), x.ravel()),
        (Activation(), p.relu(x)),
    ]
    for layer, computed in cases:
        assert p.count([layer], x.shape)["shape"].iloc[-1] == computed.shape, layer


def test_a_volume_and_a_sequence() -> None:
    volume = p.count([Conv(2, (1, 2, 3)), Pool(2)], (8, 9, 10, 1))
    assert volume["shape"].tolist() == [(8, 9, 10, 1), (8, 8, 8, 2), (4, 4, 4, 2)]
    assert volume["multiply_adds"].tolist() == [0, 8 * 8 * 8 * 2 * 6, 0]
    assert p.count([Conv(3, 5, stride=2)], (64, 2))["shape"].tolist() == [(64, 2), (30, 3)]


def test_names_kinds_and_branches() -> None:
    fire = Parallel([[Conv(64, 1)], [Conv(64, 3, padding=1, name="3x3")]], Concat(), name="expand")
    table = p.count([Conv(16, 1, name="squeeze"), fire, Conv(8, 1), Conv(8, 1)], (55, 55, 96))
    assert table["name"].tolist() == ["input", "squeeze", "expand/conv2", "expand/3x3", "expand", "conv4", "conv5"]
    assert table["kind"].tolist() == ["Input", "Conv", "Conv", "Conv", "Concat", "Conv", "Conv"]
    assert table["shape"][4] == (55, 55, 128)
    assert table["receptive_field"].tolist() == [1, 1, 1, 3, 3, 3, 3]


def test_a_residual_block_with_the_identity() -> None:
    block = Parallel([[Conv(8, 3, padding=1), BatchNorm(), Conv(8, 3, padding=1)], []])
    table = p.count([block], (10, 10, 8))
    assert table["name"].tolist() == ["input", "conv1", "batchnorm1", "conv2", "add1"]
    assert table[["receptive_field", "centre"]].iloc[-1].tolist() == [5, 0]
    assert table["parameters"].tolist() == [0, 9 * 64 + 8, 32, 9 * 64 + 8, 0]


def test_centres() -> None:
    """Each value of a 3 × 3 with padding 1 looks at its own pixel; without padding at the pixel after."""
    assert p.count([Conv(1, 3, padding=1)] * 3, (9, 9, 1))["centre"].tolist() == [0, 0, 0, 0]
    assert p.count([Conv(1, 3)] * 3, (9, 9, 1))["centre"].tolist() == [0, 1, 2, 3]
    assert p.count([Pool(2), Pool(2)], (8, 8, 1))["centre"].tolist() == [0, 0.5, 1.5]
    assert p.count([Pool(2), Upsample(2)], (8, 8, 1))["centre"].tolist() == [0, 0.5, 0]
    assert p.count([Border([(2, 2), (2, 2)])], (8, 8, 1))["centre"].tolist() == [0, -2]


def test_the_larger_side_of_an_oblong_kernel() -> None:
    table = p.count([Conv(1, (1, 7)), Conv(1, (7, 1))], (17, 17, 1))
    assert table["receptive_field"].tolist() == [1, 7, 7]


def test_vectors_have_no_stride_and_see_everything() -> None:
    table = p.count([Pool(2), GlobalPool(), Dense(3)], (8, 6, 4))
    assert table["receptive_field"].tolist() == [1, 2, 8, 8]
    assert table["stride"].isna().tolist() == table["centre"].isna().tolist() == [False, False, True, True]
    assert p.count([Dense(3)], (5,))["receptive_field"].isna().all()


def test_a_separable_convolution_costs_its_two_parts() -> None:
    """MobileNet, section 3.1: F·F·C·H·W + C·C_out·H·W."""
    parts = p.count([Depthwise(3, bias=False), Conv(64, 1)], (16, 16, 32))
    whole = p.count([Separable(64, 3)], (16, 16, 32))
    for column in ("parameters", "multiply_adds"):
        assert whole[column].sum() == parts[column].sum()
    assert whole["multiply_adds"].sum() == 14 * 14 * 32 * (9 + 64)


def test_only_sides_that_do_not_fit_are_noted() -> None:
    notes = p.count([Conv(1, 3, stride=2), Conv(1, (3, 2), stride=(1, 2)), Pool(2, padding="same")], (9, 9, 1))["note"]
    assert notes.tolist() == ["", "", "", ""]
    assert "last 1 of 4 pixels" in p.count([Conv(1, 1, stride=(1, 2))], (3, 4, 1))["note"].iloc[-1]
    assert p.count([Pool(3, stride=2, padding=1)], (4, 4, 1))["note"].iloc[-1].startswith("(4 − 3 + 2)/2 + 1 = 2.50")


def test_memory() -> None:
    table = p.count([Conv(2, 3, bias=False), Flatten(), Dense(5)], (4, 4, 1))
    assert table["activations"].tolist() == [16, 8, 0, 5]  # a flattened map is the same memory
    assert p.memory(table, bytes_per_value=2).loc["forward"].tolist() == [2 * 63, 2 * 29, 2 * 92]
    assert p.memory(table, batch_size=3).loc["training, SGD with momentum"].tolist() == [756, 696, 1452]


@pytest.mark.parametrize(
    ("layers", "shape", "message"),
    [
        ([Conv(8, 5)], (3, 3, 1), "kernel's 5"),
        ([Conv(8, 3, groups=3)], (8, 8, 4), "groups"),
        ([Parallel([[Conv(4, 3)], []], Add())], (8, 8, 4), "branches of one shape"),
        ([Parallel([[Conv(4, 3)], []], Concat())], (8, 8, 4), "same sides"),
        ([Conv(8, 3)], (), "input shape"),
        ([Conv(8, 3)], (8, 0, 3), "input shape"),
        ([Conv(8, 3)], 224, "Received: 224"),
        ([Conv(8, (3, 3, 3))], (8, 8, 3), "2 numbers"),
    ],
)
def test_what_does_not_fit_is_refused(layers: list[Layer], shape: tuple[int, ...], message: str) -> None:
    with pytest.raises(InputError, match=message):
        p.count(layers, shape)
