"""Photographs with COCO annotations: does the picture show one, boxes, masks, points."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import numpy as np

from cnnkit.data.arguments import names_of, number, one_of, path_of
from cnnkit.data.coco_file import CocoFile, read_coco
from cnnkit.data.coco_truth import TRUTHS
from cnnkit.data.dataset import Dataset
from cnnkit.data.decode import check_header
from cnnkit.data.image_folder import FileReader
from cnnkit.data.picture_header import file_shape
from cnnkit.data.source import Source
from cnnkit.data.split import DEFAULT_SPLIT, arranged, as_dataset
from cnnkit.data.targets.labels import Labels
from cnnkit.data.targets.stored import in_threads
from cnnkit.data.targets.targets import Targets
from cnnkit.errors import DataError, InputError
from cnnkit.scenes.large_enough import PERSON_AREA, large_enough

PERSON = "person"
Target = Literal["label", "boxes", "masks", "points"]


def coco(
    images: str | Path,
    annotations: str | Path,
    *,
    target: Target = "label",
    classes: Sequence[str] | None = None,
    label: str = PERSON,
    minimum_area: float = PERSON_AREA,
    split: Sequence[float] = DEFAULT_SPLIT,
    seed: int = 0,
) -> Dataset:
    """Pictures with what COCO's annotations say of them.

    Every picture of the file is an example, also one without annotations. Coordinates are continuous pixels: a box x,
    y, width, height goes from x to x + width.

    Boxes are cut off at the border of their picture. Left out, with a warning that names them: boxes without area,
    boxes outside their picture, and the second of two equal ones. Regions of crowds are kept and marked.
    Polygons become the pixels that COCO's own code gives; of run lengths both forms are read.

    Args:
        images: The folder of the pictures.
        annotations: The JSON file of that folder: instances, or person keypoints.
        target: "label": whether the picture shows a thing of one category, `("no_<label>", "<label>")`: positive when
            the box of at least one covers more than `minimum_area` of it, the rule of Visual Wake Words (Chowdhery et
            al. 2019, arXiv:1906.05721) for persons;
            "boxes": of all things, with the mask of each where every one has a segmentation, and with its points where
            every one has keypoints;
            "masks": "background" or a category per pixel; regions of crowds lie below things, larger things (by their
            box) below smaller ones;
            "points": the keypoints of the thing with the largest box among those that show any, crowds apart; all
            absent where there is none. If all coordinates of the file are whole numbers they are taken for indices of
            pixels, whose centres are half a pixel further. Points outside the picture are absent.
        classes: The categories that count for boxes, masks and points, in the order of their labels; all by default,
            in the order of their ids.
        label: A category of the file, for labels.
        minimum_area: The part of the picture, 0…1, that the box must cover, for labels.
        split: The shares of train, validation and test.
        seed: Another seed, another split.

    Returns:
        The dataset; ids are file names.

    Raises:
        InputError: `classes` for labels, or `label` or `minimum_area` for another target.
        DataError: A file that holds no such annotations, two categories of one name, a picture of it that is not in the
            folder or has another size; NaN, infinity or a negative side; for labels one class only. When a mask is
            read: a segmentation that is none. The message names the file and the annotation.
        UnknownNameError: A category that the file does not have, or another target.
        ImageFileError: A file that is no picture.
    """
    expected, remedy = "minimum_area from 0 up to but not 1", f"{PERSON_AREA} is half a per cent of the picture."
    if not 0 <= number(minimum_area, "minimum_area", expected, remedy) < 1:
        raise InputError(expected, repr(minimum_area), remedy)
    one_of(target, "a target of COCO annotations", ("label", *TRUTHS))
    classes = None if classes is None else names_of(classes, "classes")
    _require_arguments_of(target, classes, label, minimum_area)
    images, annotations = path_of(images, "the folder of the pictures"), path_of(annotations, "an instances JSON")
    file = read_coco(annotations)
    truth: Targets
    if target == "label":
        one_of(label, f"a category of {annotations}", file.names)
        _refuse_missing(images, file.pictures, annotations)
        truth = _shows(file, label, minimum_area)
    else:
        if not file.pictures:
            raise DataError(f"pictures in {annotations}", "none", "Give the file of the folder.")
        _refuse_missing(images, file.pictures, annotations)
        _refuse_other_sizes(images, file)
        truth = TRUTHS[target](file, classes)
    reader = FileReader(images, file.pictures)
    source = Source(file.pictures, truth, reader, np.arange(len(file.pictures)))
    return as_dataset(arranged({"train": source}, split=split, seed=seed))


def _require_arguments_of(target: str, classes: Sequence[str] | None, label: object, minimum_area: float) -> None:
    """Refuses arguments that the target does not use."""
    if target == "label" and classes is not None:
        raise InputError("classes for boxes, masks and points", 'target="label"', "label= says which category counts.")
    usual = isinstance(label, str) and label == PERSON and minimum_area == PERSON_AREA
    if target != "label" and not usual:
        remedy = "classes= says which categories count."
        raise InputError('label and minimum_area for target="label"', f"target={target!r}", remedy)


def _shows(file: CocoFile, label: str, minimum_area: float) -> Labels:
    """Whether each picture shows a thing of a category that is large enough."""
    sides, areas = file.boxes()[:, 2:], file.shapes.prod(axis=1)
    labels = np.zeros(len(file.pictures), np.int64)
    for row in np.flatnonzero(file.labels == file.names.index(label)).tolist():
        owner = file.owners[row]
        if large_enough(sides[row].prod(), int(areas[owner]), minimum_area):
            labels[owner] = 1
    if len(np.unique(labels)) < 2:
        raise DataError(
            f"pictures with and without {label!r} in {file.path}",
            f"{labels.sum()} of {len(labels)} show one",
            "Choose another category or another minimum_area.",
        )
    return Labels((f"no_{label}", label), labels)


def _refuse_other_sizes(folder: Path, file: CocoFile) -> None:
    shapes = in_threads(lambda index: file_shape(folder / file.pictures[index]), len(file.pictures))
    for name, shape, said_shape in zip(file.pictures, shapes, file.shapes.tolist(), strict=True):
        if list(shape) != said_shape:
            raise DataError(
                f"height {said_shape[0]} and width {said_shape[1]} of {folder / name}, as in {file.path}",
                f"height {shape[0]}, width {shape[1]}, upright",
                "Give the folder that belongs to this file.",
            )


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
