"""What each layer of a Keras model gives, costs and sees."""

from __future__ import annotations

import keras
import pandas as pd

from cnnkit.backbones.graph import functional
from cnnkit.backbones.keras_layers import calls
from cnnkit.primitives.architecture import walk
from cnnkit.primitives.cost_table import table


def count(model: keras.Model) -> pd.DataFrame:
    """What each layer of a Keras model gives, costs and sees.

    Args:
        model: Any functional or built Sequential model. A model inside it is one row.

    Returns:
        One row a layer call, the input's first, with the columns of `ck.primitives.count`. Shapes and parameters
        are Keras's own, moving statistics included, those of a layer that is called twice at its first call. Where
        a side is open (None), multiply-adds and activations count 0.

    Raises:
        InputError: A subclassed model has no graph; a Sequential without input shape has none yet.
    """
    model = functional(model)
    shape = tuple(model.inputs[0].shape[1:])
    return table(walk(calls(model), shape), shape)
