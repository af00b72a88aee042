"""JSON from strangers: what `json.loads` accepts, less all that is ambiguous, not finite or deep enough to hurt.

Sizes are bounded before anything is parsed, so that neither time nor the interpreter's stack depends on the content.
"""

from __future__ import annotations

import json
import math
import re
from itertools import accumulate
from typing import Any, NoReturn

from cnnkit.course.submissions.findings import RefusedError, shown

LARGEST_INTEGER = 2**53  # what every JSON reader keeps exactly (RFC 8259, section 6)

# Possessive and with an end for every case: each byte is looked at once, whatever is missing.
_STRING = re.compile(rb'"(?:[^"\\]++|\\.?)*+(?:"|\Z)', re.DOTALL)
_BUT_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))
_WRITE_AGAIN = "Write the file again with model.to_json()."


def parse_json(data: bytes, *, depth: int, values: int = 500_000) -> Any:
    """The value of a JSON document in UTF-8.

    Args:
        data: The whole file.
        depth: How many brackets may be open at once.
        values: How many values it may have: a million lists in two megabytes would take 60 MB of memory.

    Raises:
        RefusedError: `json-encoding`, `json-depth`, `json-values`, `json-syntax`, `json-duplicate-key`
            or `json-number`.

    >>> parse_json(b'{"units": 1}', depth=1)
    {'units': 1}
    """
    text = _decode(data)
    _check_brackets(data, depth, values)
    try:
        return json.loads(
            text,
            object_pairs_hook=_unique,
            parse_int=_integer,
            parse_float=_number,
            parse_constant=_not_finite,
        )
    except json.JSONDecodeError as error:
        raise RefusedError(
            "json-syntax",
            "one JSON document",
            f"{error.msg} at line {error.lineno}, column {error.colno} of {len(data):,} bytes",
            f"The file is empty, cut off or damaged. {_WRITE_AGAIN}",
        ) from error


def _decode(data: bytes) -> str:
    if data.startswith(b"\xef\xbb\xbf"):
        raise RefusedError("json-encoding", "UTF-8 without a byte order mark", "a byte order mark", _WRITE_AGAIN)
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise RefusedError(
            "json-encoding", "text in UTF-8", f"byte {data[error.start]:#04x} at place {error.start}", _WRITE_AGAIN
        ) from error


def _check_brackets(data: bytes, limit: int, values: int) -> None:
    plain = _STRING.sub(b"", data)
    brackets = plain.translate(None, _BUT_BRACKETS)
    if (count := len(brackets) + plain.count(b",")) > values:
        raise RefusedError("json-values", f"at most {values:,} values", f"about {count:,}", _WRITE_AGAIN)
    deepest = max(accumulate(1 if bracket in b"[{" else -1 for bracket in brackets), default=0)
    if deepest > limit:
        raise RefusedError(
            "json-depth",
            f"at most {limit} brackets within brackets",
            f"{deepest:,}",
            "Flatten nested models: build one model with keras.Model(inputs, outputs).",
        )


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        twice = _first_double(pairs)
        raise RefusedError("json-duplicate-key", "each key once in an object", f"{shown(twice)} twice", _WRITE_AGAIN)
    return found


def _first_double(pairs: list[tuple[str, Any]]) -> str | None:
    seen = set()
    for key, _ in pairs:
        if key in seen:
            return key
        seen.add(key)
    return None


def _integer(digits: str) -> int:
    if len(digits) > 20 or abs(int(digits)) > LARGEST_INTEGER:
        raise RefusedError(
            "json-number", f"integers up to {LARGEST_INTEGER}", f"one of {len(digits)} digits", _WRITE_AGAIN
        )
    return int(digits)


def _number(digits: str) -> float:
    value = float(digits)
    if not math.isfinite(value):
        raise RefusedError("json-number", "finite numbers", shown(digits), _WRITE_AGAIN)
    return value


def _not_finite(name: str) -> NoReturn:
    raise RefusedError("json-number", "finite numbers", name, _WRITE_AGAIN)
