"""Figures of a detector: curves of precision over recall, and what is wrong with its boxes."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.figure import Figure

import cnnkit as ck
from cnnkit.data.targets import Boxes
from cnnkit.errors import DataError, InputError

BOX = [0, 0, 10, 10]


def world(classes: int) -> tuple[Boxes, Boxes]:
    """Two pictures of each class; the first is found, of the second nothing but the first class's second half."""
    names = tuple(f"${number}$" for number in range(classes))
    truth = Boxes.of_lists(names, [[BOX]] * 2 * classes, [[index // 2] for index in range(2 * classes)])
    boxes = [[BOX] if index % 2 == 0 else [] for index in range(2 * classes)]
    boxes[1] = [[5, 0, 10, 10], [40, 40, 50, 50]]
    labels = [[index // 2] * len(each) for index, each in enumerate(boxes)]
    scores = [np.linspace(0.9, 0.5, len(each)) for each in boxes]
    return truth, Boxes.of_lists(names, boxes, labels, scores=scores)


def texts(figure: Figure) -> list[str]:
    return [text.get_text() for legend in figure.legends for text in legend.get_texts()]


@pytest.mark.parametrize("classes", [1, 3, 9])
def test_a_curve_for_each_class(classes: int) -> None:
    truth, said = world(classes)
    figure = ck.visualize.precision_recall(truth, said)
    (axes,) = figure.axes
    expected = ck.metrics.voc(truth, said)
    first = expected.average_precision["$0$"]
    told = [text.get_text() for text in axes.get_legend().get_texts()]
    assert told[0] == rf"\$0\$, AP {first:.2f}"
    assert len(told) == (classes if classes <= 6 else 7)
    last = first if classes == 1 else 0.5
    assert told[-1] == ("3 other classes" if classes == 9 else rf"\${classes - 1}\$, AP {last:.2f}")
    line = next(line for line in axes.lines if line.get_label() == told[0])
    assert line.get_xdata().tolist() == [0, *expected.curves["$0$"].recall, 1]
    assert line.get_ydata().tolist() == [1, 1, 1, 2 / 3, 0]
    ck.visualize.style.png(figure, dpi=40)


def test_a_class_that_is_never_predicted_has_a_curve_at_nothing() -> None:
    truth = Boxes.of_lists(("cat",), [[BOX]], [[0]])
    figure = ck.visualize.precision_recall(truth, Boxes.of_lists(("cat",), [[]], [[]], scores=[[]]))
    assert figure.axes[0].lines[0].get_ydata().tolist() == [0, 0]


@pytest.mark.parametrize("classes", [1, 3, 31])
def test_bars_of_errors_add_up(classes: int) -> None:
    truth, said = world(classes)
    figure = ck.visualize.detection_errors(truth, said)
    bars, missed = figure.axes
    rows = min(classes, 30)
    assert [label.get_text() for label in bars.get_yticklabels()][:2] == [f"all ({2 * classes})", r"\$0\$ (2)"]
    kinds = {container.get_label(): [bar.get_width() for bar in container] for container in bars.containers}
    assert texts(figure) == list(kinds)
    assert kinds["right"][1:] == [1.0] + [0.5] * (rows - 1)
    assert [bar.get_width() for bar in missed.containers[0]][1:] == [0.0] + [0.5] * (rows - 1)
    assert kinds["nothing there"] == [0.0] * (rows + 1)  # the third box of a class of two things
    ck.visualize.style.png(figure, dpi=40)


def test_wrong_arguments() -> None:
    truth, said = world(1)
    nothing = Boxes.of_lists(truth.names, [[]] * 2, [[]] * 2)
    for draw in (ck.visualize.precision_recall, ck.visualize.detection_errors):
        with pytest.raises(DataError, match="photographs with boxes"):
            draw(nothing, said)
        with pytest.raises(DataError, match="scores"):
            draw(truth, truth)
        with pytest.raises(InputError, match="iou"):
            draw(truth, said, iou=3)
