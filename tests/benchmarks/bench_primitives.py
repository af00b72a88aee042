"""Convolution as loops against `sliding_window_view` and `einsum`, which give the same numbers.

    python tests/benchmarks/bench_primitives.py

The lecture's edge detection: one 300 × 300 × 3 picture, eight 3 × 3 × 3 filters, padding 1, float32: 19 million
multiply-adds.
"""

from __future__ import annotations

import harness
import numpy as np

import cnnkit as ck


def main() -> None:
    """Runs both forms and prints the ratio, or JSON."""
    arguments = harness.options(__doc__, side=300).parse_args()
    started = harness.machine()
    generator = np.random.default_rng(0)
    picture = generator.random((arguments.side, arguments.side, 3), np.float32)
    filters = generator.random((3, 3, 3, 8), np.float32)
    results = {}

    def loops() -> None:
        results["loops"] = ck.primitives.conv2d_loops(picture, filters, padding=1)

    def einsum() -> None:
        results["einsum"] = ck.primitives.conv2d(picture, filters, padding=1)

    found = harness.interleaved(arguments.rounds, {"loops": loops, "einsum": einsum})
    harness.say(f"largest difference {np.abs(results['loops'] - results['einsum']).max():.1e}")
    case = f"{arguments.side} × {arguments.side} × 3, 8 filters"
    harness.report(
        "primitives",
        harness.rows(case, found, peer="loops", bars={"einsum": 100.0}),
        started=started,
        arguments=arguments,
    )


if __name__ == "__main__":
    main()
