"""The scores of an embedding: whether vectors of one person are nearer to each other than to those of others."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from cnnkit.data.targets.labels import Labels
from cnnkit.data.targets.vectors import Vectors
from cnnkit.errors import DataError
from cnnkit.metrics.identification import detection_identification_rate, rank1
from cnnkit.metrics.verification import equal_error_rate, true_accept_rate

FALSE_ACCEPT_RATES = (1e-2, 1e-3)


class EmbeddingScore:
    """What `ck.evaluate` gives of an embedding. All pictures are compared with each other, by cosine.

    n pictures make n (n − 1) / 2 pairs, whose similarities are in memory at once: 400 MB of 10,000 pictures.
    """

    def __init__(self) -> None:
        self._people: list[NDArray[np.str_]] = []
        self._vectors: list[NDArray[np.float32]] = []

    def add(self, truth: Any, predictions: Any) -> NDArray[np.float64]:
        """Counts `Labels` and the `Vectors` of the same pictures.

        Returns:
            (n,) 0 where the nearest of these pictures shows the same person, or no other one does; else 1 plus how much
            more similar it is than the nearest of the same person.

        Raises:
            DataError: Another number of predictions, or another kind of truth.
        """
        if not isinstance(truth, Labels) or len(truth) != len(predictions):
            raise DataError(
                "labels, who is shown, and the vectors of as many pictures",
                f"{len(truth)} {getattr(truth, 'kind', '')} and {len(predictions)} {getattr(predictions, 'kind', '')}",
                "Give what decode returns for the pictures of this truth.",
            )
        people, vectors = np.array(truth.names, str)[truth.values], _vectors(predictions)
        self._people.append(people)
        self._vectors.append(vectors)
        similar, mine = vectors @ vectors.T, people[:, None] == people
        np.fill_diagonal(similar, -np.inf)
        own, other = (np.where(pairs, similar, -np.inf).max(axis=1, initial=-np.inf) for pairs in (mine, ~mine))
        judged = np.isfinite(own) & np.isfinite(other)
        with np.errstate(invalid="ignore"):
            return np.where(judged & (other >= own), 1 + other - own, 0.0).astype(np.float64)

    def result(self) -> dict[str, float]:
        """Of all pictures.

        Returns:
            `rank1`: how often the right person is the most similar where the first picture of each is in the gallery
            and the others are asked for; of all pairs `equal_error_rate` and `true_accept_rate@0.01`, `…@0.001`, by the
            false accept rate; and `detection_identification_rate@0.01`, where every second person has a first picture
            in the gallery, and all pictures of the others are of strangers. What too few people or pictures cannot say
            is left out.
        """
        if not self._people:
            return {}
        people, vectors = np.concatenate(self._people), np.concatenate(self._vectors)
        names, first, place = np.unique(people, return_index=True, return_inverse=True)
        asked = np.setdiff1d(np.arange(len(people)), first)
        if len(names) < 2 or not len(asked):
            return {}
        similar = np.clip(vectors @ vectors.T, -1, 1)
        upper = np.triu_indices(len(people), 1)
        pairs = place[upper[0]] == place[upper[1]], similar[upper]
        scores = {"rank1": rank1(similar[np.ix_(asked, first)], place[asked], place[first])}
        scores["equal_error_rate"] = equal_error_rate(*pairs)
        scores |= {f"true_accept_rate@{far:g}": true_accept_rate(*pairs, far=far) for far in FALSE_ACCEPT_RATES}
        known = first[::2]
        others = np.setdiff1d(np.arange(len(people)), known)
        if np.isin(place[others], place[known]).any():
            far = FALSE_ACCEPT_RATES[0]
            scores[f"detection_identification_rate@{far:g}"] = detection_identification_rate(
                similar[np.ix_(others, known)], place[others], place[known], far=far
            )
        return scores


def _vectors(predictions: Vectors | Labels) -> NDArray[np.float32]:
    """Of labels, the truth held against itself, one direction for each person."""
    if isinstance(predictions, Labels):
        return np.eye(len(predictions.names), dtype=np.float32)[predictions.values]
    return predictions.values
