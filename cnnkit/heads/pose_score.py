"""The scores of a pose: object keypoint similarity, and the share of points that are near enough."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cnnkit.metrics.keypoints import TORSO, oks, point_errors, shares_within

# From which similarity on a pose counts as right: COCO's AP50.
RIGHT = 0.5
# Of the torso; and of the box, of which the usual .2 is met by the mean pose.
TORSO_PART, BOX_PART = 0.2, 0.05


class PoseScore:
    """What `ck.evaluate` gives beside the loss of a head of points.

    Args:
        names: Of the points.
    """

    def __init__(self, names: Sequence[str]) -> None:
        self._names = tuple(names)
        self._scales = {"box": BOX_PART} | ({"torso": TORSO_PART} if set(TORSO) <= set(names) else {})
        self._similarity: list[NDArray[np.float64]] = []
        self._errors: dict[str, list[NDArray[np.float64]]] = {scale: [] for scale in self._scales}

    def add(self, truth: Any, predictions: Any) -> NDArray[np.float64]:
        """Counts `Points`.

        Returns:
            (n,) 1 − the similarity of each picture; 0 where `oks` is not known.

        Raises:
            DataError: Another number of predictions, or another kind of truth.
        """
        similarity = oks(truth, predictions)
        for scale, errors in self._errors.items():
            errors.append(point_errors(truth, predictions, scale=scale))  # type: ignore[arg-type]
        self._similarity.append(similarity)
        return np.asarray(1 - np.nan_to_num(similarity, nan=1.0))

    def result(self) -> dict[str, float]:
        """Of all pictures that show a point.

        Returns:
            `oks`, its mean; `oks_above_half`, the share of pictures where it is above .5; `pck_torso`, the share of
            points within .2 of the torso, where there is one; `pck_box`, within .05 of the longer side of their box;
            then `pck_torso/NAME` (or `pck_box/NAME`) of each point that occurs. Nothing where no point is shown.
        """
        similarity = np.concatenate([*self._similarity, np.zeros(0)])
        similarity = similarity[~np.isnan(similarity)]
        if not len(similarity):
            return {}
        scores = {"oks": float(similarity.mean()), "oks_above_half": float((similarity > RIGHT).mean())}
        for scale in reversed(self._scales):
            errors = np.concatenate(self._errors[scale])
            counted = ~np.isnan(errors)
            if counted.any():
                scores[f"pck_{scale}"] = float((errors[counted] <= self._scales[scale]).mean())
        scale = [*self._scales][-1]
        shares = shares_within(np.concatenate(self._errors[scale]), [self._scales[scale]])[0]
        named = zip(self._names, shares.tolist(), strict=True)
        return scores | {f"pck_{scale}/{name}": share for name, share in named if not np.isnan(share)}
