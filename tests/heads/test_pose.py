"""Heads of heatmaps: their losses by slow definitions, decoding finer than a cell, mirrored outputs, scores."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import keras
import numpy as np
import pytest

import cnnkit as ck
from cnnkit.data.targets import Points
from cnnkit.errors import DataError, InputError

NAMES = ("nose", "left_hand", "right_hand")
SIZE = (32, 48)
STRIDE = 4
CELLS = (8, 12)


def truth(count: int = 3) -> Points:
    random = np.random.default_rng(0)
    values = random.uniform(1, 31, (count, 3, 2))
    return Points(NAMES, values, [[2, 1, 2], [0, 2, 1], [0, 0, 0]], mirror=(0, 2, 1))


def bump(place: Any, spread: float) -> np.ndarray:
    """exp(−d² / 2 spread²), cell by cell, of a place in pixels."""
    map_ = np.zeros(CELLS)
    for row in range(CELLS[0]):
        for column in range(CELLS[1]):
            square = (column + 0.5 - place[0] / STRIDE) ** 2 + (row + 0.5 - place[1] / STRIDE) ** 2
            map_[row, column] = np.exp(-square / (2 * spread**2))
    return map_


def maps() -> np.ndarray:
    return np.random.default_rng(1).normal(0, 2, (3, *CELLS, 3)).astype(np.float32)


def test_the_softmax_loss_is_the_cross_entropy_over_places_and_nowhere() -> None:
    head, points = ck.heads.heatmaps(NAMES, spread=1.3), truth()
    losses = np.zeros((3, 3))
    for picture, point in np.ndindex(3, 3):
        logits = np.append(maps()[picture, :, :, point].ravel(), 0.0)  # the last one is "nowhere"
        q = np.zeros(len(logits))
        if points.shown[picture, point]:
            q[:-1] = bump(points.values[picture, point], 1.3).ravel()
            q /= q.sum()
        else:
            q[-1] = 1
        losses[picture, point] = -(q * (logits - np.log(np.exp(logits).sum()))).sum()
    ours = np.asarray(head.loss(head.encode(points, SIZE), maps()))
    np.testing.assert_allclose(ours, losses.mean(axis=1), rtol=1e-5)


def test_the_loss_of_squares_is_the_squared_error_to_bumps() -> None:
    head, points = ck.heads.heatmaps(NAMES, objective="squares", spread=0.8), truth()
    losses = np.zeros((3, 3))
    for picture, point in np.ndindex(3, 3):
        known = points.shown[picture, point] > 0
        target = bump(points.values[picture, point], 0.8) * known
        losses[picture, point] = ((maps()[picture, :, :, point] - target) ** 2).sum()
    ours = np.asarray(head.loss(head.encode(points, SIZE), maps()))
    np.testing.assert_allclose(ours, losses.mean(axis=1), rtol=1e-4)


def test_a_point_far_outside_of_the_map_has_a_finite_loss() -> None:
    head = ck.heads.heatmaps(NAMES, spread=0.3)
    far = {"places": np.full((1, 3, 2), 40.0, np.float32), "shown": np.ones((1, 3), np.float32)}
    assert np.isfinite(np.asarray(head.loss(far, maps()[:1]))).all()


@pytest.mark.parametrize(("decoding", "pixels"), [("local", 0.25), ("quarter", 1.5), ("mean", 0.25), ("peak", 2.9)])
def test_decoding_finds_the_middle_of_a_gaussian(decoding: Any, pixels: float) -> None:
    """`peak` is off by half a cell at most on each axis, a quarter offset by a quarter."""
    head = ck.heads.heatmaps(NAMES, decoding=decoding)
    places = np.random.default_rng(2).uniform((12, 12), (36, 20), (40, 3, 2))
    gaussians = np.stack([[bump(place, 1.0) for place in row] for row in places]).transpose(0, 2, 3, 1)
    logits = np.log(gaussians + 1e-9) + 9
    said = head.decode(logits, SIZE)
    assert np.linalg.norm(said.values - places, axis=2).max() <= pixels
    assert said.scores is not None
    assert (said.scores > 0.9).all()
    assert (said.shown == 2).all()


def test_what_is_nowhere_is_absent() -> None:
    logits = np.full((1, *CELLS, 3), -9.0)
    logits[0, 3, 4, :2] = (9.0, -3.0)  # sure, and as likely as e⁻³ beside "nowhere"
    said = ck.heads.heatmaps(NAMES).decode(logits, SIZE)
    assert said.shown.tolist() == [[2, 0, 0]]
    assert said.values[0, 0].tolist() == pytest.approx([18, 14], abs=1e-3)
    assert (ck.heads.heatmaps(NAMES, least=0).decode(logits, SIZE).shown == 2).all()


def test_a_second_peak_disturbs_the_mean_alone() -> None:
    map_ = np.log(bump((10, 10), 1.0) + 0.6 * bump((40, 22), 1.0) + 1e-9)[None, :, :, None] + 9
    by = {
        name: ck.heads.heatmaps(("nose",), decoding=name).decode(map_, SIZE).values[0, 0] for name in ("local", "mean")
    }
    assert np.linalg.norm(by["local"] - (10, 10)) < 0.3
    assert np.linalg.norm(by["mean"] - (10, 10)) > 8


def test_mirrored_outputs_are_those_of_the_mirrored_truth() -> None:
    head, points = ck.heads.heatmaps(NAMES), truth()
    width = SIZE[1]
    flipped = points.moved([[-1, 0, width], [0, 1, 0], [0, 0, 1]], SIZE)

    def sharp(column: Points) -> np.ndarray:
        gaussians = [
            [bump(place, 1.0) * (known > 0) for place, known in zip(*row, strict=True)]
            for row in zip(column.values, column.shown, strict=True)
        ]
        return np.stack(gaussians).transpose(0, 2, 3, 1)

    np.testing.assert_allclose(head.mirrored(sharp(flipped)), sharp(points), atol=1e-9)


def test_a_flip_is_the_mean_with_the_mirrored_picture_put_right() -> None:
    image = keras.Input((*SIZE, 3))
    x = keras.layers.Rescaling(1 / 255)(image)
    for level in range(1, 6):
        x = keras.layers.Conv2D(8, 3, 2, padding="same", activation="relu", name=f"conv{level}")(x)
    head = ck.heads.heatmaps(NAMES, width=8, least=0)
    net = ck.attach(ck.backbone(keras.Model(image, x), preprocessing="inside"), head)
    pictures = np.random.default_rng(5).integers(0, 256, (2, *SIZE, 3), np.uint8)
    here, there = (
        net.model(some.astype(np.float32), training=False).numpy() for some in (pictures, pictures[:, :, ::-1])
    )
    both = (here + there[:, :, ::-1, [0, 2, 1]]) / 2
    expected = head.decode(both, SIZE).table(["0", "1"])
    table = ck.predict(net, pictures, flip=True)
    np.testing.assert_allclose(table.drop(columns="id"), expected.drop(columns="id"), rtol=1e-4)
    assert not np.allclose(table["nose_x"], ck.predict(net, pictures)["nose_x"])


def test_settings_that_are_wrong() -> None:
    wrong: list[dict[str, Any]] = [
        {"stride": 3},
        {"width": 0},
        {"objective": "mse"},
        {"decoding": "max"},
        {"spread": 0},
        {"least": 2},
        {"mirror": (1, 2, 0)},
        {"seed": -1},
    ]
    for settings in wrong:
        with pytest.raises(InputError):
            ck.heads.heatmaps(NAMES, **settings)
    with pytest.raises(InputError, match="at least one"):
        ck.heads.heatmaps([])
    with pytest.raises(InputError, match="a stage from 1 to 1"):
        ck.heads.heatmaps(NAMES).at_stage(2)
    with pytest.raises(DataError, match="partners"):
        ck.heads.heatmaps(NAMES).encode(replace(truth(), mirror=()), SIZE)
