"""The parts of a prediction file: which pictures each has, how it is named, and the folder that one process writes."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from cnnkit.data.source import Source
from cnnkit.errors import BundleError
from cnnkit.export.atomic_folder import not_written

# Read at a time: a PNG may take a megabyte.
ROWS, IMAGE_ROWS = 4096, 32


def part_name(about: str, first: int, pictures: Source) -> str:
    """The name of a part's file: of its first row, and a fingerprint of all that its rows depend on.

    Args:
        about: What they depend on beside their pictures.
        first: The place of the first row in the whole.
        pictures: Those of the part. They are read.
    """
    fingerprint = hashlib.sha256(about.encode())
    for name, content in zip(pictures.ids, pictures.digests(), strict=True):
        fingerprint.update(f"\0{name}\0{content}".encode())
    return f"{first}-{fingerprint.hexdigest()[:32]}.parquet"


class Parts:
    """The parts of a file: which rows each has, and the file that it is due in.

    Args:
        folder: Where they are.
        source: The pictures of all rows.
        about: What the rows depend on beside their pictures.
        size: Pictures of each part but the last.
    """

    def __init__(self, folder: Path, source: Source, about: str, size: int) -> None:
        self.folder = folder
        self._source = source
        self._about = about
        self.size = size
        self._files: dict[int, Path] = {}

    def __len__(self) -> int:
        return -(-len(self._source) // self.size)

    def rows(self, number: int) -> NDArray[np.int64]:
        """The places in the source of a part's pictures."""
        start = number * self.size
        return np.arange(start, min(start + self.size, len(self._source)))

    def file(self, number: int) -> Path:
        """Where a part is due. The pictures are read for it, once, and before the network sees them."""
        if number not in self._files:
            rows = self.rows(number)
            self._files[number] = self.folder / part_name(self._about, int(rows[0]), self._source.take(rows))
        return self._files[number]

    def made(self, number: int, name: str) -> Path:
        """Where a part is due whose pictures somebody else has read, who says its name."""
        self._files[number] = self.folder / name
        return self._files[number]

    def missing(self) -> list[int]:
        """The parts that are not there; files that are no part are removed."""
        there = {file.name.partition("-")[0] for file in self.folder.iterdir()}
        kept = [
            number for number in range(len(self)) if str(number * self.size) in there and self.file(number).exists()
        ]
        for file in set(self.folder.iterdir()) - {self.file(number) for number in kept}:
            file.unlink(missing_ok=True)  # a worker of a run before may be putting its part there
        return sorted(set(range(len(self))) - set(kept))


@contextlib.contextmanager
def parts_folder(path: Path) -> Iterator[Path]:
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


def read_parts(files: Iterable[Path]) -> Iterator[pd.DataFrame]:
    """The rows of parts, so many at a time that what is written of them does not depend on where a part ends."""
    waiting: pa.Table | None = None
    for file in files:
        with pq.ParquetFile(file) as part:
            for group in range(part.num_row_groups):  # of masks they have few rows
                rows = part.read_row_group(group)
                waiting = rows if waiting is None else pa.concat_tables([waiting, rows])
                step = IMAGE_ROWS if any(map(pa.types.is_binary, waiting.schema.types)) else ROWS
                while len(waiting) >= step:
                    yield waiting.slice(0, step).to_pandas()
                    waiting = waiting.slice(step)
    if waiting is not None and len(waiting):
        yield waiting.to_pandas()
