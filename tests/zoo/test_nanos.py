"""nano: its size, its names, its files, and what its frozen features are worth on photographs it never saw."""

from __future__ import annotations

import json
from pathlib import Path

import keras
import numpy as np
import pytest

import cnnkit as ck
from cnnkit.errors import InputError, WeightsError
from cnnkit.tasks.nano import probe
from cnnkit.zoo.nanos import WEIGHTS, nano

ANTS_BEES_FLOOR = 0.76  # nano.md has the number reached; a picture of 153 is .0065
SIDE = 160  # pixels of the probe; nano.md has 96 and 128 beside it


@pytest.fixture(scope="module")
def shipped() -> keras.Model:
    return nano()


@pytest.fixture
def images() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (2, 96, 96, 3)).astype("float32")


def test_a_million_parameters_and_four_megabytes_at_most(shipped: keras.Model) -> None:
    assert shipped.count_params() <= 1_000_000
    assert WEIGHTS.stat().st_size <= 4_000_000


def test_the_output_is_the_last_map(shipped: keras.Model) -> None:
    assert shipped.output_shape == (None, 3, 3, 512)
    assert not any(isinstance(layer, keras.Model) for layer in shipped.layers)


def test_names_are_those_of_the_paper_and_the_same_in_every_build(shipped: keras.Model) -> None:
    names = [layer.name for layer in shipped.layers]
    assert names == [layer.name for layer in nano(weights=None).layers]
    assert names[:5] == ["image", "rescaling", "stem_conv", "stem_bn", "stem_relu"]
    assert {"block1_expand_conv", "block4_depthwise_conv", "block8_add", "top_relu"} <= set(names)


@pytest.mark.parametrize("side", [32, 97, 160])
def test_any_side_from_32_on(side: int) -> None:
    images = np.zeros((1, side, side, 3), "float32")
    assert nano(input_shape=(None, None, 3))(images).shape[1:3] == (-(-side // 32),) * 2


@pytest.mark.parametrize("shape", [(31, 96, 3), (96, 96, 1), (96, 96), 96])
def test_shapes_that_do_not_fit_are_refused(shape: tuple[int, ...] | int) -> None:
    with pytest.raises(InputError, match="32 times smaller"):
        nano(input_shape=shape)  # type: ignore[arg-type]


def test_a_missing_weights_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="absent"):
        nano(weights=tmp_path / "absent.weights.h5")


def test_it_takes_raw_pixels(shipped: keras.Model, images: np.ndarray) -> None:
    rescaling = shipped.get_layer("rescaling")
    assert isinstance(rescaling, keras.layers.Rescaling)
    scaled = np.asarray(rescaling(images))
    assert (scaled.min(), scaled.max()) == pytest.approx((-1, 1), abs=1e-6)


def test_plain_keras_reads_it_back_exactly(shipped: keras.Model, images: np.ndarray, tmp_path: Path) -> None:
    text = shipped.to_json()
    assert "cnnkit" not in text
    shipped.save_weights(tmp_path / "x.weights.h5")
    again = keras.models.model_from_json(text)
    for file in (tmp_path / "x.weights.h5", WEIGHTS):
        again.load_weights(file)
        np.testing.assert_array_equal(np.asarray(again(images)), np.asarray(shipped(images)))
    assert json.loads(text)["config"]["name"] == "nano"


def test_shipped_weights_are_trained(shipped: keras.Model) -> None:
    random = nano(weights=None)
    for layer in shipped.layers:
        for trained, first in zip(layer.weights, random.get_layer(layer.name).weights, strict=True):
            assert np.isfinite(np.asarray(trained)).all()
            assert not np.array_equal(np.asarray(trained), np.asarray(first)), trained.path


def test_ants_and_bees(shared: Path) -> None:
    body = ck.backbone("nano", input_shape=(SIDE, SIDE, 3))
    assert probe.accuracy_on_ants_bees(body, shared / "data") >= ANTS_BEES_FLOOR
