"""What the lectures (decks) of the course behind cnnkit state about arithmetic; each test names its deck."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np
import pandas as pd
import pytest

import cnnkit as ck
from cnnkit.primitives import counting
from cnnkit.primitives.layers import (
    Add,
    BatchNorm,
    Conv,
    Dense,
    Flatten,
    GlobalPool,
    Layer,
    Parallel,
    Pool,
)

p = ck.primitives

IMAGE = np.array([[3, 3, 2, 1, 0], [0, 0, 1, 3, 1], [3, 1, 2, 2, 3], [2, 0, 0, 2, 2], [2, 0, 0, 0, 1]])
KERNEL = np.array([[0, 1, 2], [2, 2, 0], [0, 1, 2]])
ONE_TO_NINE = np.arange(1, 10).reshape(3, 3)
TENS = np.array([[10, 20], [30, 40]])
RIGHT_AND_BELOW = ((0, 1), (0, 1))


# --- convolution


def test_decks_000_and_003_the_sliding_three_by_three() -> None:
    assert p.conv2d(IMAGE, KERNEL).tolist() == [[12, 12, 17], [10, 17, 19], [9, 6, 14]]


def test_deck_003_zero_padding_and_a_stride_of_two() -> None:
    """The deck's own table is damaged; this is conv arithmetic's answer."""
    assert p.conv2d(IMAGE, KERNEL, padding=1, stride=2).tolist() == [[6, 17, 3], [8, 17, 13], [6, 4, 4]]


def test_deck_000_the_index_is_shifted_by_one_with_a_border() -> None:
    """(k ⋆ im)(x, y) = Σ k(n, m)·im(x + n − 1, y + m − 1): cross-correlation with a border of 1."""
    same = p.conv2d(IMAGE, KERNEL, padding=1)
    for x, y in itertools.product(range(1, 4), repeat=2):
        terms = [KERNEL[n, m] * IMAGE[x + n - 1, y + m - 1] for n in range(3) for m in range(3)]
        assert same[x, y] == sum(terms)


def test_deck_000_the_channels_are_convolved_and_summed() -> None:
    generator = np.random.default_rng(0)
    image, kernel = generator.normal(size=(6, 6, 3)), generator.normal(size=(3, 3, 3, 1))
    parts = sum(p.conv2d(image[..., c], kernel[..., c, 0]) for c in range(3))
    np.testing.assert_allclose(p.conv2d(image, kernel)[..., 0], parts)


def test_deck_004_one_to_nine() -> None:
    assert p.conv2d(ONE_TO_NINE, TENS).tolist() == [[370, 470], [670, 770]]
    padded = p.conv2d(ONE_TO_NINE, TENS, padding=RIGHT_AND_BELOW)
    assert padded.tolist() == [[370, 470, 210], [670, 770, 330], [230, 260, 90]]
    strided = p.conv2d(ONE_TO_NINE, TENS, padding=RIGHT_AND_BELOW, stride=2)
    assert strided.tolist() == [[370, 210], [230, 90]]


def test_deck_001_two_filters_on_a_seven_by_seven_volume() -> None:
    red = [[0, 0, 2, 0, 2], [1, 2, 2, 2, 0], [0, 2, 1, 0, 0], [0, 2, 0, 2, 1], [1, 0, 2, 2, 0]]
    green = [[1, 0, 0, 2, 0], [1, 0, 1, 0, 1], [0, 0, 2, 1, 2], [1, 2, 1, 0, 0], [1, 2, 2, 0, 2]]
    # In the deck's text the fourth value is 0; 1 is the only change of one pixel that gives both of its outputs.
    blue = [[0, 2, 2, 1, 0], [0, 2, 0, 0, 1], [1, 1, 1, 2, 1], [2, 0, 1, 2, 2], [2, 1, 1, 0, 0]]
    first = [
        [[-1, 0, -1], [1, -1, 1], [-1, 0, -1]],
        [[0, -1, 1], [1, 1, 1], [-1, 1, -1]],
        [[0, 0, 0], [-1, 1, -1], [1, 1, -1]],
    ]
    second = [
        [[0, 1, 1], [-1, -1, -1], [1, -1, 1]],
        [[-1, 0, -1], [1, 1, 1], [-1, 1, -1]],
        [[0, 1, 0], [0, 0, -1], [1, -1, 0]],
    ]
    image = np.moveaxis([red, green, blue], 0, -1)  # the deck shows it with its border of 1: 7 × 7 × 3
    kernel = np.moveaxis([first, second], (0, 1), (3, 2))
    output = p.conv2d(image, kernel, [1, 0], stride=2, padding=1)
    assert output[..., 0].tolist() == [[-3, -1, 0], [-1, -8, 2], [3, 0, 3]]
    assert output[..., 1].tolist() == [[1, 4, 2], [-1, 4, 5], [3, 1, 3]]


def test_deck_001_sides() -> None:
    assert counting.output_side(7, 3) == p.conv2d(np.ones((7, 7)), np.ones((3, 3))).shape[0] == 5
    assert counting.output_side(7, 3, stride=2) == 3
    assert [counting.same_padding(kernel) for kernel in (3, 5, 7)] == [1, 2, 3]
    picture = np.ones((32, 32))
    once = p.conv2d(picture, np.ones((5, 5)))
    assert (once.shape, p.conv2d(once, np.ones((5, 5))).shape) == ((28, 28), (24, 24))


def test_decks_001_and_004_a_bad_fit_gives_the_floor_and_says_so() -> None:
    table = p.count([Conv(1, 3, stride=3)], (7, 7, 1))
    assert table["shape"].iloc[-1] == p.conv2d(np.ones((7, 7, 1)), np.ones((3, 3, 1, 1)), stride=3).shape == (2, 2, 1)
    assert table["note"].iloc[-1] == (
        "(7 − 3)/3 + 1 = 2.33, taken as 2: the last 1 of 7 pixels are never seen"  # 2.33 in deck 001
    )


def test_deck_003_a_dilation_of_two_turns_three_into_five() -> None:
    assert counting.effective_kernel(3, dilation=2) == 5
    assert p.count([Conv(1, 3, dilation=2)], (9, 9, 1))["receptive_field"].iloc[-1] == 5


def test_deck_003_group_convolution_splits_the_channels() -> None:
    generator = np.random.default_rng(0)
    image, kernel = generator.normal(size=(5, 5, 4)), generator.normal(size=(3, 3, 2, 6))
    halves = [p.conv2d(image[..., :2], kernel[..., :3]), p.conv2d(image[..., 2:], kernel[..., 3:])]
    np.testing.assert_allclose(p.conv2d(image, kernel, groups=2), np.concatenate(halves, axis=-1))


def test_deck_003_transposed_convolution_inserts_zeros() -> None:
    """Dumoulin and Visin, which the deck shows: 2 × 2, kernel 3, stride 2: 5 × 5, and 3 × 3 with padding 1."""
    small, kernel = np.array([[1, 2], [3, 4]]), np.ones((3, 3), int)
    spread = np.array([[1, 0, 2], [0, 0, 0], [3, 0, 4]])
    whole = p.conv2d(np.pad(spread, 2), p.flipped(kernel))
    assert p.transposed_conv2d(small, kernel, stride=2).tolist() == whole.tolist()
    assert p.transposed_conv2d(small, kernel, stride=2, padding=1).tolist() == whole[1:-1, 1:-1].tolist()


def test_deck_003_mirror_padding_at_the_border() -> None:
    row = np.arange(4)
    assert p.conv1d(row, [1], padding=2, border="mirror").tolist() == [2, 1, 0, 1, 2, 3, 2, 1]


# --- pooling


def test_deck_003_pooling() -> None:
    assert p.max_pool2d(IMAGE, 3, stride=1).tolist() == [[3, 3, 3], [3, 3, 3], [3, 2, 3]]
    means = p.average_pool2d(IMAGE, 3, stride=1).round(1)
    assert means.tolist() == [[1.7, 1.7, 1.7], [1.0, 1.2, 1.8], [1.1, 0.8, 1.3]]


def test_deck_004_max_pooling_over_space() -> None:
    padded = np.pad(ONE_TO_NINE, RIGHT_AND_BELOW)
    assert p.max_pool2d(padded, 2, stride=1).tolist() == [[5, 6, 6], [8, 9, 9], [8, 9, 9]]


def test_deck_004_max_pooling_over_depth() -> None:
    """The four grids of the deck: three channels, and the largest of the three at each pixel."""
    channels = [[[10, 8], [4, 40]], [[2, 5], [30, 6]], [[5, 0], [5, 40]]]
    assert p.max_pool_depth(np.moveaxis(channels, 0, -1))[..., 0].tolist() == [[10, 8], [30, 40]]


def test_deck_001_the_gradient_of_max_pooling_goes_to_the_largest() -> None:
    window = [[1, 9], [3, 4]]
    assert p.max_pool2d_backward([[7]], window).tolist() == [[0, 7], [0, 0]]


def test_deck_004_edge_detection_sizes() -> None:
    """300 × 300 × 3, eight 3 × 3 × 3 filters, then max pooling at stride 1 and over depth 8."""
    edges = p.conv2d(np.zeros((300, 300, 3), np.float32), np.zeros((3, 3, 3, 8), np.float32), padding="same")
    assert edges.shape == (300, 300, 8)
    assert p.max_pool2d(edges, 5, stride=1).shape == (296, 296, 8)
    assert [Pool(size, stride=1).output(edges.shape)[0] for size in (5, 10, 30)] == [296, 291, 271]
    assert p.max_pool_depth(p.sigmoid(edges)).shape == (300, 300, 1)


# --- activations


def test_deck_001_tanh_is_a_scaled_sigmoid_and_relu_a_special_case_of_swish() -> None:
    x = np.linspace(-4, 4, 81)
    np.testing.assert_allclose(p.tanh(x), 2 * p.sigmoid(2 * x) - 1, atol=1e-12)
    np.testing.assert_allclose(p.swish(x, beta=1e4), p.relu(x), atol=1e-4)
    np.testing.assert_allclose(p.leaky_relu(x), np.maximum(0.1 * x, x))
    np.testing.assert_allclose(p.elu(x, alpha=0.5), np.where(x >= 0, x, 0.5 * (np.exp(x) - 1)))


def test_deck_001_a_saturated_sigmoid_kills_the_gradient() -> None:
    assert p.sigmoid_backward(1.0, [-30.0, 30.0]).max() < 1e-12


def test_deck_001_batch_normalization_gives_zero_mean_and_unit_variance() -> None:
    x = np.random.default_rng(0).normal(3, 7, (64, 5, 5, 4))
    normal = p.batch_norm_training(x, np.ones(4), np.zeros(4), epsilon=0)
    mean, variance = p.batch_statistics(normal)
    np.testing.assert_allclose(mean, 0, atol=1e-12)
    np.testing.assert_allclose(variance, 1)


# --- parameters, multiplications, receptive field


def test_deck_000_a_dense_layer_on_an_image() -> None:
    table = p.count([Flatten(), Dense(1000)], (640, 480, 3))
    assert table["parameters"].iloc[-1] == 921_601_000


def test_deck_001_local_connectivity_and_weight_sharing() -> None:
    """7 inputs, 3 hidden units: 21 weights globally connected, 9 locally, 3 shared."""
    assert counting.dense_parameters(7, 3, bias=False) == 21
    assert counting.locally_connected_parameters((3,), (3,)) == 9
    assert counting.conv_parameters((3,), 1, 1, bias=False) == 3
    assert counting.output_side(7, 3, stride=2) == 3


def test_deck_003_multiplications() -> None:
    f, height, width, channels_in, channels_out = 3, 28, 20, 32, 64
    output = (height, width)
    standard = counting.conv_multiply_adds(f, output, channels_in, channels_out)
    pointwise = counting.pointwise_multiply_adds(output, channels_in, channels_out)
    assert standard == f * f * height * width * channels_in * channels_out
    assert counting.depthwise_multiply_adds(f, output, channels_in) == f * f * height * width * channels_in
    assert pointwise == height * width * channels_in * channels_out
    assert standard == 9 * pointwise  # "1×1 convolution is 9 times faster than 3×3 convolution"


def test_deck_003_the_receptive_field_table() -> None:
    layers = [Conv(8, 3, stride=stride, padding="same") for stride in (1, 2, 1, 1, 2, 1, 1, 2)]
    table = p.count(layers, (256, 256, 3))[1:]
    assert [shape[0] for shape in table["shape"]] == [256, 128, 128, 128, 64, 64, 64, 32]
    assert table["receptive_field"].tolist() == [3, 5, 9, 13, 17, 25, 33, 41]


# --- architectures


def dense_end(filters: int, *, bias: bool = True) -> list[Layer]:
    units = {"FC6": 4096, "FC7": 4096, "FC8": filters}
    return [Flatten(), *(Dense(count, bias=bias, name=name) for name, count in units.items())]


def alexnet(groups: int = 1, *, bias: bool = True) -> pd.DataFrame:
    layers: list[Layer] = [
        Conv(96, 11, stride=4, bias=bias, name="CONV1"),
        Pool(3, stride=2, name="MAX POOL1"),
        Conv(256, 5, padding=2, groups=groups, bias=bias, name="CONV2"),
        Pool(3, stride=2, name="MAX POOL2"),
        Conv(384, 3, padding=1, groups=groups, bias=bias, name="CONV3"),
        Conv(384, 3, padding=1, groups=groups, bias=bias, name="CONV4"),
        Conv(256, 3, padding=1, groups=groups, bias=bias, name="CONV5"),
        Pool(3, stride=2, name="MAX POOL3"),
        *dense_end(1000, bias=bias),
    ]
    return p.count(layers, (227, 227, 3)).set_index("name")


def test_decks_000_and_001_alexnet_in_one_column() -> None:
    table = alexnet()
    maps = [(227, 227, 3), (55, 55, 96), (27, 27, 96), (27, 27, 256), (13, 13, 256), (13, 13, 384), (13, 13, 384)]
    maps += [(13, 13, 256), (6, 6, 256)]
    assert table["shape"].drop("flatten1").tolist() == [*maps, (4096,), (4096,), (1000,)]
    assert table["parameters"]["CONV1"] == 34_944
    # "Equivalent MLP parameters: 43.7 · 10⁹", which the deck takes from a picture of 224 × 224.
    assert counting.dense_parameters(224 * 224 * 3, 55 * 55 * 96) == pytest.approx(43.7e9, rel=0.001)


def test_deck_004_alexnet_in_two_columns() -> None:
    """Weights without biases. In the deck's table every layer reads its own column, CONV3 too (in the paper, both).

    CONV4 is 663,552: the deck's 1,327,104 counts it dense.
    """
    weights = alexnet(groups=2, bias=False)["parameters"]
    convolutions, dense = [34_848, 307_200, 442_368, 663_552, 442_368], [37_748_736, 16_777_216, 4_096_000]
    assert weights[weights > 0].tolist() == convolutions + dense
    assert counting.conv_parameters(3, 384, 384, bias=False) == 1_327_104


BLOCKS = {1: (64, 2), 2: (128, 2), 3: (256, 3), 4: (512, 3), 5: (512, 3)}


def vgg16() -> pd.DataFrame:
    layers: list[Layer] = []
    for block, (filters, times) in BLOCKS.items():
        layers += [Conv(filters, 3, padding=1, name=f"block{block}_conv{n + 1}") for n in range(times)]
        layers += [Pool(2, name=f"block{block}_pool")]
    return p.count([*layers, *dense_end(1000)], (224, 224, 3)).set_index("name")


def test_decks_000_and_004_vgg16_parameters() -> None:
    parameters = vgg16()["parameters"]
    blocks = [parameters[parameters.index.str.startswith(f"block{block}")].sum() for block in BLOCKS]
    assert blocks == [38_720, 221_440, 1_475_328, 5_899_776, 7_079_424]
    assert parameters[["FC6", "FC7", "FC8"]].tolist() == [102_764_544, 16_781_312, 4_097_000]
    assert parameters.sum() == 138_357_544
    assert parameters[["FC6", "FC7", "FC8"]].sum() / parameters.sum() == pytest.approx(0.9, abs=0.01)  # "almost 90%"


def test_deck_000_vgg16_computes_fifteen_billion() -> None:
    assert vgg16()["multiply_adds"].sum() == pytest.approx(15.3e9, rel=0.015)


def test_deck_000_vgg16_memory_row_by_row() -> None:
    """The deck's column of activation maps, rounded as there (K and M).

    Its total, "24M · 4 bytes ≈ 93MB", is not the sum of its column, which is 15.2M, 61 MB: a slip that this table
    shares with the course notes it is from. The rule of three itself holds, and so do all of its rows.
    """
    table = vgg16()
    kilo = [150, 3_200, 3_200, 800, 1_600, 1_600, 400, 800, 800, 800, 200, 400, 400, 400, 100, 100, 100, 100, 25]
    maps = table["activations"].drop(["flatten1", "FC6", "FC7", "FC8"])
    np.testing.assert_allclose(maps, np.array(kilo) * 1000, rtol=0.01)
    assert table["activations"][["FC6", "FC7", "FC8"]].tolist() == [4096, 4096, 1000]
    assert table["activations"].sum() == pytest.approx(sum(kilo) * 1000, rel=0.01) == pytest.approx(15.2e6, rel=0.01)
    assert counting.memory_bytes(24_000_000) / 2**20 == pytest.approx(93, rel=0.02)


def test_deck_000_memory_in_training() -> None:
    """Parameters ≈ 552 MB, ×2 for plain SGD, ×4 for Adam; activations ×2 for the backward pass."""
    needed = p.memory(vgg16())
    parameters = needed["parameters"] / 1e6
    assert parameters["forward"] == pytest.approx(552, rel=0.005)
    assert (needed["parameters"] / needed["parameters"]["forward"]).tolist() == [1, 2, 3, 4]
    assert (needed["activations"] / needed["activations"]["forward"]).tolist() == [1, 2, 2, 2]
    batch = p.memory(vgg16(), batch_size=32)
    assert batch["activations"].tolist() == (32 * needed["activations"]).tolist()
    assert batch["parameters"].tolist() == needed["parameters"].tolist()


RESNETS = {
    18: ([2, 2, 2, 2], 1.8e9),
    34: ([3, 4, 6, 3], 3.6e9),
    50: ([3, 4, 6, 3], 3.8e9),
    101: ([3, 4, 23, 3], 7.6e9),
    152: ([3, 8, 36, 3], 11.3e9),
}


def normalized(filters: int, kernel: int, stride: int = 1) -> list[Layer]:
    return [Conv(filters, kernel, stride=stride, padding=kernel // 2, bias=False), BatchNorm()]


def residual_block(filters: int, *, stride: int, deep: bool, project: bool) -> Parallel:
    """A row of brackets of the deck's table; the stride is in the first convolution, as in the paper."""
    if deep:
        body = normalized(filters, 1, stride) + normalized(filters, 3) + normalized(4 * filters, 1)
    else:
        body = normalized(filters, 3, stride) + normalized(filters, 3)
    return Parallel([body, normalized(filters * (4 if deep else 1), 1, stride) if project else []], Add())


def resnet(depth: int) -> pd.DataFrame:
    layers: list[Layer | Parallel] = [*normalized(64, 7, 2), Pool(3, stride=2, padding=1)]
    for stage, times in enumerate(RESNETS[depth][0]):
        for number in range(times):
            stride = 2 if stage and not number else 1
            project = number == 0 and (depth >= 50 or stage > 0)
            layers.append(residual_block(64 * 2**stage, stride=stride, deep=depth >= 50, project=project))
    return p.count([*layers, GlobalPool(), Dense(1000)], (224, 224, 3))


@pytest.mark.parametrize("depth", RESNETS)
def test_deck_004_resnets(depth: int) -> None:
    """Trainable layers, the output sizes of the stages, and the FLOPs row, which counts multiply-adds."""
    table = resnet(depth)
    on_the_path = [kind in ("Conv", "Dense") for kind in table["kind"]]
    projections = 4 if depth >= 50 else 3
    assert sum(on_the_path) - projections == depth
    ends = table[table["kind"] == "Add"]["shape"].iloc[np.cumsum(RESNETS[depth][0]) - 1]
    wide = 256 if depth >= 50 else 64
    assert list(ends) == [(56, 56, wide), (28, 28, 2 * wide), (14, 14, 4 * wide), (7, 7, 8 * wide)]
    assert table["multiply_adds"].sum() == pytest.approx(RESNETS[depth][1], rel=0.021)


def test_decks_000_and_004_resnet50_has_25_million_parameters() -> None:
    assert resnet(50)["parameters"].sum() == pytest.approx(25e6, rel=0.03)


def test_deck_000_the_convnet_of_the_lecture() -> None:
    layers: Sequence[Layer] = [Conv(32, 5), Pool(2), Conv(64, 3), Pool(2), Flatten(), Dense(256), Dense(10)]
    table = p.count(layers, (28, 28, 1))
    shapes = [(28, 28, 1), (24, 24, 32), (12, 12, 32), (10, 10, 64), (5, 5, 64), (1600,), (256,), (10,)]
    assert table["shape"].tolist() == shapes


def test_deck_004_stacking_small_kernels() -> None:
    """Three 3 × 3 see as much as one 7 × 7 and need 27 weights a channel pair instead of 49."""
    stack = p.count([Conv(1, 3, bias=False)] * 3, (32, 32, 1))
    single = p.count([Conv(1, 7, bias=False)], (32, 32, 1))
    assert stack["receptive_field"].iloc[-1] == single["receptive_field"].iloc[-1] == 7
    assert (stack["parameters"].sum(), single["parameters"].sum()) == (27, 49)
