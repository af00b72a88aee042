"""Pictures in a folder to a Parquet file on a cluster of Ray: overhead, memory, time against workers, and what follows.

    python tests/benchmarks/bench_ray.py --rounds 3

All run MobileNetV2 with a head of two classes, weights=None, at 96², on JPEGs of 500 × 375: 200 different ones, each
linked under many names. "alone" is `predict_to_parquet` in this process, with all cores; "workers" the same on one
cluster of as many nodes as workers, whose processes are each kept on one core, decoding included: two have the cores of
a machine of two. The first run on a cluster starts its workers, which import TensorFlow and trace; "warm" is the
second. In "killed" one node of two is killed in the middle. Every file has to be the same, byte by byte.

Each run appends its row to the results at once, with the processor time of this process, the driver, and the largest
memory of a worker. `--computed` then prints what more machines would take, from the measured parts alone: the time of a
picture on one core, the driver's time for a part, and what travels for a part.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import pickle
import statistics
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

os.environ |= {"TF_CPP_MIN_LOG_LEVEL": "3", "RAY_USAGE_STATS_ENABLED": "0"}

import bench_predict
import harness
import numpy as np
import psutil
import result_rows

import cnnkit as ck
from cnnkit.data.image_folder import pictures
from cnnkit.data.portion import portion
from cnnkit.export.prediction_parts import PART_PICTURES_OF_WORKERS, predict_to_parquet

RESULTS = Path(__file__).with_name("ray.csv")
SIDE = 96
STORE_BYTES = 200_000_000
OVERHEAD_BAR, MEMORY_BAR = 1.15, 1.5e9


@dataclass(frozen=True)
class Result:
    """One run.

    Attributes:
        case: "alone", "workers", "warm" or "killed".
        round: Which.
        workers: Of the cluster; 0 for this process.
        pictures: How many.
        seconds: From the folder to the file.
        driver_seconds: Processor time of this process.
        worker_bytes: The largest resident memory of a worker.
        piece_bytes: What travels for a part, beside the network: paths.
        convolution_ms: How fast the machine is.
        digest: Of the file.
    """

    case: str
    round: int
    workers: int
    pictures: int
    seconds: float
    driver_seconds: float
    worker_bytes: int
    piece_bytes: int
    convolution_ms: float
    digest: str


@contextmanager
def cluster(workers: int) -> Iterator[Any]:
    """Nodes that are kept on one core each."""
    import ray
    from ray.cluster_utils import Cluster

    os.environ["PYTHONPATH"] = str(Path(ck.__file__).parents[1])
    settings = {"num_cpus": 1, "object_store_memory": STORE_BYTES, "include_dashboard": False}
    nodes = Cluster(initialize_head=True, head_node_args=settings)
    try:
        added = [nodes.head_node, *(nodes.add_node(**settings) for _ in range(workers - 1))]
        for core, node in enumerate(added):
            keep_on(core, node)
        yield nodes
    finally:
        ray.shutdown()
        nodes.shutdown()


def keep_on(core: int, node: Any) -> None:
    """Lets what a node does, and what it starts, run on one core alone; cores are counted round."""
    for raylet in node.all_processes["raylet"]:
        parent = psutil.Process(raylet.process.pid)
        for process in (parent, *parent.children(recursive=True)):
            with suppress(psutil.NoSuchProcess):
                process.cpu_affinity([core % psutil.cpu_count()])


@contextmanager
def largest_worker() -> Iterator[list[int]]:
    """The largest resident memory of a process that does pieces, looked at twice a second."""
    found, stop = [0], threading.Event()

    def look() -> None:
        while not stop.wait(0.5):
            for process in psutil.Process().children(recursive=True):
                with suppress(psutil.Error):
                    if "ray::perform" in " ".join(process.cmdline()):
                        found[0] = max(found[0], process.memory_info().rss)

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield found
    finally:
        stop.set()
        thread.join()


class Study:
    """The runs of one call.

    Args:
        folder: Of the pictures.
        file: Of the results.
        milliseconds: How fast the machine is.
    """

    def __init__(self, folder: Path, file: Path, milliseconds: float) -> None:
        self._source, _ = pictures(folder)
        self._file, self._milliseconds = file, milliseconds
        self._out = folder.parent / "out.parquet"
        body = ck.backbone("mobilenet_v2", weights=None, input_shape=(SIDE, SIDE, 3))
        self._network = ck.attach(body, ck.heads.classifier(["grey", "red"]))
        rows = np.arange(min(PART_PICTURES_OF_WORKERS, len(self._source)))
        self._piece_bytes = len(pickle.dumps(portion(self._source, rows, seen=True)))

    def run(self, case: str, number: int, workers: int = 0, address: str | None = None) -> Result:
        """One run, appended to the results."""
        self._out.unlink(missing_ok=True)
        started, used = time.perf_counter(), time.process_time()
        with largest_worker() as found:
            predict_to_parquet(self._network, self._source, self._out, workers=address)
        seconds, used = time.perf_counter() - started, time.process_time() - used
        digest = hashlib.sha256(self._out.read_bytes()).hexdigest()[:16]
        result = Result(
            *(case, number, workers, len(self._source), round(seconds, 2), round(used, 2)),
            *(found[0], self._piece_bytes, round(self._milliseconds, 1), digest),
        )
        result_rows.append(self._file, result)
        harness.say(
            f"{case}, {workers} workers: {seconds:.1f} s, driver {used:.1f} s, {found[0] / 1e6:,.0f} MB, {digest}"
        )
        return result

    def killed(self, number: int, workers: int, after: float) -> Result:
        """A run in which one node more dies after some seconds."""
        settings = {"num_cpus": 1, "object_store_memory": STORE_BYTES}
        with cluster(workers) as nodes:
            victim = nodes.add_node(**settings)
            keep_on(workers, victim)
            timer = threading.Timer(after, nodes.remove_node, [victim], {"allow_graceful": False})
            timer.start()
            try:
                return self.run("killed", number, workers + 1, nodes.address)
            finally:
                timer.cancel()
                timer.join()


def measure(arguments: argparse.Namespace, count: int) -> None:
    """All runs over so many pictures, interleaved."""
    milliseconds = harness.convolution_ms()
    with tempfile.TemporaryDirectory() as place:
        folder = bench_predict.make_photos(Path(place, "photos"), count, height=375, width=500)
        study = Study(folder, arguments.results, milliseconds)
        for number in range(arguments.rounds):
            alone = study.run("alone", number)
            for workers in arguments.workers:
                with cluster(workers) as nodes:
                    study.run("workers", number, workers, nodes.address)
                    study.run("warm", number, workers, nodes.address)
            study.killed(number, 1, after=alone.seconds / 2)


def told(results: list[Result]) -> None:
    """Medians, and the bars."""
    files = len({result.digest for result in results})
    harness.say(f"{results[0].pictures:,} pictures: {files} different files (1 is right)")
    alone = statistics.median(result.seconds for result in results if result.case == "alone")
    for case, workers in sorted({(result.case, result.workers) for result in results}):
        rows = [result for result in results if (result.case, result.workers) == (case, workers)]
        seconds = statistics.median(row.seconds for row in rows)
        memory = max(row.worker_bytes for row in rows)
        bar = f", bar {OVERHEAD_BAR}" if workers == os.cpu_count() and case == "warm" else ""
        harness.say(
            f"{case:<8}{workers:>3} workers: {seconds:8.1f} s, {seconds / alone:5.2f} × alone{bar}; "
            f"{memory / 1e6:6,.0f} MB a worker (bar {MEMORY_BAR / 1e6:,.0f})"
        )


def per_part(results: list[Result]) -> float:
    """The driver's seconds for a part: the slope from the fewest to the most pictures; of one number an upper bound."""
    medians = {
        count: statistics.median(row.driver_seconds for row in results if row.pictures == count)
        for count in sorted({row.pictures for row in results})
    }
    (few, least), (many, most) = [(0, 0.0), *medians.items()][-2:]
    return max(0.0, most - least) / (-(-many // PART_PICTURES_OF_WORKERS) - -(-few // PART_PICTURES_OF_WORKERS))


def computed(results: list[Result]) -> None:
    """What follows from the measured parts for more pictures and machines than are here."""
    one = [result for result in results if (result.case, result.workers) == ("warm", 1)]
    first = [result for result in results if (result.case, result.workers) == ("workers", 1)]
    most = max(row.pictures for row in one)
    picture = statistics.median(row.seconds / most for row in one if row.pictures == most)
    driver = per_part(one)
    start = max(0.0, statistics.median(row.seconds for row in first) - statistics.median(row.seconds for row in one))
    harness.say(
        f"a picture {1000 * picture:.2f} ms on one core, a part {1000 * driver:.1f} ms of the driver and "
        f"{one[0].piece_bytes:,} bytes, a start {start:.0f} s"
    )
    harness.say("pictures        workers   hours of workers   hours of the driver   hours   bytes of paths")
    for count in (1_000_000, 10_000_000, 100_000_000):
        for workers in (2, 16, 128, 1024):
            number = -(-count // PART_PICTURES_OF_WORKERS)
            there, here = count * picture / workers + start, number * driver
            harness.say(
                f"{count:>11,} {workers:>10,} {there / 3600:>18.2f} {here / 3600:>21.2f} "
                f"{max(there, here) / 3600:>7.2f} {number * one[0].piece_bytes / 1e9:>14.2f} GB"
            )


def main() -> None:
    """Measures what is asked for, then tells what is there."""
    parser = harness.options(__doc__, rounds=3)
    parser.add_argument("--pictures", type=int, nargs="+", default=[2048, 20_000])
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--results", type=Path, default=RESULTS)
    parser.add_argument("--computed", action="store_true", help="only print what follows from the results")
    arguments = parser.parse_args()
    started = harness.machine()
    for count in () if arguments.computed else arguments.pictures:
        measure(arguments, count)
    results = result_rows.read(arguments.results, Result)
    if harness.study("ray", results, started=started, arguments=arguments):
        return
    for count in sorted({result.pictures for result in results}):
        told([result for result in results if result.pictures == count])
    computed(results)


if __name__ == "__main__":
    main()
