"""The ledger: an append-only chain of records in a database, SQLite or PostgreSQL.

Each record's hash covers its content and the hash of the record before it, so nobody can change, drop or slip in one
without all that follow becoming wrong; `verify` names the first. Each record also carries a seal, made with a key that
lies beside the secret labels: without the key nobody can append one that holds. The last hash, printed with every grade
report, pins the whole chain. The database itself refuses UPDATE and DELETE by triggers: an accident is stopped, a
forger is found.

    kind          one for
    decision      each graded submission: what was handed in, what was in force, what came out
    reproduction  each submission whose model was run: whether it gives what was handed in
    grade         each student in a snapshot: status, correct, rank, points
    snapshot      the class: rules, labels, number of students, the digest of its grades
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

import sqlalchemy as sql

from cnnkit.course.grading.canonical_json import canonical, digest
from cnnkit.course.grading.database import alone
from cnnkit.course.grading.ledger_database import RECORDS, SEALS, open_database
from cnnkit.course.grading.ledger_key import LedgerKey
from cnnkit.course.grading.ledger_records import ORIGIN, Draft, Kind, Record, Verification
from cnnkit.course.grading.ledger_walk import Walk
from cnnkit.errors import DataError, InputError

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine, Row, Select

_AT_A_TIME = 500


class Ledger(AbstractContextManager["Ledger", None]):
    """An open ledger; `Ledger.open` makes one.

    Args:
        engine: The database.
        key: What its records are sealed with.
        read_only: Whether nothing may be appended.
    """

    def __init__(self, engine: Engine, *, key: LedgerKey | None = None, read_only: bool = False) -> None:
        self._engine = engine
        self._key = key
        self._read_only = read_only

    @classmethod
    def open(cls, place: str | Path, *, key: LedgerKey | None = None, read_only: bool = False) -> Ledger:
        """Opens a ledger, or, unless it is only to be read, begins one.

        Args:
            place: A file, for SQLite, or a URL: `sqlite:///grades/ledger.sqlite`,
                `postgresql://user@host/database`.
            key: What its records are sealed with, see `ledger_key`.
            read_only: Whether it is left as it is: nothing is written, nor begun where there is none.

        Raises:
            InputError: Another kind of database.
            DataError: The database cannot be reached, is none, holds something else, or, to be read, does not exist.
            MissingExtraError: The driver for PostgreSQL is not installed.
        """
        return cls(open_database(place, read_only=read_only), key=key, read_only=read_only)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Lets go of the database."""
        self._engine.dispose()

    @property
    def head(self) -> str:
        """Hash of the last record, 64 zeros before the first."""
        with self._engine.connect() as connection:
            return self._last(connection)[1]

    def append(self, drafts: Iterable[Draft], *, unless: str | None = None) -> int:
        """Appends records in one transaction: all of them or, whatever happens, none.

        Args:
            drafts: In the order of the chain. One whose key is there already is passed over.
            unless: A key; if a record has it, nothing is appended.

        Returns:
            How many were appended.

        Raises:
            InputError: The ledger was opened only to be read, or is sealed with another key.
            DataError: The database cannot write it: a full disk, say.
        """
        if self._read_only:
            raise InputError("a ledger that is open for writing", "one that is open to be read", "Open it without.")
        with self._transaction() as connection:
            self._require_key(connection)
            if unless is not None and connection.scalar(sql.select(RECORDS.c.key).where(RECORDS.c.key == unless)):
                return 0
            sequence, previous = self._last(connection)
            created = datetime.now(UTC).isoformat(timespec="microseconds")
            rows, seals = [], []
            for draft in self._new(connection, list(drafts)):
                sequence += 1
                row = {
                    "sequence": sequence,
                    "kind": draft.kind,
                    "key": draft.key,
                    "content": canonical(draft.content),
                    "created": created,
                    "previous": previous,
                }
                previous = digest(list(row.values()))
                rows.append({**row, "hash": previous})
                if self._key is not None:
                    seals.append({"sequence": sequence, "key": self._key.name, "seal": self._key.seal(previous)})
            for table, values in ((RECORDS, rows), (SEALS, seals)):
                for start in range(0, len(values), _AT_A_TIME):
                    connection.execute(table.insert(), values[start : start + _AT_A_TIME])
        return len(rows)

    def seal_the_past(self) -> None:
        """Seals the last record where nothing is sealed yet: from now on it vouches for what an older version wrote."""
        if self._key is None:
            return
        with self._transaction() as connection:
            sequence, last = self._last(connection)
            if sequence and connection.scalar(sql.select(SEALS.c.sequence).limit(1)) is None:
                seal = {"sequence": sequence, "key": self._key.name, "seal": self._key.seal(last)}
                connection.execute(SEALS.insert(), seal)

    def records(self, *, kind: Kind | None = None, keys: Collection[str] | None = None) -> Iterator[Record]:
        """Records in the order of the chain, read as they are asked for.

        Args:
            kind: Only of this kind.
            keys: Only with these keys.
        """
        chosen = sql.select(RECORDS).order_by(RECORDS.c.sequence)
        if kind is not None:
            chosen = chosen.where(RECORDS.c.kind == kind)
        wanted = None if keys is None else set(keys)
        for row in self._rows(chosen):
            if wanted is None or row.key in wanted:
                yield Record(**{**row._mapping, "content": json.loads(row.content)})

    def verify(self, *, head: str | None = None, unsealed: bool = False) -> Verification:
        """Walks along the whole chain: hashes, order, seals and times.

        Args:
            head: A hash from an earlier report that must still be in the chain: without it, records cut off at the
                end would not be missed.
            unsealed: Whether a ledger may have no seals at all although there is a key: one of an older version.
        """
        walk = Walk(self._key)
        seen, count = head is None or head == ORIGIN, 0
        for count, row in enumerate(self._rows(self._sealed_rows()), start=1):
            reason = walk.fault(row)
            if reason:
                return Verification(count, walk.previous, count, reason)
            seen = seen or row.hash == head
        if not seen:
            return Verification(count, walk.previous, count + 1, f"the chain ends before the record with hash {head}")
        if count and self._key is not None and not walk.sealed and not unsealed:
            return Verification(count, walk.previous, 1, f"no record is sealed with the key {self._key.name}")
        return Verification(count, walk.previous, notes=tuple(walk.notes()))

    def _sealed_rows(self) -> Select[Any]:
        """Records with their seals; the seals' table is younger than the records'."""
        with self._engine.connect() as connection:
            present = sql.inspect(connection).has_table(SEALS.name)
        if not present:
            nothing = sql.literal(None)
            return sql.select(RECORDS, nothing.label("sealed_by"), nothing.label("seal")).order_by(RECORDS.c.sequence)
        joined = RECORDS.outerjoin(SEALS, RECORDS.c.sequence == SEALS.c.sequence)
        columns = (*RECORDS.c, SEALS.c.key.label("sealed_by"), SEALS.c.seal)
        return sql.select(*columns).select_from(joined).order_by(RECORDS.c.sequence)

    @contextmanager
    def _transaction(self) -> Iterator[Connection]:
        """A transaction that no other writer shares."""
        try:
            with alone(self._engine, RECORDS.name) as connection:
                yield connection
        except sql.exc.DBAPIError as error:
            raise DataError(
                "a ledger that can be written",
                str(error.orig).strip(),
                "Nothing of these records was kept. Make room or mend the database, and grade again: it goes on.",
            ) from error

    def _require_key(self, connection: Connection) -> None:
        """Refuses to append without the key that the ledger is sealed with."""
        last = connection.execute(sql.select(SEALS.c.key).order_by(SEALS.c.sequence.desc()).limit(1)).first()
        ours = None if self._key is None else self._key.name
        if last is not None and last.key != ours:
            raise InputError(
                f"the key {last.key} that this ledger is sealed with",
                "no key" if ours is None else f"the key {ours}",
                "It lies beside the labels that the ledger was begun with; name it with key= or --key.",
            )

    def _rows(self, chosen: Select[Any]) -> Iterator[Row[Any]]:
        """Rows a few hundred at a time, whatever their number; the cursor is closed however the walk ends."""
        with (
            self._engine.connect().execution_options(yield_per=_AT_A_TIME) as connection,
            closing(connection.execute(chosen)) as rows,
        ):
            yield from rows

    def _last(self, connection: Connection) -> tuple[int, str]:
        chosen = sql.select(RECORDS.c.sequence, RECORDS.c.hash).order_by(RECORDS.c.sequence.desc()).limit(1)
        row = connection.execute(chosen).first()
        return (row.sequence, row.hash) if row else (0, ORIGIN)

    def _new(self, connection: Connection, drafts: list[Draft]) -> list[Draft]:
        """The drafts whose keys are not there yet, each key once."""
        by_key = {draft.key: draft for draft in reversed(drafts)}
        names = list(by_key)
        for start in range(0, len(names), _AT_A_TIME):
            present = RECORDS.c.key.in_(names[start : start + _AT_A_TIME])
            for key in connection.scalars(sql.select(RECORDS.c.key).where(present)):
                del by_key[key]
        return [draft for draft in drafts if by_key.get(draft.key) is draft]
