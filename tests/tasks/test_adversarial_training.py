"""Networks that train against each other: what a step computes, checkpoints, sheets, and what is refused."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import keras
import numpy as np
import pytest

import cnnkit as ck
from cnnkit.errors import DataError, InputError, InterruptedTrainingError
from cnnkit.tasks import adversarial_training
from cnnkit.tasks.adversarial_training import Course
from cnnkit.tasks.picture_pool import PicturePool
from tests.tasks import worlds_of_pairs as worlds

# Keras 3.15.1 reads TensorFlow variables in a way that NumPy 2 deprecates; `save_weights` cannot avoid it.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
ROOT = Path(__file__).resolve().parents[2]
CROP = ck.data.RandomCrop((32, 32))


def softplus(values: np.ndarray) -> np.ndarray:
    return np.asarray(np.log1p(np.exp(values)))


def test_the_losses_of_a_step_are_the_papers_formulas() -> None:
    """Isola et al., equations 1, 3 and 4, of the networks before their first step, which sees all pairs."""
    photos = worlds.pairs()
    net = ck.tasks.unet_generator((32, 32), width=4, dropout=0.0, seed=1)
    judge = ck.tasks.patch_discriminator((32, 32), conditional=True, width=4, seed=3)
    images = np.stack([photos.train.image(index) for index in range(6)]).astype(np.float32)
    truth: Any = photos.train.targets
    targets = np.stack([truth.picture(index) for index in range(6)]).astype(np.float32)
    made = np.asarray(net.model(images))
    true, false = (np.asarray(judge(np.concatenate([images, some], axis=-1)), np.float64) for some in (targets, made))
    run = ck.tasks.pix2pix(net, photos, epochs=1, width=4, batch_size=6, seed=3, progress=False)
    row = run.history.iloc[0]
    assert row["generator"] == pytest.approx(softplus(-false).mean(), rel=1e-4)
    assert row["discriminator"] == pytest.approx((softplus(-true).mean() + softplus(false).mean()) / 2, rel=1e-4)
    assert row["l1"] == pytest.approx(np.abs(targets - made).mean() / 255, rel=1e-4)
    # λ = 100 weighs the error of values in −1 … 1.
    assert row["loss"] == pytest.approx(row["generator"] + 100 * np.abs(targets - made).mean() / 127.5, rel=1e-4)
    assert ck.visualize.curves(net).axes


def test_a_generator_is_a_network_like_any_other(tmp_path: Path) -> None:
    photos = worlds.pairs()
    (net,) = worlds.pix2pix(None, pictures=tmp_path / "sheets", epochs=2)
    sheets = sorted((tmp_path / "sheets").iterdir())
    assert [sheet.name for sheet in sheets] == ["epoch-0001.png", "epoch-0002.png"]
    sheet = cv2.imread(str(sheets[0]))[..., ::-1]
    assert sheet.shape == (4 * 32 + 3 * 4, 3 * 32 + 2 * 4, 3)  # source, prediction, target, of four pictures
    np.testing.assert_array_equal(sheet[:32, :32], photos.train.image(0))
    np.testing.assert_array_equal(sheet[:32, 72:], 255 - photos.train.image(0))
    table = ck.predict(net, photos.train)
    assert table.columns.tolist() == ["id", "height", "width", "picture"]
    assert {"l1", "psnr", "ssim", "gradient_energy"} <= set(ck.evaluate(net, photos.train))
    assert net.run is not None
    loaded = ck.load(ck.save(net, tmp_path / "bundle"))
    assert ck.predict(loaded, photos.train).equals(table)
    assert loaded.run is not None
    assert loaded.run.history["l1"].tolist() == net.run.history["l1"].tolist()


@pytest.mark.slow
def test_any_network_with_the_head_can_be_trained(tmp_path: Path) -> None:
    """On a backbone, and what it had learned before stays in its record."""
    image = keras.Input((32, 32, 3), name="image")
    x = keras.layers.Rescaling(1 / 255, name="preprocessing")(image)
    for level in (1, 2):
        x = keras.layers.Conv2D(8, 3, 2, padding="same", activation="relu", name=f"conv{level}")(x)
    net = ck.attach(ck.backbone(keras.Model(image, x, name="tiny")), ck.heads.translator(widths=(8, 8), finest=2))
    ck.fit(net, worlds.pairs(), ck.plans.probe(epochs=1), progress=False)
    ck.tasks.pix2pix(net, worlds.pairs(), epochs=1, width=4, batch_size=6, progress=False)
    assert net.run is not None
    assert net.run.history["phase"].tolist() == ["head", "pix2pix"]


@pytest.mark.slow
@pytest.mark.parametrize(("name", "step"), [("pix2pix", 7), ("cyclegan", 7)])
def test_a_killed_training_ends_with_the_same_weights(name: str, step: int, tmp_path: Path) -> None:
    """Killed in the third epoch of four, by a signal that nothing catches; then the same call again."""
    command = [sys.executable, "-m", "tests.tasks.worlds_of_pairs", name, str(tmp_path), str(step)]
    killed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert killed.returncode == -9, killed.stderr[-2000:]
    assert [folder.name for folder in tmp_path.iterdir()] == ["checkpoint-0002"]
    resumed = worlds.weights_of(worlds.TRAININGS[name](tmp_path))
    for after, weights in zip(resumed, worlds.weights_of(worlds.TRAININGS[name](None)), strict=True):
        np.testing.assert_array_equal(after, weights)


@pytest.mark.slow
def test_a_stop_in_the_first_epoch_changes_no_weight(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C before there is a checkpoint; then the same call for the same network, as a notebook makes it."""
    net = ck.tasks.unet_generator((32, 32), width=4, seed=1)
    arguments: dict[str, Any] = {"epochs": 1, "width": 4, "batch_size": 2, "progress": False}

    def stop(*_values: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(adversarial_training.Meter, "advance", stop)
        with pytest.raises(InterruptedTrainingError):
            ck.tasks.pix2pix(net, worlds.pairs(), resume=tmp_path, **arguments)
    ck.tasks.pix2pix(net, worlds.pairs(), resume=tmp_path, **arguments)
    other = ck.tasks.unet_generator((32, 32), width=4, seed=1)
    ck.tasks.pix2pix(other, worlds.pairs(), **arguments)
    for after, weights in zip(worlds.weights_of((net,)), worlds.weights_of((other,)), strict=True):
        np.testing.assert_array_equal(after, weights)


@pytest.mark.slow
def test_two_generators_learn_both_directions(tmp_path: Path) -> None:
    """There and back comes nearer to where it began; the sheet shows both kinds, three pictures each."""
    nets = worlds.cyclegan(None, epochs=60, rate=2e-3, pictures=tmp_path)
    assert nets[0].run is not None
    history = nets[0].run.history
    assert history["cycle"].iloc[-1] < history["cycle"].iloc[0] / 2
    assert cv2.imread(str(tmp_path / "epoch-0060.png")).shape == (4 * 32 + 3 * 4, 6 * 32 + 5 * 4, 3)
    assert nets[1].run is not None


def test_the_rate_falls_along_a_line() -> None:
    """Zhu et al., section 7.1: constant over 100 epochs, then to zero over 100."""
    course = Course(200, 1, 2e-4, 0.5, 0)
    assert [course.rate_at(epoch) for epoch in (0, 99, 100, 150, 199)] == pytest.approx([2e-4, 2e-4, 2e-4, 1e-4, 2e-6])
    assert Course(10, 1, 2e-4, 0.0, 0).rate_at(9) == 2e-4


def test_a_pool_gives_earlier_pictures_half_of_the_time() -> None:
    pool, chance = PicturePool("a", 2), np.random.default_rng(0)
    pictures = np.arange(400, dtype=np.float32).reshape(400, 1, 1, 1)
    given = [float(pool.exchanged(picture[None], chance)[0, 0, 0, 0]) for picture in pictures]
    assert given[:2] == [0, 1]
    assert np.mean(np.array(given[2:]) < np.arange(2, 400)) == pytest.approx(0.5, abs=0.1)
    assert pool.arrays()["pool a"].shape == (2, 1, 1, 1)
    assert PicturePool("a", 0).exchanged(pictures[:3], chance).ravel().tolist() == [0, 1, 2]


def test_what_cannot_train_is_refused(tmp_path: Path) -> None:
    photos = worlds.pairs()
    net = ck.tasks.unet_generator((32, 32), width=4)
    other = ck.tasks.unet_generator((64, 64), width=4)
    labels = ck.data.scenes(20, size=32)
    with pytest.raises(InputError, match="epochs"):
        ck.tasks.pix2pix(net, photos, epochs=0)
    with pytest.raises(InputError, match=r"a dataset of pairs of pictures. Received: str.*ck\.data\.pairs"):
        ck.tasks.pix2pix(net, "facades")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="crops of the size of the input, 64 × 64"):
        ck.tasks.pix2pix(ck.tasks.resnet_generator((64, 64), width=4, blocks=1), photos, augment=CROP)
    with pytest.raises(DataError, match="pictures as truth"):
        ck.tasks.pix2pix(net, labels)
    with pytest.raises(InputError, match=r"ck\.heads\.translator"):
        ck.tasks.pix2pix(ck.attach(net.backbone, ck.heads.classifier(["a", "b"])), photos)
    with pytest.raises(InputError, match="one size"):
        ck.tasks.cyclegan(net, other, photos.train, photos.train)
    with pytest.raises(InputError, match="twice"):
        ck.tasks.cyclegan(net, net, photos.train, photos.train)
    again = replace(net, model=keras.models.clone_model(net.model))
    with pytest.raises(InputError, match="a source of pictures"):
        ck.tasks.cyclegan(net, again, photos, photos.train)  # type: ignore[arg-type]
    with pytest.raises(DataError, match="both kinds"):
        ck.tasks.cyclegan(net, again, photos.train, photos.test)
    steps = tmp_path / "steps"
    ck.tasks.pix2pix(net, photos, epochs=1, width=4, batch_size=6, resume=steps, progress=False)
    with pytest.raises(InputError, match="the same weight"):
        ck.tasks.pix2pix(net, photos, epochs=1, width=4, batch_size=6, weight=10, resume=steps, progress=False)
    before = worlds.weights_of((net,))
    for epochs in (1, 2):  # in one step the loss is finite and the weights are not
        with pytest.raises(DataError, match="finite losses and weights in pix2pix"):
            ck.tasks.pix2pix(net, photos, epochs=epochs, width=4, batch_size=6, weight=1e30, rate=1e39, progress=False)
        for after, weights in zip(worlds.weights_of((net,)), before, strict=True):
            np.testing.assert_array_equal(after, weights)
