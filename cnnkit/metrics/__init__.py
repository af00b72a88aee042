"""Numbers that say how good predictions are: NumPy arrays in, plain numbers out, no framework.

`…_score` is to be raised, `…_loss` and `…_error` are to be lowered.
"""

from __future__ import annotations

from cnnkit._lazy import lazy_exports

__getattr__, __dir__, __all__ = lazy_exports(
    __name__,
    modules={"classification": "cnnkit.metrics.classification"},
    names=dict.fromkeys(
        (
            "Calibration",
            "accuracy_score",
            "brier_loss",
            "calibration",
            "confusion",
            "roc_auc_score",
            "wilson_interval",
        ),
        "cnnkit.metrics.classification",
    ),
)
