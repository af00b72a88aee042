"""What staff sees and does: everybody's hand-ins, open and close, the deadline, grading again, gradebooks."""

from __future__ import annotations

import re
from collections import Counter
from datetime import datetime

from fastapi import APIRouter, Depends, HTTPException, Request, Response
from fastapi.responses import FileResponse, JSONResponse, RedirectResponse

from cnnkit.course.hand_in_server import hand_ins, leaderboard, settings
from cnnkit.course.hand_in_server.pages import page, wants_json
from cnnkit.course.hand_in_server.rules import NotNowError
from cnnkit.course.hand_in_server.security import Board_, OwnForm, Staff, staff
from cnnkit.course.hand_in_server.tokens import issued_tokens

YEARS = range(2001, 2200)
"""Of deadlines: near the last year that there is, no time can be shown in another zone."""
router = APIRouter(prefix="/staff", dependencies=[Depends(staff)])


@router.get("")
def staff_page(request: Request, guest: Staff, board: Board_) -> Response:
    """The class: who stands where by all rows, what waits, and what staff can do."""
    students = hand_ins.accepted(board.engine)
    public = {line.student: line for line in leaderboard.lines(students, board.rules.assignment)}
    refused = hand_ins.refused(board.engine)
    invited = {each.name for each in issued_tokens(board.engine) if not each.staff}
    rows = [
        {"student": name, "tries": students.get(name, []), "refused": refused.get(name, 0), "line": public.get(name)}
        for name in sorted({*students, *refused, *invited})
    ]
    counts = Counter(
        "waiting" if each.result is None or each.again else each.result.outcome
        for tries in students.values()
        for each in tries
    )
    if wants_json(request):
        return JSONResponse({"students": {name: len(tries) for name, tries in students.items()}, "counts": counts})
    values = {
        "rows": rows,
        "counts": counts,
        "total": sum(map(len, students.values())),
        "open": settings.is_open(board.engine),
        "exports": settings.exports(board.engine),
        "events": settings.events(board.engine),
        "deadline": board.rules.assignment.deadline,
        "waiting": any(each.finished is None for each in settings.exports(board.engine)),
    }
    return page(request, "staff", values, guest=guest)


@router.get("/students/{student:path}")
def student_page(request: Request, student: str, guest: Staff, board: Board_) -> Response:
    """All that one student handed in, refused uploads too."""
    past = hand_ins.of_student(board.engine, student)
    if not past:
        raise HTTPException(404)
    return page(request, "staff_student", {"student": student, "past": past[::-1]}, guest=guest)


@router.post("/open")
def open_or_close(fields: OwnForm, guest: Staff, board: Board_) -> Response:
    """Lets people hand in, or not."""
    settings.set_open(board.engine, fields.get("open") == "yes", person=guest.person.name)
    return RedirectResponse("/staff", 303)


@router.post("/deadline")
def set_deadline(fields: OwnForm, guest: Staff, board: Board_) -> Response:
    """Sets another deadline, in the course's zone where the field names none."""
    try:
        deadline = datetime.fromisoformat(fields.get("deadline", ""))
    except ValueError as error:
        raise NotNowError(422, "Expected a time such as 2026-12-18T23:59.") from error
    if deadline.year not in YEARS:
        raise NotNowError(422, f"Expected a year from {YEARS[0]} to {YEARS[-1]}.")
    if deadline.tzinfo is None:
        deadline = deadline.replace(tzinfo=board.assignment.zone)
    settings.set_deadline(board.engine, deadline, person=guest.person.name)
    return RedirectResponse("/staff", 303)


@router.post("/regrade")
def regrade(fields: OwnForm, guest: Staff, board: Board_) -> Response:
    """Asks the grader to look at a hand-in again: one that it failed on is graded anew."""
    identifier = fields.get("id", "")
    if not hand_ins.grade_again(board.engine, identifier):
        raise HTTPException(404)
    settings.note(board.engine, guest.person.name, f"asked to grade {identifier} again")
    board.wake()
    return RedirectResponse(f"/attempts/{identifier}", 303)


@router.post("/exports")
def request_export(fields: OwnForm, guest: Staff, board: Board_) -> Response:
    """Asks the grader for all gradebooks."""
    identifier = hand_ins.new_id()
    settings.request_export(board.engine, identifier, person=guest.person.name)
    board.wake()
    return RedirectResponse(f"/staff#{identifier}", 303)


@router.get("/exports/{identifier}.zip")
def download_export(identifier: str, board: Board_) -> Response:
    """The gradebooks, once they are there."""
    path = board.store.exports / f"{identifier}.zip"
    if not re.fullmatch("[0-9a-f]{16}", identifier) or not path.is_file():
        raise HTTPException(404)
    headers = {"Content-Disposition": f'attachment; filename="grades-{identifier}.zip"'}
    return FileResponse(path, media_type="application/zip", headers=headers)
