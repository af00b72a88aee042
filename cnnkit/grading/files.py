"""Files that are either the old ones or the new ones, whole, whatever happens while they are written."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cnnkit.errors import CnnkitError
from cnnkit.export.atomic_folder import not_written


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A file beside `path` that takes its place when the block ends well, and is gone when it does not.

    Raises:
        BundleError: The disk is full or the folder may not be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(prefix=f".{path.name[:40]}.", dir=path.parent)
        os.close(descriptor)
        partial = Path(name)
        try:
            yield partial
            partial.chmod(0o644)  # mkstemp makes it private
            partial.replace(path)
        finally:
            partial.unlink(missing_ok=True)
    except OSError as error:
        if isinstance(error, CnnkitError):
            raise
        raise not_written(path, error) from error


def write_text(path: Path, text: str) -> None:
    """Replaces a file by this text in UTF-8; line ends are written as they are."""
    with replacing(path) as partial:
        partial.write_bytes(text.encode())
