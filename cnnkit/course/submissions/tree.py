"""The names of an inbox, whether it is a folder or the zip of a bulk download, which is not unpacked."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from zipfile import ZipInfo

from cnnkit.course.submissions.place import DAMAGED, Place, open_archive, opened_member, version
from cnnkit.errors import DataError

METADATA_FILE = "submission_metadata.yml"
ZIP_ENTRIES = 1_000_000
METADATA_BYTES = 200_000_000
_JUNK = ("__MACOSX", "Thumbs.db", "desktop.ini")
_UTF8_NAME = 0x800  # the flag of a zip's member whose name is UTF-8


@dataclass
class Tree:
    """The names of an inbox.

    Attributes:
        root: The folder or the zip.
        zipped: Which of both.
        folders: Folder → name below it → name of the member; "" holds the loose files.
    """

    root: Path
    zipped: bool
    folders: dict[str, dict[str, str]] = field(default_factory=lambda: defaultdict(dict))

    @property
    def loose(self) -> dict[str, str]:
        """The files that are in no folder."""
        return self.folders[""]

    @property
    def named(self) -> list[str]:
        """The folders."""
        return [folder for folder in self.folders if folder]

    def place(self, folder: str) -> Place:
        """Where the files of one folder are; nowhere, if the inbox has no such folder."""
        if self.zipped or folder not in self.folders:
            return Place(str(self.root), self.folders.get(folder, {}))
        return Place(str(self.root / folder))

    def read(self, name: str) -> bytes:
        """The bytes of a loose file.

        Raises:
            DataError: It is too large.
        """
        with opened_member(str(self.root), self.loose[name]) as file:
            data = file.read(METADATA_BYTES + 1)
        if len(data) > METADATA_BYTES:
            raise DataError(f"{name} of at most {METADATA_BYTES:,} bytes", "more", "Export it again.")
        return data


def read_tree(path: Path) -> Tree:
    """The names of an inbox.

    Raises:
        DataError: No folder and no zip, or too large a one.
    """
    if path.is_dir():
        return _folder_tree(path)
    try:
        members = [info for info in open_archive(str(path), *version(path)).infolist() if not info.is_dir()]
    except (OSError, *DAMAGED) as error:
        raise DataError(
            f"an inbox at {path}: a folder, or the zip of a bulk download", str(error), "Download it again."
        ) from error
    if len(members) > ZIP_ENTRIES:
        raise DataError(f"at most {ZIP_ENTRIES:,} files in {path}", f"{len(members):,}", "Download the class in parts.")
    return _zip_tree(path, members)


def _folder_tree(path: Path) -> Tree:
    entries = {entry.name: entry for entry in os.scandir(path) if not _is_junk(entry.name)}
    folders = [name for name, entry in entries.items() if entry.is_dir(follow_symlinks=False)]
    if len(entries) == len(folders) == 1 and (path / folders[0] / METADATA_FILE).is_file():
        return _folder_tree(path / folders[0])  # Gradescope's zip, unpacked, holds one folder
    tree = Tree(path, zipped=False)
    for name in entries:
        if name in folders:
            tree.folders[name] = {}
        else:
            tree.loose[name] = name
    return tree


def _zip_tree(path: Path, members: Sequence[ZipInfo]) -> Tree:
    parts = {info.filename: PurePosixPath(_name(info)).parts for info in members}
    parts = {name: part for name, part in parts.items() if part and not _is_junk(part[0])}
    inner = all(len(part) > 2 for part in parts.values())  # no file where a student's would be
    inner |= any(part[1:] == (METADATA_FILE,) for part in parts.values())
    if inner and len({part[0] for part in parts.values()}) == 1:  # all within one folder: Gradescope's, or by hand
        parts = {name: part[1:] for name, part in parts.items() if len(part) > 1}
    tree = Tree(path, zipped=True)
    for name, (first, *below) in parts.items():
        if below:
            tree.folders[first]["/".join(below)] = name
        else:
            tree.loose[first] = name
    return tree


def _name(info: ZipInfo) -> str:
    """A member's name: Unix programs write UTF-8 without saying so, which `zipfile` then reads as code page 437."""
    if info.flag_bits & _UTF8_NAME:
        return info.filename
    try:
        return info.filename.encode("cp437").decode()
    except UnicodeError:
        return info.filename


def _is_junk(name: str) -> bool:
    """Whether an entry of an inbox is no student's: hidden, `..`, `/`, or what Windows and macOS leave behind."""
    return name in _JUNK or name.startswith((".", "/"))
