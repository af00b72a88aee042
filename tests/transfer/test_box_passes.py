"""Boxes of mirrored pictures and of windows: joined as a slow definition says."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import cnnkit as ck
from cnnkit.data.targets import Boxes, Masks
from cnnkit.errors import InputError
from cnnkit.heads.box_looks import joined_looks

NAMES = ("cat", "dog")
PHOTO = np.random.default_rng(0).integers(0, 256, (96, 150, 3), np.uint8)
PLACES = ["x", "y", "width", "height"]


@pytest.fixture(scope="module")
def detector() -> ck.Network:
    """Untrained, but for predictions that differ from cell to cell."""
    body = ck.backbone("nano", weights=None, input_shape=(64, 64, 3), seed=1)
    net = ck.attach(body, ck.heads.fcos(NAMES, width=8, most=30))
    chance = np.random.default_rng(2)
    for name, spread in (("classes_of_cells", 2.0), ("boxes_of_cells", 0.5)):
        kernel, bias = net.model.get_layer(name).get_weights()
        net.model.get_layer(name).set_weights([chance.normal(0, spread, kernel.shape), bias])
    return net


def corners(table: pd.DataFrame) -> np.ndarray:
    low, sides = table[["x", "y"]].to_numpy(), table[["width", "height"]].to_numpy()
    return np.concatenate([low, low + sides], axis=1)


def iou(one: np.ndarray, two: np.ndarray) -> float:
    width, height = np.minimum(one[2:], two[2:]) - np.maximum(one[:2], two[:2])
    shared = max(width, 0) * max(height, 0)
    return shared / (np.prod(one[2:] - one[:2]) + np.prod(two[2:] - two[:2]) - shared)


def suppressed(table: pd.DataFrame, threshold: float, most: int) -> pd.DataFrame:
    """Box by box, the best one first."""
    table = table.sort_values("score", ascending=False, kind="stable").reset_index(drop=True)
    boxes, kept = corners(table), []
    for row in range(len(table)):
        same = [other for other in kept if table.label[other] == table.label[row]]
        if all(iou(boxes[other], boxes[row]) <= threshold for other in same):
            kept.append(row)
    return table.loc[kept[:most]]


def test_a_picture_and_its_mirror_image_say_the_same(detector: ck.Network) -> None:
    picture = PHOTO[:64, :64]
    one, other = (ck.predict(detector, view, flip=True) for view in (picture, np.ascontiguousarray(picture[:, ::-1])))
    assert len(one) == 30
    assert one.label.tolist() == other.label.tolist()
    np.testing.assert_allclose(one.score, other.score)
    np.testing.assert_allclose(one.x, 64 - other.x - other.width, atol=1e-6)
    np.testing.assert_allclose(one[PLACES[1:]], other[PLACES[1:]], atol=1e-6)
    assert set(one.score) != set(ck.predict(detector, picture).score)


def test_windows_and_the_whole_picture_are_joined(detector: ck.Network) -> None:
    found = ck.predict(detector, PHOTO, window=True, overlap=0.25, flip=True)
    looks = [ck.predict(detector, PHOTO), mirrored(detector, PHOTO)]
    for top in (0, 32):  # steps of 48 or less
        for left in (0, 43, 86):
            part = np.ascontiguousarray(PHOTO[top : top + 64, left : left + 64])
            for look in (ck.predict(detector, part), mirrored(detector, part)):
                looks.append(look.assign(x=look.x + left, y=look.y + top, cut=cut(look, top, left)))
    table = pd.concat(looks, ignore_index=True).fillna({"cut": False})
    expected = suppressed(table[~parts(table)], detector.head.iou, 30)
    assert found.label.tolist() == expected.label.tolist()
    np.testing.assert_allclose(found.score, expected.score, rtol=1e-5)  # batches of another size
    np.testing.assert_allclose(found[PLACES], expected[PLACES], atol=2e-3)


def mirrored(net: ck.Network, picture: np.ndarray) -> pd.DataFrame:
    """What a network says of the mirror image, mirrored back."""
    table = ck.predict(net, np.ascontiguousarray(picture[:, ::-1]))
    return table.assign(x=picture.shape[1] - table.x - table.width)


def cut(table: pd.DataFrame, top: int, left: int) -> pd.Series:
    """Which boxes end within two pixels of a border of a window that is not one of the photograph."""
    right, bottom = table.x + table.width, table.y + table.height
    at = (table.x <= 2) & (left > 0) | (table.y <= 2) & (top > 0)
    return at | (right >= 62) & (left + 64 < 150) | (bottom >= 62) & (top + 64 < 96)


def parts(table: pd.DataFrame) -> np.ndarray:
    """Which cut boxes lie by more than half in a larger one of their class that has half of their score."""
    boxes, found = corners(table), np.zeros(len(table), bool)
    areas = np.prod(boxes[:, 2:] - boxes[:, :2], axis=1)
    for row in np.flatnonzero(table.cut.to_numpy(bool)):
        for other in range(len(table)):
            sides = np.minimum(boxes[row, 2:], boxes[other, 2:]) - np.maximum(boxes[row, :2], boxes[other, :2])
            covers = np.prod(np.maximum(sides, 0)) > areas[row] / 2 and areas[other] > areas[row]
            same = table.label[other] == table.label[row] and table.score[other] >= table.score[row] / 2
            found[row] |= covers and same
    return found


def test_a_part_of_a_thing_gives_way_to_the_whole() -> None:
    def look(boxes: list[list[float]], labels: list[int], scores: list[float]) -> Boxes:
        return Boxes.of_lists(NAMES, [boxes], [labels], scores=[scores])

    whole = look([[10, 10, 50, 50]], [0], [0.4])
    part = look([[40, 12, 50, 48], [40, 12, 50, 48], [48, 12, 70, 48]], [0, 1, 0], [0.7, 0.7, 0.7])
    found = joined_looks([whole, part], [np.zeros(1, bool), np.ones(3, bool)], iou=0.5, most=9)
    # The other class and the box that is mostly beside it stay; the part does not, though it is surer.
    assert found.boxes.tolist() == [[40, 12, 50, 48], [48, 12, 70, 48], [10, 10, 50, 50]]
    assert len(joined_looks([whole, part], iou=0.5, most=9).boxes) == 4
    assert len(joined_looks([whole, part], iou=0.5, most=2).boxes) == 2
    doubtful = look([[10, 10, 50, 50]], [0], [0.3])
    assert len(joined_looks([doubtful, part], [np.zeros(1, bool), np.ones(3, bool)], iou=0.5, most=9).boxes) == 4
    agnostic = joined_looks([whole, part], [np.zeros(1, bool), np.ones(3, bool)], iou=0.5, most=9, class_agnostic=True)
    assert agnostic.boxes.tolist() == [[48, 12, 70, 48], [10, 10, 50, 50]]
    # Also a head without suppression says once what two looks say.
    assert len(joined_looks([whole, whole], iou=1.0, most=9).boxes) == 1


def test_evaluating_counts_all_looks_and_the_loss_of_the_framed_picture(detector: ck.Network) -> None:
    photos = ck.data.scenes(12, seed=3, size=96, target="boxes").train
    truth = Boxes.of_lists(NAMES, [[[4, 4, 40, 60]]] * len(photos), [[0]] * len(photos))
    source = ck.data.Source(photos.ids, truth, photos.reader, photos.positions)
    plain, joined = ck.evaluate(detector, source), ck.evaluate(detector, source, window=True, flip=True)
    assert joined["loss"] == pytest.approx(plain["loss"], rel=1e-6)
    score = detector.head.score()
    table = ck.predict(detector, source, window=True, flip=True)
    score.add(truth, Boxes.from_table(NAMES, table, source.ids))
    assert joined["AP50"] == pytest.approx(score.result()["AP50"], abs=1e-12)


def test_parquet_of_windows_holds_what_predict_says(detector: ck.Network, tmp_path: Path) -> None:
    photos = [PHOTO, PHOTO[:64, :64], PHOTO[::-1]]
    options = {"window": (48, 64), "overlap": 0.0, "flip": True}
    ck.export.predict_to_parquet(detector, photos, tmp_path / "boxes.parquet", batch_size=2, part_rows=2, **options)
    expected = ck.predict(detector, photos, **options)
    found = pd.read_parquet(tmp_path / "boxes.parquet")
    assert found.label.tolist() == expected.label.tolist()
    np.testing.assert_allclose(found[PLACES], expected[PLACES], atol=1e-3)


def test_a_head_of_so_many_boxes_is_refused() -> None:
    body = ck.backbone("nano", weights=None, input_shape=(64, 64, 3))
    net = ck.attach(body, ck.heads.localizer(NAMES))
    with pytest.raises(InputError, match="flip"):
        ck.predict(net, PHOTO, flip=True)
    with pytest.raises(InputError, match="window"):
        ck.predict(net, PHOTO, window=True)


def test_the_masks_of_the_boxes_that_stay_go_along_and_have_nothing_outside_of_their_window() -> None:
    def look(masks: list[np.ndarray], scores: list[float]) -> Boxes:
        boxes = [[x, 0, x + 2, 4] for x in range(len(masks))]
        of_boxes = Masks.of_arrays(("background", "thing"), masks)
        return Boxes.of_lists(NAMES, [boxes], [list(range(len(masks)))], scores=[scores], masks=of_boxes)

    chance = np.random.default_rng(0)
    whole, part = (chance.integers(0, 2, (2, 4, width), np.uint8) for width in (7, 3))
    window = look(list(part), [0.9, 0.3]).moved([[[1, 0, 4], [0, 1, 0], [0, 0, 1]]], (4, 7))
    found = joined_looks([look(list(whole), [0.7, 0.5]), window], iou=0.5, most=3)
    pasted = np.pad(part, ((0, 0), (0, 0), (4, 0)))
    assert found.masks is not None
    for place, mask in enumerate([pasted[0], whole[0], whole[1]]):
        np.testing.assert_array_equal(found.masks.mask(place), mask)
    assert joined_looks([replace(window, masks=None), window], iou=0.5, most=3).masks is None
