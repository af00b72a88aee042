"""Made the files of this folder with cnnkit at commit e7473e9, the last one before version 2 of the manifest.

    git worktree add /tmp/version_1 e7473e9
    PYTHONPATH=/tmp/version_1 python tests/export/bundle_version_1/make.py

Each network leaves its bundle in a folder of its own. `expected.npz` holds the pictures, and for each network what the
model gives for them, the probabilities and labels of `ck.predict`, and the scores of `ck.evaluate`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np

import cnnkit as ck

HERE = Path(__file__).resolve().parent
COUNT, SIDE = 16, 8


def body() -> ck.backbones.Backbone:
    """One convolution; another layer behind the cut is left out of the network."""
    keras.utils.set_random_seed(3)
    image = keras.Input((SIDE, SIDE, 3), name="image")
    x = keras.layers.Rescaling(1 / 127.5, offset=-1.0, name="preprocessing")(image)
    x = keras.layers.Conv2D(3, 3, 2, padding="same", activation="relu", name="conv1")(x)
    model = keras.Model(image, keras.layers.Conv2D(4, 3, 2, padding="same", name="conv2")(x), name="tiny")
    return ck.backbone(model, cut="conv1")


def pictures() -> tuple[np.ndarray, np.ndarray]:
    """Noise, and which of its three channels are brighter: (n, h, w, 3) and (n, 3) of 0 and 1."""
    random = np.random.default_rng(0)
    tags = random.integers(0, 2, (COUNT, 3))
    tags[:4] = [[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]]
    images = random.integers(0, 4, (COUNT, SIDE, SIDE, 3)) * 50 + 60 * tags[:, None, None, :]
    tags[-1, 0] = 1 - tags[-1, 0]  # a wrong label: a network that is always right cannot be calibrated
    return images.astype(np.uint8), tags


def two_classes(images: np.ndarray, tags: np.ndarray) -> ck.Network:
    """Trained in two fits, calibrated, with a threshold of its own and another framing than the default."""
    photos = ck.data.arrays(images, tags[:, 0], classes=["dark", "red"], validation=(images, tags[:, 0]))
    head = ck.heads.classifier(photos.classes, class_weight="balanced", loss="focal", gamma=1.5)
    net = ck.attach(body(), head, framing=ck.data.Framing("pad", "area"))
    for plan in (ck.plans.probe(epochs=2, rate=0.1), ck.Plan([ck.Phase("deep", train="conv1", epochs=1)])):
        ck.fit(net, photos, plan, batch_size=8, progress=False)
    calibrated = ck.calibrate(net, photos.validation, progress=False)
    return ck.choose_threshold(calibrated, photos.validation)


def tags_of_three() -> ck.Network:
    """Any number of labels, with a threshold for each; cnnkit never trained it."""
    head = ck.heads.classifier(["red", "green", "blue"], multi_label=True, pooling="max", threshold=[0.4, 0.5, 0.6])
    return ck.attach(body(), head)


def main() -> None:
    """Writes all of it."""
    images, tags = pictures()
    expected: dict[str, Any] = {"images": images, "tags": tags}
    for name, network in {"two_classes": two_classes(images, tags), "tags": tags_of_three()}.items():
        ck.save(network, HERE / name)
        net = ck.load(HERE / name)
        table = ck.predict(net, images)
        labels = tags if net.head.multi_label else tags[:, 0]
        source = ck.data.arrays(images, labels, classes=net.classes, split=(1, 0, 0)).train
        scores = ck.evaluate(net, source)
        expected |= {
            f"{name}/outputs": net.model.predict(images.astype(np.float32), verbose=0),
            f"{name}/labels": table["label"].to_numpy(str),
            f"{name}/probabilities": table[list(net.classes)].to_numpy(np.float32),
            f"{name}/score names": np.array(list(scores)),
            f"{name}/scores": np.array(list(scores.values())),
        }
    np.savez_compressed(HERE / "expected.npz", **expected)


if __name__ == "__main__":
    main()
