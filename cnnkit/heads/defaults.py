"""Which head `ck.finetune` puts on a backbone where nobody asks for another: the kind of truth decides."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from cnnkit.data.targets.targets import Targets
from cnnkit.errors import InputError
from cnnkit.heads.classification import classifier
from cnnkit.heads.fcos import fcos
from cnnkit.heads.head import Head
from cnnkit.heads.heatmaps import heatmaps
from cnnkit.heads.translator import translator
from cnnkit.heads.unet import unet
from cnnkit.losses.pixel_weights import balance_weights


def _one_label(names: Sequence[str], truth: Any, seed: int) -> Head:
    return classifier(names, class_weight="balanced", seed=seed)


def _several_labels(names: Sequence[str], truth: Any, seed: int) -> Head:
    return classifier(names, multi_label=True, seed=seed)


def _masks(names: Sequence[str], truth: Any, seed: int) -> Head:
    weights = None if truth is None else balance_weights(truth.pixels()).tolist()
    return unet(names, class_weight=weights, dice_over="batch", seed=seed)


def _boxes(names: Sequence[str], truth: Any, seed: int) -> Head:
    return fcos(names, seed=seed)


def _points(names: Sequence[str], truth: Any, seed: int) -> Head:
    return heatmaps(names, mirror=None if truth is None else truth.mirror, seed=seed)


def _pictures(names: Sequence[str], truth: Any, seed: int) -> Head:
    return translator(seed=seed)


DEFAULT_HEADS: dict[str, Callable[[Sequence[str], Any, int], Head]] = {
    "labels": _one_label,
    "tags": _several_labels,
    "masks": _masks,
    "boxes": _boxes,
    "points": _points,
    "pictures": _pictures,
}
"""Kind of truth → its head, of the names of classes, the truth to train on or None, and a seed."""


def default_head(kind: str, names: Sequence[str], *, truth: Targets | None = None, seed: int = 0) -> Head:
    """The head for a kind of truth.

    Args:
        kind: Of the truth.
        names: Of the classes.
        truth: Of all training pictures, which masks are weighed by; None weighs all classes alike.
        seed: Of the initial weights.

    Raises:
        InputError: There is none for this kind.
    """
    if kind not in DEFAULT_HEADS:
        raise InputError(
            f"{' or '.join(DEFAULT_HEADS)} as truth, or a head with head=",
            kind or "no truth",
            "ck.attach(ck.backbone(name), head) and ck.fit train any head.",
        )
    return DEFAULT_HEADS[kind](names, truth, seed)
