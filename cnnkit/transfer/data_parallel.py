"""Synchronous data-parallel training: workers compute the gradients of parts of each batch, one process their mean.

As in Chen et al., "Revisiting Distributed Synchronous SGD" (2016, arXiv:1604.00981), with the process that called `fit`
as the server of the parameters: it has optimizer, callbacks, validation and checkpoints, and sends the weights with
each part. So a worker holds nothing that could be lost: where one dies its part is done again by another.
Keras's `fit` does not run under TensorFlow's own strategy for several machines (keras#20585).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from cnnkit.data.image_folder import FileReader
from cnnkit.data.kept_pictures import KeptPictures
from cnnkit.data.portion import files_seen
from cnnkit.data.source import Source
from cnnkit.errors import InputError, WorkersError
from cnnkit.heads.head import OpenSetHead, metrics_of
from cnnkit.heads.staged import StagedHead
from cnnkit.transfer.feed import Batch, Feed
from cnnkit.transfer.freeze import flags_kept, leaves, set_flags
from cnnkit.transfer.network import Network
from cnnkit.transfer.plan import Phase, Plan
from cnnkit.transfer.settings import Settings
from cnnkit.transfer.steps import Step
from cnnkit.transfer.tail import Tail, halve
from cnnkit.transfer.traced_once import TracedOnce
from cnnkit.workers import Told, Workers, each

SEED_STATE = "seed_generator_state"


@dataclass(frozen=True, eq=False)
class StepPart:
    """A part of a batch.

    Attributes:
        number: Of the part in its step.
        step: Of the training, counted over all epochs.
        view: Which version of each picture.
        indices: Places of its pictures in the source.
        weights: Of what trains.
    """

    number: int
    step: int
    view: int
    indices: NDArray[np.int64]
    weights: Sequence[NDArray[Any]]


@dataclass(frozen=True, eq=False)
class Gradient:
    """What a worker says of a part.

    Attributes:
        number: Of the part.
        pictures: How many it has.
        values: The gradient of the mean loss over them, for each variable; None where the loss does not depend on it.
        logs: Loss and metrics.
        digest: Of the weights that it was computed with.
    """

    number: int
    pictures: int
    values: Sequence[NDArray[Any] | None]
    logs: Mapping[str, float]
    digest: str


@dataclass(frozen=True, eq=False)
class GradientWork:
    """What a worker does with a part of a batch.

    Attributes:
        network: As it is when the phase begins.
        phase: Which layers train.
        settings: Of the training.
        source: All training pictures, with their truth.
    """

    network: Network
    phase: Phase
    settings: Settings
    source: Source

    def start(self) -> Callable[[StepPart], Gradient]:
        """What computes a gradient: the tail of the phase, and a feed that reads pictures."""
        set_flags(self.network, self.phase)
        halves = halve(self.settings.of_crops(self.network), self.network.head)
        halves.tail.compile(metrics=metrics_of(self.network.head) or None, jit_compile=False)
        forward = self.settings.forward(halves.prefix) if halves.prefix else None
        feed = self.settings.feed(
            self.network,
            self.source,
            forward,
            self.settings.views_in(self.phase),
            train=True,
            decoded=KeptPictures(budget_bytes=0),
        )
        return partial(self._gradient, halves.tail, TracedOnce(partial(_gradients, halves.tail)), feed)

    def _gradient(self, tail: Tail, gradients: Callable[[Any], Any], feed: Feed, part: StepPart) -> Gradient:
        for variable, value in zip(tail.trainable_variables, part.weights, strict=True):
            variable.assign(value)
        _seed(tail, self.settings.seed, part)
        batch: Batch = feed.batch(part.indices, part.view)
        inputs = list(batch.inputs) if len(batch.inputs) > 1 else batch.inputs[0]
        loss, values, outputs = gradients((inputs, batch.targets, batch.weights))
        tail.reset_metrics()
        logs = tail.compute_metrics(inputs, batch.targets, outputs, batch.weights) | {"loss": loss}
        return Gradient(
            part.number,
            len(part.indices),
            [None if value is None else value.numpy() for value in values],
            {name: float(value) for name, value in logs.items()},
            weights_digest(tail),
        )


@dataclass(frozen=True, eq=False)
class StepThere:
    """A step by workers.

    Attributes:
        told: They, with their work.
        count: How many parts the batch has.
        tail: What trains, here.
        feed: Where the pictures are from.
        step: Counted over all epochs.
        view: Which version of each picture.
        indices: Places of its pictures in the source.
    """

    told: Told[StepPart, Gradient]
    count: int
    tail: Tail
    feed: Feed
    step: int
    view: int
    indices: NDArray[np.int64]
    batch: None = None

    def __len__(self) -> int:
        return len(self.indices)

    def train(self) -> Mapping[str, float]:
        """The mean of the gradients, each with the number of its pictures, applied by the optimizer here.

        Raises:
            WorkersError: A worker computed with other weights.
        """
        weights = [np.asarray(variable) for variable in self.tail.trainable_variables]
        split = [part for part in np.array_split(self.indices, self.count) if len(part)]
        parts = [StepPart(number, self.step, self.view, part, weights) for number, part in enumerate(split)]
        found = sorted(self.told.map((self._name(part), part) for part in parts), key=lambda gradient: gradient.number)
        here = weights_digest(self.tail)
        if others := [gradient.digest for gradient in found if gradient.digest != here]:
            raise WorkersError(
                "the same weights on every worker", f"{others[0]} beside {here}", "Start the cluster anew."
            )
        shares = [gradient.pictures / len(self) for gradient in found]
        columns = zip(*(gradient.values for gradient in found), strict=True)
        mean = [_mean(shares, column) for column in columns]
        self.tail.optimizer.apply(mean, self.tail.trainable_variables)
        return {
            name: sum(share * gradient.logs[name] for share, gradient in zip(shares, found, strict=True))
            for name in found[0].logs
        }

    def _name(self, part: StepPart) -> str:
        ids = self.feed.source.ids
        return each(ids[part.indices[0]], ids[part.indices[-1]], len(part.indices))


@dataclass(frozen=True, eq=False)
class StepsThere:
    """Steps by workers; for the attributes see `StepThere`."""

    told: Told[StepPart, Gradient]
    count: int
    tail: Tail
    feed: Feed

    def epoch(self, number: int) -> Iterator[Step]:
        """A step for each batch, whose pictures the workers read."""
        for place, indices in enumerate(self.feed.steps(number)):
            step = number * len(self.feed) + place
            yield StepThere(self.told, self.count, self.tail, self.feed, step, self.feed.view(number), indices)


def steps_there(workers: Workers, work: GradientWork, tail: Tail, feed: Feed) -> StepsThere:
    """The steps of a phase by workers, among whom each batch is divided."""
    return StepsThere(workers.told(work), workers.count, tail, feed)


def require_divisible(
    network: Network, source: Source, plan: Plan, settings: Settings, workers: Workers | None
) -> None:
    """Refuses a training whose steps are not the sum of their parts.

    Raises:
        InputError: There are no workers; a layer that trains has statistics of whole batches; pictures of a batch are
            blended or compared with each other; a head has steps of its own; the loss is scaled; or not all workers see
            the files.
    """
    if workers is None:
        raise InputError(
            "workers, for distribute='data'", "workers=None", 'workers="auto" is the cluster of this machine.'
        )
    head = network.head
    refused = [
        (settings.mix is not None, "mix=None: the pictures of a batch are divided", repr(settings.mix)),
        (isinstance(head, StagedHead), "a head of one stage", type(head).__name__),
        (isinstance(head, OpenSetHead) and head.group > 1, "a head that looks at pictures one by one", repr(head)),
        (keras.config.dtype_policy().name == "mixed_float16", "a loss without a scale", "the policy mixed_float16"),
    ]
    for wrong, expected, received in refused:
        if wrong:
            raise InputError(f"{expected}, for distribute='data'", received[:200], "Leave distribute out.")
    for phase in plan.phases:
        with flags_kept(network.model):
            set_flags(network, phase)
            moving = [layer.name for _, layer in leaves(network.model) if phase.epochs and _has_statistics(layer)]
        if moving:
            raise InputError(
                f"layers without statistics of whole batches in phase {phase.name!r}, for distribute='data'",
                f"{moving[0]}, which trains",
                "batch_norm='frozen' keeps those of the backbone; a head without them is made by batch_norm=False.",
            )
    if isinstance(source.reader, FileReader) and not files_seen(source, workers):
        raise InputError(
            "training pictures on storage that all machines of the cluster see, for distribute='data'",
            "a machine that does not find them",
            "Put them on a shared disk, under the same path everywhere.",
        )


def weights_digest(tail: Tail) -> str:
    """A hash of what trains."""
    digest = hashlib.blake2b(digest_size=16)
    for variable in tail.trainable_variables:
        digest.update(np.ascontiguousarray(np.asarray(variable)).data)
    return digest.hexdigest()


def _gradients(tail: Tail, batch: tuple[Any, Any, Any]) -> tuple[Any, list[Any], Any]:
    inputs, targets, weights = batch
    with tf.GradientTape() as tape:
        outputs = tail(inputs, training=True)
        loss = tail.compute_loss(inputs, targets, outputs, weights)
    values = tape.gradient(loss, [variable.value for variable in tail.trainable_variables])
    return loss, [None if value is None else tf.convert_to_tensor(value) for value in values], outputs


def _mean(shares: Sequence[float], values: Sequence[NDArray[Any] | None]) -> Any:
    """Σ share · gradient of a variable, in the order of the parts; None where it has none."""
    summands = [share * value for share, value in zip(shares, values, strict=True) if value is not None]
    return tf.constant(sum(summands[1:], summands[0]).astype(np.float32)) if summands else None


def _seed(tail: Tail, seed: int, part: StepPart) -> None:
    """Random layers draw what depends on seed, step and part alone, whoever computes it and however often."""
    for _, layer in leaves(tail):
        for number, variable in enumerate(layer.variables):
            if variable.path.endswith(SEED_STATE):
                text = f"{seed} {layer.name} {number} {part.step} {part.number}"
                first = int.from_bytes(hashlib.blake2b(text.encode(), digest_size=4).digest())
                variable.assign(np.array([first, 0], variable.dtype))


def _has_statistics(layer: keras.layers.Layer) -> bool:
    """Whether a layer moves something that is no weight, but for the state of its chances."""
    others = [variable for variable in layer.non_trainable_variables if not variable.path.endswith(SEED_STATE)]
    # Normalization has such numbers too, which training does not move.
    moves = layer.trainable_variables or isinstance(layer, keras.layers.BatchNormalization)
    return bool(layer.trainable and moves and others)
