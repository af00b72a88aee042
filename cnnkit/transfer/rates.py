"""Learning rates: one for each group of layers, set before every step."""

from __future__ import annotations

from collections.abc import Callable

import keras

from cnnkit.transfer.network import Network
from cnnkit.transfer.plan import Phase

OPTIMIZERS: dict[str, Callable[..., keras.optimizers.Optimizer]] = {
    "adam": keras.optimizers.Adam,
    "adamw": keras.optimizers.AdamW,
    "rmsprop": keras.optimizers.RMSprop,
    "sgd": keras.optimizers.SGD,
}


def group_rates(network: Network, phase: Phase) -> dict[str, float]:
    """Group → rate, for the groups that train as the flags stand, the head first.

    The head has the phase's rate; each group toward the input has `rate_decay` times that of the one before.
    """
    trained = [
        group
        for group, names in reversed(network.groups.items())
        if any(network.model.get_layer(name).trainable_variables for name in names)
    ]
    return {group: phase.rate * phase.rate_decay**depth for depth, group in enumerate(trained)}


class Rates:
    """The optimizer of a phase and its rates.

    Groups with the same rate share an optimizer. With several rates it is a `keras.optimizers.MultiOptimizer`
    that picks by the variable itself: a path is no name of one, since layers in two inner models may share it.

    Attributes:
        groups: Group → rate at factor 1.
        optimizer: To compile with.
    """

    def __init__(self, network: Network, phase: Phase) -> None:
        self.groups = group_rates(network, phase)
        self._by_rate = {rate: _optimizer(phase, rate) for rate in self.groups.values()}
        if len(self._by_rate) == 1:
            (self.optimizer,) = self._by_rate.values()
            return
        of_variable = {
            id(variable): self._by_rate[rate]
            for group, rate in self.groups.items()
            for name in network.groups[group]
            for variable in network.model.get_layer(name).trainable_variables
        }
        self.optimizer = keras.optimizers.MultiOptimizer(lambda variable: of_variable[id(variable)])

    def scale(self, factor: float) -> None:
        """Sets every rate to `factor` times its own."""
        for rate, optimizer in self._by_rate.items():
            optimizer.learning_rate = rate * factor

    @property
    def head(self) -> float:
        """The head's rate as it stands."""
        return float(next(iter(self._by_rate.values())).learning_rate)


def _optimizer(phase: Phase, rate: float) -> keras.optimizers.Optimizer:
    extra = {"momentum": phase.momentum} if phase.optimizer == "sgd" else {}
    return OPTIMIZERS[phase.optimizer](
        learning_rate=rate,
        # None leaves the step out; AdamW refuses None.
        weight_decay=phase.weight_decay if phase.optimizer == "adamw" else phase.weight_decay or None,
        global_clipnorm=phase.clip_norm,
        **extra,
    )
