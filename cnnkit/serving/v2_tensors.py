"""Tensors of the Open Inference Protocol, as JSON or in binary behind it.

https://github.com/kserve/open-inference-protocol, and the extension for binary tensors of Triton
(https://github.com/triton-inference-server/server/blob/main/docs/protocol/extension_binary_data.md): JSON first, of as
many bytes as a header says, then the tensors, little-endian; before each element of BYTES stands its length in four
bytes.
"""

from __future__ import annotations

import json
import math
import struct
from base64 import b64encode
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cnnkit.errors import InputError
from cnnkit.serving.bodies import file_bytes, length_of, numbers, parse
from cnnkit.serving.pictures import Given
from cnnkit.serving.refusals import RequestError
from cnnkit.serving.tables import Tensor

HEADER = "Inference-Header-Content-Length"
BINARY_SIZE = "binary_data_size"
DTYPES = {
    "UINT8": "u1",
    "UINT16": "<u2",
    "UINT32": "<u4",
    "UINT64": "<u8",
    "INT8": "i1",
    "INT16": "<i2",
    "INT32": "<i4",
    "INT64": "<i8",
    "FP16": "<f2",
    "FP32": "<f4",
    "FP64": "<f8",
}
NAMES = {np.dtype(code).str.lstrip("<|"): name for name, code in DTYPES.items()}
LENGTH = struct.Struct("<I")
MOST_AXES, MOST_SIDE = 8, (1 << 31) - 1
Json = dict[str, Any]


def split(body: bytes, header: str | None) -> tuple[Json, memoryview]:
    """A request in its JSON and its binary part.

    Raises:
        RequestError: 400, no JSON, or a header that does not fit.
    """
    length = len(body) if header is None else length_of(header)
    if length is None or length > len(body):
        raise RequestError(400, f"{HEADER} up to {len(body)}", f"{header}"[:40], "It is the length of the JSON.")
    return parse(body[:length]), memoryview(body)[length:]


def pictures_of(request: Json, binary: memoryview, name: str) -> list[Given]:
    """The pictures of the input tensor of that name.

    The inputs are taken out of the request: as lists they are many times as large, and end here.

    Raises:
        RequestError: 400, a request without this one input, or a binary part of another length.
        CnnkitError: What is wrong with the tensor.
    """
    inputs = request.pop("inputs", None)
    if not isinstance(inputs, list) or not all(isinstance(tensor, dict) for tensor in inputs):
        raise RequestError(400, "a list of tensors as inputs", type(inputs).__name__, '[{"name": "images", …}].')
    if [tensor.get("name") for tensor in inputs] != [name]:
        received = f"{[tensor.get('name') for tensor in inputs]}"[:200]
        raise RequestError(400, f"one input, {name!r}", received, "GET /v2/models/MODEL says what it is.")
    (tensor,) = inputs
    parameters = tensor.get("parameters") or {}
    shape, datatype = tensor.get("shape"), tensor.get("datatype")
    if not _is_shape(shape):
        expected = f"the shape of {name} as a list of at most {MOST_AXES} whole numbers up to {MOST_SIDE}"
        raise InputError(expected, f"{shape!r}"[:100], "[n, height, width, 3].")
    if datatype not in ("BYTES", *DTYPES):
        raise InputError(f"a datatype of {name}: BYTES, {', '.join(DTYPES)}", f"{datatype!r}"[:100], "UINT8 is usual.")
    size = parameters.get(BINARY_SIZE) if isinstance(parameters, dict) else None
    if size is None:
        elements = _from_json(tensor.get("data"), datatype, name)
    elif type(size) is not int or size != len(binary):
        raise RequestError(
            400, f"{BINARY_SIZE}={len(binary)}, the bytes behind the JSON", f"{size!r}"[:40], "Send all."
        )
    else:
        elements = _from_binary(binary, datatype, name)
    return _shaped(elements, shape, name)


def _is_shape(shape: Any) -> bool:
    """Whether these are sides whose product is computed at once: that of a long list would take hours."""
    if not isinstance(shape, list) or len(shape) > MOST_AXES:
        return False
    return all(type(side) is int and 0 <= side <= MOST_SIDE for side in shape)


def _shaped(elements: list[bytes] | NDArray[Any], shape: list[int], name: str) -> list[Given]:
    count = len(elements) if isinstance(elements, list) else elements.size
    if math.prod(shape) != count:
        raise InputError(f"{math.prod(shape)} elements of {name} for shape {shape}", str(count), "Send as many.")
    if isinstance(elements, list):
        return list(elements)
    if len(shape) != 4 or not count:
        expected = f"shape [n, height, width, 3] of {name}, or [n] of BYTES"
        raise InputError(expected, f"{shape}"[:100], "One picture is [1, height, width, 3].")
    return list(elements.reshape(shape))


def _from_json(data: Any, datatype: str, name: str) -> list[bytes] | NDArray[Any]:
    if datatype != "BYTES":
        return numbers(data, name).ravel()
    if not isinstance(data, list):
        raise InputError(f"data of {name} as a list of base64", type(data).__name__, "Or send the bytes in binary.")
    return [file_bytes(text, name) for text in data]


def _from_binary(binary: memoryview, datatype: str, name: str) -> list[bytes] | NDArray[Any]:
    if datatype != "BYTES":
        dtype = np.dtype(DTYPES[datatype])
        if len(binary) % dtype.itemsize:
            raise InputError(f"{dtype.itemsize} bytes an element of {name}", f"{len(binary)} bytes", "Send all.")
        return np.frombuffer(binary, dtype)
    elements, place = [], 0
    while place < len(binary):
        stop = place + LENGTH.size
        length = LENGTH.unpack_from(binary, place)[0] if stop <= len(binary) else len(binary)
        if stop + length > len(binary):
            raise InputError(f"elements of {name}, four bytes of length before each", "a part of one", "Send all.")
        elements.append(bytes(binary[stop : stop + length]))
        place = stop + length
    return elements


def response_of(head: Json, tensors: Mapping[str, Tensor], request: Json) -> tuple[bytes, dict[str, str]]:
    """Body and headers of an answer.

    Args:
        head: Model, version and id.
        tensors: By name.
        request: Says which of them are asked for, and which in binary.

    Raises:
        RequestError: 400, an output that there is not.
    """
    outputs, parts = [], []
    for name, binary in _asked(request, tensors).items():
        values = tensors[name]
        described: Json = {"name": name, "datatype": _datatype(values), "shape": _shape(values)}
        if binary:
            parts.append(_bytes(values))
            described["parameters"] = {BINARY_SIZE: len(parts[-1])}
        else:
            described["data"] = _data(values)
        outputs.append(described)
    text = json.dumps({**head, "outputs": outputs}, allow_nan=False).encode()
    if not parts:
        return text, {"Content-Type": "application/json"}
    return text + b"".join(parts), {"Content-Type": "application/octet-stream", HEADER: str(len(text))}


def _asked(request: Json, tensors: Mapping[str, Tensor]) -> dict[str, bool]:
    """Output → whether it is asked for in binary."""
    whole = bool((_dict(request.get("parameters"))).get("binary_data_output", False))
    outputs = request.get("outputs")
    if outputs is None:
        return dict.fromkeys(tensors, whole)
    if not isinstance(outputs, list) or not all(isinstance(output, dict) for output in outputs):
        raise RequestError(400, "outputs as a list of objects", type(outputs).__name__, '[{"name": "probabilities"}].')
    names = [output.get("name") for output in outputs]
    if unknown := [name for name in names if name not in tuple(tensors)]:
        raise RequestError(400, f"outputs of {', '.join(tensors)}", f"{unknown}"[:200], "Leave outputs out for all.")
    return {output["name"]: bool(_dict(output.get("parameters")).get("binary_data", whole)) for output in outputs}


def _dict(value: Any) -> Json:
    return value if isinstance(value, dict) else {}


def _datatype(values: Tensor) -> str:
    if isinstance(values, list):
        return "BYTES"
    return "BOOL" if values.dtype.kind == "b" else NAMES[values.dtype.str.lstrip("<|")]


def _shape(values: Tensor) -> list[int]:
    return [len(values)] if isinstance(values, list) else list(values.shape)


def _bytes(values: Tensor) -> bytes:
    if isinstance(values, list):
        return b"".join(LENGTH.pack(len(value)) + value for value in values)
    return values.astype(values.dtype.newbyteorder("<"), copy=False).tobytes()


def _data(values: Tensor) -> Sequence[Any]:
    """Flat; of BYTES text where it is text, else base64."""
    if not isinstance(values, list):
        return list(values.ravel().tolist())
    return [_text(value) for value in values]


def _text(value: bytes) -> str:
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError:
        return b64encode(value).decode("ascii")
