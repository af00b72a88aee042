"""Convolution as loops against `sliding_window_view` and `einsum`: the same numbers, how many times as fast?

    python tests/benchmarks/bench_primitives.py

The lecture's edge detection: one 300 × 300 × 3 picture, eight 3 × 3 × 3 filters, padding 1, float32: 19 million
multiply-adds. The loops run once, the other form `--rounds` times; the ratio is to its median.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import time
from collections.abc import Callable
from typing import Any

import numpy as np

import cnnkit as ck
from cnnkit.primitives.layers import Conv


def timed(call: Callable[[], Any]) -> tuple[Any, float]:
    """What a call gives, and its seconds."""
    started = time.perf_counter()
    result = call()
    return result, time.perf_counter() - started


def main() -> None:
    """Runs both forms and prints the ratio, or JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--side", type=int, default=300)
    parser.add_argument("--rounds", type=int, default=21)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()

    generator = np.random.default_rng(0)
    picture = generator.random((options.side, options.side, 3), np.float32)
    filters = generator.random((3, 3, 3, 8), np.float32)
    by_einsum = [timed(lambda: ck.primitives.conv2d(picture, filters, padding=1)) for _ in range(options.rounds)]
    expected, loop_seconds = timed(lambda: ck.primitives.conv2d_loops(picture, filters, padding=1))
    seconds = statistics.median(seconds for _, seconds in by_einsum)
    table = ck.primitives.count([Conv(8, 3, padding=1, bias=False)], picture.shape)
    result = {
        "bench": "primitives",
        "machine": f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores",
        "picture": list(picture.shape),
        "multiply_adds": int(table["multiply_adds"].sum()),
        "loops_seconds": round(loop_seconds, 3),
        "einsum_seconds": round(seconds, 5),
        "ratio": round(loop_seconds / seconds),
        "largest_difference": float(np.abs(by_einsum[0][0] - expected).max()),
    }
    if options.json:
        print(json.dumps(result))
        return
    print(f"{picture.shape} picture, {filters.shape} filters, {result['multiply_adds']:,} multiply-adds")
    print(f"loops  {loop_seconds:9.3f} s")
    print(
        f"einsum {seconds:9.4f} s (median of {options.rounds}), largest difference {result['largest_difference']:.1e}"
    )
    print(f"{result['ratio']} times as fast, {result['machine']}")


if __name__ == "__main__":
    main()
