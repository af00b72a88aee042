"""Random weights that depend on a seed and nothing else."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Layers built inside draw their initial weights from `seed`.

    Keras takes the seed of an initializer that was given none from Python's own generator. That generator is put back
    afterwards: building a network changes nothing elsewhere. (The states of dropout layers are set by `fit`.)
    """
    state = random.getstate()
    random.seed(seed)
    try:
        yield
    finally:
        random.setstate(state)
