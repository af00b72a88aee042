"""Which head `ck.finetune` puts on a backbone where nobody asks for another: the kind of truth decides."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from cnnkit.data.targets.targets import Targets
from cnnkit.errors import InputError
from cnnkit.heads.classification import classifier
from cnnkit.heads.head import Head
from cnnkit.heads.segmentation import unet
from cnnkit.losses.pixel_weights import balance_weights


def _one_label(truth: Any, seed: int) -> Head:
    return classifier(truth.names, dropout=0.5, label_smoothing=0.1, class_weight="balanced", seed=seed)


def _several_labels(truth: Any, seed: int) -> Head:
    return classifier(truth.names, dropout=0.5, label_smoothing=0.1, multi_label=True, seed=seed)


def _masks(truth: Any, seed: int) -> Head:
    return unet(truth.names, class_weight=balance_weights(truth.pixels()).tolist(), seed=seed)


DEFAULT_HEADS: dict[str, Callable[[Any, int], Head]] = {
    "labels": _one_label,
    "tags": _several_labels,
    "masks": _masks,
}
"""Kind of truth → its head, of the truth to train on and a seed."""


def default_head(truth: Targets | None, *, seed: int) -> Head:
    """The head for the truth of training pictures.

    Raises:
        InputError: There is none for this kind.
    """
    kind = "" if truth is None else truth.kind
    if kind not in DEFAULT_HEADS:
        raise InputError(
            f"{' or '.join(DEFAULT_HEADS)} as truth, or a head with head=",
            kind or "no truth",
            "ck.attach(ck.backbone(name), head) and ck.fit train any head.",
        )
    return DEFAULT_HEADS[kind](truth, seed)
