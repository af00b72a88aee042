"""The whole road in one call: a folder of photographs in, a trained network out."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import keras

from cnnkit.backbones.extractor import Backbone
from cnnkit.backbones.extractor import backbone as build_backbone
from cnnkit.backbones.preprocessing import Given
from cnnkit.data.any_folder import dataset_of
from cnnkit.data.dataset import Dataset
from cnnkit.data.views.framing import Framing
from cnnkit.data.views.view import Augmenter
from cnnkit.engines.runtimes import EngineName, Precision
from cnnkit.heads.defaults import default_head
from cnnkit.heads.head import Head
from cnnkit.transfer.cache_choice import FeatureCache, Keep
from cnnkit.transfer.default_training import default_training
from cnnkit.transfer.fitting import fit
from cnnkit.transfer.network import Network, attach
from cnnkit.transfer.plan import Plan

Automatic = Literal["auto"]


def finetune(
    photos: str | Path | Dataset,
    *,
    backbone: str | Backbone | keras.Model = "mobilenet_v2",
    alpha: float | None = None,
    weights: str | Path | None = "imagenet",
    cut: str | None = None,
    input_shape: tuple[int, int, int] | None = None,
    preprocessing: Given | None = None,
    dilate: Literal[8, 16] | None = None,
    head: Head | None = None,
    framing: Framing | None = None,
    plan: Plan | None = None,
    augment: Augmenter | Automatic | None = "auto",
    cache: FeatureCache | Keep = "auto",
    views: int | Automatic | None = "auto",
    engine: EngineName = "tensorflow",
    precision: Precision = "float32",
    batch_size: int | Automatic = "auto",
    seed: int = 0,
    resume: str | Path | None = None,
    progress: bool = True,
) -> Network:
    """Trains a network of photographs in one call: the kind of truth chooses head, plan and augmentation.

    Of labels, the exact head first, then half of the way of the last two stages where it does no harm; it is no more
    than::

        photos = ck.data.folder("photos/")
        body = ck.backbone("mobilenet_v2")
        net = ck.attach(body, ck.heads.classifier(photos.classes, class_weight="balanced"))
        run = ck.fit(net, photos, ck.plans.probe_then_finetune(), augment=ck.data.Augmentation.slight(), views=4)

    Where a picture may show several classes the head is multi-label instead, without class weights. A head that cannot
    be solved, of hidden layers or another loss, is stepped, and so is one of very many pictures, whose features would
    not fit into memory: `ck.plans.freeze_then_finetune()`.

    Of boxes, the detector `ck.heads.fcos(photos.classes)`, alone and then with the last three stages::

        net = ck.attach(ck.backbone("mobilenet_v2"), ck.heads.fcos(photos.classes), framing=ck.data.Framing("pad"))
        augment = ck.data.Augmentation(width_shift=0.1, height_shift=0.1, zoom=0.15, horizontal_flip=True)
        run = ck.fit(net, photos, ck.plans.head_then_together(), augment=augment, batch_size=16)

    Of points, heatmaps and all layers at once, on pictures of one thing each, as `ck.data.crops` makes them::

        people = ck.data.crops(ck.data.coco("images/", "person_keypoints.json", target="boxes"), "person")
        head = ck.heads.heatmaps(people.names)
        net = ck.attach(ck.backbone("mobilenet_v2"), head, framing=ck.data.Framing("pad"))
        augment = ck.data.Augmentation(rotation=20, width_shift=0.08, height_shift=0.08, zoom=0.2,
                                       brightness=(0.8, 1.2), horizontal_flip=True)
        plan = ck.plans.together(epochs=min(90, max(6, math.ceil(22_000 / len(people.train)))), train="all",
                                 rate_decay=1.0)
        run = ck.fit(net, people, plan, augment=augment, views=None, batch_size=16)

    Of masks, a U-Net and the last three stages at once, on parts of the photographs::

        photos = ck.data.masks("images/", "masks/", ["background", "cat"])
        body = ck.backbone("mobilenet_v2", input_shape=(384, 480, 3))
        weights = ck.losses.balance_weights(photos.train.targets.pixels())
        head = ck.heads.unet(photos.classes, class_weight=weights, dice_over="batch")
        net = ck.attach(body, head, framing=ck.data.Framing("pad"))
        parts = ck.data.RandomCrop((288, 384), scale=(0.5, 2), whole=(384, 480), horizontal_flip=True)
        augment = ck.data.Chain((parts, ck.data.Augmentation(channel_shift=20, brightness=(0.7, 1.3))))
        plan = ck.plans.together(epochs=min(90, max(6, math.ceil(5400 / len(photos.train)))))
        run = ck.fit(net, photos, plan, augment=augment, views=None, batch_size=8)

    The input is as large as most photographs, up to some 384 × 512 pixels, so that they are seen whole and in their own
    pixels; what is missing to a multiple of 32 is a border. It is of the colour that stands outside of the parts too,
    so that the network knows it, and no pixel of it counts. A part has six tenths of the input's pixels and costs as
    much less; `pspnet`, which is built for one size, is trained on parts as large as its input. Masks that are
    predicted have the photograph's own size.

    Of pictures, `ck.heads.translator()`, trained as boxes are, on pairs that are mirrored alike and never change their
    colours; it minimises the absolute error, `ck.tasks.pix2pix` goes on from there.

    With a head of `ck.heads.embedding`, of labels that say whom a picture shows, in closed form::

        net = ck.attach(ck.backbone("mobilenet_v2"), ck.heads.embedding(photos.train))
        augment = ck.data.Augmentation(rotation=10, width_shift=0.05, height_shift=0.05, zoom=0.1,
                                       horizontal_flip=True, brightness=(0.8, 1.2))
        run = ck.fit(net, photos, ck.plans.whiten(), augment=augment, views=17)

    The exact head alone, `plan=ck.plans.probe(solver="lbfgs"), augment=None`, takes about a tenth of the time of labels
    and is nearly as accurate. `tests/benchmarks/bench_accuracy.py` and
    `bench_segmentation.py` say what was measured.

    Args:
        photos: A dataset, or a folder of photographs: one folder per class (see `ck.data.folder`), masks (see
            `ck.data.mask_folder`) or boxes in YOLO's text files (see `ck.data.yolo`).
        backbone: A name of `ck.backbones.names()`, or a backbone or functional model of yours.
        alpha: Its width, where it has one.
        weights: `"imagenet"`, a file, or None for random ones.
        cut: Where the backbone ends; by default at its last features.
        input_shape: (height, width, 3) of the input; by default what the weights were trained at, of masks that of
            whole photographs.
        preprocessing: What a model of yours takes, where `ck.backbone` cannot know: `"inside"` RGB 0…255, `"tf"`, …
        dilate: The stride that the last maps keep, as in `ck.backbone`; for heads of dilated backbones.
        head: What is put on the backbone; by default one of the above.
        framing: How a picture meets the input size; by default one of the above.
        plan: What trains when; by default one of the above.
        augment: Random versions of the training pictures; None for none.
        cache: Where what the frozen layers make of the pictures is kept, as in `fit`.
        views: How many versions of each picture take turns, as in `fit`; by default 4, of boxes 8, of
            masks and points None.
        engine: What runs the frozen layers, as in `fit`.
        precision: Of the frozen layers, as in `fit`.
        batch_size: Pictures a step; by default 32, of boxes and points 16, of masks 8.
        seed: Of the head's weights, the split, the order, augmentation and dropout.
        resume: Folder of checkpoints to write and to go on from, as in `fit`.
        progress: Whether to show the live line.

    Returns:
        The network; what happened is in its `run`.

    Raises:
        DataError: The folder holds no usable dataset.
        InputError: Truth without a default head, and no head.
        UnknownNameError: No such backbone or cut.
        WeightsError: The weights are not here and cannot be fetched; the message says where to put which file.
    """
    dataset = dataset_of(photos, seed=seed)
    if head is None:
        head = default_head(dataset.kind, dataset.names, truth=dataset.train.targets, seed=seed)
    usual = default_training(head.target.kind if isinstance(head, Head) else dataset.kind)
    if input_shape is None and isinstance(backbone, str) and usual.input_shape is not None:
        input_shape = usual.input_shape(dataset.train)
    body = build_backbone(
        backbone,
        cut=cut,
        weights=weights,
        input_shape=input_shape,
        alpha=alpha,
        preprocessing=preprocessing,
        dilate=dilate,
        seed=seed,
    )
    network = attach(body, head, framing=framing or usual.framing)
    fit(
        network,
        dataset,
        plan or usual.plan(dataset, network),
        augment=usual.augment(network) if augment == "auto" else augment,
        cache=cache,
        views=usual.views if views == "auto" else views,
        engine=engine,
        precision=precision,
        batch_size=usual.batch_size if batch_size == "auto" else batch_size,
        seed=seed,
        resume=resume,
        progress=progress,
    )
    return network
