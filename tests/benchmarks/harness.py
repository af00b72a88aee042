"""What all benchmarks share: interleaved rounds, medians, ratios to the peer of the same round, one form of result.

A benchmark is a script `bench_NAME.py` with `--rounds` and `--json`; `cnnkit bench NAME` runs it. Each of its rows says
how long the peer and cnnkit took for the same work, their ratio (how many times as fast cnnkit is: the median over the
rounds of peer ÷ cnnkit) and the bar that the project set itself.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import statistics
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TypeVar

Name = TypeVar("Name")
Run = Callable[[], float | None]
"""Does the work; gives the seconds if it measures them itself, else None: then its wall time counts."""


@dataclass(frozen=True)
class Row:
    """One line of a benchmark's table.

    Args:
        case: What was done.
        peer: Who else did it.
        peer_seconds: Median over the rounds.
        seconds: cnnkit's.
        ratio: Median over the rounds of the peer's seconds ÷ cnnkit's.
        bar: What the ratio has to reach; None where nothing was set.
    """

    case: str
    peer: str
    peer_seconds: float
    seconds: float
    ratio: float
    bar: float | None


def seconds(run: Run) -> float:
    """What one run took."""
    started = time.perf_counter()
    measured = run()
    return time.perf_counter() - started if measured is None else measured


def interleaved(rounds: int, runs: Mapping[Name, Run]) -> dict[Name, list[float]]:
    """Seconds of each run in each round; in every round each of them runs once, in the order given."""
    found: dict[Name, list[float]] = {name: [] for name in runs}
    for _ in range(rounds):
        for name, run in runs.items():
            found[name].append(seconds(run))
        say("  " + ", ".join(f"{name} {values[-1]:.3g} s" for name, values in found.items()))
    return found


def rows(case: str, found: Mapping[str, list[float]], *, peer: str, bars: Mapping[str, float | None]) -> list[Row]:
    """A row for each run but the peer's.

    Args:
        case: What was done.
        found: As `interleaved` gives it.
        peer: Which of the runs is the peer.
        bars: Run → the ratio that it has to reach.
    """
    return [
        Row(
            case=f"{case}: {name}",
            peer=peer,
            peer_seconds=statistics.median(found[peer]),
            seconds=statistics.median(values),
            ratio=statistics.median(theirs / ours for theirs, ours in zip(found[peer], values, strict=True)),
            bar=bars.get(name),
        )
        for name, values in found.items()
        if name != peer
    ]


def machine() -> str:
    """Processor, cores, and how busy the machine is with other things."""
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return f"{names[0] if names else platform.machine()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}"


def convolution_ms(repeats: int = 5) -> float:
    """How fast this machine is, in one number by which CPU seconds of two machines are compared.

    Args:
        repeats: Steps of which the median is taken, after one that compiles.

    Returns:
        CPU milliseconds per picture, of all threads, of a 3×3 convolution from 160 to 48 channels at 56×72, forward and
        backward, in a batch of 8. On an AMD EPYC: 9.6 with AVX-512; without it 27 where nothing else runs, and 31 to 44
        beside four busy processes, so it is measured beside each run and not once for all.
    """
    import tensorflow as tf  # not at the top: most benchmarks measure a process without it or its start

    pictures = tf.random.stateless_normal((8, 56, 72, 160), seed=(0, 0))
    kernel = tf.random.stateless_normal((3, 3, 160, 48), seed=(0, 1))

    @tf.function
    def step() -> list[tf.Tensor]:
        with tf.GradientTape() as tape:
            tape.watch((pictures, kernel))
            outputs = tf.nn.conv2d(pictures, kernel, 1, "SAME")
        return tape.gradient(outputs, [pictures, kernel], output_gradients=outputs)

    def milliseconds() -> float:
        started = time.process_time()
        step()[0].numpy()
        return (time.process_time() - started) * 1000 / len(pictures)

    milliseconds()
    return statistics.median(milliseconds() for _ in range(repeats))


def options(
    description: str | None, *, rounds: int = 5, of: str = "interleaved rounds", **more: int
) -> argparse.ArgumentParser:
    """The command line of a benchmark: `--rounds` of something, `--json`, and whole numbers with their defaults."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=rounds, help=f"{of} ({rounds})")
    parser.add_argument("--json", action="store_true", help="print one JSON object and nothing else")
    for name, default in more.items():
        parser.add_argument(f"--{name.replace('_', '-')}", type=int, default=default, help=f"({default})")
    return parser


def study(bench: str, results: Iterable[Any], *, started: str, arguments: argparse.Namespace) -> bool:
    """With `--json`, prints the results of a study as one JSON object; whether it did.

    A study has no peer: its numbers stand for themselves.

    Args:
        bench: Its name.
        results: Dataclasses with seconds of some kind.
        started: What `machine()` said before the first run.
        arguments: Of the command line; they stand in the result.
    """
    if not arguments.json:
        return False
    rows = []
    for result in results:
        fields = asdict(result)
        case = ", ".join(f"{name} {value}" for name, value in fields.items() if isinstance(value, str | int))
        seconds = fields.get("cpu_seconds", fields.get("seconds", 0.0))
        alone = {"peer": "itself", "peer_seconds": seconds, "seconds": seconds, "ratio": 1.0, "bar": None}
        rows.append({**fields, "case": case, **alone})
    settings = {name: value for name, value in vars(arguments).items() if name != "json"}
    print(json.dumps({"bench": bench, "machine": started, **settings, "rows": rows}, default=str))
    return True


def peak_megabytes() -> int:
    """Of the resident memory of this process until now."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1000


def say(text: str) -> None:
    """Tells what is going on, on standard error: standard output is for results."""
    print(text, file=sys.stderr, flush=True)


def report(bench: str, table: Iterable[Row], *, started: str, arguments: argparse.Namespace) -> None:
    """Prints the result, as a table or, with `--json`, as one JSON object.

    Args:
        bench: Its name.
        table: Its rows; none where the peer is not installed.
        started: What `machine()` said before the first round.
        arguments: Of the command line; they stand in the result.
    """
    table = list(table)
    settings = {name: value for name, value in vars(arguments).items() if name != "json"}
    if arguments.json:
        print(json.dumps({"bench": bench, "machine": started, **settings, "rows": [asdict(row) for row in table]}))
        return
    print(f"{bench}: {', '.join(f'{name} {value}' for name, value in settings.items())}; {started}")
    width = max((len(row.case) for row in table), default=0)
    for row in table:
        bar = "" if row.bar is None else f"  bar {row.bar:g}: {'met' if row.ratio >= row.bar else 'missed'}"
        print(
            f"{row.case:<{width}}  {row.seconds:8.3f} s  {row.peer} {row.peer_seconds:8.3f} s  {row.ratio:6.2f}×{bar}"
        )
