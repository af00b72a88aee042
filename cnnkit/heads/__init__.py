"""Heads: layers on a backbone's features, with the loss, encoding, decoding and metric of a task."""

from __future__ import annotations

from cnnkit._lazy import lazy_exports

__getattr__, __dir__, __all__ = lazy_exports(
    __name__,
    names={
        "Classifier": "cnnkit.heads.classification",
        "Head": "cnnkit.heads.head",
        "ScoringHead": "cnnkit.heads.head",
        "classifier": "cnnkit.heads.classification",
        "from_settings": "cnnkit.heads.table",
    },
)
