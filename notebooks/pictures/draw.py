"""Draws the pictures of the README that come from the repository. Run it as: python notebooks/pictures/draw.py."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd

import cnnkit as ck

HERE = Path(__file__).parent
RESULTS = HERE.parents[1] / "tests" / "benchmarks" / "results.json"

# (benchmark, case, peer) of results.json → what it is in plain words.
WORKS = {
    ("head_phase", "mobilenet_v2: first run", "guide"): "a new head on MobileNetV2, 10 epochs",
    ("head_phase", "resnet50: first run", "guide"): "a new head on ResNet50, 10 epochs",
    ("head_phase", "efficientnet_b0: first run", "guide"): "a new head on EfficientNetB0, 10 epochs",
    ("last_stage", "mobilenet_v2: kept", "model.fit"): "the last stage of MobileNetV2, an epoch",
    ("augmentation", "200 pictures 500 × 375 to 224²: exact", "keras"): "turned, moved, zoomed, mirrored pictures",
    ("exact_head", "20,000 × 1,280, 10 strengths: L-BFGS", "10 epochs of fit"): "a linear head, solved exactly",
    ("forward", "mobilenet_v2, 64 pictures: tensorflow float32", "model.predict"): "one pass through MobileNetV2",
    ("predict", "96²: TensorFlow alone, peak 1,052 MB", "Keras and pandas"): "20,000 small pictures to a Parquet file",
}


def bench() -> None:
    """Times as fast as plain Keras, for eight works that a user does."""
    measured = {
        (result["bench"], row["case"], row["peer"]): row["ratio"]
        for result in json.loads(RESULTS.read_text(encoding="utf-8"))
        for row in result["rows"]
    }
    table = pd.DataFrame({"bench": "", "case": list(WORKS.values()), "ratio": [measured[work] for work in WORKS]})
    figure = ck.visualize.speeds(table, title="cnnkit beside plain Keras, 2 cores, no GPU")
    ck.visualize.save(figure, HERE / "bench.png", dpi=100)


def vgg16() -> None:
    """A network as boxes."""
    ck.visualize.save(ck.visualize.architecture(ck.zoo.vgg16(weights=None)), HERE / "vgg16.png", dpi=100)


if __name__ == "__main__":
    bench()
    vgg16()
