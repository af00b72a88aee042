"""CPU seconds of the same work by two commits of cnnkit, in turn.

    git clone . /tmp/before && git -C /tmp/before checkout COMMIT
    python tests/benchmarks/two_commits.py /tmp/before . --rounds 7

The cases run in a process with the package and the benchmarks of one checkout, then in one of the other, round after
round; the order changes with each round. In a process each run of a case is done once without being measured, then
`--repeats` times: the least of these counts, since what else runs on the machine only ever adds.
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
from collections.abc import Callable, Mapping, Sequence
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

    photos.make(folder / "photos", 64)
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
    for name in ("mobilenet_v2", "resnet50"):
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

    keras.config.set_dtype_policy(policy)  # of all that follows, the case's networks among it
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
    plans = {"head": ck.plans.probe(epochs=3), "all layers": ck.Plan([ck.Phase("all", train="all", epochs=2)])}

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


def measured(names: Sequence[str], repeats: int) -> dict[str, float]:
    """Case and run → CPU seconds, in this process."""
    least: dict[str, float] = {}
    for name in names:
        with tempfile.TemporaryDirectory(prefix="two-commits-") as folder:
            runs = CASES[name](Path(folder))
            for number in range(repeats + 1):
                for run, call in runs.items():
                    label = f"{name}: {run}"
                    started = time.process_time()
                    call()
                    spent = time.process_time() - started
                    least[label] = min(spent, least.get(label, spent)) if number > 1 else spent
    return least


def of_commit(root: Path, names: Sequence[str], repeats: int) -> dict[str, float]:
    """The same in a process of its own, with the package of one checkout."""
    command = [sys.executable, str(Path(__file__).resolve()), str(root), "--child", "--repeats", str(repeats)]
    with tempfile.TemporaryDirectory(prefix="two-commits-") as place:
        environment = os.environ | ALONE | {"PYTHONPATH": str(root), "CNNKIT_CACHE": place}
        done = subprocess.run(
            [*command, "--cases", *names], cwd=place, env=environment, check=True, stdout=subprocess.PIPE, text=True
        )
    times: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return times


def compare(before: Path, after: Path, names: Sequence[str], rounds: int, repeats: int) -> dict[str, float]:
    """Case and run → its ratio; prints a line for each after each round."""
    times: dict[Path, list[dict[str, float]]] = {before: [], after: []}
    ratios: dict[str, float] = {}
    for number in range(rounds):
        for root in (before, after) if number % 2 == 0 else (after, before):
            times[root].append(of_commit(root, names, repeats))
        print(f"after round {number + 1} of {rounds}", flush=True)
        for label in times[before][0]:
            then, now = ([values[label] for values in times[root]] for root in (before, after))
            found = [late / early for early, late in zip(then, now, strict=True)]
            ratios[label] = statistics.median(found)
            print(
                f"{label:<44} before {statistics.median(then):7.3f} s  after {statistics.median(now):7.3f} s  "
                f"{ratios[label]:5.3f}  ({min(found):.3f} to {max(found):.3f})",
                flush=True,
            )
    return ratios


def main() -> int:
    """Does what the command line says."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("roots", type=Path, nargs="+", help="checkouts of the commit before and of that after")
    parser.add_argument("--cases", nargs="+", choices=list(CASES), default=list(CASES))
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--most", type=float, default=1.05)
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    roots = [root.resolve() for root in arguments.roots]
    if arguments.child:
        sys.path[0] = str(roots[0] / "tests" / "benchmarks")  # the benchmarks of that checkout, not those beside this
        print(json.dumps(measured(arguments.cases, arguments.repeats)))
        return 0
    ratios = compare(*roots, arguments.cases, arguments.rounds, arguments.repeats)
    return int(max(ratios.values()) > arguments.most)


if __name__ == "__main__":
    sys.exit(main())
