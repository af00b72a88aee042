"""A window sliding over a picture: the cells that it covers at each step, and the results.

The numbers are those of `cnnkit.primitives`, and so are the places: windows slide over the cells' positions just as
they slide over the cells' values.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cnnkit.errors import InputError, unknown_name
from cnnkit.primitives.arrays import Array, Sides, each
from cnnkit.primitives.convolution import conv2d, flipped
from cnnkit.primitives.counting import Padding as Cropping
from cnnkit.primitives.counting import effective_kernel, transposed_crop
from cnnkit.primitives.padding import Border, Padding, borders, pad
from cnnkit.primitives.pooling import average_pool2d, max_pool2d
from cnnkit.primitives.transposed import insert_zeros, transposed_conv2d
from cnnkit.primitives.windows import Windows
from cnnkit.visualize.figure_arguments import check_figure

BORDER, PICTURE, INSERTED = 0, 1, 2
"""Where a cell comes from; what `pad` adds to an array of origins is 0, a border."""


@dataclass(frozen=True)
class Operation:
    """Notation of the result of one place: `before`, the terms with `between` from each to the next, `after`."""

    before: str
    between: str
    after: str


DOT_PRODUCT = Operation("", " + ", "")

POOLINGS: dict[str, tuple[Callable[..., Array], Operation]] = {
    "max": (max_pool2d, Operation("max(", ", ", ")")),
    "average": (average_pool2d, Operation("(", " + ", ") / {count}")),
}
"""Kind → the primitive, and how its result is written."""

USUAL: Mapping[str, Any] = {"stride": 1, "padding": 0, "dilation": 1}
"""Options that a title does not mention."""


@dataclass(frozen=True)
class Slide:
    """A window that slides over cells.

    Attributes:
        title: What happens, in words.
        shape: Height and width of the picture.
        cells: (h, w) the picture with all that was put around and into it; NaN is a cell that does not count.
        origins: (h, w) `BORDER`, `PICTURE` or `INSERTED`.
        taps: (down, across, f, f) positions, in the flattened cells, of what the window covers at each place.
        kernel: (f, f) what the covered cells are multiplied with; None for a pooling.
        output: (down, across).
        operation: How a result is written.
    """

    title: str
    shape: tuple[int, ...]
    cells: Array
    origins: NDArray[np.int64]
    taps: NDArray[np.int64]
    kernel: Array | None
    output: Array
    operation: Operation

    @property
    def steps(self) -> int:
        """Places of the window; step 1 is at the top left, then row by row."""
        return self.output.size

    def place(self, step: int) -> tuple[int, int]:
        """Row and column of the output that a step fills.

        Raises:
            InputError: No such step.
        """
        if not 1 <= step <= self.steps:
            raise InputError(f"a step from 1 to {self.steps}", f"{step}", "Count from 1, row by row.")
        row, column = divmod(step - 1, self.output.shape[1])
        return row, column

    def formula(self, step: int, *, decimals: int = 1) -> str:
        """The result of a step written out, a line for each row of the window; `≈` where it is rounded.

        >>> nine = [[1, 2, 3], [4, 5, 6], [7, 8, 9]]
        >>> print(convolution_slide(nine, [[10, 20], [30, 40]]).formula(1))
        1·10 + 2·20 +
        4·30 + 5·40 = 370
        """
        covered = self.cells.ravel()[self.taps[self.place(step)]]  # (f, f)
        values = texts(covered, decimals)
        if self.kernel is not None:
            factors = texts(self.kernel, decimals)
            pairs = zip(values.ravel(), factors.ravel(), strict=True)
            values = np.array([f"{_bound(value)}·{_bound(factor)}" for value, factor in pairs]).reshape(values.shape)
        rows = [self.operation.between.join(filter(None, row)) for row in values if any(row)]
        terms = f"{self.operation.between.rstrip()}\n".join(rows)
        after = self.operation.after.format(count=np.isfinite(covered).sum())
        factors = np.r_[
            covered.ravel(), self.output[self.place(step)], () if self.kernel is None else self.kernel.ravel()
        ]
        equals = "=" if np.allclose(np.round(factors, decimals), factors, equal_nan=True) else "≈"
        return f"{self.operation.before}{terms}{after} {equals} {texts(self.output, decimals)[self.place(step)]}"


def texts(values: Array, decimals: int) -> NDArray[np.str_]:
    """Numbers as texts: without decimals if all are whole; NaN and infinity are empty.

    >>> texts(np.array([1.0, -2.0]), 1).tolist(), texts(np.array([1.0, 0.75, np.nan]), 1).tolist()
    (['1', '−2'], ['1.0', '0.8', ''])
    """
    known = np.isfinite(values)
    places = 0 if np.equal(np.round(values[known]), values[known]).all() else decimals
    strings = [f"{value:.{places}f}".replace("-", "−") if np.isfinite(value) else "" for value in values.ravel()]
    return np.array(strings, np.str_).reshape(values.shape)


def _bound(text: str) -> str:
    """A negative number in parentheses, so that its sign is no subtraction."""
    return f"({text})" if text.startswith("−") else text


def convolution_slide(
    image: ArrayLike,
    kernel: ArrayLike,
    *,
    stride: Sides = 1,
    padding: Padding = 0,
    border: Border = "zero",
    dilation: Sides = 1,
) -> Slide:
    """The steps of `ck.primitives.conv2d`, arguments as there; picture and kernel without channels."""
    x, weights = _grid(image, "image"), _grid(kernel, "kernel")
    output = conv2d(x, weights, stride=stride, padding=padding, border=border, dilation=dilation)
    around = borders(padding, x.shape, weights.shape, stride, dilation)
    cells = pad(x[..., None], around, border)[..., 0]
    return Slide(
        title=_title("convolution", weights.shape, stride=stride, padding=padding, dilation=dilation),
        shape=x.shape,
        cells=cells,
        origins=pad(np.full((*x.shape, 1), PICTURE), around)[..., 0],
        taps=_taps(cells.shape, Windows(weights.shape, stride, dilation=dilation)),
        kernel=weights,
        output=output,
        operation=DOT_PRODUCT,
    )


def transposed_convolution_slide(
    image: ArrayLike, kernel: ArrayLike, *, stride: Sides = 1, padding: Cropping = "valid", dilation: Sides = 1
) -> Slide:
    """The steps of `ck.primitives.transposed_conv2d`, arguments as there, by zero insertion."""
    x, weights = _grid(image, "image"), _grid(kernel, "kernel")
    output = transposed_conv2d(x, weights, stride=stride, padding=padding, dilation=dilation)
    steps = list(zip(weights.shape, each(stride, 2), each(dilation, 2), strict=True))
    crops = [transposed_crop(f, stride=s, padding=padding, dilation=d) for f, s, d in steps]
    reaches = [effective_kernel(f, d) - 1 for f, _, d in steps]
    around = [(reach - before, reach - after) for reach, (before, after) in zip(reaches, crops, strict=True)]
    spread = insert_zeros(np.stack([x, np.ones(x.shape)], axis=-1), each(stride, 2))  # (h, w, values and origins)
    cells = pad(spread[..., :1], around)[..., 0]
    origins = pad(np.where(spread[..., 1:] == 1, PICTURE, INSERTED), around)[..., 0]
    return Slide(
        title=_title("transposed convolution", weights.shape, stride=stride, padding=padding, dilation=dilation),
        shape=x.shape,
        cells=cells,
        origins=origins,
        taps=_taps(cells.shape, Windows(weights.shape, dilation=dilation)),
        kernel=flipped(weights),
        output=output,
        operation=DOT_PRODUCT,
    )


def pooling_slide(
    image: ArrayLike, size: Sides = 2, *, kind: str = "max", stride: Sides | None = None, padding: Padding = 0
) -> Slide:
    """The steps of `ck.primitives.max_pool2d` or `average_pool2d`, arguments as there.

    Raises:
        UnknownNameError: Another kind of pooling.
    """
    check_figure({"kind": kind})
    if kind not in POOLINGS:
        raise unknown_name("a pooling", kind, POOLINGS)
    pool, operation = POOLINGS[kind]
    x, window = _grid(image, "image"), each(size, 2)
    step = window if stride is None else stride
    usual = {**USUAL, "stride": step if each(step, 2) == window else None}  # windows side by side
    output = pool(x, window, stride=step, padding=padding)
    around = borders(padding, x.shape, window, step)
    origins = pad(np.full((*x.shape, 1), PICTURE), around)[..., 0]
    cells = np.where(origins == PICTURE, pad(x[..., None], around)[..., 0], np.nan)
    return Slide(
        title=_title(f"{kind} pooling", window, usual, stride=step, padding=padding),
        shape=x.shape,
        cells=cells,
        origins=origins,
        taps=_taps(cells.shape, Windows(window, step)),
        kernel=None,
        output=output,
        operation=operation,
    )


def _grid(values: ArrayLike, what: str) -> Array:
    grid: Array = np.asarray(values)
    if grid.ndim != 2 or not grid.size:
        raise InputError(
            f"the {what} as one table of numbers (h, w)", f"shape {grid.shape}", "Draw a channel: x[..., 0]."
        )
    return grid


def _taps(shape: tuple[int, ...], sliding: Windows) -> NDArray[np.int64]:
    positions = np.arange(np.prod(shape)).reshape(*shape, 1)
    return sliding.of(positions)[:, :, 0]  # (down, across, f, f)


def _title(what: str, size: Sides, usual: Mapping[str, Any] = USUAL, **options: Sides | Padding) -> str:
    """The operation in words, with the options that differ from the usual ones.

    >>> _title("convolution", (3, 3), stride=2, padding=0, dilation=1)
    '3 × 3 convolution, stride 2'
    """
    unusual = [f"{name} {_short(value)}" for name, value in options.items() if value not in (usual[name], "valid")]
    return ", ".join([f"{_short(size)} {what}", *unusual])


def _short(value: Sides | Padding) -> str:
    return str(value) if isinstance(value, int | str) else " × ".join(map(str, value))
