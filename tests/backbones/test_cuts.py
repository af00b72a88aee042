"""Receptive fields, multiply-adds and stages against papers and against Keras's own counts."""

from __future__ import annotations

import keras
import pandas as pd
import pytest

from cnnkit.backbones.cuts import COLUMNS, cut_table, resolve_cut, stages
from cnnkit.backbones.extractor import build
from cnnkit.backbones.table import find_row
from cnnkit.errors import InputError, UnknownNameError


def table_of(name: str, *, top: bool = False, alpha: float | None = None) -> pd.DataFrame:
    row = find_row(name)
    return cut_table(build(row, (row.side, row.side, 3), alpha, top=top)).set_index("name")


@pytest.fixture(scope="module")
def resnet() -> keras.Model:
    return build(find_row("resnet50"), (224, 224, 3), None, top=False)


def test_vgg16() -> None:
    """Receptive fields as in Araujo et al. 2019 (distill.pub), table 1: 212 after the last pooling."""
    table = table_of("vgg16")
    assert table["receptive_field"]["block1_conv1"] == 3
    assert table["receptive_field"]["block5_pool"] == 212
    assert table["parameters"]["block4_conv3"] == 38_720 + 221_440 + 1_475_328 + 5_899_776  # lecture 000
    assert table["shape"]["block4_conv3"] == (28, 28, 512)
    assert table["stride"]["block4_conv3"] == 8
    assert table["multiply_adds"]["block1_conv1"] == 224 * 224 * 9 * 3 * 64


def test_resnet50(resnet: keras.Model) -> None:
    """483 pixels (Araujo et al., table 1) and 3.8·10⁹ multiply-adds (He et al. 2016, table 1)."""
    table = cut_table(resnet).set_index("name")
    assert table["receptive_field"]["conv5_block3_out"] == 483
    assert table["multiply_adds"]["conv5_block3_out"] == pytest.approx(3.8e9, rel=0.02)
    assert list(table.reset_index().columns) == COLUMNS


@pytest.mark.slow
@pytest.mark.parametrize(("name", "billions"), [("resnet101", 7.6), ("resnet152", 11.3)])
def test_deep_resnets(name: str, billions: float) -> None:
    assert table_of(name)["multiply_adds"].iloc[-1] == pytest.approx(billions * 1e9, rel=0.02)


@pytest.mark.parametrize(
    ("alpha", "millions", "parameters"), [(1.0, 569, 4_253_864), (0.75, 325, 2_601_976), (0.25, 41, 475_544)]
)
def test_mobilenet(alpha: float, millions: float, parameters: int) -> None:
    """Howard et al. 2017, table 6: 569, 325 and 41 million mult-adds; receptive field 315 (Araujo et al.)."""
    table = table_of("mobilenet", top=True, alpha=alpha)
    assert table["multiply_adds"].iloc[-1] == pytest.approx(millions * 1e6, rel=0.015)
    assert table["parameters"].iloc[-1] == parameters
    assert table["receptive_field"]["conv_pw_13_relu"] == 315
    assert pd.isna(table["stride"].iloc[-1])
    assert table["shape"].iloc[-1] == (1000,)


def test_stages(resnet: keras.Model) -> None:
    assert stages(cut_table(resnet)) == (
        "conv1_relu",
        "conv2_block3_out",
        "conv3_block4_out",
        "conv4_block6_out",
        "conv5_block3_out",
    )
    assert resolve_cut(resnet, "stage4") == "conv4_block6_out"
    assert resolve_cut(resnet, "conv3_block1_out") == "conv3_block1_out"
    with pytest.raises(UnknownNameError, match="stage5"):
        resolve_cut(resnet, "stage6")
    with pytest.raises(InputError, match="Received: -2"):
        resolve_cut(resnet, -2)
    with pytest.raises(InputError, match="'conv4_block5_out' or 'conv4_block6_add'"):
        resolve_cut(resnet, "conv4_block6_1_conv")


def hourglass(*, unknown: bool = False) -> keras.Model:
    image = keras.Input((None, None, 3), name="image")
    x = keras.layers.SeparableConv2D(4, (1, 7), padding="same", name="wide")(image)
    x = keras.layers.Conv2D(4, 4, strides=4, name="down")(x)
    if unknown:
        x = keras.layers.Permute((2, 1, 3), name="unknown")(x)
    x = keras.layers.Conv2DTranspose(2, 2, strides=2, name="half")(x)
    return keras.Model(image, keras.layers.UpSampling2D(4, name="up")(x))


def test_upsampling_and_open_sizes() -> None:
    table = cut_table(hourglass()).set_index("name")
    assert list(table["receptive_field"]) == [1, 7, 10, 10, 10]
    assert list(table["stride"]) == [1, 1, 4, 2, 0.5]
    assert list(table["multiply_adds"]) == [0] * 5  # no size, no cost
    assert table["shape"]["down"] == (None, None, 4)


def test_costs_of_separable_and_transposed_convolutions() -> None:
    image = keras.Input((8, 8, 3), name="image")
    x = keras.layers.SeparableConv2D(4, (1, 7), padding="same", name="wide")(image)
    model = keras.Model(image, keras.layers.Conv2DTranspose(2, 3, strides=2, name="double")(x))
    table = cut_table(model).set_index("name")
    assert table["multiply_adds"]["wide"] == 64 * (7 * 3 + 3 * 4)
    assert table["multiply_adds"]["double"] - table["multiply_adds"]["wide"] == 64 * 9 * 4 * 2


def test_after_an_unknown_layer_the_receptive_field_is_unknown() -> None:
    table = cut_table(hourglass(unknown=True)).set_index("name")
    assert table["receptive_field"].isna().tolist() == [False, False, False, True, True, True]


def test_global_pooling_sees_the_whole_picture() -> None:
    image = keras.Input((20, 30, 3), name="image")
    model = keras.Model(image, keras.layers.GlobalAveragePooling2D(name="pool")(image))
    assert cut_table(model)["receptive_field"].tolist() == [1, 30]


def test_nested_models_count_too() -> None:
    inner = keras.Sequential([keras.Input((8, 8, 3)), keras.layers.Conv2D(4, 3, name="c")], name="inner")
    image = keras.Input((8, 8, 3), name="image")
    table = cut_table(keras.Model(image, inner(image)))
    assert table.iloc[-1].tolist() == ["inner", (6, 6, 4), 1, 3, 112, 36 * 9 * 3 * 4]
