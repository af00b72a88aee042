"""Submissions as a form sends them."""

from __future__ import annotations

from pathlib import Path


def files_of(folder: Path) -> list[tuple[str, tuple[str, bytes]]]:
    """The files of a folder, links left out."""
    chosen = [file for file in sorted(folder.iterdir()) if file.is_file() and not file.is_symlink()]
    return [("file", (file.name, file.read_bytes())) for file in chosen]
