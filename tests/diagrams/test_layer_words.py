from __future__ import annotations

import keras
import pytest
from keras import layers

from cnnkit.diagrams.layer_words import KINDS, WORDS, described, extras, lines_of, spread_out, stride_of


@pytest.mark.parametrize(
    ("layer", "kind", "words"),
    [
        (layers.Conv2D(4, 3), "convolution", "3×3"),
        (layers.Conv2D(4, (1, 7)), "convolution", "1×7"),
        (layers.Conv2D(4, 3, dilation_rate=2), "convolution", "3×3, dilation 2"),
        (layers.Conv2D(4, 3, groups=2), "convolution", "3×3 in 2 groups"),
        (layers.Conv2D(6, 7, groups=6), "convolution", "7×7 dw"),
        (layers.Conv2D(1, 3), "convolution", "3×3"),
        (layers.DepthwiseConv2D(3), "convolution", "3×3 dw"),
        (layers.SeparableConv2D(4, 3), "convolution", "3×3 dw, 1×1"),
        (layers.Conv2DTranspose(4, 2, 2), "enlarging", "2×2 transposed"),
        (layers.UpSampling2D(2), "enlarging", "upsampling"),
        (layers.MaxPooling2D(3), "pooling", "3×3 max"),
        (layers.AveragePooling2D(2), "pooling", "2×2 mean"),
        (layers.GlobalMaxPooling2D(), "pooling", "global max"),
        (layers.Dense(7), "dense", "dense"),
        (layers.Conv1D(4, 5), "convolution", "5"),
        (layers.MultiHeadAttention(2, 4), "other", "MultiHeadAttention"),
        (keras.Sequential(name="stem"), "nested", "stem"),
        (keras.Sequential([layers.Conv2D(4, 4, 4), layers.LayerNormalization()]), "convolution", "4×4"),  # ConvNeXt's
        (keras.Sequential([keras.Input((8, 8, 3)), layers.Rescaling(2), layers.MaxPooling2D(2)]), "pooling", "2×2 max"),
        (keras.Sequential([layers.Conv2D(4, 3), layers.Conv2D(4, 3)], name="two"), "nested", "two"),
    ],
)
def test_kind_and_words(layer: keras.Layer, kind: str, words: str) -> None:
    assert described(layer) == (kind, words)


def test_every_row_has_a_kind() -> None:
    assert {kind for kind, _ in WORDS.values()} <= set(KINDS)


@pytest.mark.parametrize(
    ("layer", "words"),
    [
        (layers.Conv2D(4, 3, activation="relu"), ["ReLU"]),
        (layers.Conv2D(4, 3), []),
        (layers.ReLU(max_value=6), ["ReLU6"]),
        (layers.ReLU(), ["ReLU"]),
        (layers.Activation("hard_sigmoid"), ["hard sigmoid"]),
        (layers.BatchNormalization(), ["batch norm"]),
        (layers.LayerNormalization(), ["layer norm"]),
        (layers.Dropout(0.5), ["dropout 0.5"]),
        (layers.Identity(), []),
        (layers.Activation("linear"), []),
        (layers.DepthwiseConv2D(1, activation="tanh"), ["scaling", "tanh"]),  # LeNet's subsampling: a weight a map
        (layers.DepthwiseConv2D(3), []),
        (
            keras.Sequential([layers.Conv2D(4, 2, 2), layers.BatchNormalization(), layers.ReLU()]),
            ["batch norm", "ReLU"],
        ),
    ],
)
def test_what_a_layer_does_besides(layer: keras.Layer, words: list[str]) -> None:
    assert extras(layer) == words


def test_strides() -> None:
    stem = keras.Sequential([layers.Conv2D(4, 4, 4), layers.LayerNormalization()])
    strided = (layers.Conv2D(1, 3, 2), layers.MaxPooling2D(3), layers.Dense(1), stem)
    assert [stride_of(layer) for layer in strided] == [2, 3, 1, 4]


def test_six_repeated_blocks_are_said_once() -> None:
    assert lines_of((("1×1", "3×3", "1×1"),) * 6) == ["(1×1, 3×3, 1×1) ×6"]
    assert lines_of((("1×1",), ("2 branches",)) * 2) == ["(1×1, 2 branches) ×2"]
    assert lines_of((("a",), ("b",), ("b",), ("c",), ("d",))) == ["a", "b ×2", "c, d"]


def test_shapes() -> None:
    assert [spread_out(shape) for shape in ((7, 7, 512), (None, None, 3), (10,))] == ["7×7×512", "?×?×3", "10"]
