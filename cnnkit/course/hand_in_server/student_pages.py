"""What students see and do: sign in, hand in, their own attempts and files, the board."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator, Sequence
from dataclasses import asdict
from typing import Any
from urllib.parse import quote

from fastapi import APIRouter, HTTPException, Request, Response
from fastapi.responses import FileResponse, JSONResponse, RedirectResponse
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect

from cnnkit.course.hand_in_server import hand_ins, leaderboard
from cnnkit.course.hand_in_server.board import Board
from cnnkit.course.hand_in_server.checks import Checks
from cnnkit.course.hand_in_server.hand_ins import HandIn
from cnnkit.course.hand_in_server.pages import FOLDER, STYLE, page, wants_json
from cnnkit.course.hand_in_server.rules import NotNowError
from cnnkit.course.hand_in_server.security import (
    Board_,
    FormFields,
    OwnForm,
    SignedIn,
    Visitor,
    end_session,
    require_own,
    require_same_origin,
    set_session,
)
from cnnkit.course.hand_in_server.tables import now
from cnnkit.course.hand_in_server.tokens import sign_in, sign_out
from cnnkit.course.hand_in_server.upload import most_bytes, receive, too_large
from cnnkit.course.submissions.place import Place

router = APIRouter()
SPARE_ROOM = 50_000_000
"""Bytes of the disk that are left to the database."""


@router.get("/style.css")
def style() -> FileResponse:
    """The style of all pages."""
    return FileResponse(FOLDER / STYLE, media_type="text/css", headers={"Cache-Control": "max-age=3600"})


@router.get("/favicon.ico")
def no_icon() -> Response:
    """None; browsers ask for one."""
    return Response(status_code=204)


@router.get("/sign-in")
def sign_in_page(request: Request) -> Response:
    """Asks for the token."""
    return page(request, "sign_in", {"wrong": False})


@router.post("/sign-in")
def sign_in_form(request: Request, fields: FormFields, board: Board_) -> Response:
    """Opens a session for a good token."""
    require_same_origin(request)
    session = sign_in(board.engine, fields.get("token", "").strip())
    if session is None:
        return page(request, "sign_in", {"wrong": True}, status=403)
    response = RedirectResponse("/", 303)
    set_session(request, response, session)
    return response


@router.post("/sign-out")
def sign_out_form(request: Request, fields: OwnForm, board: Board_) -> Response:
    """Ends the session."""
    for name in ("board", "__Host-board"):
        sign_out(board.engine, request.cookies.get(name, ""))
    response = RedirectResponse("/sign-in", 303)
    end_session(request, response)
    return response


@router.get("/")
def own_page(request: Request, guest: SignedIn, board: Board_) -> Response:
    """The form to hand in, and one's own attempts."""
    past = hand_ins.of_student(board.engine, guest.person.name)
    rules = board.rules
    refusal = ""
    try:
        rules.require(past, now())
    except NotNowError as error:
        refusal = error.message
    values = {
        "attempts": [_shown(each, past) for each in reversed(past)],
        "refusal": refusal,
        "left": rules.attempts_left(past),
        "left_today": rules.left_today(past, now()),
        "per_day": rules.per_day,
        "pseudonym": next((each.result.pseudonym for each in past if each.result), ""),
    }
    return page(request, "student", values, guest=guest)


@router.get("/leaderboard")
def leaderboard_page(request: Request, guest: SignedIn, board: Board_) -> Response:
    """Pseudonyms and rounded accuracies on the public rows."""
    lines = leaderboard.lines(hand_ins.accepted(board.engine), board.rules.assignment)
    if wants_json(request):
        return JSONResponse([{"rank": each.rank, "who": each.pseudonym, **asdict(each.score)} for each in lines])
    return page(request, "leaderboard", {"lines": lines}, guest=guest)


@router.get("/attempts/{identifier}")
def attempt_page(request: Request, identifier: str, guest: SignedIn, board: Board_) -> Response:
    """One attempt: what the check found, its files, what it came to."""
    attempt = _visible(board, identifier, guest)
    if wants_json(request):
        return JSONResponse(_record(attempt))
    past = hand_ins.of_student(board.engine, attempt.student)
    values = {"attempt": _shown(attempt, past), "waiting": _waits(attempt)}
    return page(request, "attempt", values, guest=guest)


@router.get("/attempts/{identifier}/files/{name:path}")
def attempt_file(identifier: str, name: str, guest: SignedIn, board: Board_) -> Response:
    """A file of an attempt, to be saved and never shown: names are looked up, not followed."""
    attempt = _visible(board, identifier, guest)
    file = attempt.files.get(name)
    if file is None or not attempt.accepted:
        raise HTTPException(404)
    headers = {"Content-Disposition": f"attachment; filename*=UTF-8''{quote(name, safe='')}"}
    return FileResponse(board.store.path(file.sha256), media_type="application/octet-stream", headers=headers)


@router.post("/attempts")
async def hand_in(request: Request, guest: SignedIn, board: Board_) -> Response:
    """Takes an upload: streamed to the disk, checked, stored, and only then answered."""
    student, busy = guest.person.name, request.app.state.uploading
    if student in busy:
        raise NotNowError(429, "Another upload of yours is still going on.", 5)
    busy.add(student)
    try:
        attempt, new = await _taken(request, guest, board, request.app.state.checks)
    except ClientDisconnect:
        return Response(status_code=400)  # nobody reads it
    finally:
        busy.discard(student)
    if wants_json(request):
        return JSONResponse(_record(attempt), (201 if new else 200) if attempt.accepted else 422)
    return RedirectResponse(f"/attempts/{attempt.id}", 303)


async def _taken(request: Request, guest: Visitor, board: Board, checks: Checks) -> tuple[HandIn, bool]:
    student, assignment = guest.person.name, board.assignment
    past = await run_in_threadpool(hand_ins.of_student, board.engine, student)
    (await run_in_threadpool(lambda: board.rules)).require(past, now())
    length = int(request.headers.get("content-length", "0") or 0)
    if length > most_bytes(assignment):
        raise too_large(assignment)
    if length + SPARE_ROOM > shutil.disk_usage(board.store.root).free:
        raise NotNowError(507, "The server's disk is full. Tell course staff; nothing of yours was counted.")
    with board.store.upload() as folder:
        form = await receive(
            request.headers.get("content-type", ""),
            _body(request),
            folder,
            assignment,
            admit=lambda fields: require_own(request, guest, fields),
        )
        if not form.files:
            require_own(request, guest, form.fields)
            raise NotNowError(400, "No file was chosen.")
        submitted = now()
        place = Place(str(folder), {name: file.path.name for name, file in form.files.items()})
        checked = await checks.check(place)
        return await run_in_threadpool(board.accept, student, submitted, form.files, checked)


async def _body(request: Request) -> AsyncIterator[bytes]:
    async for part in request.stream():
        yield part


def _visible(board: Board, identifier: str, guest: Visitor) -> HandIn:
    """An attempt of one's own, or for staff anybody's; to others it does not exist."""
    attempt = hand_ins.by_id(board.engine, identifier)
    if attempt is None or not (guest.person.staff or attempt.student == guest.person.name):
        raise HTTPException(404)
    return attempt


def _waits(attempt: HandIn) -> bool:
    return attempt.accepted and (attempt.result is None or attempt.again)


def _shown(attempt: HandIn, past: Sequence[HandIn]) -> dict[str, Any]:
    """An attempt as pages show it: its number among those that count, its state in a word, its public score."""
    counted = [each.id for each in past if each.accepted]
    result = attempt.result
    if not attempt.accepted:
        state = "refused"
    elif _waits(attempt) or result is None:
        state = "waiting"
    else:
        state = {"passed": "graded"}.get(result.outcome, result.outcome)
    return {
        "attempt": attempt,
        "number": counted.index(attempt.id) + 1 if attempt.id in counted else None,
        "state": state,
        "score": None if result is None else leaderboard.public_score(result),
    }


def _record(attempt: HandIn) -> dict[str, Any]:
    """An attempt for programs: what its student may know."""
    shown = _shown(attempt, [attempt])
    score = shown["score"]
    return {
        "id": attempt.id,
        "student": attempt.student,
        "submitted": attempt.submitted.isoformat(),
        "accepted": attempt.accepted,
        "state": shown["state"],
        "fingerprint": attempt.fingerprint,
        "files": {name: asdict(file) for name, file in attempt.files.items()},
        "findings": [asdict(finding) for finding in attempt.findings],
        "public": None if score is None else asdict(score),
    }
