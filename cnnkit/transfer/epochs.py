"""The epochs of one phase: steps of an optimizer or the exact solution, then validation. Each gives a row."""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from cnnkit.errors import DataError, InputError
from cnnkit.heads.head import Head, MeasuredHead, metrics_of
from cnnkit.transfer.checkpoint import Arrays, State, pack, unpack
from cnnkit.transfer.closed_form import solve_in_closed_form
from cnnkit.transfer.exact_head import solve_head
from cnnkit.transfer.feed import Batch, Feed
from cnnkit.transfer.finite import all_finite, overflow_remedy
from cnnkit.transfer.freeze import FrozenCheck
from cnnkit.transfer.keras_callbacks import KerasCallbacks
from cnnkit.transfer.plan import Phase
from cnnkit.transfer.progress import Meter
from cnnkit.transfer.rates import Rates
from cnnkit.transfer.schedules import rate_factor
from cnnkit.transfer.steps import Steps
from cnnkit.transfer.tail import Tail
from cnnkit.transfer.tally import Tally


class NotFiniteError(Exception):
    """A loss or a weight became NaN or infinite.

    Args:
        received: Which one, and when, in words.
        batch: Where it was seen.
    """

    def __init__(self, received: str, batch: Batch | None = None) -> None:
        super().__init__(received)
        self.received = received
        self.batch = batch


class PhaseWeights:
    """The weights that a phase leaves behind, however it ends: its best, else those of its last finished epoch.

    Args:
        variables: All that moves in the phase.
        best: Of a checkpoint, `best/0` and so on; empty where the phase keeps no best ones.
    """

    def __init__(self, variables: list[keras.Variable], best: Arrays) -> None:
        self._variables = variables
        self._last = pack("best", variables)
        self.best = best

    def keep(self, *, best: bool) -> None:
        """Takes the weights as they are.

        Args:
            best: Whether they are the best so far.

        Raises:
            NotFiniteError: They cannot be kept; those before them stay.
        """
        arrays = pack("best", self._variables)
        if not all_finite(arrays):
            raise NotFiniteError("NaN or infinity in the weights after its last step")
        self._last = arrays
        self.best = arrays if best else self.best

    def mix(self, part: float) -> None:
        """Moves the weights to where only a part of the way from the best to them is gone."""
        for index, variable in enumerate(self._variables):
            if variable.dtype.startswith("float"):  # not the state of a random generator
                before = self.best[f"best/{index}"]
                variable.assign(before + part * (np.asarray(variable) - before))

    def restore(self) -> None:
        """Puts the best back, or the last."""
        unpack("best", self._variables, self.best or self._last)


@dataclass(frozen=True, eq=False)
class Epochs:
    """One phase, ready to run.

    Attributes:
        phase: What trains and how.
        head: Of the network.
        tail: What trains, compiled.
        validation_tail: The same layers for pictures of the network's own size; `tail` where it trains on that too.
        rates: Of its optimizer.
        training: What it trains on.
        validation: What it is judged by, if anything.
        views: How many versions of each picture an exact head sees.
        callbacks: Of the whole training.
        check: Of what is frozen.
        steps: Of an optimizer.
        meter: The live line.
    """

    phase: Phase
    head: Head
    tail: Tail
    validation_tail: Tail
    rates: Rates
    training: Feed
    validation: Feed | None
    views: int
    callbacks: KerasCallbacks
    check: FrozenCheck
    steps: Steps
    meter: Meter

    def run(self, state: State) -> dict[str, Any]:
        """One epoch; the row of the history.

        Raises:
            NotFiniteError: The loss of training or validation.
            FrozenWeightsMovedError: A step changed something frozen.
        """
        number = len(state.rows)
        started = time.perf_counter()
        self._call(self.callbacks.begin_epoch, number)
        stepped = self.phase.solver == "steps"
        logs, pictures = self._steps(state) if stepped else self._solve()
        trained_seconds = time.perf_counter() - started
        rate = self.rates.head if stepped else 0.0  # before callbacks set that of the next epoch
        if self.phase.solver != "lbfgs":  # which chose by the validation pictures, and has their scores
            logs |= self.validated(self.callbacks)
        self._call(self.callbacks.end_epoch, number, logs)
        return {
            "phase": self.phase.name,
            "epoch": state.epoch + 1,
            **logs,
            "rate": rate,
            "seconds": time.perf_counter() - started,
            "images_per_second": pictures / trained_seconds,
        }

    def validated(self, callbacks: KerasCallbacks | None = None) -> dict[str, float]:
        """What validation says of the weights as they are, as `validate` does; nothing without pictures.

        Raises:
            NotFiniteError: The loss.
        """
        if self.validation is None:
            return {}
        return validate(self.head, self.validation_tail, self.validation, callbacks, monitor=self.phase.monitor)

    def _steps(self, state: State) -> tuple[dict[str, float], int]:
        """A pass over the training pictures, or up to where a callback ends it: mean loss and metrics, and pictures."""
        phase, callbacks = self.phase, self.callbacks
        losses = [row["val_loss"] for row in state.rows if row["phase"] == phase.name and "val_loss" in row]
        totals: Counter[str] = Counter()
        pictures = 0
        for number, step in enumerate(self.steps.epoch(len(state.rows))):
            if phase.moves_rate:  # else the rate is left to callbacks
                self.rates.scale(rate_factor(phase, state.epoch + number / len(self.training), losses))
            callbacks.begin_batch(number)
            values = step.train()
            totals.update({name: float(value) * len(step) for name, value in values.items()})
            pictures += len(step)
            callbacks.end_batch(number, totals, pictures)
            if not math.isfinite(values["loss"]):
                raise NotFiniteError(f"{values['loss']} in epoch {state.epoch + 1}", step.batch)
            self.check.verify_once()
            self.meter.advance(len(step), f"loss {values['loss']:.3f}")
            if callbacks.stop_training:
                break
        names = ("loss", *sorted(totals.keys() - {"loss"}))
        return {name: totals[name] / pictures for name in names}, pictures

    def _solve(self) -> tuple[dict[str, float], int]:
        """The head's optimum, or its closed form: loss and metrics, and pictures."""
        if self.phase.solver == "lbfgs":
            logs = solve_head(self.tail, self.head, self.training, self.validation, self.views)
        else:
            logs = solve_in_closed_form(self.tail, self.head, self.training, self.views)
        self.check.verify()
        return logs, self.views * len(self.training.source)

    def _call(self, hook: Callable[..., None], *values: Any) -> None:
        """A hook that may set the rate, where the phase does not set it before each step."""
        before = self.rates.head if self.callbacks and self.phase.moves_rate else None
        hook(*values)
        if before is not None and self.rates.head != before:
            raise InputError(
                f"schedule='constant' and warmup_epochs=0 in phase {self.phase.name!r}, whose rate a callback sets",
                f"schedule={self.phase.schedule!r}, warmup_epochs={self.phase.warmup_epochs}",
                "Leave the rate to one of the two.",
            )

    def explained(self, failure: NotFiniteError) -> DataError:
        """Why a loss was not finite, told from the weights before it, which are back in their place."""
        expected = f"a finite loss in phase {self.phase.name!r}"
        rate = self.phase.rate
        remedy = f"The rate {rate:g} is too large: try rate={rate / 10:g}, or clip_norm=1."
        if failure.batch is not None:
            outputs = self.tail.predict_on_batch(failure.batch.inputs)
            if not all_finite([np.asarray(output) for output in keras.tree.flatten(outputs)]):
                remedy = f"The outputs are not finite before the step either. {overflow_remedy(self.tail)}"
            elif not all_finite([np.asarray(self.head.loss(failure.batch.targets, outputs))]):
                remedy = "The loss of the head is not finite for finite outputs: mend its loss()."
        return DataError(expected, failure.received, f"{remedy} The network has its last finite weights again.")


def validate(
    head: Head, tail: Tail, validation: Feed, callbacks: KerasCallbacks | None = None, *, monitor: str = "loss"
) -> dict[str, float]:
    """Loss, measures and scores of the validation pictures, their names with `val_` before them.

    Scores are counted where the head has no cheap measures, or where `monitor` is one of them.

    Raises:
        NotFiniteError: The loss.
    """
    tally, batch = Tally(head), None
    score = head.score() if scores_each_epoch(head, monitor) else None
    if callbacks:
        callbacks.begin_validation()
    for step, batch in enumerate(validation.epoch(0)):
        if callbacks:
            callbacks.begin_validation_batch(step)
        outputs = tail.predict_on_batch(batch.inputs)
        tally.add(batch.targets, outputs)
        if score is not None:
            score.add(validation.truth_at(batch.indices, 0), head.decode(outputs, validation.size))
        if callbacks:
            callbacks.end_validation_batch(step, tally.result())
    values = tally.result()
    if score is not None:
        values = score.result() | values
    if callbacks:
        callbacks.end_validation(values)
    if not math.isfinite(values["loss"]):
        raise NotFiniteError(f"{values['loss']} for the validation pictures", batch)
    return {f"val_{name}": value for name, value in values.items()}


def measures(head: Head) -> list[str]:
    """What every step and every validation gives: the loss and the head's cheap measures."""
    return ["loss", *(metric.name for metric in metrics_of(head))]


def scores_each_epoch(head: Head, monitor: str) -> bool:
    """Whether a validation counts the head's scores too."""
    return not isinstance(head, MeasuredHead) or monitor not in measures(head)
