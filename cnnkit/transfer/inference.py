"""Prediction and evaluation: pictures through a network, in their order."""

from __future__ import annotations

from collections.abc import Generator

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cnnkit.data.any_pictures import Pictures, as_source
from cnnkit.data.dataset import Dataset
from cnnkit.data.pipeline import batches
from cnnkit.data.source import Labels, Source
from cnnkit.engines.runtimes import EngineName, Precision
from cnnkit.errors import DataError, InputError
from cnnkit.heads.classifier_arguments import TAKEN
from cnnkit.heads.head import ScoringHead
from cnnkit.metrics.given_arrays import whole_number
from cnnkit.transfer.finite import require_finite_outputs
from cnnkit.transfer.network import Network, network_of
from cnnkit.transfer.progress import Meter, line
from cnnkit.transfer.score import Score

ID, LABEL = TAKEN  # columns beside those of the classes


def forward_pass(
    network: Network,
    source: Source,
    *,
    batch_size: int = 32,
    engine: EngineName = "auto",
    precision: Precision = "float32",
    progress: bool = False,
    pictures: int | None = None,
) -> Generator[tuple[NDArray[np.int64], NDArray[np.float32]]]:
    """Positions in the source, (n,), and the network's outputs for them, batch by batch and in order.

    Threads decode the next pictures while the network runs. Memory does not grow with the number of pictures.
    `pictures` is how many there are in all, where the source is a part of them. `network.head.probabilities` makes one
    column per class of outputs.
    """
    display = line(progress)
    try:
        count = len(source) if pictures is None else pictures
        forward = network.forward_cache.find(engine, precision, pictures=count, say=display.keep)
        meter = Meter("predict", len(source), display)
        for batch in batches(source, network.framing, network.size, batch_size=batch_size):
            (outputs,) = forward(batch.images)
            require_finite_outputs(network.model, outputs, batch.indices)
            meter.advance(len(batch.indices))
            yield batch.indices, outputs
    finally:
        display.close()


def predict(
    network: Network,
    images: Pictures,
    *,
    batch_size: int = 32,
    engine: EngineName = "auto",
    precision: Precision = "float32",
    progress: bool = False,
) -> pd.DataFrame:
    """Labels and probabilities of pictures, one row a picture, in the order given: nothing is ever shuffled.

    Args:
        network: Trained, or loaded with `ck.load`.
        images: Whatever `ck.data.as_source` takes: a source (`photos.test`); a folder, whose pictures are taken in
            natural order; a file; a Pillow image; an array (h, w, 3) or (n, h, w, 3) of RGB 0…255; or a list of these.
        batch_size: Pictures at a time.
        engine: What runs the network: `"tensorflow"`; `"onnx"` or `"openvino"`, of the extra `cnnkit[fast]`; `"auto"`
            is TensorFlow, in bfloat16 OpenVINO where it is installed. The first pictures are compared with Keras's
            numbers, and an engine that is further off than 1e-4 of the largest is replaced by TensorFlow.
        precision: `"bfloat16"` is faster where the processor has it, and up to a few percent off.
        progress: Whether to show a live line.

    Returns:
        Columns `id` (path below the folder, the path given, or the number in what was given), `label`, and one float32
        probability column a class.

    Raises:
        DataError: There are no pictures, or float pictures that seem to be scaled to 0…1; or an output is not finite.
        UnknownNameError: No such engine or precision.
        InputError: No network, or one whose weights are not finite; a whole dataset; or an engine that does not compute
            in that precision.
        MissingExtraError: The engine is not installed.
    """
    network = network_of(network)
    whole_number("batch_size", batch_size)
    source = as_source(images)
    passes = forward_pass(network, source, batch_size=batch_size, engine=engine, precision=precision, progress=progress)
    parts = [network.head.probabilities(outputs) for _, outputs in passes]
    probabilities = np.concatenate(parts).astype(np.float32, copy=False)  # of a mixed_float16 network float16
    columns = dict(zip(network.classes, probabilities.T, strict=True))
    return pd.DataFrame({ID: list(source.ids), LABEL: network.head.decide(probabilities)} | columns)


def evaluate(
    network: Network,
    source: Source,
    *,
    batch_size: int = 32,
    engine: EngineName = "auto",
    precision: Precision = "float32",
    progress: bool = False,
) -> dict[str, float]:
    """Loss, accuracy and the scores of each class of a network on labelled pictures.

    Args:
        network: Trained, or loaded with `ck.load`.
        source: With labels, e.g. `photos.test`.
        batch_size: Pictures at a time.
        engine: What runs the network, as in `predict`.
        precision: As in `predict`.
        progress: Whether to show a live line.

    Returns:
        `loss`, `accuracy` and `images`, how many there were; then, as the head decides (with its threshold):

            * `macro_precision`, `macro_recall`, `macro_f1`, `macro_auc`: the mean over the classes;
            * `precision/CLASS`, `recall/CLASS`, `f1/CLASS`, `auc/CLASS`: of each class against the others.

            Of several labels `accuracy` is that of all yes/no decisions, and beside the above there are `exact_match`
            (pictures with every label right), `mean_average_precision`, `micro_precision`, `micro_recall`, `micro_f1`
            (over all decisions), and `accuracy/LABEL`, `average_precision/LABEL`. A class that no picture shows has no
            entries and does not count in a mean; neither has the AUC of one that every picture shows. The precision of
            a class that was never decided for is 0. A head of your own gives the metrics that it names.

    Raises:
        DataError: The source is empty, or has no labels or other classes; or an output is not finite.
        UnknownNameError: No such engine or precision.
        InputError: A network whose weights are not finite, a whole dataset, or an engine that does not compute in that
            precision.
        MissingExtraError: The engine is not installed.
    """
    network = network_of(network)
    whole_number("batch_size", batch_size)
    labels = labels_of(network, source)
    score = Score(network.head)
    passes = forward_pass(network, source, batch_size=batch_size, engine=engine, precision=precision, progress=progress)
    parts = []
    for indices, outputs in passes:
        score.add(network.head.encode(labels[indices]), outputs)
        parts.append(network.head.probabilities(outputs))
    scores = network.head.scores(labels, np.concatenate(parts)) if isinstance(network.head, ScoringHead) else {}
    return {**score.result(), "images": float(len(source)), **scores}


def labels_of(network: Network, source: Source) -> Labels:
    """The labels of pictures that a network can be held against.

    Raises:
        DataError: The source is empty, or has no labels or other classes.
        InputError: A whole dataset, or no source.
    """
    _refuse_dataset(source)
    if not isinstance(source, Source):
        raise InputError("a source", type(source).__name__, "ck.data.folder(path).test is one, with labels.")
    if not len(source) or source.labels is None:
        raise DataError(
            "pictures with labels",
            f"{len(source)} pictures {'with' if source.labels is not None else 'without'} labels",
            "A part that does not exist is empty: photos.validation may be what there is.",
        )
    if source.classes != network.classes:
        raise DataError(
            f"the classes of the network, {list(network.classes)}",
            f"{list(source.classes)}",
            "Read the pictures with classes=network.classes: their order is that of the labels.",
        )
    return source.labels


def _refuse_dataset(images: object) -> None:
    if isinstance(images, Dataset):
        sizes = ", ".join(f".{name} ({len(source)} pictures)" for name, source in images.parts().items())
        raise InputError("one part of a dataset", "all of it", f"Take one: {sizes}.")
