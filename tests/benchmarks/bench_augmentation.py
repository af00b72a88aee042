"""The lectures' augmentation of JPEG files: Keras's `ImageDataGenerator` against cnnkit's.

    python tests/benchmarks/bench_augmentation.py --pictures 200 --rounds 7

Rotation 40, shifts 0.2, shear 0.2, zoom 0.2, horizontal flip, channel shift 9, fill "nearest": files of 500 × 375
become batches of 32 pictures at 224². The rounds are interleaved; in each, every contender makes one epoch by `next`:

    keras    the peer, which works on one thread
    exact    the same pixels: decode, Keras's nearest pixels, one warp
    scaled   decoded at 1/2 and resized by that one warp: other pixels
    kept     the same pixels as keras, from pictures that an epoch before decoded

Times are wall seconds; `cpu` ratios compare the processor's seconds of all threads, and say what a busy machine hides.
The files are the photographs of `shared/data/imagenet_samples_256`, resized and written as JPEG of quality 90; without
that folder, blurred noise.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import os
import platform
import statistics
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import cv2
import numpy as np
import tensorflow as tf

import cnnkit as ck

SIDE = 224
BATCH_SIZE = 32
SHARED = Path(__file__).resolve().parents[3] / "shared" / "data" / "imagenet_samples_256"
LECTURE: dict[str, Any] = {
    "rotation_range": 40,
    "width_shift_range": 0.2,
    "height_shift_range": 0.2,
    "shear_range": 0.2,
    "zoom_range": 0.2,
    "horizontal_flip": True,
    "channel_shift_range": 9,
    "fill_mode": "nearest",
}


def make_photos(folder: Path, count: int, size: tuple[int, int]) -> str:
    """Writes `count` pictures in one class folder and says what they show."""
    (folder / "all").mkdir(parents=True)
    found = sorted(SHARED.glob("*.jp*g"))[:count] if SHARED.is_dir() else []
    random = np.random.default_rng(0)
    for index in range(count):
        if found:
            picture = cv2.imread(str(found[index % len(found)]))
        else:
            picture = cv2.GaussianBlur(random.integers(0, 255, (size[1], size[0], 3), dtype=np.uint8), (0, 0), 2)
        resized = cv2.resize(picture, size, interpolation=cv2.INTER_CUBIC)
        cv2.imwrite(str(folder / "all" / f"{index:05d}.jpg"), resized, [cv2.IMWRITE_JPEG_QUALITY, 90])
    return "photographs, resized" if found else "blurred noise"


def flows(photos: Path, side: int, threads: int) -> dict[str, Any]:
    """The contenders, by name."""
    generators = {
        "keras": tf.keras.preprocessing.image.ImageDataGenerator(**LECTURE),
        "exact": ck.data.ImageDataGenerator(**LECTURE, keep_bytes=0, threads=threads),
        "scaled": ck.data.ImageDataGenerator(**LECTURE, keep_bytes=0, threads=threads, decode="scaled"),
        "kept": ck.data.ImageDataGenerator(**LECTURE, threads=threads),
    }
    with contextlib.redirect_stdout(io.StringIO()):
        return {
            name: generator.flow_from_directory(
                photos, (side, side), batch_size=BATCH_SIZE, class_mode="sparse", seed=0
            )
            for name, generator in generators.items()
        }


def epoch(flow: Any) -> Callable[[], None]:
    """One epoch, ready to run."""

    def run() -> None:
        for _ in range(len(flow)):
            next(flow)

    return run


def seconds(run: Callable[[], None]) -> tuple[float, float]:
    """Wall time and processor time of a run."""
    wall, processor = time.perf_counter(), time.process_time()
    run()
    return time.perf_counter() - wall, time.process_time() - processor


def main() -> None:
    """Runs the rounds and prints a table, or JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pictures", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--width", type=int, default=500, help="of the files; the height is three quarters of it")
    parser.add_argument("--side", type=int, default=SIDE, help="of the batches")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    warnings.simplefilter("ignore")  # Keras calls names of SciPy and Pillow that moved
    rounds = []
    with tempfile.TemporaryDirectory() as folder:
        size = (options.width, options.width * 3 // 4)
        shown = make_photos(Path(folder), options.pictures, size)
        contenders = flows(Path(folder), options.side, options.threads)
        for flow in contenders.values():
            epoch(flow)()
        for _ in range(options.rounds):
            rounds.append({name: seconds(epoch(flow)) for name, flow in contenders.items()})
    ours = [name for name in rounds[0] if name != "keras"]
    processor = platform.processor() or platform.machine()
    result = {
        "bench": "augmentation",
        "machine": f"{processor}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}",
        "pictures": f"{options.pictures} {shown}, {size[0]} × {size[1]} to {options.side}²",
        "threads": options.threads,
        "images_per_second": {
            name: round(options.pictures / statistics.median(row[name][0] for row in rounds)) for name in rounds[0]
        },
        "cpu_ms_per_image": {
            name: round(1000 * statistics.median(row[name][1] for row in rounds) / options.pictures, 2)
            for name in rounds[0]
        },
        "ratio": {name: round(statistics.median(row["keras"][0] / row[name][0] for row in rounds), 1) for name in ours},
        "ratio_cpu": {
            name: round(statistics.median(row["keras"][1] / row[name][1] for row in rounds), 1) for name in ours
        },
    }
    if options.json:
        print(json.dumps(result))
        return
    print(f"{result['pictures']}, {options.rounds} rounds, {options.threads} threads, {result['machine']}")
    print(f"{'':8}{'images/s':>10}{'× keras':>10}{'cpu ms':>10}{'× keras':>10}")
    for name in rounds[0]:
        row = (result[key].get(name, "") for key in ("images_per_second", "ratio", "cpu_ms_per_image", "ratio_cpu"))
        print(f"{name:8}" + "".join(f"{value:>10}" for value in row))


if __name__ == "__main__":
    main()
