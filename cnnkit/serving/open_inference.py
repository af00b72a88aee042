"""KServe's V2, the Open Inference Protocol (https://github.com/kserve/open-inference-protocol), for any kind of head.

One input, `images`: UINT8 or other numbers 0…255 of shape [n, height, width, 3], of any size; or BYTES of shape [n],
each element a file. Outputs: of labels and tags `probabilities` and `label`, of vectors `values`; of boxes, points and
masks the columns of the table, where `id` says which picture a row belongs to.
"""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response

import cnnkit
from cnnkit.serving.bodies import body_of
from cnnkit.serving.repository import Repository
from cnnkit.serving.served import Answer, Handler, Served
from cnnkit.serving.tables import MATRICES, tensors_of
from cnnkit.serving.v2_tensors import HEADER, Json, pictures_of, response_of, split

INPUT = "images"
# Columns of tables → datatype, for the metadata; the tables of points have columns of their own names.
COLUMNS = {
    "boxes": {"id": "BYTES", "label": "BYTES", "score": "FP32", "x": "FP64", "y": "FP64"}
    | {"width": "FP64", "height": "FP64"},
    "masks": {"id": "BYTES", "height": "INT64", "width": "INT64", "mask": "BYTES"},
}


def router(repository: Repository, handler: Handler) -> APIRouter:
    """The routes below /v2."""
    routes = APIRouter(prefix="/v2")

    @routes.get("")
    async def server() -> Json:
        return {"name": "cnnkit", "version": cnnkit.__version__, "extensions": ["binary_tensor_data"]}

    @routes.get("/health/live")
    @routes.get("/health/ready")
    async def health() -> Response:
        return JSONResponse({"live": True, "ready": True})

    @routes.get("/models/{name}")
    @routes.get("/models/{name}/versions/{version:int}")
    async def metadata(name: str, version: int | None = None) -> Json:
        return _metadata(repository.find(name, version), repository.versions(name))

    @routes.get("/models/{name}/ready")
    @routes.get("/models/{name}/versions/{version:int}/ready")
    async def ready(name: str, version: int | None = None) -> Json:
        return {"name": repository.find(name, version).name, "ready": True}

    @routes.post("/models/{name}/infer")
    @routes.post("/models/{name}/versions/{version:int}/infer")
    async def infer(request: Request, name: str, version: int | None = None) -> Response:
        with handler.place(1):
            body = await body_of(request, handler.limits.body_bytes)
            with repository.find(name, version).used() as served:
                asked, binary = await handler.in_thread(split, body, request.headers.get(HEADER))
                pictures = await handler.in_thread(pictures_of, asked, binary, INPUT)
                answer = await handler.answer(served, pictures, [str(number) for number in range(len(pictures))])
                content, headers = await handler.in_thread(_response, answer, asked)
        return Response(content, headers=headers)

    return routes


def _response(answer: Answer, asked: Json) -> tuple[bytes, dict[str, str]]:
    head: Json = {"model_name": answer.served.name, "model_version": str(answer.served.version)}
    if isinstance(asked.get("id"), str):
        head["id"] = asked["id"]
    return response_of(head, tensors_of(answer), asked)


def _metadata(served: Served, versions: list[int]) -> Json:
    kind = served.network.head.target.kind
    outputs: list[dict[str, Any]] = []
    if kind in MATRICES:
        numbers = len(served.network.head.names) if kind != "vectors" else served.network.model.output.shape[-1]
        outputs.append({"name": MATRICES[kind], "datatype": "FP32", "shape": [-1, numbers]})
        outputs += [{"name": "label", "datatype": "BYTES", "shape": [-1]}] if kind != "vectors" else []
    else:
        columns = COLUMNS.get(kind, {"id": "BYTES"})
        outputs += [{"name": name, "datatype": datatype, "shape": [-1]} for name, datatype in columns.items()]
    return {
        "name": served.name,
        "versions": [str(number) for number in versions],
        "platform": "cnnkit_keras",
        "inputs": [{"name": INPUT, "datatype": "UINT8", "shape": [-1, -1, -1, 3]}],
        "outputs": outputs,
    }
