"""Classification + localization: the class and the box of each of a known number of objects, on one backbone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from numbers import Integral, Real
from typing import Any, Literal, get_args

import keras
import numpy as np
from numpy.typing import NDArray

from cnnkit.arguments import whole
from cnnkit.data.targets.boxes import Boxes
from cnnkit.errors import DataError, InputError, unknown_name
from cnnkit.heads.box_position import attention, from_map, from_vector
from cnnkit.heads.classification import POOLING_LAYERS
from cnnkit.heads.classifier_arguments import class_names
from cnnkit.heads.head import Size
from cnnkit.heads.localization_score import LocalizationScore
from cnnkit.losses.boxes import giou, smooth_l1
from cnnkit.necks.feature_pyramid import fpn

Pooling = Literal["attention", "average", "flatten"]

LEVELS = ("P3", "P4", "P5")
# Where the error of a side turns from squared to absolute, as a share of the picture.
BETA = 0.05


@dataclass(frozen=True)
class Localizer:
    """A head that says which objects a picture shows and where; made by `localizer`, which documents the fields.

    Its outputs are `"boxes"`, (boxes, 4) corners as shares of the picture, and, of several classes, `"classes"`,
    (boxes, classes) probabilities.
    """

    names: tuple[str, ...]
    boxes: int = 1
    pooling: Pooling = "attention"
    width: int = 64
    box_weight: float = 1.0
    seed: int = 0

    def __post_init__(self) -> None:
        if self.pooling not in get_args(Pooling):
            raise unknown_name("a pooling", str(self.pooling), get_args(Pooling))
        for fine, expected, received, remedy in _conditions(self):
            if not fine:
                raise InputError(expected, received, remedy)
        for name in ("boxes", "width", "seed"):
            object.__setattr__(self, name, int(getattr(self, name)))  # a layer and JSON refuse NumPy's

    @property
    def target(self) -> type[Boxes]:
        """Boxes."""
        return Boxes

    @property
    def taps(self) -> tuple[str, ...]:
        """Attention looks at strides 8 to 32; what is pooled is the cut."""
        return LEVELS if self.pooling == "attention" else ()

    def build(self, features: Any) -> dict[str, keras.KerasTensor]:
        """Two branches that share nothing but the backbone, so that one can train while the other is frozen."""
        if self.pooling == "attention":
            finest = keras.layers.ReLU(name="box_relu")(fpn(features, width=self.width, seed=self.seed)[LEVELS[0]])
            corners = from_map(finest, self.boxes, seed=self.seed)
        else:
            corners = from_vector(_vector(features, self.pooling, "box"), self.boxes, seed=self.seed)
        outputs = {"boxes": corners}
        if len(self.names) > 1:
            outputs["classes"] = self._classes(features)
        return outputs

    def encode(self, truth: Boxes, size: Size) -> dict[str, NDArray[Any]]:
        """`boxes` (n, boxes, 4) as shares of the picture, from left to right, and `classes` (n, boxes).

        A box that is not there, since the view does not show it, has class −1.

        Raises:
            DataError: The truth is of another kind, has other classes, or more boxes in one picture.
        """
        self._check(truth)
        owners = truth.owners
        order = np.lexsort((truth.boxes[:, [0, 2]].sum(axis=1), owners))  # within each picture by the middle
        places = np.arange(len(order)) - truth.starts[owners]
        boxes = np.zeros((len(truth), self.boxes, 4), np.float32)
        classes = np.full((len(truth), self.boxes), -1, np.int32)
        boxes[owners, places] = truth.boxes[order] / _sides(size)
        classes[owners, places] = truth.labels[order]
        return {"boxes": boxes, "classes": classes}

    def loss(self, encoded: Any, outputs: Any) -> Any:
        """(n,) cross-entropy of the class + `box_weight` · (1 − GIoU + smooth L1), the mean over the boxes shown."""
        classes = keras.ops.convert_to_tensor(encoded["classes"])
        loss = giou(encoded["boxes"], outputs["boxes"]) + smooth_l1(encoded["boxes"], outputs["boxes"], beta=BETA)
        loss = self.box_weight * loss
        if "classes" in outputs:
            place = keras.ops.maximum(classes, 0)[..., None]
            loss += keras.losses.sparse_categorical_crossentropy(place, outputs["classes"])
        shown = keras.ops.cast(classes >= 0, loss.dtype)
        return keras.ops.sum(loss * shown, axis=1) / keras.ops.maximum(keras.ops.sum(shown, axis=1), 1)

    def weights(self, truth: Boxes) -> None:
        """Pictures weigh the same.

        Raises:
            DataError: As of `encode`: said of all pictures before the first step.
        """
        self._check(truth)

    def decode(self, outputs: Mapping[str, NDArray[np.float32]], size: Size) -> Boxes:
        """The boxes of each picture in pixels, with the likeliest class and its probability as the score."""
        corners = np.clip(np.asarray(outputs["boxes"], np.float64), 0, 1) * _sides(size)
        count = len(corners)
        flat = np.ones((count * self.boxes, 1), np.float32)
        if "classes" in outputs:
            flat = np.asarray(outputs["classes"], np.float32).reshape(-1, len(self.names))
        return Boxes(
            names=self.names,
            boxes=corners.reshape(-1, 4),
            labels=flat.argmax(axis=1),
            starts=np.arange(count + 1) * self.boxes,
            scores=flat.max(axis=1),
        )

    def score(self) -> LocalizationScore:
        """Mean IoU, the share of boxes above one half, and the accuracy of the labels."""
        return LocalizationScore(self.names)

    def settings(self) -> dict[str, Any]:
        """The fields as JSON values, with `kind`."""
        return {"kind": "localizer", **asdict(self)}

    @classmethod
    def from_settings(cls, settings: Mapping[str, Any]) -> Localizer:
        """The head that `settings` described."""
        fields = {name: value for name, value in settings.items() if name != "kind"}
        return cls(**fields | {"names": tuple(fields["names"])})

    def _classes(self, features: Any) -> keras.KerasTensor:
        """(n, boxes, classes) probabilities."""
        seeded = keras.initializers.GlorotUniform(seed=self.seed + 2)
        if self.pooling != "attention":
            dense = keras.layers.Dense(self.boxes * len(self.names), kernel_initializer=seeded, name="class_scores")
            scores = dense(_vector(features, self.pooling, "class"))
            scores = keras.layers.Reshape((self.boxes, len(self.names)), name="class_scores_per_box")(scores)
        else:
            deepest = features[LEVELS[-1]]
            belief = attention(deepest, self.boxes, name="class_belief", seed=self.seed + 3)
            cells = keras.layers.Reshape((belief.shape[1], deepest.shape[-1]), name="class_cells")(deepest)
            seen = keras.layers.Dot(1, name="class_features")([belief, cells])  # (n, boxes, c)
            scores = keras.layers.Dense(len(self.names), kernel_initializer=seeded, name="class_scores")(seen)
        return keras.layers.Softmax(name="class_probabilities", dtype="float32")(scores)

    def _check(self, truth: Boxes) -> None:
        if not isinstance(truth, Boxes) or truth.names != self.names:
            raise DataError(
                f"boxes of the classes {list(self.names)} for this head",
                f"{truth.kind} of {list(truth.names)}",
                "Make the head with the classes of the dataset: photos.classes.",
            )
        most = int(np.diff(truth.starts).max(initial=0))
        if most > self.boxes:
            raise DataError(
                f"at most {self.boxes} {'box' if self.boxes == 1 else 'boxes'} per picture for this head",
                f"{most} in one",
                f"ck.data.largest_boxes(photos, count={self.boxes}) keeps the largest; a detector has any number.",
            )


def localizer(
    classes: Sequence[str],
    *,
    boxes: int = 1,
    pooling: Pooling = "attention",
    width: int = 64,
    box_weight: float = 1.0,
    seed: int = 0,
) -> Localizer:
    """The class and the box of each of exactly `boxes` objects (lecture 000, "classification + localization").

    Truth has that many boxes per picture: `ck.data.largest_boxes(photos, "person")` makes such a dataset. Several boxes
    come from left to right. A box that a view does not show counts for nothing.

    Both parts train together, or one after the other, as the lecture does it: a phase trains one branch of the head by
    the name of its output, and the other branch stays as it is::

        ck.Plan([
            ck.Phase("what", train="classes"),
            ck.Phase("where", train="boxes"),
            ck.Phase("both", train="all", rate=1e-4),   # end to end
        ])

    Args:
        classes: Names in the order of the labels. One alone leaves nothing to classify: the head has no classes then.
        boxes: Objects per picture, the same number in all of them.
        pooling: Where the box comes from. `"attention"`: from a map of stride 8, whose cells each say where the borders
            are and how much they are believed. `"average"`: from the mean of the last map, which has forgotten where
            anything was. `"flatten"`: from all of its cells, with weights of its own for each.
        width: Channels of the map that attention looks at.
        box_weight: Of the loss of the boxes beside that of the classes.
        seed: Of the initial weights.

    Raises:
        InputError: A setting out of its range.
        UnknownNameError: No such pooling.

    >>> localizer(["person", "car"], boxes=2).taps
    ('P3', 'P4', 'P5')
    """
    return Localizer(class_names(classes), boxes, pooling, width, box_weight, seed)


def _vector(features: keras.KerasTensor, pooling: str, name: str) -> keras.KerasTensor:
    """(n, c) of maps, or what is a vector already."""
    axes = len(features.shape) - 2
    return POOLING_LAYERS[pooling, axes](name=f"{name}_pool")(features) if axes else features


def _sides(size: Size) -> NDArray[np.float64]:
    height, width = size
    return np.array([width, height, width, height], np.float64)


def _conditions(head: Localizer) -> list[tuple[bool, str, str, str]]:
    """(whether it holds, what is expected, what was received, what to do)."""
    counts = {name: getattr(head, name) for name in ("boxes", "width")}
    return [
        *(
            (
                whole(value, 1),
                f"{name} as a whole number above 0",
                repr(value),
                "The default suits most.",
            )
            for name, value in counts.items()
        ),
        (
            bool(head.names) and len(set(head.names)) == len(head.names),
            "classes with different names, at least one",
            f"{list(head.names)}",
            "photos.classes are those of a dataset.",
        ),
        (
            isinstance(head.box_weight, Real)
            and not isinstance(head.box_weight, bool)
            and 0 < head.box_weight < np.inf,
            "a box_weight above 0",
            repr(head.box_weight),
            "1 counts the box as much as the class.",
        ),
        (isinstance(head.seed, Integral), "a seed as a whole number", repr(head.seed), "0 is the default."),
    ]
