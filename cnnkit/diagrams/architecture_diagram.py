"""A network's architecture as the picture of a slide: its maps as boxes, as high as they are large."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Polygon

from cnnkit.diagrams.architecture_costs import compact
from cnnkit.diagrams.architecture_parts import DETAILS, Part
from cnnkit.diagrams.ink import Point, arrow, line_height, page, text_width, tinted
from cnnkit.diagrams.layer_words import KINDS, runs, spread_out
from cnnkit.diagrams.layered_graph import Edge, Layout, layered
from cnnkit.errors import unknown_name
from cnnkit.visualize import style
from cnnkit.visualize.figure_arguments import check_figure
from cnnkit.visualize.tapping import AnyNetwork, graph_of

WIDEST = 14.6
"""Inches of a row, where it can be broken."""
TALLEST = 1.6
"""Inches of the largest map, where nothing runs beside it."""
USUAL_SIDE = 224
"""Pixels of a picture of any size."""
GAP, MARGIN = 0.28, 0.3
"""Inches between boxes, and around all."""
SHAPE_SIZE, WORDS_SIZE = 8.5, 8.0
"""Points of a caption."""
SLABS, COLUMNS = 4, 3
"""The most slabs for a repeated part, and the most columns for a grouped one."""
APART = 0.06
"""Inches between columns."""


@dataclass(frozen=True)
class Box:
    """A part with its size on the page, in inches.

    Attributes:
        part: The part of the network.
        largest: The largest side of all maps, in pixels.
        tallest: And its inches.
        shows_name: Whether the layer's name is written below its shape.
    """

    part: Part
    largest: int
    tallest: float
    shows_name: bool

    @cached_property
    def height(self) -> float:
        """Inches; grows with the root of the side, or of the number of units, so that 7 is still visible beside 224."""
        if not self.part.sides:
            return min(self.tallest, max(0.14, self.tallest * math.sqrt((self.part.shape[-1] or 1) / 4096)))
        return self._side(self.part.sides[0])

    @cached_property
    def depth(self) -> Point:
        """Inches by which the back is shifted, right and up."""
        side = self._side(self.part.sides[1]) if len(self.part.sides) > 1 else 0.2
        return 0.3 * side, 0.2 * side

    @cached_property
    def slabs(self) -> int:
        """The number of slabs side by side: the repetitions of the part, limited to the most that are drawn."""
        return min(SLABS, max(times for _, times in runs(self.part.words)))

    @cached_property
    def columns(self) -> int:
        """The number of columns above each other: the groups of a convolution with few of them, as AlexNet's two."""
        return self.part.groups if self.part.groups <= COLUMNS else 1

    @cached_property
    def thickness(self) -> float:
        """Inches of one slab; grows with the root of the channels."""
        if not self.part.sides:
            return 0.13
        whole = min(0.9, max(0.06, 0.02 * math.sqrt(self.part.shape[-1] or 64)))
        return whole / math.sqrt(self.slabs) / self.columns

    @cached_property
    def size(self) -> Point:
        """Width and height in inches, the back included."""
        right, up = self.depth
        return self.slabs * self.thickness + right, self.columns * (self.height + up + APART) - APART

    @cached_property
    def words(self) -> list[str]:
        """The lines below the shape."""
        lines = [wrapped for line in self.part.lines() for wrapped in _wrapped(line)]
        shows_name = [style.shortened(self.part.names[0], 20), *lines] if self.shows_name else lines
        return list(dict.fromkeys(shows_name))  # a name may say it all: add, add

    @cached_property
    def caption(self) -> Point:
        """Width and height in inches of the shape and the words."""
        shape = text_width(spread_out(self.part.shape), SHAPE_SIZE, bold=True)
        width = max([shape, *(text_width(line, WORDS_SIZE) for line in self.words)])
        return width, line_height(SHAPE_SIZE) + len(self.words) * line_height(WORDS_SIZE)

    @property
    def width(self) -> float:
        """Inches from left to right, the caption included."""
        return max(self.size[0], self.caption[0])

    def _side(self, side: int | None) -> float:
        return max(0.12, self.tallest * math.sqrt((side or self.largest) / self.largest))


def architecture(network: AnyNetwork, *, detail: str = "stages") -> Figure:
    """A network as a row of boxes: as high as its maps are large, as wide as they are many, coloured by kind.

    Height and width grow with the square root of pixels and channels. Normalization, activation, padding and dropout
    are drawn with the layer before them. Below each box stands its shape, height × width × channels, and what it does:
    `3×3 /2` a kernel and its stride, `(1×1, 3×3) ×6` what is repeated, `dw` depthwise.

    Args:
        network: Any functional or built Sequential model; a network; a backbone.
        detail: `"stages"`: what follows each other at one size is a box, as in papers. `"blocks"`: a box for each
            fork, its branches and their join. `"layers"`: a box a layer, branches beside each other.

    Returns:
        A figure up to 15.2 inches wide, more only where shortcuts run over all of a network, as in a U-Net.

    Raises:
        UnknownNameError: Another detail.
        InputError: A subclassed model, which has no graph, or something else.
    """
    check_figure({"detail": detail})
    if detail not in DETAILS:
        raise unknown_name("a detail", detail, DETAILS)
    model = graph_of(network)
    parts = DETAILS[detail](model)
    known = [side for part in parts for side in part.sides if side]
    largest = max(known + [USUAL_SIDE] * any(None in part.sides for part in parts), default=1)
    layout = layered([part.parents for part in parts])
    tallest = TALLEST / math.sqrt(len(set(layout.lanes)))
    boxes = [Box(part, largest, tallest, detail == "layers") for part in parts]
    rows = [Row(boxes, layout, columns) for columns in _broken(boxes, layout)]
    kinds = [kind for kind in KINDS if any(part.kind == kind for part in parts)]
    title = f"{style.plain(model.name)}   {compact(model.count_params())} parameters"
    inner = max(text_width(title, 13, bold=True), *(row.width for row in rows))
    legend = _legend_lines(kinds, inner)
    width = inner + 2 * MARGIN
    height = 0.5 + sum(row.height + GAP for row in rows) + 0.26 * len(legend)
    with style.styled():
        figure, axes = page(width, height)
        axes.text(MARGIN, height - 0.28, title, fontsize=13, fontweight="bold", va="center")
        top = height - 0.5
        for row, after in zip(rows, [*rows[1:], None], strict=True):
            row.draw(axes, top)
            if after is not None:
                _turn(axes, row, after, top)
            top -= row.height + GAP
        _legend(axes, legend)
    return figure


class Row:
    """Boxes beside each other, with lanes above and below the straight way.

    Attributes:
        width: Inches, without margins.
        height: Inches.
        incoming: Arrows from the row before.
    """

    def __init__(self, boxes: Sequence[Box], layout: Layout, columns: range) -> None:
        self.boxes = {at: box for at, box in enumerate(boxes) if layout.columns[at] in columns}
        self.layout, self.columns = layout, columns
        reaching = [edge for edge in layout.edges if edge.target in self.boxes]
        self.edges = [edge for edge in reaching if edge.source in self.boxes]
        self.incoming = [edge for edge in reaching if edge.source not in self.boxes]
        self.left: dict[int, float] = {}
        x = MARGIN
        for column in columns:
            self.left[column] = x
            x += self._column_width(column) + GAP
        self.width = x - GAP - MARGIN
        lanes = {layout.lanes[at] for at in self.boxes} | {edge.lane for edge in reaching}
        self.lane_y: dict[int, float] = {}
        self.caption_y: dict[int, float] = {}
        y = 0.0
        for lane in sorted(lanes, reverse=True):
            members = [box for at, box in self.boxes.items() if layout.lanes[at] == lane]
            half = max((box.size[1] / 2 for box in members), default=0.1)
            self.lane_y[lane] = y - half
            self.caption_y[lane] = y - 2 * half - 0.07
            y = self.caption_y[lane] - max((box.caption[1] + 0.16 for box in members), default=0.0)
        self.height = -y

    def _column_width(self, column: int) -> float:
        return max(box.width for at, box in self.boxes.items() if self.layout.columns[at] == column)

    def ends(self, at: int) -> tuple[float, float]:
        """Left and right end of a box."""
        column = self.layout.columns[at]
        middle = self.left[column] + self._column_width(column) / 2
        return middle - self.boxes[at].size[0] / 2, middle + self.boxes[at].size[0] / 2

    def draw(self, axes: Axes, top: float) -> None:
        """Boxes, captions and arrows, from `top` downwards."""
        for edge in self.edges:
            for way in self._ways(edge):
                arrow(axes, [(x, top + y) for x, y in way])
        for at, box in self.boxes.items():
            left, right = self.ends(at)
            lane = self.layout.lanes[at]
            _draw_box(axes, box, (left, top + self.lane_y[lane] - box.size[1] / 2), at)
            _draw_caption(axes, box, ((left + right) / 2, top + self.caption_y[lane]), at)

    def _ways(self, edge: Edge) -> list[list[Point]]:
        """Out of each column of the source, in the lane past what is between, into each column of the target."""
        columns, lanes = self.layout.columns, self.layout.lanes
        starts, ends = self._heights(edge.source), self._heights(edge.target)
        fork = self.left[columns[edge.source]] + self._column_width(columns[edge.source]) + GAP / 3
        join, finish = self.entry(edge.target)
        along = self.lane_y[edge.lane]
        begin = self.ends(edge.source)[1]
        if lanes[edge.source] == lanes[edge.target] == edge.lane and len(starts) == len(ends):
            return [[(begin, start), (finish, end)] for start, end in zip(starts, ends, strict=True)]
        return [
            [(begin, start), (fork, start), (fork, along), (join, along), (join, end), (finish, end)]
            for start in starts
            for end in ends
        ]

    def entry(self, at: int) -> tuple[float, float]:
        """Where arrows to a box meet, and where they end."""
        return self.left[self.layout.columns[at]] - GAP / 3, self.ends(at)[0] - 0.03

    def _heights(self, at: int) -> list[float]:
        """Where arrows meet a box: the middle of each column."""
        box, middle = self.boxes[at], self.lane_y[self.layout.lanes[at]]
        pitch = box.height + box.depth[1] + APART
        return [middle + pitch * (column - (box.columns - 1) / 2) for column in range(box.columns)]


def _wrapped(line: str) -> list[str]:
    """Lines of 22 letters or so, broken at commas.

    >>> _wrapped("(1×1 in 3 groups, 3×3 dw, 1×1) ×3")
    ['(1×1 in 3 groups,', '3×3 dw, 1×1) ×3']
    """
    held = line.replace(" ", "\N{NO-BREAK SPACE}").replace(",\N{NO-BREAK SPACE}", ", ")
    return [wrapped.replace("\N{NO-BREAK SPACE}", " ") for wrapped in textwrap.wrap(held, 22)]


def _broken(boxes: Sequence[Box], layout: Layout) -> list[range]:
    """The columns as rows of about one width, broken only where all arrows come from one box."""
    count = 1 + max(layout.columns)
    widths = [max(box.width for at, box in enumerate(boxes) if layout.columns[at] == column) for column in range(count)]
    crossing: list[set[int]] = [set() for _ in range(count)]  # sources of the arrows from a column or before it
    for edge in layout.edges:
        for column in range(layout.columns[edge.source], layout.columns[edge.target]):
            crossing[column].add(edge.source)
    straight = [len(sources) == 1 and layout.columns[min(sources)] == at for at, sources in enumerate(crossing)]
    tried = [_filled(widths, straight, WIDEST * share / 40) for share in range(20, 41)]
    rows = next(rows for rows in tried if len(rows) == len(tried[-1]))
    lengths = [sum(widths[column] + GAP for column in row) - GAP for row in rows]
    together = max(lengths) > WIDEST  # by shortcuts over all of it
    scraps = min(lengths) < max(lengths) / 4 and sum(lengths) < 1.5 * WIDEST
    return [range(count)] if together or scraps else rows


def _filled(widths: Sequence[float], straight: Sequence[bool], limit: float) -> list[range]:
    """Rows as full as a limit allows."""
    rows, start, breakable = [], 0, None
    for column in range(len(widths)):
        if breakable is not None and sum(widths[start : column + 1]) + GAP * (column - start) > limit:
            rows.append(range(start, breakable + 1))
            start, breakable = breakable + 1, None
        if straight[column]:
            breakable = column
    return [*rows, range(start, len(widths))]


def _turn(axes: Axes, row: Row, after: Row, top: float) -> None:
    """The arrows from the end of a row to the next."""
    between, below = top - row.height - GAP / 2, top - row.height - GAP
    outside = MARGIN + row.width + GAP / 2
    for edge in after.incoming:
        start = top + row.lane_y[row.layout.lanes[edge.source]]
        along, end = below + after.lane_y[edge.lane], below + after.lane_y[after.layout.lanes[edge.target]]
        join, finish = after.entry(edge.target)
        back = [(outside, start), (outside, between), (MARGIN / 3, between), (MARGIN / 3, along)]
        arrow(axes, [(row.ends(edge.source)[1], start), *back, (join, along), (join, end), (finish, end)])


def _draw_box(axes: Axes, box: Box, corner: Point, at: int) -> None:
    """Columns from below, slabs from the left: each its front, top and right side."""
    right, up = box.depth
    for column in range(box.columns):
        for slab in range(box.slabs):
            left = corner[0] + slab * box.thickness
            bottom = corner[1] + column * (box.height + up + APART)
            end, top = left + box.thickness, bottom + box.height
            faces = {
                "front": ([(left, bottom), (end, bottom), (end, top), (left, top)], 0.25),
                "top": ([(left, top), (end, top), (end + right, top + up), (left + right, top + up)], 0.55),
                "side": ([(end, bottom), (end + right, bottom + up), (end + right, top + up), (end, top)], 0.0),
            }
            for name, (points, white) in faces.items():
                colour = tinted(KINDS[box.part.kind].colour, white)
                gid = f"{name}-{at}-{column}-{slab}"
                axes.add_patch(Polygon(points, facecolor=colour, edgecolor=style.PAPER, linewidth=0.7, gid=gid))


def _draw_caption(axes: Axes, box: Box, top: Point, at: int) -> None:
    """Shape and words, centred below a point."""
    x, y = top
    shape = spread_out(box.part.shape)
    axes.text(x, y, shape, fontsize=SHAPE_SIZE, fontweight="bold", ha="center", va="top", gid=f"shape-{at}")
    y -= line_height(SHAPE_SIZE)
    for line in box.words:
        axes.text(
            x, y, style.plain(line), fontsize=WORDS_SIZE, color=style.MUTED, ha="center", va="top", gid=f"words-{at}"
        )
        y -= line_height(WORDS_SIZE)


def _legend_lines(kinds: Sequence[str], width: float) -> list[list[str]]:
    """The legend in lines that fit."""
    lines: list[list[str]] = [[]]
    used = 0.0
    for kind in kinds:
        needed = text_width(KINDS[kind].words, 9) + 0.5
        if lines[-1] and used + needed > width:
            lines.append([])
            used = 0.0
        lines[-1].append(kind)
        used += needed
    return lines


def _legend(axes: Axes, lines: Sequence[Sequence[str]]) -> None:
    """Colours and what they mean, at the bottom."""
    for number, line in enumerate(reversed(lines)):
        x, y = MARGIN, 0.2 + 0.26 * number
        for kind in line:
            corners = [(x, y - 0.07), (x + 0.14, y - 0.07), (x + 0.14, y + 0.07), (x, y + 0.07)]
            axes.add_patch(Polygon(corners, closed=True, facecolor=tinted(KINDS[kind].colour, 0.15), linewidth=0))
            words = KINDS[kind].words
            axes.text(x + 0.2, y, words, fontsize=9, color=style.MUTED, va="center_baseline", gid=f"legend-{kind}")
            x += text_width(words, 9) + 0.5
