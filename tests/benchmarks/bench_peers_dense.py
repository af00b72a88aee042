"""Boxes and masks by cnnkit, KerasHub, KerasCV and segmentation_models_pytorch, from the same pictures in equal time.

    pip install --no-deps --target /tmp/peerlibs keras-hub==0.32.0 keras-nlp kagglehub kagglesdk keras-cv==0.9.0 \
        tokenizers sentencepiece regex
    PYTHONPATH=.:/tmp/peerlibs python tests/benchmarks/bench_peers_dense.py --cases "fcos, random weights" --seeds 0
    python -m venv /tmp/peers
    /tmp/peers/bin/pip install torch torchvision segmentation-models-pytorch==0.6.0 albumentations==2.0.8
    python tests/benchmarks/bench_peers_dense.py --print

`CNNKIT_PEER_PYTHON` is the interpreter with PyTorch, by default /tmp/peers/bin/python.

A case has a budget of CPU seconds of all threads, from the network to the trained one, with the compilation of its
graph and the reading of its pictures, of scenes the drawing; smp's pictures are read before. It stops at the end of the
step with which the budget is used up, and its rates fall to 0 with the budget (`cpu_budget.Budget`). All have AdamW:
peers at a rate of 1e-3 with a weight decay of 1e-4, which nobody has tuned, cnnkit with the plans of its own
benchmarks, which were chosen on these sets. KerasHub and KerasCV are given the views that cnnkit trains on, smp those
of albumentations that are like them. Test pictures are scored by cnnkit's metrics.

Detection: `bench_detection.scenes`, 3,000 drawn scenes of 160² and 600 to test, 160 CPU seconds. Peers have no small
pretrained backbone here and begin from random weights. KerasHub's RetinaNet has P3 to P5 of a ResNet of .57 million
parameters (nano has .72; the first stage must have 64 channels), once with all its defaults and once fitted: one
convolution of 256 channels in each head and not four, anchors from 2 strides on and not from 4 (of 946 boxes of the
scenes .86 then have an anchor with an IoU above .5, and not .65), and class scores that begin at .01. KerasCV's YOLOv8
has the channels of its smallest preset, or half of them.

Segmentation: the CamVid subset of `bench_segmentation`, 62 pictures to train on and 39 of test, void ignored, 200 CPU
seconds; a step has eight parts of 288 × 384 pixels at scales from .5 to 2, mirrored, in other colours. All minimise a
cross-entropy with the same class weights plus a Dice loss of their own, and test pictures are scored in their own size.
The U-Net of segmentation_models_pytorch (smp) has MobileNetV2 of width .35 with the very ImageNet weights that cnnkit's
has, the file of the shared folder: at 64 × 96 pixels its last features differ by 2e-5 of 8.5 from Keras's. Its encoder
has a tenth of the rate; its decoder is its default, which ends at stride 1, and a narrower one. cnnkit's, which ends at
stride 4, is trained as `ck.finetune` does. From random weights all layers have one rate and train their normalizations:
smp's the same network, cnnkit's on nano, and KerasHub's DeepLab v3+ on a ResNet whose stages have 64, 96 and 128
channels beside cnnkit's on nano.

Each run is one (case, seed) in a process of its own and appends its row to the results at once; runs that are there are
not repeated. `megabytes` is the peak of the process's memory until its network is trained, smp's with a malloc that
keeps large blocks (`bench_pytorch.MALLOC`): a part then took 162 CPU milliseconds and not 288. `convolution_ms` is how
fast the machine was, the mean of before and after (`harness.convolution_ms`).
"""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Literal

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import accuracy_sets
import bench_detection
import bench_pytorch
import bench_segmentation
import harness
import keras
import numpy as np
import pandas as pd
import peers_keras
import result_rows
from cpu_budget import Budget
from numpy.typing import NDArray
from peers_keras import FollowBudget

import cnnkit as ck

RESULTS = Path(__file__).with_name("peers_dense.csv")
MOST_EPOCHS = 10_000  # never reached: the budget ends before
NONE = float("nan")
SIZE = (160, 160)  # of scenes
PHOTO, PART = (384, 480), (288, 384)  # of CamVid: what a whole picture is framed to, and what is trained on
PARTS = 8  # a step
TORCH = os.environ.get("CNNKIT_PEER_PYTHON", "/tmp/peers/bin/python")  # noqa: S108  where the docstring installs it
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
class Result(result_rows.OfCase):
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
        body = ck.backbone(input_shape=(case.size, case.size, 3), **case.backbone)
        net = case.network(body, photos.train, seed)
        options = {"augment": bench_detection.AUGMENTATION, "views": case.views, "batch_size": case.batch_size}
        ck.fit(net, photos, plan, progress=False, seed=seed, callbacks=[follow], **options)
        taken = budget.used, time.perf_counter() - wall, harness.peak_megabytes()
    scores = ck.evaluate(net, photos.test)
    boxes = {"AP": scores["AP"], "AP50": scores["AP50"], "person": scores["AP50/person"]}
    return Outcome(boxes, net.model.count_params(), follow.steps * case.batch_size, *taken)


def peer_detector(name: str, seed: int, seconds: float) -> Outcome:
    """A detector of `peers_keras`."""
    detector, photos = peers_keras.DETECTORS[name], bench_detection.scenes(SIZE[0])
    wall, budget = time.perf_counter(), Budget(seconds)
    options = {"augment": bench_detection.AUGMENTATION, "size": SIZE, "batch_size": 16}
    model, pictures = detector.trained(photos.train, **options, seed=seed, budget=budget)
    taken = budget.used, time.perf_counter() - wall, harness.peak_megabytes()
    found = ck.metrics.coco(photos.test.targets, detector.predicted(model, photos.test))
    numbers, person = found.numbers, found.of_category("person")
    boxes = {"AP": numbers["AP"], "AP50": numbers["AP50"], "person": person["AP50"]}
    return Outcome(boxes, model.count_params(), pictures, *taken)


def together(weights: str | None) -> ck.Plan:
    """As `ck.finetune` trains masks; from random weights all layers at one rate, normalizations among them."""
    if weights:
        return ck.plans.together()
    (phase,) = ck.plans.together(train="all", rate_decay=1.0).phases
    return ck.Plan([replace(phase, batch_norm="train")])


def class_weights(source: ck.data.Source) -> NDArray[np.float64]:
    """Of all cases alike."""
    return np.asarray(ck.losses.balance_weights(source.targets.pixels()))


def our_segmenter(head: str, backbone: Mapping[str, Any], weights: str | None, seed: int, seconds: float) -> Outcome:
    """A head of `bench_segmentation`."""
    photos = bench_segmentation.camvid()
    plan = following_budget(together(weights))
    decoder = bench_segmentation.HEADS[head](
        photos.classes, class_weight=class_weights(photos.train), dice_over="batch", seed=seed
    )
    wall, budget = time.perf_counter(), Budget(seconds)
    follow = followed(plan, budget)
    body = ck.backbone(**backbone, weights=weights, input_shape=(*PHOTO, 3), seed=seed)
    net = ck.attach(body, decoder, framing=ck.data.Framing("pad"))
    options = {"augment": bench_segmentation.parts(*PART), "views": None, "cache": "none", "progress": False}
    ck.fit(net, photos, plan, batch_size=PARTS, seed=seed, callbacks=[follow], **options)
    taken = budget.used, time.perf_counter() - wall, harness.peak_megabytes()
    scores = ck.evaluate(net, photos.test)
    pixels = {name: scores[name] for name in ("mean_iou", "pixel_accuracy")}
    return Outcome(pixels, net.model.count_params(), follow.steps * PARTS, *taken)


def scores_of_maps(source: ck.data.Source, maps: NDArray[np.uint8]) -> dict[str, float]:
    """Of predicted label maps."""
    confusion = ck.metrics.PixelConfusion(len(source.names))
    for index, predicted in enumerate(maps):
        confusion.add(source.targets.mask(index), predicted)
    return {"mean_iou": confusion.mean_iou, "pixel_accuracy": confusion.pixel_accuracy}


def pictures_of(source: ck.data.Source) -> NDArray[np.uint8]:
    """(n, h, w, 3) of a source of one size."""
    return np.stack([source.image(index) for index in range(len(source))])


def deeplab_of_keras_hub(seed: int, seconds: float) -> Outcome:
    """From random weights."""
    photos = bench_segmentation.camvid()
    balance, augment = class_weights(photos.train), bench_segmentation.parts(*PART)
    wall, budget = time.perf_counter(), Budget(seconds)
    options = {"class_weight": balance, "batch_size": PARTS, "seed": seed, "budget": budget}
    model, parts = peers_keras.trained_segmenter(peers_keras.deeplab, photos.train, augment, PART, **options)
    taken = budget.used, time.perf_counter() - wall, harness.peak_megabytes()
    whole = peers_keras.deeplab(PHOTO, len(photos.classes))
    whole.set_weights(model.get_weights())
    maps = peers_keras.label_maps(whole, pictures_of(photos.test))
    return Outcome(scores_of_maps(photos.test, maps), model.count_params(), parts, *taken)


def unet_of_smp(weights: str | None, widths: tuple[int, ...], seed: int, seconds: float) -> Outcome:
    """By `peers_torch`, in a process of another environment."""
    photos = bench_segmentation.camvid()
    settings = {
        "encoder": "tu-mobilenetv2_035",
        "encoder_factor": 0.1 if weights else 1.0,
        "decoder_channels": widths,
        "rate": 1e-3,
        "size": PART,
        "batch_size": PARTS,
        "budget": seconds,
        "seed": seed,
    }
    arrays = {
        "images": pictures_of(photos.train),
        "masks": np.stack([photos.train.targets.mask(index) for index in range(len(photos.train))]),
        "test": pictures_of(photos.test),
        "class_weight": class_weights(photos.train),
        **(encoder_arrays(weights) if weights else {}),
    }
    with tempfile.TemporaryDirectory() as folder:
        given, to = Path(folder, "given.npz"), Path(folder, "maps.npz")
        np.savez(given, **arrays)
        command = [TORCH, str(Path(__file__).with_name("peers_torch.py")), str(given), str(to), json.dumps(settings)]
        environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
        environment |= bench_pytorch.MALLOC
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, env=environment)
        maps = np.load(to)["maps"]
    return Outcome(scores_of_maps(photos.test, maps), **json.loads(done.stdout.splitlines()[-1]))


def encoder_arrays(weights: str) -> dict[str, NDArray[np.float32]]:
    """Of the convolutions and normalizations of the backbone, in their order."""
    body = ck.backbone(**MOBILENET, weights=weights, input_shape=(*PHOTO, 3))
    kinds = (keras.layers.Conv2D, keras.layers.DepthwiseConv2D, keras.layers.BatchNormalization)
    layers = [layer for layer in body.model.layers if isinstance(layer, kinds)]
    arrays = [np.asarray(array) for layer in layers for array in layer.get_weights()]
    return {f"encoder_{number}": array for number, array in enumerate(arrays)}


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


MOBILENET = {"name_or_model": "mobilenet_v2", "alpha": 0.35}
WIDE, NARROW = (256, 128, 64, 32, 16), (128, 64, 48, 16, 8)  # channels of smp's decoder from stride 16 to stride 1
NANO = {"name_or_model": "nano"}
DETECTION = {"task": "detection", "budget": 160}
SEGMENTATION = {"task": "segmentation", "budget": 200}
CASES = {
    "fcos, random weights": Case(run=partial(our_detector, "fcos, random weights"), **DETECTION),
    "fcos, shipped weights": Case(run=partial(our_detector, "fcos, head and all"), **DETECTION),
    **{name: Case(run=partial(peer_detector, name), **DETECTION) for name in peers_keras.DETECTORS},
    "U-Net, MobileNetV2, ImageNet": Case(run=partial(our_segmenter, "unet", MOBILENET, "imagenet"), **SEGMENTATION),
    "U-Net, MobileNetV2, ImageNet, smp": Case(run=partial(unet_of_smp, "imagenet", WIDE), **SEGMENTATION),
    "U-Net, MobileNetV2, ImageNet, smp, narrow": Case(run=partial(unet_of_smp, "imagenet", NARROW), **SEGMENTATION),
    "U-Net, nano, random": Case(run=partial(our_segmenter, "unet", NANO, None), **SEGMENTATION),
    "U-Net, MobileNetV2, random, smp": Case(run=partial(unet_of_smp, None, WIDE), **SEGMENTATION),
    "DeepLab, nano, random": Case(run=partial(our_segmenter, "deeplab", NANO | {"dilate": 16}, None), **SEGMENTATION),
    "DeepLab, ResNet, random, KerasHub": Case(run=deeplab_of_keras_hub, **SEGMENTATION),
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
        measure = partial(result_rows.in_new_process, __file__, Result)
        results = result_rows.complete(arguments.results, results, runs, measure)
    if harness.study("peers_dense", results, started=started, arguments=arguments):
        return
    print(f"peers_dense, {started}")
    for task, table in tables(results).items() if results else ():
        print(f"\n{task}\n{table.to_string(float_format='{:.3f}'.format)}")


if __name__ == "__main__":
    main()
