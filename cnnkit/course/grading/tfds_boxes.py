"""Detection sets of tensorflow-datasets, COCO above all, as "does the picture show one?"."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from cnnkit.data.source import Source
from cnnkit.data.tfds_sets import ExampleReader, Records, opened
from cnnkit.errors import DataError, unknown_name
from cnnkit.scenes.large_enough import PERSON_AREA, large_enough


def tfds_boxes(
    name: str = "coco/2017",
    *,
    split: str = "train",
    label: str = "person",
    minimum_area: float = PERSON_AREA,
    data_dir: str | Path | None = None,
) -> Source:
    """Pictures labelled by whether they show a thing whose box covers enough of them, as `cnnkit.data.coco` does.

    Args:
        name: As for `tfds.builder`; the set has a feature `image` and `objects` with `bbox` and `label`.
        split: Which of its splits.
        label: A class of its objects. The classes of the source are `("no_<label>", "<label>")`.
        minimum_area: The part of the picture, 0…1, that the box must cover.
        data_dir: Where sets are prepared; `TFDS_DATA_DIR` or `~/tensorflow_datasets` by default.

    Raises:
        UnknownNameError: No such set, split or class.
        DataError: It is not prepared here and cannot be downloaded, or has no boxes.
    """
    import tensorflow_datasets  # heavy: TensorFlow comes with it

    try:
        builder = tensorflow_datasets.builder(name, data_dir=None if data_dir is None else str(data_dir), try_gcs=False)
    except tensorflow_datasets.core.registered.DatasetNotFoundError as error:
        known = tensorflow_datasets.list_builders(with_community_datasets=False)
        raise unknown_name("a dataset", name, known, "tensorflow_datasets.list_builders()") from error
    if not builder.is_prepared():
        try:
            builder.download_and_prepare()
        except Exception as error:  # anything between a missing network, a full disk and a missing package
            raise DataError(
                f"{name!r} prepared in {builder.data_dir}, or a network to download it",
                f"neither ({type(error).__name__}: {str(error)[:200]})",
                f"Where there is a network: tfds build {name}; or give local images and JSON, or scenes.",
            ) from error
    info = builder.info
    if split not in info.splits:
        raise unknown_name(f"a split of {name!r}", split, info.splits)
    try:
        names = info.features["objects"]["label"].names
        _ = info.features["image"], info.features["objects"]["bbox"]
    except (KeyError, AttributeError, TypeError) as error:
        received = str(list(info.features))
        raise DataError(f"pictures with boxes in {name!r}", received, "Choose a detection set.") from error
    if label not in names:
        raise unknown_name(f"a class of {name!r}", label, names)
    records = opened([Path(file) for file in info.splits[split].filepaths], info.file_format.value)
    shown = _shown(records, names.index(label), minimum_area)
    count = len(records)
    return Source.labelled(
        ids=tuple(f"{split}/{index}" for index in range(count)),
        classes=(f"no_{label}", label),
        labels=np.fromiter(shown, np.int64, count),
        reader=ExampleReader(records, "image", f"{info.full_name}/{split}"),
        positions=np.arange(count),
    )


def _shown(records: Records, label: int, minimum_area: float) -> Iterator[int]:
    """For each record 1 where an object of the class is large enough; boxes are (top, left, bottom, right), 0…1."""
    from tensorflow.core.example import example_pb2

    for index in range(len(records)):
        feature: Any = example_pb2.Example.FromString(records[index]).features.feature
        boxes = np.array(feature["objects/bbox"].float_list.value, np.float32).reshape(-1, 4)
        areas = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
        labels = np.array(feature["objects/label"].int64_list.value, np.int64)
        yield int(((labels == label) & large_enough(areas, 1.0, minimum_area)).any())
