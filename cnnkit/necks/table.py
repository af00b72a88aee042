"""The necks by name."""

from __future__ import annotations

from collections.abc import Callable

import keras

from cnnkit.necks.atrous_pyramid import aspp
from cnnkit.necks.feature_pyramid import fpn
from cnnkit.necks.pyramid_pooling import psp
from cnnkit.necks.u_shape import unet
from cnnkit.necks.unpooling import unpooling

NECKS: dict[str, Callable[..., dict[str, keras.KerasTensor]]] = {
    "fpn": fpn,
    "unet": unet,
    "psp": psp,
    "aspp": aspp,
    "unpooling": unpooling,
}
