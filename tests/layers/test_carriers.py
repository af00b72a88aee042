"""The list of classes that carry more than numbers, against what Keras has."""

from __future__ import annotations

import inspect

import keras
import pytest

from cnnkit.errors import BundleError
from cnnkit.export.stock import check_stock
from cnnkit.layers.carriers import CARRIERS
from cnnkit.layers.table import LAYERS, OPERATIONS

# Arguments by which a layer of Keras 3 takes code, a module of another framework, a file, words or a table of hashes.
CARRYING = {"function", "module", "call_fn", "filepath", "vocabulary", "salt", "num_bins"}
OF_KERAS_2 = {"TFOpLambda", "TensorFlowOpLayer", "SlicingOpLambda", "ClassMethod", "InstanceMethod"}
# Numbers of a histogram: no table of hashes.
NO_CARRIERS = {"Discretization"}


def test_the_list_holds_what_keras_has() -> None:
    carrying = {
        name
        for name, kind in vars(keras.layers).items()
        if inspect.isclass(kind) and CARRYING & set(inspect.signature(kind.__init__).parameters)
    }
    assert carrying - NO_CARRIERS == CARRIERS.keys() - OF_KERAS_2 - {"__lambda__"}


def test_no_carrier_has_arithmetic() -> None:
    assert not CARRIERS.keys() & {*LAYERS, *(name for _, name in OPERATIONS)}


def test_a_bundle_refuses_them_with_what_to_use() -> None:
    image = keras.Input((4, 4, 3))
    model = keras.Model(image, keras.layers.Lambda(lambda x: x, name="odd")(image))
    with pytest.raises(BundleError, match=r"layer 'odd' with Lambda.*Use Rescaling"):
        check_stock(model, {})
