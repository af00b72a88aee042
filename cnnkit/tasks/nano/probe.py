"""What a frozen backbone is worth: an exact linear head on its pooled features, on photographs it never saw.

    python -m cnnkit.tasks.nano.probe --data ../shared/data --weights ../shared/weights

prints one row for each backbone and side: nano, nano with random weights, and MobileNet α = 0.25 beside them. The L2
strength is chosen inside the training pictures by cross-validation.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import keras
import numpy as np
import pandas as pd
from numpy.typing import NDArray

import cnnkit as ck
from cnnkit.engines.forward import Forward
from cnnkit.transfer.exact_head import Examples, gather, score_of, solve
from cnnkit.transfer.feed import Feed

FOLDS = 5
BATCH_SIZE = 32
SIDES = {"nano": (96, 128, 160), "nano, random weights": (96, 128), "MobileNet α = 0.25": (96, 128, 160, 224)}


def people(data: Path) -> ck.data.Source:
    """coco128 and coco_mini: does a person's box cover more than 0.5 % of the picture?"""
    tables = []
    for folder in (data / "coco128", data / "coco_mini"):
        pictures = folder / "val2017"
        rows = ck.data.coco(pictures, folder / "annotations" / "instances_val2017.json", split=(1, 0, 0)).train.table()
        tables.append(rows.assign(id=[str(pictures / name) for name in rows["id"]]))
    return ck.data.table(pd.concat(tables), x="id", y="label", split=(1, 0, 0)).train


def examples_of(body: ck.backbones.Backbone, framing: ck.data.Framing, *sources: ck.data.Source) -> list[Examples]:
    """The pooled features of the pictures of each source, and their labels as the head encodes them."""
    pooled = keras.layers.GlobalAveragePooling2D()(body.model.output)
    forward = Forward(keras.Model(body.model.input, pooled))
    height, width, _ = body.settings.input_shape
    head = ck.heads.classifier(sources[0].classes)
    feeds = (Feed(source, head, framing, (height, width), BATCH_SIZE, forward) for source in sources)
    return [gather(feed, views=1) for feed in feeds]


def accuracy(known: Examples, unseen: Examples, classes: Sequence[str]) -> float:
    """The accuracy on unseen examples of the exact head of the known ones."""
    head = ck.heads.classifier(classes)
    return score_of(head, solve(head, known, None), unseen)["accuracy"]


def accuracy_on_ants_bees(body: ck.backbones.Backbone, data: Path) -> float:
    """On the 153 photographs that are to be judged, of a head fitted to the other 244."""
    photos = ck.data.folder(data / "ants_bees_256")
    known, unseen = examples_of(body, ck.data.Framing(), photos.train, photos.validation)
    return accuracy(known, unseen, photos.classes)


def accuracy_on_people(body: ck.backbones.Backbone, data: Path) -> float:
    """Of person / no person, five-fold."""
    source = people(data)
    (examples,) = examples_of(body, ck.data.Framing("squash"), source)
    fold = stratified_folds(examples.targets[:, 0])
    right = 0.0
    for number in range(FOLDS):
        held_out = fold == number
        known, unseen = examples.take(~held_out), examples.take(held_out)
        right += accuracy(known, unseen, source.classes) * held_out.sum()
    return right / len(source)


def stratified_folds(labels: NDArray[np.float32], seed: int = 0) -> NDArray[np.int64]:
    """(n,) the fold of each example, the classes spread evenly."""
    fold = np.empty(len(labels), np.int64)
    fold[np.lexsort((np.random.default_rng(seed).random(len(labels)), labels))] = np.arange(len(labels)) % FOLDS
    return fold


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
    rows = []
    for row, (name, file, alpha) in known.items():
        for side in SIDES[row]:
            body = ck.backbone(name, weights=file, alpha=alpha, input_shape=(side, side, 3))
            rows.append(
                {
                    "backbone": row,
                    "side": side,
                    "parameters": body.model.count_params(),
                    "ants_bees": accuracy_on_ants_bees(body, data),
                    "people": accuracy_on_people(body, data),
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
