"""Whether a file may be replaced: a new one, or one that cnnkit wrote itself, never anything else."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from cnnkit.errors import InputError, unknown_name


def refuse_foreign_file(path: Path, is_own: Callable[[Path], bool], *, what: str, force: bool = False) -> None:
    """Refuses to replace a file that is not of the kind that is written.

    Args:
        path: Where to write.
        is_own: Whether a file is of that kind.
        what: The kind, e.g. "predictions of cnnkit".
        force: Replaces any file; a folder never.

    Raises:
        InputError: Something else is there.
    """
    if path.is_dir():
        raise InputError(f"the name of a file for {what}", f"the folder {path}", "Give a name in it.")
    if force or not path.exists() or not path.stat().st_size or is_own(path):
        return
    raise InputError(
        f"a new file, or earlier {what} to replace",
        f"{path}, which is something else",
        "Give another name; what is there would be lost. --force, or force=True, replaces it.",
    )


def check_ending(path: Path, endings: Sequence[str], *, kind: str) -> None:
    """Refuses a name whose ending says another format than those that can be written.

    Raises:
        UnknownNameError: Another ending, or none.
    """
    if path.suffix.lower() not in endings:
        raise unknown_name(
            f"{kind} that ends in {' or '.join(endings)}", path.name, [path.stem + end for end in endings]
        )
