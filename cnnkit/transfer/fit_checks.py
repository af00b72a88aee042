"""What `fit` refuses before anything is trained: arguments, and a plan that could not run to its end."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from cnnkit.arguments import Argument, whole
from cnnkit.backbones.resizing import at_size
from cnnkit.data.dataset import Dataset
from cnnkit.data.views.chain import crop_size, require_boxes_to_keep, require_views
from cnnkit.data.views.mixing import Mixer, require_mixable
from cnnkit.data.views.view import Augmenter
from cnnkit.errors import DataError, InputError, unknown_name
from cnnkit.transfer.cache_choice import FeatureCache
from cnnkit.transfer.closed_form import require_closed_form
from cnnkit.transfer.epochs import measures
from cnnkit.transfer.exact_head import convex_loss, linear_layer
from cnnkit.transfer.finite import require_finite_weights
from cnnkit.transfer.freeze import flags_kept, set_flags, trained_layers
from cnnkit.transfer.network import Network, check_dataset
from cnnkit.transfer.plan import Phase, Plan
from cnnkit.transfer.tail import halve
from cnnkit.workers import Workers

RATE_CALLBACKS = (keras.callbacks.LearningRateScheduler, keras.callbacks.ReduceLROnPlateau)


def _offers_apply(value: object) -> bool:
    return value is None or (not isinstance(value, type) and callable(getattr(value, "apply", None)))


ARGUMENTS = (
    Argument("plan", lambda value: isinstance(value, Plan), "a plan", "ck.Plan([phase]) or ck.plans.probe() is one."),
    Argument(
        "augment",
        _offers_apply,
        "an augmentation, or None",
        "ck.data.Augmentation(horizontal_flip=True) is one; a function or a Keras layer becomes one as a frozen "
        "dataclass with apply(image, generator).",
    ),
    Argument("mix", _offers_apply, "a mixer of pictures, or None", "ck.data.MixUp() and ck.data.CutMix() are some."),
    Argument(
        "cache",
        lambda value: isinstance(value, str | FeatureCache),
        "cache as text or a FeatureCache",
        'Choose "auto", "none", "memory" or "disk".',
    ),
    Argument(
        "views",
        lambda value: value is None or whole(value, 1),
        "views as a whole number, at least 1 view, or None",
        "8 views cost as much as 8 epochs without a cache.",
    ),
    Argument("engine", lambda value: isinstance(value, str), "the name of an engine", '"tensorflow" is always there.'),
    Argument("precision", lambda value: isinstance(value, str), "the name of a precision", '"float32" or "bfloat16".'),
    Argument(
        "batch_size",
        lambda value: whole(value, 1),
        "a batch_size of at least 1, a whole number",
        "32 is usual; int(...) makes one of a float.",
    ),
    Argument("seed", lambda value: whole(value, 0), "a seed: a whole number from 0 on", "Each gives its own training."),
    Argument(
        "workers",
        lambda value: value is None or isinstance(value, str | Workers),
        "the address of a cluster, workers, or None",
        '"auto" is the cluster of this machine.',
    ),
    Argument(
        "distribute",
        lambda value: value in (None, "data"),
        "distribute='data', or None",
        "'data' divides each batch among the workers.",
    ),
    Argument(
        "resume",
        lambda value: value is None or isinstance(value, str | Path),
        "a folder to resume from, or None",
        'Give a path, as in resume="runs/first".',
    ),
    Argument("progress", lambda value: isinstance(value, bool), "progress as True or False", "False shows nothing."),
)


def callbacks_of(value: object) -> tuple[keras.callbacks.Callback, ...]:
    """One callback, a list of them, or None, as callbacks.

    Raises:
        InputError: Something else is given, or among them.
    """
    if isinstance(value, keras.callbacks.CallbackList):
        value = value.callbacks
    listed = (value,) if isinstance(value, keras.callbacks.Callback) else value
    callbacks = tuple(listed) if isinstance(listed, Iterable) else (listed,) if listed is not None else ()
    for callback in callbacks:
        if not isinstance(callback, keras.callbacks.Callback):
            raise InputError(
                "Keras callbacks",
                f"{type(callback).__name__}: {callback!r}"[:200],
                "keras.callbacks.LambdaCallback(on_epoch_end=function) makes one of a function.",
            )
        if isinstance(callback, keras.callbacks.SwapEMAWeights):
            raise InputError(
                "callbacks that need no moving average of the weights",
                "SwapEMAWeights",
                "No optimizer of a phase keeps one: Phase(patience=...) keeps the best weights.",
            )
        if isinstance(callback, keras.callbacks.BackupAndRestore) and any(Path(callback.backup_dir).glob("*")):
            raise InputError(
                "an empty backup folder for BackupAndRestore, which does not know the phases of a plan",
                f"files in {callback.backup_dir}",
                "Empty it; fit(..., resume=folder) keeps checkpoints that a training goes on from.",
            )
    return callbacks


def check_training(
    network: Network,
    dataset: Dataset,
    plan: Plan,
    augment: Augmenter | None,
    mix: Mixer | None,
    callbacks: tuple[keras.callbacks.Callback, ...],
) -> None:
    """Refuses a training that could not run to the end of its plan.

    Raises:
        DataError: The dataset has no training pictures, no labels or other classes.
        InputError: A phase names layers that are not there, or needs what the head or the dataset does not have.
    """
    if tf.distribute.has_strategy() or type(network.model.distribute_strategy) is not type(
        tf.distribute.get_strategy()
    ):
        raise InputError(
            "a network made and trained outside of tf.distribute strategies",
            type(network.model.distribute_strategy).__name__,
            "Leave its scope: fit trains on one device.",
        )
    check_dataset(network, dataset)
    _check_truth(network, dataset)
    check_views(network, augment, mix)
    if not any(phase.epochs for phase in plan.phases):
        raise InputError("a plan with at least one epoch", f"epochs=0 in {_names(plan)}", "Give a phase some epochs.")
    if all(phase.earned for phase in plan.phases) and not len(dataset.validation):
        raise InputError(
            "validation pictures for a plan whose every phase has to earn its place by them",
            "a dataset without any",
            "Split some off, or use earned=False.",
        )
    for phase in plan.phases:
        _check_phase(network, dataset, phase, mix, callbacks)
    require_finite_weights(network.model)


def _check_truth(network: Network, dataset: Dataset) -> None:
    for name, source in (("training", dataset.train), ("validation", dataset.validation)):
        if not len(source):
            continue
        if source.targets is None:
            raise DataError(f"labelled {name} pictures", "a source without labels", "Give the labels with it.")
        if not source.targets.placed:
            network.head.encode(source.targets.take(np.arange(1)), network.size)  # says what kind of truth it takes


def check_views(network: Network, augment: Augmenter | None, mix: Mixer | None) -> None:
    """Truth that has a place needs to know where pixels go; and crops have a size that the layers take."""
    target = network.head.target
    at_size(network.model, crop_size(augment) or network.size)
    if target.placed and augment is not None:
        require_views(augment)
    require_boxes_to_keep(augment, target.kind)
    if mix is not None:
        require_mixable(mix, target.kind)


def _check_phase(
    network: Network, dataset: Dataset, phase: Phase, mix: Mixer | None, callbacks: tuple[keras.callbacks.Callback, ...]
) -> None:
    where = f"phase {phase.name!r}"
    trained_layers(network, phase.train)
    if not phase.epochs:
        return
    if mix is not None and phase.solver != "steps":
        raise InputError(
            f"mix=None for {where}, which solves for one optimum",
            repr(mix),
            "Use solver='steps' to train on blended pictures.",
        )
    needs_validation = phase.patience is not None or phase.schedule == "plateau"
    if needs_validation and not len(dataset.validation):
        raise InputError(
            f"validation pictures for {where}, which watches the validation loss",
            "a dataset without any",
            "Split some off, or use patience=None and another schedule.",
        )
    if phase.compares and len(dataset.validation) and (unknown := _unknown_monitor(network, dataset, phase.monitor)):
        raise unknown_name(f"a score of the head to monitor in {where}", phase.monitor, unknown)
    setters = [type(callback).__name__ for callback in callbacks if isinstance(callback, RATE_CALLBACKS)]
    if setters and phase.moves_rate:
        raise InputError(
            f"schedule='constant' and warmup_epochs=0 in {where}, whose rate {setters[0]} sets",
            f"schedule={phase.schedule!r}, warmup_epochs={phase.warmup_epochs}",
            "Leave the rate to one of the two.",
        )
    scaled = keras.config.dtype_policy().name == "mixed_float16"
    if setters and scaled and phase.rate_decay < 1 and phase.train not in ("head", 0):
        raise InputError(
            f"rate_decay=1 in {where}, whose rate {setters[0]} sets",
            f"rate_decay={phase.rate_decay:g} under the dtype policy mixed_float16",
            "Keras's callbacks do not find several rates behind a loss scale: use mixed_bfloat16 or one rate.",
        )
    if phase.solver == "lbfgs":
        convex_loss(network.head)
    if phase.solver != "steps":
        with flags_kept(network.model):
            set_flags(network, phase)
            tail = halve(network.model, network.head).tail
        linear_layer(tail) if phase.solver == "lbfgs" else require_closed_form(tail, network.head, phase.name)


def _unknown_monitor(network: Network, dataset: Dataset, monitor: str) -> list[str]:
    """What the head does measure, where `monitor` is not among it; else nothing.

    Scores name themselves once they have seen pictures: the truth held against itself is enough.
    """
    names = measures(network.head)
    if monitor in names:
        return []
    truth = dataset.validation.targets
    score = network.head.score()
    score.add(truth, truth)  # type: ignore[arg-type]  # `_check_truth` has seen that there is some
    names += [name for name in score.result() if name not in names]
    return [] if monitor in names else names


def _names(plan: Plan) -> str:
    return ", ".join(repr(phase.name) for phase in plan.phases)
