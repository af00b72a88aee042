"""Photographs with COCO instances, as "does the picture show one?"."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from cnnkit.data.arguments import number, one_of, path_of
from cnnkit.data.dataset import Dataset
from cnnkit.data.decode import check_header
from cnnkit.data.image_folder import FileReader
from cnnkit.data.source import Source
from cnnkit.data.split import DEFAULT_SPLIT, arranged, as_dataset
from cnnkit.errors import DataError, InputError
from cnnkit.scenes.large_enough import PERSON_AREA, large_enough


def coco(
    images: str | Path,
    annotations: str | Path,
    *,
    label: str = "person",
    minimum_area: float = PERSON_AREA,
    split: Sequence[float] = DEFAULT_SPLIT,
    seed: int = 0,
) -> Dataset:
    """Pictures labelled by whether they show a thing of one COCO category.

    A picture is positive when the box of at least one such thing covers more than `minimum_area` of it: the rule
    of Visual Wake Words (Chowdhery et al. 2019, arXiv:1906.05721) for persons.

    Args:
        images: The folder of the pictures.
        annotations: The instances JSON of that folder.
        label: A category of the file. The classes are `("no_<label>", "<label>")`.
        minimum_area: The part of the picture, 0…1, that the box must cover.
        split: The shares of train, validation and test.
        seed: Another seed, another split.

    Returns:
        The dataset; ids are file names.

    Raises:
        DataError: A file that is no instances JSON, a picture of it that is not in the folder, or one class only.
        UnknownNameError: A category that the file does not have.
        ImageFileError: A file that is no picture.
    """
    expected, remedy = "minimum_area from 0 up to but not 1", f"{PERSON_AREA} is half a per cent of the picture."
    if not 0 <= number(minimum_area, "minimum_area", expected, remedy) < 1:
        raise InputError(expected, repr(minimum_area), remedy)
    images, annotations = path_of(images, "the folder of the pictures"), path_of(annotations, "an instances JSON")
    described = _described(annotations)
    categories = {category["name"]: category["id"] for category in described["categories"]}
    one_of(label, f"a category of {annotations}", categories)
    positive = set()
    area_of = {image["id"]: image["width"] * image["height"] for image in described["images"]}
    for thing in described["annotations"]:
        width, height = thing["bbox"][2:]
        large = large_enough(width * height, area_of[thing["image_id"]], minimum_area)
        if large and thing["category_id"] == categories[label]:
            positive.add(thing["image_id"])
    rows = sorted((image["file_name"], int(image["id"] in positive)) for image in described["images"])
    names = tuple(name for name, _ in rows)
    _refuse_missing(images, names, annotations)
    labels = np.array([shown for _, shown in rows], np.int64)
    if len(np.unique(labels)) < 2:
        raise DataError(
            f"pictures with and without {label!r} in {annotations}",
            f"{labels.sum()} of {len(labels)} show one",
            "Choose another category or another minimum_area.",
        )
    source = Source.labelled(names, (f"no_{label}", label), labels, FileReader(images, names), np.arange(len(names)))
    return as_dataset(arranged({"train": source}, split=split, seed=seed))


def _described(path: Path) -> dict[str, Any]:
    try:
        described = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(f"COCO instances in {path}", str(error), "Give the instances_*.json file.") from error
    missing = {"images", "annotations", "categories"} - set(described if isinstance(described, dict) else ())
    if missing:
        raise DataError(
            f"COCO instances in {path}", f"no {' and no '.join(sorted(missing))}", "Give the instances_*.json file."
        )
    return dict(described)


def _refuse_missing(folder: Path, names: Sequence[str], annotations: str | Path) -> None:
    missing = [name for name in names if not (folder / name).is_file()]
    if missing:
        raise DataError(
            f"the {len(names)} pictures of {annotations} in {folder}",
            f"{len(missing)} are missing, the first {missing[0]!r}",
            "Give the folder that belongs to this file.",
        )
    for name in names:
        check_header(folder / name)
