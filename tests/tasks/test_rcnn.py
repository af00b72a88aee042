"""R-CNN: what proposals show, which of them are learned from, and detection crop by crop."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

import cnnkit as ck
from cnnkit.data.targets import Boxes
from cnnkit.errors import InputError, MissingExtraError
from cnnkit.heads.rcnn import RCNN, encoded_regions
from cnnkit.metrics import box_iou
from cnnkit.tasks.rcnn import sampled

NAMES = ("a", "b")
TRUTH = Boxes.of_lists(
    NAMES,
    [[[0, 0, 40, 20], [10, 0, 50, 20], [60, 60, 70, 70]], [[0, 0, 60, 60]]],
    [[0, 0, 1], [1]],
    crowd=[[0, 0, 0], [1]],
)


def test_a_region_has_the_overlap_and_the_offsets_of_the_best_box_of_each_class() -> None:
    found = encoded_regions(np.array([[12.0, 0, 52, 20], [60, 60, 70, 80]]), TRUTH, 0)
    np.testing.assert_allclose(found["overlaps"], [[38 / 42, 0], [0, 0.5]], rtol=1e-6)
    np.testing.assert_allclose(found["offsets"][0, 0], [-2 / 40 / 0.1, 0, 0, 0], atol=1e-6)
    np.testing.assert_allclose(found["offsets"][1, 1], [0, -5 / 20 / 0.1, 0, np.log(0.5) / 0.2], rtol=1e-6)


def test_a_region_in_a_crowd_is_neither_something_nor_nothing() -> None:
    found = encoded_regions(np.array([[4.0, 4, 14, 14], [56, 56, 66, 66]]), TRUTH, 1)
    assert 0.3 < found["overlaps"][0, 1] < 0.5
    assert found["overlaps"][:, 0].tolist() == [0, 0]
    assert found["overlaps"][1, 1] == 0  # 16 of its 100 pixels are in the crowd


def test_the_loss_is_the_hinge_of_what_counts_and_smooth_l1_of_what_is_shown() -> None:
    encoded = {"overlaps": np.float32([[0.8, 0.4]]), "offsets": np.float32([[[1, 0, 0, 0], [5, 5, 5, 5]]])}
    outputs = {"classes": np.float32([[0.5, 9]]), "offsets": np.float32([[[1, 3, 0, 0], [0, 0, 0, 0]]])}
    assert np.asarray(RCNN(NAMES).loss(encoded, outputs)).tolist() == [0.5**2 + 2.5]


def test_a_sample_has_the_true_boxes_then_those_near_to_them_then_others() -> None:
    proposals = np.concatenate([np.tile([[1.0, 0, 41, 20]], (9, 1)), np.tile([[0.0, 70, 9, 79]], (9, 1))])
    found = sampled(proposals, TRUTH, 0, count=8, chance=np.random.default_rng(0))
    np.testing.assert_array_equal(found[:3], TRUTH.boxes[:3])
    assert (box_iou(found[3:], TRUTH.boxes[:1])[:, 0] > 0.5).tolist() == [True] * 4 + [False] * 4
    crowd = sampled(proposals, TRUTH, 1, count=8, chance=np.random.default_rng(0))
    assert len(crowd) == 8  # its box does not count


def test_it_detects_crop_by_crop_and_plain_files_bring_it_back(tmp_path: Path) -> None:
    drawn = ck.data.scenes(30, seed=3, size=96, target="boxes").train.take(range(20))
    photos = ck.data.Dataset(drawn.names, drawn.take(range(14)), drawn.take([]), drawn.take(range(14, 20)))
    detector = ck.tasks.rcnn(ck.backbone("nano", input_shape=(32, 32, 3)), photos.classes)
    before = [weight.numpy() for weight in detector.network.backbone.model.weights]
    untrained = detector.evaluate(photos.train)
    detector.fit(photos, sample=24, progress=False)
    for weight, old in zip(detector.network.backbone.model.weights, before, strict=True):
        np.testing.assert_array_equal(weight.numpy(), old)
    learned = detector.evaluate(photos.train)
    assert learned["images"] == 14
    assert learned["AP50"] > 0.03 + 2 * untrained["AP50"]
    again = ck.tasks.RCNNDetector(ck.load(detector.save(tmp_path / "rcnn")))
    table = detector.predict(photos.test)
    assert list(table) == ["id", "label", "score", "x", "y", "width", "height"]
    assert again.predict(photos.test).equals(table)
    nothing = ck.tasks.RCNNDetector(detector.network, lambda picture: [])
    assert not len(nothing.predict(photos.test))


def test_other_networks_and_no_functions_are_refused() -> None:
    body = ck.backbone("nano", weights=None, input_shape=(32, 32, 3))
    with pytest.raises(InputError, match="a network of crops"):
        ck.tasks.RCNNDetector(ck.attach(body, ck.heads.classifier(NAMES)))
    with pytest.raises(InputError, match="a function of a picture"):
        ck.tasks.rcnn(body, NAMES, [[0, 0, 1, 1]])


def test_what_is_missing_is_said_before_the_first_proposal(monkeypatch: pytest.MonkeyPatch) -> None:
    """The features of a thousand pictures take an hour."""

    def never(picture: np.ndarray) -> np.ndarray:
        raise AssertionError

    photos = ck.data.with_classes(ck.data.scenes(4, seed=1, size=32, target="boxes"), "person")
    body = ck.backbone("nano", weights=None, input_shape=(32, 32, 3))
    detector = ck.tasks.rcnn(body, photos.classes, never)
    with pytest.raises(InputError, match="seed"):
        detector.fit(photos, seed=-1, progress=False)
    monkeypatch.setitem(sys.modules, "sklearn.svm", None)
    with pytest.raises(MissingExtraError, match=r"rcnn"):
        detector.fit(photos, progress=False)
