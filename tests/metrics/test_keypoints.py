"""PCK by a slow definition, object keypoint similarity against pycocotools, and words for what is wrong."""

from __future__ import annotations

import contextlib
import io
import math
from dataclasses import replace

import numpy as np
import pytest

from cnnkit.data.targets import Labels, Points
from cnnkit.errors import DataError, InputError, UnknownNameError
from cnnkit.metrics import oks, pck, point_errors
from cnnkit.scenes.skeleton import KEYPOINTS

COUNT = len(KEYPOINTS)


def people(seed: int = 0, count: int = 30) -> tuple[Points, Points]:
    """A truth with hidden and absent points, some people without any, and predictions that are off by all degrees."""
    random = np.random.default_rng(seed)
    values = random.uniform(0, 90, (count, COUNT, 2))
    shown = random.choice([0, 1, 2], (count, COUNT), p=[0.3, 0.2, 0.5])
    shown[4] = 0
    truth = Points(KEYPOINTS, values, shown, areas=random.uniform(300, 4000, count))
    moved = truth.values + random.normal(0, 1, (count, COUNT, 2)) * random.uniform(0, 15, (count, 1, 1))
    return truth, Points(KEYPOINTS, moved, np.full((count, COUNT), 2), random.random((count, COUNT)))


@pytest.mark.parametrize("scale", ["box", "torso"])
def test_pck_is_what_its_definition_says(scale: str) -> None:
    truth, said = people()
    right = counted = 0
    for person in range(len(truth)):
        known = [point for point in range(COUNT) if truth.shown[person, point]]
        if scale == "box":
            xs, ys = zip(*(truth.values[person, point] for point in known), strict=True) if known else ((0,), (0,))
            size = max(max(xs) - min(xs), max(ys) - min(ys))
        else:
            ends = KEYPOINTS.index("left_shoulder"), KEYPOINTS.index("right_hip")
            size = math.dist(*truth.values[person, list(ends)]) if set(ends) <= set(known) else 0
        for point in known if size else []:
            counted += 1
            right += math.dist(truth.values[person, point], said.values[person, point]) <= 0.2 * size
    assert 0 < right < counted
    assert pck(truth, said, scale=scale) == pytest.approx(right / counted)  # type: ignore[arg-type]


def test_similarity_is_that_of_pycocotools() -> None:
    api, cocoeval = pytest.importorskip("pycocotools.coco"), pytest.importorskip("pycocotools.cocoeval")
    truth, said = people(1)
    rows = [
        {
            "id": index + 1,
            "image_id": index,
            "category_id": 1,
            "iscrowd": 0,
            "bbox": [0, 0, 90, 90],
            "area": float(truth.areas[index]),  # type: ignore[index]
            "keypoints": np.c_[truth.values[index], truth.shown[index]].ravel().tolist(),
            "num_keypoints": int((truth.shown[index] > 0).sum()),
        }
        for index in range(len(truth))
    ]
    predictions = [
        {
            "image_id": index,
            "category_id": 1,
            "score": 1.0,
            "keypoints": np.c_[said.values[index], said.shown[index]].ravel().tolist(),
        }
        for index in range(len(truth))
    ]
    with contextlib.redirect_stdout(io.StringIO()):
        annotations = api.COCO()
        annotations.dataset = {
            "images": [{"id": n} for n in range(len(truth))],
            "categories": [{"id": 1}],
            "annotations": rows,
        }
        annotations.createIndex()
        evaluation = cocoeval.COCOeval(annotations, annotations.loadRes(predictions), "keypoints")
        evaluation._prepare()
    expected = [evaluation.computeOks(index, 1)[0, 0] for index in range(len(truth))]
    ours = oks(truth, said)
    assert np.isnan(ours[4])  # nothing is shown: pycocotools measures from the box, and does not count it
    known = ~np.isnan(ours)
    np.testing.assert_allclose(ours[known], np.array(expected)[known], rtol=1e-12)


def test_what_is_not_predicted_is_wrong() -> None:
    truth, _ = people()
    half = Points(KEYPOINTS, truth.values, np.arange(COUNT) % 2 * np.full((len(truth), 1), 2))
    similarity, known = oks(truth, half), truth.shown > 0
    shares = (known & (half.shown > 0)).sum(axis=1) / np.maximum(known.sum(axis=1), 1)
    np.testing.assert_allclose(similarity[known.any(axis=1)], shares[known.any(axis=1)])
    errors = point_errors(truth, half, scale="box")
    assert np.isinf(errors[known & (half.shown == 0)]).all()


def test_without_an_area_the_box_of_the_points_counts() -> None:
    truth = Points(("a", "b"), [[[0, 0], [20, 10]]], [[2, 2]])
    said = Points(("a", "b"), [[[0, 3], [20, 10]]], [[2, 2]])
    sigma = 0.1
    assert oks(truth, said, sigmas=[sigma, sigma])[0] == pytest.approx(
        (1 + math.exp(-9 / (2 * 200 * (2 * sigma) ** 2))) / 2
    )


def test_what_has_neither_an_area_nor_a_box_with_one_is_not_measured() -> None:
    line, point = [[5, 5], [5, 25]], [[5, 5], [0, 0]]
    truth = Points(("a", "b"), [line, point, [[0, 0], [20, 10]]], [[2, 2], [2, 0], [2, 2]])
    assert np.isnan(oks(truth, truth)).tolist() == [True, True, False]
    assert oks(replace(truth, areas=[100, 100, 200]), truth).tolist() == [1, 1, 1]


def test_words_for_what_is_wrong() -> None:
    truth, said = people()
    nameless = Points(("nose",), [[[1, 1]]], [[2]])
    with pytest.raises(DataError, match="for the same examples"):
        oks(truth, said.take([0]))
    with pytest.raises(DataError, match="Labels"):
        pck(truth, Labels(("a",), [0]))
    with pytest.raises(DataError, match=r'left_shoulder.*scale="box"'):
        pck(nameless, nameless)
    with pytest.raises(UnknownNameError, match="box"):
        pck(truth, said, scale="boxes")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="threshold above 0"):
        pck(truth, said, threshold=0)
    with pytest.raises(DataError, match="17 sigmas above 0"):
        oks(truth, said, sigmas=[0.1])
    assert math.isnan(pck(truth.take([4]), said.take([4])))
