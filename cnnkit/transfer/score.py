"""Loss and metrics over many batches: what `evaluate` gives and what a training validates by."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cnnkit.heads.head import Head


class Score:
    """The mean loss and the metrics of a head, batch after batch."""

    def __init__(self, head: Head) -> None:
        self._loss = head.loss()
        self._metrics = head.metrics()
        self._total = 0.0
        self._count = 0

    def add(self, targets: NDArray[np.float32], outputs: NDArray[np.float32]) -> None:
        """Counts one batch of encoded targets and network outputs."""
        self._total += float(self._loss(targets, outputs)) * len(targets)
        self._count += len(targets)
        for metric in self._metrics:
            metric.update_state(targets, outputs)

    def result(self) -> dict[str, float]:
        """`loss`, then each metric by its name."""
        return {
            "loss": self._total / self._count,
            **{metric.name: float(metric.result()) for metric in self._metrics},
        }
