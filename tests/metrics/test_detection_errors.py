"""The kinds of wrong boxes, each by a case that is known by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from cnnkit.data.targets import Boxes
from cnnkit.errors import DataError, InputError
from cnnkit.metrics.detection_errors import KINDS, detection_errors

NAMES = ("cat", "dog")
CAT = [0, 0, 10, 10]


def judged(*said: tuple[list[float], int], truth: Any = ((CAT, 0),), **flags: Any) -> tuple[list[str], list[int]]:
    """Kinds of predictions, from the best on, and how many things of each class were missed."""
    true = Boxes.of_lists(NAMES, [[box for box, _ in truth]], [[label for _, label in truth]], **flags)
    scores = [np.linspace(0.9, 0.1, len(said))]
    told = Boxes.of_lists(NAMES, [[box for box, _ in said]], [[label for _, label in said]], scores=scores)
    found = detection_errors(true, told)
    return [KINDS[kind] for kind in found.kinds], found.missed.tolist()


@pytest.mark.parametrize(
    ("box", "label", "kind", "missed"),
    [
        ([0, 0, 10, 10], 0, "right", 0),
        ([0, 0, 10, 5], 0, "right", 0),  # an IoU of .5
        ([0, 0, 10, 4.9], 0, "place", 0),
        ([0, 0, 10, 1], 0, "place", 0),  # .1
        ([0, 0, 10, 0.9], 0, "background", 1),
        ([0, 0, 10, 8], 1, "class", 0),
        ([0, 0, 10, 4], 1, "both", 1),
        ([0, 0, 10, 1], 1, "background", 1),
        ([20, 20, 30, 30], 0, "background", 1),
    ],
)
def test_one_prediction(box: list[float], label: int, kind: str, missed: int) -> None:
    assert judged((box, label)) == ([kind], [missed, 0])


def test_a_thing_is_found_once_by_the_best_prediction() -> None:
    assert judged(([0, 0, 10, 8], 0), (CAT, 0)) == (["right", "duplicate"], [0, 0])


def test_the_order_of_kinds() -> None:
    """A box in the wrong place of its class is that, also where it lies on a thing of another class."""
    both = ((CAT, 0), ([4, 0, 14, 10], 1))
    assert judged(([5, 0, 15, 10], 0), truth=both) == (["place"], [0, 1])
    assert judged(([4, 0, 14, 10], 0), truth=((CAT, 1), ([4, 0, 14, 10], 1))) == (["class"], [0, 1])
    two = ((CAT, 0), ([6, 0, 16, 10], 0))  # the free one is the second, by .6
    assert judged((CAT, 0), ([2, 0, 12, 10], 0), truth=two)[0] == ["right", "duplicate"]
    assert judged((CAT, 0), ([4, 0, 14, 10], 0), truth=two)[0] == ["right", "right"]


@pytest.mark.parametrize("flag", ["crowd", "difficult"])
def test_what_does_not_count_is_passed_over(flag: str) -> None:
    assert judged((CAT, 0), (CAT, 1), ([0, 0, 10, 3], 0), **{flag: [[1]]}) == (
        ["passed over", "passed over", "background"],
        [0, 0],
    )


def test_the_best_are_as_many_as_there_are_things() -> None:
    truth = Boxes.of_lists(NAMES, [[CAT, [20, 0, 30, 10]], [CAT]], [[0, 0], [1]])
    boxes = [[CAT, [50, 0, 60, 10], [20, 0, 30, 10]], [CAT]]
    said = Boxes.of_lists(NAMES, boxes, [[0, 0, 0], [0]], scores=[[0.5, 0.9, 0.4], [0.3]])
    found = detection_errors(truth, said)
    assert [KINDS[kind] for kind in found.kinds] == ["right", "background", "right", "class"]
    assert found.ranks.tolist() == [1, 0, 2, 3]
    assert {kind: counts.tolist() for kind, counts in found.best().items() if counts.any()} == {
        "right": [1, 0],
        "background": [1, 0],
    }
    assert (found.things.tolist(), found.missed.tolist()) == ([2, 1], [0, 0])


def test_no_predictions_and_no_things() -> None:
    assert judged() == ([], [1, 0])
    assert judged((CAT, 0), truth=()) == (["background"], [0, 0])


def test_wrong_arguments() -> None:
    truth = Boxes.of_lists(NAMES, [[CAT]], [[0]])
    with pytest.raises(DataError, match="scores"):
        detection_errors(truth, truth)
    said = Boxes.of_lists(NAMES, [[CAT]], [[0]], scores=[[1]])
    with pytest.raises(InputError, match="iou"):
        detection_errors(truth, said, iou=2)
    with pytest.raises(InputError, match="least"):
        detection_errors(truth, said, least=-1)
