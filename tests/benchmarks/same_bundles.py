"""Whether a bundle that one version of cnnkit saves gives the same numbers in another.

PYTHONPATH=/path/of/one     python tests/benchmarks/same_bundles.py save /tmp/bundles
PYTHONPATH=/path/of/another python tests/benchmarks/same_bundles.py load /tmp/bundles
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import same_records as record
from same_as_before import ALONE
from same_cases import COLOURS, colours, fit, network, tagged, two_phases
from same_records import differences

import cnnkit as ck


def two_classes() -> tuple[Any, Any]:
    """Calibrated, with a threshold of its own, trained in two fits, framed with bars."""
    photos = ck.data.scenes(60, seed=3, size=64)
    body = ck.backbone("nano", input_shape=(64, 64, 3))
    head = ck.heads.classifier(photos.classes, hidden=(8,), dropout=0.3, class_weight="balanced")
    net = ck.attach(body, head, framing=ck.data.Framing("pad"))
    fit(net, photos, ck.plans.probe(epochs=2))
    fit(net, photos, two_phases(rate_decay=0.5))
    return ck.choose_threshold(ck.calibrate(net, photos.train, progress=False), photos.train), photos


def five_classes() -> tuple[Any, Any]:
    """Softmax on MobileNet, cut early, with a focal loss."""
    images, labels = colours(60, 4, 3, side=64)
    labels[::7] = 4
    photos = ck.data.arrays(images, labels, classes=(*COLOURS, "none"), seed=1)
    body = ck.backbone("mobilenet", alpha=0.25, input_shape=(64, 64, 3), weights=None, seed=1, cut="stage4")
    net = ck.attach(body, ck.heads.classifier(photos.classes, loss="focal", pooling="max", label_smoothing=0.1))
    fit(net, photos, ck.plans.gradual(stages=1, epochs=1))
    return net, photos


def several_labels() -> tuple[Any, Any]:
    """A threshold for each tag, and no run: it was never trained by cnnkit."""
    photos = tagged()
    return network(photos.classes, multi_label=True, threshold=(0.45, 0.5, 0.55)), photos


BUNDLES: dict[str, Callable[[], tuple[Any, Any]]] = {
    "two_classes": two_classes,
    "five_classes": five_classes,
    "several_labels": several_labels,
}


def facts(net: Any, images: Any, source: Any) -> dict[str, Any]:
    """All that a loaded bundle tells and computes."""
    pixels = np.random.default_rng(0).integers(0, 256, (5, *net.size, 3)).astype(np.float32)
    return {
        "weights": record.weights(net),
        "outputs": record.array(net.model.predict(pixels, verbose=0)),
        "predictions": record.table(ck.predict(net, images)),
        "scores": record.plain(ck.evaluate(net, source)),
        "head": record.plain(net.head.settings()),
        "classes": list(net.classes),
        "cut": net.cut,
        "framing": repr(net.framing),
        "history": None if net.run is None else record.history(net.run),
        "run": None if net.run is None else repr(net.run.plan),
    }


def save_bundles(folder: Path) -> int:
    """Writes the bundles, the pictures, and what this version says of them."""
    for name, make in BUNDLES.items():
        net, photos = make()
        place = folder / name
        ck.save(net, place / "bundle")
        source = photos.test
        np.savez(place / "test.npz", images=np.stack([source.image(i) for i in range(len(source))]), y=source.labels)
        (place / "facts.json").write_text(json.dumps(_facts_of(place, place / "bundle"), indent=1) + "\n")
    return 0


def load_bundles(folder: Path) -> int:
    """Loads them, and saves and loads them once more: what both say has to be what was said before."""
    unequal = 0
    for place in sorted(file.parent for file in folder.glob("*/facts.json")):
        before = json.loads((place / "facts.json").read_text())
        with tempfile.TemporaryDirectory() as again:
            ck.save(ck.load(place / "bundle"), Path(again, "bundle"))
            version = json.loads(Path(again, "bundle", "manifest.json").read_text())["version"]
            for way, bundle in (("loaded", place / "bundle"), (f"saved in version {version}", Path(again, "bundle"))):
                lines = list(differences(before, _facts_of(place, bundle), place.name))
                print(f"{place.name}, {way}: {'the same' if not lines else f'{len(lines)} values differ'}")
                print("".join(f"  {line}\n" for line in lines[:20]), end="")
                unequal += bool(lines)
    return int(unequal > 0)


def _facts_of(place: Path, bundle: Path) -> dict[str, Any]:
    net = ck.load(bundle)
    with np.load(place / "test.npz") as file:
        images, y = file["images"], file["y"]
    if not net.head.multi_label and len(np.unique(y)) < 2:
        raise ValueError(f"{place} holds pictures of one class only")
    source = ck.data.arrays(images, y, classes=net.classes, split=(1, 0, 0)).train
    return facts(net, images, source)


def main() -> int:
    """Does what the command line says."""
    os.environ.update(ALONE)  # TensorFlow is not there yet
    verb, place = sys.argv[1:]
    return {"save": save_bundles, "load": load_bundles}[verb](Path(place))


if __name__ == "__main__":
    sys.exit(main())
