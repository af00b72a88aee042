"""Segmentation: a class for each pixel, by a decoder that any backbone's pyramid can carry, one file each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from numbers import Integral, Real
from typing import Any, ClassVar, Protocol, get_args

import cv2
import keras
import numpy as np
from numpy.typing import NDArray

from cnnkit.arguments import whole
from cnnkit.data.targets.masks import Masks
from cnnkit.errors import DataError, InputError
from cnnkit.heads.classifier_arguments import class_names
from cnnkit.heads.head import Size
from cnnkit.heads.segmentation_score import SegmentationScore
from cnnkit.losses.overlap import Over, dice
from cnnkit.losses.pixels import pixel_cross_entropy
from cnnkit.necks.levels import Levels

ANSWER = "logits"
"""The output that is decoded, where deep supervision adds others."""


@dataclass(frozen=True)
class Scores:
    """The last layer of every decoder: a 1×1 convolution to one logit per class.

    Attributes:
        classes: How many there are.
        seed: Of the initial weights.
    """

    classes: int
    seed: int

    def of(self, x: keras.KerasTensor, name: str, *, zeros: bool = False) -> keras.KerasTensor:
        """(n, h, w, classes) logits of a map, in float32 also under mixed precision; they may begin at zero."""
        initial = "zeros" if zeros else keras.initializers.GlorotUniform(seed=self.seed)
        return keras.layers.Conv2D(self.classes, 1, kernel_initializer=initial, name=name, dtype="float32")(x)


def scores_of(scales: Mapping[str, keras.KerasTensor], scores: Scores) -> dict[str, keras.KerasTensor]:
    """Scores of a decoder's scales, coarse to fine, given fine to coarse."""
    finest, *coarser = scales
    made = {name: scores.of(scales[name], f"score_{name}") for name in reversed(coarser)}
    return made | {finest: scores.of(scales[finest], "logits")}


class Decoder(Protocol):
    """What differs from one segmentation network to another; a frozen dataclass of JSON values."""

    kind: ClassVar[str]

    @property
    def taps(self) -> tuple[str, ...]:
        """The levels of the backbone's pyramid that it takes."""

    def build(self, features: Levels, scores: Scores) -> dict[str, keras.KerasTensor]:
        """Logits by the scale of their map, coarse to fine: the last are the answer, the others may be supervised."""


@dataclass(frozen=True)
class Segmenter:
    """A head that says of each pixel which class it shows; made by `fcn`, `unet` and others, which document the fields.

    Its output is (h / s, w / s, classes) logits, s the stride of the decoder's finest map. The loss is taken there,
    with the class of the pixel in the middle of each cell; what is decoded has the size of the input.
    """

    names: tuple[str, ...]
    decoder: Decoder
    class_weight: tuple[float, ...] | None = None
    dice_weight: float = 1.0
    dice_over: Over = "picture"
    deep_supervision: float = 0.0
    seed: int = 0

    def __post_init__(self) -> None:
        for fine, expected, received, remedy in _conditions(self):
            if not fine:
                raise InputError(expected, received, remedy)

    @property
    def target(self) -> type[Masks]:
        """Masks."""
        return Masks

    @property
    def taps(self) -> tuple[str, ...]:
        """The levels that the decoder takes."""
        return self.decoder.taps

    def build(self, features: Levels) -> keras.KerasTensor | dict[str, keras.KerasTensor]:
        """The decoder's logits; under deep supervision `"logits"` and those of its coarser maps, by scale."""
        *coarser, (_, answer) = self.decoder.build(features, Scores(len(self.names), self.seed)).items()
        return {ANSWER: answer, **dict(coarser)} if self.deep_supervision else answer

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
        """(n,) weighed cross-entropy of the pixels, plus `dice_weight` times the Dice loss.

        Under deep supervision plus `deep_supervision` times that of each coarser map.
        """
        loss = self._loss_of(encoded, _answer(outputs))
        if isinstance(outputs, Mapping):
            coarser = [self._loss_of(encoded, logits) for name, logits in outputs.items() if name != ANSWER]
            loss = loss + self.deep_supervision * sum(coarser)
        return loss

    def _loss_of(self, encoded: Any, logits: Any) -> Any:
        labels = _at_cells(encoded, logits.shape[1:3])
        weights = None if self.class_weight is None else keras.ops.convert_to_tensor(self.class_weight, "float32")
        loss = pixel_cross_entropy(labels, logits, weights=weights)
        return loss + self.dice_weight * dice(labels, logits, over=self.dice_over) if self.dice_weight else loss

    def weights(self, truth: Masks) -> None:
        """Pictures weigh the same."""
        return

    def decode(self, outputs: Any, size: Size) -> Masks:
        """(n, h', w', classes) logits → the likeliest class of each pixel, logits enlarged before."""
        height, width = size
        maps = [
            cv2.resize(np.asarray(logits, np.float32), (width, height), interpolation=cv2.INTER_LINEAR)
            .reshape(height, width, -1)
            .argmax(axis=-1)
            .astype(np.uint8)
            for logits in _answer(outputs)
        ]
        return Masks.of_arrays(self.names, maps)

    def answer_map(self, outputs: Any) -> NDArray[np.float32]:
        """(n, h', w', classes) the logits that are decoded."""
        return np.asarray(_answer(outputs), np.float32)

    def score(self) -> SegmentationScore:
        """Mean IoU, accuracies and the IoU of each class."""
        return SegmentationScore(self.names)

    def settings(self) -> dict[str, Any]:
        """The fields as JSON values, with the decoder's `kind`."""
        return {"kind": self.decoder.kind, **asdict(self)}

    @classmethod
    def from_settings(cls, settings: Mapping[str, Any], decoder: type[Decoder]) -> Segmenter:
        """The head that `settings` described, given the class of its decoder."""
        fields = {name: value for name, value in settings.items() if name != "kind"}
        parts = {name: tuple(part) if isinstance(part, list) else part for name, part in fields["decoder"].items()}
        weights = fields["class_weight"]
        return cls(
            **{
                **fields,
                "names": tuple(fields["names"]),
                "decoder": decoder(**parts),
                "class_weight": None if weights is None else tuple(weights),
            }
        )


def segmenter(
    classes: Sequence[str],
    decoder: Decoder,
    class_weight: Sequence[float] | None,
    dice_weight: float,
    dice_over: Over,
    deep_supervision: float,
    seed: int,
) -> Segmenter:
    """The head of a decoder, with what its users gave."""
    weights = None if class_weight is None else tuple(float(weight) for weight in class_weight)
    return Segmenter(class_names(classes), decoder, weights, dice_weight, dice_over, deep_supervision, seed)


def levels(finest: int, deepest: int) -> tuple[str, ...]:
    """The names of all levels between two strides, both among them.

    >>> levels(8, 32)
    ('P3', 'P4', 'P5')
    """
    return tuple(f"P{level}" for level in range(finest.bit_length() - 1, deepest.bit_length()))


# ---- Arguments ----


def check_stride(name: str, stride: object, allowed: Sequence[int], remedy: str) -> None:
    """Refuses a stride that a decoder has no map of.

    Raises:
        InputError: It is none of those.
    """
    if isinstance(stride, bool) or stride not in allowed:
        *most, last = map(str, allowed)
        raise InputError(f"{name} of {', '.join(most)} or {last}", repr(stride), remedy)


def widths_of(widths: object, remedy: str) -> tuple[int, ...]:
    """Channels of each scale as whole numbers above 0, one or a list.

    Raises:
        InputError: Others.
    """
    given: list[Any] = list(widths) if isinstance(widths, Sequence) and not isinstance(widths, str) else [widths]
    if not given or not all(whole(width, 1) for width in given):
        raise InputError("widths above 0, whole numbers", repr(widths), remedy)
    return tuple(int(width) for width in given)


def _conditions(head: Segmenter) -> list[tuple[bool, str, str, str]]:
    """(whether it holds, what is expected, what was received, what to do)."""
    weights = head.class_weight
    return [
        (len(head.names) >= 2, "at least two classes", f"{list(head.names)}", "Name the background too."),
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
        (
            head.dice_over in get_args(Over),
            "dice_over as 'picture' or 'batch'",
            repr(head.dice_over),
            "'picture' is the default.",
        ),
        (
            isinstance(head.deep_supervision, Real) and 0 <= head.deep_supervision < np.inf,
            "a deep_supervision of at least 0",
            repr(head.deep_supervision),
            "It weighs the loss of each coarser map; 0 leaves them out.",
        ),
        (isinstance(head.seed, Integral), "a seed as a whole number", repr(head.seed), "0 is the default."),
    ]


def _answer(outputs: Any) -> Any:
    """The logits that are decoded."""
    return outputs[ANSWER] if isinstance(outputs, Mapping) else outputs


def _at_cells(labels: Any, size: tuple[int, int]) -> Any:
    """(n, h, w) labels → (n, *size): the label of the pixel in the middle of each cell."""
    rows, columns = (_middles(side, cells) for side, cells in zip(labels.shape[1:3], size, strict=True))
    return keras.ops.take(keras.ops.take(labels, rows, axis=1), columns, axis=2)


def _middles(side: int, cells: int) -> NDArray[np.int64]:
    return ((np.arange(cells) + 0.5) * side / cells).astype(np.int64)
