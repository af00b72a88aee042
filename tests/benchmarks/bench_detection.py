"""Boxes: what detectors reach on drawn scenes with the shipped nano, and in how many CPU seconds.

    python tests/benchmarks/bench_detection.py --cases "fcos, frozen" "yolo_v2, frozen" --seeds 0 1 2
    python tests/benchmarks/bench_detection.py --print

3,000 scenes to train on and 600 of another series to test; 30 of the 38 classes occur. Each run is one (case, seed) in
a process of its own, without features kept from before, and appends its row to the results at once; runs that are
there are not repeated, so that a study may be stopped at any time. CPU seconds are those of all threads from the
backbone to the trained network, features included, drawing the scenes' truth and the test not. `convolution_ms` says
how fast the machine was just then (`harness.convolution_ms`): CPU seconds of two machines are compared after division
by it.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import harness
import pandas as pd
import result_rows

import cnnkit as ck

RESULTS = Path(__file__).with_name("detection.csv")
AUGMENTATION = ck.data.Augmentation(width_shift=0.1, height_shift=0.1, zoom=0.15, horizontal_flip=True)


def scenes(size: int) -> ck.data.Dataset:
    """3,000 drawn scenes to train on and 600 of another series to test, none of validation: nothing is chosen."""
    train = ck.data.scenes(4_286, seed=11, size=size, target="boxes").train.take(range(3_000))
    test = ck.data.scenes(858, seed=12, size=size, target="boxes").train.take(range(600))
    return ck.data.Dataset(train.names, train, train.take([]), test)


def frozen(epochs: int) -> ck.Plan:
    """The head alone, on kept features, as `ck.finetune` begins."""
    return ck.Plan(ck.plans.head_then_together(head_epochs=epochs).phases[:1])


def head_first(epochs: int, deep_epochs: int) -> ck.Plan:
    """The head, then all layers at smaller rates."""
    head, deep = ck.plans.head_then_together(head_epochs=epochs, epochs=deep_epochs, train="all", rate_decay=0.7).phases
    return ck.Plan([head, replace(deep, name="all", warmup_epochs=0)])


@dataclass(frozen=True)
class Case:
    """A detector, and how it is trained.

    Attributes:
        network: Of a backbone, the training pictures and a seed.
        plan: What trains when.
        size: Side of the input in pixels.
        views: How many of each picture take turns behind frozen layers.
    """

    network: Callable[[Any, Any, int], ck.Network]
    plan: ck.Plan
    size: int = 160
    views: int = 4


def plain(make: Callable[..., ck.heads.Detector], **settings: Any) -> Callable[..., ck.Network]:
    """A head that looks at no picture before."""
    return lambda body, source, seed: ck.attach(body, make(source.names, seed=seed, **settings))


def with_anchors(body: Any, source: Any, seed: int) -> ck.Network:
    """YOLO v2 with six anchors by k-means."""
    anchors = ck.heads.anchors_of(source, size=body.model.input.shape[1:3], count=6)
    return ck.attach(body, ck.heads.yolo_v2(source.names, anchors=anchors, seed=seed))


def two_stages(make: Callable[..., ck.Network], **settings: Any) -> Callable[..., ck.Network]:
    """A task that looks at no picture before."""
    return lambda body, source, seed: make(body, source.names, seed=seed, **settings)


OF_BACKBONE = ("P3", "P4", "P5")
CASES = {
    "fcos, frozen": Case(plain(ck.heads.fcos), frozen(40)),
    "fcos, head and all": Case(plain(ck.heads.fcos), head_first(6, 12)),
    "yolo_v1, 224, head and all": Case(plain(ck.heads.yolo_v1), head_first(6, 12), size=224),
    "yolo_v2, frozen": Case(with_anchors, frozen(24)),
    "ssd, frozen": Case(plain(ck.heads.ssd), frozen(16)),
    "ssd, head and all": Case(plain(ck.heads.ssd), head_first(6, 6)),
    "retinanet, frozen": Case(plain(ck.heads.retinanet, levels=OF_BACKBONE), frozen(12)),
    "centernet, frozen": Case(plain(ck.heads.centernet, stride=8), frozen(24)),
    "faster_rcnn, frozen": Case(two_stages(ck.tasks.faster_rcnn), frozen(12)),
    "faster_rcnn, head and all": Case(two_stages(ck.tasks.faster_rcnn), head_first(6, 8)),
    "mask_rcnn, frozen": Case(two_stages(ck.tasks.mask_rcnn), frozen(12)),
}
"""Name → what is measured."""


@dataclass(frozen=True)
class Result:
    """One run.

    Attributes:
        AP: COCO's, of the test pictures.
        AP50: The same at an IoU of .5.
        person: AP50 of persons.
        epochs: Passes over the training pictures.
        cpu_seconds: Of all threads, from the backbone to the trained network.
        megabytes: Peak of the memory until then.
        convolution_ms: Of this machine, CPU milliseconds of one convolution.
    """

    case: str
    seed: int
    AP: float
    AP50: float
    person: float
    epochs: int
    cpu_seconds: float
    wall_seconds: float
    megabytes: int
    convolution_ms: float

    @property
    def key(self) -> tuple[str, int]:
        """What is run once."""
        return self.case, self.seed


def measured(name: str, seed: int) -> Result:
    """Trains and tests, in this process."""
    case = CASES[name]
    photos, size = scenes(case.size), (case.size, case.size)
    speed = harness.convolution_ms()
    with tempfile.TemporaryDirectory() as cache:
        os.environ["CNNKIT_CACHE"] = cache
        wall, cpu = time.perf_counter(), time.process_time()
        body = ck.backbone("nano", input_shape=(*size, 3))
        net = case.network(body, photos.train, seed)
        options: dict[str, Any] = {"augment": AUGMENTATION, "views": case.views, "batch_size": 16, "progress": False}
        ck.fit(net, photos, case.plan, seed=seed, **options)
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    megabytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1000
    scores = ck.evaluate(net, photos.test)
    return Result(
        case=name,
        seed=seed,
        AP=round(scores["AP"], 4),
        AP50=round(scores["AP50"], 4),
        person=round(scores["AP50/person"], 4),
        epochs=sum(phase.epochs for phase in case.plan.phases),
        cpu_seconds=round(cpu, 1),
        wall_seconds=round(wall, 1),
        megabytes=megabytes,
        convolution_ms=round(speed, 2),
    )


def in_process_of_its_own(case: str, seed: int) -> Result:
    """The same in a new process, whose memory is that of this run alone."""
    command = [sys.executable, __file__, "--one", case, str(seed)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return Result(**json.loads(done.stdout.splitlines()[-1]))


def table(results: Sequence[Result]) -> pd.DataFrame:
    """One row for each case: medians over the seeds."""
    rows = pd.DataFrame([asdict(result) for result in results])
    medians = ("AP", "AP50", "person", "epochs", "cpu_seconds", "megabytes", "convolution_ms")
    return rows.groupby("case", sort=False).agg(runs=("seed", "size"), **{name: (name, "median") for name in medians})


def main() -> None:
    """Runs what is missing and prints the medians, or JSON."""
    parser = harness.options(__doc__)
    parser.add_argument("--cases", nargs="+", choices=list(CASES), default=list(CASES))
    parser.add_argument("--results", type=Path, default=RESULTS, help=f"({RESULTS.name})")
    parser.add_argument("--seeds", type=int, nargs="+", help="(0 … rounds - 1)")
    parser.add_argument("--print", action="store_true", help="Only the rows that are there, and no runs.")
    parser.add_argument("--one", nargs=2, metavar=("CASE", "SEED"), help="One run, as JSON.")
    arguments = parser.parse_args()
    if arguments.one:
        case, seed = arguments.one
        print(json.dumps(asdict(measured(case, int(seed)))))
        return
    started = harness.machine()
    results = result_rows.read(arguments.results, Result)
    if arguments.print:
        print(table(results).to_string(float_format="{:.3f}".format) if results else "no rows yet")
        return
    seeds = arguments.seeds or range(arguments.rounds)
    runs = [(case, seed) for seed in seeds for case in arguments.cases]
    for run in runs:
        if run not in {result.key for result in results}:
            results.append(in_process_of_its_own(*run))
            result_rows.append(arguments.results, results[-1])
            harness.say(f"  {results[-1]}")
    found = table([result for result in results if result.key in set(runs)])
    if arguments.json:
        print(json.dumps({"bench": "detection", "machine": started, "rounds": len(seeds), "rows": _json(found)}))
        return
    print(f"detection, {started}")
    print(found.to_string(float_format="{:.3f}".format))


def _json(found: pd.DataFrame) -> list[dict[str, Any]]:
    """The table as rows of the form that all benchmarks have; there is no peer, the numbers stand for themselves."""
    return [
        {
            "case": f"{name}: AP50 {row['AP50']:.3f}",
            "peer": "itself",
            "peer_seconds": row["cpu_seconds"],
            "seconds": row["cpu_seconds"],
            "ratio": 1.0,
            "bar": None,
            **row,
        }
        for name, row in found.iterrows()
    ]


if __name__ == "__main__":
    main()
