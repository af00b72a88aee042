"""The server as one ASGI application: the interfaces, the page and the guard before them, joined."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from functools import partial
from importlib.resources import files
from pathlib import Path

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from starlette.exceptions import HTTPException

import cnnkit
from cnnkit.errors import CnnkitError
from cnnkit.serving import open_inference, people, tensorflow_serving
from cnnkit.serving.guard import Guard
from cnnkit.serving.limits import Limits
from cnnkit.serving.meters import Meters
from cnnkit.serving.refusals import RequestError, body_of, status_of
from cnnkit.serving.repository import Repository
from cnnkit.serving.served import Handler, Served
from cnnkit.transfer.network import Network

# Of the page: address → file and type.
PAGE = {
    "/": ("index.html", "text/html; charset=utf-8"),
    "/page.js": ("page.js", "text/javascript; charset=utf-8"),
    "/page.css": ("page.css", "text/css; charset=utf-8"),
}
PROMETHEUS = "text/plain; version=0.0.4; charset=utf-8"
LOG = logging.getLogger("cnnkit.serving")


def application(
    models: Mapping[str, Network | Path],
    *,
    limits: Limits,
    token: str,
    hosts: tuple[str, ...],
    versions: int,
    reload_seconds: float,
) -> FastAPI:
    """The application; arguments as of `ck.serving.app`, checked."""
    meters = Meters()
    handler = Handler(limits, meters)
    repository = Repository(partial(Served, limits=limits, meters=meters), meters, versions=versions)
    for name, network in models.items():
        repository.add(name, network)

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        watch = asyncio.create_task(repository.watch(reload_seconds))
        yield
        watch.cancel()
        with suppress(asyncio.CancelledError):
            await watch
        handler.close()

    # Its pages of documentation load scripts from elsewhere.
    app = FastAPI(title="cnnkit", version=cnnkit.__version__, docs_url=None, redoc_url=None, lifespan=lifespan)
    app.add_middleware(Guard, limits=limits, meters=meters, token=token, hosts=hosts)
    app.add_exception_handler(CnnkitError, _told)
    app.add_exception_handler(HTTPException, _no_route)
    app.add_exception_handler(RequestValidationError, _wrong_parameter)
    app.add_exception_handler(Exception, _broken)
    for interface in (tensorflow_serving, open_inference, people):
        app.include_router(interface.router(repository, handler))
    _add_page(app)

    @app.get("/metrics")
    async def metrics() -> Response:
        return Response(meters.text(), media_type=PROMETHEUS)

    app.state.repository = repository
    return app


def _add_page(app: FastAPI) -> None:
    folder = files("cnnkit.serving") / "page"
    for address, (name, kind) in PAGE.items():
        content = (folder / name).read_bytes()
        app.add_api_route(address, partial(_page, content, kind), methods=["GET"], include_in_schema=False)


def _page(content: bytes, kind: str) -> Response:
    return Response(content, media_type=kind)


async def _told(request: Request, error: Exception) -> Response:
    if not isinstance(error, CnnkitError):  # never: the handler is that of these
        raise error
    return JSONResponse(body_of(error, request.url.path), status_of(error))


async def _no_route(request: Request, error: Exception) -> Response:
    status = getattr(error, "status_code", 404)
    refusal = RequestError(
        status,
        "an address and a method of this server",
        f"{request.method} {request.url.path}"[:200],
        "GET / is a page.",
    )
    return JSONResponse(body_of(refusal, request.url.path), status, headers=getattr(error, "headers", None))


async def _wrong_parameter(request: Request, error: Exception) -> Response:
    refusal = RequestError(422, "parameters of the right type", str(error)[:200], "A version is a whole number.")
    return JSONResponse(body_of(refusal, request.url.path), refusal.status)


async def _broken(request: Request, error: Exception) -> Response:
    LOG.error("%s %s failed", request.method, request.url.path, exc_info=error)
    refusal = RequestError(500, "an answer", f"a fault of the server, {type(error).__name__}", "Its log says more.")
    return JSONResponse(body_of(refusal, request.url.path), refusal.status)
