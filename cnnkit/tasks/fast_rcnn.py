"""`fast_rcnn`: a backbone, and class and box of any regions of its map."""

from __future__ import annotations

from collections.abc import Sequence

import keras

from cnnkit.backbones.extractor import Backbone
from cnnkit.data.views.framing import Framing
from cnnkit.heads.classifier_arguments import class_names
from cnnkit.heads.fast_rcnn import FastRCNN
from cnnkit.transfer.network import Network, attach


def fast_rcnn(
    body: Backbone | keras.Model,
    classes: Sequence[str],
    *,
    width: int = 64,
    bins: int = 7,
    units: int = 256,
    sample: int = 32,
    positive: float = 0.5,
    iou: float = 0.5,
    most: int = 100,
    seed: int = 0,
    framing: Framing | None = None,
) -> Network:
    """One pass over the picture, then class and box of regions (Girshick, "Fast R-CNN", ICCV 2015, arXiv:1504.08083).

    It is trained and used as `ck.tasks.faster_rcnn`, on windows of three sizes and shapes on a grid instead of its own
    proposals; `ck.tasks.detect` gives it any others. Regions are cut by RoIAlign; RoIPool is `ck.necks.roi_pool`.

    Args:
        body: As of `ck.tasks.faster_rcnn`.
        classes: As there.
        width: As there.
        bins: As there.
        units: As there; 4,096 in the paper.
        sample: As there, windows and true boxes; 64 in the paper, of which
        positive: at most this part shows a box; 0.25 there.
        iou: As there.
        most: As there.
        seed: As there.
        framing: As there.

    Raises:
        InputError: A setting out of its range.
        UnknownNameError: The backbone has no map of one of the strides.
    """
    head = FastRCNN(
        class_names(classes),
        iou=iou,
        most=most,
        seed=seed,
        width=width,
        bins=bins,
        units=units,
        sample=sample,
        positive=positive,
    )
    return attach(body, head, framing=framing or Framing("pad"))
