"""Pairs of small pictures, and trainings of networks against each other that a test may kill.

    python -m tests.tasks.worlds_of_pairs NAME FOLDER STEP

trains in a folder and kills itself at a step.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

import cnnkit as ck
from cnnkit.tasks import adversarial_training

SIDE = 32
EPOCHS = 4


def pairs(count: int = 6) -> ck.data.Dataset:
    """Pictures of one colour with a bright half, and their negatives."""
    chance = np.random.default_rng(5)
    images = np.repeat(chance.integers(0, 128, (count, 1, 1, 3)), SIDE, axis=1).repeat(SIDE, axis=2).astype(np.uint8)
    images[:, : SIDE // 2] += 90
    source = ck.data.arrays(images, np.arange(count) % 2, classes=("a", "b"), split=(1, 0, 0)).train
    truth = ck.data.targets.Pictures.of_arrays(255 - images)
    nothing = ck.data.Source.empty(truth)
    return ck.data.Dataset((), replace(source, targets=truth), nothing, nothing)


def pix2pix(folder: Path | None, **settings: Any) -> tuple[ck.Network, ...]:
    """A small generator after its training."""
    net = ck.tasks.unet_generator((SIDE, SIDE), width=4, seed=1)
    augment = ck.data.Augmentation(horizontal_flip=True, width_shift=0.1)
    arguments: dict[str, Any] = {"epochs": EPOCHS, "width": 4, "batch_size": 2, "augment": augment, "progress": False}
    ck.tasks.pix2pix(net, pairs(), resume=folder, **arguments | settings)
    return (net,)


def cyclegan(folder: Path | None, **settings: Any) -> tuple[ck.Network, ...]:
    """Two small generators after their training."""
    nets = tuple(ck.tasks.resnet_generator((SIDE, SIDE), width=4, blocks=1, seed=seed) for seed in (1, 2))
    photos = pairs()
    arguments: dict[str, Any] = {"epochs": EPOCHS, "width": 4, "batch_size": 2, "pool": 3, "progress": False}
    ck.tasks.cyclegan(
        *nets, photos.train, ck.data.swapped(photos).train.take(range(5)), resume=folder, **arguments | settings
    )
    return nets


TRAININGS: dict[str, Callable[..., tuple[ck.Network, ...]]] = {"pix2pix": pix2pix, "cyclegan": cyclegan}


def killed_at(step: int) -> None:
    """Ends this process without a word at a step of any training, counted from 0."""
    inner, done = adversarial_training.Meter.advance, 0

    def advance(self: Any, *values: Any) -> None:
        nonlocal done
        if done == step:
            os.kill(os.getpid(), signal.SIGKILL)
        done += 1
        inner(self, *values)

    adversarial_training.Meter.advance = advance  # type: ignore[method-assign]  # in a process of its own


def weights_of(networks: tuple[ck.Network, ...]) -> list[np.ndarray]:
    """All weights, with the state of random layers."""
    return [np.asarray(variable.numpy()) for network in networks for variable in network.model.variables]


if __name__ == "__main__":
    killed_at(int(sys.argv[3]))
    TRAININGS[sys.argv[1]](Path(sys.argv[2]))
