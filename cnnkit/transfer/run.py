"""What happened in a training, as a value."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pandas as pd

from cnnkit.transfer.plan import Plan


@dataclass(frozen=True, eq=False)
class Run:
    """The record of one `fit`.

    Attributes:
        plan: What was to happen.
        history: What happened, one row an epoch: `phase`, `epoch` (from 1 in each phase), `loss`, `accuracy`,
            `val_loss`, `val_accuracy` (where there is validation), `rate` (the head's, at the epoch's end), `seconds`,
            `images_per_second`.
        seed: Of order, augmentation and dropout.
        data_fingerprint: sha256 of the training and validation pictures, ids and labels.
        trained_parameters: Phase → how many parameters trained in it.
    """

    plan: Plan
    history: pd.DataFrame
    seed: int
    data_fingerprint: str
    trained_parameters: dict[str, int]

    @property
    def seconds(self) -> float:
        """Wall time of all epochs."""
        return float(self.history["seconds"].sum())

    @property
    def accuracy(self) -> float:
        """The last validation accuracy, or training accuracy where there was no validation."""
        column = "val_accuracy" if "val_accuracy" in self.history else "accuracy"
        return float(self.history[column].iloc[-1])

    def to_manifest(self) -> dict[str, Any]:
        """Everything but the history as JSON values."""
        return {
            "plan": self.plan.settings(),
            "seed": self.seed,
            "data_fingerprint": self.data_fingerprint,
            "trained_parameters": self.trained_parameters,
        }

    def __repr__(self) -> str:
        shown = self.history.drop(columns="images_per_second").to_string(index=False, float_format="{:.4g}".format)
        return f"Run of {len(self.history)} epochs in {self.seconds:.1f} s, seed {self.seed}\n{shown}"
