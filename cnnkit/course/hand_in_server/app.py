"""The web application: routes, who may call them, and what errors look like."""

from __future__ import annotations

import errno
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI, Request, Response
from fastapi.responses import RedirectResponse
from sqlalchemy.exc import DBAPIError
from starlette.exceptions import HTTPException

from cnnkit.course.hand_in_server import staff_pages, student_pages
from cnnkit.course.hand_in_server.board import Board
from cnnkit.course.hand_in_server.checks import Checks
from cnnkit.course.hand_in_server.hand_ins import kept_files
from cnnkit.course.hand_in_server.pages import message, wants_json
from cnnkit.course.hand_in_server.rules import NotNowError
from cnnkit.course.hand_in_server.security import SecurityHeaders, SignInFirstError, Visitor, visitor

NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
NO_ROOM_STATES = ("53100",)  # PostgreSQL: disk_full
FULL = "The server's disk is full. Tell course staff; nothing of yours was counted."
SENTENCES = {404: "There is no such page.", 405: "This page cannot do that.", 422: "The form is not filled in."}


def application(board: Board, checks: Checks) -> FastAPI:
    """The web application of a board.

    Args:
        board: What it works on.
        checks: The gate.
    """

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        board.store.sweep(lambda: kept_files(board.engine))
        yield

    # No pages of documentation: they would load scripts from elsewhere.
    app = FastAPI(title="cnnkit board", lifespan=lifespan, docs_url=None, redoc_url=None, openapi_url=None)
    app.state.board, app.state.checks, app.state.uploading = board, checks, set()
    app.add_middleware(SecurityHeaders)
    app.include_router(student_pages.router)
    app.include_router(staff_pages.router)
    app.exception_handler(SignInFirstError)(_sign_in_first)
    app.exception_handler(NotNowError)(_not_now)
    app.exception_handler(HTTPException)(_http_error)
    app.exception_handler(OSError)(_no_room)
    app.exception_handler(DBAPIError)(_no_room)
    return app


def _sign_in_first(request: Request, error: SignInFirstError) -> Response:
    if wants_json(request) or request.method != "GET":
        return message(request, 401, "Sign in with your token first.", headers={"WWW-Authenticate": "Bearer"})
    return RedirectResponse("/sign-in", 303)


def _not_now(request: Request, error: NotNowError) -> Response:
    headers = {} if error.seconds is None else {"Retry-After": str(error.seconds)}
    return message(request, error.status, error.message, guest=_guest(request), headers=headers)


def _http_error(request: Request, error: HTTPException) -> Response:
    standard = HTTPException(error.status_code).detail
    text = error.detail if error.detail != standard else SENTENCES.get(error.status_code, standard)
    return message(request, error.status_code, text, guest=_guest(request), headers=error.headers)


def _no_room(request: Request, error: OSError | DBAPIError) -> Response:
    """507 where a disk is full; anything else is a fault of ours, told without details."""
    number = getattr(error, "errno", None)
    original = getattr(error, "orig", None)
    full = number in NO_ROOM or "is full" in str(original) or getattr(original, "sqlstate", "") in NO_ROOM_STATES
    if not full:
        raise error
    return message(request, 507, FULL, guest=None)


def _guest(request: Request) -> Visitor | None:
    try:
        return visitor(request)
    except SignInFirstError:
        return None
