"""Values of a wrong type or size, for every argument of every figure that needs no training: refused in words."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import cnnkit as ck
from cnnkit.errors import CnnkitError, InputError
from cnnkit.visualize.figure_arguments import ARGUMENTS
from tests.visualize.small_networks import network

v = ck.visualize
PHOTO = np.random.default_rng(0).integers(0, 256, (16, 16, 3), dtype=np.uint8)
GRID, KERNEL = np.arange(25).reshape(5, 5), np.ones((3, 3))
GENTLE = ck.data.Augmentation.gentle()
WRONG = (None, "x", -1, 1.5, [], {}, object())
SMALL = {"settings": v.DreamSettings(steps=1, octaves=1), "progress": False}


@cache
def net() -> ck.Network:
    return network(["no", "yes"])


@cache
def source() -> ck.data.Source:
    return ck.data.arrays(np.stack([PHOTO] * 4), [0, 1, 0, 1], split=(1, 0, 0)).train


@cache
def labelled() -> pd.DataFrame:
    """What `ck.predict` would say of the source."""
    names = source().classes
    return pd.DataFrame({"id": list(source().ids), "label": names[0]} | dict.fromkeys(names, 0.5))


# Function and argument → how it is given, and which of the wrong values it takes after all.
ROWS: dict[str, tuple[Callable[[Any], object], tuple[Any, ...]]] = {
    "pictures, images": (v.pictures, ()),
    "pictures, count": (lambda x: v.pictures(source(), count=x), ()),
    "pictures, columns": (lambda x: v.pictures([PHOTO], columns=x), (None,)),
    "pictures, titles": (lambda x: v.pictures([PHOTO], x), ([],)),
    "pictures, colours": (lambda x: v.pictures([PHOTO], ["a"], colours=x), ([],)),
    "pictures, seed": (lambda x: v.pictures(source(), seed=x), ()),
    "predictions, source": (lambda x: v.predictions(x, labelled()), ()),
    "predictions, table": (lambda x: v.predictions(source(), x), ()),
    "predictions, count": (lambda x: v.predictions(source(), labelled(), count=x), ()),
    "predictions, seed": (lambda x: v.predictions(source(), labelled(), seed=x), ()),
    "pixel_confusion, source": (lambda x: v.pixel_confusion(x, labelled()), ()),
    "pixel_confusion, table": (lambda x: v.pixel_confusion(source(), x), ()),
    "class_scores, scores": (v.class_scores, ()),
    "class_scores, score": (lambda x: v.class_scores({"iou/cat": 0.5}, score=x), (None,)),
    "costs, table": (v.costs, ()),
    "costs, rows": (lambda x: v.costs(net(), rows=x), ()),
    "architecture, drawn": (v.architecture, ()),
    "architecture, detail": (lambda x: v.architecture(net(), detail=x), ()),
    "block, from": (lambda x: v.block(net(), x, "conv2"), ()),
    "convolution, step": (lambda x: v.convolution(GRID, KERNEL, step=x), (None,)),
    "convolution, image": (lambda x: v.convolution(x, KERNEL), ()),
    "convolution, stride": (lambda x: v.convolution(GRID, KERNEL, stride=x), ()),
    "convolution, decimals": (lambda x: v.convolution(GRID, KERNEL, decimals=x), ()),
    "convolution film, seconds": (lambda x: v.convolution_animation(GRID, KERNEL, seconds=x), (1.5,)),
    "pooling, size": (lambda x: v.pooling(GRID, x), ()),
    "pooling, kind": (lambda x: v.pooling(GRID, 2, kind=x), ()),
    "animation, images": (v.animation, ()),
    "animation, seconds": (lambda x: v.animation([PHOTO], seconds=x), (1.5,)),
    "animation, most": (lambda x: v.animation([PHOTO], most=x), ()),
    "animation, title": (lambda x: v.animation([PHOTO], title=x), ("x",)),
    "augmentations, images": (lambda x: v.augmentations(x, GENTLE), ()),
    "augmentations, augment": (lambda x: v.augmentations(PHOTO, x), ()),
    "augmentations, views": (lambda x: v.augmentations(PHOTO, GENTLE, views=x), ()),
    "augmentations, seed": (lambda x: v.augmentations(PHOTO, GENTLE, seed=x), ()),
    "rates, found": (v.rates, ()),
    "curves, run": (v.curves, ()),
    "comparison, scores": (v.comparison, ()),
    "comparison, a score": (lambda x: v.comparison({"a": x}), ()),
    "speeds, table": (v.speeds, ()),
    "directions, panels": (lambda x: v.directions(x, [0, 1]), ()),
    "directions, vectors": (lambda x: v.directions({"a": x}, [0, 1]), ()),
    "directions, labels": (lambda x: v.directions({"a": np.eye(2)}, x), ()),
    "accuracy_against_time, table": (v.accuracy_against_time, ()),
    "filters, layer": (lambda x: v.filters(net(), x), (None,)),
    "filters, count": (lambda x: v.filters(net(), count=x), ()),
    "receptive_field, layers": (lambda x: v.receptive_field(net(), x, PHOTO), ()),
    "receptive_field, position": (lambda x: v.receptive_field(net(), "conv2", PHOTO, x), (None,)),
    "dream, channel": (lambda x: v.dream(net(), "conv2", PHOTO, channel=x, **SMALL), (None,)),
    "dream, size": (lambda x: v.dream(net(), "conv2", PHOTO, channel=1, size=x, **SMALL), (None,)),
    "dream, settings": (lambda x: v.dream(net(), "conv2", PHOTO, channel=1, settings=x, progress=False), (None,)),
    "dreams, channels": (lambda x: v.dreams(net(), "conv2", channels=x, **SMALL), ()),
    "save, figure": (lambda x: v.save(x, "nowhere.png"), ()),
    "save, path": (lambda x: v.save(v.comparison({"a": 0.5}), x), ()),
    "save_animation, film": (lambda x: v.save_animation(x, "nowhere.gif"), ()),
    "photograph, name": (ck.data.photograph, ()),
}


@pytest.mark.parametrize("row", ROWS)
def test_wrong_values_are_refused_in_words(row: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    call, fine = ROWS[row]
    for value in WRONG:
        if any(value is one or (type(value) is type(one) and value == one) for one in fine):
            continue
        with pytest.raises(CnnkitError) as caught:
            call(value)
        assert caught.value.remedy, f"{row} = {value!r}"
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("argument", ARGUMENTS, ids=lambda argument: argument.name)
def test_no_row_takes_an_object(argument: Any) -> None:
    assert not argument.fine(object())
    assert argument.expected != argument.remedy


def test_true_is_no_number() -> None:
    with pytest.raises(InputError, match="count=True, bool"):
        v.pictures(source(), count=True)
