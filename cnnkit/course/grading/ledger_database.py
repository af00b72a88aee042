"""Where a ledger lies: its tables and triggers, SQLite or PostgreSQL, opened for writing or only for reading."""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from cnnkit.course.grading.database import (
    alone,
    database_url,
    postgresql_engine,
    private_file,
    sqlite_connection,
    sqlite_engine,
    sqlite_writer,
)
from cnnkit.errors import DataError, InputError, missing_extra

if TYPE_CHECKING:
    from sqlalchemy import URL, Engine

try:
    import sqlalchemy as sql
except ImportError as error:  # pragma: no cover
    raise missing_extra("SQLAlchemy", "grading", "the ledger") from error

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
    url = database_url(place)
    if url.get_backend_name() not in _FINAL:
        raise InputError(f"a ledger in {' or '.join(_FINAL)}", url.get_backend_name(), "Give a file for SQLite.")
    shown = url.render_as_string(hide_password=True) if "://" in str(place) else str(place)
    try:
        sqlite = url.get_backend_name() == "sqlite"
        engine = _sqlite(url, read_only, shown) if sqlite else postgresql_engine(url, read_only=read_only)
        if not read_only:
            _create_tables(engine)
        _refuse_other_databases(engine, shown)
    except ModuleNotFoundError as error:
        raise missing_extra("psycopg", "grading", "a ledger in PostgreSQL") from error
    except (sql.exc.DBAPIError, sqlite3.Error, OSError) as error:
        received = str(getattr(error, "orig", error)).strip()
        raise DataError(f"a ledger at {shown}", received, "Give a ledger's file, or a database.") from error
    return engine


def _create_tables(engine: Engine) -> None:
    with alone(engine, RECORDS.name) as connection:
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
    connection = sqlite_connection(file, "rw")
    try:
        return {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    finally:
        connection.close()


def _sqlite(url: URL, read_only: bool, shown: str) -> Engine:
    file = Path(url.database or "")
    if read_only and not file.is_file():
        raise DataError(f"a ledger at {shown}", "no such file", "`cnnkit grade` writes one: OUT/ledger.sqlite.")
    if read_only:
        return sqlite_engine(_reader(file))
    private_file(file)
    if file.stat().st_size and (tables := _tables(file)) and RECORDS.name not in tables:
        raise _no_ledger(tables, shown)  # before anything is set in it
    return sqlite_engine(lambda: sqlite_writer(file))


def _reader(file: Path) -> Callable[[], sqlite3.Connection]:
    """How to read a file, wherever it lies, without writing anything beside it.

    In WAL mode SQLite keeps changes and an index of them beside a file as long as somebody has it open, and makes them
    for a reader too. So a file that nobody has open is read as it is, and one with changes in a folder where SQLite
    cannot write its index from a copy.
    """
    changes = file.with_name(f"{file.name}-wal")
    if not changes.exists():
        _try(sqlite_connection(file, "ro", "&immutable=1"))
        return lambda: sqlite_connection(file, "ro", "&immutable=1")
    try:
        _try(sqlite_connection(file, "ro"))
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode & 0xFF not in (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY):
            raise
    else:
        return lambda: sqlite_connection(file, "ro")
    folder = tempfile.TemporaryDirectory(prefix="cnnkit-ledger-")
    for each in (file, changes):
        shutil.copyfile(each, Path(folder.name, each.name))
    # The default keeps the folder as long as the function, and with it the engine, is there.
    return lambda held=folder: sqlite_connection(Path(held.name, file.name), "rw")  # type: ignore[misc]


def _try(connection: sqlite3.Connection) -> None:
    try:
        connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    finally:
        connection.close()
