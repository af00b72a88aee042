"""The bodies of requests, as far as the interfaces have them in common."""

from __future__ import annotations

import json
from base64 import b64decode
from typing import Any

import numpy as np
from fastapi import Request
from numpy.typing import NDArray

from cnnkit.errors import DataError, InputError
from cnnkit.serving.refusals import RequestError, too_large

DEEPEST = 32  # axes of nested lists
MOST_DIGITS = 20  # of a length; Python refuses to read thousands


async def body_of(request: Request, most: int) -> bytes:
    """The body of a request.

    Raises:
        RequestError: 413, more than `most` bytes; 415, a compressed one, which may become any size; 408, it never ends.
    """
    encoding = request.headers.get("content-encoding", "identity")
    if encoding != "identity":
        raise RequestError(415, "a body as it is", f"Content-Encoding: {encoding}", "Pictures are compressed already.")
    declared = length_of(request.headers.get("content-length", "0"))
    remedy = "Send fewer or smaller pictures, or start the server with a larger limit."
    if declared is not None and declared > most:
        raise too_large("a body", f"{most:,} bytes", f"{declared:,} bytes", remedy)
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > most:
            raise too_large("a body", f"{most:,} bytes", "more", remedy)
    return bytes(body)


def length_of(header: str) -> int | None:
    """Bytes as a header says them; None if it says none, or of more digits than any length has."""
    return int(header) if header.isdecimal() and len(header) <= MOST_DIGITS else None


def parse(body: bytes) -> dict[str, Any]:
    """A JSON object; for a thread, as megabytes of numbers take a second.

    Raises:
        RequestError: 400, no JSON, or no object.
    """
    try:
        value = json.loads(body)
    except (ValueError, RecursionError) as error:
        reason = "too deeply nested" if isinstance(error, RecursionError) else str(error)
        raise RequestError(400, "a body of JSON", reason[:200], "Check brackets, commas and quotes.") from error
    if not isinstance(value, dict):
        raise RequestError(400, "an object of JSON", type(value).__name__, "Begin with {.")
    return value


def numbers(value: Any, name: str) -> NDArray[Any]:
    """Nested lists of numbers as an array: whole ones 0…255 as uint8, an eighth of what NumPy takes for them.

    Raises:
        InputError: Rows of unequal lengths, or something else than numbers.
    """
    try:
        array = np.asarray(value)
    except (ValueError, OverflowError, TypeError):
        array = np.empty(0, object)
    if array.dtype.kind not in "iuf" or array.ndim > DEEPEST:
        raise InputError(
            f"numbers in lists of equal lengths as {name}", f"{type(value).__name__} of something else", "0…255, RGB."
        )
    if array.dtype.kind in "iu" and array.size and array.min() >= 0 and array.max() <= 255:
        return array.astype(np.uint8)
    return array


def file_bytes(text: Any, name: str) -> bytes:
    """The bytes of a file from base64.

    Raises:
        DataError: It is none.
    """
    try:
        return b64decode(text, validate=True)
    except (ValueError, TypeError) as error:
        raise DataError(f"base64 in {name}", str(error)[:100], "Encode the bytes of the file.") from error
