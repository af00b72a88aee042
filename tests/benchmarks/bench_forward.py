"""A forward pass on each engine against `model.predict`, seconds of CPU time.

    python tests/benchmarks/bench_forward.py --rounds 5

The peer is `model.predict(pictures, batch_size=32)` of the same Keras model: a backbone without its head, weights=None,
at 224². An engine is `Forward`, which `ck.predict`, `ck.evaluate` and `ck.fit` run, on the same pictures as uint8.
Everything is traced, folded and compiled before the rounds. What counts is the CPU time of the whole process, all
threads, so that other programs on the machine weigh less. Engines that are not installed are left out, as is bfloat16
where the processor has none; where several engines may reach a bar, it stands beside the fastest.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import harness
import keras
import numpy as np

import cnnkit as ck
from cnnkit.engines.forward import Forward
from cnnkit.engines.runtimes import ENGINES, Runtime, deviation, has_bfloat16
from cnnkit.errors import MissingExtraError

SIDE = 224
# Backbone → pictures in a run of a second or two; ratios to reach with TensorFlow alone, with the extra, in bfloat16.
CASES = {
    "mobilenet_v2": (64, (1.4, 2.0, 4.0)),
    "efficientnet_b0": (64, (1.4, 1.5, 2.5)),
    "resnet50": (32, (1.1, 1.3, 2.5)),
    "vgg16": (16, (1.0, 1.0, 1.9)),
}
GROUPS = (
    ("tensorflow float32",),
    ("openvino float32", "onnx float32"),
    ("tensorflow bfloat16", "openvino bfloat16"),
)


def cpu_seconds(run: Callable[[], Any]) -> float:
    """CPU time of a run, all threads of the process."""
    started = time.process_time()
    run()
    return time.process_time() - started


def engines(model: keras.Model) -> dict[str, Forward]:
    """Those that are here, in each precision, by their names."""
    found = {}
    for engine in ENGINES.values():
        for precision in engine.precisions:
            try:
                forward = Forward(model, Runtime(engine.name, precision))
            except MissingExtraError as error:
                harness.say(f"  without {engine.name}: {error.remedy}")
            else:
                if precision == "float32" or has_bfloat16():
                    found[forward.numbers] = forward
    return found


def bench(name: str, rounds: int) -> list[harness.Row]:
    """The rows of one backbone."""
    count, bars = CASES[name]
    keras.backend.clear_session()
    model = ck.backbone(name, weights=None, input_shape=(SIDE, SIDE, 3)).model
    pictures = np.random.default_rng(0).integers(0, 256, (count, SIDE, SIDE, 3), dtype=np.uint8)
    runs: dict[str, Callable[[], Any]] = {
        "model.predict": partial(model.predict, pictures.astype(np.float32), batch_size=32, verbose=0)
    }
    runs |= {label: partial(forward, pictures) for label, forward in engines(model).items()}
    expected = [runs["model.predict"]()]
    for label, run in list(runs.items())[1:]:
        harness.say(f"  {label}: {deviation(run(), expected):.0e} off")
    found = harness.interleaved(rounds, {label: partial(cpu_seconds, run) for label, run in runs.items()})
    rows = harness.rows(f"{name}, {count} pictures", found, peer="model.predict", bars={})
    for group, bar in zip(GROUPS, bars, strict=True):
        able = [row for row in rows if row.case.endswith(group)]
        if able:
            best = max(able, key=lambda row: row.ratio)
            rows[rows.index(best)] = replace(best, bar=bar)
    return rows


def main() -> None:
    """Runs the rounds and prints a table, or JSON."""
    arguments = harness.options(__doc__).parse_args()
    started = harness.machine()
    rows = []
    for name in CASES:
        harness.say(name)
        rows += bench(name, arguments.rounds)
    harness.report("forward", rows, started=started, arguments=arguments)


if __name__ == "__main__":
    main()
