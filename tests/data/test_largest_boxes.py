"""The largest boxes of each picture, and what is left out."""

from __future__ import annotations

import numpy as np
import pytest

import cnnkit as ck
from cnnkit.data.targets import Boxes
from cnnkit.errors import DataError, InputError, UnknownNameError

NAMES = ("cat", "dog", "hen")
CORNERS = [
    [[0, 0, 2, 2], [0, 0, 4, 4], [1, 1, 4, 4]],
    [[0, 0, 9, 9], [0, 0, 1, 1]],
    [],
    [[0, 0, 3, 3], [0, 0, 8, 8]],
]
LABELS = [[1, 1, 0], [2, 1], [], [1, 1]]
CROWD = [[0, 0, 0], [0, 0], [], [0, 1]]


def photos() -> ck.data.Dataset:
    source = ck.data.arrays(np.zeros((4, 8, 8, 3), np.uint8), [0, 1, 0, 1], split=(1, 0, 0)).train
    truth = Boxes.of_lists(NAMES, CORNERS, LABELS, crowd=CROWD)
    whole = ck.data.Source(("a", "b", "c", "d"), truth, source.reader, source.positions)
    return ck.data.Dataset(NAMES, whole, ck.data.Source.empty(truth), ck.data.Source.empty(truth))


def test_the_largest_of_a_class_and_the_pictures_that_show_one() -> None:
    """The largest dog of a is its second box, of d its first: the larger one is a crowd."""
    dogs = ck.data.largest_boxes(photos(), "dog")
    assert dogs.classes == ("dog",)
    assert dogs.train.ids == ("a", "b", "d")
    assert dogs.train.targets.boxes.tolist() == [[0, 0, 4, 4], [0, 0, 1, 1], [0, 0, 3, 3]]
    assert dogs.train.targets.labels.tolist() == [0, 0, 0]


def test_several_boxes_keep_their_order_and_get_new_labels() -> None:
    pairs = ck.data.largest_boxes(photos(), ["hen", "dog", "cat"], count=2)
    assert pairs.train.ids == ("a", "b")
    assert pairs.train.targets.boxes.tolist() == [[0, 0, 4, 4], [1, 1, 4, 4], [0, 0, 9, 9], [0, 0, 1, 1]]
    assert [pairs.classes[label] for label in pairs.train.targets.labels] == ["dog", "cat", "hen", "dog"]
    assert pairs.train.targets.starts.tolist() == [0, 2, 4]


def test_all_classes_by_default() -> None:
    assert ck.data.largest_boxes(photos()).train.targets.boxes[:, 2].tolist() == [4, 9, 3]


def test_masks_and_joints_go_with_their_boxes() -> None:
    scenes = ck.data.scenes(8, seed=5, size=48, target="boxes")
    people = ck.data.largest_boxes(scenes, "person").train
    assert len(people)
    for index in range(len(people)):
        left, top, right, bottom = people.targets.boxes[index].astype(int)
        rows, columns = np.nonzero(people.targets.masks.mask(index))
        assert (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1) == (left, top, right, bottom)


def test_what_is_refused() -> None:
    with pytest.raises(UnknownNameError, match="'dog'"):
        ck.data.largest_boxes(photos(), "dogg")
    with pytest.raises(DataError, match=r"show 3 of \['dog'\]"):
        ck.data.largest_boxes(photos(), "dog", count=3)
    with pytest.raises(InputError, match="count"):
        ck.data.largest_boxes(photos(), count=0)
    with pytest.raises(InputError, match="a dataset"):
        ck.data.largest_boxes(photos().train)
    with pytest.raises(DataError, match="boxes as truth"):
        ck.data.largest_boxes(ck.data.scenes(4, size=32))
