"""RoIAlign, and the lectures' timeline: how long a picture takes from R-CNN to Faster R-CNN.

    python tests/benchmarks/bench_two_stages.py

All of it in CPU seconds of all threads. RoIAlign: 128 regions of a 32 × 32 × 256 map, 7 × 7 bins of 2 × 2 samples, as
two products with matrices, beside two `einsum`s in `keras.ops`, and `tf.image.crop_and_resize` of the same samples and
their mean; forward, and forward and backward. On one busy core of a Xeon with AVX-512, where a convolution takes 11 ms,
the products took 15 and 30 ms, the `einsum`s 30 and 63.

Timeline: one backbone, nano, random regions of pictures of 160 × 160:

* R-CNN: each region is a crop of 64 × 64 that goes through the backbone, then linear layers, suppression;
* SPP-net: one pass, the maxima of 50 bins per region, linear layers, suppression;
* Fast R-CNN: one pass, RoIAlign and two dense layers, suppression;
* Faster R-CNN: its own 60 proposals in place of the given ones, suppressed too.

A factor is how many times as fast as R-CNN.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from functools import partial
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import harness
import keras
import numpy as np
import tensorflow as tf

import cnnkit as ck

SIDE, CROP, CLASSES = 160, 64, tuple(f"class {number}" for number in range(30))


def cpu_seconds(run: Callable[[], Any]) -> float:
    """Of all threads."""
    started = time.process_time()
    run()
    return time.process_time() - started


def regions_in(side: int, count: int, seed: int = 0) -> np.ndarray:
    """(count, 4) random regions whose sides are from an eighth to a half of the picture's."""
    random = np.random.default_rng(seed)
    sides = random.uniform(side / 8, side / 2, (count, 2))
    corner = random.uniform(0, 1, (count, 2)) * (side - sides)
    return np.concatenate([corner, corner + sides], axis=1).astype(np.float32)


def alignments(count: int) -> dict[str, Callable[[], Any]]:
    """RoIAlign in two forms, forward and with the way back."""
    maps = tf.constant(np.random.default_rng(0).normal(size=(1, 32, 32, 256)), tf.float32)
    regions = tf.constant(regions_in(32, count)[None])

    def products(maps: tf.Tensor) -> tf.Tensor:
        return ck.necks.roi_align(maps, regions, size=7, stride=1)

    def cropped(maps: tf.Tensor) -> tf.Tensor:
        # Its samples go from the first to the last one, and its cells lie on whole numbers.
        step = (regions[0, :, 2:] - regions[0, :, :2]) / 14
        low, high = regions[0, :, :2] + step / 2 - 0.5, regions[0, :, 2:] - step / 2 - 0.5
        boxes = tf.concat([low[:, ::-1], high[:, ::-1]], axis=1) / 31
        samples = tf.image.crop_and_resize(maps, boxes, tf.zeros(count, tf.int32), (14, 14))
        return tf.nn.avg_pool2d(samples, 2, 2, "VALID")

    def shares(low: tf.Tensor, high: tf.Tensor) -> tf.Tensor:
        """(1, regions, 7, 32) what each cell counts in a bin, as equation and sentence of the paper say it."""
        places = low[..., None] + (tf.range(14, dtype=tf.float32) + 0.5) / 14 * (high - low)[..., None]
        places = tf.clip_by_value(places, 0.5, 31.5)
        cells = tf.range(32, dtype=tf.float32) + 0.5
        weights = tf.nn.relu(1 - tf.abs(places[..., None] - cells))
        return tf.reduce_mean(tf.reshape(weights, (1, count, 7, 2, 32)), axis=3)

    def einsums(maps: tf.Tensor) -> tf.Tensor:
        rows, columns = (shares(regions[..., low], regions[..., low + 2]) for low in (1, 0))
        of_rows = keras.ops.einsum("nkyh,nhwc->nkywc", rows, maps)
        return keras.ops.einsum("nkxw,nkywc->nkyxc", columns, of_rows)

    def backward(form: Callable[[tf.Tensor], tf.Tensor]) -> Callable[[], tf.Tensor]:
        @tf.function
        def step() -> tf.Tensor:
            with tf.GradientTape() as tape:
                tape.watch(maps)
                total = tf.reduce_sum(form(maps) ** 2)
            return tape.gradient(total, maps)

        return step

    runs: dict[str, Callable[[], Any]] = {}
    forms = {"crop_and_resize": cropped, "two einsums": einsums, "two products": products}
    for name, form in forms.items():
        runs[f"{name}, forward"] = tf.function(partial(form, maps))
        runs[f"{name}, forward and backward"] = backward(form)
    return runs


def timeline(count: int, pictures: np.ndarray) -> dict[str, Callable[[], Any]]:
    """Each network on the same pictures and regions."""
    regions = regions_in(SIDE, count)
    body = ck.backbone("nano", input_shape=(SIDE, SIDE, 3))
    crops = ck.backbone("nano", input_shape=(CROP, CROP, 3))
    of_crops = ck.tasks.rcnn(crops, CLASSES, lambda _picture: regions)
    given = {name: getattr(ck.tasks, name)(body, CLASSES) for name in ("spp_net", "fast_rcnn")}
    faster = ck.tasks.faster_rcnn(body, CLASSES)

    return {
        "R-CNN": lambda: of_crops.predict(pictures),
        "SPP-net": lambda: ck.tasks.detect(given["spp_net"], pictures, lambda _picture: regions),
        "Fast R-CNN": lambda: ck.tasks.detect(given["fast_rcnn"], pictures, lambda _picture: regions),
        "Faster R-CNN": lambda: ck.predict(faster, pictures),
    }


def main() -> None:
    """Runs all forms and prints the ratios, or JSON."""
    arguments = harness.options(__doc__, regions=128, proposals=200, pictures=4).parse_args()
    started = harness.machine()
    aligned = alignments(arguments.regions)
    drawn = ck.data.scenes(4 * arguments.pictures, seed=3, size=SIDE).train
    pictures = np.stack([drawn.image(index) for index in range(arguments.pictures)])
    detectors = timeline(arguments.proposals, pictures)
    for run in (*aligned.values(), *detectors.values()):
        run()  # traces
    harness.say(f"a convolution takes {harness.convolution_ms():.1f} ms")
    times = {name: partial(cpu_seconds, run) for name, run in (aligned | detectors).items()}
    found = harness.interleaved(arguments.rounds, times)
    rows = []
    for way in ("forward", "forward and backward"):
        case = f"RoIAlign of {arguments.regions} regions, {way}"
        for peer, bars in (("two einsums", {"two products": 1.0}), ("crop_and_resize", {})):
            pair = {name: found[f"{name}, {way}"] for name in (peer, "two products")}
            rows += harness.rows(case, pair, peer=peer, bars=bars)
    of_each = {name: [value / len(pictures) for value in found[name]] for name in detectors}
    rows += harness.rows(f"a picture with {arguments.proposals} proposals", of_each, peer="R-CNN", bars={})
    harness.report("two_stages", rows, started=started, arguments=arguments)


if __name__ == "__main__":
    main()
