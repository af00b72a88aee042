"""What a frozen backbone is worth: an exact linear head on its pooled features, on photographs it never saw.

    python -m cnnkit.tasks.nano.probe --data ../shared/data --weights ../shared/weights

prints one row for each backbone and side: nano, nano with random weights, and MobileNet α = 0.25 beside them. The L2
strength is chosen inside the training pictures by cross-validation.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import pandas as pd

import cnnkit as ck

FOLDS = 5
SIDES = {"nano": (96, 128, 160), "nano, random weights": (96, 128), "MobileNet α = 0.25": (96, 128, 160, 224)}


def ants_bees(data: Path) -> ck.data.Dataset:
    """244 photographs of ants and bees to learn from, 153 to judge on; no validation."""
    photos = ck.data.folder(data / "ants_bees_256")
    return replace(photos, validation=ck.data.Source.empty(photos.classes), test=photos.validation)


def people(data: Path) -> ck.data.Source:
    """coco128 and coco_mini: does a person's box cover more than 0.5 % of the picture?"""
    tables = []
    for folder in (data / "coco128", data / "coco_mini"):
        pictures = folder / "val2017"
        rows = ck.data.coco(pictures, folder / "annotations" / "instances_val2017.json", split=(1, 0, 0)).train.table()
        tables.append(rows.assign(id=[str(pictures / name) for name in rows["id"]]))
    return ck.data.table(pd.concat(tables), x="id", y="label", split=(1, 0, 0)).train


def folds(source: ck.data.Source, count: int = FOLDS, seed: int = 0) -> Iterator[ck.data.Dataset]:
    """Datasets whose test parts together are the source, the classes spread evenly."""
    places = np.lexsort((np.random.default_rng(seed).random(len(source)), np.asarray(source.labels)))
    fold = np.empty(len(source), np.int64)
    fold[places] = np.arange(len(source)) % count
    for number in range(count):
        train, test = source.take(fold != number), source.take(fold == number)
        yield ck.data.Dataset(source.classes, train, ck.data.Source.empty(source.classes), test)


def accuracy(body: ck.backbones.Backbone | keras.Model, photos: ck.data.Dataset, framing: ck.data.Framing) -> float:
    """Accuracy on the test pictures of an exact head that was fitted to the training pictures."""
    net = ck.attach(body, ck.heads.classifier(photos.classes), framing=framing)
    ck.fit(net, photos, ck.plans.probe(solver="lbfgs"), cache="memory", progress=False)
    return ck.evaluate(net, photos.test)["accuracy"]


def probes(data: Path, weights: Path, student: str = "imagenet") -> pd.DataFrame:
    """One row for each backbone and side: its accuracy on ants and bees, and on people.

    Args:
        data: The folder of real data (`shared/data`).
        weights: The folder with `mobilenet_2_5_224_tf_no_top.h5`.
        student: As the `weights` of `ck.backbone("nano")`.
    """
    known = {
        "nano": ("nano", student, None),
        "nano, random weights": ("nano", None, None),
        "MobileNet α = 0.25": ("mobilenet", weights / "mobilenet_2_5_224_tf_no_top.h5", 0.25),
    }
    photos, parts = ants_bees(data), list(folds(people(data)))
    rows = []
    for row, (name, file, alpha) in known.items():
        for side in SIDES[row]:
            body = ck.backbone(name, weights=file, alpha=alpha, input_shape=(side, side, 3))
            of_people = [accuracy(body, part, ck.data.Framing("squash")) * len(part.test) for part in parts]
            rows.append(
                {
                    "backbone": row,
                    "side": side,
                    "parameters": body.model.count_params(),
                    "ants_bees": accuracy(body, photos, ck.data.Framing()),
                    "people": sum(of_people) / sum(len(part.test) for part in parts),
                }
            )
    return pd.DataFrame(rows)


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description="Linear probes of nano beside MobileNet α = 0.25.")
    parser.add_argument("--data", type=Path, default=Path("../shared/data"), help="folder of real data")
    parser.add_argument("--weights", type=Path, default=Path("../shared/weights"), help="folder of ImageNet weights")
    parser.add_argument("--student", default="imagenet", help="a nano .weights.h5 file; the shipped one by default")
    table = probes(**vars(parser.parse_args()))
    print(table.to_string(index=False, float_format="{:.3f}".format))


if __name__ == "__main__":
    main()
