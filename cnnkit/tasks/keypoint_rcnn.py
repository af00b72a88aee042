"""`keypoint_rcnn`: Faster R-CNN, and the points of each thing that it finds."""

from __future__ import annotations

from collections.abc import Sequence

import keras

from cnnkit.backbones.extractor import Backbone
from cnnkit.data.views.framing import Framing
from cnnkit.heads.classifier_arguments import class_names
from cnnkit.heads.keypoint_rcnn import KeypointRCNN
from cnnkit.heads.pose import partners
from cnnkit.transfer.network import Network, attach


def keypoint_rcnn(
    body: Backbone | keras.Model,
    classes: Sequence[str],
    points: Sequence[str],
    *,
    mirror: Sequence[int] | None = None,
    proposals: int = 60,
    sizes: int = 2,
    width: int = 64,
    bins: int = 7,
    units: int = 256,
    sample: int = 32,
    positive: float = 0.5,
    point_side: int = 14,
    point_width: int = 64,
    point_depth: int = 3,
    point_sample: int = 8,
    iou: float = 0.5,
    most: int = 20,
    seed: int = 0,
    framing: Framing | None = None,
) -> Network:
    """People and their joints in one network (He et al., "Mask R-CNN", ICCV 2017, arXiv:1703.06870, section 5).

    It learns from boxes with points and is used as `ck.tasks.faster_rcnn` is; `ck.predict` gives each box its points,
    and `ck.evaluate` has `point_AP` and `point_AP50`, by keypoint similarity, beside COCO's numbers of boxes::

        people = ck.data.with_classes(ck.data.scenes(600, size=160, target="boxes"), "person")
        body = ck.backbone("nano", input_shape=(160, 160, 3))
        net = ck.tasks.keypoint_rcnn(body, people.classes, people.train.targets.points.names)
        ck.fit(net, people, ck.plans.head_then_together())

    Args:
        body: As of `ck.tasks.faster_rcnn`.
        classes: As there; every box that is found has points, so those of things that have none are left out.
        points: Their names, in the order of the truth.
        mirror: The partner of each point on the other side; by default what "left" and "right" in the names say.
        proposals: As there.
        sizes: As there.
        width: As there.
        bins: As there.
        units: As there.
        sample: As there.
        positive: As there.
        point_side: Cells along each side of a region that convolutions see; the maps of points have twice as many. 28
            in the paper.
        point_width: Channels of these convolutions; 512 in the paper.
        point_depth: How many there are; 8 in the paper.
        point_sample: Regions per picture that points are learned of, the first of the sample that show a box.
        iou: As there.
        most: Boxes per picture, each of which has points.
        seed: As there.
        framing: As there.

    Raises:
        InputError: A setting out of its range, or no names of points.
        UnknownNameError: The backbone has no map of one of the strides.
    """
    names, sides = partners(points, mirror)
    head = KeypointRCNN(
        class_names(classes),
        points=names,
        mirror=sides,
        proposals=proposals,
        sizes=sizes,
        width=width,
        bins=bins,
        units=units,
        sample=sample,
        positive=positive,
        point_side=point_side,
        point_width=point_width,
        point_depth=point_depth,
        point_sample=point_sample,
        iou=iou,
        most=most,
        seed=seed,
    )
    return attach(body, head, framing=framing or Framing("pad"))
