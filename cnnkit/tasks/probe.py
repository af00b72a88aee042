"""What a frozen backbone is worth: a linear classifier on its pooled features, on photographs it never saw.

    python -m cnnkit.tasks.probe --data ../shared/data --weights ../shared/weights

prints one row a backbone: nano, nano with random weights, and MobileNet α = 0.25 beside them, all by the same
protocol. The L2 penalty is chosen inside the training pictures by cross-validation.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import keras
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cnnkit.errors import DataError, ImageFileError
from cnnkit.zoo.nanos import nano

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

PENALTIES = (30.0, 10.0, 3.0, 1.0, 0.3, 0.1, 0.03, 0.01)
FOLDS = 5
PERSON_AREA = 0.005  # of the picture: the rule of Visual Wake Words (Chowdhery et al., 2019)


@dataclass(frozen=True)
class LinearProbe:
    """A logistic regression on standardised features.

    Args:
        mean: (d,), of the training features.
        scale: (d,), their standard deviation.
        weights: (d,).
        bias: Constant term.
        penalty: The L2 penalty that was chosen, per example.
    """

    mean: Floats
    scale: Floats
    weights: Floats
    bias: float
    penalty: float

    def scores(self, features: Floats) -> Floats:
        """Log-odds of class 1 for features (n, d)."""
        return (features - self.mean) / self.scale @ self.weights + self.bias

    def accuracy(self, features: Floats, labels: Integers) -> float:
        """Share of labels (0 or 1) that are met."""
        return float(np.mean((self.scores(features) > 0) == (labels == 1)))


def fit_probe(
    features: Floats, labels: Integers, *, penalties: Sequence[float] = PENALTIES, folds: int = FOLDS, seed: int = 0
) -> LinearProbe:
    """Fits a probe; among the penalties it takes the one with the smallest cross-validated log loss.

    Args:
        features: (n, d).
        labels: (n,) of 0 and 1, both of them at least `folds` times.
        penalties: L2 penalties to choose from; the objective is the mean log loss + penalty / 2 · |weights|².
        folds: Parts of the cross-validation.
        seed: Fixes the parts.
    """
    smaller = min(int(np.sum(labels == 0)), int(np.sum(labels == 1)))
    if smaller < folds:
        raise DataError(
            f"labels 0 and 1 with at least {folds} examples each",
            f"{smaller} of the rarer one",
            "Take more examples or fewer folds.",
        )
    part = stratified_folds(labels, folds, seed)
    losses = np.zeros(len(penalties))
    for fold in range(folds):
        inside, outside = part != fold, part == fold
        for i, probe in enumerate(_path(features[inside], labels[inside], penalties)):
            signs = np.where(labels[outside] == 1, 1.0, -1.0)
            losses[i] += np.sum(np.logaddexp(0, -signs * probe.scores(features[outside])))
    return _path(features, labels, [penalties[int(np.argmin(losses))]])[0]


def stratified_folds(labels: Integers, folds: int, seed: int) -> Integers:
    """The fold of each example, 0 … folds - 1, the classes spread evenly."""
    rng = np.random.default_rng(seed)
    part = np.empty(len(labels), np.int64)
    for label in np.unique(labels):
        chosen = rng.permutation(np.flatnonzero(labels == label))
        part[chosen] = np.arange(len(chosen)) % folds
    return part


def _path(features: Floats, labels: Integers, penalties: Sequence[float]) -> list[LinearProbe]:
    """One probe a penalty, by Newton's method in the space that the examples span."""
    mean, scale = features.mean(axis=0), features.std(axis=0) + 1e-6
    u, s, axes = np.linalg.svd((features - mean) / scale, full_matrices=False)
    inputs = np.column_stack([u * s, np.ones(len(u))])  # (n, rank + 1), the last is the bias
    solution = np.zeros(inputs.shape[1])  # of one penalty: where the next one begins
    probes = []
    for penalty in penalties:
        ridge = np.full(inputs.shape[1], penalty * len(u))
        ridge[-1] = 1e-9
        for _ in range(50):
            probability = 0.5 * (1 + np.tanh(inputs @ solution / 2))
            slope = inputs.T @ (probability - labels) + ridge * solution
            curvature = (inputs * (probability * (1 - probability))[:, None]).T @ inputs
            step = np.linalg.solve(curvature + np.diag(ridge + 1e-9), slope)
            step *= min(1.0, 5.0 / (np.abs(inputs @ step).max() + 1e-12))  # a long step overshoots
            solution -= step
            if np.abs(step).max() < 1e-5:
                break
        probes.append(LinearProbe(mean, scale, axes.T @ solution[:-1], float(solution[-1]), penalty))
    return probes


# --- pictures and features


def read_image(file: Path, side: int, *, whole: bool = False) -> NDArray[np.uint8]:
    """A square RGB picture.

    Args:
        file: The picture's file.
        side: Pixels.
        whole: Squeeze the whole picture into the square; otherwise its short side becomes `side` and the middle
            is cut out.
    """
    bgr: Any = cv2.imread(str(file), cv2.IMREAD_COLOR)
    if bgr is None:
        raise ImageFileError("a picture", str(file), "Look at the file: it is missing, empty or not a picture.")
    height, width = bgr.shape[:2]
    scale = side / min(height, width)
    size = (side, side) if whole else (max(side, round(width * scale)), max(side, round(height * scale)))
    image = cv2.resize(bgr, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC)
    top, left = (image.shape[0] - side) // 2, (image.shape[1] - side) // 2
    return np.ascontiguousarray(image[top : top + side, left : left + side, ::-1], np.uint8)


def pooled_features(backbone: keras.Model, images: NDArray[np.uint8], batch: int = 64) -> Floats:
    """Mean over height and width of the backbone's last map, (n, d)."""
    parts = [
        np.asarray(keras.ops.convert_to_numpy(backbone(images[i : i + batch].astype(np.float32), training=False)))
        for i in range(0, len(images), batch)
    ]
    pooled: Floats = np.concatenate(parts).mean(axis=(1, 2), dtype=np.float64)
    return pooled


def ants_bees(data: Path, split: str) -> tuple[list[Path], Integers]:
    """Files of ants (0) and bees (1) of one split, "train" or "val"."""
    folders = [data / "ants_bees_256" / split / name for name in ("ants", "bees")]
    files = [sorted(folder.glob("*.jpg")) for folder in folders]
    return [*files[0], *files[1]], np.repeat([0, 1], [len(files[0]), len(files[1])])


def people(data: Path) -> tuple[list[Path], Integers]:
    """Files of coco128 and coco_mini; 1 where a person's box covers more than 0.5 % of the picture."""
    files: list[Path] = []
    labels: list[int] = []
    for folder in (data / "coco128", data / "coco_mini"):
        for listing in sorted((folder / "annotations").glob("instances*.json")):
            coco = json.loads(listing.read_text(encoding="utf-8"))
            person = {category["id"] for category in coco["categories"] if category["name"] == "person"}
            largest: dict[int, float] = {}
            for box in coco["annotations"]:
                if box["category_id"] in person:
                    area = box["bbox"][2] * box["bbox"][3]
                    largest[box["image_id"]] = max(area, largest.get(box["image_id"], 0.0))
            for image in coco["images"]:
                file = folder / "val2017" / image["file_name"]
                if file.is_file():
                    files.append(file)
                    labels.append(int(largest.get(image["id"], 0.0) > PERSON_AREA * image["width"] * image["height"]))
    return files, np.asarray(labels)


# --- the table


def probe_ants_bees(backbone: keras.Model, data: Path, side: int) -> float:
    """Accuracy on `val` of a probe fitted on `train`."""
    (files, labels), (unseen, truth) = ants_bees(data, "train"), ants_bees(data, "val")
    known, new = (
        pooled_features(backbone, np.stack([read_image(file, side) for file in group])) for group in (files, unseen)
    )
    return fit_probe(known, labels).accuracy(new, truth)


def probe_people(backbone: keras.Model, data: Path, side: int, repeats: int = 5) -> float:
    """Accuracy of person / no person, five-fold, mean over several divisions into folds."""
    files, labels = people(data)
    features = pooled_features(backbone, np.stack([read_image(file, side, whole=True) for file in files]))
    accuracies = []
    for seed in range(repeats):
        part = stratified_folds(labels, FOLDS, seed)
        right = np.zeros(len(labels), bool)
        for fold in range(FOLDS):
            inside, outside = part != fold, part == fold
            scores = fit_probe(features[inside], labels[inside]).scores(features[outside])
            right[outside] = (scores > 0) == (labels[outside] == 1)
        accuracies.append(right.mean())
    return float(np.mean(accuracies))


def compare(data: Path, weights: Path, student: str = "cnnkit") -> pd.DataFrame:
    """One row a backbone and side: its accuracy on ants and bees, and on people.

    Args:
        data: The folder of real data (`shared/data`).
        weights: The folder with `mobilenet_2_5_224_tf_no_top.h5`.
        student: As `nano`'s `weights`.
    """
    keras.utils.set_random_seed(0)
    image = keras.Input((None, None, 3))
    mobilenet = keras.applications.MobileNet(
        (None, None, 3), alpha=0.25, include_top=False, weights=str(weights / "mobilenet_2_5_224_tf_no_top.h5")
    )
    reference = keras.Model(image, mobilenet(keras.layers.Rescaling(1 / 127.5, offset=-1.0)(image)))
    rows = [
        ("nano", nano(input_shape=(None, None, 3), weights=student), (96, 128, 160)),
        ("nano, random weights", nano(input_shape=(None, None, 3), weights=None), (96, 128)),
        ("MobileNet α = 0.25", reference, (96, 128, 160, 224)),
    ]
    return pd.DataFrame(
        [
            {
                "backbone": name,
                "side": side,
                "parameters": backbone.count_params(),
                "ants_bees": probe_ants_bees(backbone, data, side),
                "people": probe_people(backbone, data, side),
            }
            for name, backbone, sides in rows
            for side in sides
        ]
    )


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description="Linear probes of nano beside MobileNet α = 0.25.")
    parser.add_argument("--data", type=Path, default=Path("../shared/data"), help="folder of real data")
    parser.add_argument("--weights", type=Path, default=Path("../shared/weights"), help="folder of ImageNet weights")
    parser.add_argument("--student", default="cnnkit", help="a nano .weights.h5 file; the shipped one by default")
    arguments = parser.parse_args()
    table = compare(arguments.data, arguments.weights, arguments.student)
    print(table.to_string(index=False, float_format=lambda value: f"{value:.3f}"))


if __name__ == "__main__":
    main()
