"""Losses that Keras does not have, or has in another form than the papers: one number for each picture, in `keras.ops`.

`ck.heads.classifier(..., loss="focal")` uses them by name; with Keras alone they go into `model.compile(loss=...)`.
"""

from __future__ import annotations

from cnnkit._lazy import lazy_exports

__getattr__, __dir__, __all__ = lazy_exports(
    __name__,
    names={
        "binary_focal": "cnnkit.losses.focal",
        "categorical_focal": "cnnkit.losses.focal",
        "class_balanced_weights": "cnnkit.losses.class_balance",
    },
)
