"""Boxes and masks by cnnkit, KerasHub, KerasCV and segmentation_models_pytorch, from the same pictures in equal time.

    pip install --no-deps --target /tmp/peerlibs keras-hub==0.32.0 keras-nlp kagglehub kagglesdk keras-cv==0.9.0 \
        tokenizers sentencepiece regex
    PYTHONPATH=.:/tmp/peerlibs python tests/benchmarks/bench_peers_dense.py --cases "fcos, random weights" --seeds 0
    python tests/benchmarks/bench_peers_dense.py --print

A case has a budget of CPU seconds of all threads, from the network to the trained one, with the reading (of scenes
the drawing) of its pictures and the compilation of its graph; it stops at the end of the step with which the budget is
used up, and its rates fall to 0 with the budget (`cpu_budget.Budget`). All cases get the same views of the same
pictures, AdamW, a weight decay of 1e-4, and the test pictures are scored by cnnkit's metrics.

Detection: `bench_detection.scenes`, 3,000 drawn scenes of 160² and 600 to test, 324 CPU seconds. Peers have no small
pretrained backbone here and begin from random weights. KerasHub's RetinaNet has P3 to P5 of a ResNet of .57 million
parameters, its smallest of basic blocks (the first stage must have 64 channels): once with all its defaults, once
fitted: one convolution of 256 channels in each head and not four, anchors from 2 strides on and not from 4 (of 946
boxes .86 then have an anchor with an IoU above .5, and not .65), and class scores that begin at .01. KerasCV's YOLOv8
is built with the channels of its smallest preset, and with half of them.

Each run is one (case, seed) in a process of its own and appends its row to the results at once; runs that are there are
not repeated. `megabytes` is the peak of the process's memory until its network is trained; `convolution_ms` is how fast
the machine was, the mean of before and after (`harness.convolution_ms`).
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
from functools import partial
from pathlib import Path
from typing import Literal

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import accuracy_sets
import bench_detection
import harness
import pandas as pd
import peers_keras
import result_rows
from cpu_budget import Budget
from peers_keras import FollowBudget

import cnnkit as ck

RESULTS = Path(__file__).with_name("peers_dense.csv")
MOST_EPOCHS = 10_000  # never reached: the budget ends before
NONE = float("nan")
SIZE = (160, 160)  # of scenes
SCORES = ("AP", "AP50", "person", "mean_iou", "pixel_accuracy")


@dataclass(frozen=True)
class Outcome:
    """What a case gives.

    Attributes:
        scores: Of the test pictures, those that `Result` has.
        parameters: Of the network.
        pictures: How many views it was trained on.
        cpu_seconds: Of the training.
        wall_seconds: The same.
        megabytes: Peak of the memory until then.
    """

    scores: dict[str, float]
    parameters: int
    pictures: int
    cpu_seconds: float
    wall_seconds: float
    megabytes: int


@dataclass(frozen=True)
class Result:
    """One run.

    Attributes:
        task: "detection" or "segmentation".
        AP: COCO's, of the boxes; NaN where masks are predicted.
        AP50: The same at an IoU of .5.
        person: AP50 of persons.
        mean_iou: Of the pixels of the test pictures in their own size; NaN where boxes are predicted.
        pixel_accuracy: The same.
        parameters: Of the network, in millions.
        pictures: Views that it was trained on.
        budget: CPU seconds that it had.
        cpu_seconds: That it took.
        convolution_ms: Of `harness.convolution_ms`, the mean of before and after.
        megabytes: Peak of the memory until the network was trained.
    """

    task: str
    case: str
    seed: int
    AP: float
    AP50: float
    person: float
    mean_iou: float
    pixel_accuracy: float
    parameters: float
    pictures: int
    budget: int
    cpu_seconds: float
    wall_seconds: float
    convolution_ms: float
    megabytes: int

    @property
    def key(self) -> tuple[str, int]:
        """What is run once."""
        return self.case, self.seed


def peak_megabytes() -> int:
    """Of this process until now."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1000


def following_budget(plan: ck.Plan) -> ck.Plan:
    """A plan whose last phase lasts until the budget is used up, with rates that a callback sets."""
    *first, last = plan.phases
    return ck.Plan([*first, replace(last, epochs=MOST_EPOCHS, schedule="constant", warmup_epochs=0)])


def followed(plan: ck.Plan, budget: Budget) -> FollowBudget:
    """The callback that ends the last phase of a plan."""
    return FollowBudget(budget, first_epoch=sum(phase.epochs for phase in plan.phases[:-1]))


def our_detector(name: str, seed: int, seconds: float) -> Outcome:
    """A case of `bench_detection`, whose last phase lasts until the budget is used up."""
    case = bench_detection.CASES[name]
    photos = case.photos(case.size)
    plan = following_budget(case.plan)
    with tempfile.TemporaryDirectory() as cache:
        os.environ["CNNKIT_CACHE"] = cache
        wall, budget = time.perf_counter(), Budget(seconds)
        follow = followed(plan, budget)
        backbone = dict(case.backbone)
        body = ck.backbone(backbone.pop("name"), **backbone, input_shape=(case.size, case.size, 3))
        net = case.network(body, photos.train, seed)
        options = {"augment": bench_detection.AUGMENTATION, "views": case.views, "progress": False}
        ck.fit(net, photos, plan, batch_size=16, seed=seed, callbacks=[follow], **options)
        taken = budget.used, time.perf_counter() - wall, peak_megabytes()
    scores = ck.evaluate(net, photos.test)
    boxes = {"AP": scores["AP"], "AP50": scores["AP50"], "person": scores["AP50/person"]}
    return Outcome(boxes, net.model.count_params(), follow.steps * 16, *taken)


def peer_detector(name: str, seed: int, seconds: float) -> Outcome:
    """A detector of `peers_keras`."""
    detector, photos = peers_keras.DETECTORS[name], bench_detection.scenes(SIZE[0])
    wall, budget = time.perf_counter(), Budget(seconds)
    options = {"augment": bench_detection.AUGMENTATION, "size": SIZE, "batch_size": 16}
    model, pictures = detector.trained(photos.train, **options, seed=seed, budget=budget)
    taken = budget.used, time.perf_counter() - wall, peak_megabytes()
    found = ck.metrics.coco(photos.test.targets, detector.predicted(model, photos.test))
    numbers, person = found.numbers, found.of_category("person")
    boxes = {"AP": numbers["AP"], "AP50": numbers["AP50"], "person": person["AP50"]}
    return Outcome(boxes, model.count_params(), pictures, *taken)


@dataclass(frozen=True)
class Case:
    """What is trained, and how long.

    Attributes:
        run: Given a seed and CPU seconds.
        budget: CPU seconds.
    """

    task: Literal["detection", "segmentation"]
    run: Callable[[int, float], Outcome]
    budget: int


DETECTION = {"task": "detection", "budget": 324}
CASES = {
    "fcos, random weights": Case(run=partial(our_detector, "fcos, random weights"), **DETECTION),
    "fcos, shipped weights": Case(run=partial(our_detector, "fcos, head and all"), **DETECTION),
    **{name: Case(run=partial(peer_detector, name), **DETECTION) for name in peers_keras.DETECTORS},
}
"""Name → what is measured."""


def measured(name: str, seed: int, seconds: float | None = None) -> Result:
    """Trains and tests, in this process."""
    case = CASES[name]
    budget = case.budget if seconds is None else seconds
    os.environ.setdefault("CNNKIT_WEIGHTS", str(accuracy_sets.DATA.parent / "weights"))
    pace = harness.convolution_ms()
    outcome = case.run(seed, budget)
    pace = (pace + harness.convolution_ms()) / 2
    scores = dict.fromkeys(SCORES, NONE) | outcome.scores
    return Result(
        task=case.task,
        case=name,
        seed=seed,
        **{name: round(score, 4) for name, score in scores.items()},
        parameters=round(outcome.parameters / 1e6, 3),
        pictures=outcome.pictures,
        budget=round(budget),
        cpu_seconds=round(outcome.cpu_seconds, 1),
        wall_seconds=round(outcome.wall_seconds, 1),
        convolution_ms=round(pace, 1),
        megabytes=outcome.megabytes,
    )


def in_process_of_its_own(case: str, seed: int) -> Result:
    """The same in a new process, whose memory is that of this run alone."""
    command = [sys.executable, __file__, "--one", case, str(seed)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return Result(**json.loads(done.stdout.splitlines()[-1]))


def tables(results: Sequence[Result]) -> dict[str, pd.DataFrame]:
    """Task → one row for each case: medians over the seeds, without scores of the other task."""
    rows = pd.DataFrame([asdict(result) for result in results])
    found = {}
    for task, of_task in rows.groupby("task", sort=False):
        grouped = of_task.drop(columns=["task", "budget"]).groupby("case", sort=False)
        medians = grouped.median().drop(columns="seed").dropna(axis=1, how="all")
        found[str(task)] = grouped.size().to_frame("runs").join(medians)
    return found


def main() -> None:
    """Runs what is missing and prints the medians, or JSON."""
    parser = harness.options(__doc__)
    parser.add_argument("--cases", nargs="+", choices=list(CASES), default=list(CASES))
    parser.add_argument("--results", type=Path, default=RESULTS, help=f"({RESULTS.name})")
    parser.add_argument("--seeds", type=int, nargs="+", help="(0 … rounds - 1)")
    parser.add_argument("--print", action="store_true", help="Only the rows that are there, and no runs.")
    parser.add_argument("--one", nargs="+", metavar="CASE SEED [BUDGET]", help="One run, as JSON.")
    arguments = parser.parse_args()
    if arguments.one:
        case, seed, *budget = arguments.one
        print(json.dumps(asdict(measured(case, int(seed), *map(float, budget)))))
        return
    started = harness.machine()
    results = result_rows.read(arguments.results, Result)
    if not arguments.print:
        seeds = arguments.seeds or range(arguments.rounds)
        runs = [(case, seed) for seed in seeds for case in arguments.cases]
        for run in runs:
            if run not in {result.key for result in results}:
                results.append(in_process_of_its_own(*run))
                result_rows.append(arguments.results, results[-1])
                harness.say(f"  {results[-1]}")
        results = [result for result in results if result.key in set(runs)]
    if harness.study("peers_dense", results, started=started, arguments=arguments):
        return
    print(f"peers_dense, {started}")
    for task, table in tables(results).items() if results else ():
        print(f"\n{task}\n{table.to_string(float_format='{:.3f}'.format)}")


if __name__ == "__main__":
    main()
