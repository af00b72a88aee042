"""What works value by value: activations, dropout, random versions of pictures, scaling, one weight per value."""

from __future__ import annotations

from collections.abc import Sequence

from cnnkit.layers import views
from cnnkit.layers.configuration import (
    CHANNELS_LAST,
    COUNT,
    NUMBER,
    NUMBERS,
    PLAIN,
    Kind,
    Settings,
    axes,
    integer,
    words,
)
from cnnkit.layers.cost import Cost, Inputs, Shape, misfit
from cnnkit.layers.inputs import axis_from_front, only_shape, weights_of
from cnnkit.layers.row import Row
from cnnkit.layers.stock_objects import ACTIVATION, CONSTRAINT, INITIALIZER, REGULARIZER


def broadcast(shapes: Sequence[Shape]) -> Shape:
    """The shape of an elementwise result: sides from the right are equal or 1; the batch goes with one picture.

    >>> broadcast([(None, 4, 4, 8), (None, 1, 1, 8), (8,)])
    (None, 4, 4, 8)

    Raises:
        MisfitError: Two sides are neither equal nor 1.
    """
    rank = max(len(shape) for shape in shapes)
    columns = zip(*((1,) * (rank - len(shape)) + tuple(shape) for shape in shapes), strict=True)
    output: list[int | None] = []
    for column in columns:
        sides = {side for side in column if side != 1}
        if len(sides) > 1:
            raise misfit("shapes that go together element by element", list(shapes))
        output.append(sides.pop() if sides else 1)
    return tuple(output)


def same_shape(_: Settings, inputs: Inputs) -> Cost:
    """What acts on each value, or while training only."""
    return Cost(only_shape(inputs))


def rescaling(s: Settings, inputs: Inputs) -> Cost:
    """Scale and offset, one number or one per channel."""
    shape = only_shape(inputs)
    for numbers in (s["scale"], s["offset"]):
        if len(numbers) >= len(shape) or broadcast([shape, numbers]) != shape:
            raise misfit(f"numbers for the channels of {shape}", numbers)
    return Cost(shape)


def prelu(s: Settings, inputs: Inputs) -> Cost:
    """A slope for each value, shared along some axes."""
    shape = only_shape(inputs)
    shared = {axis_from_front(axis, len(shape)) for axis in s["shared_axes"] or ()}
    slopes = tuple(1 if axis in shared else int(shape[axis] or 0) for axis in range(1, len(shape)))
    return Cost(shape, weights_of(slopes))


def layer_scale(s: Settings, inputs: Inputs) -> Cost:
    """ConvNeXt: one factor per channel."""
    shape = only_shape(inputs)
    if shape[-1] != s["projection_dim"]:
        raise misfit(f"{s['projection_dim']} channels", shape)
    return Cost(shape, weights_of((s["projection_dim"],)))


def _elementwise(**others: Kind) -> Row:
    return Row(same_shape, views.same, others=others)


SEED: dict[str, Kind] = {"seed": integer(0) | None}
_AUGMENTATION: dict[str, Kind] = {
    **SEED,
    "data_format": CHANNELS_LAST | None,
    **dict.fromkeys(("factor", "height_factor", "width_factor", "x_factor", "y_factor", "value_range"), PLAIN | None),
    **dict.fromkeys(("mode", "fill_mode", "fill_value", "interpolation", "scale"), PLAIN | None),
}
_AUGMENTING = words(
    "RandomBrightness RandomColorDegeneration RandomContrast RandomErasing RandomFlip RandomGrayscale RandomHue "
    "RandomInvert RandomPerspective RandomPosterization RandomRotation RandomSaturation RandomSharpness RandomShear "
    "RandomTranslation RandomZoom"
)
_DROPPING = words("Dropout SpatialDropout1D SpatialDropout2D SpatialDropout3D AlphaDropout GaussianDropout")

ROWS: dict[str, Row] = {
    "Activation": _elementwise(activation=ACTIVATION),
    "ReLU": _elementwise(max_value=NUMBER | None, negative_slope=NUMBER | 0.0, threshold=NUMBER | 0.0),
    "LeakyReLU": _elementwise(negative_slope=NUMBER | 0.3, alpha=NUMBER | 0.3),
    "ThresholdedReLU": _elementwise(theta=NUMBER | 1.0),
    "ELU": _elementwise(alpha=NUMBER | 1.0),
    "PReLU": Row(
        prelu,
        views.same,
        {"shared_axes": axes() | None},
        {
            "alpha_initializer": INITIALIZER | None,
            "alpha_regularizer": REGULARIZER | None,
            "alpha_constraint": CONSTRAINT | None,
        },
    ),
    "Softmax": _elementwise(axis=axes() | (-1,)),
    "Identity": _elementwise(),
    **dict.fromkeys(
        sorted(_DROPPING),
        _elementwise(**SEED, rate=NUMBER, noise_shape=PLAIN | None, data_format=CHANNELS_LAST | None),
    ),
    "GaussianNoise": _elementwise(**SEED, stddev=NUMBER),
    "ActivityRegularization": _elementwise(l1=NUMBER | 0.0, l2=NUMBER | 0.0),
    **dict.fromkeys(sorted(_AUGMENTING), _elementwise(**_AUGMENTATION)),
    "Rescaling": Row(rescaling, views.same, {"scale": NUMBERS, "offset": NUMBERS | ()}),
    "StochasticDepth": Row(
        same_shape,
        views.same,
        others={"drop_path_rate": NUMBER},
        modules=("keras.src.applications.convnext",),
        registered=True,
    ),
    "LayerScale": Row(
        layer_scale,
        views.same,
        {"projection_dim": COUNT},
        {"init_values": NUMBER},
        modules=("keras.src.applications.convnext",),
        registered=True,
    ),
}
