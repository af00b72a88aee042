"""A new head on a frozen MobileNetV2: the recipe of the Keras guide against `ck.fit` with kept features.

    python tests/benchmarks/bench_head_phase.py --pictures 500 --rounds 5

Both read the same JPEG files (500 × 375) from a folder, resize them to 224² and train ten epochs of a pooled linear
head with Adam at batch size 32, weights=None. The rounds are interleaved: first the guide
(https://keras.io/guides/transfer_learning/, `image_dataset_from_directory`, `base(training=False)`, `fit`), then
cnnkit with an empty cache, then cnnkit with another head on the features that are now kept. The time is from the
folder to the trained head; building the networks is not counted, compiling is. Ratios are medians over the rounds.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import cv2
import keras
import numpy as np

import cnnkit as ck
from cnnkit.transfer.cache_choice import FeatureCache

SIDE = 224
BATCH_SIZE = 32
RATE = 1e-3


def make_photos(folder: Path, count: int) -> None:
    """Blurred noise, redder in one class, as JPEG of about the size of a photograph's."""
    random = np.random.default_rng(0)
    for name, red in (("grey", 0), ("red", 60)):
        (folder / name).mkdir(parents=True)
        for index in range(count // 2):
            noise = random.integers(0, 190, (375, 500, 3), dtype=np.uint8)
            picture = cv2.GaussianBlur(noise, (0, 0), 2)
            picture[..., 2] += np.uint8(red)
            cv2.imwrite(str(folder / name / f"{index:05d}.jpg"), picture)


def guide(photos: Path, epochs: int) -> Callable[[], None]:
    """The recipe of the guide, ready to run."""
    base = keras.applications.MobileNetV2(weights=None, include_top=False, input_shape=(SIDE, SIDE, 3))
    base.trainable = False
    image = keras.Input((SIDE, SIDE, 3))
    x = keras.layers.Rescaling(1 / 127.5, offset=-1)(image)
    x = base(x, training=False)
    x = keras.layers.GlobalAveragePooling2D()(x)
    model = keras.Model(image, keras.layers.Dense(1, activation="sigmoid")(x))

    def run() -> None:
        data = keras.utils.image_dataset_from_directory(
            photos, label_mode="binary", image_size=(SIDE, SIDE), batch_size=BATCH_SIZE, verbose=False
        )
        model.compile(keras.optimizers.Adam(RATE), keras.losses.BinaryCrossentropy(), metrics=["accuracy"])
        model.fit(data.prefetch(2), epochs=epochs, shuffle=False, verbose=0)  # `data` shuffles

    return run


def ours(photos: Path, epochs: int, body: ck.backbones.Backbone, cache: Path) -> Callable[[], None]:
    """The same with cnnkit, ready to run."""
    net = ck.attach(body, ck.heads.classifier(["grey", "red"]))

    def run() -> None:
        data = ck.data.folder(photos, split=(1, 0, 0))
        kept = FeatureCache("disk", folder=cache)
        ck.fit(net, data, ck.plans.probe(epochs=epochs, rate=RATE), cache=kept, batch_size=BATCH_SIZE, progress=False)

    return run


def seconds(run: Callable[[], None]) -> float:
    """Wall time of a run."""
    started = time.perf_counter()
    run()
    return time.perf_counter() - started


def main() -> None:
    """Runs the rounds and prints a table, or JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pictures", type=int, default=500)
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        photos = Path(folder, "photos")
        make_photos(photos, options.pictures)
        for number in range(options.rounds):
            cache = Path(folder, f"cache{number}")
            keras.backend.clear_session()
            recipe = guide(photos, options.epochs)
            body = ck.backbone("mobilenet_v2", weights=None, input_shape=(SIDE, SIDE, 3))
            first, second = (ours(photos, options.epochs, body, cache) for _ in range(2))
            row = {"guide": seconds(recipe), "first": seconds(first), "again": seconds(second)}
            rows.append(row)
            if not options.json:
                print(" ".join(f"{name} {value:.2f} s" for name, value in row.items()), flush=True)
    result = {
        "bench": "head_phase",
        "machine": f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores",
        "pictures": options.pictures,
        "epochs": options.epochs,
        "rounds": rows,
        "ratio_first_run": round(statistics.median(row["guide"] / row["first"] for row in rows), 1),
        "ratio_another_head": round(statistics.median(row["guide"] / row["again"] for row in rows), 1),
    }
    if options.json:
        print(json.dumps(result))
        return
    print(f"{options.pictures} pictures, {options.epochs} epochs, {options.rounds} rounds, {result['machine']}")
    print(f"first run: {result['ratio_first_run']} times as fast as the guide's recipe (median)")
    print(f"another head on kept features: {result['ratio_another_head']} times as fast")


if __name__ == "__main__":
    main()
