"""`faster_rcnn`: a backbone, a network that proposes regions, and one that says what they show."""

from __future__ import annotations

from collections.abc import Sequence

import keras

from cnnkit.backbones.extractor import Backbone
from cnnkit.data.views.framing import Framing
from cnnkit.heads.classifier_arguments import class_names
from cnnkit.heads.faster_rcnn import FasterRCNN
from cnnkit.transfer.network import Network, attach


def faster_rcnn(
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
    iou: float = 0.5,
    most: int = 100,
    seed: int = 0,
    framing: Framing | None = None,
) -> Network:
    """Detection in two stages on one map: where anything is, then what it is and where exactly.

    Ren et al., "Faster R-CNN", NIPS 2015 (arXiv:1506.01497), on a feature pyramid, with RoIAlign. All four losses are
    trained at once, on a frozen backbone, whose features are kept, or with it::

        body = ck.backbone("nano", input_shape=(160, 160, 3))
        net = ck.tasks.faster_rcnn(body, photos.classes)
        ck.fit(net, photos, ck.plans.head_then_together(), augment=ck.data.Augmentation(horizontal_flip=True))
        ck.predict(net, photos.test)        # a row per box: id, label, score, x, y, width, height
        ck.evaluate(net, photos.test)       # COCO's numbers
        ck.save(net, "runs/faster"); net = ck.load("runs/faster")

    The model has a second input: `net.model([pictures, regions])` says of any regions, (n, k, 4) in pixels, what they
    show; `ck.predict` gives it the proposals that its own first outputs make.

    Args:
        body: From `ck.backbone`, with maps of strides 8, 16 and 32.
        classes: Names in the order of the labels.
        proposals: Regions per picture that the second stage looks at; 300 in the paper.
        sizes: Anchors of different size per octave, each in three shapes.
        width: Channels of the pyramid and of the layers on it; 256 in the paper on pyramids.
        bins: Along each side of a region.
        units: Of the two dense layers on each region; 1,024 there.
        sample: Regions per picture in training, proposals and true boxes; 64 in the paper, of which
        positive: at most this part shows a box; 0.25 there.
        iou: Of two boxes of one class that overlap by more, the better one stays.
        most: Boxes per picture.
        seed: Of the initial weights.
        framing: How a picture meets the input size; by default it is padded, so that its edges are seen too.

    Raises:
        InputError: A setting out of its range.
        UnknownNameError: The backbone has no map of one of the strides.
    """
    head = FasterRCNN(
        class_names(classes),
        proposals=proposals,
        sizes=sizes,
        width=width,
        bins=bins,
        units=units,
        iou=iou,
        most=most,
        sample=sample,
        positive=positive,
        seed=seed,
    )
    return attach(body, head, framing=framing or Framing("pad"))
