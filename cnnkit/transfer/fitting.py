"""Training: every phase of a plan, one after the other, with a live line, checkpoints and proofs."""

from __future__ import annotations

import hashlib
import json
import zlib
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, Literal

import keras
import numpy as np
import pandas as pd

from cnnkit.arguments import check_arguments
from cnnkit.data.any_folder import dataset_of
from cnnkit.data.dataset import Dataset
from cnnkit.data.views.identity import identity_of
from cnnkit.data.views.mixing import Mixer
from cnnkit.data.views.view import Augmenter
from cnnkit.engines.runtimes import EngineName, Precision, Runtime
from cnnkit.errors import InterruptedTrainingError
from cnnkit.transfer.cache_choice import FeatureCache, Keep
from cnnkit.transfer.callback_counters import require_keepable, unpacked
from cnnkit.transfer.checkpoint import Arrays, Checkpoints, State
from cnnkit.transfer.data_parallel import require_divisible
from cnnkit.transfer.features import Features
from cnnkit.transfer.fit_checks import ARGUMENTS, callbacks_of, check_training
from cnnkit.transfer.freeze import leaves
from cnnkit.transfer.keras_callbacks import KerasCallbacks
from cnnkit.transfer.network import Network, network_of
from cnnkit.transfer.plan import Plan
from cnnkit.transfer.prefix import portable_config
from cnnkit.transfer.progress import line
from cnnkit.transfer.run import Run
from cnnkit.transfer.run import from_settings as run_from_settings
from cnnkit.transfer.settings import Settings
from cnnkit.transfer.training import Training
from cnnkit.workers import Workers, workers_of


def fit(
    network: Network,
    dataset: Dataset | str | Path,
    plan: Plan,
    *,
    augment: Augmenter | None = None,
    mix: Mixer | None = None,
    cache: FeatureCache | Keep = "auto",
    views: int | None = 8,
    engine: EngineName = "tensorflow",
    precision: Precision = "float32",
    batch_size: int = 32,
    seed: int = 0,
    workers: Workers | str | None = None,
    distribute: Literal["data"] | None = None,
    resume: str | Path | None = None,
    callbacks: keras.callbacks.Callback | Sequence[keras.callbacks.Callback] | None = (),
    progress: bool = True,
) -> Run:
    """Trains a network in place.

    Before each phase the flags are set and the part that trains is compiled; a line says how much trains. The
    frozen prefix runs in inference mode (no dropout, no statistics) and only the tail behind it is trained; both
    share the network's layers. After the first step of a phase every frozen array is compared with what it was.
    Pictures are decoded as they are needed, and once while they fit into a quarter of the free memory each for training
    and validation: beyond that, memory does not grow with their number.

    The features behind a frozen prefix are the same in each epoch, so by default they are computed once and kept,
    those of validation too, for the next run as well. The trained weights are those of `cache="none"`.

    One `seed` fixes order, augmentation and dropout, whatever the number of threads.

    Args:
        network: From `attach`; its weights change.
        dataset: Training and, if not empty, validation pictures, with the classes of the network; a path is
            `ck.data.folder(path, seed=seed)`.
        plan: What trains when.
        augment: Random versions of the training pictures.
        mix: `MixUp` or `CutMix`, which blend the pictures of a training batch and their targets, or of boxes `Mosaic`.
            Features of blended pictures cannot be kept, and with one sigmoid unit the training accuracy counts blended
            pictures as wrong.
        cache: Where features are kept, `"auto"`, `"none"`, `"memory"` or `"disk"`, or a `FeatureCache`, which also says
            in which folder, as which type and how many bytes at most.
        views: How many versions of each picture take turns from epoch to epoch behind a frozen prefix, cached or not,
            the first of them the picture as it is; None makes a new one in each epoch, as is done where all layers
            train, and keeps no features of them.
        engine: What runs the frozen prefix, as in `predict`; cached or not, the trained weights are those of its
            numbers, so the default is the same on every machine.
        precision: Of the frozen prefix, as in `predict`.
        batch_size: Pictures a training step.
        seed: Of order, augmentation and dropout.
        workers: Who computes the features that are kept: None for this process, or a cluster, `"auto"`,
            `"ray://host:10001"` or `ck.distributed.cluster(address)`, of the extra `cnnkit[ray]`. The tail is trained
            here, and the weights are the same. Where workers see the same folders as this process they read pictures
            and write features there.
        distribute: `"data"` for steps by the workers: each computes the gradient of a part of every batch, reading the
            pictures and running the frozen layers itself, and this process applies their mean. No features are kept,
            so it pays where most layers train. The final weights are those of one machine but for rounding, and for
            what dropout draws, which depends on the number of workers. A worker that dies is replaced in the middle of
            an epoch; with `resume` so is this process.
        resume: A folder for checkpoints, one an epoch. When it already holds one of this very training, `fit` goes
            on from there, and the final weights are those of an uninterrupted run, bit for bit on one machine. The
            last checkpoint stays, so that nothing is lost before the network is saved; delete the folder then.
        callbacks: Keras callbacks, which see one training: it begins and ends once, epochs are counted from 0 over
            all phases, and `model` is the whole network with the optimizer of the phase that runs. `stop_training`
            ends the training, later phases with it; `Phase.patience` ends a phase. Where a phase has a schedule or a
            warm-up, callbacks cannot set its rate; with `rate_decay` they set that of each group. With `resume` what
            they count goes on too, as far as it lies in attributes that are numbers, texts, arrays, lists or
            dictionaries of them.
        progress: Whether to show the live line.

    Returns:
        The record of this call, with `history` as a table. `network.run` is that of every `fit` of the network.

    Raises:
        DataError: The dataset has no training pictures, no labels or other classes; or a loss or weights became NaN or
            infinite, and the network has its last finite weights again: of the best epoch of a phase with `patience`,
            else of the epoch before.
        InputError: An argument is of the wrong type, or a phase asks for what network, dataset or head do not have:
            said before anything is trained.
        MissingExtraError: The engine is not installed.
        CheckpointError: A checkpoint cannot be written.
        FrozenWeightsMovedError: A training step changed something frozen.
        InterruptedTrainingError: Ctrl-C: the network has the weights of the last whole epoch, or the best.
    """
    check_arguments(ARGUMENTS, locals())  # which are the arguments, up to here
    network, dataset = network_of(network), dataset_of(dataset, seed=int(seed))
    given = callbacks_of(callbacks)
    cache = cache if isinstance(cache, FeatureCache) else FeatureCache(cache)
    settings = Settings(
        augment=augment,
        mix=mix,
        views=None if views is None else int(views),
        runtime=Runtime(engine, precision),
        batch_size=int(batch_size),
        seed=int(seed),
    )
    check_training(network, dataset, plan, augment, mix, given)
    crew = workers_of(workers)
    if distribute is not None:
        require_divisible(network, dataset.train, plan, settings, crew)
    # A source remembers its fingerprint; a new one looks at the pictures as they are now.
    dataset = replace(dataset, train=replace(dataset.train), validation=replace(dataset.validation))
    identity = _identity(network, dataset, plan, settings, cache, resumable=resume is not None)
    checkpoints, state, arrays = None, State(identity=identity, before=_before(network)), Arrays()
    if resume is not None:
        require_keepable(given)
        checkpoints = Checkpoints(Path(resume).expanduser())
        state, arrays = checkpoints.latest(identity) or (state, arrays)
    display = line(progress)
    training = Training(
        network=network,
        dataset=dataset,
        settings=settings,
        features=Features(cache, display, crew),
        team=crew if distribute else None,
        callbacks=KerasCallbacks(
            given,
            network,
            epochs=sum(phase.epochs for phase in plan.phases),
            steps=-(-len(dataset.train) // settings.batch_size),
            verbose=int(progress),
            kept=unpacked(state.callbacks, arrays),
        ),
        display=display,
        checkpoints=checkpoints,
        state=state,
        arrays=arrays,
    )
    if state.rows:
        display.keep(f"resumed after {len(state.rows)} epochs from {resume}")
    else:
        seed_random_layers(network.model, settings.seed)
    try:
        training.run(plan)
    except KeyboardInterrupt as error:
        raise _interrupted(checkpoints) from error
    finally:
        training.close()
        run = _record(training, plan)
    return run


def _identity(
    network: Network, dataset: Dataset, plan: Plan, settings: Settings, cache: FeatureCache, *, resumable: bool
) -> dict[str, Any]:
    """All that the numbers of a training depend on, as JSON values: a checkpoint of another one is not gone on from."""
    augment, mix = settings.augment, settings.mix
    return {
        "plan": plan.settings(),
        "seed": settings.seed,
        "batch size": settings.batch_size,
        "augmentation": identity_of(augment) if resumable else repr(augment),
        "mixing": identity_of(mix) if resumable else repr(mix),
        "number of views": None if augment is None else settings.views,
        "feature type": cache.dtype,
        "engine": str(settings.runtime),
        "framing": asdict(network.framing),
        "data": _fingerprint(dataset),
        "network": architecture_hash(network.model),
    }


def _before(network: Network) -> dict[str, Any] | None:
    """The network's run so far as JSON values."""
    run = network.run
    return None if run is None else {"run": run.settings(), "rows": run.history.to_dict("records")}


def _record(training: Training, plan: Plan) -> Run:
    """The run of this training. That of the network is it, behind what was before, also where a checkpoint knows it."""
    state = training.state
    run = Run(
        plan=plan,
        history=pd.DataFrame(state.rows),
        seed=training.settings.seed,
        data_fingerprint=state.identity["data"],
        trained_parameters=state.trained_parameters,
    )
    if state.rows:
        before = state.before
        earlier = None if before is None else run_from_settings(before["run"], pd.DataFrame(before["rows"]))
        training.network.record(run if earlier is None else earlier.followed_by(run))
    return run


def _interrupted(checkpoints: Checkpoints | None) -> InterruptedTrainingError:
    kept = checkpoints.folder if checkpoints and any(checkpoints.folder.glob("checkpoint-*")) else None
    return InterruptedTrainingError(
        "training to run to its end",
        "Ctrl-C",
        f"The last checkpoint is kept in {kept}: the same call goes on from there."
        if kept
        else "The network is as after its last whole epoch; fit(..., resume=folder) writes a checkpoint each epoch.",
    )


def architecture_hash(model: keras.Model) -> str:
    """Of the layers and their settings, but for what is changed later: flags, and how it was compiled."""
    config, _ = portable_config(json.loads(model.to_json()))
    config.pop("compile_config", None)
    return hashlib.sha256(json.dumps(config, sort_keys=True).encode()).hexdigest()


def _fingerprint(dataset: Dataset) -> str:
    parts = dataset.train.fingerprint + dataset.validation.fingerprint
    return hashlib.sha256(parts.encode()).hexdigest()


def seed_random_layers(model: keras.Model, seed: int) -> None:
    """Gives every layer with a random state (dropout, stochastic depth) one that depends on seed and name alone."""
    for chain, layer in leaves(model):
        name = "/".join((*chain, layer.name))  # layers in two inner models may share a name
        for variable in layer.variables:
            if variable.path.endswith("seed_generator_state"):
                variable.assign(np.array([zlib.crc32(f"{seed} {name}".encode()), 0]))
