"""Vectors: their table."""

from __future__ import annotations

import numpy as np

from cnnkit.data.targets import Vectors


def test_a_column_per_number() -> None:
    table = Vectors([[1, 2.5], [3, 4]]).table(["p", "q"])
    assert table.to_dict("list") == {"id": ["p", "q"], "v0": [1, 3], "v1": [2.5, 4]}
    assert set(table.dtypes[1:]) == {np.dtype(np.float32)}
