"""The lectures' augmentation of JPEG files: Keras's `ImageDataGenerator` against cnnkit's.

    python tests/benchmarks/bench_augmentation.py --pictures 200 --rounds 7

Rotation 40, shifts 0.2, shear 0.2, zoom 0.2, horizontal flip, channel shift 9, fill "nearest": files of 500 × 375
become batches of 32 pictures at 224². The rounds are interleaved; in each, every contender makes one epoch by `next`:

    keras    the peer, which works on one thread
    exact    the same pixels: decode, Keras's nearest pixels, one warp
    scaled   decoded at 1/2 and resized by that one warp: other pixels
    kept     the same pixels as keras, from pictures that an epoch before decoded

Times are wall seconds, so cnnkit's threads need cores of their own. The files are the photographs of
`shared/data/imagenet_samples_256`, resized and written as JPEG of quality 90; without that folder, blurred noise.
"""

from __future__ import annotations

import contextlib
import io
import os
import tempfile
import warnings
from functools import partial
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import cv2
import harness
import numpy as np
import tensorflow as tf

import cnnkit as ck

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
BARS = {"exact": 8.0, "scaled": 11.0, "kept": 18.0}


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
        "exact": ck.keras_generator.ImageDataGenerator(**LECTURE, keep_bytes=0, threads=threads),
        "scaled": ck.keras_generator.ImageDataGenerator(**LECTURE, keep_bytes=0, threads=threads, decode="scaled"),
        "kept": ck.keras_generator.ImageDataGenerator(**LECTURE, threads=threads),
    }
    with contextlib.redirect_stdout(io.StringIO()):
        return {
            name: generator.flow_from_directory(
                photos, (side, side), batch_size=BATCH_SIZE, class_mode="sparse", seed=0
            )
            for name, generator in generators.items()
        }


def epoch(flow: Any) -> None:
    """One epoch of batches."""
    for _ in range(len(flow)):
        next(flow)


def main() -> None:
    """Runs the rounds and prints a table, or JSON."""
    parser = harness.options(__doc__, pictures=200, threads=2, width=500, side=224)
    arguments = parser.parse_args()
    started = harness.machine()
    warnings.simplefilter("ignore")  # Keras calls names of SciPy and Pillow that moved
    with tempfile.TemporaryDirectory() as folder:
        size = (arguments.width, arguments.width * 3 // 4)
        harness.say(make_photos(Path(folder), arguments.pictures, size))
        runs = {
            name: partial(epoch, flow) for name, flow in flows(Path(folder), arguments.side, arguments.threads).items()
        }
        harness.interleaved(1, runs)  # fills the memory of decoded pictures, and wakes everybody up
        found = harness.interleaved(arguments.rounds, runs)
    case = f"{arguments.pictures} pictures {size[0]} × {size[1]} to {arguments.side}²"
    harness.report(
        "augmentation", harness.rows(case, found, peer="keras", bars=BARS), started=started, arguments=arguments
    )


if __name__ == "__main__":
    main()
