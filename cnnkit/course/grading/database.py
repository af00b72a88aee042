"""Databases that several processes share, SQLite files and PostgreSQL: engines, and transactions of one writer."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from cnnkit.errors import missing_extra

if TYPE_CHECKING:
    from sqlalchemy import URL, Connection, Engine

try:
    import sqlalchemy as sql
except ImportError as error:  # pragma: no cover
    raise missing_extra("SQLAlchemy", "grading", "a database") from error

_WRITING = {"cnnkit_writing": True}  # execution options of a transaction that writes


def database_url(place: str | Path) -> URL:
    """The URL of a database: of a file, one of SQLite."""
    return sql.make_url(str(place)) if "://" in str(place) else sql.URL.create("sqlite", database=str(place))


@contextmanager
def alone(engine: Engine, name: str) -> Iterator[Connection]:
    """A transaction that no other writer of that name shares: SQLite's lock, or a lock of our own in PostgreSQL."""
    with engine.execution_options(**_WRITING).begin() as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(sql.text("SELECT pg_advisory_xact_lock(hashtext(:name))"), {"name": name})
        yield connection


def postgresql_engine(url: URL, *, read_only: bool = False) -> Engine:
    """A database of PostgreSQL."""
    url = url.set(drivername="postgresql+psycopg") if url.drivername == "postgresql" else url
    return sql.create_engine(url, execution_options={"postgresql_readonly": True} if read_only else {})


def sqlite_engine(connect: Callable[[], sqlite3.Connection]) -> Engine:
    """A database of SQLite whose transactions begin where SQLAlchemy says so."""
    engine = sql.create_engine("sqlite://", creator=connect, poolclass=sql.QueuePool)
    sql.event.listen(engine, "begin", _begin)
    return engine


def private_file(file: Path) -> None:
    """Makes an empty file, and its folder, where there is none; SQLite's files beside it are as private."""
    file.parent.mkdir(parents=True, exist_ok=True)
    if not file.exists():
        os.close(os.open(file, os.O_WRONLY | os.O_CREAT, 0o600))


def sqlite_writer(file: Path) -> sqlite3.Connection:
    """Writers wait for each other, readers never; what is committed survives a power cut."""
    connection = sqlite_connection(file, "rwc")
    for setting in ("journal_mode=WAL", "synchronous=FULL"):
        connection.execute(f"PRAGMA {setting}")
    return connection


def sqlite_connection(file: Path, mode: str, options: str = "") -> sqlite3.Connection:
    """A connection in a mode of SQLite's URIs."""
    # Without an isolation level SQLAlchemy, not the driver, begins transactions.
    place = f"file:{quote(str(file))}?mode={mode}{options}"
    connection = sqlite3.connect(place, uri=True, check_same_thread=False, isolation_level=None)
    connection.execute("PRAGMA busy_timeout=60000")
    return connection


def _begin(connection: Any) -> None:
    """A transaction that writes takes the lock at its start: at its first write that could fail."""
    writing = _WRITING.keys() <= connection.get_execution_options().keys()
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writing else "BEGIN")
