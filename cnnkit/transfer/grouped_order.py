"""An order of pictures in which some of one class stand side by side, for losses that compare pictures of a batch."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def side_by_side(visits: NDArray[np.int64], labels: NDArray[np.int64], group: int) -> NDArray[np.int64]:
    """The visits so that those of one class come in groups: batches of P classes and K pictures of each.

    Each picture is visited once, as before; a group stands where its first picture stood (Hermans et al. 2017,
    arXiv:1703.07737, section 2, draw P classes for each batch instead).

    Args:
        visits: (n,) places of pictures in the order of their visits.
        labels: The class of each picture, by its place.
        group: K; what is left of a class is a smaller group.

    >>> side_by_side(np.array([0, 1, 2, 3, 4, 5]), np.array([0, 1, 0, 1, 0, 0]), 2).tolist()
    [0, 2, 1, 3, 4, 5]
    """
    classes = labels[visits]
    by_class = np.argsort(classes, kind="stable")
    starts = np.searchsorted(classes[by_class], classes[by_class])
    rank = np.empty(len(visits), np.int64)
    rank[by_class] = np.arange(len(visits)) - starts
    keys = classes * (len(visits) + 1) + rank // group
    _, first, of_group = np.unique(keys, return_index=True, return_inverse=True)
    return visits[np.argsort(first[of_group], kind="stable")]
