"""CPU seconds of the same work by two commits of cnnkit, in turn.

    git clone . /tmp/before && git -C /tmp/before checkout COMMIT
    python tests/benchmarks/two_commits.py /tmp/before . --rounds 7

A case runs in a process of its own with the package and the benchmarks of one checkout, first for one commit, then for
the other, round after round; the order changes with each round. In a process each run of a case is done once without
being measured, then `--repeats` times: the least of these counts, since what else runs on the machine only ever adds.
CPU time is that of the whole process, with one thread for TensorFlow and for BLAS. The ratio is the median over the
rounds of after ÷ before; the exit code is 1 where it is above `--most`.

`head_phase`, `forward` and `augmentation` are cnnkit's side of the benchmarks of these names. The others are small, so
that what Python does between two computations weighs most.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

ALONE = {
    "TF_NUM_INTRAOP_THREADS": "1",
    "TF_NUM_INTEROP_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "TF_CPP_MIN_LOG_LEVEL": "3",
    "PYTHONHASHSEED": "0",
    "MPLBACKEND": "Agg",
}
Runs = Mapping[str, Callable[[], Any]]


# ---- Cases: functions of an empty folder that give runs by name. They use what both commits have. ----


def head_phase(folder: Path) -> Runs:
    """A new head on MobileNetV2, with an empty cache and with the features that this kept."""
    import bench_head_phase as bench
    import photos

    import cnnkit as ck

    photos.make(folder / "photos", 128)
    body = ck.backbone("mobilenet_v2", weights=None, input_shape=(bench.SIDE, bench.SIDE, 3))
    caches = (folder / f"cache{number}" for number in count())

    def first() -> None:
        bench.ours(folder / "photos", 10, body, bench.WAYS["first run"], next(caches))()

    kept = bench.ours(folder / "photos", 10, body, bench.WAYS["another head"], folder / "cache0")
    return {"first run": first, "another head": kept}


def forward(_: Path) -> Runs:
    """The engines that are installed."""
    import bench_forward as bench
    import numpy as np

    import cnnkit as ck

    runs = {}
    for name in ("mobilenet_v2", "efficientnet_b0", "resnet50"):
        model = ck.backbone(name, weights=None, input_shape=(bench.SIDE, bench.SIDE, 3)).model
        pictures = np.random.default_rng(0).integers(0, 256, (16, bench.SIDE, bench.SIDE, 3), dtype=np.uint8)
        runs |= {f"{name} {label}": partial(run, pictures) for label, run in bench.engines(model).items()}
    return runs


def augmentation(folder: Path) -> Runs:
    """The lectures' augmentation of JPEG files."""
    import bench_augmentation as bench

    warnings.simplefilter("ignore")  # Keras calls names of SciPy and Pillow that moved
    bench.make_photos(folder / "photos", 200, (500, 375))
    flows = bench.flows(folder / "photos", 224, 1)
    return {name: partial(bench.epoch, flow) for name, flow in flows.items() if name != "keras"}


def _small(policy: str = "float32") -> tuple[Any, Any]:
    """400 pictures of 32² in two classes, and a function that gives a network of three layers for them."""
    import keras
    import numpy as np

    import cnnkit as ck

    keras.config.set_dtype_policy(policy)
    random = np.random.default_rng(0)
    photos = ck.data.arrays(
        random.integers(0, 256, (400, 32, 32, 3), dtype=np.uint8), random.integers(0, 2, 400), classes=("no", "yes")
    )

    def network() -> Any:
        keras.utils.set_random_seed(1)
        image = keras.Input((32, 32, 3))
        x = keras.layers.Rescaling(1 / 127.5, offset=-1.0)(image)
        for stage, filters in enumerate((8, 12, 16), start=1):
            x = keras.layers.Conv2D(filters, 3, 2, padding="same", use_bias=False, name=f"conv{stage}")(x)
            x = keras.layers.BatchNormalization(name=f"norm{stage}")(x)
            x = keras.layers.ReLU(name=f"relu{stage}")(x)
        return ck.attach(ck.backbone(keras.Model(image, x, name="tiny")), ck.heads.classifier(photos.classes))

    return photos, network


def _fits(policy: str, batch_size: int) -> Runs:
    import cnnkit as ck

    photos, network = _small(policy)
    plans = {"head": ck.plans.probe(epochs=4), "all layers": ck.Plan([ck.Phase("all", train="all", epochs=2)])}

    def run(plan: Any) -> None:
        ck.fit(network(), photos, plan, batch_size=batch_size, cache="memory", progress=False)

    return {name: partial(run, plan) for name, plan in plans.items()}


def tiny_steps(_: Path) -> Runs:
    """Trainings in batches of four."""
    return _fits("float32", 4)


def mixed_precision(_: Path) -> Runs:
    """The same under mixed_float16, with its loss scale, in batches of eight."""
    return _fits("mixed_float16", 8)


def predictions(_: Path) -> Runs:
    """Eight calls of a network that was not yet called, and of one that was."""
    import cnnkit as ck

    photos, network = _small()
    known = network()

    def eight(network: Any) -> None:
        for _ in range(8):
            ck.predict(network, photos.train)

    return {"eight calls": partial(eight, known), "eight first calls": lambda: eight(network())}


CASES = {case.__name__: case for case in (head_phase, forward, augmentation, tiny_steps, mixed_precision, predictions)}


# ---- Their measurement ----


def measured(name: str, repeats: int) -> dict[str, float]:
    """Run → its CPU seconds, in this process."""
    with tempfile.TemporaryDirectory(prefix="two-commits-") as folder:
        runs = CASES[name](Path(folder))
        found: dict[str, list[float]] = {run: [] for run in runs}
        for _ in range(repeats + 1):
            for run, call in runs.items():
                started = time.process_time()
                call()
                found[run].append(time.process_time() - started)
    return {run: min(values[1:]) for run, values in found.items()}


def of_commit(root: Path, name: str, repeats: int) -> dict[str, float]:
    """The same in a process of its own, with the package of one checkout."""
    command = [sys.executable, str(Path(__file__).resolve()), "--case", name, "--repeats", str(repeats), str(root)]
    with tempfile.TemporaryDirectory(prefix="two-commits-") as place:
        environment = os.environ | ALONE | {"PYTHONPATH": str(root), "CNNKIT_CACHE": place}
        done = subprocess.run(
            command, cwd=place, env=environment, check=True, stdout=subprocess.PIPE, text=True, timeout=1800
        )
    times: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return times


def compare(before: Path, after: Path, name: str, rounds: int, repeats: int) -> Iterator[tuple[str, float]]:
    """Prints a line for each run of a case, and gives its ratio."""
    found: dict[Path, list[dict[str, float]]] = {before: [], after: []}
    for number in range(rounds):
        for root in (before, after) if number % 2 == 0 else (after, before):
            found[root].append(of_commit(root, name, repeats))
        print(f"  {name}: round {number + 1} of {rounds}", file=sys.stderr, flush=True)
    for run in found[before][0]:
        times = {root: [values[run] for values in found[root]] for root in found}
        ratios = [now / then for then, now in zip(times[before], times[after], strict=True)]
        medians = [statistics.median(values) for values in times.values()]
        print(
            f"{name + ': ' + run:<50}  before {medians[0]:7.3f} s  after {medians[1]:7.3f} s  "
            f"{statistics.median(ratios):5.3f}  ({min(ratios):.3f} to {max(ratios):.3f})",
            flush=True,
        )
        yield run, statistics.median(ratios)


def main() -> int:
    """Does what the command line says."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("roots", type=Path, nargs="+", help="checkouts of the commit before and of that after")
    parser.add_argument("--cases", nargs="+", choices=list(CASES), default=list(CASES))
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--most", type=float, default=1.05)
    parser.add_argument("--case", choices=list(CASES), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    roots = [root.resolve() for root in arguments.roots]
    if arguments.case:
        sys.path[0] = str(roots[0] / "tests" / "benchmarks")  # the benchmarks of that checkout, not those beside this
        print(json.dumps(measured(arguments.case, arguments.repeats)))
        return 0
    slower = [
        run
        for name in arguments.cases
        for run, ratio in compare(*roots, name, arguments.rounds, arguments.repeats)
        if ratio > arguments.most
    ]
    return int(bool(slower))


if __name__ == "__main__":
    sys.exit(main())
