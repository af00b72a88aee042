"""Segmentation: a class for each pixel, by decoders that any backbone's pyramid can carry."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from numbers import Integral, Real
from typing import Any, Literal

import cv2
import keras
import numpy as np
from numpy.typing import NDArray

from cnnkit.data.targets.masks import Masks
from cnnkit.errors import DataError, InputError
from cnnkit.heads.classifier_arguments import class_names
from cnnkit.heads.head import Size
from cnnkit.heads.segmentation_score import SegmentationScore
from cnnkit.losses.overlap import dice
from cnnkit.losses.pixels import pixel_cross_entropy
from cnnkit.necks.levels import Levels, deepest_first, enlarged
from cnnkit.necks.u_shape import unet as unet_neck

Decoder = Literal["fcn", "unet"]


@dataclass(frozen=True)
class Segmenter:
    """A head that says of each pixel which class it shows; made by `fcn` and `unet`, which document the fields.

    Its output is (h / s, w / s, classes) logits, s the stride of the finest tap. The loss is taken there, with the
    class of the pixel in the middle of each cell; what is decoded has the size of the input.
    """

    names: tuple[str, ...]
    decoder: Decoder
    taps: tuple[str, ...]
    widths: tuple[int, ...] = ()
    class_weight: tuple[float, ...] | None = None
    dice_weight: float = 1.0
    seed: int = 0

    def __post_init__(self) -> None:
        for fine, expected, received, remedy in _conditions(self):
            if not fine:
                raise InputError(expected, received, remedy)

    @property
    def target(self) -> type[Masks]:
        """Masks."""
        return Masks

    def build(self, features: Levels) -> keras.KerasTensor:
        """The decoder, then logits in float32 also under mixed precision."""
        return DECODERS[self.decoder](self, features)

    def encode(self, truth: Masks, size: Size) -> NDArray[np.uint8]:
        """(n, h, w) the classes of the pixels, 255 where nothing is known.

        Raises:
            DataError: The truth is of another kind, or has other classes.
        """
        if not isinstance(truth, Masks) or truth.names != self.names:
            raise DataError(
                f"masks of the classes {list(self.names)} for this head",
                f"{truth.kind} of {list(truth.names)}",
                "Make the head with the classes of the dataset: photos.classes.",
            )
        return np.stack([truth.mask(index) for index in range(len(truth))])

    def loss(self, encoded: Any, outputs: Any) -> Any:
        """(n,) weighed cross-entropy of the pixels, plus `dice_weight` times the Dice loss."""
        labels = _at_cells(encoded, outputs.shape[1:3])
        weights = None if self.class_weight is None else keras.ops.convert_to_tensor(self.class_weight, "float32")
        loss = pixel_cross_entropy(labels, outputs, weights=weights)
        return loss + self.dice_weight * dice(labels, outputs) if self.dice_weight else loss

    def weights(self, truth: Masks) -> None:
        """Pictures weigh the same."""
        return

    def decode(self, outputs: NDArray[np.float32], size: Size) -> Masks:
        """(n, h', w', classes) logits → the likeliest class of each pixel, logits enlarged before."""
        height, width = size
        maps = [
            cv2.resize(np.asarray(logits, np.float32), (width, height), interpolation=cv2.INTER_LINEAR)
            .reshape(height, width, -1)
            .argmax(axis=-1)
            .astype(np.uint8)
            for logits in outputs
        ]
        return Masks.of_arrays(self.names, maps)

    def score(self) -> SegmentationScore:
        """Mean IoU, accuracies and the IoU of each class."""
        return SegmentationScore(self.names)

    def settings(self) -> dict[str, Any]:
        """The fields as JSON values, with `kind`."""
        return {"kind": "segmenter", **asdict(self)}

    @classmethod
    def from_settings(cls, settings: Mapping[str, Any]) -> Segmenter:
        """The head that `settings` described."""
        fields = {name: value for name, value in settings.items() if name != "kind"}
        for name in ("names", "taps", "widths", "class_weight"):
            fields[name] = tuple(fields[name]) if fields[name] is not None else None
        return cls(**fields)


def fcn(
    classes: Sequence[str],
    *,
    stride: int = 8,
    class_weight: Sequence[float] | None = None,
    dice_weight: float = 1.0,
    seed: int = 0,
) -> Segmenter:
    """A fully convolutional network: scores of each class at stride 32, summed with those of finer maps.

    Long, Shelhamer and Darrell, "Fully Convolutional Networks for Semantic Segmentation", CVPR 2015 (arXiv:1411.4038),
    figure 3: FCN-32s, FCN-16s and FCN-8s.

    Args:
        classes: Names in the order of the masks' numbers.
        stride: Of the finest map: 32 takes P5 alone, 16 adds P4, 8 adds P3.
        class_weight: One per class in the cross-entropy; `ck.losses.balance_weights` makes them of pixel counts.
        dice_weight: Of the Dice loss, which every class counts alike in; 0 leaves it out.
        seed: Of the initial weights.

    Raises:
        InputError: Another stride, or a setting out of its range.
    """
    if stride not in (8, 16, 32):
        raise InputError("a stride of 8, 16 or 32", repr(stride), "8 is the finest of the paper.")
    taps = tuple(f"P{level}" for level in range(int(stride).bit_length() - 1, 6))
    return _segmenter(classes, "fcn", taps, (), class_weight, dice_weight, seed)


def unet(
    classes: Sequence[str],
    *,
    widths: Sequence[int] = (128, 64, 48),
    class_weight: Sequence[float] | None = None,
    dice_weight: float = 1.0,
    seed: int = 0,
) -> Segmenter:
    """The expanding half of a U-Net on P5, one scale for each width; three widths end at P2, stride 4.

    Ronneberger, Fischer and Brox, MICCAI 2015 (arXiv:1505.04597); see `ck.necks.unet`.

    Args:
        classes: Names in the order of the masks' numbers.
        widths: Channels of each scale, from P4 on upwards; up to four.
        class_weight: As of `fcn`.
        dice_weight: As of `fcn`.
        seed: Of the initial weights.

    Raises:
        InputError: More than four widths or none, or a setting out of its range.
    """
    sizes = tuple(widths)
    if not 1 <= len(sizes) <= 4:
        raise InputError("one to four widths", f"{len(sizes)}", "Three end at stride 4: (128, 64, 48).")
    taps = tuple(f"P{level}" for level in range(5 - len(sizes), 6))
    return _segmenter(classes, "unet", taps, sizes, class_weight, dice_weight, seed)


# ---- Decoders ----


def _fcn(head: Segmenter, features: Levels) -> keras.KerasTensor:
    score: keras.KerasTensor | None = None
    for name, level in deepest_first(features):
        # A skip begins at zero, so that the network starts as the coarser one (section 4.3 of the paper).
        initializer = keras.initializers.GlorotUniform(seed=head.seed) if score is None else "zeros"
        own = _logits(head, f"score_{name}", initializer)(level)
        score = (
            own if score is None else keras.layers.Add(name=f"sum_{name}")([own, enlarged(score, own, f"up_{name}")])
        )
    return score


def _unet(head: Segmenter, features: Levels) -> keras.KerasTensor:
    finest = next(iter(unet_neck(features, widths=head.widths, seed=head.seed).values()))
    return _logits(head, "logits", keras.initializers.GlorotUniform(seed=head.seed))(finest)


def _logits(head: Segmenter, name: str, initializer: Any) -> keras.layers.Conv2D:
    return keras.layers.Conv2D(len(head.names), 1, kernel_initializer=initializer, name=name, dtype="float32")


DECODERS: dict[str, Callable[[Segmenter, Levels], keras.KerasTensor]] = {"fcn": _fcn, "unet": _unet}


# ---- Arguments ----


def _segmenter(
    classes: Sequence[str],
    decoder: Decoder,
    taps: tuple[str, ...],
    widths: tuple[int, ...],
    class_weight: Sequence[float] | None,
    dice_weight: float,
    seed: int,
) -> Segmenter:
    weights = None if class_weight is None else tuple(float(weight) for weight in class_weight)
    return Segmenter(class_names(classes), decoder, taps, widths, weights, dice_weight, seed)


def _conditions(head: Segmenter) -> list[tuple[bool, str, str, str]]:
    """(whether it holds, what is expected, what was received, what to do)."""
    weights = head.class_weight
    return [
        (len(head.names) >= 2, "at least two classes", f"{list(head.names)}", "Name the background too."),
        (
            all(isinstance(width, Integral) and width > 0 for width in head.widths),
            "widths above 0, whole numbers",
            repr(head.widths),
            "(128, 64, 48) suit most.",
        ),
        (
            weights is None or len(weights) == len(head.names),
            f"one weight for each of the {len(head.names)} classes",
            repr(weights),
            "ck.losses.balance_weights(pixels) makes them.",
        ),
        (
            weights is None or all(0 <= weight < np.inf for weight in weights),
            "finite class weights of at least 0",
            repr(weights),
            "1 is the weight of an ordinary class.",
        ),
        (
            isinstance(head.dice_weight, Real) and 0 <= head.dice_weight < np.inf,
            "a dice_weight of at least 0",
            repr(head.dice_weight),
            "0 leaves the Dice loss out.",
        ),
        (isinstance(head.seed, Integral), "a seed as a whole number", repr(head.seed), "0 is the default."),
    ]


def _at_cells(labels: Any, size: tuple[int, int]) -> Any:
    """(n, h, w) labels → (n, *size): the label of the pixel in the middle of each cell."""
    rows, columns = (_middles(side, cells) for side, cells in zip(labels.shape[1:3], size, strict=True))
    return keras.ops.take(keras.ops.take(labels, rows, axis=1), columns, axis=2)


def _middles(side: int, cells: int) -> NDArray[np.int64]:
    return ((np.arange(cells) + 0.5) * side / cells).astype(np.int64)
