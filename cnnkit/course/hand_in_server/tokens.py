"""Who may come in: personal tokens and the sessions that they open; only hashes of either are kept.

A token has 192 random bits: its SHA-256 cannot be guessed back, so no slow hash is needed.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import sqlalchemy as sql

from cnnkit.course.hand_in_server.tables import SESSIONS, TOKENS, now, stamp, writing
from cnnkit.course.submissions.identity import normalized
from cnnkit.errors import InputError

if TYPE_CHECKING:
    from sqlalchemy import Engine, Select

TOKEN_BYTES = 24
SESSION = timedelta(hours=12)
LONGEST_NAME = 100


@dataclass(frozen=True)
class Person:
    """Somebody who is signed in.

    Attributes:
        name: The identifier that results carry.
        staff: Whether they see everything.
    """

    name: str
    staff: bool


@dataclass(frozen=True)
class IssuedToken:
    """A token, as far as it is kept.

    Attributes:
        name: Whose.
        staff: Whether it is one of staff.
        created: When it was issued.
        revoked: When it was revoked; None where it is good.
        hash: The first digits of its SHA-256.
    """

    name: str
    staff: bool
    created: str
    revoked: str | None
    hash: str


def add_tokens(engine: Engine, names: Sequence[str], *, staff: bool = False) -> dict[str, str]:
    """Issues a token for each person: all of them or none; older ones stay good.

    Returns:
        Person → token. It is shown once, here.

    Raises:
        InputError: A name that no result could carry.
    """
    for name in names:
        if not name or normalized(name) != name or not name.isprintable() or len(name) > LONGEST_NAME:
            received, remedy = ascii(name), f"Give a login or a number, printable, at most {LONGEST_NAME} letters."
            raise InputError("the identifier of a person", received, remedy)
    tokens = {name: secrets.token_urlsafe(TOKEN_BYTES) for name in names}
    created = stamp(now())
    rows = [
        {"hash": _hash(token), "person": name, "staff": staff, "created": created} for name, token in tokens.items()
    ]
    with writing(engine) as connection:
        if rows:
            connection.execute(TOKENS.insert(), rows)
    return tokens


def revoke_tokens(engine: Engine, name: str) -> int:
    """Revokes all tokens of a person and ends their sessions; how many tokens were good until now."""
    with writing(engine) as connection:
        good = (TOKENS.c.person == name) & TOKENS.c.revoked.is_(None)
        hashes = list(connection.scalars(sql.select(TOKENS.c.hash).where(good)))
        connection.execute(TOKENS.update().where(good).values(revoked=stamp(now())))
        connection.execute(SESSIONS.delete().where(SESSIONS.c.token.in_(hashes)))
    return len(hashes)


def issued_tokens(engine: Engine) -> list[IssuedToken]:
    """All tokens, in the order of names and times."""
    with engine.connect() as connection:
        rows = connection.execute(sql.select(TOKENS).order_by(TOKENS.c.person, TOKENS.c.created)).all()
    return [IssuedToken(row.person, row.staff, row.created, row.revoked, row.hash[:8]) for row in rows]


def sign_in(engine: Engine, token: str, *, time: datetime | None = None) -> str | None:
    """Opens a session.

    Returns:
        Its secret, for a cookie; None where the token is not good.
    """
    if person_of_token(engine, token) is None:  # whoever guesses keeps no writer waiting
        return None
    began = time or now()
    secret = secrets.token_urlsafe(TOKEN_BYTES)
    with writing(engine) as connection:
        connection.execute(SESSIONS.delete().where(SESSIONS.c.expires < stamp(began)))
        row = {"hash": _hash(secret), "token": _hash(token), "expires": stamp(began + SESSION)}
        connection.execute(SESSIONS.insert(), row)
    return secret


def sign_out(engine: Engine, secret: str) -> None:
    """Ends a session."""
    with writing(engine) as connection:
        connection.execute(SESSIONS.delete().where(SESSIONS.c.hash == _hash(secret)))


def person_of_session(engine: Engine, secret: str, *, time: datetime | None = None) -> Person | None:
    """Whose session it is, as long as it lasts and its token is good."""
    chosen = (
        sql.select(TOKENS.c.person, TOKENS.c.staff)
        .join(SESSIONS, SESSIONS.c.token == TOKENS.c.hash)
        .where(SESSIONS.c.hash == _hash(secret), SESSIONS.c.expires > stamp(time or now()), TOKENS.c.revoked.is_(None))
    )
    with engine.connect() as connection:
        row = connection.execute(chosen).first()
    return None if row is None else Person(row.person, row.staff)


def person_of_token(engine: Engine, token: str) -> Person | None:
    """Whose token it is, if it is good."""
    with engine.connect() as connection:
        row = connection.execute(_good(token)).first()
    return None if row is None else Person(row.person, row.staff)


def form_secret(session: str) -> str:
    """What every form of a session carries: another site can send the cookie along, and does not know this."""
    return hmac.new(session.encode(), b"form", hashlib.sha256).hexdigest()


def _good(token: str) -> Select[tuple[str, bool]]:
    chosen = sql.select(TOKENS.c.person, TOKENS.c.staff)
    return chosen.where(TOKENS.c.hash == _hash(token), TOKENS.c.revoked.is_(None))


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "backslashreplace")).hexdigest()
