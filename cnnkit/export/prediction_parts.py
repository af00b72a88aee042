"""A million pictures to one Parquet file: part by part, so that a run that was killed goes on where it stood.

Beside `P.parquet` the folder `.P.parquet.parts` holds the parts that are whole, each a prediction file of its own
that is named after its first row and a fingerprint of all that its rows depend on: network, framing, engine, and the
ids and contents of its pictures. A part that is not due is of other pictures or of another network, and is removed.
When the last part is there they become the file, at once, and the folder goes. Memory holds one part.
"""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from cnnkit.data.any_pictures import Pictures, as_source
from cnnkit.data.image_folder import FileReader
from cnnkit.data.source import Source
from cnnkit.engines.runtimes import EngineName, Precision, Runtime
from cnnkit.errors import InputError
from cnnkit.export.own_files import check_ending, refuse_foreign_file
from cnnkit.export.part_files import Parts, parts_folder, read_parts
from cnnkit.export.part_work import PartWork, compute_here, compute_there, no_rows, part_work
from cnnkit.export.prediction_csv import is_csv_of, write_csv
from cnnkit.export.prediction_table import LABEL, is_prediction_file, write_tables
from cnnkit.metrics.given_arrays import whole_number
from cnnkit.transfer.network import Network, network_of
from cnnkit.transfer.passes import sight_of
from cnnkit.workers import Workers, workers_of

PART_PICTURES = 4096  # what a kill loses at most
PART_PICTURES_OF_WORKERS = 512  # so that none of many waits long for the last part


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
    part_rows: int | None = None,
    workers: Workers | str | None = None,
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
        part_rows: Pictures of a part (of labels one row each), rounded up to whole batches; by default 4,096, with
            workers 512.
        workers: Who computes the parts: None for this process, or a cluster, `"auto"`, `"ray://host:10001"` or
            `ck.distributed.cluster(address)`, of the extra `cnnkit[ray]`. The file is the same, byte by byte. Where
            workers see the same folders as this process they read pictures and write parts there.
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
    like = no_rows(network)

    def write(tables: Iterator[pd.DataFrame], digest: str) -> int:
        return write_tables(path, tables, like=like, names=network.classes, model_hash=digest)

    _refuse_to_lose(path, source, is_prediction_file, force)
    sight = sight_of(network, window, overlap, flip)
    work = part_work(network, Runtime(engine, precision), sight, batch_size, pictures=len(source))
    return _predict_to(path, write, work, source, part_rows, workers_of(workers), progress)


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
    part_rows: int | None = None,
    workers: Workers | str | None = None,
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
    like = no_rows(network)
    columns = [str(name) for name in like]
    if files := [name for name, kind in zip(columns, like.dtypes, strict=True) if kind == np.object_]:
        remedy = "ck.export.predict_to_parquet keeps them; of masks predict_to_folder (--out without an ending) too."
        raise InputError("predictions that are text and numbers", f"{files[0]}, which is a PNG file", remedy)

    def write(tables: Iterator[pd.DataFrame], _digest: str) -> int:
        return write_csv(path, tables, columns=columns)

    _refuse_to_lose(path, source, partial(is_csv_of, columns=columns), force)
    sight = sight_of(network, window, overlap, flip)
    work = part_work(network, Runtime(engine, precision), sight, batch_size, pictures=len(source))
    return _predict_to(path, write, work, source, part_rows, workers_of(workers), progress)


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
    work: PartWork,
    source: Source,
    part_rows: int | None,
    workers: Workers | None,
    progress: bool,
) -> PredictionFile:
    usual = PART_PICTURES if workers is None else PART_PICTURES_OF_WORKERS
    rows_of_part = usual if part_rows is None else part_rows
    whole_number("part_rows", rows_of_part)
    whole_number("batch_size", work.batch_size)
    size = -(-rows_of_part // work.batch_size) * work.batch_size
    with parts_folder(path) as folder:
        parts = Parts(folder, source, work.about, size)
        missing = parts.missing()
        if workers is None:
            compute_here(work, source, parts, missing, progress=progress)
        elif missing:
            compute_there(workers, work, source, parts, missing, progress=progress)
        labels: Counter[str] = Counter()

        def joined() -> Iterator[pd.DataFrame]:
            for table in read_parts(map(parts.file, range(len(parts)))):
                labels.update(table.get(LABEL, ()))
                yield table

        rows = write(joined(), work.model_hash)
        shutil.rmtree(folder)
    kept = len(source) - sum(len(parts.rows(number)) for number in missing)
    return PredictionFile(path, len(source), rows, dict(labels), kept, work.model_hash)


def _path(path: str | Path) -> Path:
    if not isinstance(path, str | Path):
        raise InputError("the path of a file", f"{type(path).__name__}: {path!r}"[:200], 'As in "runs/p.parquet".')
    return Path(path).expanduser()
