"""Tokens and sessions: good until they are revoked or too old, and nowhere in the database."""

from __future__ import annotations

from datetime import timedelta

import pytest

from cnnkit.course.hand_in_server.board import DATABASE_FILE, Board
from cnnkit.course.hand_in_server.tables import now
from cnnkit.course.hand_in_server.tokens import (
    SESSION,
    Person,
    add_tokens,
    form_secret,
    issued_tokens,
    person_of_session,
    person_of_token,
    revoke_tokens,
    sign_in,
    sign_out,
)
from cnnkit.errors import InputError


def test_a_token_opens_sessions_until_it_is_revoked(board: Board) -> None:
    engine = board.engine
    tokens = add_tokens(engine, ["ada", "bo"]) | add_tokens(engine, ["prof"], staff=True)
    assert len(set(tokens.values())) == 3
    assert person_of_token(engine, tokens["prof"]) == Person("prof", staff=True)
    sessions = {name: sign_in(engine, token) or "" for name, token in tokens.items()}
    assert person_of_session(engine, sessions["ada"]) == Person("ada", staff=False)
    assert sign_in(engine, tokens["ada"] + "x") is None
    assert revoke_tokens(engine, "ada") == 1
    assert person_of_session(engine, sessions["ada"]) is None
    assert person_of_token(engine, tokens["ada"]) is None
    assert sign_in(engine, tokens["ada"]) is None
    assert person_of_session(engine, sessions["bo"]) is not None
    sign_out(engine, sessions["bo"])
    assert person_of_session(engine, sessions["bo"]) is None
    assert [(each.name, each.revoked is None) for each in issued_tokens(engine)] == [
        ("ada", False),
        ("bo", True),
        ("prof", True),
    ]


def test_a_session_ends_by_itself(board: Board) -> None:
    (token,) = add_tokens(board.engine, ["ada"]).values()
    session = sign_in(board.engine, token) or ""
    late = now() + SESSION
    assert person_of_session(board.engine, session, time=late - timedelta(minutes=1)) is not None
    assert person_of_session(board.engine, session, time=late + timedelta(minutes=1)) is None


def test_no_secret_is_in_the_database(board: Board) -> None:
    (token,) = add_tokens(board.engine, ["ada"]).values()
    session = sign_in(board.engine, token) or ""
    board.engine.dispose()
    stored = b"".join(file.read_bytes() for file in board.store.root.glob(f"{DATABASE_FILE}*"))
    assert b"ada" in stored
    for secret in (token, session, form_secret(session)):
        assert secret.encode() not in stored


@pytest.mark.parametrize("name", ["", " ada", "a\nb", "a\u202eb", "x" * 101])
def test_names_that_no_result_could_carry_get_none(board: Board, name: str) -> None:
    with pytest.raises(InputError, match="identifier of a person"):
        add_tokens(board.engine, ["bo", name])
    assert issued_tokens(board.engine) == []
