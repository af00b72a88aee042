"""A head that is solved for at once, from the features of all training pictures."""

from __future__ import annotations

from functools import partial
from typing import Any

import keras
from numpy.typing import NDArray

from cnnkit.errors import InputError
from cnnkit.heads.head import ClosedFormHead, Head
from cnnkit.transfer.exact_head import Examples, gather
from cnnkit.transfer.feed import Feed
from cnnkit.transfer.tally import Tally


def require_closed_form(tail: keras.Model, head: Head, phase: str) -> ClosedFormHead:
    """The head, if it can be solved for behind what is frozen.

    Raises:
        InputError: It has no closed form, or layers before it train.
    """
    if not isinstance(head, ClosedFormHead):
        remedy = "ck.heads.embedding has one; use solver='steps' for other heads."
        raise InputError(f"a head with a closed form in phase {phase!r}", repr(head)[:200], remedy)
    if len(tail.inputs) != 1 or len(tail.inputs[0].shape) != 2:
        shapes = ", ".join(str(tensor.shape) for tensor in tail.inputs)
        remedy = 'Use train="head"; the features of a frozen backbone are pooled.'
        raise InputError(f"one vector of features per picture in phase {phase!r}", shapes, remedy)
    return head


def solve_in_closed_form(tail: keras.Model, head: Head, training: Feed, views: int) -> dict[str, float]:
    """Puts the solution into the layers of the tail.

    Args:
        tail: The head's layers behind frozen features.
        head: Of the network.
        training: Its pictures' features are all in memory while it is solved.
        views: How many versions of each training picture count.

    Returns:
        Loss and metrics of these versions.
    """
    examples = gather(training, views)
    put_closed_form(tail, head, examples)
    tally = Tally(head)
    for start in range(0, len(examples.features), training.batch_size):
        batch = slice(start, start + training.batch_size)
        targets = keras.tree.map_structure(partial(_rows, batch), examples.targets)
        tally.add(targets, tail.predict_on_batch(examples.features[batch]))
    return tally.result()


def _rows(batch: slice, array: NDArray[Any]) -> NDArray[Any]:
    return array[batch]


def put_closed_form(tail: keras.Model, head: Head, examples: Examples) -> None:
    """Solves for the head's layers and sets their weights.

    Args:
        tail: The head's layers behind frozen features.
        head: Of the network.
        examples: What it is solved for.
    """
    weights = require_closed_form(tail, head, "closed form").closed_form(examples.features, examples.targets)
    for name, arrays in weights.items():
        tail.get_layer(name).set_weights(list(arrays))
