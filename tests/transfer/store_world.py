"""A process that fills an entry of a feature store: to be killed, or to run beside another one.

    python -m tests.transfer.store_world FOLDER

prints the number of each chunk before it is written.
"""

from __future__ import annotations

import resource
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from cnnkit.transfer import feature_store
from cnnkit.transfer.feature_store import Entry, FeatureStore, Layout

KEY = "0123456789abcdef" * 4
LAYOUT = Layout(pictures=395, shapes=((50,), (3, 4, 5)), dtype="float32")
PICTURES = 10  # in a chunk
ROOM = 10**9


def truth() -> list[np.ndarray]:
    random = np.random.default_rng(0)
    return [random.random((LAYOUT.pictures, *shape)).astype(np.float32) for shape in LAYOUT.shapes]


def chunk(number: int) -> list[np.ndarray]:
    return [tensor[number * PICTURES : (number + 1) * PICTURES] for tensor in truth()]


def opened(folder: Path) -> Entry:
    return FeatureStore(folder).open(KEY, LAYOUT, {"of": "a test"}, budget_bytes=ROOM)


@contextmanager
def largest_file(size: int) -> Iterator[None]:
    """Files can grow no further: writes fail as on a full disk, with another number."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


if __name__ == "__main__":
    feature_store.CHUNK_PICTURES = PICTURES
    entry = opened(Path(sys.argv[1]))
    with entry.writing() as missing:
        for number in missing:
            print(number, flush=True)
            entry.write(number, chunk(number))
    print("complete", flush=True)
