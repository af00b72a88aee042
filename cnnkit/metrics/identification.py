"""Identification: who of a gallery of people a picture shows, or that it is none of them (lecture 003)."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cnnkit.errors import DataError
from cnnkit.metrics.given_arrays import array_of
from cnnkit.metrics.verification import highest_refused

Best = tuple[NDArray[np.float64], NDArray[np.float64]]


def rank1(similarities: ArrayLike, people: ArrayLike, gallery: ArrayLike) -> float:
    """The share of pictures that are more similar to one of their own person in the gallery than to all others.

    Args:
        similarities: (pictures, gallery) the higher, the more alike.
        people: (pictures,) whom each picture shows, as whole numbers or texts, all of them in the gallery.
        gallery: (gallery,) the same of each picture of the gallery.

    Raises:
        DataError: Other shapes or values, or a person who is not in the gallery.

    >>> rank1([[0.9, 0.1], [0.8, 0.3]], ["ann", "bob"], ["ann", "bob"])
    0.5
    """
    values, names, known = _arrays(similarities, people, gallery)
    if strangers := sorted(set(names.tolist()) - set(known.tolist())):
        remedy = "ck.metrics.detection_identification_rate is for pictures of strangers too."
        raise DataError("people who are in the gallery", f"{strangers[0]!r}, who is not", remedy)
    own, other = _best(values, names, known)
    return float((own > other).mean())


def detection_identification_rate(
    similarities: ArrayLike, people: ArrayLike, gallery: ArrayLike, *, far: float = 1e-2
) -> float:
    """The share of pictures of known people that are accepted and given the right name, where strangers come too.

    Accepted is what is more similar to someone of the gallery than the first of the strangers' pictures, from the most
    similar one down, that has to be refused so that a share of at most `far` of them is accepted (Phillips, Grother and
    Micheals 2011, "Evaluation Methods in Face Recognition", open-set identification, rank 1).

    Args:
        similarities: As of `rank1`.
        people: As of `rank1`; those who are not in the gallery are strangers.
        gallery: As of `rank1`.
        far: The largest share of strangers who are accepted.

    Raises:
        DataError: Other shapes or values, no picture of a stranger, or none of someone known.
        InputError: `far` is no number from 0 up to but not 1.

    >>> detection_identification_rate([[0.9, 0.1], [0.2, 0.7], [0.3, 0.4]], [0, 1, 2], [0, 1], far=0)
    1.0
    """
    values, names, known = _arrays(similarities, people, gallery)
    strange = ~np.isin(names, known)
    if strange.all() or not strange.any():
        received = f"{int(strange.sum())} pictures of strangers among {len(strange)}"
        raise DataError("pictures of people in the gallery and of strangers", received, "Leave someone out of it.")
    refused = highest_refused(values[strange].max(axis=1), far=far)
    own, other = _best(values[~strange], names[~strange], known)
    return float(((own > other) & (own > refused)).mean())


def _best(values: NDArray[np.float64], names: NDArray[np.generic], known: NDArray[np.generic]) -> Best:
    """(pictures,) the largest similarity with the own person, and with anyone else."""
    mine = names[:, None] == known
    return np.where(mine, values, -np.inf).max(axis=1), np.where(mine, -np.inf, values).max(axis=1)


def _arrays(
    similarities: ArrayLike, people: ArrayLike, gallery: ArrayLike
) -> tuple[NDArray[np.float64], NDArray[np.generic], NDArray[np.generic]]:
    values, names, known = array_of(similarities), array_of(people), array_of(gallery)
    for array in (names, known):
        if array.ndim != 1 or array.dtype.kind not in "iuU" or not len(array):
            received = f"{array.dtype} of shape {array.shape}"
            raise DataError("people as whole numbers or texts, at least one", received, "Give one per picture.")
    if values.shape != (len(names), len(known)) or values.dtype.kind not in "biuf":
        raise DataError(
            f"similarities of shape {(len(names), len(known))}, pictures × gallery",
            f"{values.dtype} of shape {values.shape}",
            "vectors @ gallery_vectors.T are the cosines of unit vectors.",
        )
    if (names.dtype.kind == "U") != (known.dtype.kind == "U"):
        raise DataError("people and gallery named alike", f"{names.dtype} and {known.dtype}", "Give both as texts.")
    if not np.isfinite(values).all():
        raise DataError("finite similarities", "others among them", "A network that did not converge gives NaN.")
    return values.astype(np.float64), names, known
