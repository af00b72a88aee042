from __future__ import annotations

import pandas as pd
import pytest

from cnnkit.errors import InputError
from cnnkit.visualize import speeds


def test_a_bar_for_each_row_beside_the_speed_of_the_peer() -> None:
    table = pd.DataFrame({"bench": ["last_stage", ""], "case": ["x", "y"], "ratio": [9.0, 0.5]})
    axes = speeds(table, title="two cores").axes[0]
    assert [patch.get_width() for patch in axes.patches] == [9.0, 0.5]
    assert axes.lines[0].get_xdata()[0] == 1
    assert [text.get_text() for text in axes.texts] == ["9.0×", "0.5×"]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["last stage: x", "y"]


@pytest.mark.parametrize("rows", [1, 30])
def test_nothing_is_clipped(rows: int) -> None:
    table = pd.DataFrame(
        {
            "bench": "head_phase",
            "case": "OpenVINO in bfloat16, scaled decode, 500 pictures" * 2,
            "ratio": range(1, rows + 1),
        }
    )
    made = speeds(table)
    assert made.get_figheight() < 11
    made.draw_without_rendering()
    axes = made.axes[0]
    for text in (*axes.texts, axes.xaxis.label, *axes.get_yticklabels()):
        box = text.get_window_extent()
        assert 0 <= box.x0 <= box.x1 <= made.bbox.x1


def test_a_table_of_something_else_is_refused() -> None:
    with pytest.raises(InputError, match="ratio"):
        speeds(pd.DataFrame({"bench": ["a"]}))
