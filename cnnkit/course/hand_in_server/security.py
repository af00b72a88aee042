"""What stands between a request and the board: who it is, whether a form is our own, and what browsers may do."""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from typing import Annotated
from urllib.parse import parse_qs, urlsplit

from fastapi import Depends, HTTPException, Request, Response
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from cnnkit.course.hand_in_server.board import Board
from cnnkit.course.hand_in_server.tokens import SESSION, Person, form_secret, person_of_session, person_of_token

FORM_BYTES = 10_000
MOST_FIELDS = 50
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Cache-Control": "no-store",
}
"""Pages have no script at all, and their style is a file of this server."""
HSTS = "max-age=31536000"


@dataclass(frozen=True)
class Visitor:
    """Who asks.

    Attributes:
        person: Who is signed in.
        form: What each of their forms has to carry; "" where they came with a token, which no other site can send.
    """

    person: Person
    form: str


class SignInFirstError(Exception):
    """Nobody is signed in."""


def board_of(request: Request) -> Board:
    """The board that this server works on."""
    board: Board = request.app.state.board
    return board


def visitor(request: Request) -> Visitor:
    """Who asks, by the cookie of a session or `Authorization: Bearer TOKEN`.

    Raises:
        SignInFirstError: Nobody whom the board knows.
    """
    engine = board_of(request).engine
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        person = person_of_token(engine, token.strip())
        if person is not None:
            return Visitor(person, "")
        raise SignInFirstError
    session = request.cookies.get(cookie_name(request), "")
    person = person_of_session(engine, session) if session else None
    if person is None:
        raise SignInFirstError
    return Visitor(person, form_secret(session))


Board_ = Annotated[Board, Depends(board_of)]
SignedIn = Annotated[Visitor, Depends(visitor)]


def staff(guest: SignedIn) -> Visitor:
    """Who asks, if they are staff; to others such a page does not exist."""
    if not guest.person.staff:
        raise HTTPException(404)
    return guest


Staff = Annotated[Visitor, Depends(staff)]


async def small_form(request: Request) -> dict[str, str]:
    """The fields of a form without files.

    Raises:
        HTTPException: It is too large, or has too many fields.
    """
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > FORM_BYTES:
            raise HTTPException(413, "The form is too large.")
    try:
        fields = parse_qs(body.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=MOST_FIELDS)
    except ValueError as error:
        raise HTTPException(400, f"A form of at most {MOST_FIELDS} fields.") from error
    return {name: values[-1] for name, values in fields.items()}


FormFields = Annotated[dict[str, str], Depends(small_form)]


def own_form(request: Request, fields: FormFields, guest: SignedIn) -> dict[str, str]:
    """The fields of a form of our own pages.

    Raises:
        HTTPException: Another site sent it.
    """
    require_own(request, guest, fields)
    return fields


OwnForm = Annotated[dict[str, str], Depends(own_form)]


def require_own(request: Request, guest: Visitor, fields: dict[str, str]) -> None:
    """Refuses a form that another site made the browser send.

    Raises:
        HTTPException: It comes from elsewhere, or does not carry what our pages put into it.
    """
    if guest.form:
        require_same_origin(request)
        if not hmac.compare_digest(fields.get("form", "").encode(), guest.form.encode()):
            raise HTTPException(403, "This form is not of this page, or too old. Load the page again.")


def require_same_origin(request: Request) -> None:
    """Refuses what the browser itself says was sent by another site.

    Raises:
        HTTPException: `Origin` or `Sec-Fetch-Site` names another site.
    """
    origin = urlsplit(request.headers.get("origin", ""))
    if request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        raise HTTPException(403, "This form was sent by another site.")
    if request.headers.get("origin") is None:
        return
    if origin.netloc != request.headers.get("host"):
        raise HTTPException(403, "This form was sent by another site, or a reverse proxy does not pass Host on.")
    if origin.scheme != request.url.scheme:
        raise HTTPException(
            403,
            f"This page is reached by {origin.scheme}, and the server is told {request.url.scheme}. "
            "Behind a reverse proxy start it with --trust-proxy ADDRESS.",
        )


def cookie_name(request: Request) -> str:
    """What the session's cookie is called; behind https no other host and no http page can set one of that name."""
    return "__Host-board" if request.url.scheme == "https" else "board"


def set_session(request: Request, response: Response, session: str) -> None:
    """Gives the browser its session: no script reads it, no other site's form brings it along."""
    response.set_cookie(
        cookie_name(request),
        session,
        max_age=int(SESSION.total_seconds()),
        path="/",
        secure=request.url.scheme == "https",
        httponly=True,
        samesite="lax",
    )


def end_session(request: Request, response: Response) -> None:
    """Takes the session's cookie away."""
    secure = request.url.scheme == "https"
    response.delete_cookie(cookie_name(request), path="/", secure=secure, httponly=True, samesite="lax")


class SecurityHeaders:
    """Puts the headers on every answer, errors included.

    Args:
        app: What answers.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers a request."""

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
                if scope.get("scheme") == "https":
                    headers["Strict-Transport-Security"] = HSTS
            await send(message)

        await self._app(scope, receive, sending)
