"""`compare`: which backbone, and cut where, for these photographs?

The protocol of Kornblith, Shlens and Le, "Do Better ImageNet Models Transfer Better?" (2019): a linear classifier on
the pooled features of each cut, solved to its optimum, its L2 strength chosen on the validation pictures.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from numbers import Integral
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from cnnkit.backbones.cuts import resolve_cut
from cnnkit.backbones.extractor import Backbone
from cnnkit.backbones.truncation import truncate
from cnnkit.data.any_folder import dataset_of
from cnnkit.data.dataset import Dataset
from cnnkit.data.source import Source
from cnnkit.engines.forward import Forward
from cnnkit.errors import CnnkitError, DataError, InputError
from cnnkit.heads.classification import classifier
from cnnkit.heads.head import Head
from cnnkit.reports.candidates import AnyBackbone, candidates, check_cuts
from cnnkit.reports.comparison import Comparison, comparison_of, failed_row
from cnnkit.transfer.exact_head import Examples, score_of, solve
from cnnkit.transfer.feature_store import Layout
from cnnkit.transfer.feature_work import chunk_work, computed_there, gathered
from cnnkit.transfer.feed import Feed
from cnnkit.transfer.network import native_framing
from cnnkit.transfer.progress import Line, Meter, line
from cnnkit.workers import Workers, workers_of

FAILURES = (CnnkitError, MemoryError, tf.errors.ResourceExhaustedError)
"""Errors that concern one backbone and not the others; Ctrl-C is not among them."""
BATCH_SIZE = 32
TIMED_BATCHES = 3


def compare(
    photos: str | Path | Dataset,
    backbones: AnyBackbone | Sequence[AnyBackbone] = ("mobilenet", "mobilenet_v2"),
    *,
    cuts: int | str | Sequence[str] = 2,
    alpha: float | Sequence[float | None] | None = None,
    weights: str | Path | None = "imagenet",
    seed: int = 0,
    workers: Workers | str | None = None,
    progress: bool = True,
) -> Comparison:
    """Compares backbones, and cuts of them, on photographs, in one pass over the pictures per backbone.

    The features of all cuts come from one run of the network. For one cut it is no more than::

        body = ck.backbone("mobilenet_v2", cut=cut)
        net = ck.attach(body, ck.heads.classifier(photos.classes))
        run = ck.fit(net, photos, ck.plans.probe(solver="lbfgs"))

    Args:
        photos: A folder (see `ck.data.folder`) or a dataset with validation pictures.
        backbones: Names of `ck.backbones.names()`, names with a width, `("mobilenet", 0.25)`, and backbones or
            functional models of your own; or one alone.
        cuts: The ends of so many last stages of each backbone; or the names of cuts and stage aliases that each of
            them has, or one alone.
        alpha: Width of the backbones given by name: one for all, or one for each (None for one that has no width).
        weights: Of the backbones given by name: `"imagenet"`, a file, or None for random ones.
        seed: Of random weights and of the split of a folder.
        workers: Who computes the features: None for this process, or a cluster as of `ck.fit`. The table is the same,
            but for `milliseconds`, which are of this machine.
        progress: Whether to show the live line.

    Returns:
        The table, and what it says. A backbone that fails (its weights are not here, a cut it does not have, too little
        memory) is a row with its error; the others are compared all the same.

    Raises:
        DataError: No training or no validation pictures, no labels, or a picture that cannot be read.
        InputError: No backbones, the same one twice, no cuts, or something else in the place of an argument: said
            before anything is computed.
        UnknownNameError: No such backbone.
        CnnkitError: All of them failed: the error of the first.
    """
    if not isinstance(seed, Integral) or isinstance(seed, bool) or int(seed) < 0:
        raise InputError("a seed of at least 0, a whole number", repr(seed)[:200], "0 is the default.")
    dataset = dataset_of(photos, seed=seed)
    if not len(dataset.train) or not len(dataset.validation) or dataset.kind not in ("labels", "tags"):
        raise DataError(
            "labelled training and validation pictures",
            f"{len(dataset.train)} training and {len(dataset.validation)} validation pictures, "
            f"{dataset.kind or 'no labels'}",
            "Validation chooses the L2 strength: ck.data.folder(path, split=(0.7, 0.15, 0.15)) makes such a part.",
        )
    requested = candidates(backbones, alpha, weights)
    team = workers_of(workers)
    check_cuts(cuts)
    display = line(progress)
    rows: list[dict[str, Any]] = []
    errors: list[Exception] = []
    try:
        for candidate in requested:
            try:
                body = candidate.build(weights, seed)
                rows += _rows(candidate.name, body, _cuts(body, cuts), dataset, display, team)
            except FAILURES as error:
                if isinstance(error, DataError) and not rows:
                    raise  # pictures that no backbone can take
                errors.append(error)
                rows.append(failed_row(candidate.name, error))
                display.keep(f"{candidate.name} failed: {rows[-1]['error']}")
    finally:
        display.close()
    if len(errors) == len(requested):
        raise errors[0]
    counts = dataset.validation.counts()
    return comparison_of(rows, chance=float(counts.max() / counts.sum()))


def _cuts(body: Backbone, cuts: int | str | Sequence[str]) -> list[str]:
    """The layers that are compared, shallow to deep."""
    if not isinstance(cuts, int):
        return [resolve_cut(body.model, cut, body.ends) for cut in ([cuts] if isinstance(cuts, str) else cuts)]
    return [*[end for end in body.stages() if end != body.cut][::-1][: cuts - 1][::-1], body.cut]


def _rows(
    name: str, body: Backbone, cuts: list[str], dataset: Dataset, display: Line, workers: Workers | None
) -> list[dict[str, Any]]:
    """One row per cut of one backbone."""
    head = classifier(dataset.classes, multi_label=dataset.train.multi_label)
    ends = [truncate(body.model, cut).output for cut in cuts]
    taps = keras.Model(body.model.input, [_pooled(end) for end in ends])
    forward = Forward(taps)
    parts = [part for part in (dataset.train, dataset.validation, dataset.test) if len(part)]
    meter = Meter(name, sum(len(part) for part in parts), display)
    seen, held_out, *unseen = (_examples(part, body, head, forward, meter, workers) for part in parts)
    costs = body.cuts().set_index("name")
    rows = []
    for place, (cut, end) in enumerate(zip(cuts, ends, strict=True)):
        best = solve(head, seen[place], held_out[place])
        of_test = [score_of(head, best, examples[place])["accuracy"] for examples in unseen]
        rows.append(
            {
                "backbone": name,
                "cut": cut,
                "side": body.settings.input_shape[0],
                "features": seen[place].features.shape[1],
                "parameters": costs["parameters"][cut],
                "multiply_adds": costs["multiply_adds"][cut],
                "milliseconds": _milliseconds(keras.Model(body.model.input, _pooled(end))),
                "accuracy": score_of(head, best, held_out[place])["accuracy"],
                **({"test_accuracy": of_test[0]} if of_test else {}),
                "l2": best.strength,
            }
        )
    meter.keep(f"{name}: " + ", ".join(f"{row['accuracy']:.3f} at {row['cut']}" for row in rows))
    return rows


def _pooled(features: keras.KerasTensor) -> keras.KerasTensor:
    return keras.layers.GlobalAveragePooling2D()(features) if len(features.shape) == 4 else features


def _examples(
    source: Source, body: Backbone, head: Head, forward: Forward, meter: Meter, workers: Workers | None
) -> list[Examples]:
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
    if workers is not None:
        shapes = tuple(tuple(tensor.shape[1:]) for tensor in forward.model.outputs)
        layout = Layout(len(source), shapes, "float32")
        numbers = range(len(layout.chunks()))
        computed = computed_there(workers, chunk_work(feed, forward, layout), source, numbers, meter)
        encoded = np.asarray(feed.targets_at(np.arange(len(source)), 0))
        return [Examples(features, encoded) for features in gathered(layout, computed)]
    batches = []
    for batch in feed.epoch(0):
        batches.append(batch)
        meter.advance(len(batch))
    targets = np.concatenate([np.asarray(batch.targets) for batch in batches])
    columns = zip(*(batch.inputs for batch in batches), strict=True)
    return [Examples(np.concatenate(parts), targets) for parts in columns]


def _milliseconds(model: keras.Model) -> float:
    """Milliseconds of one picture: the fastest of a few batches, since whatever else the machine does only adds."""
    forward = Forward(model)
    images = np.zeros((BATCH_SIZE, *model.input.shape[1:]), np.uint8)  # as predict gives them
    forward(images)  # traces
    seconds = []
    for _ in range(TIMED_BATCHES):
        started = time.perf_counter()
        forward(images)
        seconds.append(time.perf_counter() - started)
    return 1000 * min(seconds) / BATCH_SIZE
