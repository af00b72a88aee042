"""The second `ck.predict` of one frame, and `ck.predictor`, against `model.predict_on_batch`: seconds of CPU time.

    python tests/benchmarks/bench_one_picture.py --rounds 5

The frame is an array (h, w, 3) of the input's size. The first call traces the graph, which the network keeps; a
predictor folds it when it is made; both are called before the rounds. A run is twenty calls one after the other. Also a
call after a weight was written to. What counts is the CPU time of the whole process, all threads, so that other
programs on the machine weigh less.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from functools import partial
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import harness
import keras
import numpy as np

import cnnkit as ck

CALLS = 20
BAR = 1 / 1.2
# Backbone → side of the input.
CASES = {"mobilenet_v2": 224, "nano": 96}


def several(call: Callable[[], Any]) -> float:
    """CPU time of a run, all threads of the process: a hundredth of a second alone would be too short."""
    started = time.process_time()
    for _ in range(CALLS):
        call()
    return time.process_time() - started


def after_a_write(network: ck.Network, frame: np.ndarray) -> None:
    """A prediction with a weight that is another one than before."""
    bias = network.model.layers[-1].bias
    bias.assign_add(np.ones(bias.shape, np.float32))
    ck.predict(network, frame)


def bench(name: str, side: int, rounds: int) -> list[harness.Row]:
    """The rows of one backbone."""
    keras.backend.clear_session()
    body = ck.backbone(name, weights=None, input_shape=(side, side, 3))
    network = ck.attach(body, ck.heads.classifier(["a", "b", "c"]))
    frame = np.random.default_rng(0).integers(0, 256, (side, side, 3), dtype=np.uint8)
    calls: dict[str, Callable[[], Any]] = {
        "predict_on_batch": partial(network.model.predict_on_batch, frame[None]),
        "ck.predict": partial(ck.predict, network, frame),
        "ck.predictor": partial(ck.predictor(network), frame),
        "ck.predict after a weight was written to": partial(after_a_write, network, frame),
    }
    for call in calls.values():
        call()
    times = harness.interleaved(rounds, {label: partial(several, call) for label, call in calls.items()})
    bars = {"ck.predict": BAR, "ck.predictor": BAR}
    return harness.rows(f"{name} {side}², {CALLS} calls", times, peer="predict_on_batch", bars=bars)


def main() -> None:
    """Runs the rounds and prints a table, or JSON."""
    arguments = harness.options(__doc__).parse_args()
    started = harness.machine()
    rows = [row for name, side in CASES.items() for row in bench(name, side, arguments.rounds)]
    harness.report("one_picture", rows, started=started, arguments=arguments)


if __name__ == "__main__":
    main()
