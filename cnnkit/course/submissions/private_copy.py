"""A submission as it was at one moment: what is hashed is what is checked and run, whatever happens to it later.

Each file is opened once and copied into a file without a name, which this process and those it hands the descriptor to
can read and nobody can change. Nothing of it stays when the process ends, however it ends.
"""

from __future__ import annotations

import errno
import hashlib
import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from cnnkit.course.submissions.assignment import Assignment
from cnnkit.course.submissions.file_names import MOST_ENTRIES, assigned, no_folder
from cnnkit.course.submissions.findings import Finding, RefusedError, shown
from cnnkit.course.submissions.place import DAMAGED, FILE, Entry, NotAFileError, OpenPlace, Place

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


@dataclass(frozen=True)
class PrivateSubmission:
    """A submission that nobody can change any more.

    Attributes:
        entries: All that lay in it.
        copies: Role (`"model"`, …) → its file.
        findings: What speaks against its names, kinds and sizes.
    """

    entries: tuple[Entry, ...]
    copies: Mapping[str, PrivateCopy]
    findings: tuple[Finding, ...]

    @property
    def fingerprint(self) -> str:
        """sha256 over what lay there and the bytes of its files: the same submission, the same string."""
        hashes = {copy.name: copy.sha256 for copy in self.copies.values()}
        whole = hashlib.sha256()
        for entry in self.entries:
            content = hashes.get(entry.name, f"{entry.kind} {entry.size if entry.kind == FILE else ''}")
            whole.update(os.fsencode(entry.name) + b"\0" + content.encode() + b"\0")
        return whole.hexdigest()


@contextmanager
def private_submission(place: Place | str | Path, assignment: Assignment) -> Iterator[PrivateSubmission]:
    """Copies what the assignment asks for, once, and looks at the names of all else.

    Args:
        place: Where it is.
        assignment: Which files it has, and how large they may be.

    Raises:
        OSError: The grader's own trouble: a full disk, too many open files.
    """
    where = place if isinstance(place, Place) else Place(str(place))
    with ExitStack() as resources:
        try:
            opened = resources.enter_context(where.opened())
            entries = opened.entries(MOST_ENTRIES)
        except OSError as error:
            if error.errno in _OUR_OWN:
                raise
            yield PrivateSubmission((), {}, (no_folder(error),))
            return
        names, findings = assigned(entries, assignment)
        copies = {}
        for role, name in names.items():
            try:
                copies[role] = resources.enter_context(_copied(opened, name, assignment.limits.bytes_of(role)))
            except RefusedError as error:
                findings.append(error.finding(name))
        yield PrivateSubmission(tuple(entries), copies, tuple(findings))


@contextmanager
def _copied(opened: OpenPlace, name: str, most_bytes: int) -> Iterator[PrivateCopy]:
    with tempfile.TemporaryFile() as copy:
        try:
            with opened.open(name) as source:
                digest = _copy(source, copy, most_bytes)
        except RefusedError:
            raise
        except NotAFileError as error:
            raise RefusedError("file-changed", "a regular file", str(error), _AGAIN) from error
        except OSError as error:
            if error.errno in _OUR_OWN:
                raise
            raise RefusedError(
                "file-changed", "a file that can be read", error.strerror or "an error", _AGAIN
            ) from error
        except (EOFError, RuntimeError, *DAMAGED) as error:  # a zip's
            raise RefusedError("inbox-damaged", "a file that can be read", shown(str(error)), _AGAIN) from error
        descriptor = os.open(f"/dev/fd/{copy.fileno()}", os.O_RDONLY | os.O_CLOEXEC)
        try:
            yield PrivateCopy(name, descriptor, digest)
        finally:
            os.close(descriptor)


def _copy(source: IO[bytes], copy: IO[bytes], most_bytes: int) -> str:
    """Copies, counts and hashes; however small a file is in its zip, no more than its limit is written."""
    digest = hashlib.sha256()
    left = most_bytes
    while part := source.read(min(PART, left + 1)):
        left -= len(part)
        if left < 0:
            raise RefusedError("file-size", f"at most {most_bytes:,} bytes", "more", "Hand in a smaller file.")
        digest.update(part)
        copy.write(part)
    copy.flush()
    return digest.hexdigest()


_AGAIN = "Hand the file in again as a plain file."
# The grader's trouble, no student's.
_OUR_OWN = (errno.ENOSPC, errno.EDQUOT, errno.EMFILE, errno.ENFILE, errno.EROFS, errno.ENOMEM, errno.EIO)
