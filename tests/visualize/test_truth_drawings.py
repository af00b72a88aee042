from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from matplotlib.colors import to_rgb

import cnnkit as ck
from cnnkit.data.targets import Masks
from cnnkit.data.targets.kinds import KINDS
from cnnkit.visualize import style
from cnnkit.visualize.class_colours import class_colours
from cnnkit.visualize.mask_drawing import OPACITY, draw_mask_errors
from cnnkit.visualize.truth_drawings import DRAWINGS, drawing_of

NAMES = ("sky", "ground", "$cat$", "unseen")
MASK = np.array([[0, 0, 0, 255], [1, 1, 2, 2], [1, 1, 2, 2]], np.uint8)
IMAGES = np.full((2, 3, 4, 3), 100, np.uint8)


def source() -> ck.data.Source:
    photos = ck.data.arrays(IMAGES, [0, 1], split=(1, 0, 0)).train
    return replace(photos, targets=Masks.of_arrays(NAMES, [MASK, np.zeros_like(MASK)]))


def test_pixels_have_the_colour_of_their_class_and_void_is_hatched() -> None:
    axes = ck.visualize.pictures(source()).axes[0]
    photograph, tint = (image.get_array() for image in axes.get_images())
    np.testing.assert_array_equal(photograph, IMAGES[0])
    np.testing.assert_allclose(tint[1, 2], (*to_rgb(class_colours(4)[2]), OPACITY), atol=1e-6)
    np.testing.assert_allclose(tint[0, 3, :3], to_rgb(style.GRID), atol=1e-6)
    assert axes.collections[0].hatches == ["////"]
    assert not ck.visualize.pictures(source()).axes[1].collections  # nothing is void there


def test_the_legend_names_what_is_shown() -> None:
    legend = ck.visualize.pictures(source()).legends[0]
    assert [text.get_text() for text in legend.get_texts()] == ["sky", "ground", r"\$cat\$", "void"]
    assert not ck.visualize.pictures(IMAGES).legends


def test_contours_are_the_sides_of_pixels_between_classes() -> None:
    """Between the rows four sides, of which one is at void; in the rows one side each, and one at void."""
    line = ck.visualize.pictures(source()).axes[0].lines[0]
    x, y = np.reshape(line.get_xdata(), (-1, 3))[:, :2], np.reshape(line.get_ydata(), (-1, 3))[:, :2]
    sides = {(*a, *b) for a, b in zip(x.tolist(), y.tolist(), strict=True)}
    across = {(column - 0.5, column + 0.5, 0.5, 0.5) for column in range(4)}
    assert sides == across | {(1.5, 1.5, 0.5, 1.5), (1.5, 1.5, 1.5, 2.5), (2.5, 2.5, -0.5, 0.5)}


def test_errors_are_orange_but_not_where_nothing_is_known() -> None:
    axes = style.figure(2, 2).subplots()
    predicted = np.array([[0, 1, 0, 0], [1, 1, 2, 2], [1, 1, 2, 0]], np.uint8)
    draw_mask_errors(axes, source().targets, Masks.of_arrays(NAMES, [predicted]), 0)
    wrong = np.isclose(axes.get_images()[0].get_array()[..., :3], to_rgb(style.WRONG)).all(axis=-1)
    assert np.argwhere(wrong).tolist() == [[0, 1], [2, 3]]


def test_rows_are_kinds_and_a_kind_without_a_row_is_not_drawn() -> None:
    assert set(DRAWINGS) <= set(KINDS)
    assert drawing_of("").title(None, 0) == ""


def test_pictures_as_truth_have_panels_of_their_own_and_hide_nothing() -> None:
    edges = ck.data.scenes(4, size=32, target="edges").train
    shown = ck.visualize.pictures(edges).axes
    assert [len(axes.get_images()) for axes in shown] == [1] * len(edges)
    negative = ck.data.targets.Pictures.of_arrays([255 - edges.targets.picture(index) for index in range(len(edges))])
    axes = ck.visualize.predictions(edges, negative.table(edges.ids), count=1).axes
    photograph, truth, said = (np.asarray(panel.get_images()[-1].get_array()) for panel in axes)
    (index,) = (place for place in range(len(edges)) if (edges.image(place) == photograph).all())
    np.testing.assert_array_equal(truth, edges.targets.picture(index))
    np.testing.assert_array_equal(said, negative.picture(index))


@pytest.mark.parametrize("side", [40, 400])
def test_a_mask_lies_on_its_picture(side: int) -> None:
    mask = np.zeros((side, 2 * side), np.uint8)
    photos = ck.data.arrays(np.zeros((2, side, 2 * side, 3), np.uint8), [0, 1], split=(1, 0, 0)).train
    axes = ck.visualize.pictures(replace(photos, targets=Masks.of_arrays(("a", "b"), [mask] * 2))).axes[0]
    photograph, tint = axes.get_images()
    assert photograph.get_extent() == tint.get_extent()
