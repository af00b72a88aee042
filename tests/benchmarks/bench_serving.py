"""`cnnkit serve` under load, against a plain route of FastAPI around `model.predict` and against `ck.predict`.

    python tests/benchmarks/bench_serving.py --rounds 3

MobileNetV2 at 224² with a head of two classes, weights=None; JPEGs of 500 × 375 in forms; 32 clients at once, in a
process of their own on the same cores (`serving_client.py`). The rows are seconds per picture, interleaved: the peer is
the plain route (`plain_route.py`), and `ck.predict` of the same files says what the machine could do. Then, below
saturation (three fifths of what was reached), the 50th and the 99th percentile of the latency; and beyond it (five
times as much) how many were answered, how many refused, how many lost, and how the memory grew. `--fuzz MINUTES` sends
bodies that nobody meant to a server in this process.
"""

from __future__ import annotations

import asyncio
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import harness
import numpy as np
import photos
import psutil

import cnnkit as ck

HERE = Path(__file__).parent
PEER, SERVE, PREDICT = "model.predict in a route", "cnnkit serve", "ck.predict"
BARS = {SERVE: 3.0}
PICTURES = 100
QUEUE = ("--queue", "64")  # so that it is full within seconds
BELOW, BEYOND = 0.6, 5.0  # of what 32 clients reach


@contextmanager
def server(*words: str) -> Iterator[tuple[str, psutil.Process]]:
    """Address and process of a server that prints its address first."""
    started = time.perf_counter()
    with subprocess.Popen([sys.executable, *words], stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline().strip()
            harness.say(f"  {' '.join(words[:3])} answers after {time.perf_counter() - started:.1f} s")
            yield json.loads(line)["address"] if line.startswith("{") else line, psutil.Process(process.pid)
        finally:
            process.terminate()


def load(address: str, folder: Path, clients: int, seconds: float, rate: float | None = None) -> dict[str, Any]:
    """What the clients saw."""
    words = [HERE / "serving_client.py", f"{address}/predict", folder, clients, seconds, *([rate] if rate else [])]
    done = subprocess.run([sys.executable, *map(str, words)], capture_output=True, text=True, check=True)
    told: dict[str, Any] = json.loads(done.stdout)
    return told


def per_picture(address: str, folder: Path, clients: int, seconds: float) -> float:
    """Seconds per picture of clients that always wait for an answer."""
    told = load(address, folder, clients, seconds)
    assert set(told["latencies"]) == {"200"}, {status: len(some) for status, some in told["latencies"].items()}
    return float(told["seconds"] / len(told["latencies"]["200"]))


def predicted(network: ck.Network, files: list[Path]) -> float:
    """Seconds per picture of `ck.predict`."""
    started = time.perf_counter()
    ck.predict(network, files)
    return (time.perf_counter() - started) / len(files)


def limits_of(address: str, process: psutil.Process, folder: Path, rate: float, seconds: float) -> None:
    """Tells of latencies below saturation, and of what becomes of too much."""
    below = load(address, folder, 0, seconds, BELOW * rate)["latencies"]
    p50, p99 = (1000 * np.percentile(below["200"], part) for part in (50, 99))
    counts = {status: len(some) for status, some in below.items()}
    harness.say(f"below saturation, {BELOW * rate:.0f} a second: p50 {p50:.0f} ms, p99 {p99:.0f} ms, {counts}")
    memory = [process.memory_info().rss / 1e6]
    for _ in range(2):
        beyond = load(address, folder, 0, seconds, BEYOND * rate)["latencies"]
        memory.append(process.memory_info().rss / 1e6)
        counts = {status: len(some) for status, some in beyond.items()}
        slowest = max(beyond["200"])
        harness.say(f"beyond, {BEYOND * rate:.0f} a second: {counts}, the slowest answer {slowest:.2f} s")
    harness.say("MB before, between and after: " + ", ".join(f"{value:.0f}" for value in memory))


def fuzz(network: ck.Network, minutes: float) -> None:
    """Sends bodies that nobody meant."""
    sys.path.insert(0, str(HERE.parents[1]))
    from tests.serving.fuzzing import Fuzz

    names = ("labels", "tags", "boxes", "masks")
    app = ck.serving.app(dict.fromkeys(names, network), limits=ck.serving.Limits(body_bytes=100_000))
    counts: Counter[int] = Counter()
    end, seed = time.perf_counter() + 60 * minutes, 0
    while time.perf_counter() < end:
        counts += asyncio.run(Fuzz(seed).run(app, requests=200))
        seed += 1
    harness.say(f"fuzz: {sum(counts.values())} requests, by status {dict(sorted(counts.items()))}")


def main() -> None:
    """Runs the rounds and prints a table, or JSON."""
    arguments = harness.options(__doc__, seconds=8, clients=32, fuzz=0).parse_args()
    started = harness.machine()
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        root = Path(folder)
        photos.make(root / "photos", PICTURES)
        files = sorted((root / "photos").rglob("*.jpg"))
        body = ck.backbone("mobilenet_v2", weights=None, input_shape=(224, 224, 3))
        network = ck.attach(body, ck.heads.classifier(["grey", "red"]))
        bundle = ck.save(network, root / "bundle")
        plain, _ = stack.enter_context(server(str(HERE / "plain_route.py"), str(bundle)))
        ours, process = stack.enter_context(
            server("-m", "cnnkit", "serve", str(bundle), *QUEUE, "--port", "0", "--json")
        )
        sent = partial(per_picture, folder=root / "photos", clients=arguments.clients, seconds=arguments.seconds)
        runs = {PEER: partial(sent, plain), SERVE: partial(sent, ours), PREDICT: partial(predicted, network, files)}
        predicted(network, files)
        times = harness.interleaved(arguments.rounds, runs)
        part = statistics.median(best / ours for best, ours in zip(times[PREDICT], times[SERVE], strict=True))
        harness.say(f"{part:.2f} of what ck.predict reaches (bar .7)")
        limits_of(ours, process, root / "photos", 1 / statistics.median(times[SERVE]), arguments.seconds)
        if arguments.fuzz:
            fuzz(network, arguments.fuzz)
    rows = harness.rows(f"{arguments.clients} clients, a picture", times, peer=PEER, bars=BARS)
    harness.report("serving", rows, started=started, arguments=arguments)


if __name__ == "__main__":
    main()
