from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from cnnkit.errors import InputError
from cnnkit.layers.input_shape import check_input_shape


def test_numpy_integers_become_integers() -> None:
    shape = check_input_shape(np.array([32, 48, 3]))
    assert shape == (32, 48, 3)
    assert [type(side) for side in shape] == [int, int, int]


def test_sides_stay_open_where_they_may() -> None:
    assert check_input_shape((None, 40, 3), least=32, open_sides=True) == (None, 40, 3)
    with pytest.raises(InputError, match=r"at least 32×32.*None×31.*input_shape=\(None, 32, 3\)"):
        check_input_shape((None, 31, 3), least=32, open_sides=True)


@pytest.mark.parametrize(
    "given", [None, 224, "224", (64, 64), (64, 64, 3, 1), (64.0, 64, 3), (True, 64, 3), (0, 64, 3), (64, 64, None), {}]
)
def test_another_form_is_refused(given: Any) -> None:
    for open_sides in (False, True):
        with pytest.raises(InputError, match=r"input_shape=\(height, width, 3\): pictures are RGB.*as in \(224"):
            check_input_shape(given, open_sides=open_sides)


def test_channels_and_network_are_named() -> None:
    with pytest.raises(InputError, match="1 or 3 channels"):
        check_input_shape((28, 28, 2), channels=(1, 3))
    with pytest.raises(InputError, match=r"at least 71×71 for xception.*70×80.*input_shape=\(71, 80, 3\) or larger"):
        check_input_shape((70, 80, 3), least=71, network="xception")
