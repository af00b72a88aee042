"""Pictures through a network, in their order: framed, mirrored too, or window by window."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from cnnkit.data.ahead import ahead
from cnnkit.data.arguments import flag
from cnnkit.data.pipeline import batch_at, batches
from cnnkit.data.source import Source
from cnnkit.data.views.framing import Framing
from cnnkit.engines.runtimes import Runtime
from cnnkit.errors import InputError
from cnnkit.heads.head import BoxHead, MapHead, MirrorHead
from cnnkit.transfer.answer import Answer, Outputs
from cnnkit.transfer.box_passes import box_answers
from cnnkit.transfer.finite import require_finite_outputs
from cnnkit.transfer.network import Network
from cnnkit.transfer.progress import Meter, line
from cnnkit.transfer.windows import Corner, Windows

AUTOMATIC = Runtime("auto")


@dataclass(frozen=True)
class Sight:
    """How a network looks at a picture.

    Attributes:
        windows: Parts of the photograph that it sees one after the other; None for the framed picture.
        flip: Whether it sees the mirrored picture too.
    """

    windows: Windows | None = None
    flip: bool = False


FRAMED = Sight()


def sight_of(network: Network, window: object, overlap: float, flip: bool) -> Sight:
    """What a caller of `predict` asks for.

    Args:
        network: Whose head has to be able to.
        window: None or False; True for windows of the network's input size; or (height, width).
        overlap: Of windows.
        flip: Whether mirrored pictures count too.

    Raises:
        InputError: The head says nothing that could be averaged, or an argument is something else.
    """
    head, kind = network.head, network.head.target.kind
    whole = window is None or window is False
    if flag(flip, "flip") and head.target.placed and not isinstance(head, MapHead | MirrorHead | BoxHead):
        raise InputError(
            "flip=False, as this head cannot join what it says of a picture and of its mirror image",
            f"flip=True with a head of {kind}",
            "Labels, tags, vectors, masks, heatmaps and the boxes of detectors are joined; leave flip out.",
        )
    if not whole and not isinstance(head, MapHead | BoxHead):
        raise InputError(
            "window=None for a head that says neither the class of each pixel nor any number of boxes",
            f"window={window!r} with a head of {kind}",
            "Windows of masks and of the boxes of detectors are joined; leave window out.",
        )
    windows = None if whole else Windows(network.size if window is True else window, overlap)  # type: ignore[arg-type]  # checked there
    return Sight(windows, bool(flip))


def answers(
    network: Network,
    source: Source,
    runtime: Runtime = AUTOMATIC,
    *,
    sight: Sight = FRAMED,
    batch_size: int,
    progress: bool = False,
    pictures: int | None = None,
) -> Generator[Answer]:
    """What a network says of the pictures of a source, in order: batch by batch, with windows one by one.

    Threads decode the next pictures while the network runs. Memory does not grow with the number of pictures.
    `pictures` is how many there are in all, where the source is a part of them.
    """
    display = line(progress)
    try:
        count = len(source) if pictures is None else pictures
        forward = network.forward_cache.find(runtime, pictures=count, say=display.keep)
        meter = Meter("predict", len(source), display)

        def run(images: NDArray[Any], indices: NDArray[np.int64]) -> Outputs:
            tensors = forward(images)
            for tensor in tensors:
                require_finite_outputs(network.model, tensor, indices)
            return keras.tree.pack_sequence_as(network.model.output, tensors)

        look: Callable[..., Outputs] = partial(_both_ways, network, run) if sight.flip else run
        if sight != FRAMED and isinstance(network.head, BoxHead):
            made = box_answers(network, source, run, windows=sight.windows, flip=sight.flip, batch_size=batch_size)
        elif sight.windows is None:
            made = _framed(network, source, look, batch_size)
        else:
            made = _windowed(network, source, sight.windows, look, batch_size)
        with contextlib.closing(made):
            for answer in made:
                meter.advance(len(answer.indices))
                yield answer
    finally:
        display.close()


def _framed(network: Network, source: Source, look: Callable[..., Outputs], batch_size: int) -> Generator[Answer]:
    framing, size, count = network.framing, network.size, len(source)
    made = (
        [batch_at(source, np.arange(count), framing, size)]  # one batch needs no threads, and is asked for most often
        if 0 < count <= batch_size
        else batches(source, framing, size, batch_size=batch_size)
    )
    for batch in made:
        yield Answer(batch.indices, look(batch.images, batch.indices), network.size)


def _both_ways(
    network: Network, run: Callable[..., Outputs], images: NDArray[Any], indices: NDArray[np.int64]
) -> Outputs:
    """The mean of the outputs for pictures and for their mirror images, those mirrored back."""
    mirrored = run(np.ascontiguousarray(images[:, :, ::-1]), indices)
    if isinstance(network.head, MirrorHead):
        mirrored = network.head.mirrored(mirrored)
    elif isinstance(network.head, MapHead):
        mirrored = keras.tree.map_structure(lambda maps: maps[:, :, ::-1], mirrored)
    return keras.tree.map_structure(lambda one, other: (one + other) / 2, run(images, indices), mirrored)


def _windowed(
    network: Network, source: Source, windows: Windows, look: Callable[..., Outputs], batch_size: int
) -> Generator[Answer]:
    # Where a window has another size than the input it is scaled as a picture is.
    framing = Framing("squash", network.framing.interpolation)
    head: Any = network.head  # a `MapHead`

    def maps(index: int, parts: list[tuple[Corner, NDArray[np.uint8]]]) -> Iterator[tuple[Corner, NDArray[np.float32]]]:
        for start in range(0, len(parts), batch_size):
            some = parts[start : start + batch_size]
            images = np.stack([framing.apply(part, network.size) for _, part in some])
            values = head.answer_map(look(images, np.full(len(some), index)))
            yield from zip((corner for corner, _ in some), values, strict=True)

    indices = list(range(len(source)))
    for index, picture in zip(indices, ahead(source.image, indices), strict=True):
        (height, width), (padded, (top, left)) = picture.shape[:2], windows.padded(picture)
        whole = windows.joined(padded.shape[:2], maps(index, list(windows.parts(padded))))
        shown = whole[None, top : top + height, left : left + width]
        yield Answer(np.array([index]), shown, (height, width), framed=False)
