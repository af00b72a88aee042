"""`ck.predictor` says of one picture what `ck.predict` says, from any thread, with the weights of its start."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import keras
import numpy as np
import pandas as pd
import pytest
from PIL import Image

import cnnkit as ck
from cnnkit.errors import DataError, InputError, UnknownNameError

SHAPES = {"the input's size": (64, 64), "wide": (48, 100), "high": (150, 70)}
HEADS = {
    "labels": lambda: ck.heads.classifier(["ant", "bee", "cat"]),
    "tags": lambda: ck.heads.classifier(["ant", "bee"], multi_label=True),
    "boxes": lambda: ck.heads.fcos(("ball", "bag"), width=8),
    "masks": lambda: ck.heads.fcn(("ground", "sky"), stride=16),
}


def network(kind: str = "labels") -> ck.Network:
    keras.utils.set_random_seed(3)
    image = keras.Input((64, 64, 3), name="image")
    x = keras.layers.Rescaling(1 / 127.5, offset=-1.0, name="preprocessing")(image)
    for level in range(1, 6):
        x = keras.layers.Conv2D(8, 3, 2, padding="same", activation="relu", name=f"conv{level}")(x)
    return ck.attach(ck.backbone(keras.Model(image, x, name="tiny")), HEADS[kind]())


def frame(shape: tuple[int, int], seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (*shape, 3), dtype=np.uint8)


@pytest.mark.parametrize("kind", HEADS)
def test_it_says_what_predict_says(kind: str, tmp_path) -> None:
    net = network(kind)
    look = ck.predictor(net)
    for shape in SHAPES.values():
        pixels = frame(shape)
        path = tmp_path / f"{shape}.png"
        Image.fromarray(pixels).save(path)
        for picture in (pixels, pixels.astype(np.float64), Image.fromarray(pixels), path):
            pd.testing.assert_frame_equal(look(picture), ck.predict(net, picture), atol=1e-6, rtol=1e-5)


def test_threads_get_the_answers_of_their_own_pictures() -> None:
    look = ck.predictor(network())
    frames = [frame((64, 64), seed) for seed in range(40)]
    expected = [look(picture)["bee"][0] for picture in frames]
    assert len(set(expected)) == len(frames)
    with ThreadPoolExecutor(8) as pool:
        assert [table["bee"][0] for table in pool.map(look, frames)] == expected


def test_weights_written_later_are_those_of_another_predictor() -> None:
    net = network()
    look, pixels = ck.predictor(net), frame((64, 64))
    before = look(pixels)
    net.model.layers[-1].bias.assign([5.0, 0.0, 0.0])
    pd.testing.assert_frame_equal(look(pixels), before)
    assert not np.allclose(ck.predictor(net)(pixels)["ant"], before["ant"])


def test_what_is_no_picture_or_no_network() -> None:
    net = network()
    look = ck.predictor(net)
    with pytest.raises(InputError, match=r"one picture. Received: 2.*ck\.predict"):
        look(frame((2, 64, 64)))
    with pytest.raises(DataError, match="divided by 255"):
        look(frame((64, 64)) / 255)
    with pytest.raises(InputError, match=r"ck\.attach"):
        ck.predictor(net.model)
    with pytest.raises(UnknownNameError, match="an engine"):
        ck.predictor(net, engine="tensorflw")
    net.model.layers[-1].bias.assign([np.nan, 0.0, 0.0])
    with pytest.raises(InputError, match="finite weights"):
        ck.predictor(net)
