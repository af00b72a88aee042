"""The joints of people in crops of drawn scenes, 17 points at 128²: how near they are, and at which cost.

    python tests/benchmarks/bench_pose.py --rounds 2

Trains heads of points on nano with the people of 3,000 scenes of 256² whose box is at least 40 pixels long, and scores
them on those of 600 others, each seen mirrored too, once per seed for each row. Of a head of several stages each stage
is a line. Each run appends its rows to the results at once; those that are there are not repeated. Cost is the
processor time of `ck.fit`; how fast the machine was then is told by `harness.convolution_ms`. The mean pose of the
training crops is what a network has to beat that looks at nothing.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import harness
import keras
import numpy as np
import result_rows

import cnnkit as ck
from cnnkit.data.targets import Points

SIDE = 128
KEPT = 160  # pixels of a side of the crops in memory
SCENES = {"train": (3000, 21), "test": (600, 22)}
RESULTS = Path(__file__).with_name("pose.csv")


@dataclass(frozen=True)
class Case:
    """One head.

    Args:
        head: Made of the names of the points and a seed.
        epochs: Of the training.
        bar: Least similarity of its last stage.
        weights: Of nano.
    """

    head: Callable[[tuple[str, ...], int], ck.heads.Head]
    epochs: int = 12
    bar: float | None = None
    weights: str | None = "imagenet"


CASES = {
    "heatmaps": Case(lambda names, seed: ck.heads.heatmaps(names, seed=seed), bar=0.68),
    "heatmaps, 40 wide": Case(lambda names, seed: ck.heads.heatmaps(names, width=40, seed=seed), epochs=15, bar=0.68),
    "hourglass": Case(lambda names, seed: ck.heads.hourglass(names, seed=seed)),
    "pose machine": Case(lambda names, seed: ck.heads.pose_machine(names, seed=seed)),
    "heatmaps, squares": Case(lambda names, seed: ck.heads.heatmaps(names, objective="squares", seed=seed)),
}


@dataclass(frozen=True)
class Result:
    """One stage of one run.

    Attributes:
        row: One of `CASES`.
        stage: From 1 on.
        cpu_seconds: Of `ck.fit`, of all threads.
        convolution_ms: Of this machine at that time: the mean of one measurement before and one after.
        oks: Mean object keypoint similarity.
        above_half: The share of people where it is above .5.
        pck_torso: The share of points within .2 of the torso.
        pck_box: The share of points within .05 of the box.
    """

    row: str
    stage: int
    seed: int
    epochs: int
    cpu_seconds: float
    convolution_ms: float
    oks: float
    above_half: float
    pck_torso: float
    pck_box: float


def main() -> None:
    """Runs what the file does not hold yet, and prints medians over the seeds."""
    parser = harness.options(__doc__, rounds=2, of="seeds")
    parser.add_argument("--results", type=Path, default=RESULTS, help=f"({RESULTS.name})")
    parser.add_argument("--rows", nargs="*", default=list(CASES), choices=list(CASES), help="only these rows")
    arguments = parser.parse_args()
    started = harness.machine()
    results = result_rows.read(arguments.results, Result)
    for seed in range(arguments.rounds):
        for name in arguments.rows:
            if (name, seed) not in {(result.row, result.seed) for result in results}:
                for result in trained(name, seed):
                    results.append(result)
                    result_rows.append(arguments.results, result)
                    harness.say(f"  {result}")
    if harness.study("pose", results, started=started, arguments=arguments):
        return
    print(f"pose, {arguments.rounds} seeds, medians; {started}")
    print(f"{'mean pose':<24}             {mean_pose()}")
    for name in arguments.rows:
        mine = [result for result in results if result.row == name and result.seed < arguments.rounds]
        for stage in sorted({result.stage for result in mine}):
            of_stage = [result for result in mine if result.stage == stage]
            cost, oks, half, torso = (
                statistics.median(getattr(result, field) for result in of_stage)
                for field in ("cpu_seconds", "oks", "above_half", "pck_torso")
            )
            bar = CASES[name].bar
            met = "" if bar is None else f"  bar {bar}: {'met' if oks >= bar else 'missed'}"
            print(f"{name:<24} {stage} {cost:5.0f} s  OKS {oks:.3f}  above half {half:.3f}  torso {torso:.3f}{met}")


@cache
def photos() -> ck.data.Dataset:
    """People, in memory, from 3,000 scenes to train on and 600 of another series to test on."""
    train, test = (people(*SCENES[part]) for part in ("train", "test"))
    return ck.data.Dataset(train.names, train, ck.data.Source.empty(train.targets), test)


def people(scenes: int, seed: int) -> ck.data.Source:
    """The crops of the people of a series, enlarged or made smaller: drawing them is not measured."""
    drawn = ck.data.scenes(scenes, seed=seed, size=256, target="boxes").whole()
    nothing = ck.data.Source.empty(drawn.targets)
    crops = ck.data.crops(ck.data.Dataset(drawn.names, drawn, nothing, nothing), "person", least=40).train
    framing, count = ck.data.Framing("squash"), len(crops)
    images = np.stack([framing.apply(crops.image(index), (KEPT, KEPT)) for index in range(count)])
    moves = np.stack([framing.positions(crops.shape(index), (KEPT, KEPT)) for index in range(count)])
    arrays = ck.data.arrays(images, np.arange(count) % 2, split=(1, 0, 0)).train
    truth = crops.targets.moved(moves, (KEPT, KEPT))
    return ck.data.Source(arrays.ids, truth.take(arrays.positions), arrays.reader, arrays.positions)


def trained(name: str, seed: int) -> list[Result]:
    """One training of a row, and the test of its stages."""
    case = CASES[name]
    keras.utils.set_random_seed(seed)
    body = ck.backbone("nano", weights=case.weights, input_shape=(SIDE, SIDE, 3))
    net = ck.attach(body, case.head(photos().classes, seed), framing=ck.data.Framing("squash"))
    plan = ck.Plan(
        [
            ck.Phase(
                "all",
                train="all",
                epochs=case.epochs,
                rate=2e-3,
                schedule="cosine",
                warmup_epochs=1,
                clip_norm=1.0,
                optimizer="adamw",
                weight_decay=1e-3,
                batch_norm="frozen" if case.weights else "train",
            )
        ]
    )
    augment = ck.data.Augmentation(rotation=15, width_shift=0.05, height_shift=0.05, zoom=0.15, horizontal_flip=True)
    photos()  # drawn before
    before, started = harness.convolution_ms(), time.process_time()
    run = ck.fit(net, photos(), plan, augment=augment, batch_size=16, seed=seed, progress=False)
    cost = time.process_time() - started
    convolution = (before + harness.convolution_ms()) / 2
    harness.say(run.history[["epoch", "loss", "rate", "seconds"]].to_string())
    for decoding in ("peak", "quarter", "mean", "local"):
        other = replace(net, head=replace(net.head, decoding=decoding))
        scores = [ck.evaluate(other, photos().test, flip=flip)["oks"] for flip in (False, True)]
        harness.say(f"  {name}, {decoding}: OKS {scores[0]:.3f}, mirrored too {scores[1]:.3f}")
    table = ck.stage_scores(net, photos().test, flip=True)
    return [
        Result(
            row=name,
            stage=int(stage),
            seed=seed,
            epochs=case.epochs,
            cpu_seconds=round(cost, 1),
            convolution_ms=round(convolution, 1),
            oks=round(float(scores["oks"]), 4),
            above_half=round(float(scores["oks_above_half"]), 4),
            pck_torso=round(float(scores["pck_torso"]), 4),
            pck_box=round(float(scores["pck_box"]), 4),
        )
        for stage, scores in table.iterrows()
    ]


def mean_pose() -> str:
    """The score of the mean pose of the training crops."""
    known, truth = photos().train.targets, photos().test.targets
    weights = (known.shown > 0)[..., None]
    pose = (known.values * weights).sum(axis=0) / weights.sum(axis=0)
    everywhere = np.full(truth.shown.shape, 2)
    said = Points(truth.names, np.tile(pose, (len(truth), 1, 1)), everywhere, mirror=truth.mirror)
    similarity, torso = np.nanmean(ck.metrics.oks(truth, said)), ck.metrics.pck(truth, said)
    box = ck.metrics.pck(truth, said, scale="box")
    return f"OKS {similarity:.3f}  torso {torso:.3f}; within .2 of the box {box:.3f}, which says little"


if __name__ == "__main__":
    main()
