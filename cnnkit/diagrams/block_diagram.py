"""The layers between two of a network's, as a graph from top to bottom: a residual block, an inception module."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch

from cnnkit.diagrams.architecture_parts import Part, ancestors, layer_parts
from cnnkit.diagrams.ink import Point, arrow, line_height, page, text_width, tinted
from cnnkit.diagrams.layer_words import KINDS, spread_out
from cnnkit.diagrams.layered_graph import Edge, Layout, layered
from cnnkit.errors import InputError, unknown_name
from cnnkit.visualize import style
from cnnkit.visualize.figure_arguments import check_figure
from cnnkit.visualize.tapping import AnyNetwork, graph_of

SIZE, SMALL = 11.0, 9.0
"""Points of what a layer is, and of the rest."""
GAP, BESIDE, MARGIN = 0.42, 0.3, 0.3
"""Inches between rows, between branches, and around all."""


@dataclass(frozen=True)
class Sign:
    """A part with its texts.

    Attributes:
        part: A layer.
        first: What it is: kernel, kind, number of maps, stride.
        others: Normalization and activation; shape.
    """

    part: Part
    first: str
    others: tuple[str, ...]

    @property
    def width(self) -> float:
        """Inches."""
        return 0.3 + max(text_width(self.first, SIZE, bold=True), *(text_width(line, SMALL) for line in self.others))

    @property
    def height(self) -> float:
        """Inches."""
        return 0.16 + line_height(SIZE) + len(self.others) * line_height(SMALL)


def block(network: AnyNetwork, from_layer: str, to_layer: str) -> Figure:
    """The layers from one to another, both included, from top to bottom, branches beside each other.

    Each box says what the layer is (kernel, number of maps, stride), what follows it at once (normalization,
    activation) and the shape of what it gives.

    Args:
        network: Any functional or built Sequential model; a network; a backbone.
        from_layer: Where the block forks: `"pool1_pool"`.
        to_layer: Where it ends: `"conv2_block1_out"`.

    Returns:
        A figure as large as the block needs.

    Raises:
        UnknownNameError: No such layer.
        InputError: No way leads from the one to the other, or no network.
    """
    parts = _between(layer_parts(graph_of(network)), from_layer, to_layer)
    signs = [_sign(part) for part in parts]
    layout = layered([part.parents for part in parts])
    plan = Plan(signs, layout)
    title = f"{style.shortened(from_layer, 30)} → {style.shortened(to_layer, 30)}"
    width = max(plan.width, text_width(title, 13, bold=True)) + 2 * MARGIN
    height = plan.height + 0.6 + MARGIN
    with style.styled():
        figure, axes = page(width, height)
        axes.text(MARGIN, height - 0.3, style.plain(title), fontsize=13, fontweight="bold", va="center")
        plan.draw(axes, ((width - plan.width) / 2, height - 0.6))
    return figure


def _between(parts: Sequence[Part], from_layer: str, to_layer: str) -> list[Part]:
    """The parts on all ways from one layer to another."""
    home = {name: at for at, part in enumerate(parts) for name in part.names}
    for name in (from_layer, to_layer):
        check_figure({"layer": name})
        if name not in home:
            raise unknown_name("a layer", name, home, "model.summary()")
    start, end = home[from_layer], home[to_layer]
    before = ancestors(parts, end)
    members = [at for at in sorted(before) if start in ancestors(parts, at)]
    if start == end or not members:
        raise InputError(
            "two layers, the second of which depends on the first",
            f"{from_layer!r} and {to_layer!r}",
            "Name where the block forks, then where it ends.",
        )
    position = {at: index for index, at in enumerate(members)}
    return [
        replace(parts[at], parents=tuple(position[up] for up in parts[at].parents if up in position)) for at in members
    ]


def _sign(part: Part) -> Sign:
    (words,) = part.lines()
    what, _, stride = words.partition(" /")
    if part.kind == "convolution":
        what = f"{what} convolution, {part.shape[-1]}"
    elif part.kind == "pooling":
        what = f"{what} pooling"
    besides = " · ".join(dict.fromkeys(part.extras))  # a shuffle reshapes twice
    others = (besides, spread_out(part.shape)) if besides else (spread_out(part.shape),)
    return Sign(part, f"{what} /{stride}" if stride else what, others)


class Plan:
    """Where each sign stands, from the top left corner.

    Attributes:
        width: Inches.
        height: Inches.
    """

    def __init__(self, signs: Sequence[Sign], layout: Layout) -> None:
        self.signs, self.layout = signs, layout
        lanes = sorted({*layout.lanes, *(edge.lane for edge in layout.edges)})
        self.lane_x: dict[int, float] = {}
        x = 0.0
        for lane in lanes:
            width = max((sign.width for at, sign in enumerate(signs) if layout.lanes[at] == lane), default=0.0)
            self.lane_x[lane] = x + width / 2
            x += width + BESIDE
        self.width = x - BESIDE
        self.top: list[float] = []
        y = 0.0
        for column in range(1 + max(layout.columns)):
            self.top.append(y)
            y -= max(sign.height for at, sign in enumerate(signs) if layout.columns[at] == column) + GAP
        self.height = -y - GAP

    def draw(self, axes: Axes, corner: Point) -> None:
        """Signs and arrows."""
        left, top = corner
        for edge in self.layout.edges:
            arrow(axes, [(left + x, top + y) for x, y in self._way(edge)])
        for at, sign in enumerate(self.signs):
            middle = left + self.lane_x[self.layout.lanes[at]]
            _draw_sign(axes, sign, (middle, top + self.top[self.layout.columns[at]]), at)

    def _way(self, edge: Edge) -> list[Point]:
        """Out of the source, down its lane, into the target."""
        columns, lanes = self.layout.columns, self.layout.lanes
        start, along, end = self.lane_x[lanes[edge.source]], self.lane_x[edge.lane], self.lane_x[lanes[edge.target]]
        bottom = self.top[columns[edge.source]] - self.signs[edge.source].height
        fork = self.top[columns[edge.source] + 1] + GAP * 2 / 3
        join = self.top[columns[edge.target]] + GAP / 3
        finish = self.top[columns[edge.target]] + 0.02
        return [(start, bottom), (start, fork), (along, fork), (along, join), (end, join), (end, finish)]


def _draw_sign(axes: Axes, sign: Sign, top: Point, at: int) -> None:
    """A box with its texts, below a point in its middle."""
    x, y = top
    colour = KINDS[sign.part.kind].colour
    box = FancyBboxPatch(
        (x - sign.width / 2, y - sign.height),
        sign.width,
        sign.height,
        boxstyle="round,pad=0,rounding_size=0.07",
        facecolor=tinted(colour, 0.82),
        edgecolor=colour,
        linewidth=1.2,
        gid=f"box-{at}",
    )
    axes.add_patch(box)
    y -= 0.08
    axes.text(x, y, style.plain(sign.first), fontsize=SIZE, fontweight="bold", ha="center", va="top", gid=f"what-{at}")
    y -= line_height(SIZE)
    for line in sign.others:
        axes.text(x, y, line, fontsize=SMALL, color=style.MUTED, ha="center", va="top", gid=f"besides-{at}")
        y -= line_height(SMALL)
