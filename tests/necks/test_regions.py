"""RoIAlign, RoIPool and the spatial pyramid, against slow definitions, torchvision where it is, and plain Keras."""

from __future__ import annotations

import math

import keras
import numpy as np
import pytest
import tensorflow as tf

import cnnkit as ck

STRIDE, ROWS, COLUMNS = 4, 9, 12
MAPS = np.random.default_rng(0).normal(size=(2, ROWS, COLUMNS, 3)).astype(np.float32)
REGIONS = np.array(
    [
        [[0, 0, 48, 36], [3.2, 5.1, 30.7, 21.9], [40, 30, 48, 36], [10, 10, 10, 10], [-20, -8, 70, 50]],
        [[1, 2, 3, 4], [0, 30, 47, 36], [16, 8, 32, 24], [-30, 5, -10, 20], [44.5, 1, 60, 35.5]],
    ],
    np.float32,
)


def clipped(regions: np.ndarray) -> np.ndarray:
    return np.clip(regions, 0, np.tile([COLUMNS * STRIDE, ROWS * STRIDE], 2))


def bilinear(plane: np.ndarray, y: float, x: float) -> np.ndarray:
    """A map at one place, whose cells have their values at whole numbers."""
    y, x = np.clip(y, 0, plane.shape[0] - 1), np.clip(x, 0, plane.shape[1] - 1)
    top, left = min(int(y), plane.shape[0] - 2), min(int(x), plane.shape[1] - 2)
    down, right = y - top, x - left
    upper = (1 - right) * plane[top, left] + right * plane[top, left + 1]
    lower = (1 - right) * plane[top + 1, left] + right * plane[top + 1, left + 1]
    return (1 - down) * upper + down * lower


def slow_align(maps: np.ndarray, regions: np.ndarray, size: int, samples: int) -> np.ndarray:
    found = np.zeros((*regions.shape[:2], size, size, maps.shape[-1]))
    for n, k, i, j in np.ndindex(*found.shape[:4]):
        left, top, right, bottom = clipped(regions)[n, k].astype(float) / STRIDE - 0.5
        high, wide = (bottom - top) / size, (right - left) / size
        found[n, k, i, j] = np.mean(
            [
                bilinear(maps[n].astype(float), top + (i + dy) * high, left + (j + dx) * wide)
                for dy in (np.arange(samples) + 0.5) / samples
                for dx in (np.arange(samples) + 0.5) / samples
            ],
            axis=0,
        )
    return found


def slow_pool(maps: np.ndarray, regions: np.ndarray, size: int) -> np.ndarray:
    found = np.zeros((*regions.shape[:2], size, size, maps.shape[-1]))
    for n, k, i, j in np.ndindex(*found.shape[:4]):
        left, top, right, bottom = (math.floor(side / STRIDE + 0.5) for side in regions[n, k].tolist())
        high, wide = max(bottom - top + 1, 1), max(right - left + 1, 1)
        rows = slice(max(0, top + i * high // size), max(0, top - (-(i + 1) * high // size)))
        columns = slice(max(0, left + j * wide // size), max(0, left - (-(j + 1) * wide // size)))
        inside = maps[n, rows, columns].reshape(-1, maps.shape[-1])
        found[n, k, i, j] = inside.max(axis=0) if len(inside) else 0
    return found


@pytest.mark.parametrize(("size", "samples"), [(7, 2), (3, 1), (2, 3)])
def test_roi_align_is_the_mean_of_bilinear_samples(size: int, samples: int) -> None:
    found = ck.necks.roi_align(MAPS, REGIONS, size=size, stride=STRIDE, samples=samples)
    np.testing.assert_allclose(found, slow_align(MAPS, REGIONS, size, samples), atol=1e-5)


@pytest.mark.parametrize("size", [7, 2])
def test_roi_pool_is_the_maximum_of_whole_cells(size: int) -> None:
    found = ck.necks.roi_pool(MAPS, REGIONS, size=size, stride=STRIDE)
    np.testing.assert_array_equal(np.asarray(found), slow_pool(MAPS, REGIONS, size).astype(np.float32))


def test_the_pyramid_has_the_bins_of_each_grid_in_turn() -> None:
    found = ck.necks.spatial_pyramid(MAPS, REGIONS, sizes=(1, 3), stride=STRIDE)
    parts = [slow_pool(MAPS, REGIONS, size).reshape(2, 5, -1, 3) for size in (1, 3)]
    np.testing.assert_array_equal(np.asarray(found), np.concatenate(parts, axis=2).astype(np.float32))


@pytest.mark.parametrize("name", ["roi_align", "roi_pool"])
def test_gradients_are_the_slopes_of_the_slow_definition(name: str) -> None:
    slow = {"roi_align": lambda maps: slow_align(maps, REGIONS, 2, 2), "roi_pool": lambda m: slow_pool(m, REGIONS, 2)}
    towards = np.random.default_rng(1).normal(size=(2, 5, 2, 2, 3))
    with tf.GradientTape() as tape:
        maps = tf.Variable(MAPS)
        found = tf.reduce_sum(getattr(ck.necks, name)(maps, REGIONS, size=2, stride=STRIDE) * towards.astype("f"))
    gradient = np.asarray(tape.gradient(found, maps))
    for place in [(0, 0, 0, 0), (0, 4, 5, 1), (0, 8, 11, 2), (1, 3, 6, 0), (1, 8, 0, 1), (1, 0, 11, 2)]:
        step = np.zeros(MAPS.shape)
        step[place] = 1e-5
        slope = ((slow[name](MAPS + step) - slow[name](MAPS - step)) * towards).sum() / 2e-5
        assert gradient[place] == pytest.approx(slope, abs=1e-3)


def test_roi_align_agrees_with_torchvision() -> None:
    torch, vision = pytest.importorskip("torch"), pytest.importorskip("torchvision")
    maps = torch.tensor(MAPS.transpose(0, 3, 1, 2).copy(), requires_grad=True)
    boxes = list(torch.tensor(clipped(REGIONS)))
    theirs = vision.ops.roi_align(maps, boxes, 7, 1 / STRIDE, sampling_ratio=2, aligned=True)
    theirs.square().sum().backward()
    with tf.GradientTape() as tape:
        ours = tf.Variable(MAPS)
        found = ck.necks.roi_align(ours, REGIONS, stride=STRIDE)
        loss = tf.reduce_sum(found**2)
    np.testing.assert_allclose(np.asarray(found).reshape(10, 7, 7, 3).transpose(0, 3, 1, 2), theirs.detach(), atol=1e-5)
    np.testing.assert_allclose(np.asarray(tape.gradient(loss, ours)).transpose(0, 3, 1, 2), maps.grad, atol=1e-3)


def test_plain_keras_holds_them() -> None:
    maps, regions = keras.Input((ROWS, COLUMNS, 3)), keras.Input((None, 4))
    model = keras.Model(
        [maps, regions],
        [
            ck.necks.roi_align(maps, regions, size=2, stride=STRIDE),
            ck.necks.roi_pool(maps, regions, size=2, stride=STRIDE),
            ck.necks.spatial_pyramid(maps, regions, sizes=(1, 2), stride=STRIDE),
        ],
    )
    again = keras.models.model_from_json(model.to_json())
    for one, other in zip(model([MAPS, REGIONS]), again([MAPS, REGIONS]), strict=True):
        np.testing.assert_array_equal(one, other)
