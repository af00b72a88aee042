"""One training as Keras callbacks see it.

They begin and end once, epochs are counted over all phases, and their `model` is the whole network with the optimizer
of the phase that runs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import keras
import numpy as np

from cnnkit.heads.head import Arrays, MeasuredHead, metrics_of
from cnnkit.transfer.callback_counters import Counters, counters, restore
from cnnkit.transfer.network import Network


@dataclass(eq=False)
class KerasCallbacks:
    """The callbacks of one `fit`. Without any, every method returns at once.

    Args:
        callbacks: They begin with the first phase.
        network: What trains.
        epochs: Of all phases together.
        steps: Of one epoch.
        verbose: What `ProgbarLogger` obeys, 0 or 1.
        kept: Counters of an interrupted training that goes on, as `counters` gave them.
    """

    callbacks: Sequence[keras.callbacks.Callback]
    network: Network
    epochs: int
    steps: int
    verbose: int = 0
    kept: Counters = field(default_factory=dict)
    _model: keras.Model | None = None
    _hooks: keras.callbacks.CallbackList | None = None
    _at_begin: Counters = field(default_factory=dict)
    _last_logs: dict[str, float] = field(default_factory=dict)

    def __bool__(self) -> bool:
        """Whether there are any."""
        return bool(self.callbacks)

    @property
    def stop_training(self) -> bool:
        """Whether one of them has ended the training."""
        return self._model is not None and bool(self._model.stop_training)

    def begin_phase(self, optimizer: keras.optimizers.Optimizer, targets: Arrays) -> None:
        """Gives the model the optimizer of a phase; before the first one, begins the training.

        Args:
            optimizer: Of the phase.
            targets: Of any one picture, as the head encodes them.
        """
        if not self:
            return
        network, head = self.network, self.network.head
        if self._model is None:
            # A model of its own over the same layers: the network itself is never compiled.
            self._model = keras.Model(network.model.input, network.model.output, name=network.model.name)
        measured = isinstance(head, MeasuredHead)
        self._model.compile(
            optimizer=optimizer,
            loss=head.keras_loss() if isinstance(head, MeasuredHead) else None,
            metrics=metrics_of(head) or None,
            jit_compile=False,
        )
        self._model.get_compile_config = partial(_portable_compile_config, self._model, measured=measured)
        if measured:
            self._build_metrics(self._model, targets)
        if self._hooks is None:
            self._model.stop_training = False
            self._hooks = keras.callbacks.CallbackList(
                list(self.callbacks), model=self._model, epochs=self.epochs, steps=self.steps, verbose=self.verbose
            )
            self._begin(self._hooks)

    def close(self) -> None:
        """Closes what a training that failed has left open."""
        for log in self._csv_loggers():
            if log.csv_file is not None:
                log.csv_file.close()

    def _csv_loggers(self) -> list[keras.callbacks.CSVLogger]:
        return [callback for callback in self.callbacks if isinstance(callback, keras.callbacks.CSVLogger)]

    def _begin(self, hooks: keras.callbacks.CallbackList) -> None:
        if not self.kept:
            hooks.on_train_begin()
            self._at_begin = counters(self.callbacks)
            return
        logs = self._csv_loggers()
        append = [log.append for log in logs]
        for log in logs:  # its file holds the epochs before the interruption
            log.append = True
        hooks.on_train_begin()
        for log, before in zip(logs, append, strict=True):
            log.append = before
        self._at_begin = counters(self.callbacks)
        restore(self.callbacks, self.kept)

    def _build_metrics(self, model: keras.Model, targets: Arrays) -> None:
        """Metrics exist once they have seen a batch; `EarlyStopping("val_accuracy")` asks them which way is better."""
        outputs = np.zeros((1, *model.output_shape[1:]), np.float32)
        model.compute_metrics(None, targets, outputs)
        model.reset_metrics()

    def counters(self) -> Counters:
        """What they have counted since the training began, for a checkpoint."""
        now = counters(self.callbacks)
        return {
            name: {key: value for key, value in of_one.items() if value != self._at_begin.get(name, {}).get(key)}
            for name, of_one in now.items()
        }

    def begin_epoch(self, epoch: int) -> None:
        """`epoch` is counted from 0 over the whole run."""
        if self._hooks:
            self._hooks.on_epoch_begin(epoch)

    def end_epoch(self, epoch: int, logs: Mapping[str, float]) -> None:
        """`logs` holds loss and metrics of training and validation."""
        self._last_logs = dict(logs)
        if self._hooks:
            self._hooks.on_epoch_end(epoch, dict(logs))

    def begin_batch(self, step: int) -> None:
        """`step` is counted from 0 in each epoch."""
        if self._hooks:
            self._hooks.on_train_batch_begin(step)

    def end_batch(self, step: int, totals: Mapping[str, float], pictures: int) -> None:
        """`totals` over the `pictures` of the epoch so far: like Keras, callbacks see running means."""
        if self._hooks:
            self._hooks.on_train_batch_end(step, {name: total / pictures for name, total in totals.items()})

    def begin_validation(self) -> None:
        """Before the first batch of a validation."""
        if self._hooks:
            self._hooks.on_test_begin()

    def begin_validation_batch(self, step: int) -> None:
        """Before a batch of a validation."""
        if self._hooks:
            self._hooks.on_test_batch_begin(step)

    def end_validation_batch(self, step: int, logs: Mapping[str, float]) -> None:
        """`logs` of the pictures so far."""
        if self._hooks:
            self._hooks.on_test_batch_end(step, dict(logs))

    def end_validation(self, logs: Mapping[str, float]) -> None:
        """`logs` of all pictures, their names without `val_`."""
        if self._hooks:
            self._hooks.on_test_end(dict(logs))

    def end(self) -> None:
        """Ends the training, with the logs of its last epoch; one that failed has no end, as in Keras."""
        if self._hooks:
            self._hooks.on_train_end(self._last_logs)


def _portable_compile_config(model: keras.Model, *, measured: bool) -> dict[str, Any] | None:
    """How a model was compiled, for `ModelCheckpoint`.

    None for several rates, which Keras writes as Python code, and for a loss that is no loss of Keras.
    """
    optimizer = getattr(model.optimizer, "inner_optimizer", model.optimizer)
    if hasattr(optimizer, "optimizers") or not measured:
        return None
    config: dict[str, Any] | None = type(model).get_compile_config(model)
    return config
