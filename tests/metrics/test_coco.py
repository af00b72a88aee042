"""COCO's numbers: those of pycocotools to the last bit, those that were published, and words for what is wrong."""

from __future__ import annotations

import contextlib
import copy
import io
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cnnkit.data.targets import Boxes, Masks, Points
from cnnkit.errors import DataError, InputError, UnknownNameError
from cnnkit.metrics import coco, oks

SIZE = (60, 80)
KINDS = {"boxes": "bbox", "masks": "segm", "points": "keypoints"}
Json = Any


def by_pycocotools(truth: Json, predictions: Json, kind: str, *, categories: bool = True) -> Any:
    """COCO's own evaluation."""
    api = pytest.importorskip("pycocotools.coco")
    cocoeval = pytest.importorskip("pycocotools.cocoeval")
    with contextlib.redirect_stdout(io.StringIO()):
        annotations = api.COCO()
        annotations.dataset = copy.deepcopy(truth)
        annotations.createIndex()
        evaluation = cocoeval.COCOeval(annotations, annotations.loadRes(copy.deepcopy(predictions)), KINDS[kind])
        evaluation.params.useCats = int(categories)
        for step in (evaluation.evaluate, evaluation.accumulate, evaluation.summarize):
            step()
    return evaluation


def drawn(seed: int, kind: str) -> tuple[Json, Json]:
    """A random data set: crowds, ties of score and overlap, pictures without truth or without predictions."""
    random = np.random.default_rng(seed)
    images = [{"id": int(i), "height": SIZE[0], "width": SIZE[1]} for i in random.permutation(40)[: 1 + seed % 7]]
    categories = [{"id": int(i), "name": f"c{i}"} for i in random.permutation(9)[: 1 + seed % 3]]
    annotations, predictions = [], []
    for image in images:
        for _ in range(int(random.integers(0, 8))):
            box = random.integers((0, 0, 1, 1), 31, 4).astype(float)
            category = int(random.choice([row["id"] for row in categories]))
            annotations.append(
                {
                    "id": len(annotations) + 1,
                    "image_id": image["id"],
                    "category_id": category,
                    "bbox": box.tolist(),
                    "area": float(box[2] * box[3] * random.choice([0.5, 1, 5])),
                    "iscrowd": int(random.random() < 0.15),
                    **form(kind, box, random, truth=True),
                }
            )
            for _ in range(int(random.choice([0, 1, 2, 12]))):
                moved = np.maximum(box + random.integers(-2, 3, 4), [0, 0, 1, 1])
                predictions.append(
                    {
                        "image_id": int(random.choice([image["id"], images[0]["id"]], p=[0.9, 0.1])),
                        "category_id": category if random.random() < 0.9 else categories[0]["id"],
                        "score": float(random.integers(0, 9) / 8),
                        "bbox": moved.tolist(),
                        **form(kind, moved, random, truth=False),
                    }
                )
    if kind == "masks" and seed % 2:  # areas come from the masks then
        for row in predictions:
            del row["bbox"]
    return {"images": images, "categories": categories, "annotations": annotations}, predictions


def form(kind: str, box: np.ndarray, random: np.random.Generator, *, truth: bool) -> Json:
    """The segmentation or the points of a box."""
    x, y, width, height = box.tolist()
    if kind == "masks":
        polygon = [x, y, x + width, y + 1, x + width - 0.5, y + height, x + 1, y + height]
        if truth and random.random() < 0.5:
            return {"segmentation": [polygon, [x, y, x + 3, y, x + 3, y + 9]]}
        mask = pytest.importorskip("pycocotools.mask")
        code = mask.merge(mask.frPyObjects([polygon], *SIZE))
        return {"segmentation": {"size": list(SIZE), "counts": code["counts"].decode()}}
    if kind == "points":
        shown = random.integers(0, 3, 17) * (random.random() < 0.8)
        places = random.random((17, 2)) * [width, height] + [x, y]
        points = np.concatenate([places, shown[:, None]], axis=1)
        return {"keypoints": points.ravel().tolist(), "num_keypoints": int((shown > 0).sum())}
    return {}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("tens", range(7))
def test_every_number_is_exactly_that_of_pycocotools(kind: str, tens: int) -> None:
    for seed in range(10 * tens, 10 * tens + 10):
        truth, predictions = drawn(seed, kind)
        if not predictions:
            continue
        expected, found = by_pycocotools(truth, predictions, kind), coco(truth, predictions, kind=kind)
        assert list(found.numbers.values()) == expected.stats.tolist()
        assert np.array_equal(found.precision, expected.eval["precision"][..., -1])
        assert np.array_equal(found.recall, expected.eval["recall"])


@pytest.mark.parametrize("kind", KINDS)
def test_without_categories_too(kind: str) -> None:
    for seed in range(2, 30, 3):  # of three categories
        truth, predictions = drawn(seed, kind)
        if predictions:
            expected = by_pycocotools(truth, predictions, kind, categories=False)
            found = coco(truth, predictions, kind=kind, class_agnostic=True)
            assert list(found.numbers.values()) == expected.stats.tolist()
            assert found.names == ("any",)


PUBLISHED = {"boxes": "instances_val2014_fakebbox100_results", "masks": "instances_val2014_fakesegm100_results"}


@pytest.mark.parametrize("kind", PUBLISHED)
def test_the_published_numbers(kind: str, shared: Path) -> None:
    folder = shared / "data" / "coco_eval"
    text = (folder / "published_results.txt").read_text()
    (part,) = (part for part in text.split("type=")[1:] if part.startswith(KINDS[kind]))
    published = [float(line.rpartition("=")[2]) for line in part.splitlines() if "Average" in line]
    truth = json.loads((folder / "instances_val2014_100.json").read_text())
    predictions = json.loads((folder / f"{PUBLISHED[kind]}.json").read_text())
    found = coco(truth, predictions, kind=kind)
    assert [round(value, 3) for value in found.numbers.values()] == published
    assert list(found.numbers.values()) == by_pycocotools(truth, predictions, kind).stats.tolist()


def test_points_of_real_people(shared: Path) -> None:
    folder = shared / "data" / "coco_eval"
    truth, predictions = (json.loads((folder / f"keypoints_{side}.json").read_text()) for side in ("gt", "dt"))
    expected = by_pycocotools(truth, predictions, "points").stats.tolist()
    assert list(coco(truth, predictions, kind="points").numbers.values()) == expected


def test_columns_give_the_same_as_json() -> None:
    truth = Boxes.of_lists(("a", "b"), [[[0, 0, 9, 9], [2, 2, 8, 9]], [[1, 1, 4, 4]], []], [[0, 1], [1], []])
    found = Boxes.of_lists(
        ("a", "b"), [[[0, 0, 9, 8]], [[1, 1, 4, 3]], [[0, 0, 1, 1]]], [[0], [1], [1]], scores=[[0.5], [0.5], [0.75]]
    )
    rows = [
        [
            {
                "id": row + 1,
                "image_id": int(owner),
                "category_id": int(label),
                "bbox": [x, y, right - x, bottom - y],
                "area": (right - x) * (bottom - y),
                "iscrowd": 0,
                "score": 0.75 if owner == 2 else 0.5,
            }
            for row, (owner, label, (x, y, right, bottom)) in enumerate(
                zip(column.owners, column.labels, column.boxes.tolist(), strict=True)
            )
        ]
        for column in (truth, found)
    ]
    images, names = [{"id": number} for number in range(3)], ("a", "b")
    file = {"images": images, "categories": [{"id": i, "name": name} for i, name in enumerate(names)]}
    result = coco(truth, found)
    expected = by_pycocotools({**file, "annotations": rows[0]}, rows[1], "boxes")
    assert list(result.numbers.values()) == expected.stats.tolist()
    assert result.of_category("a")["AP50"] == pytest.approx(1)
    assert result.of_category("b")["AP50"] == pytest.approx(expected.eval["precision"][0, :, 1, 0, -1].mean())
    with pytest.raises(UnknownNameError, match="'c'"):
        result.of_category("c")


def test_difficult_things_count_neither_way() -> None:
    truth = Boxes.of_lists(("a",), [[[0, 0, 9, 9], [20, 20, 30, 30]]], [[0, 0]], difficult=[[0, 1]])
    found = Boxes.of_lists(("a",), [[[20, 20, 30, 30], [0, 0, 9, 9]]], [[0, 0]], scores=[[0.9, 0.5]])
    assert coco(truth, found).numbers["AP"] == pytest.approx(1)


def test_masks_and_points_of_columns() -> None:
    maps = [np.zeros((6, 6), np.uint8) for _ in range(2)]
    maps[0][:4, :4], maps[1][:4, :3] = 1, 1
    column = {"names": ("a",), "boxes": [[[0, 0, 4, 4]]], "labels": [[0]]}
    truth, found = (
        Boxes.of_lists(**column, scores=scores, masks=Masks.of_arrays(("background", "thing"), [values]))
        for scores, values in zip((None, [[1.0]]), maps, strict=True)
    )
    assert coco(truth, found, kind="masks").numbers["AP"] == pytest.approx(0.6)  # IoU 12 / 16
    names = tuple(f"p{index}" for index in range(17))
    places, shown = np.full((1, 17, 2), 2.0), np.full((1, 17), 2, np.uint8)
    truth, found = (
        Boxes.of_lists(**column, scores=scores, points=Points(names, places, shown)) for scores in (None, [[1.0]])
    )
    numbers = coco(truth, found, kind="points").numbers
    assert (round(numbers["AP50"], 9), numbers["AP_medium"]) == (1, -1)  # 16 pixels are neither medium nor large


@pytest.mark.parametrize("sigmas", [None, [0.05, 0.1, 0.2]])
def test_any_points_are_compared_by_their_similarity(sigmas: list[float] | None) -> None:
    """Of one thing the average precision is the share of the thresholds that its similarity reaches."""
    truth = Points(("a", "b", "c"), [[[10, 10], [90, 20], [50, 90]]], np.full((1, 3), 2), areas=[6400])
    said = replace(truth, values=truth.values + 7, areas=None)
    columns = [
        Boxes.of_lists(("leaf",), [[[10, 10, 90, 90]]], [[0]], scores=scores, points=points)
        for scores, points in ((None, truth), ([[1.0]], said))
    ]
    similarity = float(oks(truth, said, sigmas=sigmas)[0])
    assert 0.5 < similarity < 0.95
    expected = np.mean(similarity >= np.arange(0.5, 0.951, 0.05))
    assert coco(*columns, kind="points", sigmas=sigmas).numbers["AP"] == pytest.approx(expected)


IMAGE, CATEGORY = {"id": 1}, {"id": 1, "name": "a"}
ROW = {"image_id": 1, "category_id": 1, "bbox": [0, 0, 1, 1], "score": 1.0}
FILE = {"images": [IMAGE], "categories": [CATEGORY], "annotations": [ROW]}


@pytest.mark.parametrize(
    ("truth", "predictions", "kind", "error", "words"),
    [
        (FILE, [{**ROW, "image_id": 2}], "boxes", DataError, "image_id of the images"),
        (FILE, [{**ROW, "score": None}], "boxes", DataError, "finite score"),
        (FILE, [{**ROW, "bbox": [0, 0, 1]}], "boxes", DataError, "4 finite numbers as bbox"),
        (FILE, [{**ROW, "bbox": [0, 0, float("nan"), 1]}], "boxes", DataError, "4 finite numbers"),
        (FILE, [ROW], "masks", DataError, "segmentation in annotations"),
        (FILE, [ROW], "points", DataError, "51 finite numbers as keypoints"),
        ({"images": []}, [ROW], "boxes", DataError, "categories as a list"),
        (FILE, "results.json", "boxes", DataError, "a list of predictions"),
        (3, [ROW], "boxes", DataError, "boxes of a truth"),
        (FILE, [ROW], "segm", InputError, "kind"),
    ],
)
def test_what_is_wrong_is_said(truth: Json, predictions: Json, kind: str, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        coco(truth, predictions, kind=kind)


def test_columns_that_do_not_fit() -> None:
    truth = Boxes.of_lists(("a",), [[[0, 0, 1, 1]]], [[0]])
    with pytest.raises(DataError, match="with scores"):
        coco(truth, truth)
    with pytest.raises(DataError, match="same pictures and classes"):
        coco(truth, Boxes.of_lists(("b",), [[[0, 0, 1, 1]]], [[0]], scores=[[1.0]]))
    scored = Boxes.of_lists(("a",), [[[0, 0, 1, 1]]], [[0]], scores=[[1.0]])
    for kind in ("masks", "points"):
        with pytest.raises(DataError, match=f"{kind} of the boxes"):
            coco(truth, scored, kind=kind)
    points = Points(("nose",), np.zeros((1, 1, 2)), np.full((1, 1), 2))
    named = [
        Boxes.of_lists(("a",), [[[0, 0, 1, 1]]], [[0]], scores=scores, points=points) for scores in (None, [[1.0]])
    ]
    other = replace(named[1], points=replace(points, names=("chin",)))
    with pytest.raises(DataError, match="the same points"):
        coco(named[0], other, kind="points")
    with pytest.raises(DataError, match="1 sigmas above 0"):
        coco(*named, kind="points", sigmas=[0.1, 0.1])
    with pytest.raises(InputError, match="sigmas with kind='boxes'"):
        coco(*named, sigmas=[0.1])
