"""Prediction and evaluation: pictures through a network, in their order."""

from __future__ import annotations

import keras
import numpy as np
import pandas as pd

from cnnkit.data.any_pictures import Pictures, as_source
from cnnkit.data.dataset import Dataset
from cnnkit.data.placements import in_input
from cnnkit.data.source import Source
from cnnkit.data.targets.targets import Targets
from cnnkit.engines.runtimes import EngineName, Precision, Runtime
from cnnkit.errors import DataError, InputError
from cnnkit.heads.head import OpenSetHead, truth_kind
from cnnkit.metrics.given_arrays import whole_number
from cnnkit.transfer.network import Network, network_of
from cnnkit.transfer.passes import answers, sight_of
from cnnkit.transfer.tally import Tally


def predict(
    network: Network,
    images: Pictures,
    *,
    batch_size: int = 32,
    engine: EngineName = "auto",
    precision: Precision = "float32",
    window: tuple[int, int] | bool | None = None,
    overlap: float = 0.25,
    flip: bool = False,
    progress: bool = False,
) -> pd.DataFrame:
    """What a network says of pictures, in the order given: nothing is ever shuffled.

    Args:
        network: Trained, or loaded with `ck.load`.
        images: Whatever `ck.data.as_source` takes: a source (`photos.test`); a folder, whose pictures are taken in
            natural order; a file; a Pillow image; an array (h, w, 3) or (n, h, w, 3) of RGB 0…255; or a list of these.
        batch_size: Pictures at a time.
        engine: What runs the network: `"tensorflow"`; `"onnx"` or `"openvino"`, of the extra `cnnkit[fast]`; `"auto"`
            is TensorFlow, in bfloat16 OpenVINO where it is installed. The first pictures are compared with Keras's
            numbers, and an engine that is further off than 1e-4 of the largest is replaced by TensorFlow.
        precision: `"bfloat16"` is faster where the processor has it, and up to a few percent off.
        window: Of heads of masks and detectors: (height, width) of the part of a photograph that the network sees at a
            time, in the photograph's pixels, or True for its input size: large photographs are seen window by window,
            and smaller ones with mirrored borders. Of masks, logits are averaged where windows overlap, with less
            weight near the border of a window. A detector sees the framed picture too, for what is larger than a
            window, and says once what several looks show.
        overlap: The part of a window that its neighbour shows too, 0 ≤ overlap < 1.
        flip: Whether the network sees each picture mirrored too: the outputs for both, mirrored back, are averaged, and
            the boxes of a detector joined. Of labels, tags, vectors, masks, heatmaps of points and detectors; the boxes
            of a localizer have no mean.
        progress: Whether to show a live line.

    Returns:
        Of a classifier one row per picture: `id` (path below the folder, the path given, or the number in what was
        given), `label`, and one float32 probability column per class. Of other heads the table of their kind of truth,
        in the pixels of the photographs: of boxes one row per box.

    Raises:
        DataError: There are no pictures, or float pictures that seem to be scaled to 0…1; or an output is not finite.
        UnknownNameError: No such engine or precision.
        InputError: No network, or one whose weights are not finite; a whole dataset; an engine that does not compute
            in that precision; or windows or mirror images with a head that has no use for them.
        MissingExtraError: The engine is not installed.
    """
    network = network_of(network)
    whole_number("batch_size", batch_size)
    source, sight = as_source(images), sight_of(network, window, overlap, flip)
    runtime = Runtime(engine, precision)
    told = answers(network, source, runtime, sight=sight, batch_size=batch_size, progress=progress)
    if network.head.target.placed:
        parts = [answer.decoded(network, source) for answer in told]
        return network.head.target.joined(parts).table(source.ids)
    # What has no place is decoded at once: a table of few numbers per picture is cheaper made once.
    rows = [answer.outputs for answer in told]
    whole = keras.tree.map_structure(lambda *arrays: np.concatenate(arrays), *rows)
    return network.head.decode(whole, network.size).table(source.ids)


def evaluate(
    network: Network,
    source: Source,
    *,
    batch_size: int = 32,
    engine: EngineName = "auto",
    precision: Precision = "float32",
    window: tuple[int, int] | bool | None = None,
    overlap: float = 0.25,
    flip: bool = False,
    progress: bool = False,
) -> dict[str, float]:
    """Loss, accuracy and the scores of each class of a network on labelled pictures.

    Args:
        network: Trained, or loaded with `ck.load`.
        source: With labels, e.g. `photos.test`.
        batch_size: Pictures at a time.
        engine: What runs the network, as in `predict`.
        precision: As in `predict`.
        window: As in `predict`; the loss is then that of whole photographs, of boxes that of framed ones.
        overlap: As in `predict`.
        flip: As in `predict`.
        progress: Whether to show a live line.

    Returns:
        `loss`, `accuracy` and `images`, how many there were; then, as the head decides (with its threshold):

            * `macro_precision`, `macro_recall`, `macro_f1`, `macro_auc`: the mean over the classes;
            * `precision/CLASS`, `recall/CLASS`, `f1/CLASS`, `auc/CLASS`: of each class against the others.

            Of several labels `accuracy` is that of all yes/no decisions, and beside the above there are `exact_match`
            (pictures with every label right), `mean_average_precision`, `micro_precision`, `micro_recall`, `micro_f1`
            (over all decisions), and `accuracy/LABEL`, `average_precision/LABEL`. A class that no picture shows has no
            entries and does not count in a mean; neither has the AUC of one that every picture shows. The precision of
            a class that was never decided for is 0. A head of your own gives the metrics that it names. Of an embedding
            there are the rates of verification and identification, and no loss where nobody shown was trained on.

    Raises:
        DataError: The source is empty, or has no labels or other classes; or an output is not finite.
        UnknownNameError: No such engine or precision.
        InputError: A network whose weights are not finite, a whole dataset, an engine that does not compute in that
            precision, or windows or mirror images with a head that has no use for them.
        MissingExtraError: The engine is not installed.
    """
    network = network_of(network)
    whole_number("batch_size", batch_size)
    truth = truth_of(network, source)
    tally, score = Tally(network.head), network.head.score()
    runtime, sight = Runtime(engine, precision), sight_of(network, window, overlap, flip)
    for answer in answers(network, source, runtime, sight=sight, batch_size=batch_size, progress=progress):
        seen = truth.take(answer.indices)
        framed = in_input(seen, source, answer.indices, network.framing, network.size) if answer.framed else seen
        tally.add(network.head.encode(framed, answer.size), answer.outputs)
        score.add(seen, answer.decoded(network, source))
    values = {**tally.result(), "images": float(len(source)), **score.result()}
    if isinstance(network.head, OpenSetHead) and not network.head.judges(truth):
        del values["loss"]
    return values


def truth_of(network: Network, source: Source) -> Targets:
    """The truth of pictures that a network can be held against.

    Raises:
        DataError: The source is empty, has no truth, truth of another kind or other classes.
        InputError: A whole dataset, or no source.
    """
    _refuse_dataset(source)
    if not isinstance(source, Source):
        raise InputError("a source", type(source).__name__, "ck.data.folder(path).test is one, with labels.")
    if not len(source) or source.targets is None:
        raise DataError(
            "pictures with labels",
            f"{len(source)} pictures {'with' if source.targets is not None else 'without'} labels",
            "A part that does not exist is empty: photos.validation may be what there is.",
        )
    expected = truth_kind(network.head).kind
    if source.kind != expected:
        raise DataError(
            f"{expected} as truth, which the head is scored on",
            source.kind,
            "Take a source of that kind.",
        )
    if source.names != network.classes and not isinstance(network.head, OpenSetHead):
        raise DataError(
            f"the classes of the network, {list(network.classes)}",
            f"{list(source.names)}",
            "Read the pictures with classes=network.classes: their order is that of the labels.",
        )
    return source.targets


def _refuse_dataset(images: object) -> None:
    if isinstance(images, Dataset):
        sizes = ", ".join(f".{name} ({len(source)} pictures)" for name, source in images.parts().items())
        raise InputError("one part of a dataset", "all of it", f"Take one: {sizes}.")
