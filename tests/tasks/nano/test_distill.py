"""The distillation: crops that their seed fixes, a teacher asked once, a loss that falls, work that resumes."""

from __future__ import annotations

import re
from pathlib import Path

import cv2
import keras
import numpy as np
import pytest

from cnnkit.tasks.nano import crops, distill, student, teaching
from cnnkit.tasks.nano.crops import Mix, Pictures
from cnnkit.tasks.nano.stages import STAGES, Stage
from cnnkit.zoo.nanos import nano


def some_chunk(n: int = 32, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    chunk = np.empty(n, teaching.CROP)
    chunk["images"] = rng.integers(0, 256, (n, 96, 96, 3))
    chunk["maps"] = rng.normal(size=(n, 3, 3, 256))
    chunk["pooled"] = rng.normal(size=(n, 256))
    chunk["logits"] = 4 * rng.normal(size=(n, 1000))
    return chunk


@pytest.fixture(scope="module")
def pictures() -> Pictures:
    rng = np.random.default_rng(0)
    small = rng.integers(0, 256, (32, 32, 3)).astype(np.uint8)
    photographs = tuple(rng.integers(0, 256, (200, 260, 3)).astype(np.uint8) for _ in range(3))
    return Pictures(photographs, (cv2.imencode(".jpg", small)[1].tobytes(),))


# --- crops


def test_the_seed_fixes_the_crops(pictures: Pictures) -> None:
    def some(seed: int, chunk: int = 0) -> np.ndarray:
        views = crops.crop_views(pictures, Mix(), seed=seed, chunk=chunk, count=20, sides=(96, 128))
        return np.stack([small for small, large in views if large.shape == (128, 128, 3)])

    np.testing.assert_array_equal(some(1), some(1))
    assert some(1).shape == (20, 96, 96, 3)
    assert not np.array_equal(some(1), some(2))
    assert not np.array_equal(some(1), some(1, chunk=1))


@pytest.mark.parametrize("mix", [Mix(blend=1), Mix(blend=0, paste=1), Mix(tint=1), Mix(small=1), Mix(small=0, drawn=1)])
def test_every_kind_of_crop_is_the_same_at_both_sizes(mix: Mix) -> None:
    smooth = np.add.outer(np.linspace(0, 120, 200), np.linspace(0, 120, 260)).astype(np.uint8)
    smooth = np.repeat(smooth[..., None], 3, axis=2)
    source = Pictures((smooth,), (cv2.imencode(".jpg", smooth[:32, :32])[1].tobytes(),), (smooth,))
    for small, large in crops.crop_views(source, mix, seed=0, chunk=0, count=10, sides=(32, 64)):
        halved = cv2.resize(large, (32, 32), interpolation=cv2.INTER_AREA).astype(float)
        assert np.median(np.abs(halved - small)) <= 6


def test_pictures_of_the_probe_are_not_read(shared: Path) -> None:
    pictures = crops.read_pictures(shared / "data")
    assert (len(pictures.photographs), len(pictures.small)) == (1100, 50_000)


# --- what is learned from


def test_a_projection_keeps_half_of_the_difference_in_loudness() -> None:
    rng = np.random.default_rng(0)
    features = (rng.normal(size=(4000, 6)) * [16, 4, 1, 0.1, 0.1, 0.1] + 5).astype(np.float32)
    projected = teaching.Projection.fit(features, dimensions=3)(features).astype(np.float32)
    deviation = projected.std(axis=0)
    np.testing.assert_allclose(deviation[:-1] / deviation[1:], [2, 2], rtol=0.05)  # √(16 / 4), √(4 / 1)
    assert np.mean(projected**2) == pytest.approx(1, rel=0.01)


def test_the_loss_of_logits_is_zero_where_they_agree_and_positive_elsewhere() -> None:
    taught = np.random.default_rng(0).normal(size=(4, 10)).astype("float32")
    np.testing.assert_allclose(student.logit_loss(taught, taught + 3), 0, atol=1e-5)  # softmax ignores a constant
    assert (np.asarray(student.logit_loss(taught, -taught)) > 0).all()


def test_a_batch_is_fixed_by_its_seed_and_flipped_with_its_map() -> None:
    chunk = some_chunk()
    chunk["images"][:] = np.linspace(0, 250, 96)[None, None, :, None]  # brighter to the right
    chunk["maps"][:] = np.array([-1, 0, 1])[None, None, :, None]
    images, (maps, pooled, logits) = student.draw_batch([chunk], size=16, seed=(0, 3))
    again, _ = student.draw_batch([chunk], size=16, seed=(0, 3))
    np.testing.assert_array_equal(images, again)
    assert (images.dtype, maps.shape, pooled.shape, logits.shape) == ("float32", (16, 3, 3, 256), (16, 256), (16, 1000))
    rising = images[:, 0, -1, 0] > images[:, 0, 0, 0]
    assert 0 < rising.sum() < 16
    np.testing.assert_array_equal(rising, maps[:, 0, 2, 0] > 0)


def test_batches_come_from_all_chunks() -> None:
    dark, bright = some_chunk(), some_chunk()
    dark["logits"], bright["logits"] = 0, 1
    _, (_, _, logits) = student.draw_batch([dark, bright], size=32, seed=(0, 0))
    assert 4 < logits[:, 0].sum() < 28


# --- the work


def test_the_loss_falls_on_32_pictures() -> None:
    keras.utils.set_random_seed(0)
    network = student.build_student(nano(weights=None))
    images, targets = student.draw_batch([some_chunk()], size=32, seed=(0, 0))
    network.optimizer.learning_rate = 3e-3
    losses = []
    for _ in range(8):
        losses.append(network.train_on_batch(images, targets, return_dict=True)["loss"])
    assert losses[-1] < 0.92 * losses[0]


@pytest.mark.slow
def test_state_comes_back_whole(tmp_path: Path) -> None:
    network, other = (student.build_student(nano(weights=None)) for _ in range(2))
    network.train_on_batch(*student.draw_batch([some_chunk()], size=8, seed=(0, 0)))
    distill.save_state(network, 1, tmp_path / "state.npz")
    assert distill.load_state(other, tmp_path / "state.npz") == 1
    variables = ([*each.variables, *each.optimizer.variables] for each in (network, other))
    for a, b in zip(*variables, strict=True):
        np.testing.assert_array_equal(np.asarray(a), np.asarray(b))


def test_the_stages_are_those_of_the_model_card() -> None:
    """nano.md: 26,450 steps on 1,628,800 crops, drawn from 268,000 that were asked about."""
    assert sum(stage.steps for stage in STAGES) == 26_450
    assert sum(stage.steps * stage.batch for stage in STAGES) == 1_628_800
    assert sum(stage.chunks * stage.size for stage in STAGES) == 268_000


@pytest.mark.slow
def test_stopped_and_resumed_it_goes_on(shared: Path, tmp_path: Path) -> None:
    stages = (
        Stage("one", chunks=1, steps=2, rate=(1e-3, 1e-3), size=400),
        Stage("two", chunks=0, steps=2, rate=(1e-3, 0)),
    )
    lines: list[str] = []
    for some in (stages[:1], stages, stages):
        backbone = distill.distill(
            data=shared / "data", weights=shared / "weights", out=tmp_path, stages=some, say=lines.append
        )
    assert [re.sub(r", .*", "", line) for line in lines] == ["one: chunk 0", "one: step 2", "two: step 4"]
    shipped = nano(weights=tmp_path / "nano.weights.h5")
    for a, b in zip(backbone.variables, shipped.variables, strict=True):
        np.testing.assert_array_equal(np.asarray(a), np.asarray(b))
