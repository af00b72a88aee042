"""`mask_rcnn`: Faster R-CNN, and a mask of each thing that it finds."""

from __future__ import annotations

from collections.abc import Sequence

import keras

from cnnkit.backbones.extractor import Backbone
from cnnkit.data.views.framing import Framing
from cnnkit.heads.classifier_arguments import class_names
from cnnkit.heads.mask_rcnn import MaskRCNN
from cnnkit.transfer.network import Network, attach


def mask_rcnn(
    body: Backbone | keras.Model,
    classes: Sequence[str],
    *,
    proposals: int = 60,
    sizes: int = 2,
    width: int = 64,
    bins: int = 7,
    units: int = 256,
    sample: int = 32,
    positive: float = 0.5,
    mask_side: int = 14,
    mask_width: int = 32,
    mask_depth: int = 2,
    mask_sample: int = 8,
    iou: float = 0.5,
    most: int = 50,
    seed: int = 0,
    framing: Framing | None = None,
) -> Network:
    """Detection and the mask of each thing (He et al., "Mask R-CNN", ICCV 2017, arXiv:1703.06870).

    It learns from boxes with masks, as `ck.data.scenes(n, target="boxes")` has them, and is used as
    `ck.tasks.faster_rcnn` is; `ck.predict` gives each box its `mask`, a PNG of the photograph's size, and `ck.evaluate`
    has `mask_AP` and `mask_AP50` beside COCO's numbers of boxes.

    Args:
        body: As of `ck.tasks.faster_rcnn`.
        classes: As there.
        proposals: As there.
        sizes: As there.
        width: As there.
        bins: As there.
        units: As there.
        sample: As there.
        positive: As there.
        mask_side: Pixels along each side of a mask; 28 in the paper on pyramids, 14 on one map.
        mask_width: Channels of the convolutions of masks; 256 in the paper.
        mask_depth: How many there are; 4 in the paper.
        mask_sample: Regions per picture that masks are learned of, the first of the sample that show a box.
        iou: As there.
        most: Boxes per picture, each of which has a mask; 100 in the paper.
        seed: As there.
        framing: As there.

    Raises:
        InputError: A setting out of its range.
        UnknownNameError: The backbone has no map of one of the strides.
    """
    head = MaskRCNN(
        class_names(classes),
        seed=seed,
        proposals=proposals,
        sizes=sizes,
        width=width,
        mask_side=mask_side,
        mask_width=mask_width,
        mask_depth=mask_depth,
        bins=bins,
        units=units,
        sample=sample,
        positive=positive,
        mask_sample=mask_sample,
        iou=iou,
        most=most,
    )
    return attach(body, head, framing=framing or Framing("pad"))
