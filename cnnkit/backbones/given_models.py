"""A model of the caller's own as a backbone: what it takes, at which size, as one flat graph."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

import keras
import numpy as np

from cnnkit.backbones.families import Family
from cnnkit.backbones.flattening import flattened, recalled
from cnnkit.backbones.graph import functional, nodes
from cnnkit.backbones.picture_layers import front_calls, scales
from cnnkit.backbones.preprocessing import (
    PREPROCESSING_WORDS,
    Given,
    check_preprocessing,
    image_input,
    preprocess,
    reversed_channels,
)
from cnnkit.backbones.recognition import recognised
from cnnkit.errors import InputError
from cnnkit.layers.input_shape import check_input_shape

Shape = tuple[int, int, int]


@dataclass(frozen=True, eq=False)
class GivenModel:
    """A model that takes raw RGB 0…255.

    Attributes:
        model: Flat where its inner models could be opened.
        preprocessing: What it wanted: a name, or scale and offset in words.
        family: The architecture of Keras that it begins with, if any.
        ends: The last layer of each inner model that was opened.
    """

    model: keras.Model
    preprocessing: str
    family: Family | None
    ends: dict[str, str]


def given_model(model: keras.Model, preprocessing: Given | None, input_shape: Shape | None) -> GivenModel:
    """Makes a model one that takes raw RGB 0…255.

    Its layers are shared. Where nothing is missing it stays what it is; else its layers are called once more, behind
    the preprocessing, at the size, in one flat graph.

    Raises:
        InputError: It is no model of RGB pictures with one output of features, its size is open, or nobody can know
            what range it takes.
    """
    model = functional(model)
    _check_ends(model)
    model, ends = flattened(model)
    _check_layout(model)
    calls = nodes(model)
    front = front_calls(calls)
    family = recognised(model)
    kind = _preprocessing(model, preprocessing, family, inside=scales(calls, front))
    shape = _shape(model, input_shape, family)
    entry = model.inputs[0]
    if kind != "inside" or tuple(entry.shape[1:]) != shape or entry.dtype != "float32":
        # Random versions are made of pictures in 0…255: what brings them to another range comes behind.
        edges = {parent for index, call in enumerate(calls) if index not in front for parent in call.parents} & front
        edge = edges.pop() if len(edges) == 1 else 0
        model = recalled(model, image_input(shape), {edge: partial(_prepared, kind=kind)})
    return GivenModel(model, _in_words(kind), family, ends)


def _in_words(kind: Given) -> str:
    """A name as it is; of scale and offset the formula."""
    if isinstance(kind, str):
        return kind
    scale, offset = (", ".join(f"{number:g}" for number in np.atleast_1d(part)) for part in kind)
    return f"pictures · {scale} + {offset}"


def _prepared(image: Any, kind: Given) -> Any:
    """What the model wants; its first kernel is not turned round, since it belongs to the caller's model too."""
    prepared = preprocess(image, kind)
    return reversed_channels(prepared) if kind == "caffe" else prepared


def _preprocessing(model: keras.Model, given: Given | None, family: Family | None, *, inside: bool) -> Given:
    """What comes in front of the model."""
    if given is not None:
        kind = check_preprocessing(given)
        if inside and kind != "inside":
            raise InputError(
                "pictures to be preprocessed once",
                f"preprocessing={given!r} for {model.name!r}, which begins with preprocessing of its own",
                'Leave preprocessing out, or say "inside".',
            )
        return kind
    if inside:
        return "inside"
    if family is not None and family.preprocessing is not None:
        return family.preprocessing
    raise InputError(
        f"to be told what values {model.name!r} takes",
        "no preprocessing=, for a model that begins with no Rescaling or Normalization and as no application of Keras",
        f"Say it: ck.backbone(model, preprocessing=...) or ck.finetune(..., preprocessing=...). {PREPROCESSING_WORDS}",
    )


def _check_ends(model: keras.Model) -> None:
    """Refuses a model of several inputs or outputs."""
    if len(model.inputs) != 1 or len(model.outputs) != 1:
        raise InputError(
            "a model with one image input and one output",
            f"{model.name!r} with {len(model.inputs)} inputs and {len(model.outputs)} outputs",
            "Make one: keras.Model(model.inputs[0], tensor).",
        )


def check_data_format() -> None:
    """Refuses Keras's other order of axes, in which nothing of cnnkit would fit.

    Raises:
        InputError: `keras.config.image_data_format()` is "channels_first".
    """
    if keras.config.image_data_format() != "channels_last":
        raise InputError(
            'keras.config.image_data_format() to be "channels_last"',
            repr(keras.config.image_data_format()),
            'Call keras.config.set_image_data_format("channels_last") before anything is built.',
        )


def _check_layout(model: keras.Model) -> None:
    """Refuses what is no picture (height, width, 3) at the input, or no features at the output."""
    shape, features = tuple(model.inputs[0].shape[1:]), tuple(model.outputs[0].shape[1:])
    first = [layer.name for layer in model.layers if getattr(layer, "data_format", None) == "channels_first"]
    refused = (
        (len(shape) != 3, "an image input (height, width, 3)", str(shape), "A backbone takes pictures."),
        (
            bool(first) or (shape[:1] == (3,) and shape[-1] != 3),
            "a model of pictures (height, width, 3), the channels last",
            f"{shape}" + (f", layer {first[0]!r} with channels first" if first else ""),
            'Build it anew with data_format="channels_last": its kernels are the same, set_weights takes them over.',
        ),
        (
            shape[-1:] != (3,),
            "a model of RGB pictures (height, width, 3)",
            str(shape),
            "Let a model of three channels make what yours takes, of grey for example: image = keras.Input((height, "
            "width, 3)); grey = keras.ops.mean(image, axis=-1, keepdims=True); keras.Model(image, model(grey)).",
        ),
        (
            len(features) not in (1, 2, 3) or features[-1] is None,
            "features of each picture: (channels,), (height, width, channels) or (tokens, channels)",
            f"{model.name!r} that gives {model.outputs[0].shape}",
            "End it at another layer: cut=name, or keras.Model(model.input, tensor).",
        ),
    )
    for wrong, expected, received, remedy in refused:
        if wrong:
            raise InputError(expected, received, remedy)


def _shape(model: keras.Model, given: object, family: Family | None) -> Shape:
    """The input's fixed size."""
    height, width, _ = model.inputs[0].shape[1:]
    if given is None:
        if None not in (height, width):
            return height, width, 3
        if family is not None and family.side is not None:
            return height or family.side, width or family.side, 3
        raise InputError(
            "a fixed input size",
            f"{model.name!r} of {height} × {width}",
            "Give it: ck.backbone(model, input_shape=(224, 224, 3)), the size that its weights were trained at.",
        )
    remedy = "It is the size at which the model sees pictures, (224, 224, 3) for example."
    shape = check_input_shape(given, remedy=remedy)
    if any(own not in (None, side) for own, side in zip((height, width), shape, strict=False)):
        raise InputError(
            f"input_shape=({height}, {width}, 3), which {model.name!r} was built for",
            f"{given!r}",
            "Leave input_shape out, or build the model with keras.Input((None, None, 3)), which takes any size.",
        )
    return shape
