"""A second graph of a detector, whose outputs are boxes, labels and scores after suppression.

Made of stock layers and `keras.ops` alone, for people who have no cnnkit:

    model = keras.models.model_from_json(open("model.json").read())
    model.load_weights("model.weights.h5")
    boxes, labels, scores = model(pictures)
"""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import keras

from cnnkit.errors import InputError
from cnnkit.export.atomic_folder import replace_folder
from cnnkit.export.bundle_checks import MODEL_FILE, WEIGHTS_FILE, check_finite, folder_of
from cnnkit.export.stock import check_stock
from cnnkit.heads.detection import CANDIDATES
from cnnkit.heads.detector import SingleStageDetector
from cnnkit.heads.head import Size
from cnnkit.transfer.network import Network, network_of

CLASSES_FILE = "classes.txt"
FILES = (MODEL_FILE, WEIGHTS_FILE, CLASSES_FILE)


def with_decoding(network: Network, folder: str | Path | None = None) -> keras.Model:
    """A detector whose outputs are boxes, not cells: plain Keras loads it from JSON and H5 with no custom object.

    The layers are those of the network, shared. Suppression is that of the head and is exact, whatever overlaps what:
    it takes as many rounds as there are candidates, 300 at most.

    Args:
        network: A detector of one stage.
        folder: Where `model.json`, `model.weights.h5` and `classes.txt`, one name a line, are written; None: nowhere.

    Returns:
        From RGB 0…255, (n, h, w, 3), to boxes (n, most, 4) as x1, y1, x2, y2 in pixels of the input, labels (n, most)
        and scores (n, most), the best first. Where a picture has fewer, scores and boxes are 0 and labels −1.

    Raises:
        InputError: Something else than a network, or another head.
        BundleError: A layer that plain Keras does not know, or a weight that is not finite; a folder that may not be
            written or holds other files; the disk is full.
    """
    network = network_of(network)
    head: object = network.head
    if not isinstance(head, SingleStageDetector):
        raise InputError("a detector of one stage", type(head).__name__, "ck.heads.fcos(classes) is one.")
    corners, scores = head.candidates(network.model.output, network.size)
    rules: Any = {"iou": head.iou, "most": head.most, "class_agnostic": head.class_agnostic}
    outputs = best_boxes_in_graph(corners, scores, network.size, **rules)
    model = keras.Model(network.model.input, outputs, name=f"{network.model.name}_with_decoding")
    architecture = json.loads(model.to_json())
    check_stock(model, architecture)
    if folder is not None:
        check_finite(model)

        def fill(partial: Path) -> None:
            (partial / MODEL_FILE).write_text(json.dumps(architecture), encoding="utf-8")
            model.save_weights(partial / WEIGHTS_FILE)
            (partial / CLASSES_FILE).write_text("".join(f"{name}\n" for name in head.names), encoding="utf-8")

        replace_folder(folder_of(folder).absolute(), fill, known=FILES, mark=CLASSES_FILE)
    return model


def best_boxes_in_graph(
    corners: Any, scores: Any, size: Size, *, iou: float, most: int, class_agnostic: bool = False
) -> list[Any]:
    """The best boxes of each picture after suppression: `best_boxes` of `heads.detection`, in tensors.

    Args:
        corners: (n, candidates, 4) x1, y1, x2, y2 in pixels of the input.
        scores: (n, candidates, classes), 0…1.
        size: Of the input; boxes are clipped to it.
        iou: Of the suppression.
        most: Boxes per picture.
        class_agnostic: Whether a box suppresses those of other classes too.

    Returns:
        (n, most, 4), (n, most) and (n, most), as of `with_decoding`.
    """
    ops = keras.ops
    count, classes = corners.shape[1], scores.shape[2]
    kept = min(CANDIDATES, count * classes)
    values, places = ops.top_k(ops.reshape(scores, (-1, count * classes)), kept)
    labels = ops.mod(places, classes)
    boxes = ops.take_along_axis(corners, ops.reshape(ops.floor_divide(places, classes), (-1, kept, 1)), axis=1)
    boxes = ops.stack([ops.clip(boxes[..., side], 0, size[1 - side % 2]) for side in range(4)], axis=-1)
    groups = labels * 0 if class_agnostic else labels
    stays = _undisputed(_disputes(boxes, groups, iou), kept)
    values, order = ops.top_k(values * stays, min(most, kept))
    shown = ops.cast(ops.greater(values, 0), "int32")
    labels = (ops.take_along_axis(labels, order, axis=1) + 1) * shown - 1
    boxes = ops.take_along_axis(boxes, ops.reshape(order, (-1, min(most, kept), 1)), axis=1)
    return [boxes * ops.cast(ops.reshape(shown, (-1, min(most, kept), 1)), "float32"), labels, values]


def _disputes(boxes: Any, labels: Any, iou: float) -> Any:
    """(n, k, k) 1 where the row's box is better, of the same class and overlaps the column's by more than `iou`."""
    ops = keras.ops
    k = boxes.shape[1]
    rows = [ops.reshape(boxes[..., side], (-1, k, 1)) for side in range(4)]
    columns = [ops.reshape(boxes[..., side], (-1, 1, k)) for side in range(4)]
    width, height = (
        ops.relu(ops.minimum(rows[side + 2], columns[side + 2]) - ops.maximum(rows[side], columns[side]))
        for side in range(2)
    )
    shared = width * height
    areas = [(sides[2] - sides[0]) * (sides[3] - sides[1]) for sides in (rows, columns)]
    overlaps = ops.cast(ops.greater(shared, (areas[0] + areas[1] - shared) * iou), "float32")
    same = ops.cast(ops.equal(ops.reshape(labels, (-1, k, 1)), ops.reshape(labels, (-1, 1, k))), "float32")
    return ops.triu(overlaps * same, k=1)


def _undisputed(disputes: Any, count: int) -> Any:
    """(n, count) 1 of the boxes that stay, 0 of the others.

    A round asks of each box whether a better one that stays disputes its place: stays = relu(1 − disputesᵀ · stays).
    The best box is right from the start, and if the first t are right, so is the next one after a round. So count − 1
    rounds are enough, and a chain of boxes of which each overlaps the next alone needs them all.

    A model of √count rounds is called √count times: the same rounds in a row are 900 layers deep, more than the
    recursion in which Keras walks a graph has room for behind a deep backbone, and ten times the JSON.
    """
    rounds = math.isqrt(count - 1) + 1
    dispute, stay = keras.Input((count, count), name="disputes"), keras.Input((count,), name="stays")
    against = keras.layers.Dot(axes=(1, 1), name="better_ones_that_stay", dtype="float32")
    rest = keras.layers.Rescaling(-1.0, offset=1.0, name="one_minus", dtype="float32")
    least = keras.layers.ReLU(name="at_least_none", dtype="float32")
    x = stay
    for _ in range(rounds):
        x = least(rest(against([dispute, x])))
    step = keras.Model([dispute, stay], x, name="suppression")
    stays = keras.ops.ones_like(disputes[:, 0])
    for _ in range(-(-(count - 1) // rounds)):
        stays = step([disputes, stays])
    return stays
