"""What each legal cut gives and costs: shape, stride, receptive field, parameters, multiply-adds."""

from __future__ import annotations

import re
from collections.abc import Sequence

import keras
import pandas as pd

from cnnkit.backbones.graph import cut_nodes, functional, nodes
from cnnkit.backbones.model_costs import count
from cnnkit.backbones.truncation import WHERE, check_cut, cut_node
from cnnkit.errors import unknown_name

COLUMNS = ["name", "shape", "stride", "receptive_field", "parameters", "multiply_adds"]


def cut_table(model: keras.Model) -> pd.DataFrame:
    """All legal cuts of a functional model, the input's side first.

    Args:
        model: Any functional or built Sequential model.

    Returns:
        One row a cut:

        * name: the layer, what `cut=` takes.
        * shape: (height, width, channels) of the features, or (units,).
        * stride: input pixels between neighbouring places; <NA> for vectors.
        * receptive_field: input pixels along a side that one value can see, from the first to the last over all
          paths and the larger of both axes, in theory also larger than the picture; at least the picture's side
          after global pooling (a squeeze-and-excitation branch has one). <NA> after a layer that cnnkit does not
          know.
        * parameters: of all layers up to it, moving statistics included: `truncate(model, name).count_params()`.
        * multiply_adds: of one picture up to it, convolutions and dense layers; 0 where a side is unknown.
    """
    model = functional(model)
    costs = count(model)
    sums = costs[["parameters", "multiply_adds"]].cumsum()
    legal = {id(call.layer) for call in cut_nodes(model)}
    rows = [id(call.layer) in legal for call in nodes(model)]
    table = costs.assign(**sums).loc[rows, COLUMNS].reset_index(drop=True)
    # A cut sees what the cut before it saw: "the whole picture" is no less than a field larger than the picture.
    return table.assign(receptive_field=table["receptive_field"].cummax())


def stages(table: pd.DataFrame) -> tuple[str, ...]:
    """The last legal cut of each stride, shallow to deep: what `"stage1"`, `"stage2"` … stand for.

    Only feature maps count that a convolution or a pooling has made, and padding is not counted to a stage:
    ResNet50's stages end at `conv1_relu`, `conv2_block3_out`, …, not at its input or at `pool1_pad`.

    Args:
        table: What `cut_table` gives.
    """
    are_maps = table["shape"].map(len) == 3
    sees = table["receptive_field"].isna() | (table["receptive_field"] > 1)
    maps = table[are_maps & table["stride"].notna() & sees]
    # Padding repeats the numbers of the cut before it, with a larger map.
    ends: dict[float, str] = {}
    before: tuple[object, int] | None = None
    for name, shape, stride, *counts in maps[COLUMNS].itertuples(index=False, name=None):
        numbers = [None if pd.isna(number) else number for number in counts]  # <NA> is neither equal nor other
        if before is None or before[0] != (stride, numbers) or shape[0] <= before[1]:
            ends[float(stride)] = str(name)
            before = (stride, numbers), shape[0]
    return tuple(ends[stride] for stride in sorted(ends))


def resolve_cut(model: keras.Model, cut: str, ends: Sequence[str] = ()) -> str:
    """The layer that a cut or a stage alias (`"stage1"` shallow, to `"stage5"`) stands for.

    Args:
        model: What is cut.
        cut: A layer or an alias.
        ends: Of its stages, where they are known; else `stages` finds them.

    Raises:
        UnknownNameError: Neither a layer nor a stage.
        InputError: A layer, but no legal cut; or no name.
    """
    check_cut(cut)
    model = functional(model)
    if re.fullmatch(r"stage\d+", cut) and all(layer.name != cut for layer in model.layers):
        ends = ends or stages(cut_table(model))
        number = int(cut.removeprefix("stage"))
        if not 1 <= number <= len(ends):
            raise unknown_name("a stage", cut, [f"stage{count + 1}" for count in range(len(ends))], WHERE)
        return ends[number - 1]
    return cut_node(model, cut).name
