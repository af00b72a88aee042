"""Where a photograph's points lie in what a network sees of it: derived again for any picture, never kept."""

from __future__ import annotations

import numpy as np

from cnnkit.data.random_streams import picture_bits
from cnnkit.data.views.chain import crop_size, view_of
from cnnkit.data.views.framing import Framing
from cnnkit.data.views.view import Augmenter, Matrix, View
from cnnkit.errors import InputError


def placement(
    shape: tuple[int, int],
    framing: Framing,
    size: tuple[int, int],
    *,
    augment: Augmenter | None = None,
    seed: int = 0,
    epoch: int = 0,
    index: int = 0,
    reduction: int = 1,
) -> Matrix:
    """The matrix of one picture of a batch: that of its framing, then that of its view; of a crop that alone.

    `batch_at` with the same framing, size, augmenter, seed, epoch and index makes the pixels that belong to it.

    Args:
        shape: (height, width) of the photograph, upright; a reader's `shape` gives it.
        framing: How it meets the input size.
        size: (height, width) of the input.
        augment: Makes a random view of each picture; None where it is taken as it is.
        seed: With `epoch` and `index` it fixes the view.
        epoch: The epoch, or the number of the view.
        index: The place of the picture in its source.
        reduction: What both sides were divided by when the photograph was decoded; of a reader that decodes smaller its
            `reduction` gives it.

    Returns:
        (3, 3), from a point (x, y, 1) of the photograph to that of the input, in continuous pixels.

    Raises:
        InputError: The augmenter does not say where things go, or bends them, which no matrix says.
    """
    if augment is not None and crop_size(augment) is not None:
        return _straight(view_of(augment, shape, np.random.Generator(picture_bits(seed, epoch, index))))
    decoded = -(-shape[0] // reduction), -(-shape[1] // reduction)
    framed = framing.positions(decoded, size) @ np.diag([1 / reduction, 1 / reduction, 1])
    if augment is None:
        return framed
    chance = np.random.Generator(picture_bits(seed, epoch, index))
    return _straight(view_of(augment, size, chance)) @ framed


def _straight(view: View) -> Matrix:
    """The matrix of a view that is one."""
    if view.bends:
        remedy = "view.moved and view.origins say where points lie; truth.moved takes view.bends."
        raise InputError("a view that a matrix describes", f"one with {len(view.bends)} bends", remedy)
    return view.positions
