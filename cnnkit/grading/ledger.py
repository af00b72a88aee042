"""The ledger: an append-only chain of records in a database, SQLite or PostgreSQL.

Each record's hash covers its content and the hash of the record before it, so nobody can change, drop or slip in one
without all that follow becoming wrong; `verify` names the first. The last hash, printed with every grade report, pins
the whole chain. The database itself refuses UPDATE and DELETE by triggers: an accident is stopped, a forger is found.

    kind          one for
    decision      each graded submission: what was handed in, what was in force, what came out
    reproduction  each submission whose model was run: whether it gives what was handed in
    grade         each student in a snapshot: status, correct, rank, points
    snapshot      the class: rules, labels, number of students, the digest of its grades
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, Self

from cnnkit.errors import DataError, InputError, missing_extra

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine, Row, Select

try:
    import sqlalchemy as sql
except ImportError as error:  # pragma: no cover
    raise missing_extra("SQLAlchemy", "grading", "the ledger") from error

Kind = Literal["decision", "reproduction", "grade", "snapshot"]

ORIGIN = "0" * 64
"""What the first record names as the hash before it."""
_AT_A_TIME = 500
_WRITING = {"cnnkit_writing": True}

_metadata = sql.MetaData()
_records = sql.Table(
    "cnnkit_ledger",
    _metadata,
    sql.Column("sequence", sql.BigInteger, primary_key=True, autoincrement=False),
    sql.Column("kind", sql.String(16), nullable=False),
    sql.Column("key", sql.String(64), nullable=False, unique=True),
    sql.Column("content", sql.Text, nullable=False),
    sql.Column("created", sql.String(40), nullable=False),
    sql.Column("previous", sql.String(64), nullable=False),
    sql.Column("hash", sql.String(64), nullable=False),
)

_FINAL = {
    "sqlite": [
        f"CREATE TRIGGER IF NOT EXISTS cnnkit_ledger_no_{verb} BEFORE {verb} ON cnnkit_ledger "
        "BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END"
        for verb in ("UPDATE", "DELETE")
    ],
    "postgresql": [
        "CREATE OR REPLACE FUNCTION cnnkit_ledger_is_final() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION 'the ledger is append-only'; END $$",
        "CREATE OR REPLACE TRIGGER cnnkit_ledger_final BEFORE UPDATE OR DELETE OR TRUNCATE ON cnnkit_ledger "
        "FOR EACH STATEMENT EXECUTE FUNCTION cnnkit_ledger_is_final()",
    ],
}
"""The triggers of each kind of database that a ledger can be in."""


@dataclass(frozen=True)
class Draft:
    """A record that is to be appended.

    Attributes:
        kind: What it is about.
        key: What makes it unique, a sha256: a second record of the same key is not appended.
        content: What it says: JSON values.
    """

    kind: Kind
    key: str
    content: Mapping[str, Any]


@dataclass(frozen=True)
class Record:
    """A link of the chain.

    Attributes:
        sequence: Its place, from 1.
        kind: What it is about.
        key: What makes it unique.
        content: What it says.
        created: When it was appended, UTC, ISO 8601.
        previous: Hash of the record before it.
        hash: sha256 of all of the above.
    """

    sequence: int
    kind: str
    key: str
    content: Mapping[str, Any]
    created: str
    previous: str
    hash: str


@dataclass(frozen=True)
class Verification:
    """What a walk along the chain found.

    Attributes:
        records: How many records are there.
        head: Hash of the last.
        broken: Number of the first record that is not what it was, or None.
        reason: What is wrong with it.
    """

    records: int
    head: str
    broken: int | None = None
    reason: str = ""


class Ledger:
    """An open ledger; `Ledger.open` makes one.

    Args:
        engine: The database.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        with self._locked() as connection:
            for statement in _FINAL[engine.dialect.name]:
                connection.execute(sql.text(statement))

    @classmethod
    def open(cls, place: str | Path, *, create: bool = True) -> Ledger:
        """Opens a ledger, or begins one.

        Args:
            place: A file, for SQLite, or a URL: `sqlite:///grades/ledger.sqlite`,
                `postgresql://user@host/database`.
            create: Whether to begin one where the file does not exist.

        Raises:
            InputError: Another kind of database.
            DataError: The database cannot be reached, is none, or does not exist.
            MissingExtraError: The driver for PostgreSQL is not installed.
        """
        url = sql.make_url(str(place)) if "://" in str(place) else sql.URL.create("sqlite", database=str(place))
        if url.get_backend_name() not in _FINAL:
            raise InputError(f"a ledger in {' or '.join(_FINAL)}", url.get_backend_name(), "Give a file for SQLite.")
        shown = url.render_as_string(hide_password=True)
        if url.drivername == "postgresql":
            url = url.set(drivername="postgresql+psycopg")
        if not create and url.get_backend_name() == "sqlite" and not Path(url.database or "").is_file():
            raise DataError(f"a ledger at {shown}", "no such file", "`cnnkit grade` writes one: OUT/ledger.sqlite.")
        try:
            if url.get_backend_name() == "sqlite":
                Path(url.database or "").parent.mkdir(parents=True, exist_ok=True)
            engine = sql.create_engine(url)
            if engine.dialect.name == "sqlite":
                sql.event.listen(engine, "connect", _configure)
                sql.event.listen(engine, "begin", _begin)
            return cls(engine)
        except ModuleNotFoundError as error:
            raise missing_extra("psycopg", "grading", "a ledger in PostgreSQL") from error
        except (sql.exc.DBAPIError, OSError) as error:
            said = str(getattr(error, "orig", error)).strip()
            raise DataError(f"a ledger at {shown}", said, "Give a file that can be written, or a database.") from error

    def __enter__(self) -> Self:
        return self

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

    def append(self, drafts: Iterable[Draft]) -> int:
        """Appends records in one transaction: all of them or, whatever happens, none.

        Args:
            drafts: In the order of the chain. One whose key is there already is passed over.

        Returns:
            How many were appended.
        """
        with self._locked() as connection:
            sequence, previous = self._last(connection)
            created = datetime.now(UTC).isoformat(timespec="microseconds")
            rows = []
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
            for start in range(0, len(rows), _AT_A_TIME):
                connection.execute(_records.insert(), rows[start : start + _AT_A_TIME])
        return len(rows)

    def records(self, *, kind: Kind | None = None, keys: Collection[str] | None = None) -> Iterator[Record]:
        """Records in the order of the chain, read as they are asked for.

        Args:
            kind: Only of this kind.
            keys: Only with these keys.
        """
        chosen = sql.select(_records).order_by(_records.c.sequence)
        if kind is not None:
            chosen = chosen.where(_records.c.kind == kind)
        wanted = None if keys is None else set(keys)
        for row in self._rows(chosen):
            if wanted is None or row.key in wanted:
                yield Record(**{**row._mapping, "content": json.loads(row.content)})

    def verify(self, *, head: str | None = None) -> Verification:
        """Walks along the whole chain.

        Args:
            head: A hash from an earlier report that must still be in the chain: without it, records cut off at the
                end would not be missed.
        """
        previous, seen, count = ORIGIN, head is None or head == ORIGIN, 0
        for count, row in enumerate(self._rows(sql.select(_records).order_by(_records.c.sequence)), start=1):
            stated = row.hash
            if row.sequence != count:
                return Verification(count, previous, count, f"it is missing; the next one is {row.sequence}")
            if row.previous != previous:
                return Verification(count, previous, count, f"it does not follow record {count - 1}")
            if digest(list(row)[:-1]) != stated:
                return Verification(count, previous, count, "its content is not what its hash says")
            previous = stated
            seen = seen or stated == head
        if not seen:
            return Verification(count, previous, count + 1, f"the chain ends before the record with hash {head}")
        return Verification(count, previous)

    def _locked(self) -> _Locked:
        return _Locked(self._engine)

    def _rows(self, chosen: Select[Any]) -> Iterator[Row[Any]]:
        """Rows a few hundred at a time, whatever their number; the cursor is closed however the walk ends."""
        with (
            self._engine.connect().execution_options(yield_per=_AT_A_TIME) as connection,
            closing(connection.execute(chosen)) as rows,
        ):
            yield from rows

    def _last(self, connection: Connection) -> tuple[int, str]:
        chosen = sql.select(_records.c.sequence, _records.c.hash).order_by(_records.c.sequence.desc()).limit(1)
        row = connection.execute(chosen).first()
        return (row.sequence, row.hash) if row else (0, ORIGIN)

    def _new(self, connection: Connection, drafts: list[Draft]) -> list[Draft]:
        """The drafts whose keys are not there yet, each key once."""
        by_key = {draft.key: draft for draft in reversed(drafts)}
        names = list(by_key)
        for start in range(0, len(names), _AT_A_TIME):
            present = _records.c.key.in_(names[start : start + _AT_A_TIME])
            for key in connection.scalars(sql.select(_records.c.key).where(present)):
                del by_key[key]
        return [draft for draft in drafts if by_key.get(draft.key) is draft]


class _Locked:
    """A transaction that no other writer shares; the table is made where it is missing."""

    def __init__(self, engine: Engine) -> None:
        self._transaction = engine.execution_options(**_WRITING).begin()

    def __enter__(self) -> Connection:
        connection = self._transaction.__enter__()
        if connection.dialect.name == "postgresql":
            connection.execute(sql.text("SELECT pg_advisory_xact_lock(hashtext('cnnkit_ledger'))"))
        _metadata.create_all(connection)
        return connection

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._transaction.__exit__(kind, error, trace)


def canonical(value: object) -> str:
    """JSON with one spelling: equal values, equal text; ASCII, so that any database keeps it.

    >>> canonical({"b": 1, "a": [True, None]})
    '{"a":[true,null],"b":1}'
    """
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)


def digest(value: object) -> str:
    """sha256 of a JSON value in its one spelling."""
    return hashlib.sha256(canonical(value).encode()).hexdigest()


def _configure(connection: Any, _: object) -> None:
    """SQLite: writers wait for each other, readers never; what is committed survives a power cut."""
    connection.isolation_level = None  # SQLAlchemy, not the driver, begins transactions
    for setting in ("journal_mode=WAL", "synchronous=FULL", "busy_timeout=60000"):
        connection.execute(f"PRAGMA {setting}")


def _begin(connection: Connection) -> None:
    """SQLite: a transaction that writes takes the lock at its start: at its first write that could fail."""
    writing = _WRITING.keys() <= connection.get_execution_options().keys()
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writing else "BEGIN")
