"""SqueezeNet with the weights that its authors trained."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest

import cnnkit as ck
from cnnkit.tasks.nano import probe

FILE = "squeezenet_weights_tf_dim_ordering_tf_kernels_notop.h5"
SIDE = 224


@pytest.fixture
def authentic(shared: Path) -> Path:
    return shared / "weights" / FILE


def test_each_layer_has_the_weights_of_its_name(authentic: Path) -> None:
    model = ck.zoo.squeezenet1_1(input_shape=(64, 64, 3), classes=None, weights=authentic)
    with h5py.File(authentic) as file:
        for layer in (layer for layer in model.layers if layer.weights):
            found: dict[str, np.ndarray] = {}
            file[layer.name.replace("_", "/")].visititems(
                lambda name, item, found=found: (
                    found.update({name.rpartition("/")[2]: np.array(item)}) if isinstance(item, h5py.Dataset) else None
                )
            )
            kernel = found["kernel:0"][:, :, ::-1] if layer.name == "conv1" else found["kernel:0"]  # BGR there
            np.testing.assert_array_equal(layer.kernel.numpy(), kernel)
            np.testing.assert_array_equal(layer.bias.numpy(), found["bias:0"])


def test_a_file_of_ones_own_is_taken_as_it_is(tmp_path: Path) -> None:
    model = ck.zoo.squeezenet1_1(input_shape=(32, 32, 3), classes=3)
    model.save_weights(tmp_path / "mine.weights.h5")
    again = ck.zoo.squeezenet1_1(input_shape=(32, 32, 3), classes=3, weights=tmp_path / "mine.weights.h5")
    for mine, read in zip(model.get_weights(), again.get_weights(), strict=True):
        np.testing.assert_array_equal(mine, read)


def test_ants_and_bees(authentic: Path, shared: Path) -> None:
    """0.882; with red and blue exchanged 0.863, with random weights 0.63."""
    model = ck.zoo.squeezenet1_1(input_shape=(SIDE, SIDE, 3), classes=None, weights=authentic)
    assert probe.accuracy_on_ants_bees(ck.backbone(model), shared / "data") >= 0.85


def test_as_a_backbone_it_finds_the_published_file(keras_home: Path) -> None:
    body = ck.backbone("squeezenet1_1", input_shape=(96, 96, 3), cut="fire5")
    assert (body.settings.weights, body.settings.weights_file) == ("imagenet", FILE)
    direct = ck.zoo.squeezenet1_1(input_shape=(96, 96, 3), classes=None, weights=keras_home / "models" / FILE)
    images = np.random.default_rng(8).integers(0, 256, (1, 96, 96, 3)).astype("float32")
    expected = ck.truncate(direct, "fire5").predict(images, verbose=0)
    np.testing.assert_array_equal(body.model.predict(images, verbose=0), expected)
