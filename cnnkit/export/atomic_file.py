"""Files that are either the old ones or the new ones, whole, whatever happens while they are written."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cnnkit.errors import CnnkitError
from cnnkit.export.atomic_folder import not_written, umask


@contextmanager
def replacing(path: Path, *, flush: bool = True, private: bool = False) -> Iterator[Path]:
    """A file beside `path` that takes its place when the block ends well, and is gone when it does not.

    Args:
        path: The file; its folders are made.
        flush: Whether to wait until it is on the disk, against a power failure. For one of many small files, no.
        private: Whether only its owner may read it.

    Raises:
        BundleError: The disk is full or the folder may not be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(prefix=f".{path.name[:40]}.", dir=path.parent)
        partial = Path(name)
        try:
            yield partial
            if flush:
                os.fsync(descriptor)
            partial.chmod(0o600 if private else 0o666 & ~umask())
            partial.replace(path)
        finally:
            os.close(descriptor)
            partial.unlink(missing_ok=True)
    except OSError as error:
        if isinstance(error, CnnkitError):  # an unreadable picture, say
            raise
        raise not_written(path, error) from error


def write_text(path: Path, text: str, *, private: bool = False) -> None:
    """Replaces a small file by this text in UTF-8; line ends stay as they are, what is no Unicode is spelled out.

    Args:
        path: The file.
        text: What it is to hold.
        private: Whether only its owner may read it.
    """
    with replacing(path, flush=False, private=private) as partial:
        partial.write_bytes(text.encode("utf-8", "backslashreplace"))
