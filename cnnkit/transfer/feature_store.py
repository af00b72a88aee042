"""Features in files: written in chunks that survive a kill, checked when opened, shared between processes.

An entry is a folder, named by the sha256 of all that its content depends on:

    <key>/tensor-0.bin …   the numbers of one tensor, picture after picture, without a header
    <key>/chunks           a line a chunk, "number digest", appended after the chunk's data is on the disk
    <key>/entry.json       what it is, for people; its time stamp is that of the last use
    <key>/writing          locked by the process that checks and writes

A chunk counts only if its digest is that of its bytes: after a kill at any moment, a truncated file or a flipped
bit, what does not match is computed again and the rest is kept. A process that uses an entry holds a shared lock on
its folder; whoever makes room removes only folders that it can lock for itself.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import re
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cnnkit.errors import DataError

if sys.platform != "win32":
    import fcntl

LOCKS = sys.platform != "win32"  # without them there are no files: features are kept in memory
FORMAT = 1
KEY = re.compile(r"[0-9a-f]{64}")
LINE = re.compile(rb"(\d+) ([0-9a-f]{32})")
REMOVED = ".removed-"

# A kill loses at most this much work: so many pictures, or so many bytes where features are large.
CHUNK_PICTURES = 256
CHUNK_BYTES = 64_000_000


def number_type(dtype: str) -> np.dtype[Any]:
    """The NumPy type of a name, bfloat16 included."""
    if dtype == "bfloat16":
        import tensorflow as tf

        dtype = tf.bfloat16.as_numpy_dtype
    return np.dtype(dtype)


@dataclass(frozen=True)
class Layout:
    """How many numbers of which type.

    Attributes:
        pictures: How many.
        shapes: Of each tensor of one picture.
        dtype: Of all numbers.
    """

    pictures: int
    shapes: tuple[tuple[int, ...], ...]
    dtype: str

    @property
    def row_bytes(self) -> list[int]:
        """Bytes of one picture in each tensor."""
        return [prod(shape) * number_type(self.dtype).itemsize for shape in self.shapes]

    @property
    def picture_bytes(self) -> int:
        """Bytes of one picture in all tensors."""
        return sum(self.row_bytes)

    @property
    def total_bytes(self) -> int:
        """Bytes of all pictures."""
        return self.picture_bytes * self.pictures

    def chunks(self) -> list[range]:
        """The pictures of each chunk."""
        size = max(1, min(CHUNK_PICTURES, CHUNK_BYTES // self.picture_bytes))
        return [range(start, min(start + size, self.pictures)) for start in range(0, self.pictures, size)]


@dataclass(frozen=True)
class StoredRows:
    """The numbers of one tensor in its file, of which those of some pictures are read when they are asked for.

    A map of the file (`numpy.memmap`) would count all that was ever read as memory of the process: half a gigabyte for
    each view of 62 pictures behind a U-Net.

    Attributes:
        file: Picture after picture, without a header.
        dtype: Of the numbers.
        shape: Of one picture.
    """

    file: Path
    dtype: np.dtype[Any]
    shape: tuple[int, ...]

    def __getitem__(self, indices: NDArray[np.int64]) -> NDArray[Any]:
        """(n, …) those of the pictures at n places."""
        rows = np.empty((len(indices), *self.shape), self.dtype)
        size = prod(self.shape) * self.dtype.itemsize
        with self.file.open("rb", buffering=0) as stream:
            for index, row in zip(indices.tolist(), rows.view(np.uint8).reshape(len(rows), size), strict=True):
                stream.seek(index * size)
                if stream.readinto(row.data) != size:
                    raise DataError(
                        f"{size:,} bytes of features of picture {index} in {self.file}",
                        "the end of the file",
                        "Something else has changed it: train again, what is missing is computed anew.",
                    )
        return rows


class Entry:
    """One entry, in use until it is closed.

    Args:
        folder: Of the entry, locked.
        lock: The descriptor that holds the lock.
        layout: What it holds when complete.
    """

    def __init__(self, folder: Path, lock: int, layout: Layout) -> None:
        self.folder = folder
        self._lock = lock
        self._layout = layout
        self._files = _files(folder, layout)

    @contextmanager
    def writing(self, on_wait: Callable[[], None] = lambda: None) -> Iterator[list[int]]:
        """Gives the numbers of the chunks that are missing or damaged, to one process at a time; others wait.

        Args:
            on_wait: Called before the wait for another process.

        Raises:
            OSError: There is no room for the whole entry; it is known before anything is computed.
        """
        if self._is_complete():  # also in a folder that may only be read
            yield []
            return
        with (self.folder / "writing").open("ab") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                on_wait()
                fcntl.flock(lock, fcntl.LOCK_EX)
            for file, size in zip(self._files, self._layout.row_bytes, strict=True):
                _reserve(file, size * self._layout.pictures)
            yield self._missing()

    def write(self, number: int, tensors: Sequence[NDArray[Any]]) -> None:
        """Puts one chunk on the disk, and only then its digest.

        Args:
            number: Of the chunk.
            tensors: The features of its pictures, one array a tensor.

        Raises:
            OSError: The disk is full; the chunk then does not count.
        """
        self.record(number, write_chunk(self.folder, self._layout, number, tensors))

    def record(self, number: int, digest: str) -> None:
        """Makes a chunk count whose data is on the disk.

        Args:
            number: Of the chunk.
            digest: What `write_chunk` gave for it.

        Raises:
            OSError: The disk is full.
        """
        with (self.folder / "chunks").open("ab") as stream:
            stream.write(f"\n{number} {digest}\n".encode())  # the first break ends a line that a kill cut
            _flush(stream)

    def tensors(self) -> list[StoredRows]:
        """All pictures' features, read from the disk as they are needed: (pictures, …), one for each tensor."""
        dtype = number_type(self._layout.dtype)
        return [StoredRows(file, dtype, shape) for file, shape in zip(self._files, self._layout.shapes, strict=True)]

    def in_memory(self) -> list[NDArray[Any]]:
        """The same, read at once."""
        everything = np.arange(self._layout.pictures)
        return [rows[everything] for rows in self.tensors()]

    def close(self) -> None:
        """Lets others remove it when they need room."""
        os.close(self._lock)

    def _is_complete(self) -> bool:
        with suppress(FileNotFoundError):
            return not self._missing()
        return False

    def _missing(self) -> list[int]:
        known = self._digests()
        return [
            number
            for number, pictures in enumerate(self._layout.chunks())
            if number not in known or known[number] != self._content_digest(pictures)
        ]

    def _digests(self) -> dict[int, str]:
        """Chunk → digest, the last one where a chunk was written again; lines that are none are passed over."""
        with suppress(FileNotFoundError):
            lines = (self.folder / "chunks").read_bytes().splitlines()
            matches = [match for line in lines if (match := LINE.fullmatch(line))]
            return {int(match[1]): match[2].decode() for match in matches}
        return {}

    def _content_digest(self, pictures: range) -> str:
        digest = _digest()
        for file, size in zip(self._files, self._layout.row_bytes, strict=True):
            with file.open("rb") as stream:
                stream.seek(pictures.start * size)
                digest.update(stream.read(len(pictures) * size))
        return digest.hexdigest()


def write_chunk(folder: Path, layout: Layout, number: int, tensors: Sequence[NDArray[Any]]) -> str:
    """Puts the data of one chunk on the disk, in the files that `Entry.writing` has made; gives its digest.

    Workers may write chunks of one entry at once. The process that has the entry for itself records them.

    Args:
        folder: Of the entry.
        layout: Of the entry.
        number: Of the chunk.
        tensors: The features of its pictures, one array a tensor.

    Raises:
        OSError: The disk is full.
    """
    start = layout.chunks()[number].start
    digest = _digest()
    for file, size, tensor in zip(_files(folder, layout), layout.row_bytes, tensors, strict=True):
        content = np.ascontiguousarray(tensor, number_type(layout.dtype)).reshape(-1).view(np.uint8).data
        digest.update(content)
        with file.open("r+b") as stream:
            stream.seek(start * size)
            stream.write(content)
            _flush(stream)
    return digest.hexdigest()


class FeatureStore:
    """The entries of one folder.

    Args:
        folder: Made when the first entry is. Only subfolders whose names are keys are ever removed.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def used_bytes(self) -> int:
        """What all entries take on the disk."""
        return sum(_size(folder) for folder in self._entries())

    def entries(self) -> list[tuple[Path, int, float]]:
        """Folder, bytes and time of the last use of each entry."""
        return [(folder, _size(folder), _last_use(folder)) for folder in self._entries()]

    def open(self, key: str, layout: Layout, about: Mapping[str, Any], *, budget_bytes: int) -> Entry:
        """The entry of a key, made if there is none, after evicting the least recently used ones where the budget asks.

        One entry is one view of the pictures: old views of one training give way before younger ones of another.

        Args:
            key: 64 hex digits.
            layout: What the entry holds; the key depends on it.
            about: JSON values that say what it is.
            budget_bytes: What all entries may take.

        Raises:
            OSError: The folder cannot be written, or the budget has no room.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        while True:
            folder = self.folder / key
            folder.mkdir(exist_ok=True)
            lock = _locked(folder, fcntl.LOCK_SH)
            if lock is not None:
                break
        entry = Entry(folder, lock, layout)
        try:
            with suppress(OSError):  # for people, and the time of the last use: no reason to lose what is there
                (folder / "entry.json").write_text(json.dumps(dict(about), indent=1), encoding="utf-8")
            self._make_room(layout.total_bytes, budget_bytes, keep=folder)
        except BaseException:
            entry.close()
            self.remove(key)
            raise
        return entry

    def has(self, key: str) -> bool:
        """Whether there is an entry of that key, complete or begun."""
        return (self.folder / key).is_dir()

    def remove(self, key: str) -> bool:
        """Removes an entry that nobody uses, at once and as a whole; whether it did."""
        folder = self.folder / key
        try:
            lock = _locked(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
        if lock is None:
            return False
        try:
            gone = self.folder / f"{REMOVED}{key}-{os.getpid()}"
            folder.rename(gone)
        except OSError:  # another user's, or on a disk that is read only
            return False
        finally:
            os.close(lock)
        shutil.rmtree(gone, ignore_errors=True)
        return True

    def _make_room(self, needed: int, budget: int, *, keep: Path) -> None:
        for left in self.folder.glob(f"{REMOVED}*"):  # by one who was killed in the middle
            shutil.rmtree(left, ignore_errors=True)
        others = {folder: _size(folder) for folder in self._entries() if folder != keep}
        used = sum(others.values())
        for folder in sorted(others, key=_last_use):
            if used + needed <= budget or needed > budget:
                break
            used -= others[folder] if self.remove(folder.name) else 0
        if used + needed > budget:
            raise OSError(errno.ENOSPC, f"{needed:,} bytes of features, beside {used:,} in use, exceed {budget:,}")

    def _entries(self) -> list[Path]:
        if not self.folder.is_dir():
            return []
        return [folder for folder in self.folder.iterdir() if KEY.fullmatch(folder.name) and folder.is_dir()]


def _files(folder: Path, layout: Layout) -> list[Path]:
    return [folder / f"tensor-{index}.bin" for index in range(len(layout.shapes))]


def _locked(folder: Path, kind: int) -> int | None:
    """A descriptor that locks the folder; None where another one has taken its place or it is gone meanwhile.

    Raises:
        OSError: Another process holds it and `kind` does not wait.
    """
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(descriptor, kind)
        with suppress(FileNotFoundError):
            if os.path.samestat(os.fstat(descriptor), folder.stat()):
                return descriptor
    except BaseException:
        os.close(descriptor)
        raise
    os.close(descriptor)
    return None


def _reserve(file: Path, size: int) -> None:
    """Makes the file `size` bytes long, on the disk: a full disk shows here, not when a page is written."""
    with file.open("ab") as stream:
        if hasattr(os, "posix_fallocate"):
            os.posix_fallocate(stream.fileno(), 0, size)
        elif stream.tell() < size:
            stream.truncate(size)


def _size(folder: Path) -> int:
    total = 0
    with suppress(FileNotFoundError):
        for file in folder.iterdir():
            with suppress(FileNotFoundError):
                total += file.stat().st_size
    return total


def _last_use(folder: Path) -> float:
    try:
        return (folder / "entry.json").stat().st_mtime
    except FileNotFoundError:
        return 0.0


def _digest() -> hashlib.blake2b:
    return hashlib.blake2b(digest_size=16)


def _flush(stream: Any) -> None:
    stream.flush()
    os.fsync(stream.fileno())
