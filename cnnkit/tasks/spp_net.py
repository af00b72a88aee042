"""`spp_net`: a backbone, spatial pyramid pooling of regions, and linear machines."""

from __future__ import annotations

from collections.abc import Sequence

import keras

from cnnkit.backbones.extractor import Backbone
from cnnkit.data.views.framing import Framing
from cnnkit.heads.classifier_arguments import class_names
from cnnkit.heads.spp_net import SPPNet
from cnnkit.transfer.network import Network, attach


def spp_net(
    body: Backbone | keras.Model,
    classes: Sequence[str],
    *,
    sample: int = 64,
    positive: float = 0.5,
    iou: float = 0.5,
    most: int = 100,
    seed: int = 0,
    framing: Framing | None = None,
) -> Network:
    """One pass, then a linear support vector machine per class (He et al., ECCV 2014, arXiv:1406.4729).

    It is trained and used as `ck.tasks.fast_rcnn`, on the backbone as it is: the hinge loss of linear layers and the
    weight decay of `ck.plans.head_then_together` are the machines. `ck.tasks.detect` gives it proposals.

    Args:
        body: From `ck.backbone`, with a map of stride 16.
        classes: As of `ck.tasks.faster_rcnn`.
        sample: As there, windows and true boxes.
        positive: As there.
        iou: As there.
        most: As there.
        seed: As there.
        framing: As there.

    Raises:
        InputError: A setting out of its range.
        UnknownNameError: The backbone has no map of stride 16.
    """
    head = SPPNet(class_names(classes), iou=iou, most=most, seed=seed, sample=sample, positive=positive)
    return attach(body, head, framing=framing or Framing("pad"))
