"""Prediction window by window and of mirrored pictures, by the definition: the outputs of the network for each."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import Any

import cv2
import keras
import numpy as np
import pytest
from PIL import Image

import cnnkit as ck
from cnnkit.errors import InputError

CLASSES = ("ground", "thing", "sky")
SIZE = (32, 48)


def body() -> keras.Model:
    """Five convolutions of stride 2."""
    x = image = keras.Input((*SIZE, 3))
    x = keras.layers.Rescaling(1 / 127.5, -1)(x)
    for level in range(1, 6):
        initial = keras.initializers.HeNormal(seed=level)
        x = keras.layers.Conv2D(6, 3, 2, "same", activation="relu", kernel_initializer=initial, name=f"level{level}")(x)
    return keras.Model(image, x)


@cache
def network(kind: str = "masks") -> ck.Network:
    heads: dict[str, Callable[[], Any]] = {
        "masks": lambda: ck.heads.unet(CLASSES, widths=(8, 8, 8), seed=2),
        "labels": lambda: ck.heads.classifier(["one", "two"]),
    }
    return ck.attach(body(), heads[kind](), framing=ck.data.Framing("squash"))


def logits(images: Any) -> np.ndarray:
    return np.asarray(network().model(np.asarray(images, np.float32), training=False))


def enlarged(values: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    return np.asarray(cv2.resize(values, size[::-1], interpolation=cv2.INTER_LINEAR))


def masks_of(table: Any) -> list[np.ndarray]:
    return [np.asarray(Image.open(io.BytesIO(png))) for png in table["mask"]]


def picture(height: int, width: int, seed: int = 0) -> np.ndarray:
    noise = np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)
    return np.asarray(cv2.GaussianBlur(noise, (0, 0), 3), np.uint8)


def agree(found: np.ndarray, values: np.ndarray) -> None:
    """Classes are those of the largest value, but where two are as good as equal."""
    ranked = np.sort(values, axis=-1)
    sure = ranked[..., -1] - ranked[..., -2] > 1e-4
    assert sure.mean() > 0.9
    assert (found == values.argmax(axis=-1))[sure].all()


def test_flip_averages_the_mirrored_picture() -> None:
    image = picture(*SIZE)
    mean = (logits(image[None])[0] + logits(image[None, :, ::-1])[0, :, ::-1]) / 2
    agree(masks_of(ck.predict(network(), image, flip=True))[0], enlarged(mean, SIZE))


def test_flip_of_labels_averages_probabilities() -> None:
    images, net = np.stack([picture(*SIZE, seed) for seed in range(3)]), network("labels")
    table = ck.predict(net, images, flip=True)
    both = [ck.predict(net, np.ascontiguousarray(some))["two"] for some in (images, images[:, :, ::-1])]
    np.testing.assert_allclose(table["two"], (both[0] + both[1]) / 2, atol=1e-6)


def test_one_window_of_the_photograph_is_the_photograph() -> None:
    image = picture(*SIZE)
    windowed, framed = (masks_of(ck.predict(network(), image, window=window))[0] for window in (True, None))
    assert (windowed == framed).all()


@pytest.mark.parametrize("flip", [False, True])
def test_windows_are_joined_in_the_size_of_the_photograph(flip: bool) -> None:
    """Two windows above each other and three beside: every pixel from its own definition."""
    image, overlap = picture(50, 100), 0.25
    total, weights = np.zeros((50, 100, 3)), np.zeros((50, 100, 1))
    rise = [np.minimum(np.minimum(np.arange(n) + 0.5, n - np.arange(n) - 0.5) / (n * overlap), 1) for n in SIZE]
    weight = np.outer(*rise)[..., None]
    for top in (0, 18):
        for left in (0, 26, 52):
            part = image[None, top : top + 32, left : left + 48]
            values = logits(part)[0]
            if flip:
                values = (values + logits(part[:, :, ::-1])[0, :, ::-1]) / 2
            total[top : top + 32, left : left + 48] += weight * enlarged(values, SIZE)
            weights[top : top + 32, left : left + 48] += weight
    table = ck.predict(network(), [image, picture(33, 49)], window=True, overlap=overlap, flip=flip, batch_size=4)
    first, second = masks_of(table)
    assert second.shape == (33, 49)
    agree(first, total / weights)


def test_windows_larger_than_the_input_are_scaled() -> None:
    image = picture(64, 96)
    half = np.asarray(Image.fromarray(image).resize((48, 32), Image.Resampling.BILINEAR))
    agree(masks_of(ck.predict(network(), image, window=(64, 96)))[0], enlarged(logits(half[None])[0], (64, 96)))


def test_small_photographs_are_seen_with_mirrored_borders() -> None:
    image = picture(30, 48)
    whole = enlarged(logits(image[None, [0, *range(30), 29]])[0], SIZE)
    agree(masks_of(ck.predict(network(), image, window=True))[0], whole[1:31])


def test_evaluate_scores_what_predict_says() -> None:
    images = [picture(40, 70, seed) for seed in range(3)]
    truth = [np.random.default_rng(seed).integers(0, 3, (40, 70)).astype(np.uint8) for seed in range(3)]
    reader = ck.data.as_source(images).reader
    source = ck.data.Source(tuple("abc"), ck.data.targets.Masks.of_arrays(CLASSES, truth), reader, np.arange(3))
    for options in ({"window": True}, {"flip": True}, {"window": (40, 60), "overlap": 0.5, "flip": True}):
        predicted = masks_of(ck.predict(network(), source, **options))
        result = ck.evaluate(network(), source, **options)
        right = np.mean([(one == other).mean() for one, other in zip(predicted, truth, strict=True)])
        assert result["pixel_accuracy"] == pytest.approx(right)
        assert np.isfinite(result["loss"])


@pytest.mark.parametrize("options", [{"window": True}, {"window": (8, 8)}])
def test_labels_have_no_windows(options: dict[str, Any]) -> None:
    with pytest.raises(InputError, match="head of labels"):
        ck.predict(network("labels"), picture(*SIZE), **options)


class Own:
    """A head of a user's own, with the protocol and nothing else."""

    def __init__(self, head: Any) -> None:
        for name in ("names", "target", "taps", "build", "encode", "loss", "weights", "decode", "score", "settings"):
            setattr(self, name, getattr(head, name))


@pytest.mark.parametrize("options", [{"flip": True}, {"window": True}])
def test_what_has_no_mean_is_refused(options: dict[str, Any]) -> None:
    net = replace(network(), head=Own(network().head))
    with pytest.raises(InputError, match=f"{next(iter(options))}=True with a head of masks"):
        ck.predict(net, picture(*SIZE), **options)


@pytest.mark.parametrize(
    "options", [{"window": (0, 3)}, {"window": "all"}, {"overlap": 1, "window": True}, {"flip": 2}]
)
def test_wrong_arguments_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(InputError):
        ck.predict(network(), picture(*SIZE), **options)
