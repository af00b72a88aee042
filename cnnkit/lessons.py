"""The notebooks and the assignment's template that ship with cnnkit, copied to where somebody works with them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from cnnkit.errors import InputError

PACKAGED = Path(__file__).parent / "lessons"
CHECKOUT = Path(__file__).parents[1]
PARTS = {"notebooks": "*.ipynb", "assignments/person": "*.*"}
"""Folder → its files."""


@dataclass(frozen=True)
class Copied:
    """One file.

    Attributes:
        path: Where it is now.
        state: "new"; "the same", where it was there already; "kept", where another file of that name was there.
    """

    path: Path
    state: Literal["new", "the same", "kept"]


def lesson_files() -> dict[str, Path]:
    """Name, `notebooks/Pooling.ipynb`, → file, in the installed package or in the checkout.

    Raises:
        InputError: Neither has them.
    """
    root = PACKAGED if PACKAGED.is_dir() else CHECKOUT
    found = [file for folder, pattern in PARTS.items() for file in sorted((root / folder).glob(pattern))]
    if not found:
        raise InputError(
            "the notebooks in the installed package",
            f"none in {root}",
            "Install cnnkit again, with pip, not by copying.",
        )
    return {file.relative_to(root).as_posix(): file for file in found}


def copy_lessons(folder: str | Path) -> list[Copied]:
    """Copies notebooks and template into a folder; what is there already is left as it is.

    Args:
        folder: Made if it is missing.

    Returns:
        Each file and what became of it.

    Raises:
        InputError: The path is a file, or the folder cannot be written to.
    """
    target = Path(folder).expanduser()
    copied = []
    try:
        for name, file in lesson_files().items():
            path, content = target / name, file.read_bytes()
            path.parent.mkdir(parents=True, exist_ok=True)
            if path.exists():
                copied.append(Copied(path, "the same" if path.read_bytes() == content else "kept"))
                continue
            with path.open("xb") as opened:  # never over a file that somebody made meanwhile
                opened.write(content)
            copied.append(Copied(path, "new"))
    except OSError as error:
        raise InputError(
            "a folder to write notebooks into", f"{target}: {error.strerror}", "Name another folder."
        ) from None
    return copied
