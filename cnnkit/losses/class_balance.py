"""Class weights by the effective number of examples (Cui et al. 2019, arXiv:1901.05555)."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cnnkit.errors import DataError, InputError


def class_balanced_weights(counts: ArrayLike, *, beta: float = 0.999) -> NDArray[np.float64]:
    """Weights of classes: the inverse of their effective numbers (1 − β^n) / (1 − β) (equation 2), with sum `classes`.

    A further example of a class adds the less, the more there are: β = 0 weighs all classes alike, β towards 1 weighs
    by 1 / n, which is `class_weight="balanced"` but for the scale.

    Args:
        counts: (classes,) how many examples each class has. One without examples counts as if it had one.
        beta: 0 <= β < 1; 0.9, 0.99, 0.999 and 0.9999 in the paper.

    Raises:
        DataError: Counts that are none, or no classes.
        InputError: Another β.

    >>> class_balanced_weights([1, 2], beta=0.5).round(2).tolist()
    [1.2, 0.8]
    """
    examples = np.asarray(counts)
    if examples.ndim != 1 or not len(examples) or examples.dtype.kind not in "iuf" or not (examples >= 0).all():
        raise DataError("(classes,) numbers of examples", repr(counts)[:100], "photos.train.counts() has them.")
    if not isinstance(beta, int | float) or not 0 <= beta < 1:
        raise InputError("0 <= beta < 1", repr(beta), "0.999 is the default.")
    effective = (1 - np.power(float(beta), np.maximum(examples, 1))) / (1 - beta)
    return np.asarray(len(effective) / effective / (1 / effective).sum(), np.float64)
