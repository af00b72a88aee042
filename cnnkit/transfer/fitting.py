"""Training: every phase of a plan, one after the other, with a live line, checkpoints and proofs."""

from __future__ import annotations

import hashlib
import math
import time
import zlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pandas as pd

from cnnkit.data.chain import Augmenter
from cnnkit.data.dataset import Dataset
from cnnkit.data.image_folder import dataset_of
from cnnkit.data.kept_pictures import KeptPictures
from cnnkit.data.mixing import Mixer
from cnnkit.data.source import Source
from cnnkit.errors import DataError, InputError, InterruptedTrainingError
from cnnkit.heads.head import Head
from cnnkit.transfer.cache_choice import FeatureCache, Keep
from cnnkit.transfer.checkpoint import Arrays, Checkpoints, State, pack, unpack
from cnnkit.transfer.engines import EngineName, Kind, Precision
from cnnkit.transfer.exact_head import refuse_other_losses, solve_head
from cnnkit.transfer.features import Features
from cnnkit.transfer.feed import Feed, MixedFeed
from cnnkit.transfer.forward import Forward
from cnnkit.transfer.freeze import FrozenCheck, set_flags
from cnnkit.transfer.network import Network, check_dataset, network_of
from cnnkit.transfer.plan import Phase, Plan
from cnnkit.transfer.progress import Line, Meter, line
from cnnkit.transfer.rates import Rates
from cnnkit.transfer.run import Run
from cnnkit.transfer.schedules import rate_factor
from cnnkit.transfer.score import Score
from cnnkit.transfer.tail import halve


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
    resume: str | Path | None = None,
    callbacks: Sequence[keras.callbacks.Callback] = (),
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
        mix: `MixUp` or `CutMix`, which blend the pictures of a training batch and their targets. Features of blended
            pictures cannot be kept, and with one sigmoid unit the training accuracy counts blended pictures as wrong.
        cache: Where features are kept, `"auto"`, `"none"`, `"memory"` or `"disk"`, or a `FeatureCache`, which also says
            in which folder, as which type and how many bytes at most.
        views: How many versions of each picture take turns from epoch to epoch behind a frozen prefix, cached or not;
            None makes a new one in each epoch, as is done where all layers train, and keeps no features of them.
        engine: What runs the frozen prefix, as in `predict`; cached or not, the trained weights are those of its
            numbers, so the default is the same on every machine.
        precision: Of the frozen prefix, as in `predict`.
        batch_size: Pictures a training step.
        seed: Of order, augmentation and dropout.
        resume: A folder for checkpoints, one an epoch. When it already holds one of this very training, `fit` goes
            on from there, and the final weights are those of an uninterrupted run, bit for bit on one machine. The
            last checkpoint stays, so that nothing is lost before the network is saved; delete the folder then.
        callbacks: Keras callbacks. Their `model` is the part that trains, with the network's own layers; they
            begin and end with each phase.
        progress: Whether to show the live line.

    Returns:
        The record, with `history` as a table.

    Raises:
        DataError: The dataset has no training pictures, no labels or other classes.
        InputError: What is given is no network, dataset or plan, or a phase asks for what they do not have.
        MissingExtraError: The engine is not installed.
        CheckpointError: A checkpoint cannot be written.
        FrozenWeightsMovedError: A training step changed something frozen.
        InterruptedTrainingError: Ctrl-C; the message says what was kept.
    """
    network, dataset = network_of(network), dataset_of(dataset, seed=seed)
    if not isinstance(plan, Plan):
        raise InputError(
            "a plan", f"{type(plan).__name__}: {plan!r}"[:200], "ck.Plan([phase]) or ck.plans.probe() is one."
        )
    _check(network, dataset, plan, mix)
    if views is not None and views < 1:
        raise InputError("at least 1 view, or None", str(views), "8 views cost as much as 8 epochs without a cache.")
    if batch_size < 1:
        raise InputError("a batch_size of at least 1", str(batch_size), "32 is usual.")
    cache = cache if isinstance(cache, FeatureCache) else FeatureCache(cache)
    # A source remembers its fingerprint; a new one looks at the pictures as they are now.
    dataset = replace(dataset, train=replace(dataset.train), validation=replace(dataset.validation))
    identity: dict[str, Any] = {
        "plan": plan.settings(),
        "seed": seed,
        "batch size": batch_size,
        "augmentation": repr(augment),
        "mixing": repr(mix),
        "number of views": None if augment is None else views,
        "feature type": cache.dtype,
        "engine": f"{engine} {precision}",
        "framing": asdict(network.framing),
        "data": _fingerprint(dataset),
        "network": hashlib.sha256(network.model.to_json().encode()).hexdigest(),
    }
    checkpoints = Checkpoints(resume) if resume is not None else None
    found = checkpoints.latest(identity) if checkpoints else None
    display = line(progress)
    training = _Training(
        network=network,
        dataset=dataset,
        augment=augment,
        mix=mix,
        views=views,
        features=Features(cache, display),
        engine=engine,
        precision=precision,
        batch_size=batch_size,
        seed=seed,
        callbacks=tuple(callbacks),
        display=display,
        checkpoints=checkpoints,
    )
    if found is None:
        _seed_random_layers(network.model, seed)
        state, arrays = State(identity=identity), Arrays()
    else:
        state, arrays = found
        training.display.keep(f"resumed after {len(state.rows)} epochs from {resume}")
    try:
        for index in range(state.phase, len(plan.phases)):
            if index != state.phase:
                state, arrays = replace(state, phase=index, epoch=0, best=None, waited=0, stopped=False), {}
            state = training.run_phase(plan.phases[index], state, arrays)
    except KeyboardInterrupt as error:
        kept = checkpoints.folder if checkpoints and any(checkpoints.folder.glob("checkpoint-*")) else None
        raise InterruptedTrainingError(
            "training to run to its end",
            "Ctrl-C",
            f"The last checkpoint is kept in {kept}: the same call goes on from there."
            if kept
            else "Nothing was kept: fit(..., resume=folder) writes a checkpoint each epoch.",
        ) from error
    finally:
        training.features.close()
        display.close()
    return Run(
        plan=plan,
        history=pd.DataFrame(state.rows),
        seed=seed,
        data_fingerprint=identity["data"],
        trained_parameters=state.trained_parameters,
    )


@dataclass(frozen=True, eq=False)
class _Training:
    """What all phases of one `fit` share."""

    network: Network
    dataset: Dataset
    augment: Augmenter | None
    mix: Mixer | None
    views: int | None
    features: Features
    engine: EngineName
    precision: Precision
    batch_size: int
    seed: int
    callbacks: tuple[keras.callbacks.Callback, ...]
    display: Line
    checkpoints: Checkpoints | None
    training_pictures: KeptPictures = field(default_factory=KeptPictures)
    validation_pictures: KeptPictures = field(default_factory=KeptPictures)

    @property
    def view_count(self) -> int:
        """Versions of each picture that the exact head sees."""
        return 1 if self.augment is None else self.views or 1

    def run_phase(self, phase: Phase, state: State, arrays: Arrays) -> State:
        """Runs one phase from where `state` and `arrays` stand to its end."""
        trained = set_flags(self.network, phase)
        halves = halve(self.network.model)
        rates = Rates(self.network, phase)
        head = self.network.head
        tail = halves.tail
        # XLA is off: it makes depthwise convolutions nine times slower on a processor.
        tail.compile(optimizer=rates.optimizer, loss=head.loss(), metrics=head.metrics(), jit_compile=False)
        rates.optimizer.build(tail.trainable_variables)
        best: Arrays = {}
        if arrays:
            unpack("model", self.network.model.variables, arrays)
            unpack("optimizer", rates.optimizer.variables, arrays)
            best = {name: array for name, array in arrays.items() if name.startswith("best/")}
        parameters = sum(math.prod(variable.shape) for variable in tail.trainable_variables)
        state = replace(state, trained_parameters={**state.trained_parameters, phase.name: parameters})
        forward = self._forward(halves.prefix) if halves.prefix else None
        training = self._feed(self.dataset.train, forward, train=True)
        validation = self._feed(self.dataset.validation, forward, train=False) if len(self.dataset.validation) else None
        said = (
            f"{phase.name}: {parameters:,} of {self.network.model.count_params():,} parameters train "
            f"in {len(trained)} layers, rates " + ", ".join(f"{name} {rate:.2g}" for name, rate in rates.groups.items())
        )
        if forward:
            epochs = range(len(state.rows), len(state.rows) + phase.epochs - state.epoch)
            if phase.solver == "lbfgs":  # it sees every view, again and again
                epochs = range(2 * self.view_count)
            training, validation, kept = self.features.feeds(forward, training, validation, epochs)
            said = f"{said}; {kept}"
        self.display.keep(said)
        if phase.patience is not None and validation is not None and not state.epoch:
            before = _validate(self.network.head, tail, validation)
            state = replace(state, best=_standing(phase, before))
            best = pack("best", self.network.model.variables)
        check = FrozenCheck(self.network.model)
        callbacks = keras.callbacks.CallbackList(list(self.callbacks), model=tail)
        callbacks.on_train_begin()
        tail.stop_training = False
        meter = Meter(phase.name, (phase.epochs - state.epoch) * len(training.source), self.display)
        while state.epoch < phase.epochs and not state.stopped:
            if phase.solver == "lbfgs" and validation is not None:
                row = self._solve(phase, tail, training, validation, callbacks, check)
            else:
                row = self._run_epoch(phase, state, tail, rates, training, validation, callbacks, check, meter)
            state, improved = _advance(phase, state, row)
            if phase.patience is not None and improved:
                best = pack("best", self.network.model.variables)
            state = replace(state, stopped=state.stopped or bool(tail.stop_training))
            self._save(state, rates.optimizer, best)
            meter.keep(_row_text(row))
        callbacks.on_train_end()
        if best:
            unpack("best", self.network.model.variables, best)
        return state

    def _run_epoch(
        self,
        phase: Phase,
        state: State,
        tail: keras.Model,
        rates: Rates,
        training: Feed,
        validation: Feed | None,
        callbacks: keras.callbacks.CallbackList,
        check: FrozenCheck,
        meter: Meter,
    ) -> dict[str, Any]:
        """One pass over the training pictures and one over the validation pictures; the row of the history."""
        started = time.perf_counter()
        losses = [row["val_loss"] for row in state.rows if row["phase"] == phase.name and "val_loss" in row]
        moving_rate = phase.schedule != "constant" or phase.warmup_epochs
        callbacks.on_epoch_begin(state.epoch)
        totals: Counter[str] = Counter()
        for step, batch in enumerate(training.epoch(len(state.rows))):
            if moving_rate:  # else the rate is left to callbacks
                rates.scale(rate_factor(phase, state.epoch + step / len(training), losses))
            callbacks.on_train_batch_begin(step)
            # Keras resets its metrics at each call: these are of this batch alone.
            values = tail.train_on_batch(batch.inputs, batch.targets, sample_weight=batch.weights, return_dict=True)
            totals.update({name: float(value) * len(batch) for name, value in values.items()})
            callbacks.on_train_batch_end(step, values)
            check.verify_once()
            meter.advance(len(batch), f"loss {values['loss']:.3f}")
        trained_seconds = time.perf_counter() - started
        logs = {name: totals[name] / len(training.source) for name in ("loss", *sorted(totals.keys() - {"loss"}))}
        _require_finite(phase, logs["loss"])
        if validation is not None:
            logs |= _validate(self.network.head, tail, validation)
        callbacks.on_epoch_end(state.epoch, logs)
        return {
            "phase": phase.name,
            "epoch": state.epoch + 1,
            **logs,
            "rate": rates.head,
            "seconds": time.perf_counter() - started,
            "images_per_second": len(training.source) / trained_seconds,
        }

    def _solve(
        self,
        phase: Phase,
        tail: keras.Model,
        training: Feed,
        validation: Feed,
        callbacks: keras.callbacks.CallbackList,
        check: FrozenCheck,
    ) -> dict[str, Any]:
        """The optimum of a linear head; the row of the history."""
        started = time.perf_counter()
        callbacks.on_epoch_begin(0)
        views = self.view_count
        logs = solve_head(tail, self.network.head, training, validation, views)
        check.verify()
        callbacks.on_epoch_end(0, logs)
        seconds = time.perf_counter() - started
        return {
            "phase": phase.name,
            "epoch": 1,
            **logs,
            "rate": 0.0,
            "seconds": seconds,
            "images_per_second": views * len(training.source) / seconds,
        }

    def _forward(self, prefix: keras.Model) -> Forward:
        changed = self.augment is not None or self.mix is not None  # views and blends are float
        kind: Kind = "float32" if changed else "uint8"
        return Forward(prefix, engine=self.engine, precision=self.precision, kind=kind, say=self.display.keep)

    def _feed(self, source: Source, forward: Forward | None, *, train: bool) -> Feed:
        feed = Feed(
            source=source,
            head=self.network.head,
            framing=self.network.framing,
            size=self.network.size,
            batch_size=self.batch_size,
            forward=forward,
            shuffle=train,
            augment=self.augment if train else None,
            views=self.views,
            seed=self.seed,
            counts=self.dataset.train.counts() if train else None,
            decoded=self.training_pictures if train else self.validation_pictures,
        )
        return MixedFeed(**vars(feed), mix=self.mix) if train and self.mix is not None else feed

    def _save(self, state: State, optimizer: keras.optimizers.Optimizer, best: Arrays) -> None:
        if self.checkpoints:
            arrays = pack("model", self.network.model.variables) | pack("optimizer", optimizer.variables) | best
            self.checkpoints.save(state, arrays)


def _advance(phase: Phase, state: State, row: dict[str, Any]) -> tuple[State, bool]:
    """The progress after an epoch, and whether its validation is the best of the phase so far."""
    standing = _standing(phase, row)
    improved = standing is not None and (state.best is None or standing < state.best)
    waited = 0 if improved else state.waited + 1
    after = replace(
        state,
        epoch=state.epoch + 1,
        rows=[*state.rows, row],
        best=standing if improved else state.best,
        waited=waited,
        stopped=phase.patience is not None and waited >= phase.patience,
    )
    return after, improved


def _standing(phase: Phase, row: Mapping[str, Any]) -> list[float] | None:
    """What two validations of a phase are compared by, the lower the better; None without validation."""
    if "val_loss" not in row:
        return None
    return [row["val_loss"]] if phase.monitor == "loss" else [-row["val_accuracy"], row["val_loss"]]


def _validate(head: Head, tail: keras.Model, validation: Feed) -> dict[str, float]:
    score = Score(head)
    for batch in validation.epoch(0):
        score.add(batch.targets, tail.predict_on_batch(batch.inputs))
    return {f"val_{name}": value for name, value in score.result().items()}


def _check(network: Network, dataset: Dataset, plan: Plan, mix: Mixer | None) -> None:
    """Refuses what cannot be trained before anything is computed or written."""
    check_dataset(network, dataset)
    for phase in plan.phases:
        if phase.solver == "lbfgs":
            refuse_other_losses(network.head)
        if mix is not None and phase.solver == "lbfgs":
            raise InputError(
                f"mix=None for phase {phase.name!r}, which solves for one optimum",
                repr(mix),
                "Use solver='steps' to train on blended pictures.",
            )
        needs_validation = phase.patience is not None or phase.schedule == "plateau" or phase.solver == "lbfgs"
        if needs_validation and not len(dataset.validation):
            raise InputError(
                f"validation pictures for phase {phase.name!r}, which watches the validation loss",
                "a dataset without any",
                "Split some off, or use patience=None, another schedule and solver='steps'.",
            )


def _fingerprint(dataset: Dataset) -> str:
    parts = dataset.train.fingerprint + dataset.validation.fingerprint
    return hashlib.sha256(parts.encode()).hexdigest()


def _seed_random_layers(model: keras.Model, seed: int) -> None:
    """Gives every layer with a random state (dropout, stochastic depth) one that depends on seed and name alone."""
    for layer in model.layers:
        for variable in layer.variables:
            if variable.path.endswith("seed_generator_state"):
                variable.assign(np.array([zlib.crc32(f"{seed} {layer.name}".encode()), 0]))


def _require_finite(phase: Phase, loss: float) -> None:
    if not math.isfinite(loss):
        raise DataError(
            f"a finite loss in phase {phase.name!r}",
            str(loss),
            f"The rate {phase.rate:g} is too large: try rate={phase.rate / 10:g}, or clip_norm=1.",
        )


def _row_text(row: dict[str, Any]) -> str:
    shown = {name: value for name, value in row.items() if name not in ("phase", "epoch", "rate", "seconds")}
    rate = shown.pop("images_per_second")
    numbers = " ".join(f"{name} {value:{'.0e' if name == 'l2' else '.4f'}}" for name, value in shown.items())
    return f"{row['phase']} epoch {row['epoch']}: {numbers} ({row['seconds']:.1f} s, {rate:,.0f} images/s)"
