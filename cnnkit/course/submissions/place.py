"""Where the files of one submission are, in a folder or in a zip, and how they are listed and opened safely.

Nothing is unpacked, and a name is never followed: a folder is opened once, its entries through that descriptor; a zip's
member is read by what it is called in the zip. Links, FIFOs and devices are listed as what they are, and not opened.
"""

from __future__ import annotations

import os
import stat
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import IO, Protocol

FILE, FOLDER = "a file", "a folder"
_KINDS = {
    stat.S_IFREG: FILE,
    stat.S_IFLNK: "a link",
    stat.S_IFDIR: FOLDER,
    stat.S_IFIFO: "a FIFO",
    stat.S_IFSOCK: "a socket",
    stat.S_IFBLK: "a device",
    stat.S_IFCHR: "a device",
}
DAMAGED = (zipfile.BadZipFile, zipfile.LargeZipFile, zlib.error, NotImplementedError, ValueError)
"""What `zipfile` raises for a zip that is damaged or made to harm."""


@dataclass(frozen=True)
class Entry:
    """Something that lies in a submission.

    Attributes:
        name: Its name.
        kind: `FILE`, `FOLDER`, "a link", ….
        size: In bytes, as it is declared.
    """

    name: str
    kind: str
    size: int


class NotAFileError(Exception):
    """A link, a folder, a FIFO, a device."""


class OpenPlace(Protocol):
    """The files of one submission, to be listed and read."""

    def entries(self, most: int) -> list[Entry]:
        """What lies there, in the order of names: so many entries, and one more if there are more."""

    def open(self, name: str) -> IO[bytes]:
        """A regular file, for reading.

        Raises:
            NotAFileError: It is none.
            OSError: It cannot be read.
        """


@dataclass(frozen=True)
class Place:
    """Where the files of a submission are.

    Attributes:
        root: The submission's own folder, the folder that holds the loose files of all, or a zip.
        members: For the latter two: name for the gate → name in there. None for an own folder.
    """

    root: str
    members: Mapping[str, str] | None = None

    @contextmanager
    def opened(self) -> Iterator[OpenPlace]:
        """The place, open as long as the block lasts.

        Raises:
            OSError: There is no folder.
        """
        if self.members is not None:
            yield _Members(self.root, self.members)
            return
        descriptor = os.open(self.root, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            yield _Folder(descriptor)
        finally:
            os.close(descriptor)


@dataclass(frozen=True)
class _Folder:
    """An own folder, by its descriptor: what is put in its place later is never seen."""

    descriptor: int

    def entries(self, most: int) -> list[Entry]:
        with os.scandir(self.descriptor) as scan:
            names = sorted(entry.name for entry, _ in zip(scan, range(most + 1), strict=False))
        entries = []
        for name in names:
            with suppress(FileNotFoundError):  # gone in the meantime
                status = os.stat(name, dir_fd=self.descriptor, follow_symlinks=False)
                entries.append(Entry(name, _kind(status.st_mode), status.st_size))
        return entries

    def open(self, name: str) -> IO[bytes]:
        return _opened_file(name, self.descriptor)


@dataclass(frozen=True)
class _Members:
    """Loose files of a folder that holds those of many, or members of a zip."""

    root: str
    members: Mapping[str, str]

    def entries(self, most: int) -> list[Entry]:
        archive = None if Path(self.root).is_dir() else open_archive(self.root, *version(Path(self.root)))
        found: dict[str, Entry] = {}
        for name in sorted(self.members):
            first, below, _ = name.partition("/")
            if below:
                found.setdefault(first, Entry(first, FOLDER, 0))
            elif archive is None:
                status = Path(self.root, self.members[name]).lstat()
                found[name] = Entry(name, _kind(status.st_mode), status.st_size)
            else:
                info = archive.getinfo(self.members[name])
                found[name] = Entry(name, _kind(info.external_attr >> 16, otherwise=FILE), info.file_size)
            if len(found) > most:
                break
        return list(found.values())

    def open(self, name: str) -> IO[bytes]:
        return opened_member(self.root, self.members[name])


def opened_member(root: str, member: str) -> IO[bytes]:
    """A member of a zip, or a file in a folder: regular files only.

    Raises:
        NotAFileError: It is none.
        OSError: It cannot be read.
    """
    if Path(root).is_dir():
        return _opened_file(str(Path(root, member)))
    archive = open_archive(root, *version(Path(root)))
    info = archive.getinfo(member)
    if _kind(info.external_attr >> 16, otherwise=FILE) != FILE:
        raise NotAFileError("a link or a special file")
    return archive.open(info)


def _opened_file(name: str, folder: int | None = None) -> IO[bytes]:
    """A regular file: a link is not followed, and a pipe that nobody writes to is not waited for."""
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    descriptor = os.open(name, flags, dir_fd=folder)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise NotAFileError("a device, a pipe or a folder")
    return os.fdopen(descriptor, "rb", buffering=0)


@lru_cache(maxsize=1)
def open_archive(root: str, changed: int, size: int) -> zipfile.ZipFile:
    """A zip, kept open: to read the list of its members for each of 100,000 students would take days."""
    return zipfile.ZipFile(root)


def version(path: Path) -> tuple[int, int]:
    """What changes when a file does."""
    status = path.stat()
    return status.st_mtime_ns, status.st_size


def _kind(mode: int, *, otherwise: str = "something else") -> str:
    return _KINDS.get(stat.S_IFMT(mode), otherwise)
