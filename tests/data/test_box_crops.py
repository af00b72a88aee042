"""Crops of people: pixels and points by their definition, who is left out, and the way back to the photograph."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import cnnkit as ck
from cnnkit.data.targets import Boxes, Points
from cnnkit.errors import DataError, InputError, UnknownNameError

NAMES = ("nose", "left_hand", "right_hand")
CORNERS = [[[10, 10, 30, 50], [0, 0, 8, 8]], [], [[40, 2, 64, 20], [5, 5, 60, 60], [20, 20, 50, 62]]]
LABELS = [[0, 1], [], [0, 0, 1]]


def pictures() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (3, 64, 64, 3), np.uint8)


def photos() -> ck.data.Dataset:
    """Five boxes with points in the middle of pixels; the second thing of the last picture shows none."""
    flat = np.concatenate([np.reshape(corners, (-1, 4)) for corners in CORNERS])
    places = np.floor(flat[:, None, :2] + (flat[:, 2:] - flat[:, :2])[:, None] * [[0.5], [0.2], [0.8]]) + 0.5
    shown = np.full((5, 3), 2)
    shown[3] = 0
    truth = Boxes.of_lists(("person", "dog"), CORNERS, LABELS, points=Points(NAMES, places, shown, mirror=(0, 2, 1)))
    source = ck.data.arrays(pictures(), [0, 1, 0], classes=("no", "yes"), split=(1, 0, 0)).train
    nothing = ck.data.Source.empty(truth)
    return ck.data.Dataset(truth.names, replace(source, targets=truth), nothing, nothing)


def test_a_point_shows_the_pixel_that_it_showed() -> None:
    whole = photos().train
    people = ck.data.crops(photos(), least=1).train
    assert people.ids == (*(f"{whole.ids[0]}#{n}" for n in (0, 1)), *(f"{whole.ids[2]}#{n}" for n in (0, 2)))
    assert isinstance(whole.targets, Boxes)
    assert whole.targets.points is not None
    for index, (picture, box) in enumerate(((0, 0), (0, 1), (2, 2), (2, 4))):
        crop = people.image(index)
        assert crop.shape[:2] == people.shape(index)
        assert crop.shape[0] == crop.shape[1]
        for here, there in zip(people.targets.values[index], whole.targets.points.values[box], strict=True):  # type: ignore[union-attr]
            (x, y), (column, row) = np.floor(here).astype(int), np.floor(there).astype(int)
            np.testing.assert_array_equal(crop[y, x], pictures()[picture, row, column])


def test_the_square_has_the_margin_around_the_longer_side() -> None:
    people = ck.data.crops(photos(), "person", margin=0.5, least=1).train
    assert people.shape(0) == (60, 60)  # 40 high, half of it more
    tight = ck.data.crops(photos(), "person", margin=0, least=1).train
    assert tight.shape(0) == (40, 40)
    np.testing.assert_array_equal(tight.image(0)[:, 10:30], pictures()[0, 10:50, 10:30])
    np.testing.assert_array_equal(tight.image(0)[:, 10:], pictures()[0, 10:50, 10:40])
    beyond = tight.image(1)  # rows −1 … 22 of the picture
    assert beyond.shape == (24, 24, 3)
    np.testing.assert_array_equal(beyond[0], np.broadcast_to((124, 116, 104), (24, 3)))
    np.testing.assert_array_equal(beyond[1:], pictures()[2, :23, 40:64])


def test_who_is_left_out() -> None:
    truth = photos().train.targets
    assert len(ck.data.crops(photos(), "person", least=1).train) == 2  # the third shows no point
    assert len(ck.data.crops(photos(), "person", least=30).train) == 1
    marked = replace(photos().train, targets=replace(truth, crowd=np.array([1, 0, 0, 0, 0])))
    assert len(ck.data.crops(replace(photos(), train=marked), "person", least=1).train) == 1


def test_areas_are_those_of_the_boxes_where_points_have_none() -> None:
    assert ck.data.crops(photos(), least=1).train.targets.areas.tolist() == [800, 64, 432, 1260]  # type: ignore[union-attr]
    scenes = ck.data.scenes(12, seed=3, size=96, target="boxes")
    people = ck.data.crops(scenes, "person").train
    boxes = scenes.train.targets
    masks = {
        f"{scenes.train.ids[owner]}#{box - boxes.starts[owner]}": int(boxes.masks.mask(box).sum())
        for box, owner in enumerate(boxes.owners)
    }
    assert people.targets.areas.tolist() == [masks[name] for name in people.ids]  # type: ignore[union-attr]


def test_the_way_back_gives_the_truth_again() -> None:
    source = photos().train
    boxes = source.targets
    assert isinstance(boxes, Boxes)
    crops = ck.data.box_crops(source, boxes)
    assert crops.targets is None
    assert len(crops) == 5
    low = np.array([crops.reader.corners[index, :2] for index in range(5)])  # type: ignore[attr-defined]
    points = boxes.points
    assert points is not None
    said = Points(NAMES, points.values - low[:, None], np.full((5, 3), 2), np.full((5, 3), 0.5), (0, 2, 1))
    back = ck.data.in_whole_photographs(crops, said, replace(boxes, scores=np.full(5, 0.5)))
    assert back.points is not None
    shown = points.shown > 0
    np.testing.assert_allclose(back.points.values[shown], points.values[shown])
    np.testing.assert_allclose(back.scores, 0.25)
    np.testing.assert_array_equal(back.boxes, boxes.boxes)


def test_words_for_what_is_wrong() -> None:
    dataset = photos()
    with pytest.raises(InputError, match="a dataset"):
        ck.data.crops(dataset.train)  # type: ignore[arg-type]
    with pytest.raises(UnknownNameError, match="dog"):
        ck.data.crops(dataset, "dogs")
    with pytest.raises(DataError, match="boxes with points"):
        ck.data.crops(
            replace(dataset, train=replace(dataset.train, targets=replace(dataset.train.targets, points=None)))
        )
    with pytest.raises(DataError, match="to train on"):
        ck.data.crops(dataset, least=500)
    with pytest.raises(InputError, match="margin"):
        ck.data.crops(dataset, margin=-0.1)
    with pytest.raises(InputError, match="least"):
        ck.data.crops(dataset, least=0)
    boxes = dataset.train.targets
    with pytest.raises(DataError, match="each photograph"):
        ck.data.box_crops(dataset.train.take([0]), boxes)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="a source and its boxes"):
        ck.data.box_crops(dataset.train, None)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="box_crops"):
        ck.data.in_whole_photographs(dataset.train, boxes.points, boxes)  # type: ignore[union-attr,arg-type]
