"""Where the files of one submission are, in a folder or in a zip, and how they get out of it safely.

One submission at a time is copied into a work folder, regular files only, each byte counted. Names within a zip are
never used as paths.
"""

from __future__ import annotations

import errno
import os
import shutil
import stat
import tempfile
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import IO

from cnnkit.submissions.findings import Finding, shown

FILES_OF_ONE = 200
DEPTH_OF_ONE = 4
_CHUNK = 1 << 20


class UnreadableError(Exception):
    """A submission that cannot even be copied out of the inbox: its student is told, the others are graded.

    Args:
        finding: Why.
    """

    def __init__(self, finding: Finding) -> None:
        super().__init__(str(finding))
        self.finding = finding


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
    def opened(self, work: Path, *, most_bytes: int) -> Iterator[Path]:
        """A folder with the submission's files: its own, or a copy within `work` that is gone afterwards.

        Args:
            work: Where a copy may lie.
            most_bytes: How large it may become, however small it is in its zip.

        Raises:
            UnreadableError: A member that is a link or a device, is damaged or encrypted, or more than is allowed.
        """
        if self.members is None:
            yield Path(self.root)
            return
        folder = Path(tempfile.mkdtemp(dir=work))
        try:
            _copy(self.root, self.members, folder, most_bytes)
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def _copy(root: str, members: Mapping[str, str], folder: Path, most_bytes: int) -> None:
    """Copies members into a folder, none over another, none outside it.

    Raises:
        UnreadableError: See `Place.opened`.
    """
    if len(members) > FILES_OF_ONE:
        raise _unreadable("inbox-files", "", f"at most {FILES_OF_ONE} files", f"{len(members):,}")
    left = most_bytes
    for name, member in members.items():
        if not _is_plain(name):
            raise _unreadable("inbox-name", name, "plain names", shown(name))
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            with opened_member(root, member) as source, target.open("xb") as copy:
                while part := source.read(min(_CHUNK, left + 1)):
                    left -= len(part)
                    if left < 0:
                        raise _unreadable("inbox-size", name, f"at most {most_bytes:,} bytes in all", "more")
                    copy.write(part)
        except _NotAFileError as error:
            raise _unreadable("inbox-not-a-file", name, "a regular file", str(error)) from error
        except (OSError, EOFError, RuntimeError, *DAMAGED) as error:
            if isinstance(error, OSError) and error.errno in _OUR_OWN:
                raise
            raise _unreadable("inbox-damaged", name, "a file that can be read", shown(str(error))) from error


def _is_plain(name: str) -> bool:
    """Whether a name leads to a file within the folder that it is joined to, and nowhere else."""
    parts = name.split("/")
    return (
        len(parts) <= DEPTH_OF_ONE
        and not any(part in ("", ".", "..") or len(part.encode(errors="replace")) > _LONGEST for part in parts)
        and not set(name) & set("\\\0:")
    )


class _NotAFileError(Exception):
    """A link, a folder, a FIFO, a device."""


@contextmanager
def opened_member(root: str, member: str) -> Iterator[IO[bytes]]:
    """A member of a zip, or a file in a folder: regular files only; links are not followed, FIFOs not waited for."""
    if not Path(root).is_dir():
        archive = open_archive(root, *version(Path(root)))
        info = archive.getinfo(member)
        if stat.S_IFMT(info.external_attr >> 16) not in (0, stat.S_IFREG):
            raise _NotAFileError("a link or a special file")
        with archive.open(info) as file:
            yield file
        return
    path = Path(root, member)
    if not stat.S_ISREG(path.lstat().st_mode):
        raise _NotAFileError("a link, a folder or a special file")
    with os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "rb") as plain:
        if not stat.S_ISREG(os.fstat(plain.fileno()).st_mode):
            raise _NotAFileError("a special file")
        yield plain


@lru_cache(maxsize=1)
def open_archive(root: str, changed: int, size: int) -> zipfile.ZipFile:
    """A zip, kept open: to read the list of its members for each of 100,000 students would take days."""
    return zipfile.ZipFile(root)


def version(path: Path) -> tuple[int, int]:
    """What changes when a file does."""
    status = path.stat()
    return status.st_mtime_ns, status.st_size


def _unreadable(check: str, file: str, expected: str, received: str) -> UnreadableError:
    return UnreadableError(Finding(check, shown(file) if file else "", expected, received, _HAND_IN_AGAIN))


_HAND_IN_AGAIN = "Hand in the files themselves, each as a plain file."
DAMAGED = (zipfile.BadZipFile, zipfile.LargeZipFile, zlib.error, NotImplementedError, ValueError)
_OUR_OWN = (errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EROFS, errno.EMFILE)  # the grader's trouble, no student's
_LONGEST = 200
