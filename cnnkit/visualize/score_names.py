"""Names of scores and losses as a person writes them."""

from __future__ import annotations

WORDS = {"iou": "IoU", "auc": "AUC", "f1": "F1", "ap": "AP", "pck": "PCK", "oks": "OKS", "dice": "Dice score"}
"""Parts of a name that are not written as a word in small letters."""


def score_name(name: str) -> str:
    """A score's name in words.

    >>> score_name("mean_iou"), score_name("frequency_weighted_iou"), score_name("pixel_accuracy")
    ('mean IoU', 'frequency weighted IoU', 'pixel accuracy')
    """
    return " ".join(WORDS.get(part, part) for part in name.split("_"))
