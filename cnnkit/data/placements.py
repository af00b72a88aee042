"""Where truth comes to lie in an input: moved as the pixels of its photographs are, without decoding one."""

from __future__ import annotations

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from cnnkit.data.random_streams import picture_bits
from cnnkit.data.source import Source
from cnnkit.data.targets.moves import inverse
from cnnkit.data.targets.targets import Targets
from cnnkit.data.views.chain import require_views
from cnnkit.data.views.framing import Framing
from cnnkit.data.views.placement import placement
from cnnkit.data.views.view import Augmenter

Kind = TypeVar("Kind", bound=Targets)


def framed(source: Source, indices: NDArray[np.int64], framing: Framing, size: tuple[int, int]) -> NDArray[np.float64]:
    """(n, 3, 3) one matrix per example, from the pixels of its photograph to those of an input of `size`.

    Args:
        source: The examples.
        indices: (n,) their places in it.
        framing: How a picture meets the input size.
        size: (height, width) of the input.
    """
    least = framing.least(size)
    places = [
        placement(source.shape(index), framing, size, reduction=source.reduction(index, least=least))
        for index in indices.tolist()
    ]
    return np.array(places, np.float64).reshape(-1, 3, 3)


def in_input(
    truth: Kind,
    source: Source,
    indices: NDArray[np.int64],
    framing: Framing,
    size: tuple[int, int],
    *,
    augment: Augmenter | None = None,
    seed: int = 0,
    view: int = 0,
) -> Kind:
    """The truth of some examples in the pixels of one view of them; truth without a place as it is.

    Args:
        truth: Of these examples, in the pixels of their photographs.
        source: The examples.
        indices: (n,) their places in it.
        framing: How a picture meets the input size.
        size: (height, width) of the input.
        augment: What makes the views; None for the framed picture.
        seed: With `view` and an example's index it fixes the view, as in `batches`.
        view: Its number; `epoch` in `batches`.
    """
    if not truth.placed:
        return truth
    truth = truth.moved(framed(source, indices, framing, size), size)
    if augment is None:
        return truth
    # One move after the other: what the framing cut off does not come back in a view that shows what is outside.
    views = require_views(augment)
    chances = (np.random.Generator(picture_bits(seed, view, index)) for index in indices.tolist())
    return truth.moved(np.array([views.view(size, chance).positions for chance in chances]).reshape(-1, 3, 3), size)


def in_photographs(
    said: Kind, source: Source, indices: NDArray[np.int64], framing: Framing, size: tuple[int, int]
) -> Kind:
    """What a network says of some examples, in the pixels of their photographs: the way back of `in_input`."""
    if not said.placed:
        return said
    shapes = np.array([source.shape(index) for index in indices.tolist()]).reshape(-1, 2)
    return said.moved(inverse(framed(source, indices, framing, size)), shapes)
