"""Draws the pictures of the README that come from the repository. Run it as: python notebooks/pictures/draw.py."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import pandas as pd
from matplotlib.patches import FancyBboxPatch

import cnnkit as ck
from cnnkit.diagrams.ink import page, tinted
from cnnkit.visualize import style

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
RESULTS = ROOT / "tests" / "benchmarks" / "results.json"

# Room → what it is for.
WHAT = {
    "primitives": "by hand, NumPy only",
    "metrics": "numbers from arrays",
    "submissions": "files handed in, and the gate",
    "data": "sources, views, batches",
    "zoo": "networks from scratch",
    "losses": "focal, class-balanced, …",
    "backbones": "table, names, cuts, counting",
    "heads": "a task as one value",
    "transfer": "network, plan, fit, predict",
    "export": "bundles, predictions, Keras 2",
    "visualize": "pictures of all of it",
    "tasks": "report, compare, quickstart",
    "grading": "batches, ledger, gradebooks",
    "cli": "one module for each command",
}

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
    ck.visualize.save(ck.diagrams.architecture(ck.zoo.vgg16(weights=None)), HERE / "vgg16.png", dpi=100)


def rooms() -> None:
    """The packages of cnnkit by rank: each imports lower ones and itself, as tests/test_architecture.py says."""
    spec = importlib.util.spec_from_file_location("architecture", ROOT / "tests" / "test_architecture.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    ranks: dict[int, list[str]] = {}
    for name, rank in module.RANKS.items():
        if (ROOT / "cnnkit" / name).is_dir():
            ranks.setdefault(rank, []).append(name)
    width, height = 2.35, 0.62
    across = max(map(len, ranks.values()))
    figure, axes = page(across * width + 0.9, len(ranks) * (height + 0.2) + 0.3)
    for row, (rank, names) in enumerate(sorted(ranks.items())):
        y = 0.2 + row * (height + 0.2)
        axes.text(0.35, y + height / 2, str(rank), fontsize=13, color=style.MUTED, ha="center", va="center")
        for column, name in enumerate(sorted(names)):
            x = 0.7 + column * width
            box = FancyBboxPatch(
                (x, y), width - 0.2, height, boxstyle="round,pad=0,rounding_size=0.07",
                facecolor=tinted(style.BLUE, 0.85), edgecolor=style.BLUE,
            )  # fmt: skip
            axes.add_patch(box)
            axes.text(x + 0.1, y + 0.4, name, fontsize=11.5, fontweight="bold", va="center")
            axes.text(x + 0.1, y + 0.17, WHAT[name], fontsize=8.5, color=style.MUTED, va="center")
    ck.visualize.save(figure, HERE / "rooms.png", dpi=100)


if __name__ == "__main__":
    bench()
    vgg16()
    rooms()
