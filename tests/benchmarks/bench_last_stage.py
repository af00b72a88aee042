"""Fine-tuning the last stage, seconds an epoch: features kept at the boundary against the same flags without.

    python tests/benchmarks/bench_last_stage.py --pictures 128 --rounds 5

The peer is cnnkit too, so that nothing but the cache differs: the trained weights are the same. Its frozen part runs
as a folded graph in both; `model.fit` with the same flags, which has neither, is the third line. Pictures of 224² are
in memory, weights=None, batch size 32. The first epoch of each run, which compiles and fills the cache, is left out:
the figure is the median over the others.
"""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import harness
import keras
import numpy as np
from numpy.typing import NDArray

import cnnkit as ck
from cnnkit.data.targets.labels import Labels
from cnnkit.transfer.freeze import set_flags

SIDE = 224
EPOCHS = 3
BATCH_SIZE = 32
BARS = {"mobilenet_v2": 5.0, "efficientnet_b0": 5.0, "resnet50": 5.0, "vgg16": 4.0}
# Where Keras users begin to fine-tune: the last block of the network.
LAST = {
    "mobilenet_v2": "block_16_expand",
    "efficientnet_b0": "block7a_expand_conv",
    "resnet50": "conv5_block3_1_conv",
    "vgg16": "block5_conv1",
}


def network(name: str, photos: ck.data.Dataset) -> tuple[ck.Network, ck.Phase]:
    """A backbone with a new head, and what trains of it."""
    body = ck.backbone(name, weights=None, input_shape=(SIDE, SIDE, 3))
    net = ck.attach(body, ck.heads.classifier(photos.classes))
    return net, ck.Phase("deep", train=LAST[name], epochs=EPOCHS, rate=1e-5)


def epoch(name: str, photos: ck.data.Dataset, cache: str) -> Callable[[], float]:
    """A run of `ck.fit` that gives the seconds of a later epoch."""
    net, phase = network(name, photos)

    def run() -> float:
        history = ck.fit(net, photos, ck.Plan([phase]), cache=cache, batch_size=BATCH_SIZE, progress=False).history
        return statistics.median(history["seconds"].iloc[1:])

    return run


def keras_epoch(
    name: str, photos: ck.data.Dataset, images: NDArray[np.uint8], labels: NDArray[np.int64]
) -> harness.Run:
    """The same with `model.fit`."""
    net, phase = network(name, photos)
    set_flags(net, phase)
    pixels, targets = images.astype(np.float32), net.head.encode(Labels(photos.classes, labels))

    def run() -> float:
        net.model.compile(keras.optimizers.Adam(phase.rate), loss=net.head.keras_loss(), metrics=net.head.metrics())
        seconds = []
        for _ in range(EPOCHS):
            started = time.perf_counter()
            net.model.fit(pixels, targets, batch_size=BATCH_SIZE, verbose=0)
            seconds.append(time.perf_counter() - started)
        return statistics.median(seconds[1:])

    return run


def main() -> None:
    """Runs the rounds and prints a table, or JSON."""
    parser = harness.options(__doc__, pictures=128)
    parser.add_argument("--backbones", nargs="+", choices=list(BARS), default=list(BARS))
    arguments = parser.parse_args()
    started = harness.machine()
    images = np.random.default_rng(0).integers(0, 256, (arguments.pictures, SIDE, SIDE, 3), dtype=np.uint8)
    labels = np.arange(len(images)) % 2
    photos = ck.data.arrays(images, labels, classes=["a", "b"], split=(1, 0, 0))
    table = []
    for name in arguments.backbones:
        harness.say(name)
        keras.backend.clear_session()
        runs = {
            "model.fit": keras_epoch(name, photos, images, labels),
            "not kept": epoch(name, photos, "none"),
            "kept": epoch(name, photos, "memory"),
        }
        found = harness.interleaved(arguments.rounds, runs)
        table += harness.rows(name, found, peer="model.fit", bars={})
        del found["model.fit"]
        table += harness.rows(name, found, peer="not kept", bars={"kept": BARS[name]})
    harness.report("last_stage", table, started=started, arguments=arguments)


if __name__ == "__main__":
    main()
