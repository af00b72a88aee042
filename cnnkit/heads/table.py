"""The kinds of head, by the name that a bundle's manifest holds."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from cnnkit.errors import CnnkitError, InputError, unknown_name
from cnnkit.heads.centernet import CenterNet
from cnnkit.heads.classification import Classifier
from cnnkit.heads.deconvnet import DeconvNet
from cnnkit.heads.deeplab import DeepLab
from cnnkit.heads.detector import Detector
from cnnkit.heads.embedding import Embedding
from cnnkit.heads.fast_rcnn import FastRCNN
from cnnkit.heads.faster_rcnn import FasterRCNN
from cnnkit.heads.fcn import FCN
from cnnkit.heads.fcos import FCOS
from cnnkit.heads.generators import CycleGANPainter, Pix2PixPainter
from cnnkit.heads.head import Head
from cnnkit.heads.heatmaps import Heatmaps
from cnnkit.heads.hourglass import Hourglass
from cnnkit.heads.keypoint_rcnn import KeypointRCNN
from cnnkit.heads.localization import Localizer
from cnnkit.heads.mask_rcnn import MaskRCNN
from cnnkit.heads.part_affinity import PartAffinity
from cnnkit.heads.people import PeopleHead
from cnnkit.heads.pose import PoseHead
from cnnkit.heads.pose_machine import PoseMachine
from cnnkit.heads.pose_proposals import PoseProposals
from cnnkit.heads.pspnet import PSPNet
from cnnkit.heads.rcnn import RCNN
from cnnkit.heads.region_detector import RegionDetector
from cnnkit.heads.retinanet import RetinaNet
from cnnkit.heads.segmentation import Decoder, Segmenter
from cnnkit.heads.segnet import SegNet
from cnnkit.heads.spp_net import SPPNet
from cnnkit.heads.ssd import SSD
from cnnkit.heads.translation import Painter, Translator
from cnnkit.heads.translator import UNetPainter
from cnnkit.heads.unet import UNet
from cnnkit.heads.yolo_v1 import YOLOv1
from cnnkit.heads.yolo_v2 import YOLOv2

DECODERS: tuple[type[Decoder], ...] = (FCN, UNet, PSPNet, DeepLab, SegNet, DeconvNet)
DETECTORS: tuple[type[Detector], ...] = (FCOS, YOLOv1, YOLOv2, SSD, RetinaNet, CenterNet)
REGION_DETECTORS: tuple[type[RegionDetector], ...] = (SPPNet, FastRCNN, FasterRCNN, MaskRCNN, KeypointRCNN)

POSE_HEADS: tuple[type[PoseHead], ...] = (Heatmaps, Hourglass, PoseMachine)
PEOPLE_HEADS: tuple[type[PeopleHead], ...] = (PartAffinity, PoseProposals)

PAINTERS: tuple[type[Painter], ...] = (UNetPainter, Pix2PixPainter, CycleGANPainter)

KINDS: dict[str, Callable[[Mapping[str, Any]], Head]] = {
    "classifier": Classifier.from_settings,
    "embedding": Embedding.from_settings,
    "localizer": Localizer.from_settings,
    RCNN.kind: RCNN.from_settings,
    **{head.kind: head.from_settings for head in POSE_HEADS},
    **{people.kind: people.from_settings for people in PEOPLE_HEADS},
    **{detector.kind: detector.from_settings for detector in (*DETECTORS, *REGION_DETECTORS)},
    **{decoder.kind: partial(Segmenter.from_settings, decoder=decoder) for decoder in DECODERS},
    **{painter.kind: partial(Translator.from_settings, painter=painter) for painter in PAINTERS},
}


REMEDY = "A manifest.json that was changed by hand is no longer that of its bundle: save the network again."


def from_settings(settings: Mapping[str, Any]) -> Head:
    """The head that `Head.settings` described.

    Raises:
        UnknownNameError: The kind of head does not exist in this version.
        InputError: A setting is missing, or is none of this head.
    """
    kind = settings.get("kind")
    if kind not in KINDS:
        raise unknown_name("a head", str(kind), KINDS)
    try:
        return KINDS[kind](settings)
    except (KeyError, IndexError, AttributeError, TypeError, ValueError) as error:  # whatever a file says
        if isinstance(error, CnnkitError):
            raise
        received = f"none called {error}" if isinstance(error, KeyError) else f"others: {error}"
        raise InputError(f"the settings of {kind!r}, as head.settings() gives them", received, REMEDY) from error
