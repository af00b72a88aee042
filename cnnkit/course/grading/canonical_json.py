"""JSON with one spelling, so that equal values have equal hashes."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from typing import Any


def canonical(value: object) -> str:
    """JSON with one spelling: equal values, equal text; ASCII, so that any database keeps it.

    What JSON has no number for is written as text, "nan", "inf" or "-inf": a student's model can give any number, and
    none may keep the class from being recorded.

    >>> canonical({"b": 1, "a": [True, None, float("nan")]})
    '{"a":[true,null,"nan"],"b":1}'
    """
    try:
        return _dumps(value)
    except ValueError:
        return _dumps(_finite(value))


def _dumps(value: object) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)


def _finite(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, Mapping):
        return {name: _finite(each) for name, each in value.items()}
    return [_finite(each) for each in value] if isinstance(value, list | tuple) else value


def digest(value: object) -> str:
    """sha256 of a JSON value in its one spelling."""
    return hashlib.sha256(canonical(value).encode()).hexdigest()
