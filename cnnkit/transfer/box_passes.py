"""Boxes of several looks: of a detector at framed pictures, at their mirror images, and window by window.

Mirror images are tested as in Girshick's R-CNN code and everywhere since; windows and the whole picture together are
those of Akyon et al., "Slicing Aided Hyper Inference", ICIP 2022 (arXiv:2202.06934), figure 2.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from cnnkit.data.pipeline import batches
from cnnkit.data.placements import in_photographs
from cnnkit.data.source import Source
from cnnkit.data.targets.boxes import Boxes
from cnnkit.data.views.framing import Framing
from cnnkit.transfer.answer import Answer, Outputs
from cnnkit.transfer.network import Network
from cnnkit.transfer.windows import Windows

Run = Callable[[NDArray[Any], NDArray[np.int64]], Outputs]
# A box ends at the border of a window if it comes as near, in pixels of the input.
NEAR = 2.0


def box_answers(
    network: Network, source: Source, run: Run, *, windows: Windows | None, flip: bool, batch_size: int
) -> Generator[Answer]:
    """What all looks say: batch by batch, with windows photograph by photograph.

    Args:
        network: With a `BoxHead`.
        source: The pictures.
        run: Outputs of pictures of the input's size, and their places in the source.
        windows: Parts of the photographs that are looked at too.
        flip: Whether each picture or part is also looked at mirrored.
        batch_size: Pictures at a time.
    """
    head: Any = network.head
    eye = _Eye(network, run, flip)
    for batch in batches(source, network.framing, network.size, batch_size=batch_size):
        outputs, looks = eye.looks(batch.images, batch.indices)
        looks = [in_photographs(look, source, batch.indices, network.framing, network.size) for look in looks]
        if windows is None:
            yield Answer(batch.indices, outputs, network.size, boxes=head.joined(looks))
            continue
        for place, index in enumerate(batch.indices.tolist()):
            whole = [look.take([place]) for look in looks]
            cut = [np.zeros(len(look.boxes), np.bool_) for look in whole]
            for look, mark in _parts(eye, source.image(index), windows, index, batch_size):
                whole.append(look)
                cut.append(mark)
            own = keras.tree.map_structure(lambda array, at=place: array[at : at + 1], outputs)
            yield Answer(batch.indices[place : place + 1], own, network.size, boxes=head.joined(whole, cut))


@dataclass(frozen=True)
class _Eye:
    """A detector that looks at pictures of its input's size, perhaps at their mirror images too."""

    network: Network
    run: Run
    flip: bool

    def looks(self, images: NDArray[Any], indices: NDArray[np.int64]) -> tuple[Outputs, list[Boxes]]:
        """The outputs for the pictures, and the boxes of each look in the pixels of the input."""
        head: Any = self.network.head
        size = self.network.size
        outputs = self.run(images, indices)
        found = [head.decode(outputs, size)]
        if self.flip:
            mirrored = head.decode(self.run(np.ascontiguousarray(images[:, :, ::-1]), indices), size)
            back = np.array([[-1.0, 0.0, size[1]], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]])
            found.append(mirrored.moved(np.tile(back, (len(images), 1, 1)), size))
        return outputs, found


def _parts(
    eye: _Eye, picture: NDArray[np.uint8], windows: Windows, index: int, batch_size: int
) -> Iterator[tuple[Boxes, NDArray[np.bool_]]]:
    """The boxes of each look at each window, in the pixels of the photograph, and which of them the window cuts."""
    shape, size = picture.shape[:2], eye.network.size
    padded, (above, before) = windows.padded(picture)
    # Where a window has another size than the input it is scaled as a picture is.
    framing = Framing("squash", eye.network.framing.interpolation)
    parts = list(windows.parts(padded))
    down, across = windows.size[0] / size[0], windows.size[1] / size[1]
    for start in range(0, len(parts), batch_size):
        some = parts[start : start + batch_size]
        images = np.stack([framing.apply(part, size) for _, part in some])
        _, looks = eye.looks(images, np.full(len(some), index))
        corners = [(top - above, left - before) for (top, left), _ in some]
        places = [[[across, 0.0, left], [0.0, down, top], [0.0, 0.0, 1.0]] for top, left in corners]
        for look in looks:
            moved = look.moved(places, shape)
            for place, corner in enumerate(corners):
                own = moved.take([place])
                yield own, _cut(own.boxes, corner, windows.size, shape, near=NEAR * max(down, across))


def _cut(
    boxes: NDArray[np.float64], corner: tuple[int, int], size: tuple[int, int], shape: tuple[int, ...], *, near: float
) -> NDArray[np.bool_]:
    """(boxes,) which end at a border of the window that is not one of the photograph."""
    (top, left), (height, width) = corner, shape
    low, high = np.array([left, top]), np.array([left + size[1], top + size[0]])
    at_low = (boxes[:, :2] <= low + near) & (low > 0)
    at_high = (boxes[:, 2:] >= high - near) & (high < (width, height))
    return np.asarray((at_low | at_high).any(axis=1))
