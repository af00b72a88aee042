"""What `same_as_before.py` keeps of a result: exact numbers, and hashes of what is large, as JSON values."""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

TIMES = ("seconds", "images_per_second", "milliseconds")
"""Columns that are different in each run."""


def digest(content: bytes) -> str:
    """The first half of a sha256."""
    return hashlib.sha256(content).hexdigest()[:32]


def array(value: Any) -> str:
    """Type, shape, hash of the bytes, and the mean for a person who looks at a difference."""
    values = np.ascontiguousarray(np.asarray(value))
    mean = f" mean {float(np.mean(values, dtype=np.float64))!r}" if values.size and values.dtype.kind in "fiub" else ""
    return f"{values.dtype} {values.shape} {digest(values.tobytes())}{mean}"


def weights(network: Any) -> dict[str, str]:
    """Each weight of a network, statistics and random states among them, by its path.

    Random states have numbers in their paths that count all those of the process: these are left out.
    """
    values: dict[str, str] = {}
    for variable in network.model.variables:
        path = re.sub(r"seed_generator(_\d+)?/", "seed_generator/", variable.path)
        values[path if path not in values else f"{path} {len(values)}"] = array(variable.numpy())
    return values


def history(run: Any) -> dict[str, list[Any]]:
    """The columns of a run but for its times, as exact values, in their order."""
    return {name: plain(column.tolist()) for name, column in run.history.items() if name not in TIMES}


def table(frame: pd.DataFrame) -> dict[str, Any]:
    """The columns of a table in their order: numbers as a hash, words as they are."""
    return {
        str(name): {"dtype": str(column.dtype), "values": array(column) if numeric(column) else plain(column.tolist())}
        for name, column in frame.items()
        if name not in TIMES
    }


def numeric(column: pd.Series) -> bool:
    """Whether a column holds numbers only."""
    return column.dtype.kind in "fiub"


def plain(value: Any) -> Any:
    """NumPy's numbers, tuples and mappings as JSON values; no digit is lost."""
    if isinstance(value, dict):
        return {str(name): plain(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [plain(part) for part in value]
    if isinstance(value, np.generic):
        return value.item()
    return value if isinstance(value, bool | int | float | str | None) else str(value)


def kept_features() -> list[str]:
    """Size and hash of each file of features in the cache, sorted: under which key they lie is left out."""
    files = Path(os.environ["CNNKIT_CACHE"]).rglob("*.bin")
    return sorted(f"{file.stat().st_size} {digest(file.read_bytes())}" for file in files)


def source(part: Any) -> dict[str, Any]:
    """Ids, labels and pixels of a source; of pictures their hashes."""
    pixels = "".join(digest(np.ascontiguousarray(part.image(index)).tobytes()) for index in range(len(part)))
    return {
        "ids": digest("\n".join(part.ids).encode()),
        "count": len(part),
        "classes": list(part.classes),
        "labels": None if part.labels is None else array(part.labels),
        "counts": plain(part.counts().tolist()),
        "pixels": digest(pixels.encode()),
    }


def dataset(photos: Any) -> dict[str, Any]:
    """Its three parts, and what its report says."""
    parts = {name: source(part) for name, part in photos.parts().items()}
    return {**parts, "report": table(photos.report().reset_index()), "duplicates": len(photos.duplicates())}


def parquet(path: Path) -> dict[str, Any]:
    """A prediction file: its bytes, and what they say, so that a difference can be read."""
    import pyarrow.parquet as pq

    schema = pq.read_schema(path)
    metadata = {name.decode(): digest(value) for name, value in (schema.metadata or {}).items()}
    return {
        "bytes": digest(path.read_bytes()),
        "schema": [f"{field.name} {field.type}" for field in schema],
        "metadata": metadata,
        "values": table(pd.read_parquet(path)),
    }


def trained(network: Any, run: Any, part: Any = None, *, scored: bool = True) -> dict[str, Any]:
    """Weights and history after a training; of a part its predictions and scores too."""
    import cnnkit as ck

    record: dict[str, Any] = {"weights": weights(network), "history": history(run)}
    record["trained parameters"] = plain(run.trained_parameters)
    if part is not None:
        record["predictions"] = table(ck.predict(network, part))
        record["scores"] = plain(ck.evaluate(network, part)) if scored else None
    return record


def differences(before: Any, now: Any, where: str = "") -> Iterator[str]:
    """A line for each value that is not the same, with the way to it. NaN is equal to NaN."""
    if isinstance(before, dict) and isinstance(now, dict):
        for name in [*before, *(name for name in now if name not in before)]:
            yield from differences(before.get(name, "nothing"), now.get(name, "nothing"), f"{where}/{name}")
    elif isinstance(before, list) and isinstance(now, list) and len(before) == len(now):
        for index, (one, other) in enumerate(zip(before, now, strict=True)):
            yield from differences(one, other, f"{where}[{index}]")
    elif json.dumps(before) != json.dumps(now):
        yield f"{where}: {json.dumps(before)[:300]} is now {json.dumps(now)[:300]}"
