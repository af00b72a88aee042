"""Boxes over pictures: where the lines are, what is written, and what is right."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from matplotlib.colors import to_rgb
from matplotlib.patches import Rectangle

import cnnkit as ck
from cnnkit.data.targets import Boxes
from cnnkit.visualize import style
from cnnkit.visualize.box_drawing import draw_box_errors
from cnnkit.visualize.class_colours import class_colours

NAMES = ("$cat$", "dog")
TRUTH = Boxes.of_lists(NAMES, [[[2, 4, 10, 12]], [[0, 0, 4, 4]] * 6], [[1], [0] * 6])


def source() -> ck.data.Source:
    photos = ck.data.arrays(np.full((2, 16, 20, 3), 100, np.uint8), [0, 1], split=(1, 0, 0)).train
    return replace(photos, targets=TRUTH)


def rectangles(axes) -> list[Rectangle]:
    """Those of boxes: the first is the frame of the picture."""
    return [patch for patch in axes.patches if isinstance(patch, Rectangle)][1:]


def test_a_box_is_around_its_pixels_in_the_colour_of_its_class_with_its_name() -> None:
    """`imshow` has the middle of the first pixel at 0: the corner (2, 4) is at (1.5, 3.5)."""
    axes = ck.visualize.pictures(source()).axes[0]
    (box,) = rectangles(axes)
    assert box.get_bbox().extents.tolist() == [1.5, 3.5, 9.5, 11.5]
    assert box.get_edgecolor()[:3] == pytest.approx(to_rgb(class_colours(2)[1]))
    assert [text.get_text() for text in axes.texts] == ["dog"]


def test_of_many_boxes_a_legend_tells_the_classes() -> None:
    figure = ck.visualize.pictures(source())
    assert len(rectangles(figure.axes[1])) == 6
    assert not figure.axes[1].texts
    assert [text.get_text() for text in figure.legends[0].get_texts()] == [r"\$cat\$", "dog"]
    assert not ck.visualize.pictures(source().take([0])).legends


def test_predictions_are_beside_the_truth_with_their_score() -> None:
    said = Boxes.of_lists(NAMES, [[[2, 4, 10, 10]]], [[1]], scores=[[0.87]])
    one = source().take([0])
    figure = ck.visualize.predictions(one, said.table(one.ids), count=1)
    assert [axes.get_title(loc="center") for axes in figure.axes] == ["photograph", "truth", "prediction", "wrong"]
    assert [[text.get_text() for text in axes.texts] for axes in figure.axes] == [
        [],
        ["dog"],
        ["dog 87 %"],
        ["IoU 0.75"],
    ]


def test_boxes_that_are_not_sure_are_drawn_only_if_they_are_asked_for() -> None:
    boxes = [[[2, 4, 10, 10], [0, 0, 4, 4], [1, 1, 5, 5]]]
    said = Boxes.of_lists(NAMES, boxes, [[1, 0, 0]], scores=[[0.87, 0.25, 0.2]])
    one = source().take([0])
    for options, drawn in (({}, 2), ({"least": 0.1}, 3), ({"least": 0.9}, 0)):
        figure = ck.visualize.predictions(one, said.table(one.ids), count=1, **options)
        assert len(figure.axes[2].texts) == drawn


@pytest.mark.parametrize(
    ("corners", "label", "told", "colour"),
    [
        ([2, 4, 10, 12], 1, "IoU 1.00", style.RIGHT),
        ([2, 4, 10, 8], 1, "IoU 0.50", style.WRONG),
        ([2, 4, 10, 12], 0, "dog, IoU 1.00", style.WRONG),
        ([12, 0, 14, 2], 0, "IoU 0.00", style.WRONG),
    ],
)
def test_right_is_more_than_half_of_a_box_of_its_class(
    corners: list[float], label: int, told: str, colour: str
) -> None:
    axes = style.figure(2, 2).subplots()
    axes.imshow(source().image(0))
    draw_box_errors(axes, TRUTH, Boxes.of_lists(NAMES, [[corners]], [[label]]), 0)
    assert axes.texts[0].get_text() == told
    assert axes.patches[-1].get_edgecolor()[:3] == pytest.approx(to_rgb(colour))


def test_the_worst_boxes_come_first_by_the_score_of_the_head() -> None:
    photos = replace(source(), targets=Boxes.of_lists(NAMES, [[[2, 4, 10, 12]], [[0, 0, 4, 4]]], [[1], [0]]))
    said = Boxes.of_lists(NAMES, [[[2, 4, 10, 12]], [[0, 0, 4, 1]]], [[1], [0]], scores=[[1.0], [1.0]])
    figure = ck.visualize.worst(photos, said.table(photos.ids), count=1, head=ck.heads.localizer(NAMES))
    assert [text.get_text() for axes in figure.axes for text in axes.texts][-1] == "IoU 0.25"
