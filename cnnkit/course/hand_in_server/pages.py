"""Pages by Jinja2: every word is escaped, nothing on them runs."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, tzinfo
from functools import lru_cache
from pathlib import Path
from typing import Any

from fastapi import Request, Response
from fastapi.responses import HTMLResponse, JSONResponse

from cnnkit.course.hand_in_server.security import Visitor, board_of
from cnnkit.errors import missing_extra

try:
    import jinja2
except ImportError as error:  # pragma: no cover
    raise missing_extra("Jinja2", "board", "the hand-in server") from error

FOLDER = Path(__file__).with_name("pages")
STYLE = "style.css"


@lru_cache(maxsize=1)
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(FOLDER), autoescape=True, undefined=jinja2.StrictUndefined
    )
    environment.filters |= {"percent": percent, "amount": amount, "moment": moment}
    return environment


def page(
    request: Request, template: str, values: Mapping[str, Any], *, guest: Visitor | None = None, status: int = 200
) -> HTMLResponse:
    """A page.

    Args:
        request: What asks for it.
        template: Name of its template, without `.html`.
        values: What the template shows.
        guest: Who is signed in.
        status: Of HTTP.
    """
    spec = board_of(request).rules.assignment
    common = {"assignment": spec, "zone": spec.zone, "guest": guest, "path": request.url.path}
    text = _environment().get_template(f"{template}.html").render(**common, **values)
    return HTMLResponse(text, status)


def message(
    request: Request, status: int, text: str, *, guest: Visitor | None = None, headers: Mapping[str, str] | None = None
) -> Response:
    """A sentence, as a page or, for programs, as JSON."""
    response: Response
    if wants_json(request):
        response = JSONResponse({"error": text}, status)
    else:
        response = page(request, "message", {"status": status, "text": text}, guest=guest, status=status)
    response.headers.update(headers or {})
    return response


def wants_json(request: Request) -> bool:
    """Whether a program asks."""
    return "application/json" in request.headers.get("accept", "")


def percent(share: float) -> str:
    """A share for people.

    >>> percent(0.8), percent(0.775)
    ('80 %', '77.5 %')
    """
    return f"{share * 100:.1f}".removesuffix(".0") + " %"


def amount(size: int) -> str:
    """A size for people.

    >>> amount(999), amount(153_217), amount(17_200_000)
    ('999 bytes', '153 KB', '17 MB')
    """
    for unit, bytes_ in (("GB", 1_000_000_000), ("MB", 1_000_000), ("KB", 1_000)):
        if size >= bytes_:
            return f"{size / bytes_:.0f} {unit}"
    return f"{size} bytes"


def moment(time: datetime | str, zone: tzinfo) -> str:
    """A time for people, in the course's zone.

    >>> from zoneinfo import ZoneInfo
    >>> moment("2026-12-18T22:59:00+00:00", ZoneInfo("Europe/Berlin"))
    'Fri 18 Dec 2026, 23:59 CET'
    """
    given = datetime.fromisoformat(time) if isinstance(time, str) else time
    return given.astimezone(zone).strftime("%a %d %b %Y, %H:%M %Z")
