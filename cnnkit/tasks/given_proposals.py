"""Detection in proposals that somebody else makes, selective search for example."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from cnnkit.data.any_pictures import Pictures, as_source
from cnnkit.data.arguments import require_rgb
from cnnkit.data.pipeline import batches
from cnnkit.data.placements import in_photographs
from cnnkit.errors import InputError, MissingExtraError
from cnnkit.heads.region_detector import REGIONS, RegionDetector, windows_of
from cnnkit.metrics.box_overlap import box_array
from cnnkit.metrics.given_arrays import whole_number
from cnnkit.transfer.network import Network, network_of

Propose = Callable[[NDArray[np.uint8]], ArrayLike]
"""A picture (h, w, 3) → (k, 4) x1, y1, x2, y2 in its pixels."""


def detect(network: Network, images: Pictures, proposals: Propose, *, batch_size: int = 16) -> pd.DataFrame:
    """What a network of `ck.tasks.fast_rcnn` or `.faster_rcnn` says of proposals that it is given.

    Args:
        network: Trained, or loaded with `ck.load`.
        images: As of `ck.predict`.
        proposals: A function of a picture as it meets the input, `ck.tasks.selective_search` for example.
        batch_size: Pictures at a time.

    Returns:
        As `ck.predict`, one row per box.

    Raises:
        InputError: Another network, or no function.
        DataError: There are no pictures, or the function gives no boxes.
    """
    head = network_of(network).head
    if not isinstance(head, RegionDetector) or set(head.stages) != {REGIONS}:
        raise InputError("a network that looks at regions", type(head).__name__, "ck.tasks.fast_rcnn makes one.")
    require_function(proposals)
    whole_number("batch_size", batch_size)
    source, parts = as_source(images), []
    for batch in batches(source, network.framing, network.size, batch_size=batch_size):
        listed = [box_array(proposals(np.asarray(image, np.uint8))) for image in batch.images]
        regions = np.zeros((len(listed), max(1, *map(len, listed)), 4), np.float32)
        for place, boxes in enumerate(listed):
            regions[place, : len(boxes)] = boxes
        outputs = network.model.predict_on_batch([np.asarray(batch.images, np.float32), regions])
        found = head.decode(outputs, network.size)
        parts.append(in_photographs(found, source, batch.indices, network.framing, network.size))
    return head.target.joined(parts).table(source.ids)


def require_function(proposals: object) -> None:
    """Refuses what proposes nothing.

    Raises:
        InputError: It cannot be called.
    """
    if not callable(proposals):
        raise InputError("a function of a picture", repr(proposals)[:200], "ck.tasks.selective_search is one.")


def sliding_windows(image: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Windows of three sizes, 32, 64 and 128 pixels, and three shapes on a grid: what came before proposals.

    Args:
        image: (h, w, 3).

    Returns:
        (k, 4) x1, y1, x2, y2; about 400 of a picture of 160 × 160.

    Raises:
        InputError: No such picture.
    """
    require_rgb(image)
    height, width = image.shape[:2]
    return windows_of((height, width))


def selective_search(image: NDArray[np.uint8], *, most: int = 200) -> NDArray[np.float32]:
    """Proposals from segments that are merged by likeness, the fast ones of OpenCV.

    Uijlings et al., "Selective Search for Object Recognition", IJCV 2013.

    Args:
        image: (h, w, 3) RGB.
        most: The first so many.

    Returns:
        (k, 4) x1, y1, x2, y2.

    Raises:
        InputError: No such picture.
        MissingExtraError: OpenCV is installed without its contributed modules.
    """
    import cv2

    require_rgb(image)

    if not hasattr(cv2, "ximgproc"):
        raise MissingExtraError(
            "OpenCV with its contributed modules, for selective search",
            "OpenCV without cv2.ximgproc",
            "pip uninstall opencv-python-headless; pip install opencv-contrib-python-headless",
        )
    search = cv2.ximgproc.segmentation.createSelectiveSearchSegmentation()
    search.setBaseImage(np.ascontiguousarray(image[..., ::-1]))
    search.switchToSelectiveSearchFast()
    x, y, width, height = np.asarray(search.process()[:most], np.float32).T
    return np.stack([x, y, x + width, y + height], axis=1)
