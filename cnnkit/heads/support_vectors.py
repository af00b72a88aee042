"""R-CNN's two linear fits: a support vector machine per class with hard negatives, and ridge regression of boxes.

Girshick et al., CVPR 2014 (arXiv:1311.2524), section 2.3, appendices B and C; what the paper leaves open is as in its
code (`rcnn_train.m`, `rcnn_train_bbox_regressor.m`).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from cnnkit.errors import missing_extra

Floats = NDArray[np.float32]
Flags = NDArray[np.bool_]

# Of liblinear, on features of a mean length of 20: `svm_C`, `pos_loss_weight` and `bias_mult`.
STRENGTH, WEIGHT_OF_TRUE, BIAS = 1e-3, 2.0, 10.0
# A negative is hard inside of the margin, and forgotten once it lies so far behind it: `hard_thresh`, `evict_thresh`.
HARD, FORGOTTEN = -1.0001, -1.2
# Negatives to begin with, by chance, and how often hard ones are looked for; mostly there are none left before.
FIRST, ROUNDS = 500, 10
# Of the squared slopes (appendix C).
RIDGE = 1000.0
# The margin everywhere of a class that no region shows.
NEVER = -10.0


def require_solver() -> Any:
    """`LinearSVC` of scikit-learn.

    Raises:
        MissingExtraError: It is not installed.
    """
    try:
        from sklearn.svm import LinearSVC
    except ImportError as error:
        raise missing_extra("scikit-learn", "rcnn", "linear support vector machines") from error
    return LinearSVC


def machines(features: Floats, positive: Flags, negative: Flags, *, seed: int) -> tuple[Floats, Floats]:
    """A linear support vector machine for each class, alone against everything else.

    Args:
        features: (n, d) of regions.
        positive: (n, classes) which of them show a class.
        negative: (n, classes) which do not; those that are neither are left out.
        seed: Of the first negatives, and of the solver.

    Returns:
        Kernel (d, classes) and bias (classes,).

    Raises:
        MissingExtraError: scikit-learn is not installed.
    """
    columns = [
        _mined(features, positive[:, label], negative[:, label], seed=seed) for label in range(positive.shape[1])
    ]
    kernels, biases = zip(*columns, strict=True)
    return np.stack(kernels, axis=1).astype(np.float32), np.array(biases, np.float32)


def regressions(features: Floats, targets: Floats, shown: Flags) -> tuple[Floats, Floats]:
    """The offsets of boxes as linear functions of features, for each class of the regions that show it.

    Args:
        features: (n, d) of regions.
        targets: (n, classes, 4) offsets to the best box of each class.
        shown: (n, classes) which of them count.

    Returns:
        Kernel (d, 4 · classes) and bias (4 · classes,); 0 of a class without regions: its boxes stay as they are.
    """
    kernels, biases = [], []
    for label in range(targets.shape[1]):
        rows = np.flatnonzero(shown[:, label])
        kernel, bias = np.zeros((features.shape[1], 4)), np.zeros(4)
        if len(rows):
            kernel, bias = ridge(features[rows].astype(np.float64), targets[rows, label].astype(np.float64))
        kernels.append(kernel)
        biases.append(bias)
    return np.concatenate(kernels, axis=1).astype(np.float32), np.concatenate(biases).astype(np.float32)


def ridge(features: NDArray[np.float64], targets: NDArray[np.float64]) -> tuple[NDArray[np.float64], Any]:
    """The slopes (d, k) and the bias (k,) with the least squared error plus `RIDGE` times the squared slopes."""
    mean, level = features.mean(axis=0), targets.mean(axis=0)
    x, y = features - mean, targets - level
    count, width = x.shape
    if count < width:  # the same slopes by the smaller of two systems
        kernel = x.T @ np.linalg.solve(x @ x.T + RIDGE * np.eye(count), y)
    else:
        kernel = np.linalg.solve(x.T @ x + RIDGE * np.eye(width), x.T @ y)
    return kernel, level - mean @ kernel


def _mined(features: Floats, positive: Flags, negative: Flags, *, seed: int) -> tuple[NDArray[np.float64], float]:
    """Slopes (d,) and bias of one class: fitted on some negatives, then on those that it takes for the class too."""
    true, false = np.flatnonzero(positive), np.flatnonzero(negative)
    if not len(true) or not len(false):
        return np.zeros(features.shape[1]), NEVER
    kept = np.sort(np.random.default_rng(seed).permutation(false)[:FIRST])
    for _ in range(ROUNDS):
        kernel, bias = _fitted(features, true, kept, seed=seed)
        margins = features @ kernel.astype(np.float32) + bias
        new = np.setdiff1d(false[margins[false] > HARD], kept)
        if not len(new):
            break
        kept = np.union1d(kept[margins[kept] > FORGOTTEN], new)
    return kernel, bias


def _fitted(
    features: Floats, true: NDArray[np.int64], false: NDArray[np.int64], *, seed: int
) -> tuple[NDArray[np.float64], float]:
    machine = require_solver()(
        C=STRENGTH,
        loss="hinge",
        class_weight={1: WEIGHT_OF_TRUE},
        intercept_scaling=BIAS,
        random_state=seed,
        max_iter=100_000,
    )
    rows = np.concatenate([true, false])
    machine.fit(features[rows], np.arange(len(rows)) < len(true))
    return np.asarray(machine.coef_[0], np.float64), float(machine.intercept_[0])
