"""People to tell apart: each is a colour, each picture another brightness and other noise."""

from __future__ import annotations

import numpy as np

import cnnkit as ck
from tests.transfer.worlds import SIZE, residual


def people(count: int, shots: int, seed: int = 0, *, split: tuple[int, int] | None = None) -> ck.data.Dataset:
    """`shots` pictures of each of `count` people.

    Args:
        count: How many.
        shots: Pictures of each.
        seed: Which people.
        split: The first so many people are to train on, as many after them to validate by, the rest to test on; None
            for all to train on.
    """
    random = np.random.default_rng(seed)
    colours = random.uniform(40, 200, (count, 1, 1, 1, 3))
    light = random.uniform(0.4, 1.2, (count, shots, 1, 1, 1))
    noise = random.normal(0, 12, (count, shots, SIZE, SIZE, 3))
    images = np.clip(colours * light + noise, 0, 255).astype(np.uint8).reshape(-1, SIZE, SIZE, 3)
    labels = np.arange(count).repeat(shots)
    names = [f"p{number}" for number in range(count)]
    whole = ck.data.arrays(images, labels, classes=names, split=(1, 0, 0)).train
    train, validation = split or (count, 0)
    parts = [
        whole.take((labels >= first) & (labels < last))
        for first, last in ((0, train), (train, train + validation), (train + validation, count))
    ]
    return ck.data.Dataset(tuple(names), *parts)


def network(source: ck.data.Source, **settings) -> ck.Network:
    """A body that has learned nothing, the same at every call, with an embedding."""
    import keras

    keras.utils.set_random_seed(4)
    head = ck.heads.embedding(source, **{"size": 6} | settings)
    return ck.attach(ck.backbone(residual(), preprocessing="inside"), head)
