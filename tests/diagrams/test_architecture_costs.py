from __future__ import annotations

import keras
import numpy as np
import pandas as pd
import pytest

import cnnkit as ck
from cnnkit.diagrams.architecture_costs import PANELS, costs
from cnnkit.errors import InputError
from cnnkit.primitives.layers import Activation, BatchNorm, Conv, Dense, Flatten, GlobalPool, Pool
from tests.visualize.small_networks import network

LECTURE = [Conv(32, 5, name="first"), BatchNorm(), Activation(), Pool(2), Conv(64, 3), Flatten(), Dense(10)]


def bars(figure: object, panel: int) -> list[float]:
    return [bar.get_width() for bar in figure.axes[panel].patches]


def names(figure: object) -> list[str]:
    return [label.get_text() for label in figure.axes[0].get_yticklabels()]


def test_bars_are_the_columns_of_the_table() -> None:
    table = ck.primitives.count(LECTURE, (28, 28, 1))
    figure = costs(table)
    # Batch normalization and activation are with their convolution; flattening has no bar.
    kept = [0, 1, 4, 5, 7]
    for panel, column in enumerate(["activations", "parameters", "multiply_adds"]):
        sums = table[column].groupby([0, 1, 1, 1, 4, 5, 6, 7]).sum()
        np.testing.assert_allclose(bars(figure, panel), sums[kept])
    np.testing.assert_allclose(bars(figure, 3), [1, 5, 6, 10, 28])
    assert names(figure)[:2] == ["input   28 × 28 × 1", "first   24 × 24 × 32"]
    assert [axes.get_title(loc="left").split("\n")[0] for axes in figure.axes] == [
        title for title, _ in PANELS.values()
    ]


def test_the_sums_are_in_the_titles_and_the_picture_is_marked() -> None:
    table = ck.primitives.count(LECTURE, (28, 28, 1))
    figure = costs(table)
    assert figure.axes[1].get_title(loc="left").endswith("83.5K")  # 832 + 128 + 18,496 + 64,010
    assert figure.axes[3].get_lines()[0].get_xdata()[0] == 28


def test_many_layers_are_drawn_by_the_size_of_their_maps() -> None:
    table = ck.primitives.count([*[Conv(4, 3, padding=1)] * 9, Pool(2), *[Conv(4, 3, padding=1)] * 9], (16, 16, 4))
    assert len(names(costs(table))) == 20
    figure = costs(table, rows=12)
    assert names(figure) == ["input – conv9   16 × 16 × 4", "pool1 – conv18   8 × 8 × 4"]
    assert sum(bars(figure, 1)) == table["parameters"].sum()


@pytest.fixture(scope="module")
def winding() -> pd.DataFrame:
    """Squeeze and excitation, a cell with strided branches, a border, and a global mean at the end."""
    layers = keras.layers
    x = image = keras.Input((32, 32, 3))
    for block in range(12):
        gate = layers.Dense(8, activation="sigmoid")(layers.GlobalAveragePooling2D()(layers.Conv2D(8, 3)(x)))
        x = layers.Multiply()([layers.Conv2D(8, 3, padding="same")(x), layers.Reshape((1, 1, 8))(gate)])
        if block % 4 == 3:
            padded = layers.ZeroPadding2D()(x)
            x = layers.Concatenate()([layers.Conv2D(8, 3, strides=2)(padded), layers.MaxPooling2D(2)(x)])
    x = layers.GlobalAveragePooling2D(name="mean")(x)
    return ck.backbones.count(keras.Model(image, layers.Dense(10, name="predictions")(x)))


@pytest.mark.parametrize("rows", [1, 3, 6, 24])
def test_never_more_bars_than_rows_and_no_sum_is_lost(winding: pd.DataFrame, rows: int) -> None:
    figure = costs(winding, rows=rows)
    assert len(names(figure)) <= rows
    for panel, column in enumerate(["activations", "parameters", "multiply_adds"]):
        assert sum(bars(figure, panel)) == winding[column].sum()


def test_side_ways_belong_to_the_maps_that_they_come_back_to(winding: pd.DataFrame) -> None:
    sides = [name.split()[3] for name in names(costs(winding))]
    assert sides == ["32", "16", "8", "4", "10"]


def test_no_layer_sees_less_than_the_one_before_and_a_mean_sees_the_whole_picture() -> None:
    table = ck.primitives.count([*[Conv(4, 3, stride=2, padding=1)] * 5, GlobalPool(), Dense(3)], (32, 32, 3))
    assert table["receptive_field"].tolist()[-3:] == [63, 32, 32]  # the last map reaches beyond the picture
    figure = costs(table)
    assert bars(figure, 3) == [1, 3, 7, 15, 31, 32, 32, 32]
    assert [text.get_text() for text in figure.axes[3].texts] == ["1", "3", "7", "15", "31", "all, 63", "all", "all"]


@pytest.mark.parametrize("rows", [3, 24])
def test_no_text_is_clipped(winding: pd.DataFrame, rows: int) -> None:
    figure = costs(winding, rows=rows)
    figure.draw_without_rendering()
    texts = [text for axes in figure.axes for text in (*axes.texts, axes.xaxis.label, *axes.get_yticklabels())]
    for box in [text.get_window_extent() for text in texts if text.get_text() and text.get_visible()]:
        assert figure.bbox.x0 <= box.x0
        assert box.x1 <= figure.bbox.x1


def test_no_rows() -> None:
    with pytest.raises(InputError, match="at least 1"):
        costs(ck.primitives.count(LECTURE, (28, 28, 1)), rows=0)


def test_what_is_not_counted_is_drawn_without_a_bar() -> None:
    table = ck.primitives.count(LECTURE, (28, 28, 1))
    table.loc[4:, "receptive_field"] = pd.NA
    assert bars(costs(table), 3) == [1, 5, 0, 0, 0]
    assert costs(ck.primitives.count([Dense(3)], (5,))) is not None


def test_another_table_is_refused() -> None:
    with pytest.raises(InputError, match=r"what ck\.primitives\.count gives"):
        costs(pd.DataFrame({"name": ["a"]}))


def test_a_network_is_counted() -> None:
    net = network(["no", "yes"])
    expected = bars(costs(ck.backbones.count(net.model)), 2)
    assert bars(costs(net), 2) == bars(costs(net.model), 2) == expected
    assert bars(costs(net.backbone), 2) == expected[: len(bars(costs(net.backbone), 2))]
    with pytest.raises(InputError, match="a backbone or a Keras model"):
        costs(LECTURE)
