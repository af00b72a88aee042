"""Draws the pictures of the README that come from the repository.

python notebooks/pictures/draw.py            # all of them
python notebooks/pictures/draw.py rooms      # one
"""

from __future__ import annotations

import importlib.util
import io
import json
import sys
from pathlib import Path
from types import ModuleType

import pandas as pd
from matplotlib.patches import FancyBboxPatch
from PIL import Image

import cnnkit as ck
from cnnkit.diagrams.ink import page, tinted
from cnnkit.visualize import style

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
COLOURS = 255
"""Of a picture that shows photographs."""
RESULTS = ROOT / "tests" / "benchmarks" / "results.json"

# Room → what it is for.
ROOMS = {
    "primitives": "by hand, NumPy only",
    "metrics": "numbers from arrays",
    "layers": "arithmetic of Keras layers",
    "scenes": "the drawn world",
    "data": "truth, sources, views, batches",
    "zoo": "networks from scratch",
    "losses": "one number per picture",
    "keras_generator": "ImageDataGenerator",
    "engines": "any model, run fast",
    "backbones": "table, cuts, pyramid",
    "necks": "feature maps to feature maps",
    "heads": "a task as one value",
    "transfer": "network, plan, fit, predict",
    "export": "bundles, predictions",
    "visualize": "into networks and results",
    "diagrams": "networks drawn",
    "reports": "report, compare, quickstart",
    "tasks": "training loops of their own",
    "course": "hand in, gate, grade",
    "serving": "the HTTP interface",
    "distributed": "Ray",
    "cli": "one module per command",
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


def ranks() -> dict[float, list[str]]:
    """Rank → names of the rooms of that rank, as tests/test_architecture.py holds them."""
    found: dict[float, list[str]] = {}
    for name, rank in architecture().RANKS.items():
        if (ROOT / "cnnkit" / name).is_dir():
            found.setdefault(rank, []).append(name)
    return {rank: sorted(names) for rank, names in sorted(found.items())}


def architecture() -> ModuleType:
    """The module tests/test_architecture.py."""
    spec = importlib.util.spec_from_file_location("architecture", ROOT / "tests" / "test_architecture.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def rooms() -> None:
    """The packages of cnnkit by rank, the lowest at the bottom: each imports lower ones and itself."""
    light = architecture().FREE_OF_TENSORFLOW
    rows = list(ranks().values())
    width, height, gap, left = 2.3, 0.62, 0.16, 0.15
    across = max(map(len, rows))
    figure, axes = page(across * (width + gap) + 2 * left, len(rows) * (height + gap) + 0.75)
    for row, names in enumerate(rows):
        y = 0.6 + row * (height + gap)
        begin = left + (across - len(names)) * (width + gap) / 2
        for column, name in enumerate(names):
            x = begin + column * (width + gap) + gap / 2
            colour = style.GREEN if name in light else style.BLUE
            box = FancyBboxPatch(
                (x, y), width, height, boxstyle="round,pad=0,rounding_size=0.07",
                facecolor=tinted(colour, 0.85), edgecolor=colour,
            )  # fmt: skip
            axes.add_patch(box)
            axes.text(x + 0.12, y + 0.41, name, fontsize=12, fontweight="bold", va="center")
            axes.text(x + 0.12, y + 0.17, ROOMS[name], fontsize=9, color=style.MUTED, va="center")
    words = "A room imports the rows below it and itself. Green: no import of TensorFlow at the top of any file."
    axes.text(left + gap / 2, 0.3, words, fontsize=10.5, color=style.MUTED, va="center")
    figure.savefig(HERE / "rooms.png", dpi=100, metadata={"Comment": json.dumps(rows)})


def segmentation() -> None:
    """Truth and prediction of two drawn scenes, by a U-Net that trained for half a minute on frozen nano."""
    photos = ck.data.scenes(260, seed=7, size=128, target="masks")
    weights = ck.losses.balance_weights(photos.train.targets.pixels())
    head = ck.heads.unet(photos.classes, widths=(64, 48, 32), class_weight=weights.tolist())
    net = ck.attach(ck.backbone("nano", input_shape=(128, 128, 3)), head, framing=ck.data.Framing("squash"))
    ck.fit(
        net, photos, ck.Plan([ck.Phase("head", epochs=12, rate=3e-3, schedule="cosine")]), batch_size=8, progress=False
    )
    figure = ck.visualize.predictions(photos.test, ck.predict(net, photos.test), count=2)
    drawn = Image.open(io.BytesIO(style.png(figure, dpi=80))).convert("RGB")
    drawn.quantize(COLOURS, Image.Quantize.MAXCOVERAGE, kmeans=1, dither=Image.Dither.NONE).save(
        HERE / "segmentation.png", optimize=True
    )


PICTURES = {"bench": bench, "vgg16": vgg16, "rooms": rooms, "segmentation": segmentation}

if __name__ == "__main__":
    for name in sys.argv[1:] or PICTURES:
        PICTURES[name]()
