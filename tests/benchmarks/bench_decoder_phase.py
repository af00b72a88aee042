"""A decoder of masks, and a detector, on a frozen backbone: plain Keras `fit` against `ck.fit` with kept features.

    python tests/benchmarks/bench_decoder_phase.py --pictures 16 --rounds 1

Both train the same network, the same layers from the same weights, for ten epochs on noise pictures of 352 × 480 in
memory, with Adam at batch size 8 and cross-entropy alone. Plain Keras runs the frozen backbone in every epoch. Its loss
is taken at the size of the picture, as is usual, logits enlarged eight times (four times behind a U-Net); a second peer
takes it at the stride of the logits, as cnnkit's heads do. The rounds are interleaved: the peers, cnnkit with an empty
cache, then cnnkit with another head on the features that are now kept. Times are processor seconds of all threads,
compiling included, building the networks not: the load of the machine counts little.

A detector is FCOS on drawn scenes of its size. Plain Keras gets the same pictures and the encoded boxes as arrays, and
the same loss, in a `keras.Model` whose `compute_loss` calls it.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import harness
import keras
import numpy as np
from numpy.typing import NDArray

import cnnkit as ck
from cnnkit.data.targets import Masks
from cnnkit.transfer.cache_choice import FeatureCache

BATCH_SIZE, RATE = 8, 1e-3
CLASSES = tuple(f"class {number}" for number in range(11))
FULL, SAME, BOXES = "Keras, loss at full size", "Keras, loss at the logits", "Keras"
FIRST, NEXT = "first run", "another head"


@dataclass(frozen=True)
class Case:
    """A backbone and a decoder.

    Attributes:
        backbone: Its name.
        alpha: Its width, where it has one.
        head: Makes the head of classes and a seed.
        bars: Peer → the ratios to reach in the first run and with another head; a peer without bars is not run.
        size: Of the input.
        pictures: How many of what `--pictures` says are one: a detector sees more and smaller ones.
    """

    backbone: str
    alpha: float | None
    head: Callable[..., Any]
    bars: dict[str, tuple[float | None, float | None]]
    size: tuple[int, int] = (352, 480)
    pictures: int = 1

    @property
    def source(self) -> Callable[[int], ck.data.Source]:
        """Makes so many examples."""
        return partial(scenes, self.size[0]) if BOXES in self.bars else noise


CASES = {
    "ResNet50, FCN": Case("resnet50", None, ck.heads.fcn, {FULL: (5, 10), SAME: (3.5, 5)}),
    "MobileNet .75, U-Net": Case("mobilenet", 0.75, ck.heads.unet, {FULL: (1.4, None)}),
    "nano, FCOS at 160²": Case("nano", None, ck.heads.fcos, {BOXES: (None, 1.4)}, (160, 160), 8),
    "MobileNet .75, FCOS at 224²": Case("mobilenet", 0.75, ck.heads.fcos, {BOXES: (None, 2.2)}, (224, 224), 4),
    "ResNet50, FCOS at 160²": Case("resnet50", None, ck.heads.fcos, {BOXES: (None, 4)}, (160, 160), 4),
}


def noise(count: int) -> ck.data.Source:
    """Pictures (count, 352, 480, 3) with masks, in memory."""
    random = np.random.default_rng(0)
    cells = (count, 352 // 16, 480 // 16)
    coarse = random.integers(0, 256, (*cells, 3), np.uint8), random.integers(0, len(CLASSES), cells, np.uint8)
    pictures, masks = (part.repeat(16, axis=1).repeat(16, axis=2) for part in coarse)
    return in_memory(pictures, Masks.of_arrays(CLASSES, masks))


def scenes(side: int, count: int) -> ck.data.Source:
    """Drawn scenes with boxes, in memory."""
    drawn = ck.data.scenes(2 * count, seed=11, size=side, target="boxes").train.take(range(count))
    return in_memory(np.stack([drawn.image(index) for index in range(count)]), drawn.targets)


def in_memory(pictures: NDArray[np.uint8], truth: Any) -> ck.data.Source:
    """A source of arrays and their truth."""
    images = ck.data.arrays(pictures, np.arange(len(pictures)) % 2, split=(1, 0, 0)).train
    return replace(images, targets=truth.take(images.positions))


def network(case: Case, train: ck.data.Source, seed: int) -> ck.Network:
    """The backbone with random weights, and a head that begins with others for each seed."""
    body = ck.backbone(case.backbone, alpha=case.alpha, weights=None, input_shape=(*case.size, 3), seed=0)
    settings = {} if BOXES in case.bars else {"dice_weight": 0}
    return ck.attach(body, case.head(train.names, seed=seed, **settings), framing=ck.data.Framing("squash"))


class Detecting(keras.Model):
    """A network in plain Keras whose loss is that of a head."""

    def __init__(self, net: ck.Network) -> None:
        super().__init__(net.model.inputs, net.model.output)
        self._head = net.head

    def compute_loss(self, x: Any = None, y: Any = None, y_pred: Any = None, *unused: Any, **of_keras: Any) -> Any:
        """The mean over the pictures."""
        return keras.ops.mean(self._head.loss(y, y_pred))


def in_keras(case: Case, train: ck.data.Source, epochs: int, *, peer: str) -> Callable[[], float]:
    """Plain Keras, ready to run."""
    net = network(case, train, 0)
    of_backbone = {layer.name for layer in net.backbone.model.layers}
    for layer in net.model.layers:
        layer.trainable = layer.name not in of_backbone
    pictures = np.stack([train.image(index) for index in range(len(train))])
    truth: Any = net.head.encode(train.targets, case.size)
    loss: Any = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    if peer == BOXES:
        model, loss = Detecting(net), None
    else:
        logits = net.model.output
        stride = case.size[0] // logits.shape[1]
        truth = np.stack([train.targets.mask(index) for index in range(len(train))])
        if peer == FULL:
            logits = keras.layers.UpSampling2D(stride, interpolation="bilinear")(logits)
        else:
            truth = truth[:, stride // 2 :: stride, stride // 2 :: stride]
        model = keras.Model(net.model.input, logits)

    def run() -> float:
        started = time.process_time()
        model.compile(keras.optimizers.Adam(RATE), loss, jit_compile=False)
        model.fit(pictures, truth, batch_size=BATCH_SIZE, epochs=epochs, verbose=0)
        return time.process_time() - started

    return run


def in_cnnkit(case: Case, train: ck.data.Source, epochs: int, *, seed: int, cache: Path) -> Callable[[], float]:
    """The same with cnnkit, ready to run."""
    net = network(case, train, seed)
    photos = ck.data.Dataset(train.names, train, train.take([]), train.take([]))
    plan = ck.Plan([ck.Phase("head", epochs=epochs, rate=RATE)])

    def run() -> float:
        started = time.process_time()
        kept = FeatureCache("disk", folder=cache)
        ck.fit(net, photos, plan, cache=kept, batch_size=BATCH_SIZE, progress=False)
        return time.process_time() - started

    return run


def bench(name: str, case: Case, arguments: argparse.Namespace) -> list[harness.Row]:
    """The rows of one case."""
    given = case.source(case.pictures * arguments.pictures)
    found: dict[str, list[float]] = {}
    for _ in range(arguments.rounds):
        keras.backend.clear_session()
        with tempfile.TemporaryDirectory() as folder:
            ours = partial(in_cnnkit, case, given, arguments.epochs, cache=Path(folder))
            runs = {peer: in_keras(case, given, arguments.epochs, peer=peer) for peer in case.bars}
            runs |= {FIRST: ours(seed=0), NEXT: ours(seed=1)}
            for run, values in harness.interleaved(1, runs).items():
                found.setdefault(run, []).extend(values)
    table = []
    for peer, (first, other) in case.bars.items():
        three = {run: found[run] for run in (peer, FIRST, NEXT)}
        table += harness.rows(name, three, peer=peer, bars={FIRST: first, NEXT: other})
    return table


def main() -> None:
    """Runs the rounds and prints a table, or JSON."""
    parser = harness.options(__doc__, pictures=16, epochs=10)
    parser.set_defaults(rounds=1)
    parser.add_argument("--cases", nargs="+", choices=list(CASES), default=list(CASES))
    arguments = parser.parse_args()
    started = harness.machine()
    table = []
    for name in arguments.cases:
        harness.say(name)
        table += bench(name, CASES[name], arguments)
    harness.report("decoder_phase", table, started=started, arguments=arguments)


if __name__ == "__main__":
    main()
