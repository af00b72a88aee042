"""Loss and measures over many batches: what a training validates by, and the loss that `evaluate` gives."""

from __future__ import annotations

from typing import Any

from cnnkit.heads.head import Arrays, Head, metrics_of
from cnnkit.transfer.tail import mean_loss


class Tally:
    """The mean loss and the cheap measures of a head, batch after batch."""

    def __init__(self, head: Head) -> None:
        self._head = head
        self._metrics = metrics_of(head)
        self._total = 0.0
        self._count = 0

    def add(self, targets: Arrays, outputs: Any) -> None:
        """Counts one batch of encoded truth and network outputs."""
        losses = self._head.loss(targets, outputs)
        count = int(losses.shape[0])
        self._total += float(mean_loss(losses)) * count
        self._count += count
        for metric in self._metrics:
            metric.update_state(targets, outputs)

    def result(self) -> dict[str, float]:
        """`loss`, then each measure by its name."""
        return {
            "loss": self._total / self._count,
            **{metric.name: float(metric.result()) for metric in self._metrics},
        }
