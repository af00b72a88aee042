"""Faces of people who were not trained on: verification of all pairs, identification from one picture each.

    CNNKIT_SHARED=../shared python tests/benchmarks/bench_faces.py --rounds 10

Of ORL's 40 people 20 are trained on and 20 tested, another half in each round; the first round has people 1–20 to train
on. Of drawn faces 400 people are trained on and 100 others tested. Each run appends its row to the results at once;
those that are there are not repeated. Cost is the processor time of `ck.fit`; how fast the machine was then is told by
`harness.convolution_ms`.

Equal error rate (eer) and true accept rates (tar) are those of all pairs. One-shot rank-1 and open-set
identification (dir, false accepts at 1 %) are means over ten galleries of one picture per person; in the open set half
of the people are in the gallery, either half once. The row "threshold" is another question: the false and true accept
rate of the strangers at `ck.held_out_threshold` of the people trained on, who are left out by quarters; "closed set" is
the accuracy of `ck.finetune` with its defaults on all 40 people, five pictures each to train on and five to test.
"""

from __future__ import annotations

import os
import statistics
import time
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import harness
import numpy as np
import result_rows
from numpy.typing import NDArray

import cnnkit as ck
from cnnkit.data.decode import decode_file
from cnnkit.metrics import detection_identification_rate, equal_error_rate, rank1, true_accept_rate

DATA = Path(os.environ.get("CNNKIT_SHARED", Path(__file__).resolve().parents[3] / "shared")) / "data" / "orl_faces"
RESULTS = Path(__file__).with_name("faces.csv")
PEOPLE, SHOTS = 40, 10
VIEWS = 17
SMALL_CHANGES = ck.data.Augmentation(
    rotation=10, width_shift=0.05, height_shift=0.05, zoom=0.1, horizontal_flip=True, brightness=(0.8, 1.2)
)
BODIES = {
    "mobilenet": {"alpha": 0.75, "cut": "conv_pw_11_relu"},
    "nano": {"cut": "block7_expand_relu"},
}


@dataclass(frozen=True)
class Case:
    """One way to tell faces apart.

    Attributes:
        plan: What trains.
        body: One of `BODIES`.
        loss: Of the head.
        size: Of its vectors.
        side: Of the input.
        drawn: Whether the faces are drawn; else they are ORL's.
        rounds: At most.
        bars: Field of a result → its bar; an error rate is to be lower, all others higher.
    """

    plan: ck.Plan
    bars: dict[str, float]
    body: str = "mobilenet"
    loss: str = "arcface"
    size: int = 384
    side: int = 160
    drawn: bool = False
    rounds: int = 10


def margin(*, train: str | int, epochs: int, rate: float, rate_decay: float = 0.5) -> ck.Plan:
    """The closed form, then the loss."""
    return ck.plans.whiten(train=train, epochs=epochs, rate=rate, rate_decay=rate_decay)


CASES = {
    "whitened": Case(ck.plans.whiten(), {"eer": 0.035, "tar_2": 0.94, "rank_1": 0.95, "dir": 0.91}),
    "whitened, nano": Case(ck.plans.whiten(), {"eer": 0.052}, body="nano"),
    "arcface": Case(margin(train="head", epochs=10, rate=1e-3), {"eer": 0.045}),
    "triplet": Case(margin(train="head", epochs=10, rate=1e-3), {"eer": 0.045}, loss="triplet"),
    "threshold": Case(ck.plans.whiten(), {"far": 0.02, "tar_2": 0.90}),
    "closed set": Case(ck.plans.whiten(), {"rank_1": 0.99}, rounds=1),
    "drawn, whitened": Case(ck.plans.whiten(), {}, body="nano", size=128, side=96, drawn=True, rounds=1),
    "drawn, triplet": Case(
        margin(train="all", epochs=48, rate=1e-3, rate_decay=0.7),
        {"eer": 0.015},
        body="nano",
        loss="triplet",
        size=128,
        side=96,
        drawn=True,
        rounds=1,
    ),
    "drawn, arcface": Case(
        margin(train="all", epochs=24, rate=1e-3), {"eer": 0.035}, body="nano", size=128, side=96, drawn=True, rounds=1
    ),
}
LOWER = ("eer", "far")


@dataclass(frozen=True)
class Result:
    """One run; a field that its row does not measure is NaN.

    Attributes:
        row: One of `CASES`.
        split: Which half of the people was trained on.
        cpu_seconds: Of `ck.fit`, of all threads; with the threshold's, where there is one.
        convolution_ms: Of this machine at that time: the mean of one measurement before and one after.
        eer: Equal error rate.
        tar_2: True accept rate at false accepts of 1 %; of "threshold" at that threshold.
        tar_3: The same at 0.1 %.
        rank_1: One-shot identification; of "closed set" the accuracy.
        dir: Detection and identification rate.
        far: False accept rate at the threshold.
    """

    row: str
    split: int
    cpu_seconds: float
    convolution_ms: float
    eer: float = np.nan
    tar_2: float = np.nan
    tar_3: float = np.nan
    rank_1: float = np.nan
    dir: float = np.nan
    far: float = np.nan


def main() -> None:
    """Runs what the file does not hold yet, and prints means over the splits."""
    parser = harness.options(__doc__, rounds=10, of="splits")
    parser.add_argument("--results", type=Path, default=RESULTS, help=f"({RESULTS.name})")
    parser.add_argument("--rows", nargs="*", default=list(CASES), choices=list(CASES), help="only these rows")
    arguments = parser.parse_args()
    started = harness.machine()
    results = result_rows.read(arguments.results, Result)
    for name in arguments.rows:
        for split in range(min(arguments.rounds, CASES[name].rounds)):
            if (name, split) not in {(result.row, result.split) for result in results}:
                results.append(measured(name, split))
                result_rows.append(arguments.results, results[-1])
                harness.say(f"  {results[-1]}")
    if harness.study("faces", results, started=started, arguments=arguments):
        return
    print(f"faces, means over splits; {started}")
    for name in arguments.rows:
        mine = [result for result in results if result.row == name and result.split < arguments.rounds]
        cost = statistics.median(result.cpu_seconds for result in mine)
        scaled = statistics.median(result.cpu_seconds * 9.6 / result.convolution_ms for result in mine)
        print(f"{name:<16} {len(mine):3} splits {cost:5.0f} s, {scaled:4.0f} s*", *told(name, mine))


def told(name: str, results: list[Result]) -> list[str]:
    """Each number that a row has, with its standard deviation from split to split and its bar."""
    texts = []
    for field in ("eer", "tar_2", "tar_3", "rank_1", "dir", "far"):
        values = [getattr(result, field) for result in results]
        if np.isnan(values).any():
            continue
        mean, bar = statistics.fmean(values), CASES[name].bars.get(field)
        met = bar is not None and (mean <= bar if field in LOWER else mean >= bar)
        verdict = "" if bar is None else f" (bar {bar:g}: {'met' if met else 'missed'})"
        texts.append(f" {field} {mean:.3f} ± {np.std(values):.3f}{verdict}")
    return texts


@cache
def orl() -> ck.data.Source:
    """All 400 photographs, person by person."""
    files = sorted(DATA.glob("*/s*/*.pgm"), key=lambda file: (int(file.parent.name[1:]), int(file.stem)))
    names = tuple(f"s{number}" for number in range(1, PEOPLE + 1))
    pictures = np.stack([decode_file(file) for file in files])
    labels = [names.index(file.parent.name) for file in files]
    return ck.data.arrays(pictures, labels, classes=names, split=(1, 0, 0)).train


def parted(case: Case, split: int) -> tuple[ck.data.Dataset, ck.data.Source]:
    """People to train on, and others to test."""
    if case.drawn:
        drawn = ck.data.faces(500, 8, seed=split, size=case.side)
        whole = in_memory(joined(drawn))
        train, test = whole.take(whole.labels < 400), whole.take(whole.labels >= 400)
    else:
        order = np.arange(PEOPLE) if split == 0 else np.random.default_rng(split).permutation(PEOPLE)
        inside = np.isin(orl().labels, order[: PEOPLE // 2])
        train, test = orl().take(inside), orl().take(~inside)
    return ck.data.Dataset(train.names, train, ck.data.Source.empty(train.targets), test), test


def joined(photos: ck.data.Dataset) -> ck.data.Source:
    """All parts of drawn faces, person by person: one reader draws them all."""
    count = sum(len(part) for part in photos.parts().values())
    shots = count // len(photos.classes)
    labels = np.arange(count) // shots
    names = tuple(f"face-{number:05d}" for number in range(count))
    return ck.data.Source.labelled(names, photos.classes, labels, photos.train.reader, np.arange(count))


def in_memory(source: ck.data.Source) -> ck.data.Source:
    """The same pictures, drawn before anything is measured."""
    images = np.stack([source.image(index) for index in range(len(source))])
    return ck.data.arrays(images, source.labels, classes=source.names, split=(1, 0, 0)).train


def network(case: Case, train: ck.data.Source) -> ck.Network:
    """The backbone of a row with its head."""
    body = ck.backbone(case.body, input_shape=(case.side, case.side, 3), **BODIES[case.body])
    head = ck.heads.embedding(train, loss=case.loss, size=case.size)
    return ck.attach(body, head, framing=ck.data.Framing("squash"))


def measured(name: str, split: int) -> Result:
    """One run of a row."""
    if name == "closed set":
        return closed_set(split)
    case = CASES[name]
    photos, test = parted(case, split)
    net = network(case, photos.train)
    views = 1 if case.drawn else VIEWS
    before, started = harness.convolution_ms(), time.process_time()
    run = ck.fit(
        net, photos, case.plan, augment=SMALL_CHANGES, views=views, batch_size=32, cache="memory", progress=False
    )
    threshold = None
    if name == "threshold":
        threshold = ck.held_out_threshold(net, photos.train, augment=SMALL_CHANGES, views=views, flip=True)
    cost = time.process_time() - started
    convolution = (before + harness.convolution_ms()) / 2
    harness.say(run.history.tail(3).to_string())
    vectors = ck.predict(net, test, flip=True).iloc[:, 1:].to_numpy()
    scores = (
        at_threshold(vectors, test.labels, threshold) if threshold is not None else all_scores(vectors, test.labels)
    )
    rounded = {field: round(value, 4) for field, value in scores.items()}
    return Result(name, split, round(cost, 1), round(convolution, 1), **rounded)


def all_scores(vectors: NDArray[np.float32], labels: NDArray[np.int64]) -> dict[str, float]:
    """Of people whose pictures stand side by side, as many of each."""
    similar = (vectors @ vectors.T).astype(np.float64)
    upper = np.triu_indices(len(labels), 1)
    same, pairs = labels[upper[0]] == labels[upper[1]], similar[upper]
    first = np.unique(labels, return_index=True)[1]
    shots = len(labels) // len(first)
    ranks, detections = [], []
    for shot in range(shots):
        gallery = first + shot
        others = np.setdiff1d(np.arange(len(labels)), gallery)
        ranks.append(rank1(similar[np.ix_(others, gallery)], labels[others], labels[gallery]))
        for known in (gallery[::2], gallery[1::2]):
            asked = np.setdiff1d(np.arange(len(labels)), known)
            detections.append(
                detection_identification_rate(similar[np.ix_(asked, known)], labels[asked], labels[known])
            )
    return {
        "eer": equal_error_rate(same, pairs),
        "tar_2": true_accept_rate(same, pairs, far=1e-2),
        "tar_3": true_accept_rate(same, pairs, far=1e-3),
        "rank_1": float(np.mean(ranks)),
        "dir": float(np.mean(detections)),
    }


def at_threshold(vectors: NDArray[np.float32], labels: NDArray[np.int64], threshold: float) -> dict[str, float]:
    """The rates of strangers at a threshold that knows nothing of them."""
    upper = np.triu_indices(len(labels), 1)
    accepted = (vectors @ vectors.T)[upper] >= threshold
    same = labels[upper[0]] == labels[upper[1]]
    return {"far": float(accepted[~same].mean()), "tar_2": float(accepted[same].mean())}


def closed_set(split: int) -> Result:
    """All 40 people, five pictures each to train on: a classifier by the defaults."""
    shot = np.arange(len(orl())) % SHOTS
    train, test = orl().take(shot < SHOTS // 2), orl().take(shot >= SHOTS // 2)
    photos = ck.data.Dataset(train.names, train, ck.data.Source.empty(train.targets), test)
    before, started = harness.convolution_ms(), time.process_time()
    net = ck.finetune(photos, backbone="mobilenet", alpha=0.75, seed=split, progress=False)
    cost = time.process_time() - started
    convolution = (before + harness.convolution_ms()) / 2
    accuracy = ck.evaluate(net, test)["accuracy"]
    return Result("closed set", split, round(cost, 1), round(convolution, 1), rank_1=round(accuracy, 4))


if __name__ == "__main__":
    main()
