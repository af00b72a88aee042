"""Any classification set of tensorflow-datasets, read from its own cache picture by picture.

The records are reached by their place in the files, so nothing is held in memory but an index: where each record
begins. A set that was prepared once is read offline; one that was not is downloaded.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from cnnkit.data.arguments import path_of, said, seed_of, shares_of
from cnnkit.data.dataset import Dataset
from cnnkit.data.decode import decode_bytes
from cnnkit.data.network import any_reachable
from cnnkit.data.picture_header import bytes_shape
from cnnkit.data.source import Source
from cnnkit.data.split import ALIASES, DEFAULT_SPLIT, arranged, as_dataset
from cnnkit.errors import DataError, InputError, MissingExtraError, unknown_name

# A TFRecord file: 8 bytes of length, 4 of checksum, the record, 4 of checksum; again.
HEADER, FOOTER = 12, 4


class Records(Protocol):
    """Serialized examples by position."""

    def __len__(self) -> int: ...

    def __getitem__(self, position: int) -> bytes: ...


class TFRecords:
    """Random access to TFRecord files: their headers are read once, and give where each record begins.

    Args:
        files: The shards of one split, in order.
    """

    def __init__(self, files: Sequence[Path]) -> None:
        self._files = tuple(files)
        places = [(shard, start, length) for shard, file in enumerate(files) for start, length in _record_places(file)]
        self._places = np.array(places, np.int64).reshape(-1, 3)

    def __len__(self) -> int:
        return len(self._places)

    def __getitem__(self, position: int) -> bytes:
        shard, start, length = (int(number) for number in self._places[position])
        with self._files[shard].open("rb") as file:  # one handle a read: threads share no position
            file.seek(start)
            return file.read(length)


@dataclass(frozen=True, eq=False)
class ExampleReader:
    """Encoded pictures in serialized `tf.train.Example` messages."""

    records: Records
    feature: str
    name: str

    def read(self, position: int) -> NDArray[np.uint8]:
        """The picture, decoded."""
        return decode_bytes(self._encoded(position), f"{self.name}/{position}")

    def shape(self, position: int) -> tuple[int, int]:
        """Height and width of the picture, upright."""
        return bytes_shape(self._encoded(position), f"{self.name}/{position}")

    def digest(self, position: int) -> str:
        """The sha256 of the encoded picture."""
        return hashlib.sha256(self._encoded(position)).hexdigest()

    def _encoded(self, position: int) -> bytes:
        return bytes(_features(self.records[position])[self.feature].bytes_list.value[0])


def tfds(
    name: str,
    *,
    data_dir: str | Path | None = None,
    split: Sequence[float] = DEFAULT_SPLIT,
    seed: int = 0,
) -> Dataset:
    """A set of tensorflow-datasets that has one picture and one class label an example.

    Its own splits are kept. One without a validation split gets it from train, one with train alone is split in
    three, in the proportions of `split`. Ids are `train/0`, `train/1`, … in the order of the files.

    Args:
        name: As for `tfds.builder`: `"oxford_iiit_pet"`, with config and version `"name/config:1.0.0"`.
        data_dir: The cache; `TFDS_DATA_DIR` or `~/tensorflow_datasets` by default. A set that is prepared there
            is read without any network; for any other the servers of its files must be reachable.
        split: The shares of train, validation and test where the set has not all three.
        seed: Another seed, another split.

    Raises:
        UnknownNameError: No set of that name.
        DataError: The set is neither in the cache nor can be downloaded, or is no classification set.
        MissingExtraError: tensorflow-datasets needs a package to prepare the set.
    """
    if not isinstance(name, str) or not name:
        raise InputError("the name of a set of tensorflow-datasets", said(name), 'For example "oxford_iiit_pet".')
    shares_of(split)
    seed_of(seed)
    cache = None if data_dir is None else str(path_of(data_dir, "the cache of tensorflow-datasets"))
    import tensorflow_datasets  # heavy: TensorFlow comes with it

    try:
        builder = tensorflow_datasets.builder(name, data_dir=cache, try_gcs=False)
    except tensorflow_datasets.core.registered.DatasetNotFoundError as error:
        known = tensorflow_datasets.list_builders(with_community_datasets=False)
        raise unknown_name("a dataset", name, known, "tensorflow_datasets.list_builders()") from error
    _prepare(builder, name)
    image, label = picture_and_label(builder.info, name)
    classes = tuple(builder.info.features[label].names)
    parts = {
        ALIASES[part]: _source(builder.info, part, image, label, classes)
        for part in builder.info.splits
        if part in ALIASES
    }
    if "train" not in parts:
        raise DataError(f"a train split in {name!r}", f"the splits {list(builder.info.splits)}", "Choose another set.")
    return as_dataset(arranged(parts, split=split, seed=seed))


def _prepare(builder: Any, name: str) -> None:
    """Downloads the set if it is not in the cache."""
    if builder.is_prepared():
        return
    place = Path(builder.data_dir)
    cache = place.parents[2 if builder.builder_config else 1]
    servers = list(builder.url_infos or ())  # of sets that load nothing, or that a person has to load, there are none
    try:
        if servers and not any_reachable(servers):
            raise ConnectionError(f"no network: {servers[0]} cannot be reached")
        builder.download_and_prepare()
    except ImportError as error:
        raise MissingExtraError(
            f"the package {error.name}, which tensorflow-datasets needs to prepare {name!r}",
            "it is not installed",
            f"Install it with: pip install {error.name}",
        ) from error
    except Exception as error:  # anything between a missing network, a full disk and a moved file
        prepared = sorted({info.relative_to(cache).parts[0] for info in cache.glob("*/**/dataset_info.json")})
        raise DataError(
            f"{name!r} in the cache {cache}, or a network to download it",
            f"neither ({type(error).__name__}: {str(error)[:200]})",
            f"Where there is a network, run: tfds build {name} --data_dir {cache}, and copy {place} here. "
            f"Prepared here: {', '.join(prepared) or 'nothing'}. With no data at all: cnnkit.data.scenes(2000).",
        ) from error


def picture_and_label(info: Any, name: str) -> tuple[str, str]:
    """The names of the one picture and the one class label of an example, as a set's own info says.

    Raises:
        DataError: Another number of pictures or labels, or pictures of floating-point numbers.
    """
    import tensorflow_datasets

    kinds = tensorflow_datasets.features
    images = [key for key, kind in info.features.items() if isinstance(kind, kinds.Image)]
    labels = [key for key, kind in info.features.items() if isinstance(kind, kinds.ClassLabel)]
    for wanted in info.supervised_keys or ():
        images = [wanted] if wanted in images else images
        labels = [wanted] if wanted in labels else labels
    if len(images) != 1 or len(labels) != 1:
        raise DataError(
            f"one picture and one class label an example in {name!r}",
            f"pictures {images}, labels {labels}, of {list(info.features)}",
            "Choose a classification set.",
        )
    if np.dtype(info.features[images[0]].np_dtype) not in (np.uint8, np.uint16):
        raise DataError(
            f"pictures of 8 or 16 bits in {name!r}", str(info.features[images[0]].np_dtype), "Choose another set."
        )
    return images[0], labels[0]


def _source(info: Any, part: str, image: str, label: str, classes: tuple[str, ...]) -> Source:
    files = [Path(file) for file in info.splits[part].filepaths]
    records = opened(files, info.file_format.value)
    found = (_features(records[index])[label].int64_list.value[0] for index in range(len(records)))
    labels = np.fromiter(found, np.int64, len(records))
    return Source.labelled(
        ids=tuple(f"{ALIASES[part]}/{index}" for index in range(len(records))),
        classes=classes,
        labels=None if len(labels) and (labels == -1).all() else labels,  # tfds's sign for a secret label
        reader=ExampleReader(records, image, f"{info.full_name}/{part}"),
        positions=np.arange(len(records)),
    )


def opened(files: Sequence[Path], file_format: str) -> Records:
    """Random access to the shards of one split.

    Raises:
        DataError: A format other than tfrecord and array_record, or a file that was cut off.
    """
    if file_format == "tfrecord":
        return TFRecords(files)
    if file_format == "array_record":
        from array_record.python import array_record_data_source  # type: ignore[import-untyped]  # no stubs

        records: Records = array_record_data_source.ArrayRecordDataSource([str(file) for file in files])
        return records
    raise DataError(
        "a set prepared as tfrecord or array_record",
        file_format,
        "Prepare it again: tfds build --file_format=tfrecord.",
    )


def _features(record: bytes) -> Any:
    """The features of a serialized example, by name."""
    from tensorflow.core.example import example_pb2

    return example_pb2.Example.FromString(record).features.feature


def _record_places(file: Path) -> list[tuple[int, int]]:
    """(start, length) in bytes of every record."""
    places = []
    end = file.stat().st_size
    with file.open("rb") as stream:
        start = 0
        while start < end:
            stream.seek(start)
            header = stream.read(HEADER)
            length = struct.unpack("<Q", header[:8])[0] if len(header) == HEADER else end
            if start + HEADER + length + FOOTER > end:
                raise DataError(
                    f"a whole TFRecord file at {file}", "one that ends within a record", "Prepare the set again."
                )
            places.append((start + HEADER, length))
            start += HEADER + length + FOOTER
    return places
