"""What staff decides while the server runs: open or closed, the deadline; and the log of who did what."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

import sqlalchemy as sql

from cnnkit.course.hand_in_server.tables import EVENTS, EXPORTS, SETTINGS, now, stamp, writing
from cnnkit.course.submissions.assignment import Assignment

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine


@dataclass(frozen=True)
class Event:
    """Something that staff did.

    Attributes:
        time: When, as `stamp` writes it.
        person: Who.
        text: What.
    """

    time: str
    person: str
    text: str


@dataclass(frozen=True)
class Export:
    """A set of gradebooks that staff asked for.

    Attributes:
        id: Of the request.
        requested: When.
        person: Who.
        finished: When it was there, or failed; None until then.
        failure: Why there is none.
    """

    id: str
    requested: str
    person: str
    finished: str | None
    failure: str | None


def board_id(engine: Engine, *, begin: bool) -> str | None:
    """The random id of the board: where the database has none a new one if it shall begin, else None."""
    with writing(engine) as connection:
        identifier: str | None = connection.scalar(sql.select(SETTINGS.c.value).where(SETTINGS.c.name == "board"))
        if identifier is None and begin:
            identifier = secrets.token_hex(16)
            connection.execute(SETTINGS.insert(), {"name": "board", "value": identifier})
    return identifier


def is_open(engine: Engine) -> bool:
    """Whether people may hand in; they may until staff closes."""
    return _values(engine).get("open", "yes") == "yes"


def set_open(engine: Engine, value: bool, *, person: str) -> None:
    """Opens or closes handing in."""
    _set(engine, "open", "yes" if value else "no", person, "opened handing in" if value else "closed handing in")


def set_deadline(engine: Engine, deadline: datetime, *, person: str) -> None:
    """Sets another deadline for everybody than the assignment's."""
    text = deadline.isoformat()
    _set(engine, "deadline", text, person, f"set the deadline to {text}")


def in_force(engine: Engine, assignment: Assignment) -> Assignment:
    """The assignment with the deadline that holds."""
    deadline = _values(engine).get("deadline")
    if deadline is None:
        return assignment
    return assignment.model_copy(update={"deadline": datetime.fromisoformat(deadline)})


def note(engine: Engine, person: str, text: str) -> None:
    """Writes into the log."""
    with writing(engine) as connection:
        _note(connection, person, text)


def note_once(engine: Engine, person: str, text: str) -> None:
    """Writes into the log, unless the last entry of that person says the same."""
    with writing(engine) as connection:
        last = sql.select(EVENTS.c.text).where(EVENTS.c.person == person).order_by(EVENTS.c.number.desc()).limit(1)
        if connection.scalar(last) != text:
            _note(connection, person, text)


def events(engine: Engine, most: int = 50) -> list[Event]:
    """The last entries of the log, the newest first."""
    with engine.connect() as connection:
        rows = connection.execute(sql.select(EVENTS).order_by(EVENTS.c.number.desc()).limit(most)).all()
    return [Event(row.time, row.person, row.text) for row in rows]


def request_export(engine: Engine, identifier: str, *, person: str) -> None:
    """Asks for gradebooks."""
    with writing(engine) as connection:
        connection.execute(EXPORTS.insert(), {"id": identifier, "requested": stamp(now()), "person": person})
        _note(connection, person, "asked for gradebooks")


def finish_export(engine: Engine, identifier: str, failure: str | None = None) -> None:
    """Says that gradebooks are there, or why not."""
    with writing(engine) as connection:
        values = {"finished": stamp(now()), "failure": failure}
        connection.execute(EXPORTS.update().where(EXPORTS.c.id == identifier).values(**values))


def exports(engine: Engine, *, waiting: bool = False) -> list[Export]:
    """The requests for gradebooks, the newest first; or only those that wait."""
    chosen = sql.select(EXPORTS).order_by(EXPORTS.c.requested.desc())
    with engine.connect() as connection:
        rows = connection.execute(chosen.where(EXPORTS.c.finished.is_(None)) if waiting else chosen.limit(20)).all()
    return [Export(row.id, row.requested, row.person, row.finished, row.failure) for row in rows]


def _values(engine: Engine) -> dict[str, str]:
    with engine.connect() as connection:
        return {row.name: row.value for row in connection.execute(sql.select(SETTINGS))}


def _set(engine: Engine, name: str, value: str, person: str, text: str) -> None:
    with writing(engine) as connection:
        connection.execute(SETTINGS.delete().where(SETTINGS.c.name == name))
        connection.execute(SETTINGS.insert(), {"name": name, "value": value})
        _note(connection, person, text)


def _note(connection: Connection, person: str, text: str) -> None:
    connection.execute(EVENTS.insert(), {"time": stamp(now()), "person": person, "text": text})
