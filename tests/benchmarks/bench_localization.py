"""The box of the largest person in drawn scenes of 160²: how much it overlaps the true one, and at which cost.

    python tests/benchmarks/bench_localization.py --rounds 3

Trains `ck.heads.localizer` on nano with 1,206 scenes that show a person and scores it on 243 others, once per seed for
each row; `--csv FILE` keeps what is done, and a run that is started again goes on from there. Cost is the processor
time of `ck.fit`, which other work on the machine changes little. The mean box of the training scenes is what a network
has to beat that looks at nothing.
"""

from __future__ import annotations

import argparse
import csv
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import harness
import keras
import numpy as np

import cnnkit as ck
from cnnkit.data.targets import Boxes

SIDE = 160
TRAIN, TEST = 1206, 243
COLUMNS = ("row", "seed", "cpu_seconds", "mean_iou", "above_half")


@dataclass(frozen=True)
class Case:
    """One way to localize.

    Args:
        pooling: Of the head.
        epochs: Of the training.
        weights: Of nano.
        bars: Least mean IoU and share above one half; None where nothing was set.
    """

    pooling: str
    epochs: int
    weights: str | None = "imagenet"
    bars: tuple[float, float] | None = None


CASES = {
    "attention": Case("attention", 24, bars=(0.58, 0.73)),
    "average": Case("average", 24),
    "flatten": Case("flatten", 24),
    "attention, random weights": Case("attention", 24, weights=None),
}


def main() -> None:
    """Runs what the file does not hold yet, and prints medians over the seeds."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3, help="seeds (3)")
    parser.add_argument("--csv", type=Path, help="where results are kept")
    parser.add_argument("--rows", nargs="*", default=list(CASES), choices=list(CASES), help="only these rows")
    arguments = parser.parse_args()
    started = harness.machine()
    results = read(arguments.csv)
    for seed in range(arguments.rounds):
        for name in arguments.rows:
            if (name, str(seed)) not in results:
                results[name, str(seed)] = trained(CASES[name], seed)
                write(arguments.csv, results)
                harness.say(f"  {name}, seed {seed}: {results[name, str(seed)]}")
    print(f"localization, {arguments.rounds} seeds, medians; {started}")
    iou, above = mean_box()
    print(f"{'mean box':<28}        mean IoU {iou:.3f}  above one half {above:.3f}")
    for name in arguments.rows:
        cost, iou, above = (
            statistics.median(values)
            for values in zip(*(results[name, str(s)] for s in range(arguments.rounds)), strict=True)
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


def trained(case: Case, seed: int) -> tuple[float, float, float]:
    """CPU seconds, mean IoU and the share above one half of one training."""
    keras.utils.set_random_seed(seed)
    body = ck.backbone("nano", weights=case.weights, input_shape=(SIDE, SIDE, 3))
    head = ck.heads.localizer(photos().classes, pooling=case.pooling, seed=seed)
    net = ck.attach(body, head, framing=ck.data.Framing("squash"))
    plan = ck.Plan(
        [
            ck.Phase(
                "all",
                train="all",
                epochs=case.epochs,
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
    started = time.process_time()
    run = ck.fit(net, photos(), plan, augment=augment, batch_size=16, seed=seed, progress=False)
    cost = time.process_time() - started
    scores = ck.evaluate(net, photos().test)
    harness.say(run.history.tail(3).to_string())
    return cost, scores["mean_iou"], scores["above_half"]


def mean_box() -> tuple[float, float]:
    """The score of the mean box of the training scenes."""
    truth = photos().test.targets
    score = ck.heads.localizer(photos().classes).score()
    box = photos().train.targets.boxes.mean(axis=0)
    score.add(truth, Boxes(truth.names, np.tile(box, (TEST, 1)), truth.labels, truth.starts))
    return score.result()["mean_iou"], score.result()["above_half"]


Results = dict[tuple[str, str], tuple[float, float, float]]


def read(path: Path | None) -> Results:
    """What was measured before."""
    if path is None or not path.exists():
        return {}
    with path.open(newline="") as file:
        rows: Sequence[dict[str, str]] = list(csv.DictReader(file))
    return {(row["row"], row["seed"]): tuple(float(row[name]) for name in COLUMNS[2:]) for row in rows}


def write(path: Path | None, results: Results) -> None:
    """Keeps what was measured."""
    if path is not None:
        with path.open("w", newline="") as file:
            out = csv.writer(file)
            out.writerow(COLUMNS)
            out.writerows([*key, *(f"{value:.4f}" for value in values)] for key, values in results.items())


if __name__ == "__main__":
    main()
