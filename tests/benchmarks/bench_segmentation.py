"""Every pixel a class: what heads reach on CamVid and on drawn scenes, and in how many CPU seconds.

    python tests/benchmarks/bench_segmentation.py --heads fcn unet --recipes default --seeds 0 1 2
    python tests/benchmarks/bench_segmentation.py --print

CamVid is the subset of the shared folder: 62 pictures to train on, 39 of test, 480 × 360, 11 classes; void is not
counted. (It is CC BY-NC: no picture of it and no weights of it are kept here.) Test pictures are scored in
their own size. Each run is one (set, head, backbone, weights, recipe, seed) in a process of its own, without features
kept from before, and appends its row to the results at once; runs that are there are not repeated, so that a study may
be stopped at any time. CPU seconds are those of all threads from the backbone to the trained network, features
included, the test not; the memory is the peak of the process in that time. ImageNet weights are those of the shared
folder. With flips a picture's probabilities are averaged with those of its mirrored self.
"""

from __future__ import annotations

import json
import os
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Literal

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import accuracy_sets
import harness
import keras
import numpy as np
import pandas as pd
import result_rows

import cnnkit as ck
from cnnkit.data.pipeline import batches
from cnnkit.data.source import Source
from cnnkit.data.views.view import Augmenter
from cnnkit.transfer.answer import decoded

RESULTS = Path(__file__).with_name("segmentation.csv")
WEIGHTS = accuracy_sets.DATA.parent / "weights"
CAMVID = ("sky", "building", "pole", "road", "pavement", "tree", "sign", "fence", "car", "pedestrian", "bicyclist")
VOID = 11  # in the files of CamVid

BACKBONES: dict[str, dict[str, Any]] = {
    "mobilenet-0.75": {"name": "mobilenet", "alpha": 0.75},
    "mobilenet_v2-0.35": {"name": "mobilenet_v2", "alpha": 0.35},
    "mobilenet-0.75-dilated": {"name": "mobilenet", "alpha": 0.75, "dilate": 16},
    "squeezenet": {"name": "squeezenet1_1"},
    "nano": {"name": "nano"},
}
"""Name → what `ck.backbone` takes."""

HEADS: dict[str, Callable[..., Any]] = {
    "fcn": ck.heads.fcn,
    "unet": ck.heads.unet,
    "deeplab": ck.heads.deeplab,  # of a dilated backbone
    "deeplab, nearer": partial(ck.heads.deeplab, rates=(2, 4, 8)),  # the maps are smaller than the paper's
    "pspnet": partial(ck.heads.pspnet, output_stride=16),  # of the same
    "segnet": partial(ck.heads.segnet, output_stride=16, convolutions=1),  # of SqueezeNet
    "deconvnet": partial(ck.heads.deconvnet, output_stride=16, convolutions=1, hidden=256),  # of the same
}
"""Name → what makes the head of classes, class weights and a seed."""


def camvid() -> ck.data.Dataset:
    """62 pictures of streets to train on and 39 to test."""
    root = accuracy_sets.DATA / "camvid"
    names = {"train": "train", "validation": "val", "test": "test"}
    pictures = {part: root / name for part, name in names.items()}
    annotations = {part: root / f"{name}annot" for part, name in names.items()}
    photos = ck.data.masks(pictures, annotations, CAMVID, void=VOID)
    return replace(photos, validation=photos.validation.take([]))


def scenes() -> ck.data.Dataset:
    """2,400 drawn scenes to train on and 500 of another series to test."""
    train = ck.data.scenes(3_430, seed=11, size=128, target="masks").train
    test = ck.data.scenes(715, seed=12, size=128, target="masks").train
    train, test = train.take(range(2_400)), test.take(range(500))
    return ck.data.Dataset(train.names, train, train.take([]), test)


SETS: dict[str, Callable[[], ck.data.Dataset]] = {"camvid": camvid, "scenes": scenes}
"""Name → the dataset, without pictures of validation: nothing is chosen by them, and their scores cost seconds."""


@dataclass(frozen=True)
class Recipe:
    """How a head is trained: what `ck.finetune` is given beside the head.

    Attributes:
        plan: What trains when; None is that of `ck.finetune`.
        augment: Versions of the pictures that are trained on.
        views: How many take turns behind frozen layers.
        batch_size: Pictures a step.
    """

    plan: ck.Plan | None = None
    augment: Augmenter | Literal["auto"] = "auto"
    views: int | Literal["auto"] | None = "auto"
    batch_size: int | Literal["auto"] = "auto"


def parts(height: int, width: int) -> Augmenter:
    """Parts of CamVid's pictures as `ck.finetune` takes them, of another size."""
    crop = ck.data.RandomCrop((height, width), scale=(0.5, 2.0), whole=(384, 480), horizontal_flip=True)
    return ck.data.Chain((crop, ck.data.Augmentation(channel_shift=20, brightness=(0.7, 1.3))))


def decoder(epochs: int, rate: float) -> ck.Plan:
    """The head alone, on kept features."""
    return ck.Plan(
        [ck.Phase("head", epochs=epochs, rate=rate, schedule="cosine", optimizer="adamw", weight_decay=1e-4)]
    )


RECIPES: dict[str, Recipe] = {
    "default": Recipe(),
    "twice the rate": Recipe(ck.plans.together(epochs=88, rate=2e-3)),
    "longer": Recipe(ck.plans.together(epochs=120)),
    "much longer": Recipe(ck.plans.together(epochs=180, rate=2e-3)),
    "frozen": Recipe(decoder(56, 3e-3), augment=parts(384, 480), views=8, batch_size=4),
    "frozen, small parts": Recipe(decoder(80, 2e-3), augment=parts(224, 288), views=8, batch_size=4),
    "whole scenes, mirrored": Recipe(
        ck.plans.together(epochs=8, rate=4e-3), augment=ck.data.Augmentation(horizontal_flip=True)
    ),
}
"""Name → the recipe; what is not given is `ck.finetune`'s."""


@dataclass(frozen=True)
class Result:
    """One run.

    Attributes:
        weights: "imagenet" or "none".
        mean_iou: Of the test pictures in their own size.
        flipped: The same, averaged with mirrored pictures.
        pixel_accuracy: Of the test pictures.
        epochs: Passes over the training pictures.
        cpu_seconds: Of all threads, from the backbone to the trained network.
        convolution_ms: Of `harness.convolution_ms`, the mean of before and after: 9.6 where the bars were set.
        megabytes: Peak of the memory until then.
        of_classes: IoU of each class.
    """

    set: str
    head: str
    backbone: str
    weights: str
    recipe: str
    seed: int
    mean_iou: float
    flipped: float
    pixel_accuracy: float
    epochs: int
    cpu_seconds: float
    convolution_ms: float
    wall_seconds: float
    megabytes: int
    of_classes: str

    @property
    def key(self) -> tuple[str, str, str, str, str, int]:
        """What is run once."""
        return self.set, self.head, self.backbone, self.weights, self.recipe, self.seed


def measured(set_name: str, head: str, backbone: str, weights: str, recipe: str, seed: int) -> Result:
    """Trains and tests, in this process."""
    photos = SETS[set_name]()
    way, settings = RECIPES[recipe], dict(BACKBONES[backbone])
    balance = ck.losses.balance_weights(photos.train.targets.pixels())
    with tempfile.TemporaryDirectory() as cache:
        os.environ["CNNKIT_CACHE"] = cache
        pace = harness.convolution_ms()
        wall, cpu = time.perf_counter(), time.process_time()
        net = ck.finetune(
            photos,
            backbone=settings.pop("name"),
            **settings,
            weights=None if weights == "none" else weights,
            head=HEADS[head](photos.classes, class_weight=balance, dice_over="batch", seed=seed),
            plan=way.plan,
            augment=way.augment,
            views=way.views,
            batch_size=way.batch_size,
            seed=seed,
            progress=False,
        )
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        pace = (pace + harness.convolution_ms()) / 2
    megabytes = harness.peak_megabytes()
    scores = ck.evaluate(net, photos.test)
    return Result(
        set=set_name,
        head=head,
        backbone=backbone,
        weights=weights,
        recipe=recipe,
        seed=seed,
        mean_iou=round(scores["mean_iou"], 4),
        flipped=round(flipped_iou(net, photos.test), 4),
        pixel_accuracy=round(scores["pixel_accuracy"], 4),
        epochs=len(net.run.history),
        cpu_seconds=round(cpu, 1),
        convolution_ms=round(pace, 1),
        wall_seconds=round(wall, 1),
        megabytes=megabytes,
        of_classes=" ".join(f"{scores.get(f'iou/{name}', 0):.2f}" for name in photos.classes),
    )


def flipped_iou(net: ck.Network, source: Source) -> float:
    """Mean IoU of probabilities averaged with those of the mirrored picture."""
    score = net.head.score()
    for batch in batches(source, net.framing, net.size, batch_size=4):
        images = batch.images.astype(np.float32)
        both = [
            np.asarray(keras.ops.softmax(net.model(pictures, training=False)))
            for pictures in (images, images[:, :, ::-1])
        ]
        mean = (both[0] + both[1][:, :, ::-1]) / 2
        score.add(source.targets.take(batch.indices), decoded(net, source, batch.indices, mean))
    return score.result()["mean_iou"]


def table(results: Sequence[Result]) -> pd.DataFrame:
    """One row for each set, head, backbone, weights and recipe: medians over the seeds."""
    rows = pd.DataFrame([asdict(result) for result in results])
    grouped = rows.groupby(["set", "head", "backbone", "weights", "recipe"], sort=False)
    return grouped.agg(
        runs=("seed", "size"),
        mean_iou=("mean_iou", "median"),
        lowest=("mean_iou", "min"),
        flipped=("flipped", "median"),
        pixel_accuracy=("pixel_accuracy", "median"),
        epochs=("epochs", "median"),
        cpu_seconds=("cpu_seconds", "median"),
        convolution_ms=("convolution_ms", "median"),
        megabytes=("megabytes", "median"),
    )


def main() -> None:
    """Runs what is missing and prints the medians, or JSON."""
    parser = harness.options(__doc__)
    parser.add_argument("--sets", nargs="+", choices=list(SETS), default=["camvid"])
    parser.add_argument("--heads", nargs="+", choices=list(HEADS), default=list(HEADS))
    parser.add_argument("--backbones", nargs="+", choices=list(BACKBONES), default=["mobilenet-0.75"])
    parser.add_argument("--weights", nargs="+", choices=["imagenet", "none"], default=["imagenet"])
    parser.add_argument("--recipes", nargs="+", choices=list(RECIPES), default=["default"])
    parser.add_argument("--results", type=Path, default=RESULTS, help=f"({RESULTS.name})")
    parser.add_argument("--seeds", type=int, nargs="+", help="(0 … rounds - 1)")
    parser.add_argument("--print", action="store_true", help="Only the rows that are there, and no runs.")
    parser.add_argument("--one", nargs=6, help="SET HEAD BACKBONE WEIGHTS RECIPE SEED: one run, as JSON.")
    arguments = parser.parse_args()
    os.environ.setdefault("CNNKIT_WEIGHTS", str(WEIGHTS))
    if arguments.one:
        *names, seed = arguments.one
        print(json.dumps(asdict(measured(*names, seed=int(seed)))))
        return
    started = harness.machine()
    results = result_rows.read(arguments.results, Result)
    if arguments.print:
        print(table(results).to_string(float_format="{:.3f}".format))
        return
    seeds = arguments.seeds or range(arguments.rounds)
    runs = [
        (set_name, head, backbone, weights, recipe, seed)
        for seed in seeds
        for set_name in arguments.sets
        for backbone in arguments.backbones
        for head in arguments.heads
        for weights in arguments.weights
        for recipe in arguments.recipes
    ]
    measure = partial(result_rows.in_new_process, __file__, Result)
    found = table(result_rows.complete(arguments.results, results, runs, measure))
    if arguments.json:
        print(json.dumps({"bench": "segmentation", "machine": started, "rounds": len(seeds), "rows": _json(found)}))
        return
    print(f"segmentation, {started}")
    print(found.to_string(float_format="{:.3f}".format))


def _json(found: pd.DataFrame) -> list[dict[str, Any]]:
    """The table as rows of the form that all benchmarks have; there is no peer, the numbers stand for themselves."""
    return [
        {
            "case": f"{' '.join(names)}: mean IoU {row['mean_iou']:.3f}",
            "peer": "itself",
            "peer_seconds": row["cpu_seconds"],
            "seconds": row["cpu_seconds"],
            "ratio": 1.0,
            "bar": None,
            **row,
        }
        for names, row in found.iterrows()
    ]


if __name__ == "__main__":
    main()
