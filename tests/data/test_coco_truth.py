"""Boxes, masks and points of COCO annotations: against COCO's own code, and what hostile files say."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import cnnkit as ck
from cnnkit.data import Dataset
from cnnkit.errors import DataError, InputError, UnknownNameError
from cnnkit.scenes import render_scene, write_coco

SIZE = (10, 20)  # height, width
SQUARE = [[2, 1, 6, 1, 6, 5, 2, 5]]
CATEGORIES = [{"id": 18, "name": "dog"}, {"id": 1, "name": "person", "keypoints": ["nose", "left_eye", "right_eye"]}]


def thing(
    number: int, box: Any, *, image: int = 7, category: int = 18, area: Any = None, **more: Any
) -> dict[str, Any]:
    entry = {"id": number, "image_id": image, "category_id": category, "bbox": box, **more}
    return entry | ({} if area is None else {"segmentation": area})


def dataset(root: Path, things: list[dict[str, Any]], target: str = "boxes", **arguments: Any) -> Dataset:
    content = {
        "images": [
            {"id": 7, "file_name": "b.png", "height": SIZE[0], "width": SIZE[1]},
            {"id": 3, "file_name": "a.png", "height": SIZE[0], "width": SIZE[1]},
        ],
        "annotations": things,
        "categories": CATEGORIES,
    }
    for name in ("a.png", "b.png"):
        Image.new("RGB", SIZE[::-1]).save(root / name)
    (root / "coco.json").write_text(json.dumps(content | arguments.pop("content", {})))
    return ck.data.coco(root, root / "coco.json", target=target, split=(1, 0, 0), **arguments)


def test_boxes_in_the_order_of_pictures_and_file(tmp_path: Path) -> None:
    things = [thing(1, [1, 2, 3, 4]), thing(2, [0, 0, 20, 10], image=3), thing(3, [5, 5, 1, 2], category=1)]
    truth = dataset(tmp_path, things).train.targets
    assert truth.names == ("person", "dog")
    assert truth.boxes.tolist() == [[0, 0, 20, 10], [1, 2, 4, 6], [5, 5, 6, 7]]
    assert truth.labels.tolist() == [1, 1, 0]
    assert truth.starts.tolist() == [0, 1, 3]
    assert (truth.crowd, truth.masks, truth.points) == (None, None, None)
    only = dataset(tmp_path, things, classes=["dog"]).train.targets
    assert (only.names, only.labels.tolist(), only.starts.tolist()) == (("dog",), [0, 0], [0, 1, 2])


def test_boxes_keep_crowds_and_masks(tmp_path: Path) -> None:
    counts = {"size": list(SIZE), "counts": [10, 5, 185]}
    things = [thing(1, [2, 1, 4, 4], area=SQUARE), thing(2, [1, 0, 1, 5], area=counts, iscrowd=1)]
    truth = dataset(tmp_path, things).train.targets
    assert truth.crowd.tolist() == [False, True]
    masks = [truth.masks.mask(index) for index in range(2)]
    assert [np.argwhere(mask).min(axis=0).tolist() for mask in masks] == [[1, 2], [0, 1]]
    assert [np.argwhere(mask).max(axis=0).tolist() for mask in masks] == [[4, 5], [4, 1]]
    assert [mask.sum() for mask in masks] == [16, 5]


def test_boxes_that_cannot_be_learned_from_are_named(tmp_path: Path) -> None:
    things = [
        thing(1, [1, 2, 3, 4]),
        thing(2, [1, 2, 0, 4]),
        thing(3, [30, 2, 3, 4]),
        thing(4, [1, 2, 3, 4]),
        thing(5, [1, 2, 3, 4], category=1),
        thing(6, [1, 2, 3, 4], image=3),
        thing(7, [-2, -2, 40, 40]),
        *(thing(number, [3, 3, 3, 0]) for number in range(8, 13)),
    ]
    words = (
        "6 without area (annotation 2, annotation 8, annotation 9, …), 1 outside their picture (annotation 3), "
        "1 twice in one picture (annotation 4)"
    )
    with pytest.warns(UserWarning, match=re.escape(words)):
        truth = dataset(tmp_path, things).train.targets
    assert truth.boxes.tolist() == [[1, 2, 4, 6], [1, 2, 4, 6], [1, 2, 4, 6], [0, 0, 20, 10]]


@pytest.mark.parametrize(
    "box", [[1, 2, float("nan"), 4], [1, 2, float("inf"), 4], [1, 2, -3, 4], [1, 2, 3], None, "box", [1, 2, 3, 4, 5], 3]
)
@pytest.mark.parametrize("target", ["label", "boxes", "masks"])
def test_boxes_that_are_none(tmp_path: Path, box: Any, target: str) -> None:
    with pytest.raises(DataError, match=r"annotation 12 of .*coco\.json.*'b\.png'"):
        dataset(tmp_path, [thing(12, box)], target)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ({"categories": [{"id": 18, "name": "dog"}, {"id": 1, "name": "dog"}]}, "different category names .*'dog'"),
        ({"categories": [{"id": 1, "name": "cat"}, {"id": 1, "name": "dog"}]}, "different category ids .*1"),
        ({"categories": [{"name": "cat"}]}, "id of a category"),
        ({"categories": "dog"}, "'categories'"),
        ({"annotations": [3]}, "'annotations'"),
        ({"images": [{"id": 7, "height": 10, "width": 20}]}, "file_name of every picture"),
        ({"images": [{"id": 7, "file_name": "a.png", "height": None, "width": 20}]}, r"height of the picture a\.png"),
        (
            {"images": [{"id": 7, "file_name": name, "height": 10, "width": 20} for name in "ab"]},
            "different picture ids",
        ),
        ({"annotations": [thing(5, [0, 0, 1, 1], image=99)]}, "image_id of this file in annotation 5"),
        ({"annotations": [thing(5, [0, 0, 1, 1], category=99)]}, "category_id of this file in annotation 5"),
        ({"annotations": [thing(5, [0, 0, 1, 1], image=[])]}, "image_id of this file in annotation 5"),  # type: ignore
        ({"images": []}, "image_id"),
        ({"images": [], "annotations": []}, "pictures in"),
        ({"images": [{"id": 7, "file_name": "c.png", "height": 10, "width": 20}]}, r"the first 'c\.png'"),
        ({"images": [{"id": 7, "file_name": "a.png", "height": 20, "width": 10}]}, r"a\.png.*height 10, width 20"),
    ],
)
def test_files_that_fit_nothing(tmp_path: Path, content: dict[str, Any], words: str) -> None:
    with pytest.raises(DataError, match=words):
        dataset(tmp_path, [thing(5, [0, 0, 1, 1])], content=content)


@pytest.mark.parametrize(
    ("area", "words"),
    [
        ([[1, 2, 3, 4, 5]], "a segmentation of polygons"),
        ([[1, 2, float("nan"), 4, 5, 6]], "a segmentation of polygons"),
        ([[1, 2, 3, 4, 5, 1e30]], "a segmentation of polygons"),
        (["1 2 3"], "a segmentation of polygons"),
        (7, "a segmentation of polygons"),
        ({"size": [10, 20], "counts": [100, 99]}, "199 pixels"),
        ({"size": [20, 10], "counts": [100, 100]}, r"size \[20, 10\]"),
        ({"size": [10, 20], "counts": [-1, 201]}, "at least 0"),
        ({"size": [10, 20], "counts": [1.5]}, "whole numbers"),
        ({"size": [10, 20], "counts": "~"}, "the letter '~'"),
        ({"size": [10, 20]}, "whole numbers"),
    ],
)
@pytest.mark.parametrize("target", ["boxes", "masks"])
def test_areas_that_are_none(tmp_path: Path, target: str, area: Any, words: str) -> None:
    things = [thing(9, [1, 1, 5, 5], area=area), thing(10, [1, 1, 5, 5], image=3, area=SQUARE)]
    with pytest.raises(DataError, match=rf"{words}|annotation 9 of .*{words}") as caught:
        all_masks(dataset(tmp_path, things, target))
    assert "annotation 9" in str(caught.value)


def all_masks(photos: Dataset) -> list[np.ndarray]:
    truth = photos.train.targets
    masks = truth.masks if photos.kind == "boxes" else truth
    return [masks.mask(index) for index in range(len(masks))]


def test_masks_need_areas_and_no_second_background(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="a segmentation in annotation 4"):
        dataset(tmp_path, [thing(4, [1, 1, 5, 5])], "masks")
    with pytest.raises(DataError, match="no category called 'background'"):
        dataset(tmp_path, [], "masks", content={"categories": [{"id": 0, "name": "background"}]})


def test_small_things_lie_over_large_ones_and_crowds_below(tmp_path: Path) -> None:
    whole, half = [[0, 0, 20, 0, 20, 10, 0, 10]], [[0, 0, 10, 0, 10, 10, 0, 10]]
    things = [
        thing(1, [2, 1, 4, 4], area=SQUARE, category=1),
        thing(2, [0, 0, 10, 10], area=half),
        thing(3, [0, 0, 1, 1], area=whole, category=1, iscrowd=1),
    ]
    truth = dataset(tmp_path, things, "masks").train.targets
    assert truth.names == ("background", "person", "dog")
    expected = np.full(SIZE, 1)
    expected[:, :10] = 2
    expected[1:5, 2:6] = 1
    np.testing.assert_array_equal(truth.mask(1), expected)
    assert not truth.mask(0).any()


def test_points_are_of_the_largest_thing_that_shows_any(tmp_path: Path) -> None:
    small, large = [3, 4, 2, 5, 4, 1, 0, 0, 0], [10, 4, 1, 30, 4, 2, 8, 9, 2]
    none = [0] * 9
    things = [
        thing(1, [1, 1, 3, 4], category=1, keypoints=small),
        thing(2, [5, 1, 6, 8], category=1, keypoints=large),
        thing(3, [0, 0, 20, 10], category=1, keypoints=none),
        thing(4, [0, 0, 20, 9], category=1, keypoints=small, iscrowd=1),
    ]
    truth = dataset(tmp_path, things, "points").train.targets
    assert (truth.names, truth.mirror) == (("nose", "left_eye", "right_eye"), (0, 2, 1))
    assert truth.shown.tolist() == [[0, 0, 0], [1, 0, 2]]  # the second is outside
    assert truth.values[1].tolist() == [[10.5, 4.5], [0, 0], [8.5, 9.5]]
    fractions = [thing(1, [1, 1, 3, 4], category=1, keypoints=[3.25, 4, 2, 5, 4, 1, 0, 0, 0])]
    assert dataset(tmp_path, fractions, "points").train.targets.values[1, 0].tolist() == [3.25, 4]
    boxes = dataset(tmp_path, things, "boxes").train.targets
    assert boxes.points.shown.tolist() == [[2, 1, 0], [1, 0, 2], [0, 0, 0], [2, 1, 0]]


@pytest.mark.parametrize("points", [[1, 2, 2], [1, 2, 3] * 3, [1, float("nan"), 2] * 3, "points"])
def test_points_that_are_none(tmp_path: Path, points: Any) -> None:
    with pytest.raises(DataError, match="of the 3 points of its category in annotation 6"):
        dataset(tmp_path, [thing(6, [1, 1, 3, 4], category=1, keypoints=points)], "points")


def test_files_without_points(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="annotations without keypoints"):
        dataset(tmp_path, [thing(6, [1, 1, 3, 4])], "points")
    with pytest.raises(DataError, match="no annotations"):
        dataset(tmp_path, [], "points")


def test_arguments_of_another_target(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="classes for boxes"):
        dataset(tmp_path, [], "label", classes=["dog"])
    with pytest.raises(InputError, match="label and minimum_area"):
        dataset(tmp_path, [], "boxes", label="dog")
    with pytest.raises(InputError, match="label and minimum_area"):
        dataset(tmp_path, [], "masks", minimum_area=0.1)
    with pytest.raises(UnknownNameError, match="'dog'"):
        dataset(tmp_path, [], "boxes", classes=["dogs"])
    with pytest.raises(UnknownNameError, match="'boxes'"):
        dataset(tmp_path, [], "box")


def test_scenes_that_were_written_are_read_as_they_were_drawn(tmp_path: Path) -> None:
    root = write_coco(tmp_path / "set", 6, 2, size=96, suffix="png")
    truth = ck.data.coco(root / "images", root / "instances.json", target="boxes", split=(1, 0, 0)).train.targets
    drawn = ck.data.scenes(6, 2, size=96, target="boxes")
    kept = [drawn.train.targets, drawn.validation.targets, drawn.test.targets]
    np.testing.assert_array_equal(truth.boxes, np.concatenate([part.boxes for part in kept]))
    masks = [part.masks.mask(index) for part in kept for index in range(len(part.masks))]
    for index, mask in enumerate(masks):
        np.testing.assert_array_equal(truth.masks.mask(index), mask)
    points = ck.data.coco(root / "images", root / "person_keypoints.json", target="points", split=(1, 0, 0))
    scene = render_scene(2, 0, 96)
    expected = ck.data.scenes(6, 2, size=96, target="points").train.targets
    assert scene.person or not expected.shown[0].any()
    np.testing.assert_array_equal(points.train.targets.shown[:4], expected.shown)
    np.testing.assert_array_equal(points.train.targets.values[:4], expected.values)


@pytest.mark.parametrize("name", ["coco128", "coco_mini"])
def test_photographs_against_coco_s_own_code(shared: Path, name: str) -> None:
    oracle = pytest.importorskip("pycocotools.coco", reason="pycocotools is not installed")
    root = shared / "data" / name
    file = root / "annotations" / "instances_val2017.json"
    truth = ck.data.coco(root / "val2017", file, target="boxes", split=(1, 0, 0)).train
    api = oracle.COCO(str(file))
    image_of = {entry["file_name"]: number for number, entry in api.imgs.items()}
    for index, picture in enumerate(truth.ids[:12]):
        entries = api.loadAnns(api.getAnnIds(image_of[picture]))
        span = truth.targets.span(index)
        assert len(entries) == span.stop - span.start
        for box, entry in zip(range(span.start, span.stop), entries, strict=True):
            np.testing.assert_array_equal(truth.targets.masks.mask(box), api.annToMask(entry), str(entry["id"]))
            x, y, width, height = entry["bbox"]
            np.testing.assert_allclose(truth.targets.boxes[box], [x, y, x + width, y + height], atol=1)  # clipped
            assert bool(truth.targets.crowd[box]) == bool(entry["iscrowd"])
