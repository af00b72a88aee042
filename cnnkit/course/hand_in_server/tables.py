"""The tables of a hand-in server, in SQLite or PostgreSQL; its ledger has its own."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from cnnkit.course.grading.database import (
    alone,
    database_url,
    postgresql_engine,
    private_file,
    sqlite_engine,
    sqlite_writer,
)
from cnnkit.errors import DataError, InputError, missing_extra

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from sqlalchemy import Connection, Engine

try:
    import sqlalchemy as sql
except ImportError as error:  # pragma: no cover
    raise missing_extra("SQLAlchemy", "board", "the hand-in server") from error

metadata = sql.MetaData()
TOKENS = sql.Table(
    "cnnkit_board_tokens",
    metadata,
    sql.Column("hash", sql.String(64), primary_key=True),
    sql.Column("person", sql.String(200), nullable=False, index=True),
    sql.Column("staff", sql.Boolean, nullable=False),
    sql.Column("created", sql.String(40), nullable=False),
    sql.Column("revoked", sql.String(40)),
)
SESSIONS = sql.Table(
    "cnnkit_board_sessions",
    metadata,
    sql.Column("hash", sql.String(64), primary_key=True),
    sql.Column("token", sql.String(64), nullable=False),
    sql.Column("expires", sql.String(40), nullable=False),
)
HAND_INS = sql.Table(
    "cnnkit_board_hand_ins",
    metadata,
    sql.Column("id", sql.String(32), primary_key=True),
    sql.Column("student", sql.String(200), nullable=False, index=True),
    sql.Column("submitted", sql.String(40), nullable=False),
    sql.Column("accepted", sql.Boolean, nullable=False),
    sql.Column("fingerprint", sql.String(64), nullable=False),
    sql.Column("files", sql.Text, nullable=False),
    sql.Column("findings", sql.Text, nullable=False),
    sql.Column("checked", sql.String(16), nullable=False),
    sql.Column("again", sql.Boolean, nullable=False),
    sql.Column("circumstances", sql.String(64), index=True),
    sql.Column("result", sql.Text),
)
"""`circumstances` is the digest of those under which `result` was made: with others a hand-in is graded again."""
SETTINGS = sql.Table(
    "cnnkit_board_settings",
    metadata,
    sql.Column("name", sql.String(40), primary_key=True),
    sql.Column("value", sql.Text, nullable=False),
)
EXPORTS = sql.Table(
    "cnnkit_board_exports",
    metadata,
    sql.Column("id", sql.String(32), primary_key=True),
    sql.Column("requested", sql.String(40), nullable=False),
    sql.Column("person", sql.String(200), nullable=False),
    sql.Column("finished", sql.String(40)),
    sql.Column("failure", sql.Text),
)
EVENTS = sql.Table(
    "cnnkit_board_events",
    metadata,
    sql.Column("number", sql.Integer, primary_key=True),
    sql.Column("time", sql.String(40), nullable=False),
    sql.Column("person", sql.String(200), nullable=False),
    sql.Column("text", sql.Text, nullable=False),
)


def open_tables(place: str | Path) -> Engine:
    """The database of a hand-in server, begun where there is none.

    Args:
        place: A file, for SQLite, or `postgresql://user@host/database`.

    Raises:
        InputError: Another kind of database.
        DataError: It cannot be reached.
        MissingExtraError: The driver for PostgreSQL is not installed.
    """
    url = database_url(place)
    kind = url.get_backend_name()
    if kind not in ("sqlite", "postgresql"):
        raise InputError("a database of SQLite or PostgreSQL", kind, "Leave --database out to use a file.")
    file = Path(url.database or "")
    try:
        if kind == "sqlite":
            private_file(file)
        engine = sqlite_engine(lambda: sqlite_writer(file)) if kind == "sqlite" else postgresql_engine(url)
        with writing(engine) as connection:
            metadata.create_all(connection)
    except ModuleNotFoundError as error:
        raise missing_extra("psycopg", "board", "a database in PostgreSQL") from error
    except (sql.exc.DBAPIError, OSError) as error:
        received = str(getattr(error, "orig", error)).strip()
        shown = url.render_as_string(hide_password=True)
        raise DataError(f"a database at {shown}", received, "Give a folder of yours, or a database.") from error
    return engine


def writing(engine: Engine) -> AbstractContextManager[Connection]:
    """A transaction that no other writer of these tables shares."""
    return alone(engine, "cnnkit_board")


def stamp(time: datetime) -> str:
    """A time as the tables keep it: UTC, to the microsecond, so that text sorts as times do."""
    return time.astimezone(UTC).isoformat(timespec="microseconds")


def now() -> datetime:
    """The time."""
    return datetime.now(UTC)
