"""Files by their hash, on one disk: what comes in lies aside until it is whole, and what is kept is flushed and final.

    incoming/RANDOM/    one upload; gone with it, however it ends
    files/ab/abcd…      what was accepted, by sha256, read-only
    left-over/abcd…     what was in files/ and the database does not name, for staff to look at and remove
    exports/ID.zip      gradebooks, for staff
    board.id            which board these files are of; its database has the same

A lock tells whose upload is still going on, so that another server on the same folder clears away only what is left
over. Links of names to hashes are in the database: no name of a student's is ever a path.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from cnnkit.export.atomic_folder import abandoned, flush

LOCK = ".lock"
BOARD_FILE = "board.id"


@dataclass(frozen=True)
class FileStore:
    """The files of a hand-in server.

    Attributes:
        root: The server's folder; on one file system.
    """

    root: Path

    @property
    def files(self) -> Path:
        """Where accepted files are."""
        return self.root / "files"

    @property
    def incoming(self) -> Path:
        """Where uploads are while they come."""
        return self.root / "incoming"

    @property
    def left_over(self) -> Path:
        """Where files are that the database did not name when a server started."""
        return self.root / "left-over"

    @property
    def exports(self) -> Path:
        """Where gradebooks are."""
        return self.root / "exports"

    def prepare(self) -> None:
        """Makes the folders, for their owner only."""
        for folder in (self.root, self.files, self.incoming, self.left_over, self.exports):
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)

    def board_id(self) -> str | None:
        """Which board these files are of; None where none has said so."""
        file = self.root / BOARD_FILE
        return file.read_text("ascii", "replace").strip() if file.exists() else None

    def set_board_id(self, identifier: str) -> None:
        """Says which board these files are of: whole, or not at all."""
        descriptor, partial = tempfile.mkstemp(dir=self.root)
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(f"{identifier}\n")
        flush(Path(partial))
        Path(partial).replace(self.root / BOARD_FILE)
        flush(self.root)

    def member(self, sha256: str) -> str:
        """Where a file is, relative to `files`."""
        return f"{sha256[:2]}/{sha256}"

    def path(self, sha256: str) -> Path:
        """Where a file is."""
        return self.files / self.member(sha256)

    @contextmanager
    def upload(self) -> Iterator[Path]:
        """An empty folder for one upload; it is removed when the block ends."""
        with self._locked(fcntl.LOCK_SH):  # nobody sweeps between the two
            folder = Path(tempfile.mkdtemp(dir=self.incoming))
            lock = os.open(folder, os.O_RDONLY)
            fcntl.flock(lock, fcntl.LOCK_EX)
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)
            os.close(lock)

    @contextmanager
    def keeping(self) -> Iterator[None]:
        """Files that are kept in this block are not taken for left-overs before the database names them."""
        with self._locked(fcntl.LOCK_SH):
            yield

    def keep(self, files: Iterable[tuple[Path, str]]) -> None:
        """Makes uploaded files final: flushed, read-only, under their hash; all within `keeping`.

        Args:
            files: Path and sha256 of each.

        Raises:
            OSError: The disk is full.
        """
        folders = {self.files}
        for path, sha256 in files:
            place = self.path(sha256)
            place.parent.mkdir(exist_ok=True, mode=0o700)
            path.chmod(0o400)
            flush(path)
            path.replace(place)
            folders.add(place.parent)
        for folder in folders:
            flush(folder)

    def sweep(self, kept: Callable[[], Collection[str]]) -> int:
        """Clears away what a killed process left: uploads that nobody holds are removed.

        Files that the database does not name are only put aside, in `left_over`: a database that was restored from an
        older copy does not name the newest.

        Args:
            kept: sha256 of every file that is to stay, asked for once nobody can keep another one.

        Returns:
            How many uploads were removed and files put aside; 0 where another server is storing something right now.
        """
        cleared = 0
        with suppress(BlockingIOError), self._locked(fcntl.LOCK_EX | fcntl.LOCK_NB):
            for folder in self.incoming.iterdir():
                if abandoned(folder):
                    shutil.rmtree(folder, ignore_errors=True)
                    cleared += 1
            names = kept()
            for file in self.files.glob("??/*"):
                if file.name not in names:
                    file.replace(self.left_over / file.name)
                    cleared += 1
        return cleared

    def clear_exports(self) -> None:
        """Clears away gradebooks that a killed grader was writing; for the one grader that works."""
        for folder in self.exports.iterdir():
            if folder.is_dir():
                shutil.rmtree(folder, ignore_errors=True)

    @contextmanager
    def _locked(self, how: int) -> Iterator[None]:
        lock = os.open(self.files / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(lock, how)
            yield
        finally:
            os.close(lock)
