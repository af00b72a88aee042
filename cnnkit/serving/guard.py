"""What stands before every route: who may ask, how long it may take, what a browser may do, and what is counted."""

from __future__ import annotations

import asyncio
import hmac
import json
import re
import time
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from cnnkit.serving.limits import Limits
from cnnkit.serving.meters import Meters
from cnnkit.serving.refusals import RETRY_AFTER, RequestError, body_of

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

HEADERS = (
    (
        b"content-security-policy",
        b"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; connect-src 'self'; "
        b"base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    ),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(self), microphone=(), geolocation=()"),
    (b"cache-control", b"no-store"),
)
# Paths that hold no secret: the page asks for the token itself, and orchestrators ask whether the server lives.
OPEN = ("/", "/page.js", "/page.css", "/v2/health/live", "/v2/health/ready")
# Of an address: Python refuses to read the thousands of digits of a version.
MOST_CHARACTERS = 2_000
PORT = re.compile(r":\d*$")
# How a path begins → what the meters call it.
INTERFACES = {"/v1/": "tensorflow_serving", "/v2": "open_inference", "/predict": "predict", "/gradcam": "gradcam"}


class Guard:
    """An ASGI application before another one.

    Args:
        app: What answers.
        limits: How long it may take.
        meters: What counts.
        token: What a client has to send as `Authorization: Bearer TOKEN`; "" for none.
        hosts: Names by which the server may be asked for, () for any. A page of elsewhere whose name was made to point
            to this machine has another name.

    Without a token, what a browser sends for a page of another origin is refused: a form may be posted anywhere.
    """

    def __init__(self, app: App, *, limits: Limits, meters: Meters, token: str, hosts: tuple[str, ...]) -> None:
        self._app = app
        self._limits = limits
        self._meters = meters
        self._token = token.encode()
        self._hosts = tuple(host.lower() for host in hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes a request on, or refuses it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started, status, arrived = time.perf_counter(), 0, False

        async def sending(message: MutableMapping[str, Any]) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                retry = [(b"retry-after", RETRY_AFTER.encode())] if status == 503 else []
                message = {**message, "headers": [*message.get("headers", ()), *HEADERS, *retry]}
            await send(message)

        async def receiving() -> MutableMapping[str, Any]:
            nonlocal arrived
            message = await receive()
            arrived = arrived or not message.get("more_body", False)
            return message

        try:
            refusal = self._refusal(scope)
            if refusal is None:
                refusal = await self._passed_on(scope, receiving, sending, lambda: arrived)
            if refusal is not None and not status:
                await _refuse(refusal, scope["path"], sending)
        except Exception:
            status = status or 500
            raise
        finally:
            interface = next((name for begin, name in INTERFACES.items() if scope["path"].startswith(begin)), "page")
            self._meters.requests.labels(interface, str(status)).inc()
            self._meters.seconds.labels(interface).observe(time.perf_counter() - started)

    async def _passed_on(
        self, scope: Scope, receive: Receive, send: Send, arrived: Callable[[], bool]
    ) -> RequestError | None:
        """None of a request that was answered in time."""
        seconds = self._limits.seconds
        try:
            async with asyncio.timeout(seconds):
                await self._app(scope, receive, send)
        except TimeoutError:
            what, status = ("an answer", 504) if arrived() else ("a whole request", 408)
            return RequestError(
                status, f"{what} within {seconds:g} s", "none", "Send fewer pictures, or try again later."
            )
        return None

    def _refusal(self, scope: Scope) -> RequestError | None:
        if (length := len(scope["path"])) > MOST_CHARACTERS:
            expected = f"an address of at most {MOST_CHARACTERS:,} characters"
            return RequestError(404, expected, f"{length:,}", "GET / is a page.")
        headers = dict(scope["headers"])
        address = headers.get(b"host", b"").decode("latin-1").lower()
        host = PORT.sub("", address)
        if self._hosts and host not in self._hosts:
            return RequestError(
                421, f"the host {' or '.join(self._hosts)}", repr(host)[:100], "Ask for it by that name."
            )
        origin = headers.get(b"origin", b"").decode("latin-1").lower()
        if origin and not self._token and origin.partition("://")[2] != address:
            return RequestError(403, f"a page of {address}"[:100], repr(origin)[:100], "Start the server with --token.")
        sent = headers.get(b"authorization", b"").removeprefix(b"Bearer ")
        if self._token and scope["path"] not in OPEN and not hmac.compare_digest(sent, self._token):
            received = "another" if sent else "none"
            return RequestError(401, "the token of the server", received, "Send Authorization: Bearer TOKEN.")
        return None


async def _refuse(refusal: RequestError, path: str, send: Send) -> None:
    body = json.dumps(body_of(refusal, path)).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    # The rest of a body that never comes must not be taken for the next request.
    headers += [(b"connection", b"close")] if refusal.status == 408 else []
    headers += [(b"www-authenticate", b"Bearer")] if refusal.status == 401 else []
    await send({"type": "http.response.start", "status": refusal.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
