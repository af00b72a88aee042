"""A million pictures to one Parquet file: part by part, so that a run that was killed goes on where it stood.

Beside `P.parquet` the folder `.P.parquet.parts` holds the parts that are whole, each a prediction file of its own
that is named after its first row and a fingerprint of all that its rows depend on: network, framing, engine, and the
ids and contents of its pictures. A part that is not due is of other pictures or of another network, and is removed.
When the last part is there they become the file, at once, and the folder goes. Memory holds one part.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from functools import partial
from itertools import islice
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
from numpy.typing import NDArray

from cnnkit.data.any_pictures import Pictures, as_source
from cnnkit.data.image_folder import FileReader
from cnnkit.data.source import Source
from cnnkit.engines.runtimes import EngineName, Precision, Runtime
from cnnkit.errors import BundleError, InputError
from cnnkit.export.atomic_folder import not_written
from cnnkit.export.own_files import check_ending, refuse_foreign_file
from cnnkit.export.prediction_csv import is_csv_of, write_csv
from cnnkit.export.prediction_table import LABEL, is_prediction_file, write_tables
from cnnkit.export.tensors import model_hash, tensor_records
from cnnkit.metrics.given_arrays import whole_number
from cnnkit.transfer.features import software
from cnnkit.transfer.network import Network, network_of
from cnnkit.transfer.passes import FRAMED, Sight, answers, sight_of

PART_PICTURES = 4096  # what a kill loses at most


@dataclass(frozen=True)
class PredictionFile:
    """A file that `predict_to_parquet` wrote.

    Attributes:
        path: Where it is.
        pictures: How many there were.
        rows: Of the table: one per picture of labels, one per box of boxes.
        labels: Label → how many rows have it; empty where rows have none.
        kept_pictures: Those that an earlier run, which did not come to its end, had computed.
        model_hash: Of the network, as in the file's metadata.
    """

    path: Path
    pictures: int
    rows: int
    labels: dict[str, int]
    kept_pictures: int
    model_hash: str


def predict_to_parquet(
    network: Network,
    images: Pictures,
    path: str | Path,
    *,
    batch_size: int = 32,
    engine: EngineName = "auto",
    precision: Precision = "float32",
    window: tuple[int, int] | bool | None = None,
    overlap: float = 0.25,
    flip: bool = False,
    part_rows: int = PART_PICTURES,
    force: bool = False,
    progress: bool = False,
) -> PredictionFile:
    """What `ck.predict` gives, of any number of pictures in a file, in the order given and in constant memory.

    When it is stopped, at any moment, the same call goes on from the last whole part, and the file is the one that a
    run without a stop writes. `cnnkit.export.read_predictions` reads it, as does `pandas.read_parquet`.

    Args:
        network: Trained, or loaded with `ck.load`.
        images: As for `ck.predict`.
        path: The Parquet file, of labels with `id`, `label` and one float32 column per class; it appears when it is
            complete, and replaces earlier predictions at once.
        batch_size: Pictures at a time.
        engine: What runs the network, as in `ck.predict`.
        precision: As in `ck.predict`.
        window: As in `ck.predict`.
        overlap: As in `ck.predict`.
        flip: As in `ck.predict`.
        part_rows: Pictures of a part (of labels one row each), rounded up to whole batches.
        force: Replaces a file that holds something else too, but none of the pictures.
        progress: Whether to show a live line.

    Raises:
        DataError: There are no pictures, or one cannot be read; the parts before it are kept.
        UnknownNameError: A path that does not end in ".parquet".
        InputError: A file that is no prediction file, a number of pictures below 1, an engine that does not compute in
            that precision, or windows or mirror images with a head that has no use for them.
        MissingExtraError: The engine is not installed.
        BundleError: The disk is full, the file may not be written, or another process is writing it.
    """
    path = _path(path)
    check_ending(path, (".parquet",), kind="a Parquet file")

    network, source = network_of(network), as_source(images)
    like = _no_rows(network)

    def write(tables: Iterator[pd.DataFrame], digest: str) -> int:
        return write_tables(path, tables, like=like, names=network.classes, model_hash=digest)

    _refuse_to_lose(path, source, is_prediction_file, force)
    sight = sight_of(network, window, overlap, flip)
    return _predict_to(
        path, write, like, network, source, Runtime(engine, precision), sight, part_rows, batch_size, progress
    )


def predict_to_csv(
    network: Network,
    images: Pictures,
    path: str | Path,
    *,
    batch_size: int = 32,
    engine: EngineName = "auto",
    precision: Precision = "float32",
    window: tuple[int, int] | bool | None = None,
    overlap: float = 0.25,
    flip: bool = False,
    part_rows: int = PART_PICTURES,
    force: bool = False,
    progress: bool = False,
) -> PredictionFile:
    """As `predict_to_parquet`, in a CSV file for spreadsheets: of labels `id`, `label` and one column per class.

    A CSV file whose first line names these columns counts as earlier predictions, and is replaced.

    Raises:
        InputError: A network of masks or pictures, whose table holds PNG files; or as of `predict_to_parquet`.
    """
    path = _path(path)
    check_ending(path, (".csv",), kind="a CSV file")

    network, source = network_of(network), as_source(images)
    like = _no_rows(network)
    columns = [str(name) for name in like]
    if files := [name for name, kind in zip(columns, like.dtypes, strict=True) if kind == np.object_]:
        remedy = "ck.export.predict_to_parquet keeps them; of masks predict_to_folder (--out without an ending) too."
        raise InputError("predictions that are text and numbers", f"{files[0]}, which is a PNG file", remedy)

    def write(tables: Iterator[pd.DataFrame], _digest: str) -> int:
        return write_csv(path, tables, columns=columns)

    _refuse_to_lose(path, source, partial(is_csv_of, columns=columns), force)
    sight = sight_of(network, window, overlap, flip)
    return _predict_to(
        path, write, like, network, source, Runtime(engine, precision), sight, part_rows, batch_size, progress
    )


def _refuse_to_lose(path: Path, source: Source, is_own: Callable[[Path], bool], force: bool) -> None:
    """Refuses to write over what is no prediction file, and over a picture whatever the caller wants.

    Raises:
        InputError: It would be.
    """
    if isinstance(source.reader, FileReader) and path.exists():
        root, names = source.reader.root, source.reader.paths
        if any(name.rpartition("/")[2] == path.name and (root / name).samefile(path) for name in names):
            raise InputError("a file beside the pictures", f"{path}, one of the pictures", "Give another name.")
    refuse_foreign_file(path, is_own, what="predictions of cnnkit", force=force)


def _predict_to(
    path: Path,
    write: Callable[[Iterator[pd.DataFrame], str], int],
    like: pd.DataFrame,
    network: Network,
    source: Source,
    runtime: Runtime,
    sight: Sight,
    part_rows: int,
    batch_size: int,
    progress: bool,
) -> PredictionFile:
    whole_number("part_rows", part_rows)
    whole_number("batch_size", batch_size)
    about, digest = dependencies(network, runtime, sight, pictures=len(source))
    # Batches of a part: none crosses two, so a stop changes no number. With windows each picture is one.
    batches = -(-part_rows // batch_size) * (1 if sight.windows is None else batch_size)
    pictures_of_part = -(-part_rows // batch_size) * batch_size
    with _parts_folder(path) as folder:
        parts = _Parts(folder, source, about, pictures_of_part)
        missing = parts.missing()
        pictures = source.take(np.concatenate([parts.rows(number) for number in missing] or [np.zeros(0, np.int64)]))
        passes = answers(
            network,
            pictures,
            runtime,
            sight=sight,
            batch_size=batch_size,
            progress=progress,
            pictures=len(source),
        )
        computed = (
            answer.decoded(network, pictures).table([pictures.ids[index] for index in answer.indices])
            for answer in passes
        )
        with contextlib.closing(passes):
            for number in missing:
                tables = islice(computed, batches)
                write_tables(parts.file(number), tables, like=like, names=network.classes, model_hash=digest)
        labels: Counter[str] = Counter()

        def joined() -> Iterator[pd.DataFrame]:
            for number in range(len(parts)):
                for table in _read(parts.file(number)):
                    labels.update(table.get(LABEL, ()))
                    yield table

        rows = write(joined(), digest)
        shutil.rmtree(folder)
    return PredictionFile(path, len(source), rows, dict(labels), len(source) - len(pictures), digest)


def dependencies(network: Network, runtime: Runtime, sight: Sight, *, pictures: int) -> tuple[str, str]:
    """All that predictions depend on beside the pictures, as JSON; and the hash of the network."""
    forward = network.forward_cache.find(runtime, pictures=pictures, say=lambda _line: None)
    digest = model_hash(tensor_records(network.model))
    about = {
        "format": 2,
        "model": network.model.to_json(),
        "weights": digest,
        "head": network.head.settings(),
        "framing": asdict(network.framing),
        "numbers": forward.numbers,
        "software": software() | forward.engine.versions(),
    }
    if sight != FRAMED:
        about["sight"] = asdict(sight)
    return json.dumps(about, sort_keys=True), digest


def _no_rows(network: Network) -> pd.DataFrame:
    """The table of no pictures: its columns and their types."""
    return network.head.decode(network.no_outputs(), network.size).table([])


def _path(path: str | Path) -> Path:
    if not isinstance(path, str | Path):
        raise InputError("the path of a file", f"{type(path).__name__}: {path!r}"[:200], 'As in "runs/p.parquet".')
    return Path(path).expanduser()


class _Parts:
    """The parts of a file: which rows each has, and the file that it is due in.

    Args:
        folder: Where they are.
        source: The pictures of all rows.
        about: What the rows depend on beside their pictures.
        size: Rows of each part but the last.
    """

    def __init__(self, folder: Path, source: Source, about: str, size: int) -> None:
        self._folder = folder
        self._source = source
        self._about = about
        self._size = size
        self._files: dict[int, Path] = {}

    def __len__(self) -> int:
        return -(-len(self._source) // self._size)

    def rows(self, number: int) -> NDArray[np.int64]:
        """The places in the source of a part's pictures."""
        start = number * self._size
        return np.arange(start, min(start + self._size, len(self._source)))

    def file(self, number: int) -> Path:
        """Where a part is due. The pictures are read for it, once, and before the network sees them."""
        if number not in self._files:
            fingerprint = hashlib.sha256(self._about.encode())
            rows = self.rows(number)
            for index, content in zip(rows, self._source.digests(rows), strict=True):
                fingerprint.update(f"\0{self._source.ids[index]}\0{content}".encode())
            self._files[number] = self._folder / f"{rows[0]}-{fingerprint.hexdigest()[:32]}.parquet"
        return self._files[number]

    def missing(self) -> list[int]:
        """The parts that are not there; files that are no part are removed."""
        there = {file.name.partition("-")[0] for file in self._folder.iterdir()}
        kept = [
            number for number in range(len(self)) if str(number * self._size) in there and self.file(number).exists()
        ]
        for file in set(self._folder.iterdir()) - {self.file(number) for number in kept}:
            file.unlink()
        return sorted(set(range(len(self))) - set(kept))


@contextlib.contextmanager
def _parts_folder(path: Path) -> Iterator[Path]:
    """The folder of a file's parts, for this process alone; what is whole stays when the block fails."""
    folder = path.with_name(f".{path.name}.parts")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = os.open(folder, os.O_RDONLY)
    except OSError as error:
        raise not_written(path, error) from error
    try:
        _lock(lock, path)
        try:
            yield folder
        finally:
            with contextlib.suppress(OSError):
                folder.rmdir()  # where not one part was finished
    finally:
        os.close(lock)


def _lock(descriptor: int, path: Path) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise BundleError(
            f"no other process writing {path}", "one that does", "Wait for it, or write another file."
        ) from error


def _read(file: Path) -> Iterator[pd.DataFrame]:
    with pq.ParquetFile(file) as table:
        for group in range(table.num_row_groups):  # of masks they have few rows
            yield table.read_row_group(group).to_pandas()
