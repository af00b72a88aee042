"""From which size on a person counts, in drawn scenes and in photographs.

A box that covers more than 0.5 % of the picture: Visual Wake Words (Chowdhery et al. 2019, arXiv:1906.05721).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

# The part of the picture that a box must cover.
PERSON_AREA = 0.005


def large_enough(areas: npt.ArrayLike, picture: float, least: float = PERSON_AREA) -> npt.NDArray[np.bool_]:
    """Whether boxes are large enough to count.

    Args:
        areas: Of one box or of many, in the unit of `picture`.
        picture: The area of the picture.
        least: The part of the picture, 0…1, that a box must exceed.

    >>> large_enough([50, 51], 100 * 100).tolist()
    [False, True]
    """
    return np.asarray(np.asarray(areas) > least * picture)
