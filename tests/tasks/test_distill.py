"""The distillation: crops that their seed fixes, a teacher asked once, a loss that falls, work that resumes."""

from __future__ import annotations

import re
from pathlib import Path

import cv2
import keras
import numpy as np
import pytest

from cnnkit.tasks import crops, distill, teaching
from cnnkit.tasks.crops import Mix, Pictures
from cnnkit.zoo.nanos import nano


def some_chunk(n: int = 32, seed: int = 0) -> teaching.Chunk:
    rng = np.random.default_rng(seed)
    return teaching.Chunk(
        rng.integers(0, 256, (n, 96, 96, 3)).astype(np.uint8),
        rng.normal(size=(n, 3, 3, 256)).astype(np.float16),
        rng.normal(size=(n, 256)).astype(np.float16),
        (4 * rng.normal(size=(n, 1000))).astype(np.float16),
    )


@pytest.fixture(scope="module")
def pictures() -> Pictures:
    rng = np.random.default_rng(0)
    small = rng.integers(0, 256, (32, 32, 3)).astype(np.uint8)
    photographs = tuple(rng.integers(0, 256, (200, 260, 3)).astype(np.uint8) for _ in range(3))
    return Pictures(photographs, (cv2.imencode(".jpg", small)[1].tobytes(),))


# --- crops


def test_the_seed_fixes_the_crops(pictures: Pictures) -> None:
    def some(seed: int, chunk: int = 0) -> np.ndarray:
        views = crops.crop_views(pictures, Mix(), seed=seed, chunk=chunk, count=20, sizes=(96, 128))
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
    for small, large in crops.crop_views(source, mix, seed=0, chunk=0, count=10, sizes=(32, 64)):
        halved = cv2.resize(large, (32, 32), interpolation=cv2.INTER_AREA).astype(float)
        assert np.median(np.abs(halved - small)) <= 6


def test_pictures_of_the_probe_are_not_read(shared: Path) -> None:
    pictures = crops.read_pictures(shared / "data")
    assert (len(pictures.photographs), len(pictures.small)) == (1100, 50_000)


# --- what is learned from


def test_a_projection_keeps_half_of_the_difference_in_loudness(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    features = (rng.normal(size=(4000, 6)) * [16, 4, 1, 0.1, 0.1, 0.1] + 5).astype(np.float32)
    project = teaching.Projection.fit(features, dimensions=3)
    projected = project(features).astype(np.float32)
    deviation = projected.std(axis=0)
    np.testing.assert_allclose(deviation[:-1] / deviation[1:], [2, 2], rtol=0.05)  # √(16 / 4), √(4 / 1)
    assert np.mean(projected**2) == pytest.approx(1, rel=0.01)
    project.save(tmp_path / "p.npz")
    np.testing.assert_array_equal(teaching.Projection.load(tmp_path / "p.npz")(features), projected)


def test_the_loss_of_logits_is_zero_where_they_agree_and_positive_elsewhere() -> None:
    taught = np.random.default_rng(0).normal(size=(4, 10)).astype("float32")
    np.testing.assert_allclose(distill.logit_loss(taught, taught + 3), 0, atol=1e-5)  # softmax ignores a constant
    assert (np.asarray(distill.logit_loss(taught, -taught)) > 0).all()


def test_a_batch_is_fixed_by_its_seed_and_flipped_with_its_map() -> None:
    chunk = some_chunk()
    chunk.images[:] = np.linspace(0, 250, 96)[None, None, :, None]  # brighter to the right
    chunk.maps[:] = np.array([-1, 0, 1])[None, None, :, None]
    images, (maps, pooled, logits) = distill.draw_batch([chunk], size=16, seed=(0, 3))
    again, _ = distill.draw_batch([chunk], size=16, seed=(0, 3))
    np.testing.assert_array_equal(images, again)
    assert (images.dtype, maps.shape, pooled.shape, logits.shape) == ("float32", (16, 3, 3, 256), (16, 256), (16, 1000))
    rising = images[:, 0, -1, 0] > images[:, 0, 0, 0]
    assert 0 < rising.sum() < 16
    np.testing.assert_array_equal(rising, maps[:, 0, 2, 0] > 0)


def test_batches_come_from_all_chunks() -> None:
    dark, bright = some_chunk(), some_chunk()
    dark.logits[:], bright.logits[:] = 0, 1
    _, (_, _, logits) = distill.draw_batch([dark, bright], size=32, seed=(0, 0))
    assert 4 < logits[:, 0].sum() < 28


# --- the work


def test_the_loss_falls_on_32_pictures() -> None:
    keras.utils.set_random_seed(0)
    student = distill.build_student(nano(weights=None))
    distill.compile_student(student)
    images, targets = distill.draw_batch([some_chunk()], size=32, seed=(0, 0))
    student.optimizer.learning_rate = 3e-3
    losses = []
    for _ in range(8):
        student.reset_metrics()
        losses.append(student.train_on_batch(images, targets, return_dict=True)["loss"])
    assert losses[-1] < 0.92 * losses[0]


def test_state_comes_back_whole(tmp_path: Path) -> None:
    def fresh() -> tuple[keras.Model, keras.Model]:
        backbone = nano(weights=None)
        student = distill.build_student(backbone)
        distill.compile_student(student)
        return student, backbone

    images, targets = distill.draw_batch([some_chunk()], size=8, seed=(0, 0))
    student, backbone = fresh()
    student.train_on_batch(images, targets)
    distill.save_state(student, 1, tmp_path / "state.npz")
    other, _ = fresh()
    assert distill.load_state(other, tmp_path / "state.npz") == 1
    for a, b in zip(student.variables, other.variables, strict=True):
        np.testing.assert_array_equal(np.asarray(a), np.asarray(b))

    distill.export(backbone, tmp_path / "nano.weights.h5")
    shipped = nano(weights=tmp_path / "nano.weights.h5")
    for a, b in zip(backbone.variables, shipped.variables, strict=True):
        np.testing.assert_array_equal(np.asarray(a), np.asarray(b))


@pytest.mark.slow
def test_stopped_and_resumed_it_goes_on(shared: Path, tmp_path: Path) -> None:
    stages = (
        distill.Stage("one", chunks=1, steps=2, rate=(1e-3, 1e-3), size=400),
        distill.Stage("two", chunks=0, steps=2, rate=(1e-3, 0)),
    )
    lines: list[str] = []
    for some in (stages[:1], stages, stages):
        distill.distill(data=shared / "data", weights=shared / "weights", out=tmp_path, stages=some, say=lines.append)
    assert [re.sub(r", .*", "", line) for line in lines] == ["one: chunk 0", "one: step 2", "two: step 4"]
