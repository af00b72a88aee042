"""Normalization: by the statistics of batches, layers, groups, or of the data."""

from __future__ import annotations

import math

from cnnkit.layers import views
from cnnkit.layers.configuration import FLAG, NUMBER, NUMBERS, PLAIN, Kind, Settings, axes, integer, one_of
from cnnkit.layers.cost import Cost, Inputs, Weight, misfit
from cnnkit.layers.elementwise import same_shape
from cnnkit.layers.inputs import axis_from_front, lengths, only_shape, weights_of
from cnnkit.layers.row import Row
from cnnkit.layers.stock_objects import CONSTRAINT, INITIALIZER, REGULARIZER


def batch_norm(s: Settings, inputs: Inputs) -> Cost:
    """Along one axis: scale γ, shift β, moving mean and moving variance."""
    shape = only_shape(inputs)
    if len(s["axis"]) != 1:
        raise misfit("one axis", list(s["axis"]))
    channels = lengths(s["axis"], shape)
    learned = [channels] * (s["scale"] + s["center"])
    return Cost(shape, weights_of(*learned, channels, channels, trained=len(learned)))  # γ, β, moving mean, variance


def layer_norm(s: Settings, inputs: Inputs) -> Cost:
    """Along some axes: scale γ and shift β."""
    shape = only_shape(inputs)
    return Cost(shape, weights_of(*[lengths(s["axis"], shape)] * (s["scale"] + s["center"])))


def group_norm(s: Settings, inputs: Inputs) -> Cost:
    """Scale γ and shift β, a pair per channel."""
    shape = only_shape(inputs)
    (channels,) = lengths((s["axis"],), shape)
    groups = channels if s["groups"] == -1 else s["groups"]
    if not groups or channels % groups:
        raise misfit(f"a number of groups that divides {channels} channels", groups)
    return Cost(shape, weights_of(*[(channels,)] * (s["scale"] + s["center"])))


def rms_norm(s: Settings, inputs: Inputs) -> Cost:
    """Along some axes: a scale."""
    shape = only_shape(inputs)
    return Cost(shape, weights_of(lengths(s["axis"], shape)))


def normalization(s: Settings, inputs: Inputs) -> Cost:
    """Statistics of the data: as arguments, or as weights with the number of batches that they are of."""
    shape = only_shape(inputs)
    axes = () if s["axis"] is None else sorted(axis_from_front(axis, len(shape)) for axis in s["axis"])
    statistics = lengths(axes, shape)
    if (s["mean"] is None) != (s["variance"] is None):
        raise misfit("mean and variance together", "one of them")
    if s["mean"] is None:
        mean, variance = weights_of(statistics, statistics, trained=0)
        return Cost(shape, (mean, variance, Weight((), "vars/2", trained=False)))
    for numbers in (s["mean"], s["variance"]):
        if math.prod(numbers) not in (1, math.prod(statistics)):
            raise misfit(f"{math.prod(statistics)} numbers", numbers)
    return Cost(shape)


_LEARNED: dict[str, Kind] = {"center": FLAG | True, "scale": FLAG | True}
_AXES: dict[str, Kind] = {"axis": axes() | (-1,)}
_OTHERS: dict[str, Kind] = {
    "epsilon": NUMBER | 1e-3,
    **{f"{name}_initializer": INITIALIZER | None for name in ("beta", "gamma")},
    **{f"{name}_regularizer": REGULARIZER | None for name in ("beta", "gamma")},
    **{f"{name}_constraint": CONSTRAINT | None for name in ("beta", "gamma")},
}
_BATCH_NORM_OTHERS: dict[str, Kind] = {
    **_OTHERS,
    "momentum": NUMBER | 0.99,
    "moving_mean_initializer": INITIALIZER | None,
    "moving_variance_initializer": INITIALIZER | None,
    "synchronized": FLAG | False,
    "renorm": one_of(False) | False,
    "renorm_clipping": PLAIN | None,
    "renorm_momentum": PLAIN | None,
    "fused": PLAIN | None,
    "virtual_batch_size": one_of() | None,
    "adjustment": one_of() | None,
}

ROWS: dict[str, Row] = {
    **dict.fromkeys(
        ("BatchNormalization", "BatchNormalizationV1", "BatchNormalizationV2"),
        Row(batch_norm, views.same, {**_LEARNED, **_AXES}, _BATCH_NORM_OTHERS),
    ),
    "LayerNormalization": Row(
        layer_norm, views.same, {**_LEARNED, **_AXES}, {**_OTHERS, "rms_scaling": one_of(False) | False}
    ),
    "GroupNormalization": Row(
        group_norm, views.whole, {**_LEARNED, "axis": integer(-8, 8) | -1, "groups": integer(-1) | 32}, _OTHERS
    ),
    "UnitNormalization": Row(same_shape, views.same, others=_AXES),
    "RMSNormalization": Row(rms_norm, views.same, _AXES, {"epsilon": NUMBER | 1e-6}),
    "Normalization": Row(
        normalization,
        views.same,
        {"axis": axes(fewest=0) | None, "mean": NUMBERS | None, "variance": NUMBERS | None},
        {"invert": FLAG | False},
    ),
}
