from __future__ import annotations

import pandas as pd
import pytest

from cnnkit.errors import InputError
from cnnkit.visualize import accuracy_against_time


def test_a_line_a_backbone_with_its_cuts_shallow_to_deep() -> None:
    table = pd.DataFrame(
        {
            "backbone": ["slow", "fast", "slow"],
            "multiply_adds": [30, 2, 10],
            "milliseconds": [9.0, 1.0, 3.0],
            "accuracy": [0.9, 0.7, 0.8],
        }
    )
    axes = accuracy_against_time(table, chance=0.5).axes[0]
    fast, slow, chance = axes.lines
    assert (list(fast.get_xdata()), list(fast.get_ydata())) == ([1.0], [70.0])
    assert list(slow.get_xdata()) == [3.0, 9.0]
    assert list(slow.get_ydata()) == pytest.approx([80, 90])
    assert chance.get_ydata()[0] == 50
    assert {text.get_text() for text in axes.get_legend().get_texts()} == {"fast", "slow"}


def test_a_table_of_something_else_is_refused() -> None:
    with pytest.raises(InputError, match="milliseconds"):
        accuracy_against_time(pd.DataFrame({"backbone": ["a"]}))
    with pytest.raises(InputError, match="Received: str"):
        accuracy_against_time("comparison")


def test_many_backbones_can_be_told_apart() -> None:
    names = [f"backbone {number}" for number in range(24)]
    table = pd.DataFrame({"backbone": names, "multiply_adds": 1, "milliseconds": 1.0, "accuracy": 0.5})
    lines = accuracy_against_time(table).axes[0].lines
    assert len({(line.get_color(), line.get_marker()) for line in lines}) == 24
