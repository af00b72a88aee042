from __future__ import annotations

import keras
import numpy as np
import pytest

import cnnkit as ck
from cnnkit.errors import InputError, UnknownNameError
from cnnkit.visualize import style
from cnnkit.visualize.receptive_fields import (
    Window,
    effective_field,
    nearest_cell,
    receptive_field,
    side_of_most,
    window,
)
from tests.visualize.small_networks import network

layers = keras.layers


def linear(height: int = 32, width: int = 40) -> keras.Model:
    """Positive weights and no activation: every pixel that a cell can see has a gradient above 0."""
    image = keras.Input((height, width, 3))
    x = layers.Conv2D(2, 3, strides=2, padding="same", name="first")(image)
    branch = layers.DepthwiseConv2D(3, padding="same", dilation_rate=2, name="branch")(x)
    x = layers.Add(name="both")([branch, x])
    x = layers.AveragePooling2D(2, name="pool")(x)
    x = layers.Conv2D(2, (3, 1), name="last")(x)
    model = keras.Model(image, layers.GlobalAveragePooling2D(name="mean")(x))
    random = np.random.default_rng(0)
    model.set_weights([random.uniform(0.1, 1, weight.shape) for weight in model.get_weights()])
    return model


def support(effect: np.ndarray) -> Window:
    rows, columns = np.nonzero(effect)
    return Window((rows.min(), rows.max()), (columns.min(), columns.max()))


def inside(view: Window, shape: tuple[int, ...]) -> tuple[slice, slice]:
    rows, columns = (
        slice(int(max(first, 0)), int(min(last, side - 1)) + 1)
        for (first, last), side in zip((view.rows, view.columns), shape, strict=True)
    )
    return rows, columns


@pytest.mark.parametrize("layer", ["first", "branch", "both", "pool", "last"])
@pytest.mark.parametrize("corner", [(0.0, 0.0), (0.5, 0.5), (0.99, 0.3)])
def test_the_gradient_fills_the_window_and_nothing_else(layer: str, corner: tuple[float, float]) -> None:
    model = linear()
    maps = model.get_layer(layer).output.shape
    cell = int(corner[0] * maps[1]), int(corner[1] * maps[2])
    view = window(model, layer, cell)
    rows, columns = inside(view, (32, 40))
    effect = effective_field(model, layer, np.zeros((32, 40, 3), np.float32), cell)
    assert support(effect) == Window((rows.start, rows.stop - 1), (columns.start, columns.stop - 1))


def test_pixels_outside_change_nothing_and_pixels_inside_do() -> None:
    model = linear()
    tap = keras.Model(model.input, model.get_layer("last").output)
    cell = nearest_cell(model, "last", (16, 20))
    random = np.random.default_rng(1)
    picture = random.uniform(0, 255, (32, 40, 3)).astype(np.float32)
    rows, columns = inside(window(model, "last", cell), (32, 40))
    outside = random.uniform(0, 255, picture.shape).astype(np.float32)
    outside[rows, columns] = picture[rows, columns]
    before, after = (np.asarray(tap(x[None]))[0, cell[0], cell[1]] for x in (picture, outside))
    np.testing.assert_array_equal(before, after)
    for row, column in ((rows.start, columns.start), (rows.stop - 1, columns.stop - 1)):  # the corners count
        touched = picture.copy()
        touched[row, column] += 100
        assert (np.asarray(tap(touched[None]))[0, cell[0], cell[1]] != before).any()


def test_the_cell_that_looks_at_a_pixel() -> None:
    model = linear()
    # By hand: 3 + 4·2 + 2 = 13 pixels, and 2·4 more down; the first centre at 1 + 1, and 4 more down; 4 pixels a cell.
    assert window(model, "last", (2, 3)) == Window((4, 24), (8, 20))
    assert nearest_cell(model, "last", (15, 15)) == (2, 3)
    assert nearest_cell(model, "last", (16, 16)) == (2, 3)
    assert nearest_cell(model, "last", (31, 39)) == (5, 9)
    assert nearest_cell(model, "last", (0, 0)) == (0, 0)


def test_published_fields() -> None:
    """Araujo, Norris and Sim, "Computing Receptive Fields of Convolutional Neural Networks", 2019: 212 and 315."""
    vgg = ck.backbone("vgg16", weights=None, input_shape=(64, 64, 3))
    assert window(vgg, "block5_pool", (0, 0)).size == (212, 212)
    mobilenet = ck.backbone("mobilenet", weights=None, alpha=0.25, input_shape=(64, 64, 3))
    assert window(mobilenet, "conv_pw_13_relu", (0, 0)).size == (315, 315)


def test_what_is_pooled_globally_sees_the_whole_picture() -> None:
    image = keras.Input((9, 12, 3))
    x = layers.Conv2D(2, 3, name="maps")(image)
    gate = layers.Reshape((1, 1, 2))(layers.GlobalAveragePooling2D()(x))
    model = keras.Model(image, layers.Multiply(name="gated")([x, gate]))
    assert window(model, "gated", (0, 0)) == Window((0, 8), (0, 11))


def test_luo_2016_the_middle_counts_more_than_the_edge() -> None:
    """Two 3 × 3 convolutions of ones: the paths from each pixel are 1, 2, 3, 2, 1 along a side."""
    image = keras.Input((9, 9, 1))
    x = image
    for _ in range(2):
        x = layers.Conv2D(1, 3, padding="same", use_bias=False, kernel_initializer="ones")(x)
    model = keras.Model(image, layers.Identity(name="maps")(x))
    effect = effective_field(model, "maps", np.zeros((9, 9, 1), np.float32), (4, 4))
    paths = np.outer([1, 2, 3, 2, 1], [1, 2, 3, 2, 1])
    np.testing.assert_allclose(effect, np.pad(paths, 2))
    view = window(model, "maps", (4, 4))
    assert view.size == (5, 5)
    assert side_of_most(effect, view) == 5  # 49 of 81 paths are in the 3 × 3, less than 90 %
    assert side_of_most(np.where(effect < 4, 0, effect), view) == 3


def test_the_figure_outlines_each_layer_on_the_picture_and_on_its_own_heat() -> None:
    net = network(["no", "yes"])
    photo = np.random.default_rng(0).integers(0, 256, (20, 30, 3), dtype=np.uint8)
    made = receptive_field(net, ["conv1", "conv2"], photo, (0, 0))
    assert [len(axes.patches) for axes in made.axes] == [3, 2, 2]  # the first is the picture's edge
    titles = [axes.get_title(loc="center") for axes in made.axes]
    assert titles[0] == "the picture, 16 × 16\n"
    assert titles[1].startswith("conv1: 3 × 3\n90 % of the effect: ")
    assert titles[2].startswith("conv2: 7 × 7\n")
    frame = made.axes[2].patches[1]
    assert frame.get_bbox().extents.tolist() == [-0.5, -0.5, 4.5, 4.5]  # centre 1, so −2…4, cut off at the border
    assert made.axes[2].get_lines()[0].get_xydata().tolist() == [[1, 1]]
    assert len(receptive_field(net, "conv2", photo).axes) == 2
    assert style.png(made).startswith(b"\x89PNG")


def test_what_cannot_be_drawn() -> None:
    net, photo = network(["no", "yes"]), np.zeros((16, 16, 3), np.uint8)
    with pytest.raises(UnknownNameError, match="conv2"):
        receptive_field(net, "conv3", photo)
    with pytest.raises(InputError, match="before the pooling"):
        receptive_field(net, "head_pool", photo)
    with pytest.raises(InputError, match="Count rows"):
        receptive_field(net, "conv2", photo, (16, 0))
    with pytest.raises(InputError, match="Count rows"):
        receptive_field(net, [], photo)
    image = keras.Input((8, 8, 3))
    turned = layers.Conv2D(2, 3, name="behind")(layers.Permute((2, 1, 3))(image))
    with pytest.raises(InputError, match="cannot count"):
        receptive_field(keras.Model(image, turned), "behind", np.zeros((8, 8, 3), np.uint8))
    open_sides = keras.Input((None, None, 3))
    with pytest.raises(InputError, match="fixed input size"):
        receptive_field(keras.Model(open_sides, layers.Conv2D(2, 3, name="maps")(open_sides)), "maps", photo)
