"""Dilated networks: strides replaced by gaps in the kernels behind them, so that the last maps keep their size.

Chen et al., "DeepLab" (arXiv:1606.00915), section 3.1; Yu and Koltun, ICLR 2016 (arXiv:1511.07122). With the same
weights the dilated map holds the values of the strided one at every n-th place, and as many between them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import keras

from cnnkit.backbones import keras_layers
from cnnkit.backbones.graph import Node, nodes
from cnnkit.backbones.rebuilding import Copies, Tensors, rebuilt
from cnnkit.errors import InputError
from cnnkit.layers.views import Window
from cnnkit.primitives.layers import Activation, Border, Flatten, Step, Whole

Pair = tuple[int, int]


@dataclass(frozen=True)
class Grid:
    """Where the places of the strided map lie in the dilated one: place i at `rate · i + offset`.

    Attributes:
        stride: Input pixels between neighbours of the dilated map.
        rate: Places from one to the next of the strided map.
        offset: Of the first, along each side.
    """

    stride: int = 1
    rate: int = 1
    offset: Pair = (0, 0)


def dilated(model: keras.Model, stride: int) -> keras.Model:
    """The same network, whose maps get no smaller than the input by `stride`.

    The layers are copies with the same names and weights. Sizes stay what zeros around each map make them; a layer
    without padding stays without, unless its windows only tile the map (pooling 2×2 by 2), which then reach over its
    end. Where windows of the strided map saw zeros, those of the dilated one do; its pooling with gaps sees zeros
    outside of the map too.

    Args:
        model: Functional, of pictures of a known size, with one output.
        stride: 8 or 16, say.

    Raises:
        InputError: A layer works on maps in a way that has no dilated form.
    """
    return _Dilation(model, stride).model()


class _Dilation:
    """One walk through a network."""

    def __init__(self, model: keras.Model, stride: int) -> None:
        self._given, self._stride = model, stride
        self._geometry = [call.layer for call in keras_layers.calls(model)]
        self._calls = nodes(model)
        self._readers: dict[int, list[int]] = {}
        for index, call in enumerate(self._calls):
            for parent in call.parents:
                self._readers.setdefault(parent, []).append(index)
        self._grids: dict[int, Grid | None] = {}  # None: no map, or one of a single place
        self._copies = Copies()

    def model(self) -> keras.Model:
        """The dilated network."""
        entry = self._given.inputs[0]
        image = keras.Input(entry.shape[1:], name=entry.name, dtype=entry.dtype)
        return rebuilt(self._given, image, self._called)

    def _called(self, index: int, node: Node, tensors: Tensors) -> Any:
        grids = [self._grids.get(parent, Grid()) for parent in node.parents]
        maps = [grid for grid in grids if grid is not None]
        geometry = self._geometry[index]
        self._grids[index] = grid = self._meeting(maps)
        if grid is None:
            return self._copies.called(node, tensors)
        if isinstance(geometry, Window):
            return self._slid(index, node, geometry, grid, tensors)
        if isinstance(geometry, Border):
            return self._bordered(index, node, geometry, grid, tensors)
        shape = node.outputs[0].shape
        if len(shape) != 4 or (isinstance(geometry, Whole) and shape[1:3] != node.inputs[0].shape[1:3]):
            self._grids[index] = None
        if grid.rate > 1 and (not isinstance(geometry, Activation | Whole) or isinstance(geometry, Flatten)):
            raise self._refused(node)
        aligned = self._aligned(node, grids, grid, tensors)
        shown = [given for given, own in zip(node.inputs, grids, strict=True) if own is not None]
        before, after = {given.shape[1:3] for given in shown}, {aligned[id(given)].shape[1:3] for given in shown}
        if len(after) > len(before):  # NASNet's halves of a reduction, of which one is moved by a pixel, have no grid
            raise self._refused(node)
        return self._copies.called(node, aligned)

    # ---- Windows ----

    def _slid(self, index: int, node: Node, geometry: Window, grid: Grid, tensors: Tensors) -> Any:
        """A convolution or pooling: without its stride where the map is small enough, with gaps behind that."""
        steps = geometry.steps(tuple(node.inputs[0].shape[1:]))
        pace, removed = self._pace(steps, grid)
        if grid.rate == 1 and not removed:
            self._grids[index] = replace(grid, stride=grid.stride * pace)
            return self._copies.called(node, tensors)
        keeps = geometry.padding == "same" or all(step.kernel <= step.stride for step in steps)
        around = [_half(grid.rate, step) if keeps else (0, 0) for step in steps]
        before = tuple(pair[0] - grid.rate * step.before for pair, step in zip(around, steps, strict=True))
        self._grids[index] = Grid(grid.stride, grid.rate * (pace if removed else 1), _sum(grid.offset, before))
        changes: dict[str, Any] = {"strides": 1, "padding": "same" if keeps else "valid"}
        if not isinstance(node.layer, keras.layers.MaxPooling2D | keras.layers.AveragePooling2D):
            rates = [grid.rate * step.dilation for step in steps]
            return self._copies.called(node, tensors, dilation_rate=rates, **changes)
        if grid.rate == 1 or all(step.kernel == 1 for step in steps):
            return self._copies.called(node, tensors, **changes)
        return _pooled_with_gaps(node.layer, tensors[id(node.inputs[0])], steps, grid.rate, around)

    def _pace(self, steps: list[Step], grid: Grid) -> tuple[int, bool]:
        """The stride, and whether the map is too small for it."""
        pace = max(step.stride for step in steps)
        return pace, pace > 1 and grid.stride * pace > self._stride

    # ---- Borders ----

    def _bordered(self, index: int, node: Node, geometry: Border, grid: Grid, tensors: Tensors) -> Any:
        """A border of zeros, or one cut off: as wide as the windows behind it need."""
        around = [(grid.rate * before, grid.rate * after) for before, after in geometry.around]
        for reader in self._readers.get(index, []):
            window = self._geometry[reader]
            if not isinstance(window, Window) or window.padding != "valid":
                continue
            steps = window.steps(tuple(node.outputs[0].shape[1:]))
            gaps = grid.rate > 1 or self._pace(steps, grid)[1]
            # With these zeros the strided map has the size that padding="same" gives: so shall the dilated one.
            same = all(
                before + after >= step.dilation * (step.kernel - 1) - (step.stride - 1)
                for (before, after), step in zip(geometry.around, steps, strict=True)
            )
            if gaps and same:
                around = [_half(grid.rate, step) for step in steps]
        moved = tuple(new[0] - grid.rate * old[0] for new, old in zip(around, geometry.around, strict=True))
        self._grids[index] = replace(grid, offset=_sum(grid.offset, moved))
        if tuple(around) == tuple(geometry.around):
            return self._copies.called(node, tensors)
        if isinstance(node.layer, keras.layers.ZeroPadding2D):
            return self._copies.called(node, tensors, padding=around)
        if isinstance(node.layer, keras.layers.Cropping2D):
            return self._copies.called(node, tensors, cropping=[(-before, -after) for before, after in around])
        raise self._refused(node)

    # ---- Meetings ----

    @staticmethod
    def _meeting(maps: list[Grid]) -> Grid | None:
        """The grid of maps that meet: all are moved to the largest offset."""
        if not maps:
            return None
        rows, columns = zip(*(grid.offset for grid in maps), strict=True)
        return replace(maps[0], offset=(max(rows), max(columns)))

    def _aligned(self, node: Node, grids: list[Grid | None], grid: Grid, tensors: Tensors) -> Tensors:
        """The tensors with those moved whose places lie elsewhere."""
        moved = dict(tensors)
        for number, (given, own) in enumerate(zip(node.inputs, grids, strict=True)):
            if own is not None and own.offset != grid.offset:
                down, right = (to - of for to, of in zip(grid.offset, own.offset, strict=True))
                name = f"{node.name}_align{number}"
                padded = keras.layers.ZeroPadding2D(((down, 0), (right, 0)), name=f"{name}_pad")(tensors[id(given)])
                moved[id(given)] = keras.layers.Cropping2D(((0, down), (0, right)), name=name)(padded)
        return moved

    def _refused(self, node: Node) -> InputError:
        return InputError(
            f"a network whose layers can be dilated behind stride {self._stride}",
            f"{self._given.name!r} with the {type(node.layer).__name__} {node.name!r}",
            "Leave dilate out, cut it before that layer (top=False leaves a classifier out), or take another backbone.",
        )


def _pooled_with_gaps(layer: Any, x: Any, steps: list[Step], rate: int, around: list[Pair]) -> Any:
    """Pooling whose window has gaps, of stock layers: the largest or the mean of shifted maps, side by side."""
    merge = keras.layers.Maximum if isinstance(layer, keras.layers.MaxPooling2D) else keras.layers.Average
    if any(map(any, around)):
        x = keras.layers.ZeroPadding2D(around, name=f"{layer.name}_pad")(x)
    for axis, step in enumerate(steps):
        reach = rate * (step.kernel - 1)
        shifted = []
        for shift in range(0, reach + 1, rate):
            crop = [(0, 0), (0, 0)]
            crop[axis] = (shift, reach - shift)
            shifted.append(keras.layers.Cropping2D(crop, name=f"{layer.name}_axis{axis}_shift{shift}")(x))
        name = layer.name if axis == len(steps) - 1 else f"{layer.name}_axis{axis}"
        x = merge(name=name)(shifted) if len(shifted) > 1 else keras.layers.Identity(name=name)(shifted[0])
    return x


def _half(rate: int, step: Step) -> Pair:
    """The zeros before and after that keep a map's size, as TensorFlow halves them."""
    reach = rate * step.dilation * (step.kernel - 1)
    return reach // 2, reach - reach // 2


def _sum(one: Pair, other: tuple[int, ...]) -> Pair:
    return one[0] + other[0], one[1] + other[1]
