"""Where truth comes to lie in an input: moved as the pixels of its photographs are, without decoding one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from cnnkit.data.random_streams import picture_bits
from cnnkit.data.source import Source
from cnnkit.data.targets.matrices import inverse
from cnnkit.data.targets.targets import Targets
from cnnkit.data.views.chain import around_boxes, require_views
from cnnkit.data.views.framing import Framing
from cnnkit.data.views.placement import placement
from cnnkit.data.views.view import Augmenter, View

Kind = TypeVar("Kind", bound=Targets)


def in_input(truth: Kind, source: Source, indices: NDArray[np.int64], framing: Framing, size: tuple[int, int]) -> Kind:
    """The truth of some examples in the pixels of an input of `size`; truth without a place as it is.

    Args:
        truth: Of these examples, in the pixels of their photographs.
        source: The examples.
        indices: (n,) their places in it.
        framing: How a picture meets the input size.
        size: (height, width) of the input.
    """
    if not truth.placed:
        return truth
    return truth.moved(_framed(source, indices, shapes_of(source, indices), framing, size), size)


def in_view(
    truth: Kind, indices: NDArray[np.int64], size: tuple[int, int], augment: Augmenter | None, *, seed: int, view: int
) -> Kind:
    """The truth of some examples in one view of the input; truth without a place as it is.

    A move of its own after that of `in_input`: what the framing cut off does not come back in a view that shows what
    is outside.

    Args:
        truth: Of these examples, in the pixels of the input.
        indices: (n,) their places in the source.
        size: (height, width) of the input.
        augment: What makes the views; None for the framed picture.
        seed: With `view` and an example's index it fixes the view, as in `batches`.
        view: Its number; `epoch` in `batches`.
    """
    if augment is None or not truth.placed:
        return truth
    views = require_views(augment)
    chances = (np.random.Generator(picture_bits(seed, view, index)) for index in indices.tolist())
    return _seen(truth, [views.view(size, chance) for chance in chances], size)


def in_crops(
    truth: Kind,
    shapes: NDArray[np.int64],
    indices: NDArray[np.int64],
    size: tuple[int, int],
    augment: Augmenter,
    *,
    seed: int,
    view: int,
) -> Kind:
    """The truth of some examples in one view of their whole photographs, by an augmenter that crops.

    Args:
        truth: Of these examples, in the pixels of their photographs.
        shapes: (n, 2) height and width of each photograph.
        indices: As of `in_view`.
        size: As of `in_view`.
        augment: What makes the crops.
        seed: As of `in_view`.
        view: As of `in_view`.
    """
    if not truth.placed:
        return truth
    drawn = []
    for place, (index, (height, width)) in enumerate(zip(indices.tolist(), shapes.tolist(), strict=True)):
        views = require_views(around_boxes(augment, truth, place))
        drawn.append(views.view((height, width), np.random.Generator(picture_bits(seed, view, index))))
    return _seen(truth, drawn, size)


def _seen(truth: Kind, views: Sequence[View], size: tuple[int, int]) -> Kind:
    """The truth of some examples in a view of each."""
    positions = np.array([view.positions for view in views]).reshape(-1, 3, 3)
    bends = [view.bends for view in views]
    # Kinds of a user's own may know matrices alone.
    return truth.moved(positions, size, bends) if any(bends) else truth.moved(positions, size)


def in_photographs(
    said: Kind, source: Source, indices: NDArray[np.int64], framing: Framing, size: tuple[int, int]
) -> Kind:
    """What a network says of some examples, in the pixels of their photographs: the way back of `in_input`."""
    if not said.placed:
        return said
    shapes = shapes_of(source, indices)
    return said.moved(inverse(_framed(source, indices, shapes, framing, size)), shapes)


def from_inputs(said: Kind, shapes: Sequence[tuple[int, ...]], framing: Framing, size: tuple[int, int]) -> Kind:
    """The same for photographs that are in no source: what a network says, in their pixels.

    Args:
        said: Of n inputs of `size`.
        shapes: (height, width) of each of the n photographs.
        framing: How they met the input size.
        size: (height, width) of the input.
    """
    if not said.placed:
        return said
    sizes = np.array(shapes, np.int64).reshape(-1, 2)
    places = [framing.positions((height, width), size) for height, width in sizes.tolist()]
    return said.moved(inverse(np.array(places, np.float64).reshape(-1, 3, 3)), sizes)


def shapes_of(source: Source, indices: NDArray[np.int64]) -> NDArray[np.int64]:
    """(n, 2) height and width of each photograph, which may be read from the header of its file."""
    return np.array([source.shape(index) for index in indices.tolist()], np.int64).reshape(-1, 2)


def _framed(
    source: Source,
    indices: NDArray[np.int64],
    shapes: NDArray[np.int64],
    framing: Framing,
    size: tuple[int, int],
) -> NDArray[np.float64]:
    """(n, 3, 3) one matrix per example, from the pixels of its photograph to those of the input."""
    least = framing.least(size)
    places = [
        placement((height, width), framing, size, reduction=source.reduction(index, least=least))
        for index, (height, width) in zip(indices.tolist(), shapes.tolist(), strict=True)
    ]
    return np.array(places, np.float64).reshape(-1, 3, 3)
