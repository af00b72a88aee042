"""A forward pass on each engine against `model.predict`, pictures per CPU second.

    python tests/benchmarks/bench_forward.py --rounds 5

The peer is `model.predict(pictures, batch_size=32)` of the same Keras model, ImageNet's backbones without their head
and with weights=None, at 224². An engine is `Forward`, which `ck.predict`, `ck.evaluate` and `ck.fit` run, on the same
uint8 pictures. Everything is traced, folded and compiled before the rounds, which are interleaved: each runs the
peer and every engine once. What counts is the CPU time of the whole process, all threads, so that other
programs on the machine weigh less; ratios are medians over the rounds. `largest_difference` is from the peer's
numbers, as a part of the largest. Engines that are not installed are left out.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import time
from collections.abc import Callable
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np

import cnnkit as ck
from cnnkit.errors import MissingExtraError
from cnnkit.transfer.engines import ENGINES, deviation, has_bfloat16
from cnnkit.transfer.forward import Forward

SIDE = 224
PICTURES = {"mobilenet_v2": 64, "efficientnet_b0": 64, "resnet50": 32, "vgg16": 16}  # about two seconds a round
# backbone → the least ratio with TensorFlow alone, with the extra, and in bfloat16
BARS = {
    "mobilenet_v2": (1.4, 2.0, 4.0),
    "efficientnet_b0": (1.4, 1.5, 2.5),
    "resnet50": (1.1, 1.3, 2.5),
    "vgg16": (1.0, 1.0, 1.9),
}


def machine() -> str:
    """The processor, its cores, and what else runs: the load of the last minute."""
    with open("/proc/cpuinfo", encoding="utf-8") as file:  # noqa: PTH123  (a pseudo file)
        names = [line.partition(":")[2].strip() for line in file if line.startswith("model name")]
    return f"{names[0] if names else 'unknown processor'}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}"


def cpu_seconds(run: Callable[[], Any]) -> float:
    """CPU time of a run, all threads of the process."""
    started = time.process_time()
    run()
    return time.process_time() - started


def bench(name: str, rounds: int, count: int) -> dict[str, Any]:
    """The row of one backbone."""
    model = ck.backbone(name, weights=None, input_shape=(SIDE, SIDE, 3)).model
    pictures = np.random.default_rng(0).integers(0, 256, (count, SIDE, SIDE, 3), dtype=np.uint8)
    floats = pictures.astype(np.float32)
    runs: dict[str, Callable[[], Any]] = {"predict": lambda: [model.predict(floats, batch_size=32, verbose=0)]}
    for engine in ENGINES.values():
        for precision in engine.precisions:
            if precision == "float32" or has_bfloat16():
                try:
                    forward = Forward(model, engine=engine.name, precision=precision)
                except MissingExtraError:
                    continue
                runs[forward.numbers] = lambda forward=forward: forward(pictures)
    expected = runs["predict"]()
    differences = {label: deviation(run(), expected) for label, run in runs.items()}
    seconds = {label: [] for label in runs}
    for _ in range(rounds):
        for label, run in runs.items():
            seconds[label].append(cpu_seconds(run))
    peer = seconds["predict"]
    return {
        "backbone": name,
        "pictures": count,
        "engines": {
            label: {
                "pictures_per_cpu_second": round(count / statistics.median(times), 1),
                "ratio": round(statistics.median(one / other for one, other in zip(peer, times, strict=True)), 2),
                "largest_difference": float(f"{differences[label]:.1e}"),
            }
            for label, times in seconds.items()
        },
    }


def verdicts(row: dict[str, Any]) -> dict[str, str]:
    """Each bar with the best ratio that meets or misses it."""
    ratios = {label: measured["ratio"] for label, measured in row["engines"].items()}
    groups = {
        "TensorFlow alone": ["tensorflow float32"],
        "with the extra": [label for label in ratios if label.endswith(" float32") and not label.startswith("tensor")],
        "bfloat16": [label for label in ratios if label.endswith(" bfloat16")],
    }
    said = {}
    for (group, labels), bar in zip(groups.items(), BARS[row["backbone"]], strict=True):
        best = max((ratios[label] for label in labels if label in ratios), default=None)
        said[group] = "not here" if best is None else f"{best} (bar {bar}: {'met' if best >= bar else 'MISSED'})"
    return said


def main() -> None:
    """Runs the rounds and prints a table, or JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--backbones", nargs="+", default=list(PICTURES), choices=list(PICTURES))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--pictures", type=int, help="in each run; by default as many as take a second or two")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    rows = []
    for name in options.backbones:
        row = bench(name, options.rounds, options.pictures or PICTURES[name])
        rows.append({**row, "bars": verdicts(row)})
        if not options.json:
            print(f"{name}, {row['pictures']} pictures, {options.rounds} rounds, {machine()}")
            for label, measured in row["engines"].items():
                rate, ratio, off = measured.values()
                print(f"  {label:20} {rate:7.1f} pictures per CPU second, × {ratio:.2f}, {off:.0e} off")
            print("  " + "; ".join(f"{group} {text}" for group, text in verdicts(row).items()), flush=True)
    if options.json:
        print(json.dumps({"bench": "forward", "machine": machine(), "rounds": options.rounds, "backbones": rows}))


if __name__ == "__main__":
    main()
