"""Boxes: what detectors reach on drawn scenes and on photographs, and in how many CPU seconds.

    python tests/benchmarks/bench_detection.py --cases "fcos, frozen" "yolo_v2, frozen" --seeds 0 1 2
    python tests/benchmarks/bench_detection.py --print

3,000 scenes to train on and 600 of another series to test, with the shipped nano; 30 of the 38 classes occur. Rows of
"people" find persons in 40 photographs of `coco_mini`, trained on the other 39 and `coco128`, with MobileNet; these
pictures and its ImageNet weights are those of the shared folder. Each run is one (case, seed) in
a process of its own, without features kept from before, and appends its row to the results at once; runs that are
there are not repeated, so that a study may be stopped at any time. CPU seconds are those of all threads from the
backbone to the trained network, features included, drawing the scenes' truth and the test not. `convolution_ms` says
how fast the machine was just then (`harness.convolution_ms`): CPU seconds of two machines are compared after division
by it.
"""

from __future__ import annotations

import json
import os
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import accuracy_sets
import harness
import numpy as np
import pandas as pd
import result_rows

import cnnkit as ck

RESULTS = Path(__file__).with_name("detection.csv")
AUGMENTATION = ck.data.Augmentation(width_shift=0.1, height_shift=0.1, zoom=0.15, horizontal_flip=True)


def scenes(size: int, count: int = 3_000) -> ck.data.Dataset:
    """Drawn scenes to train on and 600 of another series to test, none of validation: nothing is chosen."""
    train = ck.data.scenes(4_286, seed=11, size=size, target="boxes").train.take(range(count))
    test = ck.data.scenes(858, seed=12, size=size, target="boxes").train.take(range(600))
    return ck.data.Dataset(train.names, train, train.take([]), test)


def people(size: int) -> ck.data.Dataset:
    """Persons in photographs of COCO: coco128 and 39 of coco_mini to train on, the other 40 to test."""
    first, second = (
        ck.data.coco(*files, target="boxes", classes=["person"], split=(1, 0, 0)).train
        for files in accuracy_sets.coco_files()
    )
    part = second.take(range(39))
    images = [source.image(index) for source in (first, part) for index in range(len(source))]
    truth = ck.data.targets.Boxes.joined([first.targets, part.targets])
    train = ck.data.Source((*first.ids, *part.ids), truth, accuracy_sets.Pictures(images), np.arange(len(images)))
    return ck.data.Dataset(train.names, train, train.take([]), second.take(range(39, len(second))))


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
        batch_size: Pictures a step.
        photos: The dataset, of that size where it is drawn.
        backbone: What `ck.backbone` takes.
    """

    network: Callable[[Any, Any, int], ck.Network]
    plan: ck.Plan
    size: int = 160
    views: int = 4
    batch_size: int = 16
    photos: Callable[[int], ck.data.Dataset] = scenes
    backbone: Mapping[str, Any] = field(default_factory=lambda: {"name_or_model": "nano"})


def plain(make: Callable[..., ck.heads.Detector], **settings: Any) -> Callable[..., ck.Network]:
    """A head that looks at no picture before."""
    framing = ck.data.Framing("pad")  # photographs are seen whole; scenes have the size of the input
    return lambda body, source, seed: ck.attach(body, make(source.names, seed=seed, **settings), framing=framing)


def with_anchors(body: Any, source: Any, seed: int) -> ck.Network:
    """YOLO v2 with six anchors by k-means."""
    anchors = ck.heads.anchors_of(source, size=body.model.input.shape[1:3], count=6)
    return ck.attach(body, ck.heads.yolo_v2(source.names, anchors=anchors, seed=seed))


def two_stages(make: Callable[..., ck.Network], **settings: Any) -> Callable[..., ck.Network]:
    """A task that looks at no picture before."""
    return lambda body, source, seed: make(body, source.names, seed=seed, **settings)


def together(epochs: int) -> ck.Plan:
    """All layers at once and at one rate, as from random weights."""
    settings: dict[str, Any] = {"schedule": "cosine", "warmup_epochs": 1, "clip_norm": 1.0, "batch_norm": "train"}
    return ck.Plan([ck.Phase("all", train="all", epochs=epochs, rate=2e-3, optimizer="adamw", **settings)])


OF_BACKBONE = ("P3", "P4", "P5")
MOBILENET = {"name_or_model": "mobilenet", "alpha": 0.75}
RANDOM = {"name_or_model": "nano", "weights": None}
CASES = {
    "fcos, frozen": Case(plain(ck.heads.fcos), frozen(40)),
    "fcos, head and all": Case(plain(ck.heads.fcos), head_first(5, 14)),
    "fcos, 224, head and all": Case(plain(ck.heads.fcos), head_first(4, 11), size=224),
    "fcos, random weights": Case(plain(ck.heads.fcos), together(15), backbone=RANDOM),
    "fcos, random weights, head and all": Case(plain(ck.heads.fcos), head_first(5, 14), backbone=RANDOM),
    # All layers learn these few photographs by heart: AP50 .09 of others.
    "fcos, people": Case(plain(ck.heads.fcos), frozen(40), 320, batch_size=8, photos=people, backbone=MOBILENET),
    "yolo_v1, 224, head and all": Case(plain(ck.heads.yolo_v1), head_first(6, 12), size=224),
    "yolo_v2, frozen": Case(with_anchors, frozen(24)),
    "ssd, frozen": Case(plain(ck.heads.ssd), frozen(16)),
    "ssd, head and all": Case(plain(ck.heads.ssd), head_first(6, 15)),
    "retinanet, frozen": Case(plain(ck.heads.retinanet, levels=OF_BACKBONE), frozen(12)),
    "centernet, frozen": Case(plain(ck.heads.centernet, stride=8), frozen(36)),
    "faster_rcnn, frozen": Case(two_stages(ck.tasks.faster_rcnn), frozen(10)),
    "faster_rcnn, head and all": Case(two_stages(ck.tasks.faster_rcnn), head_first(6, 8)),
    "faster_rcnn, 224, mobilenet": Case(
        two_stages(ck.tasks.faster_rcnn), head_first(4, 9), 224, photos=partial(scenes, count=1_500), backbone=MOBILENET
    ),
    "mask_rcnn, frozen": Case(two_stages(ck.tasks.mask_rcnn), frozen(12)),
    "mask_rcnn, 224, head and all": Case(
        two_stages(ck.tasks.mask_rcnn, mask_width=64, mask_depth=3), head_first(4, 9), size=224
    ),
    "mask_rcnn, head and all": Case(two_stages(ck.tasks.mask_rcnn, mask_width=64, mask_depth=3), head_first(6, 10)),
}
"""Name → what is measured."""


@dataclass(frozen=True)
class Result(result_rows.OfCase):
    """One run.

    Attributes:
        AP: COCO's, of the test pictures.
        AP50: The same at an IoU of .5.
        person: AP50 of persons.
        epochs: Passes over the training pictures.
        cpu_seconds: Of all threads, from the backbone to the trained network.
        megabytes: Peak of the memory until then.
        convolution_ms: Of this machine, CPU milliseconds of one convolution.
        mask_ap50: As AP50, of masks; NaN without.
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
    mask_ap50: float


def measured(name: str, seed: int) -> Result:
    """Trains and tests, in this process."""
    case = CASES[name]
    photos, size = case.photos(case.size), (case.size, case.size)
    speed = harness.convolution_ms()
    os.environ.setdefault("CNNKIT_WEIGHTS", str(accuracy_sets.DATA.parent / "weights"))
    with tempfile.TemporaryDirectory() as cache:
        os.environ["CNNKIT_CACHE"] = cache
        wall, cpu = time.perf_counter(), time.process_time()
        body = ck.backbone(input_shape=(*size, 3), **case.backbone)
        net = case.network(body, photos.train, seed)
        options: dict[str, Any] = {"augment": AUGMENTATION, "views": case.views, "batch_size": case.batch_size}
        ck.fit(net, photos, case.plan, seed=seed, progress=False, **options)
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    megabytes = harness.peak_megabytes()
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
        mask_ap50=round(scores.get("mask_AP50", float("nan")), 4),
    )


def table(results: Sequence[Result]) -> pd.DataFrame:
    """One row for each case: medians over the seeds."""
    rows = pd.DataFrame([asdict(result) for result in results])
    medians = ("AP", "AP50", "person", "epochs", "cpu_seconds", "megabytes", "convolution_ms", "mask_ap50")
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
    measure = partial(result_rows.in_new_process, __file__, Result)
    found = table(result_rows.complete(arguments.results, results, runs, measure))
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
