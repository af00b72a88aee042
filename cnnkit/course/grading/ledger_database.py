"""Where a ledger lies: its tables and triggers, SQLite or PostgreSQL, opened for writing or only for reading."""

from __future__ import annotations

import os
import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from cnnkit.errors import DataError, InputError, missing_extra

if TYPE_CHECKING:
    from sqlalchemy import URL, Connection, Engine

try:
    import sqlalchemy as sql
except ImportError as error:  # pragma: no cover
    raise missing_extra("SQLAlchemy", "grading", "the ledger") from error

_WRITING = {"cnnkit_writing": True}  # execution options of a transaction that writes

metadata = sql.MetaData()
RECORDS = sql.Table(
    "cnnkit_ledger",
    metadata,
    sql.Column("sequence", sql.BigInteger, primary_key=True, autoincrement=False),
    sql.Column("kind", sql.String(16), nullable=False),
    sql.Column("key", sql.String(64), nullable=False, unique=True),
    sql.Column("content", sql.Text, nullable=False),
    sql.Column("created", sql.String(40), nullable=False),
    sql.Column("previous", sql.String(64), nullable=False),
    sql.Column("hash", sql.String(64), nullable=False),
)
SEALS = sql.Table(
    "cnnkit_ledger_seals",
    metadata,
    sql.Column("sequence", sql.BigInteger, primary_key=True, autoincrement=False),
    sql.Column("key", sql.String(16), nullable=False),
    sql.Column("seal", sql.String(64), nullable=False),
)

_FINAL = {
    "sqlite": [
        f"CREATE TRIGGER IF NOT EXISTS {table}_no_{verb} BEFORE {verb} ON {table} "
        "BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END"
        for table in metadata.tables
        for verb in ("UPDATE", "DELETE")
    ],
    "postgresql": [
        "CREATE OR REPLACE FUNCTION cnnkit_ledger_is_final() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION 'the ledger is append-only'; END $$",
        *(
            f"CREATE OR REPLACE TRIGGER {table}_final BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION cnnkit_ledger_is_final()"
            for table in metadata.tables
        ),
    ],
}
"""The triggers of each kind of database that a ledger can be in."""


def open_database(place: str | Path, *, read_only: bool) -> Engine:
    """A database that holds a ledger, or, opened for writing, will.

    Args:
        place: A file, for SQLite, or a URL: `sqlite:///grades/ledger.sqlite`, `postgresql://user@host/database`.
        read_only: Whether nothing may be written: no table, no trigger, no file beside it.

    Raises:
        InputError: Another kind of database.
        DataError: It cannot be reached, is none, holds something else, or, to be read, does not exist.
        MissingExtraError: The driver for PostgreSQL is not installed.
    """
    url = sql.make_url(str(place)) if "://" in str(place) else sql.URL.create("sqlite", database=str(place))
    if url.get_backend_name() not in _FINAL:
        raise InputError(f"a ledger in {' or '.join(_FINAL)}", url.get_backend_name(), "Give a file for SQLite.")
    shown = url.render_as_string(hide_password=True) if "://" in str(place) else str(place)
    try:
        engine = _sqlite(url, read_only, shown) if url.get_backend_name() == "sqlite" else _postgresql(url, read_only)
        if not read_only:
            _create_tables(engine)
        _refuse_other_databases(engine, shown)
    except ModuleNotFoundError as error:
        raise missing_extra("psycopg", "grading", "a ledger in PostgreSQL") from error
    except (sql.exc.DBAPIError, sqlite3.Error, OSError) as error:
        received = str(getattr(error, "orig", error)).strip()
        raise DataError(f"a ledger at {shown}", received, "Give a ledger's file, or a database.") from error
    return engine


@contextmanager
def alone(engine: Engine) -> Iterator[Connection]:
    """A transaction that no other writer of a ledger shares: SQLite's lock, or a lock of our own in PostgreSQL."""
    with engine.execution_options(**_WRITING).begin() as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(sql.text("SELECT pg_advisory_xact_lock(hashtext('cnnkit_ledger'))"))
        yield connection


def _create_tables(engine: Engine) -> None:
    with alone(engine) as connection:
        metadata.create_all(connection)
        for statement in _FINAL[connection.dialect.name]:
            connection.execute(sql.text(statement))


def _refuse_other_databases(engine: Engine, shown: str) -> None:
    tables = set(sql.inspect(engine).get_table_names())
    if RECORDS.name not in tables:
        raise _no_ledger(tables, shown)


def _no_ledger(tables: set[str], shown: str) -> DataError:
    received = f"a database with {', '.join(sorted(tables)[:5])}" if tables else "an empty database"
    return DataError(f"a ledger at {shown}", received, "`cnnkit grade` writes one: OUT/ledger.sqlite.")


def _tables(file: Path) -> set[str]:
    """The tables of a file that others may be writing to."""
    connection = _connection(file, "rw")
    try:
        return {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    finally:
        connection.close()


def _postgresql(url: URL, read_only: bool) -> Engine:
    url = url.set(drivername="postgresql+psycopg") if url.drivername == "postgresql" else url
    return sql.create_engine(url, execution_options={"postgresql_readonly": True} if read_only else {})


def _sqlite(url: URL, read_only: bool, shown: str) -> Engine:
    file = Path(url.database or "")
    if read_only and not file.is_file():
        raise DataError(f"a ledger at {shown}", "no such file", "`cnnkit grade` writes one: OUT/ledger.sqlite.")
    if read_only:
        return _engine(_reader(file), _begin)
    file.parent.mkdir(parents=True, exist_ok=True)
    if not file.exists():
        os.close(os.open(file, os.O_WRONLY | os.O_CREAT, 0o600))  # SQLite's files beside it are as private
    elif file.stat().st_size and (tables := _tables(file)) and RECORDS.name not in tables:
        raise _no_ledger(tables, shown)  # before anything is set in it
    return _engine(lambda: _writer(file), _begin)


def _engine(connect: Callable[[], sqlite3.Connection], begin: Callable[[Connection], None]) -> Engine:
    engine = sql.create_engine("sqlite://", creator=connect, poolclass=sql.QueuePool)
    sql.event.listen(engine, "begin", begin)
    return engine


def _writer(file: Path) -> sqlite3.Connection:
    """Writers wait for each other, readers never; what is committed survives a power cut."""
    connection = _connection(file, "rwc")
    for setting in ("journal_mode=WAL", "synchronous=FULL"):
        connection.execute(f"PRAGMA {setting}")
    return connection


def _reader(file: Path) -> Callable[[], sqlite3.Connection]:
    """How to read a file, wherever it lies, without writing anything beside it.

    In WAL mode SQLite keeps changes and an index of them beside a file as long as somebody has it open, and makes them
    for a reader too. So a file that nobody has open is read as it is, and one with changes in a folder where SQLite
    cannot write its index from a copy.
    """
    changes = file.with_name(f"{file.name}-wal")
    if not changes.exists():
        _try(_connection(file, "ro", "&immutable=1"))
        return lambda: _connection(file, "ro", "&immutable=1")
    try:
        _try(_connection(file, "ro"))
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode & 0xFF not in (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY):
            raise
    else:
        return lambda: _connection(file, "ro")
    folder = tempfile.TemporaryDirectory(prefix="cnnkit-ledger-")
    for each in (file, changes):
        shutil.copyfile(each, Path(folder.name, each.name))
    # The default keeps the folder as long as the function, and with it the engine, is there.
    return lambda held=folder: _connection(Path(held.name, file.name), "rw")  # type: ignore[misc]


def _connection(file: Path, mode: str, options: str = "") -> sqlite3.Connection:
    # Without an isolation level SQLAlchemy, not the driver, begins transactions.
    place = f"file:{quote(str(file))}?mode={mode}{options}"
    connection = sqlite3.connect(place, uri=True, check_same_thread=False, isolation_level=None)
    connection.execute("PRAGMA busy_timeout=60000")
    return connection


def _try(connection: sqlite3.Connection) -> None:
    try:
        connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    finally:
        connection.close()


def _begin(connection: Any) -> None:
    """A transaction that writes takes the lock at its start: at its first write that could fail."""
    writing = _WRITING.keys() <= connection.get_execution_options().keys()
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writing else "BEGIN")
