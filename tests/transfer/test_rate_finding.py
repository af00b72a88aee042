from __future__ import annotations

import numpy as np
import pytest

from cnnkit.data.array_images import arrays
from cnnkit.data.dataset import Dataset
from cnnkit.data.source import Source
from cnnkit.errors import DataError, InputError
from cnnkit.transfer.fitting import fit
from cnnkit.transfer.plan import Phase
from cnnkit.transfer.plans import probe
from cnnkit.transfer.rate_finding import find_rate
from tests.transfer.worlds import pictures


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


def test_it_takes_what_fit_takes(make, colours, tmp_path) -> None:
    with pytest.raises(DataError, match="a folder of pictures"):
        find_rate(make(), tmp_path / "nowhere")
    with pytest.raises(InputError, match="a part of one"):
        find_rate(make(), colours.train)
    others = arrays(*pictures(8, 0), classes=["a", "b"], split=(1, 0, 0))
    with pytest.raises(DataError, match="classes of the network"):
        find_rate(make(), others)
    with pytest.raises(DataError, match="labelled training pictures"):
        find_rate(make(), Dataset(colours.classes, Source.empty(colours.classes), colours.validation, colours.test))


def test_bad_range(make, colours) -> None:
    with pytest.raises(InputError, match="lowest < highest"):
        find_rate(make(), colours, lowest=1, highest=0.1)


WRONG = {
    "batch_size": (0, -1, 2.5, "8", None, True),
    "seed": (-1, 1.5, "0", None),
    "steps": (0, 2, 2.5, "9", None),
    "lowest": (0, -1e-3, float("nan"), "1e-6", None),
    "highest": (0, float("inf"), "1", None),
}


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, values in WRONG.items() for value in values])
def test_a_wrong_value_is_named(make, colours, name: str, value: object) -> None:
    with pytest.raises(InputError, match=rf"{name}={value!r}"):
        find_rate(make(), colours, **{name: value})
