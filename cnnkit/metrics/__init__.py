"""Numbers that say how good predictions are: NumPy arrays in, plain numbers out, no framework.

`…_score` is to be raised, `…_loss` and `…_error` are to be lowered.
"""

from __future__ import annotations

from cnnkit._lazy import lazy_exports

CLASSIFICATION = (
    "Calibration",
    "accuracy_score",
    "brier_loss",
    "calibration",
    "confusion",
    "roc_auc_score",
    "wilson_interval",
)
CLASS_SCORES = ("average_precision_score", "class_scores", "macro_means", "precision_recall_f1")

__getattr__, __dir__, __all__ = lazy_exports(
    __name__,
    modules={"classification": "cnnkit.metrics.classification"},
    names={
        **dict.fromkeys(CLASSIFICATION, "cnnkit.metrics.classification"),
        **dict.fromkeys(CLASS_SCORES, "cnnkit.metrics.one_against_rest"),
        "best_threshold": "cnnkit.metrics.thresholds",
    },
)
