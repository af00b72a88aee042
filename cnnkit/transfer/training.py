"""The phases of a plan, one after the other: what a training has done, what it goes back to, what it leaves behind."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import keras
import numpy as np

from cnnkit.data.dataset import Dataset
from cnnkit.data.kept_pictures import KeptPictures
from cnnkit.data.source import Source
from cnnkit.engines.forward import Forward
from cnnkit.heads.head import metrics_of
from cnnkit.transfer.callback_counters import packed
from cnnkit.transfer.checkpoint import Arrays, Checkpoints, State, pack, unpack
from cnnkit.transfer.data_parallel import GradientWork, steps_there
from cnnkit.transfer.epochs import Epochs, NotFiniteError, PhaseWeights
from cnnkit.transfer.features import Features
from cnnkit.transfer.feed import Feed
from cnnkit.transfer.freeze import FrozenCheck, frozen_variables, set_flags
from cnnkit.transfer.keras_callbacks import KerasCallbacks
from cnnkit.transfer.network import Network
from cnnkit.transfer.plan import Phase, Plan
from cnnkit.transfer.progress import Line, Meter
from cnnkit.transfer.rates import Rates
from cnnkit.transfer.resting import say_what_rests
from cnnkit.transfer.settings import Settings
from cnnkit.transfer.standing import is_better, standing_of
from cnnkit.transfer.steps import LocalSteps, Steps
from cnnkit.transfer.tail import Halves, Tail, halve
from cnnkit.workers import Workers


@dataclass(eq=False)
class Training:
    """What all phases of one `fit` share.

    Attributes:
        state: How far it has come, renewed after each epoch.
        arrays: What a checkpoint holds beside `state`, for the phase to go on with; empty at a start.
        team: Who computes the gradients of each step; None for this process.
    """

    network: Network
    dataset: Dataset
    settings: Settings
    features: Features
    callbacks: KerasCallbacks
    display: Line
    checkpoints: Checkpoints | None
    state: State
    arrays: Arrays = field(default_factory=dict)
    team: Workers | None = None
    training_pictures: KeptPictures = field(default_factory=KeptPictures)
    validation_pictures: KeptPictures = field(default_factory=KeptPictures)

    def run(self, plan: Plan) -> None:
        """Runs the phases from where `state` stands to the end of the plan, or until a callback ends it."""
        for index in range(self.state.phase, len(plan.phases)):
            if index != self.state.phase:
                self.state = replace(self.state, phase=index, epoch=0, best=None, waited=0, stopped=False)
                self.arrays = {}
            phase = plan.phases[index]
            if phase.earned and not len(self.dataset.validation):
                self.display.keep(f"{phase.name}: left out, no validation pictures say whether it helps")
            elif phase.epochs:
                self._run_phase(phase)
            if self.state.ended:
                break
        self.callbacks.end()

    def close(self) -> None:
        """Gives back what was opened, however the training ended."""
        self.features.close()
        self.callbacks.close()
        self.display.close()

    def _run_phase(self, phase: Phase) -> None:
        """Runs one phase to its end; however it ends, it leaves the weights that `PhaseWeights` describes."""
        trained = set_flags(self.network, phase)
        halves, of_crops = self._halves()
        rates = Rates(self.network, phase)
        head, tail, optimizer = self.network.head, of_crops.tail, rates.optimizer
        # XLA is off: it makes depthwise convolutions nine times slower on a processor.
        tail.compile(optimizer=optimizer, metrics=metrics_of(head) or None, jit_compile=False)
        optimizer = tail.optimizer  # under mixed_float16 with a loss scale around it
        optimizer.build(tail.trainable_variables)
        best: Arrays = {}
        if self.arrays:
            unpack("model", self.network.model.variables, self.arrays)
            unpack("optimizer", optimizer.variables, self.arrays)
            best = {name: array for name, array in self.arrays.items() if name.startswith("best/")}
        parameters = sum(math.prod(variable.shape) for variable in tail.trainable_variables)
        self._advance(trained_parameters={**self.state.trained_parameters, phase.name: parameters})
        training, validation, kept = self._feeds(phase, of_crops.prefix, halves.prefix)
        self.display.keep(
            f"{phase.name}: {parameters:,} of {self.network.model.count_params():,} parameters train "
            f"in {len(trained)} layers, rates "
            + ", ".join(f"{name} {rate:.2g}" for name, rate in rates.groups.items())
            + kept
            + (say_what_rests(halves.prefix, augmented=self.settings.augment is not None) if halves.prefix else "")
        )
        weights = PhaseWeights(_moving_variables(self.network.model), best)
        self.callbacks.begin_phase(optimizer, training.targets_at(np.array([0]), 0))
        epochs = Epochs(
            phase=phase,
            head=head,
            tail=tail,
            validation_tail=halves.tail,
            rates=rates,
            training=training,
            validation=validation,
            views=self._exact_views(phase),
            callbacks=self.callbacks,
            check=FrozenCheck(self.network.model),
            steps=self._steps(phase, tail, training),
            meter=Meter(phase.name, (phase.epochs - self.state.epoch) * len(training.source), self.display),
        )
        try:
            self._run_epochs(epochs, weights, optimizer)
        except NotFiniteError as failure:
            weights.restore()  # what the explanation is told from
            raise epochs.explained(failure) from None
        finally:
            weights.restore()

    def _run_epochs(self, epochs: Epochs, weights: PhaseWeights, optimizer: keras.optimizers.Optimizer) -> None:
        phase = epochs.phase
        if phase.compares and not self.state.epoch and (epochs.validation is not None or phase.revert):
            self._advance(best=standing_of(phase, epochs.validated()))
            weights.keep(best=True)
        while self.state.epoch < phase.epochs and not self.state.stopped:
            row = epochs.run(self.state)
            ended = self.callbacks.stop_training
            last = ended or self.state.epoch + 1 == phase.epochs
            if last and phase.mixing < 1:
                weights.mix(phase.mixing)
                row |= epochs.validated()
            improved = (last or not phase.judged_at_end) and self._is_better(phase, row)
            weights.keep(best=improved and phase.compares)
            waited = 0 if improved else self.state.waited + 1
            self._advance(
                epoch=self.state.epoch + 1,
                rows=[*self.state.rows, row],
                best=standing_of(phase, row) if improved else self.state.best,
                waited=waited,
                stopped=ended or (phase.patience is not None and waited >= phase.patience),
                ended=ended,
            )
            self._save(optimizer, weights.best)
            epochs.meter.keep(_row_text(row))
            if last and phase.judged_at_end and not improved:
                found = "clearly worse" if phase.revert else "not clearly better"
                self.display.keep(f"{phase.name}: validation is {found} than before it, whose weights return")

    def _is_better(self, phase: Phase, row: dict[str, Any]) -> bool:
        """Whether the weights as they are may be those that the phase ends with."""
        standing = standing_of(phase, row)
        if standing is None:
            return phase.revert  # nothing speaks against it
        return is_better(phase, standing, self.state.best, pictures=len(self.dataset.validation))

    def _advance(self, **changes: Any) -> None:
        self.state = replace(self.state, **changes)

    def _save(self, optimizer: keras.optimizers.Optimizer, best: Arrays) -> None:
        if self.checkpoints:
            counted, arrays = packed(self.callbacks.counters())
            arrays |= pack("model", self.network.model.variables) | pack("optimizer", optimizer.variables) | best
            self.checkpoints.save(replace(self.state, callbacks=counted), arrays)

    def _steps(self, phase: Phase, tail: Tail, training: Feed) -> Steps:
        """The steps of a phase, here or by workers."""
        if self.team is None or phase.solver != "steps":
            return LocalSteps(tail, training)
        return steps_there(self.team, GradientWork(self.network, phase, self.settings, training.source), tail, training)

    def _exact_views(self, phase: Phase) -> int:
        """Versions of each picture that an exact head sees."""
        return 1 if self.settings.augment is None else self.settings.views_in(phase) or 1

    @cached_property
    def _of_crops(self) -> keras.Model:
        """The network for the pictures that it trains on: crops may be smaller or larger than its own."""
        return self.settings.of_crops(self.network)

    def _halves(self) -> tuple[Halves, Halves]:
        """The network cut for pictures of its own size, and for those that it trains on."""
        model, head = self.network.model, self.network.head
        halves = halve(model, head)
        return halves, halves if self._of_crops is model else halve(self._of_crops, head)

    def _feeds(
        self, phase: Phase, prefix: keras.Model | None, of_validation: keras.Model | None
    ) -> tuple[Feed, Feed | None, str]:
        """Training and validation pictures as the tail gets them, and what the line says of kept features."""
        forward = self._forward(prefix) if prefix else None
        other = self._forward(of_validation) if of_validation and of_validation is not prefix else forward
        training = self._feed(self.dataset.train, forward, self.settings.views_in(phase), train=True)
        validation = (
            self._feed(self.dataset.validation, other, None, train=False) if len(self.dataset.validation) else None
        )
        if forward is None or other is None:
            return training, validation, ""
        epochs = range(len(self.state.rows), len(self.state.rows) + phase.epochs - self.state.epoch)
        if phase.solver != "steps":  # it sees every view, again and again
            epochs = range(2 * self._exact_views(phase))
        if self.team is not None:
            return training, validation, f"; each step by {self.team.count} workers"
        training, validation, kept = self.features.feeds([forward, other], training, validation, epochs)
        return training, validation, f"; {kept}"

    def _forward(self, prefix: keras.Model) -> Forward:
        return self.settings.forward(prefix, say=self.display.keep)

    def _feed(self, source: Source, forward: Forward | None, views: int | None, *, train: bool) -> Feed:
        decoded = self.training_pictures if train else self.validation_pictures
        return self.settings.feed(self.network, source, forward, views, train=train, decoded=decoded)


def _moving_variables(model: keras.Model) -> list[keras.Variable]:
    """All that training may change while the flags stand as they do."""
    frozen = {id(variable) for _, variable in frozen_variables(model)}
    return [variable for variable in model.variables if id(variable) not in frozen]


def _row_text(row: dict[str, Any]) -> str:
    shown = {name: value for name, value in row.items() if name not in ("phase", "epoch", "rate", "seconds")}
    rate = shown.pop("images_per_second")
    numbers = " ".join(f"{name} {value:{'.0e' if name == 'l2' else '.4f'}}" for name, value in shown.items())
    return f"{row['phase']} epoch {row['epoch']}: {numbers} ({row['seconds']:.1f} s, {rate:,.0f} images/s)"
