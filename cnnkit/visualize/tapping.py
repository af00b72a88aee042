"""Access to the output of a layer inside a network, for Grad-CAM, activation maps and dreams."""

from __future__ import annotations

from typing import TypeAlias

import keras
import numpy as np

from cnnkit.backbones.extractor import Backbone
from cnnkit.backbones.graph import Node, functional, nodes
from cnnkit.data.array_images import unlabelled
from cnnkit.data.views.framing import Framing
from cnnkit.errors import InputError, unknown_name
from cnnkit.transfer.network import Network, native_framing
from cnnkit.visualize.given_pictures import Image, one_picture

AnyNetwork: TypeAlias = Network | Backbone | keras.Model
"""A network or a backbone of cnnkit, or a functional Keras model."""


def graph_of(network: AnyNetwork) -> keras.Model:
    """The functional model of a network or a backbone, or of a Keras model.

    Raises:
        InputError: The model is no functional one, or something else.
    """
    model = network.model if isinstance(network, Network | Backbone) else network
    if not isinstance(model, keras.Model):
        raise InputError(
            "a network, a backbone or a Keras model",
            f"{type(model).__name__}: {model!r}".splitlines()[0][:80],
            "ck.backbone(name) makes one of a name, ck.load(folder) reads one that was saved.",
        )
    return functional(model)


def model_of(network: AnyNetwork) -> keras.Model:
    """The functional model from pictures to its outputs.

    Raises:
        InputError: The model is no functional one, or takes something else.
    """
    model = graph_of(network)
    if len(model.inputs) != 1 or len(model.inputs[0].shape) != 4:
        raise InputError(
            "a model of pictures (n, h, w, channels)",
            f"{len(model.inputs)} inputs, the first of shape {model.inputs[0].shape}",
            "Make one of the part that takes pictures: keras.Model(pictures, output).",
        )
    return model


def framed(network: AnyNetwork, image: Image) -> Image:
    """The picture as the network sees it.

    Args:
        network: Its framing is used, of a backbone the one of its published accuracy; for a Keras model the middle is
            cut out.
        image: As for `readable`; of another size than the input's only uint8 RGB.

    Returns:
        (height, width, channels) of the input.

    Raises:
        InputError: As of `readable`, or float pixels of another size.
        DataError: As of `readable`.
    """
    shape = tuple(model_of(network).inputs[0].shape[1:])
    pixels = readable(network, image)
    if all(side in (None, given) for side, given in zip(shape, pixels.shape, strict=True)):
        return pixels
    if pixels.dtype != np.uint8 or pixels.shape[2] != 3 or None in shape[:2]:
        raise InputError(
            f"float pixels of shape {shape}, or uint8 RGB of any size",
            f"{pixels.dtype} of shape {pixels.shape}",
            "Float pixels are not resized: do it before, or pass the uint8 picture.",
        )
    return _framing(network).apply(pixels, (shape[0], shape[1]))  # type: ignore[arg-type]  # it is uint8


def readable(network: AnyNetwork, image: Image) -> Image:
    """A picture that the network can read, of any size.

    Args:
        network: What reads it.
        image: Of a network or a backbone what `ck.predict` takes, RGB 0…255 or grey, which it reads as uint8 RGB; of a
            Keras model pixels of any range, which are passed on as they are: its preprocessing may be outside.

    Returns:
        (h, w, channels).

    Raises:
        InputError: Several pictures, a path, or other channels than the input's.
        DataError: Values that `ck.predict` refuses: floats in 0…1, most often.
    """
    pixels = one_picture(image)
    if isinstance(network, Network | Backbone):
        pixels = unlabelled(pixels[None]).image(0)
    channels = model_of(network).inputs[0].shape[3]
    if pixels.ndim != 3 or channels not in (None, pixels.shape[2]):
        raise InputError(
            f"a picture (h, w, {channels or 'channels'})",
            f"shape {pixels.shape}",
            "Of RGB with alpha take image[..., :3], of a grey picture image[..., None].",
        )
    return pixels


def _framing(network: AnyNetwork) -> Framing:
    if isinstance(network, Backbone):
        return native_framing(network)
    return network.framing if isinstance(network, Network) else Framing()


def call_of(model: keras.Model, layer: str) -> Node:
    """The call of a layer, by name; the last one of a layer that is called several times.

    Raises:
        UnknownNameError: No layer of that name; the nearest are given.
        InputError: Something else than a name.
    """
    calls = nodes(functional(model))
    if not isinstance(layer, str):
        raise InputError("a layer by its name", repr(layer)[:200], "model.summary() lists the names.")
    named = [call for call in calls if call.name == layer]
    if not named:
        raise unknown_name("a layer", layer, [call.name for call in calls], "model.summary()")
    return named[-1]


def deepest_maps(model: keras.Model, *, side: int) -> str | None:
    """The last layer whose maps have at least `side` × `side` cells, by name; None where there is none.

    A network that ends in 3 × 3 cells sees a third of the picture in each: a layer before says more about places.
    """
    found = None
    for call in nodes(functional(model)):
        if call.parents and _is_maps(call) and all(given is None or given >= side for given in _sides(call)):
            found = call.name
    return found


def maps_node(model: keras.Model, layer: str | None) -> Node:
    """The call of a layer whose output is maps (n, h, w, channels); by default the last with more than one cell.

    Raises:
        UnknownNameError: No layer of that name.
        InputError: The layer gives no maps.
    """
    if layer is None:
        found = [call for call in nodes(model) if call.parents and _is_maps(call) and _cells(call) > 1]
        if not found:
            raise InputError(
                "a network with convolutional maps",
                f"{model.name!r} without any",
                "Nothing in it has a place in the picture: choose another network.",
            )
        return found[-1]
    named = call_of(model, layer)
    if not _is_maps(named):
        raise InputError(
            "a layer with maps (n, h, w, channels)",
            f"{layer!r} with {tuple(named.outputs[0].shape)}",
            "Choose one before the pooling and the dense layers.",
        )
    return named


def _is_maps(call: Node) -> bool:
    return len(call.outputs) == 1 and len(call.outputs[0].shape) == 4


def _cells(call: Node) -> float:
    height, width = _sides(call)
    return float("inf") if height is None or width is None else height * width


def _sides(call: Node) -> tuple[int | None, int | None]:
    """Height and width of the maps; None is any."""
    height, width = call.outputs[0].shape[1:3]
    return height, width
