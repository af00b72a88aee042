"""The box of the largest person in drawn scenes of 160²: how much it overlaps the true one, and at which cost.

    python tests/benchmarks/bench_localization.py --rounds 3

Trains `ck.heads.localizer` on nano with 1,206 scenes that show a person and scores it on 243 others, once per seed for
each row. Each run appends its row to the results at once; those that are there are not repeated. Cost is the processor
time of `ck.fit`; how fast the machine was then is told by `harness.convolution_ms`. The mean box of the training scenes
is what a network has to beat that looks at nothing.
"""

from __future__ import annotations

import statistics
import time
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import harness
import keras
import numpy as np
import result_rows

import cnnkit as ck
from cnnkit.data.targets import Boxes

SIDE = 160
TRAIN, TEST = 1206, 243
RESULTS = Path(__file__).with_name("localization.csv")
EPOCHS = 30


@dataclass(frozen=True)
class Case:
    """One way to localize.

    Args:
        pooling: Of the head.
        weights: Of nano.
        bars: Least mean IoU and share above one half; None where nothing was set.
    """

    pooling: str
    weights: str | None = "imagenet"
    bars: tuple[float, float] | None = None


CASES = {
    "attention": Case("attention", bars=(0.58, 0.73)),
    "average": Case("average"),
    "flatten": Case("flatten"),
    "attention, random weights": Case("attention", weights=None),
}


@dataclass(frozen=True)
class Result:
    """One run.

    Attributes:
        row: One of `CASES`.
        cpu_seconds: Of `ck.fit`, of all threads.
        convolution_ms: Of this machine at that time: the mean of one measurement before and one after.
        mean_iou: Of the test scenes.
        above_half: The share of them whose IoU is above one half.
    """

    row: str
    seed: int
    epochs: int
    cpu_seconds: float
    convolution_ms: float
    mean_iou: float
    above_half: float


def main() -> None:
    """Runs what the file does not hold yet, and prints medians over the seeds."""
    parser = harness.options(__doc__, rounds=3, of="seeds")
    parser.add_argument("--results", type=Path, default=RESULTS, help=f"({RESULTS.name})")
    parser.add_argument("--rows", nargs="*", default=list(CASES), choices=list(CASES), help="only these rows")
    arguments = parser.parse_args()
    started = harness.machine()
    results = result_rows.read(arguments.results, Result)
    for seed in range(arguments.rounds):
        for name in arguments.rows:
            if (name, seed) not in {(result.row, result.seed) for result in results}:
                results.append(trained(name, seed))
                result_rows.append(arguments.results, results[-1])
                harness.say(f"  {results[-1]}")
    if harness.study("localization", results, started=started, arguments=arguments):
        return
    print(f"localization, {arguments.rounds} seeds, medians; {started}")
    iou, above = mean_box()
    print(f"{'mean box':<28}        mean IoU {iou:.3f}  above one half {above:.3f}")
    for name in arguments.rows:
        mine = [result for result in results if result.row == name and result.seed < arguments.rounds]
        cost, iou, above = (
            statistics.median(getattr(result, field) for result in mine)
            for field in ("cpu_seconds", "mean_iou", "above_half")
        )
        bars = CASES[name].bars
        met = "" if bars is None else f"  bars {bars}: {'met' if iou >= bars[0] and above >= bars[1] else 'missed'}"
        print(f"{name:<28} {cost:5.0f} s mean IoU {iou:.3f}  above one half {above:.3f}{met}")


@cache
def photos() -> ck.data.Dataset:
    """The scenes with the largest person of each: to train on of one series, to test on of another."""
    train, test = (parted(n, seed, count) for n, seed, count in ((2600, 11, TRAIN), (600, 12, TEST)))
    return ck.data.Dataset(train.names, train, ck.data.Source.empty(train.targets), test)


def parted(scenes: int, seed: int, count: int) -> ck.data.Source:
    """The first `count` scenes of a series that show a person, the pictures in memory: drawing them is not measured."""
    drawn = ck.data.scenes(scenes, seed=seed, size=SIDE, target="boxes")
    whole = ck.data.Source(
        tuple(name for part in drawn.parts().values() for name in part.ids),
        Boxes.joined([part.targets for part in drawn.parts().values()]),
        drawn.train.reader,
        np.arange(scenes),
    )
    empty = ck.data.Source.empty(whole.targets)
    people = ck.data.largest_boxes(ck.data.Dataset(whole.names, whole, empty, empty), "person").train
    people = people.take(range(count))
    images = np.stack([people.image(index) for index in range(count)])
    arrays = ck.data.arrays(images, np.arange(count) % 2, split=(1, 0, 0)).train
    return ck.data.Source(arrays.ids, people.targets, arrays.reader, arrays.positions)


def trained(name: str, seed: int) -> Result:
    """One training of a row, and its test."""
    case = CASES[name]
    keras.utils.set_random_seed(seed)
    body = ck.backbone("nano", weights=case.weights, input_shape=(SIDE, SIDE, 3))
    head = ck.heads.localizer(photos().classes, pooling=case.pooling, seed=seed)
    net = ck.attach(body, head, framing=ck.data.Framing("squash"))
    plan = ck.Plan(
        [
            ck.Phase(
                "all",
                train="all",
                epochs=EPOCHS,
                rate=1e-3,
                schedule="cosine",
                warmup_epochs=1,
                clip_norm=1.0,
                optimizer="adamw",
                weight_decay=1e-2,
                batch_norm="frozen" if case.weights else "train",
            )
        ]
    )
    augment = ck.data.Augmentation(horizontal_flip=True, width_shift=0.1, height_shift=0.1, zoom=0.15)
    photos()  # drawn before
    before, started = harness.convolution_ms(), time.process_time()
    run = ck.fit(net, photos(), plan, augment=augment, batch_size=16, seed=seed, progress=False)
    cost = time.process_time() - started
    convolution = (before + harness.convolution_ms()) / 2
    scores = ck.evaluate(net, photos().test)
    harness.say(run.history.tail(3).to_string())
    return Result(
        row=name,
        seed=seed,
        epochs=EPOCHS,
        cpu_seconds=round(cost, 1),
        convolution_ms=round(convolution, 1),
        mean_iou=round(scores["mean_iou"], 4),
        above_half=round(scores["above_half"], 4),
    )


def mean_box() -> tuple[float, float]:
    """The score of the mean box of the training scenes."""
    truth = photos().test.targets
    score = ck.heads.localizer(photos().classes).score()
    box = photos().train.targets.boxes.mean(axis=0)
    score.add(truth, Boxes(truth.names, np.tile(box, (TEST, 1)), truth.labels, truth.starts))
    return score.result()["mean_iou"], score.result()["above_half"]


if __name__ == "__main__":
    main()
