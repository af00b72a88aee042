"""The whole road in one call: a folder of photographs in, a trained network out."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import keras

from cnnkit.backbones.extractor import Backbone
from cnnkit.backbones.extractor import backbone as build_backbone
from cnnkit.backbones.preprocessing import Given
from cnnkit.data.dataset import Dataset
from cnnkit.data.image_folder import dataset_of
from cnnkit.data.views.augmentation import Augmentation
from cnnkit.data.views.framing import Framing
from cnnkit.data.views.view import Augmenter
from cnnkit.engines.runtimes import EngineName, Precision
from cnnkit.heads.defaults import default_head
from cnnkit.heads.head import Head
from cnnkit.transfer.cache_choice import FeatureCache, Keep
from cnnkit.transfer.fitting import fit
from cnnkit.transfer.network import Network, attach
from cnnkit.transfer.plan import Plan
from cnnkit.transfer.plans import freeze_then_finetune

GENTLE = Augmentation.gentle()


def finetune(
    photos: str | Path | Dataset,
    *,
    backbone: str | Backbone | keras.Model = "mobilenet_v2",
    alpha: float | None = None,
    weights: str | Path | None = "imagenet",
    cut: str | None = None,
    input_shape: tuple[int, int, int] | None = None,
    preprocessing: Given | None = None,
    head: Head | None = None,
    hidden: int | Sequence[int] = (),
    dropout: float = 0.5,
    label_smoothing: float = 0.1,
    framing: Framing | None = None,
    plan: Plan | None = None,
    augment: Augmenter | None = GENTLE,
    cache: FeatureCache | Keep = "auto",
    views: int | None = 8,
    engine: EngineName = "tensorflow",
    precision: Precision = "float32",
    batch_size: int = 32,
    seed: int = 0,
    resume: str | Path | None = None,
    progress: bool = True,
) -> Network:
    """Trains a network of photographs: the head first, then the last stage too; the kind of truth chooses the head.

    It is no more than::

        photos = ck.data.folder("photos/")
        body = ck.backbone("mobilenet_v2")
        head = ck.heads.classifier(photos.classes, dropout=0.5, label_smoothing=0.1, class_weight="balanced")
        net = ck.attach(body, head)
        run = ck.fit(net, photos, ck.plans.freeze_then_finetune(), augment=ck.data.Augmentation.gentle())

    Where a picture may show several classes the head is multi-label instead, without class weights.

    No plan wins on every set. The exact head alone, `plan=ck.plans.probe(solver="lbfgs"), augment=None,
    label_smoothing=0`, takes about a tenth of the time and may be as accurate or more so: compare both on validation
    pictures. `tests/benchmarks/bench_accuracy.py` says what was measured.

    Args:
        photos: A folder (see `ck.data.folder`) or a dataset.
        backbone: A name of `ck.backbones.names()`, or a backbone or functional model of yours.
        alpha: Its width, where it has one.
        weights: `"imagenet"`, a file, or None for random ones.
        cut: Where the backbone ends; by default at its last features.
        input_shape: (height, width, 3) of the input; by default what the weights were trained at.
        preprocessing: What a model of yours takes, where `ck.backbone` cannot know: `"inside"` RGB 0…255, `"tf"`, …
        head: What is put on the backbone; by default a classifier, of several labels where the dataset has them.
        hidden: Of the default head, units of hidden layers in the head; a number is one layer.
        dropout: Of the default head.
        label_smoothing: Of the default head, part of the target spread over all classes.
        framing: How a picture meets the input size.
        plan: What trains when; by default the head, then the last stage too.
        augment: Random versions of the training pictures; None for none.
        cache: Where what the frozen layers make of the pictures is kept, as in `fit`.
        views: How many versions of each picture take turns, as in `fit`.
        engine: What runs the frozen layers, as in `fit`.
        precision: Of the frozen layers, as in `fit`.
        batch_size: Pictures a step.
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
        head = default_head(dataset.kind)(
            dataset.names, hidden=hidden, dropout=dropout, label_smoothing=label_smoothing, seed=seed
        )
    body = build_backbone(
        backbone,
        cut=cut,
        weights=weights,
        input_shape=input_shape,
        alpha=alpha,
        preprocessing=preprocessing,
        seed=seed,
    )
    network = attach(body, head, framing=framing)
    fit(
        network,
        dataset,
        plan or freeze_then_finetune(patience=4 if len(dataset.validation) else None),
        augment=augment,
        cache=cache,
        views=views,
        engine=engine,
        precision=precision,
        batch_size=batch_size,
        seed=seed,
        resume=resume,
        progress=progress,
    )
    return network
