"""Truth, and what a network says, as one column of n examples: labels, tags, masks, boxes, points, pictures or vectors.

    truth = ck.data.targets.Labels(("cat", "dog"), [0, 1, 1])
    truth.table(["a.jpg", "b.jpg", "c.jpg"])        # a DataFrame, as `predict` returns

One kind per module, NumPy and OpenCV only; `Targets` is what they have in common. A position is a continuous pixel:
(0, 0) is the outer corner of the upper left pixel and (0.5, 0.5) its centre.
"""

from __future__ import annotations

from cnnkit._front_door import front_door

__getattr__, __dir__, __all__ = front_door(__name__, __file__)
