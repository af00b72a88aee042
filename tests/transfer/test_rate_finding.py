from __future__ import annotations

import numpy as np
import pytest

from cnnkit.errors import InputError
from cnnkit.transfer.fitting import fit
from cnnkit.transfer.plan import Phase
from cnnkit.transfer.plans import probe
from cnnkit.transfer.rate_finding import find_rate


def test_it_leaves_no_trace(make, colours) -> None:
    """fastai#2892: there the finder changes the training that follows."""
    touched, untouched = make(dropout=0.5), make(dropout=0.5)
    touched.model.compile("sgd", "mse")
    flags = [layer.trainable for layer in touched.model.layers]
    optimizer = touched.model.optimizer
    state = np.random.get_state()[1].copy()
    find_rate(touched, colours, Phase("p", train="all", batch_norm="train"), steps=8)
    np.testing.assert_array_equal(state, np.random.get_state()[1])
    assert flags == [layer.trainable for layer in touched.model.layers]
    assert touched.model.optimizer is optimizer
    for network in (touched, untouched):
        fit(network, colours, probe(epochs=2), progress=False)
    for one, other in zip(touched.model.variables, untouched.model.variables, strict=True):
        np.testing.assert_array_equal(one.numpy(), other.numpy())


def test_the_rates_rise_and_one_is_suggested(make, colours) -> None:
    curve = find_rate(make(), colours, lowest=1e-5, highest=1.0, steps=12)
    assert curve.table["rate"].is_monotonic_increasing
    assert 1e-5 <= curve.suggestion <= 1.0
    assert "try rate=" in repr(curve)


def test_bad_range(make, colours) -> None:
    with pytest.raises(InputError, match="lowest < highest"):
        find_rate(make(), colours, lowest=1, highest=0.1)
