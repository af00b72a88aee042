"""A folder that is either the old one or the new one, whole, whatever happens while it is written.

The new one is written beside it (`.NAME.saving-…`), flushed to the disk and checked there; then the old one is
renamed aside (`.NAME.previous`), the new one renamed in, the old one removed. A crash between the two renames
leaves no `NAME` but a whole `.NAME.previous`: `recover` puts it back.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import glob
import os
import shutil
import tempfile
from collections.abc import Callable, Collection
from pathlib import Path

from cnnkit.errors import BundleError, CnnkitError

NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
NO_PERMISSION = (errno.EACCES, errno.EPERM, errno.EROFS)


def replace_folder(
    folder: Path, fill: Callable[[Path], None], *, known: Collection[str], mark: str | None = None
) -> None:
    """Writes a folder so that a failure leaves the one that was there untouched.

    Args:
        folder: Where it shall be. Parents are made.
        fill: Writes the content into the empty folder that it is given, and may read it back.
        known: File names that such a folder may hold. One with anything else is never replaced.
        mark: The file that every such folder has; one without it is none, whatever the names of its files.

    Raises:
        BundleError: The disk is full, a folder may not be written, or other files would be lost.
    """
    partial: Path | None = None
    lock: int | None = None
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        recover(folder)
        refuse_foreign(folder, known, mark)
        partial = Path(tempfile.mkdtemp(prefix=_partial_prefix(folder), dir=folder.parent))
        lock = os.open(partial, os.O_RDONLY)
        with contextlib.suppress(OSError):  # a file system without locks: then nothing is ever cleared away
            fcntl.flock(lock, fcntl.LOCK_EX)
        partial.chmod(0o777 & ~umask())  # mkdtemp makes it private
        fill(partial)
        for file in partial.iterdir():
            flush(file)
        flush(partial)
        _swap(folder, partial)
        partial = None
    except OSError as error:
        if isinstance(error, CnnkitError):
            raise
        raise not_written(folder, error) from error
    finally:
        if partial is not None:
            shutil.rmtree(partial, ignore_errors=True)
        if lock is not None:
            os.close(lock)


def not_written(folder: Path, error: OSError) -> BundleError:
    """The error for a file or folder that could not be written: a full disk, no permission, anything else."""
    kept = "What was there before is untouched." if folder.exists() else "Nothing was written."
    if error.errno in NO_ROOM:
        return BundleError(
            f"room on the disk of {folder.parent}",
            os.strerror(error.errno or 0),
            f"Free some, or save to another disk. {kept}",
        )
    if error.errno in NO_PERMISSION:
        return BundleError(
            f"permission to write in {folder.parent}",
            os.strerror(error.errno or 0),
            f"Save to a folder of yours. {kept}",
        )
    return BundleError(f"to write {folder}", str(error), f"Give another folder. {kept}")


def umask() -> int:
    """The permissions that new files of this process do not get."""
    mask = os.umask(0)
    os.umask(mask)
    return mask


def prove_room(folder: Path, size: int) -> None:
    """Takes `size` bytes of the folder's disk and gives them back.

    HDF5 1.14 survives a disk that fills up while it writes, but h5py 3.14 leaves objects behind whose release ends
    the process with a segmentation fault later (seen with a full tmpfs and with RLIMIT_FSIZE). So room is proved
    before the H5 file is begun.

    Raises:
        OSError: There is no room: ENOSPC, EDQUOT or EFBIG.
    """
    ballast = folder / ".room"
    try:
        with ballast.open("wb", buffering=0) as file:
            if hasattr(os, "posix_fallocate"):
                os.posix_fallocate(file.fileno(), 0, size)
            else:  # macOS
                for start in range(0, size, 1 << 20):
                    file.write(bytes(min(1 << 20, size - start)))
    finally:
        ballast.unlink(missing_ok=True)


def restore(folder: Path) -> None:
    """Puts a folder back that a crash while saving left under another name.

    No more, for readers: what a save in progress has beside the folder is none of their business.
    """
    previous = _previous(folder)
    if not folder.exists() and previous.is_dir():
        previous.rename(folder)


def recover(folder: Path) -> None:
    """Puts back, or clears away, what a crash while saving left beside a folder."""
    restore(folder)
    if (previous := _previous(folder)).is_dir():
        shutil.rmtree(previous)
    for partial in folder.parent.glob(f"{glob.escape(_partial_prefix(folder))}*"):
        if abandoned(partial):
            shutil.rmtree(partial, ignore_errors=True)


def refuse_foreign(folder: Path, known: Collection[str], mark: str | None = None) -> None:
    """Refuses a folder that `replace_folder` would never replace.

    Raises:
        BundleError: It is a file or a link, holds other files than the known ones, or has not the file `mark`.
    """
    if folder.is_symlink() or (folder.exists() and not folder.is_dir()):
        raise BundleError(
            "a folder of its own for the bundle", f"{folder}, which is a file or a link", "Give another name."
        )
    if folder.is_dir():
        names = sorted(entry.name for entry in folder.iterdir())
        foreign = [name for name in names if name not in known] or (names if mark not in (None, *names) else [])
        if foreign:
            raise BundleError(
                "a new folder, or an earlier bundle to replace",
                f"{folder} with {', '.join(foreign[:3])}{' …' if len(foreign) > 3 else ''}",
                "Saving would delete that: give another folder, or move those files away.",
            )


def _partial_prefix(folder: Path) -> str:
    return f".{folder.name}.saving-"


def abandoned(partial: Path) -> bool:
    """Whether the process that held a lock on this folder is gone: its lock went with it."""
    try:
        descriptor = os.open(partial, os.O_RDONLY)
    except OSError:
        return False  # another user's
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    finally:
        os.close(descriptor)
    return True


def _swap(folder: Path, partial: Path) -> None:
    previous = _previous(folder)
    if not folder.exists():
        partial.rename(folder)
    else:
        folder.rename(previous)
        try:
            partial.rename(folder)
        except BaseException:  # Ctrl-C too
            previous.rename(folder)
            raise
    flush(folder.parent)
    shutil.rmtree(previous, ignore_errors=True)


def _previous(folder: Path) -> Path:
    return folder.with_name(f".{folder.name}.previous")


def flush(path: Path) -> None:
    """Waits until a file, or the names in a folder, are on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
