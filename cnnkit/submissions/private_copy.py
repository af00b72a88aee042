"""A file of a submission as it was at one moment: what is hashed is what is checked, whatever happens to it later."""

from __future__ import annotations

import hashlib
import os
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from cnnkit.submissions.findings import RefusedError

PART = 1 << 20


@dataclass(frozen=True)
class PrivateCopy:
    """A copy without a name that only this process and those it hands the descriptor to can read.

    Attributes:
        name: Of the file in the submission.
        descriptor: For reading only.
        sha256: Of its bytes.
    """

    name: str
    descriptor: int
    sha256: str


@contextmanager
def private_copy(path: Path, *, most_bytes: int) -> Iterator[PrivateCopy]:
    """Opens a file once, and hashes what it copies.

    Args:
        path: The file.
        most_bytes: More is not read.

    Raises:
        RefusedError: `file-changed` or `file-size`: since the folder was listed it became a link, a device, something
            unreadable, or too large.
    """
    with _opened(path) as source, tempfile.TemporaryFile() as copy:
        digest = hashlib.sha256()
        left = most_bytes
        while part := os.read(source, min(PART, left + 1)):
            left -= len(part)
            if left < 0:
                raise RefusedError("file-size", f"at most {most_bytes:,} bytes", "more", "Hand in a smaller file.")
            digest.update(part)
            copy.write(part)
        copy.flush()
        descriptor = os.open(f"/dev/fd/{copy.fileno()}", os.O_RDONLY | os.O_CLOEXEC)
        try:
            yield PrivateCopy(path.name, descriptor, digest.hexdigest())
        finally:
            os.close(descriptor)


@contextmanager
def _opened(path: Path) -> Iterator[int]:
    # A link is not followed, and a pipe that nobody writes to is not waited for.
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    try:
        source = os.open(path, flags)
    except OSError as error:
        raise RefusedError("file-changed", "a file that can be read", error.strerror or "an error", _AGAIN) from error
    try:
        if not stat.S_ISREG(os.fstat(source).st_mode):
            raise RefusedError("file-changed", "a regular file", "a device, a pipe or a folder", _AGAIN)
        yield source
    finally:
        os.close(source)


_AGAIN = "Hand the file in again as a plain file."
