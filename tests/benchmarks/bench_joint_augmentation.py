"""One random view of picture, mask, boxes and points together: albumentations and torchvision against cnnkit.

    python -m venv /tmp/peers && /tmp/peers/bin/pip install albumentations==2.0.8 torch torchvision
    python tests/benchmarks/bench_joint_augmentation.py --peers /tmp/peers/bin/python

Photographs of 480 × 360 with a mask of 11 classes, 3 boxes and 34 points become views of 224²:

    affine      mirrored, turned by up to 15 degrees, scaled by 0.8 to 1.25, a part of 224², and brighter or darker
    crop, flip  a part of 224², mirrored

albumentations 2.0.8 is the last version under the MIT licence; torchvision's are its transforms of version 2 on its
bounding boxes and key points. A peer that is not installed is left out. Times are processor seconds of one thread: the
load of the machine counts little. Each contender is a process of its own that makes views when it is told to, and the
rounds are interleaved. cnnkit draws a view of each picture and moves the truth of a batch at once, as training does.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("MKL_NUM_THREADS", "1")

import cv2
import harness
import numpy as np

HEIGHT, WIDTH, SIDE, POINTS, BATCH_SIZE = 360, 480, 224, 34, 32
DEGREES, SCALES, BRIGHTNESS = 15, (0.8, 1.25), (0.8, 1.2)
CASES = ("affine", "crop, flip")
BARS = {("affine", "albumentations"): 5.0, ("affine", "torchvision"): 20.0, ("crop, flip", "albumentations"): 1.0}
# Contender → the module that it needs.
MODULES = {"cnnkit": "cnnkit", "albumentations": "albumentations", "torchvision": "torchvision"}
Examples: TypeAlias = tuple[list[Any], list[Any], list[Any], Any]  # pictures, masks, boxes, points
Run: TypeAlias = Callable[[], None]


def examples(count: int) -> Examples:
    """Pictures (360, 480, 3), masks (360, 480), boxes (3, 4) as x1, y1, x2, y2, and points (count, 34, 2)."""
    random = np.random.default_rng(0)
    pictures = [
        cv2.GaussianBlur(random.integers(0, 256, (HEIGHT, WIDTH, 3), np.uint8), (0, 0), 2) for _ in range(count)
    ]
    cells = random.integers(0, 11, (count, HEIGHT // 20, WIDTH // 20), np.uint8)
    masks = [cv2.resize(mask, (WIDTH, HEIGHT), interpolation=cv2.INTER_NEAREST) for mask in cells]
    corners = random.uniform(0, 300, (count, 3, 2))
    boxes = np.concatenate([corners, corners + random.uniform(20, 60, (count, 3, 2))], axis=2)
    return pictures, masks, list(boxes), random.uniform(0, HEIGHT, (count, POINTS, 2))


def cnnkit_run(case: str, given: Examples) -> Run:
    """Views by `RandomCrop`, and the truth of a batch by their matrices."""
    import cnnkit as ck

    pictures, masks, boxes, points = given
    crop = ck.data.RandomCrop((SIDE, SIDE), scale=(1, 1), horizontal_flip=True)
    affine = ck.data.RandomCrop((SIDE, SIDE), SCALES, rotation=DEGREES, horizontal_flip=True)
    brighter = ck.data.Augmentation(brightness=BRIGHTNESS)
    augment: Any = ck.data.Chain((affine, brighter)) if case == "affine" else crop
    truth = (
        ck.data.targets.Masks.of_arrays([str(number) for number in range(11)], masks),
        ck.data.targets.Boxes.of_lists(("thing",), boxes, [[0] * 3] * len(boxes)),
        ck.data.targets.Points(
            tuple(f"point {number}" for number in range(POINTS)), points, np.full(points.shape[:2], 2)
        ),
    )
    chance = np.random.default_rng(0)

    def run() -> None:
        for start in range(0, len(pictures), BATCH_SIZE):
            batch = np.arange(start, min(start + BATCH_SIZE, len(pictures)))
            views = [augment.view((HEIGHT, WIDTH), chance) for _ in batch]
            for index, view in zip(batch, views, strict=True):
                view.pixels(pictures[index])
            positions = np.array([view.positions for view in views])
            moved = [kind.take(batch).moved(positions, (SIDE, SIDE)) for kind in truth]
            for place in range(len(batch)):
                moved[0].mask(place)

    return run


def albumentations_run(case: str, given: Examples) -> Run:
    """One `Compose` with boxes and key points."""
    import albumentations

    cv2.setNumThreads(1)
    pictures, masks, boxes, points = given
    flip, crop = albumentations.HorizontalFlip(p=0.5), albumentations.RandomCrop(SIDE, SIDE)
    steps = [flip, crop]
    if case == "affine":
        affine = albumentations.Affine(scale=SCALES, rotate=(-DEGREES, DEGREES), p=1)
        low, high = BRIGHTNESS
        colour = albumentations.RandomBrightnessContrast((low - 1, high - 1), (0, 0), p=1)
        steps = [flip, affine, crop, colour]
    augment = albumentations.Compose(
        steps,
        bbox_params=albumentations.BboxParams("pascal_voc", label_fields=["labels"]),
        keypoint_params=albumentations.KeypointParams("xy", remove_invisible=False),
    )

    def run() -> None:
        for picture, mask, box, point in zip(pictures, masks, boxes, points, strict=True):
            augment(image=picture, mask=mask, bboxes=box, labels=[0] * 3, keypoints=point)

    return run


def torchvision_run(case: str, given: Examples) -> Run:
    """One `Compose` on picture, mask, boxes and key points."""
    import torch
    from torchvision import tv_tensors
    from torchvision.transforms import v2

    torch.set_num_threads(1)
    size = (HEIGHT, WIDTH)
    whole = [
        (
            tv_tensors.Image(torch.from_numpy(picture).permute(2, 0, 1).contiguous()),
            tv_tensors.Mask(torch.from_numpy(mask)),
            tv_tensors.BoundingBoxes(torch.from_numpy(box), format="XYXY", canvas_size=size),
            tv_tensors.KeyPoints(torch.from_numpy(point), canvas_size=size),
        )
        for picture, mask, box, point in zip(*given, strict=True)
    ]
    steps = [v2.RandomHorizontalFlip(0.5), v2.RandomCrop(SIDE)]
    if case == "affine":
        affine = v2.RandomAffine(DEGREES, scale=SCALES, interpolation=v2.InterpolationMode.BILINEAR)
        steps = [steps[0], affine, steps[1], v2.ColorJitter(brightness=BRIGHTNESS)]
    augment = v2.Compose(steps)

    def run() -> None:
        for example in whole:
            augment(*example)

    return run


RUNS: dict[str, Callable[[str, Examples], Run]] = {
    "cnnkit": cnnkit_run,
    "albumentations": albumentations_run,
    "torchvision": torchvision_run,
}


def child(who: str, count: int) -> None:
    """Answers each case that is named on standard input with the processor seconds of one run."""
    given = examples(count)
    runs = {case: RUNS[who](case, given) for case in CASES}
    for run in runs.values():
        run()
    print("ready", flush=True)
    for line in sys.stdin:
        started = time.process_time()
        runs[line.strip()]()
        print(time.process_time() - started, flush=True)


def answer(process: subprocess.Popen[str], case: str) -> float:
    """The processor seconds that a contender takes for a case."""
    assert process.stdin is not None
    assert process.stdout is not None
    print(case, file=process.stdin, flush=True)
    return float(process.stdout.readline())


def start(who: str, python: str, count: int) -> subprocess.Popen[str] | None:
    """A contender that waits for cases; None where it is not installed."""
    command = [python, __file__, "--child", who, str(count)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    while line := process.stdout.readline():
        if line.strip() == "ready":
            return process
    process.wait()
    return None


def main() -> None:
    """Runs the rounds and prints a table, or JSON."""
    parser = harness.options(__doc__, pictures=320)
    parser.add_argument("--peers", type=Path, default=Path(sys.executable), help="the Python of the peers (this one)")
    arguments: argparse.Namespace = parser.parse_args()
    arguments.peers = str(arguments.peers)
    started = harness.machine()
    pythons = dict.fromkeys(MODULES, arguments.peers) | {"cnnkit": sys.executable}
    processes = {name: process for name in RUNS if (process := start(name, pythons[name], arguments.pictures))}
    for name in set(MODULES) - set(processes):
        harness.say(f"  without {name}: pip install albumentations==2.0.8 torch torchvision, and name its Python")
    table: list[harness.Row] = []
    for case in CASES:
        found = harness.interleaved(
            arguments.rounds, {name: partial(answer, process, case) for name, process in processes.items()}
        )
        for name in processes:
            if name != "cnnkit":
                two = {name: found[name], "cnnkit": found["cnnkit"]}
                label = f"{case}, {arguments.pictures} pictures"
                table += harness.rows(label, two, peer=name, bars={"cnnkit": BARS.get((case, name))})
    for process in processes.values():
        process.communicate()
    harness.report("joint_augmentation", table, started=started, arguments=arguments)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--child"]:
        name, pictures = sys.argv[2], int(sys.argv[3])
        if importlib.util.find_spec(MODULES[name]) is not None:
            child(name, pictures)
    else:
        main()
