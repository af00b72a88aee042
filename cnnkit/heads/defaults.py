"""Which head `ck.finetune` puts on a backbone where nobody asks for another: the kind of truth decides."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from cnnkit.errors import InputError
from cnnkit.heads.classification import classifier
from cnnkit.heads.head import Head


class DefaultHead(Protocol):
    """Makes a head of names and of the few settings that `ck.finetune` takes."""

    def __call__(
        self, names: Sequence[str], *, hidden: int | Sequence[int], dropout: float, label_smoothing: float, seed: int
    ) -> Head:
        """The head."""


def _one_label(
    names: Sequence[str], *, hidden: int | Sequence[int], dropout: float, label_smoothing: float, seed: int
) -> Head:
    return classifier(
        names,
        hidden=hidden,
        dropout=dropout,
        label_smoothing=label_smoothing,
        class_weight="balanced",
        seed=seed,
    )


def _several_labels(
    names: Sequence[str], *, hidden: int | Sequence[int], dropout: float, label_smoothing: float, seed: int
) -> Head:
    return classifier(
        names, hidden=hidden, dropout=dropout, label_smoothing=label_smoothing, multi_label=True, seed=seed
    )


DEFAULT_HEADS: dict[str, DefaultHead] = {"labels": _one_label, "tags": _several_labels}
"""Kind of truth → its head."""


def default_head(kind: str) -> DefaultHead:
    """What makes the head for a kind of truth.

    Raises:
        InputError: There is none for this kind.
    """
    if kind not in DEFAULT_HEADS:
        raise InputError(
            f"{' or '.join(DEFAULT_HEADS)} as truth, or a head with head=",
            kind or "no truth",
            "ck.attach(ck.backbone(name), head) and ck.fit train any head.",
        )
    return DEFAULT_HEADS[kind]
