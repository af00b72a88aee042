"""TensorFlow Serving's REST interface (https://www.tensorflow.org/tfx/serving/api_rest), for any kind of head.

The one signature, `serving_default`, has the input `images`: pictures of any size as lists of numbers 0…255, or files
as `{"b64": "…"}`. Its output of labels and tags is `probabilities`, of vectors `values`; of boxes, points and masks a
prediction is a list of rows by column.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse

from cnnkit.errors import InputError
from cnnkit.serving.bodies import body_of, file_bytes, numbers, parse
from cnnkit.serving.pictures import Given
from cnnkit.serving.refusals import RequestError
from cnnkit.serving.repository import Repository
from cnnkit.serving.served import Handler, Served
from cnnkit.serving.tables import MATRICES, values_of

INPUT, SIGNATURE = "images", "serving_default"
KEYS = ("signature_name", "instances", "inputs")


def router(repository: Repository, handler: Handler) -> APIRouter:
    """The routes below /v1."""
    routes = APIRouter(prefix="/v1/models")

    async def predict(request: Request, name: str, version: int | None) -> JSONResponse:
        with handler.place(1):
            body = await handler.in_thread(parse, await body_of(request, handler.limits.body_bytes))
            with repository.find(name, version).used() as served:
                pictures, by_row = await handler.in_thread(_pictures, body)
                answer = await handler.answer(served, pictures, [f"{INPUT}[{row}]" for row in range(len(pictures))])
                values = await handler.in_thread(values_of, answer)
        return JSONResponse({"predictions" if by_row else "outputs": values})

    @routes.post("/{name}:predict")
    async def of_newest(request: Request, name: str) -> JSONResponse:
        return await predict(request, name, None)

    @routes.post("/{name}/versions/{version:int}:predict")
    async def of_version(request: Request, name: str, version: int) -> JSONResponse:
        return await predict(request, name, version)

    @routes.get("/{name}")
    async def status(name: str) -> dict[str, Any]:
        return {"model_version_status": [_status(number) for number in repository.versions(name)]}

    @routes.get("/{name}/versions/{version:int}")
    async def version_status(name: str, version: int) -> dict[str, Any]:
        return {"model_version_status": [_status(repository.find(name, version).version)]}

    @routes.get("/{name}/metadata")
    async def metadata(name: str) -> dict[str, Any]:
        return _metadata(repository.find(name))

    @routes.get("/{name}/versions/{version:int}/metadata")
    async def version_metadata(name: str, version: int) -> dict[str, Any]:
        return _metadata(repository.find(name, version))

    return routes


def _pictures(body: dict[str, Any]) -> tuple[Sequence[Given], bool]:
    """The pictures of a request, and whether they came row by row; as lists they are taken out of it, and end here.

    Raises:
        RequestError: 400, neither `instances` nor `inputs`, both, or another signature.
        CnnkitError: What is wrong with a picture.
    """
    if unknown := set(body) - set(KEYS):
        raise RequestError(400, f"the keys {', '.join(KEYS)}", f"{sorted(unknown)}", "Leave the others out.")
    if body.get("signature_name", SIGNATURE) not in (SIGNATURE, ""):
        raise RequestError(400, f"the signature {SIGNATURE!r}", repr(body["signature_name"])[:100], "Leave it out.")
    if ("instances" in body) == ("inputs" in body):
        received = "both" if "inputs" in body else "neither"
        raise RequestError(400, "instances (by row) or inputs (by column)", received, '{"instances": [{"b64": "…"}]}')
    by_row = "instances" in body
    given = body.pop("instances" if by_row else "inputs")
    if not by_row and isinstance(given, dict) and set(given) == {INPUT}:
        given = given[INPUT]
    if not isinstance(given, list):
        if by_row or not isinstance(given, dict):
            raise InputError("a list of pictures", type(given).__name__, 'For example [{"b64": "…"}].')
        given = [given]
    return [_picture(value, f"{INPUT}[{row}]") for row, value in enumerate(given)], by_row


def _picture(value: Any, name: str) -> Given:
    if isinstance(value, dict) and set(value) == {INPUT}:
        value = value[INPUT]
    if isinstance(value, dict):
        if set(value) != {"b64"}:
            raise InputError(f'{{"b64": "…"}} as {name}', f"the keys {sorted(value)}"[:200], "Or lists of numbers.")
        return file_bytes(value["b64"], name)
    return numbers(value, name)


def _status(version: int) -> dict[str, Any]:
    return {"version": str(version), "state": "AVAILABLE", "status": {"error_code": "OK", "error_message": ""}}


def _metadata(served: Served) -> dict[str, Any]:
    kind, classes = served.network.head.target.kind, len(served.network.head.names)
    outputs = {}
    if kind in MATRICES:
        numbers_per_row = classes if kind != "vectors" else served.network.model.output.shape[-1]
        outputs[MATRICES[kind]] = _tensor("DT_FLOAT", MATRICES[kind], [-1, numbers_per_row])
    signature = {
        "inputs": {INPUT: _tensor("DT_UINT8", INPUT, [-1, -1, -1, 3])},
        "outputs": outputs,
        "method_name": "tensorflow/serving/predict",
    }
    return {
        "model_spec": {"name": served.name, "signature_name": "", "version": str(served.version)},
        "metadata": {"signature_def": {"signature_def": {SIGNATURE: signature}}},
    }


def _tensor(dtype: str, name: str, shape: Sequence[int]) -> dict[str, Any]:
    dimensions = [{"size": str(side), "name": ""} for side in shape]
    return {
        "dtype": dtype,
        "tensor_shape": {"dim": dimensions, "unknown_rank": False},
        "name": f"{SIGNATURE}_{name}:0",
    }
