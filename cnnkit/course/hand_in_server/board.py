"""A hand-in server as a value: its assignment, database, files and rules, and the one act that matters: accepting."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from cnnkit.course.hand_in_server import hand_ins, settings
from cnnkit.course.hand_in_server.checks import Checked
from cnnkit.course.hand_in_server.file_store import FileStore
from cnnkit.course.hand_in_server.hand_ins import HandIn, StoredFile
from cnnkit.course.hand_in_server.rules import Rules
from cnnkit.course.hand_in_server.tables import open_tables
from cnnkit.course.hand_in_server.upload import UploadedFile
from cnnkit.course.submissions.assignment import Assignment
from cnnkit.errors import InputError

if TYPE_CHECKING:
    from sqlalchemy import Engine

DATABASE_FILE = "board.sqlite"
LEDGER_FILE = "ledger.sqlite"
PER_DAY = 5


def nobody() -> None:
    """Wakes nobody."""


@dataclass(frozen=True)
class Board:
    """What a hand-in server works on.

    Attributes:
        assignment: As it was handed out; staff may have set another deadline since.
        engine: The database.
        store: The files.
        per_day: How many hand-ins of a student count on one day.
        wake: Tells the grader that there is something to do.
    """

    assignment: Assignment
    engine: Engine
    store: FileStore
    per_day: int = PER_DAY
    wake: Callable[[], None] = field(default=nobody, compare=False)

    @property
    def rules(self) -> Rules:
        """What holds at this moment."""
        spec = settings.in_force(self.engine, self.assignment)
        return Rules(spec, settings.is_open(self.engine), self.per_day)

    def accept(
        self, student: str, submitted: datetime, files: dict[str, UploadedFile], checked: Checked
    ) -> tuple[HandIn, bool]:
        """Records an upload; when this returns, what was accepted is on the disk.

        First the files are flushed under their hashes, then the database says so in one transaction: a process that
        dies in between leaves files that nobody names, and nothing else.

        Args:
            student: Whose.
            submitted: When its last byte came.
            files: As they came.
            checked: What the gate said. What it refuses is recorded without its files; what it failed on is accepted.

        Returns:
            The hand-in, or the same one that was there already, and whether it is new.

        Raises:
            NotNowError: Another one came meanwhile, and the student has no attempt left.
            OSError: The disk is full.
        """
        accepted = checked.outcome != "refused"
        changed = {name for name, sha256 in checked.hashes.items() if files[name].sha256 != sha256}
        if changed:
            raise OSError(f"files that changed while they were checked: {sorted(changed)}")
        new = HandIn(
            id=hand_ins.new_id(),
            student=student,
            submitted=submitted,
            accepted=accepted,
            fingerprint=checked.fingerprint,
            files={name: StoredFile(file.sha256, file.size) for name, file in files.items()},
            findings=checked.findings,
            checked=checked.outcome,
        )
        rules = self.rules
        with self.store.keeping():
            if accepted:
                self.store.keep((file.path, file.sha256) for file in files.values())
            kept = hand_ins.record(self.engine, new, lambda past: rules.require(past, submitted))
        if accepted:
            self.wake()
        return kept, kept is new


def open_board(
    folder: str | Path, assignment: Assignment | str | Path, *, database: str | None = None, per_day: int = PER_DAY
) -> Board:
    """Opens the folder of a hand-in server, or begins one.

    Args:
        folder: For files and, by default, the database; several servers may share it.
        assignment: The assignment or its folder.
        database: `postgresql://user@host/name`; a file in the folder by default.
        per_day: How many hand-ins of a student count on one day.

    Raises:
        InputError: No assignment, another kind of database, or the database of another board than the folder's.
        DataError: A database that cannot be reached.
    """
    root = Path(folder).resolve()
    store = FileStore(root)
    store.prepare()
    engine = open_tables(database or root / DATABASE_FILE)
    _require_same_board(engine, store)
    return Board(Assignment.of(assignment), engine, store, per_day)


def _require_same_board(engine: Engine, store: FileStore) -> None:
    """Refuses another board's database, or a new one: it does not name what was handed in here.

    Folder and database of a new board get its random id, the database first: a folder without one takes over that of
    its database, as after a crash between the two.
    """
    of_folder = store.board_id()
    of_database = settings.board_id(engine, begin=of_folder is None)
    if of_folder is None and of_database is not None:
        store.set_board_id(of_database)
    elif of_folder != of_database:
        engine.dispose()
        raise InputError(
            f"the database of board {of_folder}, whose files are in {store.root}",
            "a new database" if of_database is None else f"that of board {of_database}",
            f"Give the same --database as before, or a folder of its own; restore {DATABASE_FILE} from a copy.",
        )
