"""How `ck.finetune` trains where nobody asks for something else: the kind of what is predicted decides."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from cnnkit.backbones.resizing import DEEPEST_STRIDE, at_size
from cnnkit.data.dataset import Dataset
from cnnkit.data.source import Source
from cnnkit.data.views.augmentation import Augmentation
from cnnkit.data.views.chain import Chain
from cnnkit.data.views.framing import Framing
from cnnkit.data.views.random_crop import RandomCrop
from cnnkit.data.views.view import Augmenter
from cnnkit.errors import InputError
from cnnkit.heads.classification import Classifier
from cnnkit.transfer.network import Network
from cnnkit.transfer.plan import Plan
from cnnkit.transfer.plans import freeze_then_finetune, head_then_together, probe_then_finetune, together, whiten

Size = tuple[int, int]

# The exact head of more pictures × classes takes longer than their features, and of so many steps come as near.
MOST_PROBABILITIES, LEAST_CLASSES = 10_000_000, 50
# It has the features of all views in memory, so many numbers of four bytes at most; steps read them from the disk.
MOST_NUMBERS = 300_000_000
# How many of the last stages train for labels, and how many versions of each picture.
STAGES, VIEWS = 2, 4
# Photographs with more pixels are framed smaller.
MOST_PIXELS = 384 * 512
# Larger inputs are trained on parts of so many pixels, which cost as much less; a network without dense layers predicts
# the whole all the same.
PART_PIXELS = 288 * 384
# How many parts a decoder is trained on, and how many views of people heatmaps are; how often each photograph is seen.
ENOUGH = {"masks": 5_400, "points": 22_000}
LEAST_EPOCHS, MOST_EPOCHS = 6, 90


@dataclass(frozen=True)
class DefaultTraining:
    """What suits one kind of predictions.

    Attributes:
        plan: Given the pictures and the network.
        augment: Given the network.
        views: As in `fit`.
        batch_size: Pictures a step.
        framing: How a picture meets the input; None as the backbone's published accuracy was measured.
        input_shape: Of the input for the training pictures; None what the weights were trained at.
    """

    plan: Callable[[Dataset, Network], Plan]
    augment: Callable[[Network], Augmenter]
    views: int | None
    batch_size: int
    framing: Framing | None = None
    input_shape: Callable[[Source], tuple[int, int, int]] | None = None


def whole_photographs(source: Source) -> tuple[int, int, int]:
    """(height, width, 3) of an input that shows photographs of the usual shape whole and in their own pixels.

    The medians of their heights and widths, made smaller where they are large, then up to a multiple of 32: what is
    left over is a border of padding.
    """
    shapes = np.array([source.shape(index) for index in range(len(source))], np.float64)
    height, width = np.median(shapes, axis=0)
    smaller = min(1.0, math.sqrt(MOST_PIXELS / (height * width)))
    return _up(smaller * height), _up(smaller * width), 3


def parts_of_photographs(network: Network) -> Augmenter:
    """Parts of photographs at scales from .5 to 2, mirrored, in other colours; what lies outside them is void."""
    parts = RandomCrop(part_size(network), scale=(0.5, 2.0), whole=network.size, horizontal_flip=True)
    return Chain((parts, Augmentation(channel_shift=20, brightness=(0.7, 1.3))))


def part_size(network: Network) -> Size:
    """Of a large input a part of the same shape, where the layers take another size than their own."""
    height, width = network.size
    smaller = min(1.0, math.sqrt(PART_PIXELS / (height * width)))
    size = _nearest(smaller * height), _nearest(smaller * width)
    try:
        at_size(network.model, size)
    except InputError:
        return network.size
    return size


def exact_head_first(photos: Dataset, network: Network) -> Plan:
    """The exact head, then half of the way of the last two stages; in steps where there is none, or a large one."""
    head, count = network.head, len(photos.train)
    if isinstance(head, Classifier) and head.cross_entropy is not None and not head.hidden:
        features = math.prod(network.model.layers[-1].input.shape[1:])
        quick = count * max(LEAST_CLASSES, len(head.names)) <= MOST_PROBABILITIES
        if quick and count * VIEWS * features <= MOST_NUMBERS:
            return probe_then_finetune(train=min(STAGES, len(network.groups) - 1))
    return freeze_then_finetune(patience=4 if len(photos.validation) else None)


def enough_epochs(kind: str, photos: Dataset) -> int:
    """So many that a decoder sees enough parts, or heatmaps enough people, and each photograph a few times."""
    return min(MOST_EPOCHS, max(LEAST_EPOCHS, math.ceil(ENOUGH[kind] / len(photos.train))))


def enough_parts(photos: Dataset, network: Network) -> Plan:
    """Everything at once."""
    return together(epochs=enough_epochs("masks", photos))


def enough_people(photos: Dataset, network: Network) -> Plan:
    """Everything at once and at one rate."""
    return together(epochs=enough_epochs("points", photos), train="all", rate_decay=1.0)


def default_training(kind: str) -> DefaultTraining:
    """That of a kind of predictions; that of labels where none is known for it."""
    return OF_KINDS.get(kind, OF_LABELS)


def _up(side: float) -> int:
    return DEEPEST_STRIDE * math.ceil(round(side) / DEEPEST_STRIDE)


def _nearest(side: float) -> int:
    return DEEPEST_STRIDE * max(1, round(side / DEEPEST_STRIDE))


OF_LABELS = DefaultTraining(
    plan=exact_head_first,
    augment=lambda network: Augmentation.slight(),
    views=VIEWS,
    batch_size=32,
)
OF_KINDS = {
    "masks": DefaultTraining(
        plan=enough_parts,
        augment=parts_of_photographs,
        views=None,
        batch_size=8,
        framing=Framing("pad"),
        input_shape=whole_photographs,
    ),
    "boxes": DefaultTraining(
        plan=lambda photos, network: head_then_together(),
        augment=lambda network: Augmentation(width_shift=0.1, height_shift=0.1, zoom=0.15, horizontal_flip=True),
        views=8,
        batch_size=16,
        framing=Framing("pad"),
    ),
    "pictures": DefaultTraining(
        plan=lambda photos, network: head_then_together(),
        augment=lambda network: Augmentation(horizontal_flip=True),  # colours are what the target has to say
        views=None,
        batch_size=8,
        framing=Framing("squash"),
    ),
    "vectors": DefaultTraining(
        plan=lambda photos, network: whiten(),
        augment=lambda network: Augmentation(
            rotation=10, width_shift=0.05, height_shift=0.05, zoom=0.1, horizontal_flip=True, brightness=(0.8, 1.2)
        ),
        views=17,
        batch_size=32,
    ),
    "points": DefaultTraining(
        plan=enough_people,
        augment=lambda network: Augmentation(
            rotation=20, width_shift=0.08, height_shift=0.08, zoom=0.2, brightness=(0.8, 1.2), horizontal_flip=True
        ),
        views=None,
        batch_size=16,
        framing=Framing("pad"),
    ),
}
"""Kind of what the head predicts → how it is trained."""
