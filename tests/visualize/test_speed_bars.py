from __future__ import annotations

import pandas as pd
import pytest

from cnnkit.errors import InputError
from cnnkit.visualize import speeds


def test_a_bar_a_row_and_a_tick_where_one_was_set() -> None:
    table = pd.DataFrame({"bench": "b", "case": ["x", "y"], "ratio": [9.0, 3.0], "bar": [8.0, None]})
    axes = speeds(table).axes[0]
    assert [patch.get_width() for patch in axes.patches] == [9.0, 3.0]
    assert axes.lines[0].get_xdata()[0] == 8.0
    assert [text.get_text() for text in axes.texts] == ["9.0×", "3.0×"]


def test_a_table_of_something_else_is_refused() -> None:
    with pytest.raises(InputError, match="ratio"):
        speeds(pd.DataFrame({"bench": ["a"]}))
