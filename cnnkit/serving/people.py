"""The plain interface, for people, their scripts and the page: files in a form, the head's table as JSON."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from itertools import chain, count
from typing import Any

import cv2
import numpy as np
from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response
from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser

from cnnkit.errors import InputError
from cnnkit.serving.bodies import body_of
from cnnkit.serving.pictures import photograph_of
from cnnkit.serving.refusals import RequestError
from cnnkit.serving.repository import Repository
from cnnkit.serving.served import Answer, Handler, Served
from cnnkit.serving.tables import rows_of
from cnnkit.transfer.network import Network
from cnnkit.visualize.class_activation import EXPLAINED, gradcam, overlay
from cnnkit.visualize.class_colours import class_colours

FORM = "multipart/form-data"
REMEDY = "curl -F files=@cat.jpg http://127.0.0.1:8000/predict sends one."
Files = list[tuple[str, bytes]]


def router(repository: Repository, handler: Handler) -> APIRouter:
    """/predict, /gradcam and /models."""
    routes = APIRouter()
    drawing = asyncio.Lock()  # of one heat map at a time: it takes a gradient, and is asked for by hand

    @routes.get("/models")
    async def models() -> dict[str, Any]:
        return {"models": [_described(repository.find(name)) for name in repository.names]}

    @routes.post("/predict")
    @routes.post("/predict/{name}")
    async def predict(request: Request, name: str | None = None, version: int | None = None) -> JSONResponse:
        with handler.place(1):
            files = await _files(request, handler)
            with repository.find(name or repository.names[0], version).used() as served:
                answer = await handler.answer(served, [data for _, data in files], [file for file, _ in files])
                result = await handler.in_thread(_result, answer)
        return JSONResponse(result)

    @routes.post("/gradcam")
    @routes.post("/gradcam/{name}")
    async def explain(request: Request, name: str | None = None, target: str | None = None) -> Response:
        with handler.place(1):
            files = await _files(request, handler)
            if len(files) != 1:
                raise InputError("one file", f"{len(files)}", "A heat map is that of one picture.")
            with repository.find(name or repository.names[0]).used() as served:
                async with drawing:
                    picture = await handler.in_thread(_heat, served, files[0], target, handler)
        return Response(picture, media_type="image/png")

    return routes


async def _files(request: Request, handler: Handler) -> Files:
    """Name and bytes of each file of a form; of names that come twice the second is `name (2)`.

    Raises:
        RequestError: 415, no form; 400, a broken one.
        InputError: No file in it.
    """
    kind = request.headers.get("content-type", "")
    if not kind.startswith(FORM):
        raise RequestError(415, f"files as {FORM}", kind[:100] or "no Content-Type", REMEDY)
    body = await body_of(request, handler.limits.body_bytes)

    async def stream() -> Any:
        yield body

    limits, most = handler.limits, handler.limits.pictures + 16
    parser = MultiPartParser(
        request.headers, stream(), max_files=most, max_fields=most, max_part_size=limits.body_bytes
    )
    # Nothing is written to disk: the body is here already.
    parser.spool_max_size = limits.body_bytes + 1
    try:
        form = await parser.parse()
    except (MultiPartException, KeyError, ValueError, LookupError) as error:
        reason = str(getattr(error, "message", error))[:200] or type(error).__name__
        raise RequestError(400, "a form of files", reason, REMEDY) from error
    uploads = [value for _, value in form.multi_items() if isinstance(value, UploadFile)]
    names = _distinct(_text(upload.filename or str(number)) for number, upload in enumerate(uploads))
    files = [(name, await upload.read()) for name, upload in zip(names, uploads, strict=True)]
    await form.close()
    if not files:
        raise InputError("at least one file in the form", "none", REMEDY)
    return files


def _text(name: str) -> str:
    """A name that an answer may carry: a form's charset may make it of anything, lone surrogates too."""
    return name.encode("utf-8", "replace").decode("utf-8")


def _distinct(names: Iterable[str]) -> list[str]:
    ids: list[str] = []
    for name in names:
        candidates = chain([name], (f"{name} ({number})" for number in count(2)))
        ids.append(next(each for each in candidates if each not in ids))
    return ids


def _described(served: Served) -> dict[str, Any]:
    head = served.network.head
    return {
        "name": served.name,
        "version": served.version,
        "kind": head.target.kind,
        "classes": list(head.names),
        "colours": class_colours(len(head.names)),
        "input": list(served.network.size),
        "explains": head.target.kind in EXPLAINED and len(served.network.model.outputs) == 1,
    }


def _result(answer: Answer) -> dict[str, Any]:
    pictures: Sequence[dict[str, Any]] = [
        {"id": name, "height": height, "width": width}
        for name, (height, width) in zip(answer.ids, answer.shapes, strict=True)
    ]
    served = answer.served
    about = {"model": served.name, "version": served.version, "kind": answer.targets.kind}
    return {**about, "pictures": pictures, "table": rows_of(answer)}


def _heat(served: Served, file: tuple[str, bytes], target: str | None, handler: Handler) -> bytes:
    """A PNG of the framed picture with the evidence for a class over it."""
    network: Network = served.network
    seen = served.predictor.framed(photograph_of(file[1], file[0], handler.limits))
    shown = overlay(seen, gradcam(network, seen, target=target))
    _, encoded = cv2.imencode(".png", np.ascontiguousarray(shown[..., ::-1]))
    return bytes(encoded)
