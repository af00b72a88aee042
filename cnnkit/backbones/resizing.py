"""The same layers on an input of another size, where they do not care."""

from __future__ import annotations

import math

import keras

from cnnkit.backbones.graph import nodes
from cnnkit.errors import InputError

# A side that is a multiple of the deepest stride is halved without a remainder at each scale. MobileNets and
# EfficientNets have other borders where a side is odd.
DEEPEST_STRIDE = 32


def at_size(model: keras.Model, size: tuple[int, int]) -> keras.Model:
    """A model of the same layers, and so of the same weights, on pictures of another size.

    Args:
        model: A flat functional model whose first input is (n, h, w, c); others stay as they are.
        size: (height, width) of the new input.

    Returns:
        The model itself where it has that size, else one that shares its layers.

    Raises:
        InputError: A side, old or new, is no multiple of 32, or a layer knows the size that it was built for: a dense
            one behind a flattened map, or pyramid pooling, whose bins are so many pixels wide.
    """
    picture, *others = model.inputs
    built = tuple(picture.shape[1:3])
    if built == size:
        return model
    if any(side is None or side % DEEPEST_STRIDE for side in (*built, *size)):
        raise InputError(
            f"sides that are multiples of {DEEPEST_STRIDE}, for a network that is trained on another size than its own",
            f"{_said(size)} for an input of {_said(built)}",
            "Take such sides for both, or the size of the input.",
        )
    given = keras.Input((*size, picture.shape[-1]), dtype=picture.dtype, name=picture.name)
    tensors = {id(picture): given} | {id(tensor): tensor for tensor in others}
    try:
        for call in nodes(model):
            if call.parents:
                args, kwargs = call.filled_in(tensors)
                made = keras.tree.flatten(call.layer(*args, **kwargs))
                tensors |= {id(old): new for old, new in zip(call.outputs, made, strict=True)}
    except ValueError as error:
        raise _refused(built, size, str(error)) from error
    for tensor in model.outputs:
        if not _scaled(tuple(tensor.shape), tuple(tensors[id(tensor)].shape), built, size):
            raise _refused(built, size, f"an output of {tuple(tensors[id(tensor)].shape[1:])}")
    output = keras.tree.map_structure(lambda tensor: tensors[id(tensor)], model.output)
    return keras.Model([given, *others] if others else given, output, name=model.name)


def _scaled(old: tuple[int, ...], new: tuple[int, ...], built: tuple[int, ...], size: tuple[int, int]) -> bool:
    """Whether a map (n, h, w, c) became as much larger or smaller as the input; of others the last axis has to stay."""
    if len(old) != 4:
        return old[-1] == new[-1]
    return all(
        math.isclose(after * side, before * other)
        for before, after, side, other in zip(old[1:3], new[1:3], built, size, strict=True)
    )


def _refused(built: tuple[int, ...], size: tuple[int, int], received: str) -> InputError:
    return InputError(
        f"layers that fit pictures of {_said(size)} too",
        received,
        f"This network is built for its own size: give pictures of {_said(built)}.",
    )


def _said(size: tuple[int, ...]) -> str:
    return " × ".join(map(str, size))
