"""Some pictures of a source on their way to another process: paths where it sees the same files, bytes where not."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from numpy.typing import NDArray

from cnnkit.data.image_folder import FileReader
from cnnkit.data.source import ScalingReader, Source
from cnnkit.data.targets.targets import Targets
from cnnkit.errors import InputError
from cnnkit.workers import Workers, each


@dataclass(frozen=True, eq=False)
class SentPictures:
    """Decoded pictures and their digests: a reader of what has no files."""

    pictures: tuple[NDArray[np.uint8], ...]
    digests: tuple[str, ...]

    def read(self, position: int) -> NDArray[np.uint8]:
        """The picture."""
        return self.pictures[position]

    def digest(self, position: int) -> str:
        """That of the reader they come from."""
        return self.digests[position]


@dataclass(frozen=True, eq=False)
class Portion:
    """Some examples of a source, as a value that can be sent.

    Attributes:
        source: They alone.
        contents: Of their files, where those are not seen there; else nothing.
    """

    source: Source
    contents: tuple[bytes, ...] = ()

    @property
    def name(self) -> str:
        """What it is called in a message."""
        ids = self.source.ids
        return each(ids[0], ids[-1], len(ids))

    @contextmanager
    def opened(self) -> Iterator[Source]:
        """The examples where they have arrived; files that were sent lie in a folder as long as the block runs."""
        reader = self.source.reader
        if not self.contents or not isinstance(reader, FileReader):
            yield self.source
            return
        with TemporaryDirectory(prefix="cnnkit-") as folder:
            paths = tuple(f"{place}/{Path(path).name}" for place, path in enumerate(reader.paths))
            for path, content in zip(paths, self.contents, strict=True):
                Path(folder, path).parent.mkdir()
                Path(folder, path).write_bytes(content)
            yield replace(self.source, reader=replace(reader, root=Path(folder), paths=paths))


def portion(source: Source, rows: NDArray[np.int64], *, seen: bool, truth: bool = False) -> Portion:
    """The examples at some places of a source, to be sent.

    Args:
        source: Where they are from.
        rows: Their places.
        seen: Whether the files of the source are seen there, see `files_seen`.
        truth: Whether their truth goes with them.

    Raises:
        InputError: A reader of the user's own that decodes smaller: what is sent is decoded in full.
    """
    reader, positions = source.reader, source.positions[rows].tolist()
    ids = tuple(source.ids[index] for index in rows.tolist())
    targets: Targets | None = source.targets.take(rows) if truth and source.targets is not None else None
    places = np.arange(len(ids))
    contents: tuple[bytes, ...] = ()
    if isinstance(reader, FileReader):
        paths, root = tuple(reader.paths[position] for position in positions), reader.root.absolute()
        if not seen:
            contents = tuple(map(reader.content, positions))
        return Portion(Source(ids, targets, replace(reader, root=root, paths=paths), places), contents)
    if isinstance(reader, ScalingReader):
        raise InputError(
            "pictures in files, or decoded in full, to send to workers",
            type(reader).__name__,
            "Leave workers out, or give the reader without read_scaled.",
        )
    pictures = tuple(reader.read(position) for position in positions)
    sent = SentPictures(pictures, tuple(reader.digest(position) for position in positions))
    return Portion(Source(ids, targets, sent, places))


def files_seen(source: Source, workers: Workers) -> bool:
    """Whether all workers see the files of a source, told by the first of them."""
    reader = source.reader
    if not isinstance(reader, FileReader) or not len(source):
        return False
    return workers.sees((reader.root / reader.paths[int(source.positions[0])]).absolute())
