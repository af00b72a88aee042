"""Predicted boxes as COCO's result file, and a detector held against a file of COCO's annotations."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from cnnkit.data.any_pictures import Pictures
from cnnkit.data.coco_file import CocoFile, read_coco
from cnnkit.data.image_folder import pictures
from cnnkit.engines.runtimes import EngineName, Precision
from cnnkit.errors import DataError, InputError, unknown_name
from cnnkit.export.atomic_file import write_text
from cnnkit.export.own_files import check_ending, refuse_foreign_file
from cnnkit.metrics.coco import CocoResult, coco
from cnnkit.transfer.inference import predict
from cnnkit.transfer.network import Network, network_of

KEYS = ("image_id", "category_id", "bbox", "score")
# Decimals of a pixel that are written: float32 knows no more.
DECIMALS = 3


@dataclass(frozen=True)
class CocoNumbers:
    """The numbers by which COCO's files call pictures and categories.

    Attributes:
        pictures: File name → `image_id`; None for the number that is the name of the file, as in COCO.
        categories: Class → `category_id`.
    """

    pictures: Mapping[str, int] | None
    categories: Mapping[str, int]

    def picture(self, name: str) -> int:
        """The number of a picture.

        Raises:
            DataError: There is none.
        """
        stem = name.rpartition("/")[2].rpartition(".")[0] or name
        if self.pictures is None:
            if not (stem.isascii() and stem.isdigit()):
                remedy = "Give the file of annotations, which numbers them: annotations=…"
                raise DataError("pictures whose names are numbers, as 000000000139.jpg", repr(name), remedy)
            return int(stem)
        if name not in self.pictures:
            raise DataError("pictures of the file of annotations", repr(name), "Give the folder that belongs to it.")
        return self.pictures[name]


def predict_to_coco(
    network: Network,
    images: Pictures,
    path: str | Path,
    *,
    annotations: str | Path | None = None,
    batch_size: int = 32,
    engine: EngineName = "auto",
    precision: Precision = "float32",
    force: bool = False,
    progress: bool = False,
) -> int:
    """Writes what a detector says of pictures as COCO's result file, which COCO's server and all its tools read.

    A JSON list with an entry per box: `image_id`, `category_id`, `bbox` as x, y, width, height in pixels of the
    photograph, and `score`.

    Args:
        network: A detector.
        images: As for `ck.predict`.
        path: The file, `.json`; it appears when it is complete.
        annotations: The file that numbers pictures (by file name) and categories (by name). By default a picture's
            number is its name, as in COCO: 000000000139.jpg; and the classes are numbered from 1 on.
        batch_size: As in `ck.predict`.
        engine: As in `ck.predict`.
        precision: As in `ck.predict`.
        force: Replaces a file that is no result file.
        progress: Whether to show a live line.

    Returns:
        The number of boxes.

    Raises:
        InputError: A network that predicts no boxes, or a file that is no result file.
        DataError: A picture without a number; or as of `ck.predict`.
        UnknownNameError: A class that is no category of the file, or a path that does not end in ".json".
        BundleError: The disk is full, or the file may not be written.
    """
    network = _detector(network)
    if not isinstance(path, str | Path):
        raise InputError("the path of a file", f"{type(path).__name__}: {path!r}"[:200], 'As in "runs/p.json".')
    path = Path(path).expanduser()
    check_ending(path, (".json",), kind="a JSON file")
    refuse_foreign_file(path, is_result_file, what="predictions of cnnkit", force=force)
    if annotations is None:
        numbers = CocoNumbers(None, {name: place for place, name in enumerate(network.classes, start=1)})
    else:
        numbers = numbers_of(read_coco(Path(annotations).expanduser()), network.classes)
    table = predict(network, images, batch_size=batch_size, engine=engine, precision=precision, progress=progress)
    rows = coco_results(table, numbers)
    write_text(path, json.dumps(rows))
    return len(rows)


def evaluate_coco(
    network: Network,
    images: str | Path,
    annotations: str | Path,
    *,
    batch_size: int = 32,
    engine: EngineName = "auto",
    precision: Precision = "float32",
    progress: bool = False,
) -> CocoResult:
    """COCO's evaluation of a detector on the pictures of a file of annotations, by the areas and crowds of the file.

    Categories of the file that the network does not know do not count, as if the file had none of them.

    Args:
        network: A detector.
        images: The folder of the pictures.
        annotations: The `instances_*.json` file.
        batch_size: As in `ck.predict`.
        engine: As in `ck.predict`.
        precision: As in `ck.predict`.
        progress: Whether to show a live line.

    Returns:
        `.numbers` has the twelve numbers, `.of_category(name)` those of a class.

    Raises:
        InputError: A network that predicts no boxes.
        DataError: As of `ck.data.coco`: a file that is none, or a picture that is missing.
        UnknownNameError: A class of the network that is no category of the file.
    """
    network, root = _detector(network), Path(images).expanduser()
    file = read_coco(Path(annotations).expanduser())
    numbers = numbers_of(file, network.classes)
    if missing := [name for name in file.pictures if not (root / name).is_file()]:
        received = f"{len(missing)} are missing, the first {missing[0]!r}"
        remedy = "Give the folder that belongs to this file."
        raise DataError(f"the {len(file.pictures)} pictures of {file.path} in {root}", received, remedy)
    source, _ = pictures([root / name for name in file.pictures])
    table = predict(network, source, batch_size=batch_size, engine=engine, precision=precision, progress=progress)
    names = dict(zip(source.ids, file.pictures, strict=True))
    known = set(numbers.categories.values())
    truth = {
        "images": [{"id": number} for number in (numbers.pictures or {}).values()],
        "categories": [{"id": number, "name": name} for name, number in numbers.categories.items()],
        "annotations": [entry for entry in file.annotations if entry["category_id"] in known],
    }
    return coco(truth, coco_results(table.assign(id=table["id"].map(names)), numbers))


def numbers_of(file: CocoFile, classes: tuple[str, ...]) -> CocoNumbers:
    """The numbers of a file's pictures, and of the categories that are called like the classes of a network.

    Raises:
        UnknownNameError: A class that is no category.
    """
    categories = {str(entry["name"]): entry["id"] for entry in file.categories}
    for name in classes:
        if name not in categories:
            raise unknown_name(f"a category of {file.path}", name, categories)
    pictures = dict(zip(file.pictures, file.picture_ids, strict=True))
    return CocoNumbers(pictures, {name: categories[name] for name in classes})


def coco_results(table: pd.DataFrame, numbers: CocoNumbers) -> list[dict[str, Any]]:
    """The table of boxes that `ck.predict` gives as entries of a result file.

    Raises:
        DataError: A picture without a number.
    """
    number_of = {name: numbers.picture(name) for name in table["id"].unique()}
    corners = table[["x", "y", "width", "height"]].to_numpy().round(DECIMALS).tolist()
    return [
        dict(zip(KEYS, (number_of[name], numbers.categories[label], box, score), strict=True))
        for name, label, box, score in zip(
            table["id"].tolist(), table["label"].tolist(), corners, table["score"].astype(float).tolist(), strict=True
        )
    ]


def is_result_file(path: Path) -> bool:
    """Whether a file begins as a result file does: with a list, whose first entry has its keys in their order."""
    with path.open(encoding="utf-8", errors="replace") as stream:
        head = stream.read(80)
    return head.startswith(f'[{{"{KEYS[0]}"') or head == "[]"


def _detector(network: Network) -> Network:
    network = network_of(network)
    if network.head.target.kind != "boxes":
        raise InputError("a network that predicts boxes", network.head.target.kind, "ck.predict serves all others.")
    return network
