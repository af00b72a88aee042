"""The scores of people that are found by their points: COCO's average precision of keypoints."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from cnnkit.data.targets.boxes import Boxes
from cnnkit.errors import DataError
from cnnkit.metrics.coco import coco
from cnnkit.metrics.keypoints import oks


class PeopleScore:
    """What `ck.evaluate` gives beside the loss of a head that finds people by their points."""

    def __init__(self) -> None:
        self._truth: list[Boxes] = []
        self._said: list[Boxes] = []

    def add(self, truth: Any, predictions: Any) -> NDArray[np.float64]:
        """Counts `Boxes` with points.

        Returns:
            (n,) 1 − the mean over the people of a picture of the similarity to the predicted pose that is most like
            them; of a picture without people 1 if one is predicted, else 0; 0 where nobody's size is known.

        Raises:
            DataError: Other columns, or boxes without points.
        """
        columns = [column for column in (truth, predictions) if isinstance(column, Boxes) and column.points is not None]
        if len(columns) != 2 or len(truth) != len(predictions):
            raise DataError("people with points, of the same pictures", "others", "Give what decode returns.")
        self._truth.append(truth)
        self._said.append(predictions)
        return np.array([_wrong(truth.take([index]), predictions.take([index])) for index in range(len(truth))])

    def result(self) -> dict[str, float]:
        """`AP`, `AP50`, `AP75`, `AR` and COCO's other numbers of keypoints; nothing where nobody is."""
        if not self._truth:
            return {}
        truth, said = Boxes.joined(self._truth), Boxes.joined(self._said)
        numbers = coco(truth, said, kind="points").numbers
        return {name: value for name, value in numbers.items() if value >= 0}


def _wrong(truth: Boxes, said: Boxes) -> float:
    people, found = truth.points, said.points
    if people is None or found is None or not (people.shown > 0).any():
        return float(len(said.boxes) > 0)
    if not len(found):
        return 1.0
    rows, columns = np.indices((len(people), len(found))).reshape(2, -1)
    likeness = oks(people.take(rows), found.take(columns)).reshape(len(people), len(found))
    best = likeness.max(axis=1)
    best = best[~np.isnan(best)]
    return 1 - float(best.mean()) if len(best) else 0.0
