"""Ten and a hundred times as many pictures to Parquet: time in proportion, memory flat.

    python tests/benchmarks/bench_growth.py --rounds 1

`predict_to_parquet` with TensorFlow alone, MobileNetV2, pictures of 32², each run a process of its own as in
`bench_predict`. The peer is the time that the fewest pictures take, multiplied: a ratio of 1 is a straight line through
zero, above it fixed costs weigh less.
"""

from __future__ import annotations

import statistics
import tempfile
from collections.abc import Mapping
from functools import partial
from pathlib import Path

import harness
from bench_predict import Runs, make_photos

WAY = "TensorFlow alone"
SIDE = 32
SIZES = (1_000, 10_000, 100_000)
BAR = 0.9


def main() -> None:
    """Runs the rounds and prints a table, or JSON."""
    arguments = harness.options(__doc__).parse_args()
    started = harness.machine()
    with tempfile.TemporaryDirectory() as folder:
        runs = {size: Runs(make_photos(Path(folder, str(size)), size, height=SIDE, width=SIDE), SIDE) for size in SIZES}
        found = harness.interleaved(arguments.rounds, {size: partial(runs[size].seconds, WAY) for size in SIZES})
        table = [row(size, found, runs[size].memory(WAY)) for size in SIZES]
    harness.report("growth", table, started=started, arguments=arguments)


def row(size: int, found: Mapping[int, list[float]], memory: str) -> harness.Row:
    """The row of one number of pictures."""
    fewest = SIZES[0]
    linear = [seconds * size / fewest for seconds in found[fewest]]
    return harness.Row(
        case=f"{size:,} pictures, {memory}",
        peer=f"{fewest:,} × {size // fewest}",
        peer_seconds=statistics.median(linear),
        seconds=statistics.median(found[size]),
        ratio=statistics.median(line / seconds for line, seconds in zip(linear, found[size], strict=True)),
        bar=BAR,
    )


if __name__ == "__main__":
    main()
