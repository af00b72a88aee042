"""`compare`: which backbone, and cut where, for these photographs?

The protocol of Kornblith, Shlens and Le, "Do Better ImageNet Models Transfer Better?" (2019): a linear classifier on
the pooled features of each cut, solved to its optimum, its L2 strength chosen on the validation pictures.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from cnnkit.backbones.cuts import resolve_cut
from cnnkit.backbones.extractor import Backbone, backbone
from cnnkit.backbones.table import ROWS
from cnnkit.backbones.truncation import truncate
from cnnkit.data.dataset import Dataset
from cnnkit.data.image_folder import dataset_of
from cnnkit.data.source import Source
from cnnkit.errors import DataError, InputError
from cnnkit.heads.classification import classifier
from cnnkit.heads.head import Head
from cnnkit.transfer.exact_head import Examples, linear_layer, score_of, solve
from cnnkit.transfer.feed import Feed
from cnnkit.transfer.forward import Forward
from cnnkit.transfer.network import native_framing
from cnnkit.transfer.progress import Line, Meter, line

BATCH_SIZE = 32
TIMED_BATCHES = 3


@dataclass(frozen=True, eq=False)
class Comparison:
    """What `compare` found.

    Attributes:
        table: One row a backbone and cut, the most accurate first, the faster first among equals:

            * backbone, cut: what `ck.finetune(..., backbone=, cut=)` takes.
            * side: height of the input in pixels.
            * features: length of the pooled feature vector.
            * parameters, multiply_adds: of the backbone up to the cut, the latter for one picture.
            * milliseconds: of one picture up to the cut, in batches of 32 on this machine.
            * accuracy: on the validation pictures, which also chose `l2`; so it flatters a little.
            * test_accuracy: on the test pictures, where there are some.
            * l2: the L2 strength that was chosen.
        chance: Accuracy of always naming the largest class, on the validation pictures.
    """

    table: pd.DataFrame
    chance: float

    @property
    def best(self) -> pd.Series[Any]:
        """The first row."""
        return self.table.iloc[0]

    def figure(self) -> Figure:
        """Accuracy against time; it is `ck.visualize.accuracy_against_time(table, chance=chance)`."""
        from cnnkit.visualize.cost_scatter import accuracy_against_time

        return accuracy_against_time(self.table, chance=self.chance)

    def __repr__(self) -> str:
        formats = {
            **dict.fromkeys(("parameters", "multiply_adds"), "{:,}".format),
            **dict.fromkeys(("milliseconds", "l2"), "{:.3g}".format),
            **dict.fromkeys(("accuracy", "test_accuracy"), "{:.3f}".format),
        }
        return f"{self.table.to_string(index=False, formatters=formats)}\nalways the largest class: {self.chance:.3f}"


def compare(
    photos: str | Path | Dataset,
    backbones: str | Backbone | Sequence[str | Backbone] = ("mobilenet", "mobilenet_v2"),
    *,
    cuts: int | str | Sequence[str] = 2,
    weights: str | Path | None = "imagenet",
    seed: int = 0,
    progress: bool = True,
) -> Comparison:
    """Compares backbones, and cuts of them, on photographs, in one pass over the pictures a backbone.

    The features of all cuts come from one run of the network. For one cut it is no more than::

        body = ck.backbone("mobilenet_v2", cut=cut)
        net = ck.attach(body, ck.heads.classifier(photos.classes))
        run = ck.fit(net, photos, ck.plans.probe(solver="lbfgs"))

    Args:
        photos: A folder (see `ck.data.folder`) or a dataset with validation pictures.
        backbones: Names of `ck.backbones.names()`, or backbones of your own making (another width, size or file); or
            one alone.
        cuts: The ends of so many last stages of each backbone; or the names of cuts and stage aliases that each of
            them has, or one alone.
        weights: Of the backbones given by name.
        seed: Of random weights and of the split of a folder.
        progress: Whether to show the live line.

    Raises:
        DataError: No training or no validation pictures, or no labels.
        InputError: No backbones, the same one twice, or no cuts.
        UnknownNameError: No such backbone or cut.
        WeightsError: The weights are not here and cannot be fetched.
    """
    dataset = dataset_of(photos, seed=seed)
    if not len(dataset.train) or not len(dataset.validation) or dataset.train.labels is None:
        raise DataError(
            "labelled training and validation pictures",
            f"{len(dataset.train)} training and {len(dataset.validation)} validation pictures, "
            f"{'without' if dataset.train.labels is None else 'with'} labels",
            "Validation chooses the L2 strength: ck.data.folder(path, split=(0.7, 0.15, 0.15)) makes such a part.",
        )
    if isinstance(backbones, str | Backbone):
        backbones = [backbones]
    names = [given if isinstance(given, str) else _name(given) for given in backbones]
    if not names or len(set(names)) != len(names):
        raise InputError("different backbones, at least one", str(names), "ck.backbones.names() lists all.")
    if not cuts or (isinstance(cuts, int) and cuts < 1):
        raise InputError("at least one cut", f"cuts={cuts!r}", "cuts=1 compares the backbones whole.")

    display = line(progress)
    try:
        rows = []
        for name, given in zip(names, backbones, strict=True):
            body = given if isinstance(given, Backbone) else backbone(given, weights=weights, seed=seed)
            rows += _rows(name, body, _cuts(body, cuts), dataset, display)
    finally:
        display.close()
    table = pd.DataFrame(rows).sort_values(["accuracy", "milliseconds"], ascending=[False, True], kind="stable")
    counts = dataset.validation.counts()
    return Comparison(table.reset_index(drop=True), chance=float(counts.max() / counts.sum()))


def _name(body: Backbone) -> str:
    """A backbone's name with what sets it apart."""
    settings, row = body.settings, ROWS.get(body.name)
    side = settings.input_shape[0]
    return "".join(
        (
            body.name,
            "" if settings.alpha in (None, 1.0) else f" α={settings.alpha:g}",
            "" if row is not None and side == row.side else f" {side} px",
            " random" if settings.weights is None else "",
        )
    )


def _cuts(body: Backbone, cuts: int | str | Sequence[str]) -> list[str]:
    """The layers that are compared, shallow to deep."""
    if not isinstance(cuts, int):
        return [resolve_cut(body.model, cut) for cut in ([cuts] if isinstance(cuts, str) else cuts)]
    return [*[end for end in body.stages() if end != body.cut][::-1][: cuts - 1][::-1], body.cut]


def _rows(name: str, body: Backbone, cuts: list[str], dataset: Dataset, display: Line) -> list[dict[str, Any]]:
    """One row a cut of one backbone."""
    head = classifier(dataset.classes, multi_label=dataset.train.multi_label)
    ends = [truncate(body.model, cut).output for cut in cuts]
    taps = keras.Model(body.model.input, [_pooled(end) for end in ends])
    forward = Forward(taps)
    parts = [part for part in (dataset.train, dataset.validation, dataset.test) if len(part)]
    meter = Meter(name, sum(len(part) for part in parts), display)
    seen, held_out, *unseen = (_examples(part, body, head, forward, meter) for part in parts)
    costs = body.cuts().set_index("name")
    rows = []
    for place, (cut, end) in enumerate(zip(cuts, ends, strict=True)):
        features = keras.Input((seen[place].features.shape[1],))
        dense = linear_layer(keras.Model(features, head.build(features)))
        best, scores = solve(dense, head, seen[place], held_out[place])
        of_test = [score_of(dense, head, best, examples[place])["accuracy"] for examples in unseen]
        rows.append(
            {
                "backbone": name,
                "cut": cut,
                "side": body.settings.input_shape[0],
                "features": seen[place].features.shape[1],
                "parameters": costs["parameters"][cut],
                "multiply_adds": costs["multiply_adds"][cut],
                "milliseconds": _milliseconds(keras.Model(body.model.input, _pooled(end))),
                "accuracy": scores["accuracy"],
                **({"test_accuracy": of_test[0]} if of_test else {}),
                "l2": best.strength,
            }
        )
    meter.keep(f"{name}: " + ", ".join(f"{row['accuracy']:.3f} at {row['cut']}" for row in rows))
    return rows


def _pooled(features: keras.KerasTensor) -> keras.KerasTensor:
    return keras.layers.GlobalAveragePooling2D()(features) if len(features.shape) == 4 else features


def _examples(source: Source, body: Backbone, head: Head, forward: Forward, meter: Meter) -> list[Examples]:
    """The pooled features of a source at each cut."""
    height, width, _ = body.settings.input_shape
    feed = Feed(
        source=source,
        head=head,
        framing=native_framing(body),
        size=(height, width),
        batch_size=BATCH_SIZE,
        forward=forward,
    )
    columns = []
    for indices, inputs in feed.inputs(0):
        columns.append(inputs)
        meter.advance(len(indices))
    targets = head.encode(feed.labels)
    return [Examples(np.concatenate(parts), targets) for parts in zip(*columns, strict=True)]


def _milliseconds(model: keras.Model) -> float:
    """Of one picture: the fastest of a few batches, since whatever else the machine does only adds."""
    forward = Forward(model)
    images = np.zeros((BATCH_SIZE, *model.input.shape[1:]), np.uint8)  # as predict gives them
    forward(images)  # traces
    seconds = []
    for _ in range(TIMED_BATCHES):
        started = time.perf_counter()
        forward(images)
        seconds.append(time.perf_counter() - started)
    return 1000 * min(seconds) / BATCH_SIZE
