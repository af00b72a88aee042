"""What all detectors of one stage share: their truth and score, settings that make them again, what they can say."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, ClassVar, Self

import keras
import numpy as np
from numpy.typing import NDArray

from cnnkit.arguments import Argument, check_arguments, whole
from cnnkit.data.targets.boxes import Boxes
from cnnkit.errors import InputError
from cnnkit.heads.box_looks import joined_looks
from cnnkit.heads.detection import best_boxes, not_counted, require_boxes
from cnnkit.heads.detection_score import DetectionScore
from cnnkit.heads.head import Size
from cnnkit.metrics.box_overlap import box_iou
from cnnkit.metrics.given_arrays import real

# The share of cells that shows a class at the start (Lin et al. 2017, arXiv:1708.02002, section 4.1).
PRIOR = 0.01
# Of the weights that begin a prediction, as there.
SPREAD = 0.01

# At a time where `representable` asks.
PICTURES = 32

# A logit whose sigmoid is 1, and of its negative 0, also in float32.
SURE = 200.0


def counts(*names: str, remedy: str = "The default suits most.") -> tuple[Argument, ...]:
    """Rows of settings that are whole numbers above 0."""
    return tuple(
        Argument(name, lambda value: whole(value, 1), f"{name} as a whole number above 0", remedy) for name in names
    )


def factors(*names: str, remedy: str = "The default is the paper's.") -> tuple[Argument, ...]:
    """Rows of settings that are numbers above 0."""
    return tuple(
        Argument(name, lambda value: real(value, 0) and value > 0, f"{name} as a number above 0", remedy)
        for name in names
    )


COMMON = (
    *counts("most"),
    Argument("iou", lambda value: real(value, 0, 1), "iou from 0 to 1", "0.6 suits most."),
    Argument(
        "class_agnostic", lambda value: isinstance(value, bool), "class_agnostic as True or False", "False is usual."
    ),
    Argument("seed", lambda value: whole(value, 0), "a seed as a whole number", "0 is the default."),
)


@dataclass(frozen=True)
class Detector(ABC):
    """A head that gives any number of boxes per picture; a subclass is one paper.

    Attributes:
        names: Of the classes, in the order of the labels.
        iou: Of two predicted boxes of one class that overlap by more, the better one stays.
        most: Predicted boxes per picture.
        seed: Of the initial weights.
        class_agnostic: Whether the better one of two boxes that overlap stays whatever their classes are, so that a
            place has one class.
    """

    kind: ClassVar[str]
    arguments: ClassVar[tuple[Argument, ...]] = ()
    per_box: ClassVar[bool] = True
    """Whether the loss of a picture is divided by what it shows."""

    names: tuple[str, ...]
    iou: float = 0.5
    most: int = 100
    seed: int = 0
    class_agnostic: bool = False

    def __post_init__(self) -> None:
        check_arguments((*COMMON, *self.arguments), {name: getattr(self, name) for name in self.__dataclass_fields__})

    @property
    def target(self) -> type[Boxes]:
        """Boxes."""
        return Boxes

    @property
    @abstractmethod
    def taps(self) -> tuple[str, ...]:
        """As of every head."""

    @abstractmethod
    def build(self, features: Any) -> keras.KerasTensor | dict[str, keras.KerasTensor]:
        """As of every head."""

    @abstractmethod
    def encode(self, truth: Boxes, size: Size) -> dict[str, NDArray[Any]]:
        """Which prediction owns which box."""

    @abstractmethod
    def loss(self, encoded: Any, outputs: Any) -> Any:
        """(n,) as of every head."""

    @abstractmethod
    def decode(self, outputs: Any, size: Size) -> Boxes:
        """The best boxes of each picture, with scores."""

    def best_of(self, corners: NDArray[Any], scores: NDArray[np.float32], size: Size) -> Boxes:
        """The best boxes of each picture by the settings of the head: see `best_boxes`."""
        return best_boxes(
            self.names,
            corners,
            scores,
            size,
            iou=self.iou,
            most=self.most,
            class_agnostic=self.class_agnostic,
        )

    def joined(self, looks: Sequence[Boxes], cut: Sequence[NDArray[np.bool_]] | None = None) -> Boxes:
        """What several looks at the same pictures say together: see `joined_looks`."""
        return joined_looks(looks, cut, iou=self.iou, most=self.most, class_agnostic=self.class_agnostic)

    @abstractmethod
    def perfect(self, encoded: Mapping[str, NDArray[Any]]) -> Any:
        """The outputs that are sure of what `encode` gave: what a network would say that has learned it all."""

    def weights(self, truth: Boxes) -> NDArray[np.float32] | None:
        """(n,) how many boxes each picture shows, at least 1, as a multiple of their mean, where losses are per box.

        Papers divide the sum over a batch by the number of boxes in it, so that each box counts as much as another. A
        loss per picture is divided by its own; this weighs it again.

        Raises:
            DataError: As of `encode`: said of all pictures before the first step.
        """
        boxes = require_boxes(truth, self.names)
        if not self.per_box or not len(boxes):
            return None
        shown = np.bincount(boxes.owners[~not_counted(boxes)], minlength=len(boxes))
        counted = np.maximum(shown, 1)
        return np.asarray(counted / counted.mean(), np.float32)

    def score(self) -> DetectionScore:
        """COCO's average precision."""
        return DetectionScore(self.names)

    def settings(self) -> dict[str, Any]:
        """The fields as JSON values, with `kind`."""
        return {"kind": self.kind, **asdict(self)}

    @classmethod
    def from_settings(cls, settings: Mapping[str, Any]) -> Self:
        """The head that `settings` described."""
        fields = {name: _tuples(value) for name, value in settings.items() if name != "kind"}
        return cls(**fields)


class SingleStageDetector(Detector):
    """A detector whose graph says all boxes: it decodes in `keras.ops`, on arrays and in a graph of plain Keras."""

    @abstractmethod
    def candidates(self, outputs: Any, size: Size) -> tuple[Any, Any]:
        """Every box that the outputs say, and how sure they are of each class.

        Args:
            outputs: Of `build`, as tensors: of arrays, or of a graph that `ck.export.with_decoding` writes, for which
                `heads.graph_decoding` says what may stand in it.
            size: Of the input.

        Returns:
            (n, candidates, 4) x1, y1, x2, y2 in pixels of the input, and (n, candidates, classes) scores, 0…1.
        """

    def decode(self, outputs: Any, size: Size) -> Boxes:
        """The best boxes of each picture after suppression, with scores."""
        tensors = keras.tree.map_structure(lambda array: keras.ops.convert_to_tensor(array, "float32"), outputs)
        corners, scores = (keras.ops.convert_to_numpy(part) for part in self.candidates(tensors, size))
        return self.best_of(corners, scores, size)


def representable(head: Detector, truth: Boxes, size: Size, *, iou: float = 0.5) -> NDArray[np.bool_]:
    """Which true boxes a detector can say at all: those that decode(encode(truth)) gives back.

    It answers an average precision of 0 before any training: what is lost here, by cells or anchors that two boxes
    want, no network can learn. `ck.heads.representable(head, truth, (224, 224)).mean()` is the share.

    Args:
        head: A detector of one stage.
        truth: In the pixels of an input of `size`.
        size: Height and width of the input.
        iou: How well a box has to be met. Its class has to be right.

    Returns:
        (boxes,) one answer for each true box. Crowds and difficult ones, which no head is taught, count as given back.

    Raises:
        DataError: The truth is of another kind, or has other classes.
        InputError: Another head, or an iou out of 0 … 1.

    >>> two = Boxes.of_lists(("cat",), [[[0, 0, 60, 60], [2, 2, 62, 62]]], [[0, 0]])  # in one cell
    >>> from cnnkit.heads import yolo_v1
    >>> int(representable(yolo_v1(["cat"]), two, (224, 224)).sum())
    1
    """
    if not isinstance(head, Detector):
        raise InputError("a detector of one stage", type(head).__name__, "ck.heads.fcos(classes) is one.")
    check_arguments(COMMON, {"iou": iou})
    passed_over, answers = not_counted(require_boxes(truth, head.names)), np.zeros(len(truth.boxes), np.bool_)
    for start in range(0, len(truth), PICTURES):  # outputs of all at once may be large
        some = truth.take(range(start, min(start + PICTURES, len(truth))))
        predictions = head.decode(head.perfect(head.encode(some, size)), size)
        for place in range(len(some)):
            mine, theirs = truth.span(start + place), predictions.span(place)
            fitting = box_iou(truth.boxes[mine], predictions.boxes[theirs]) >= iou
            fitting &= truth.labels[mine][:, None] == predictions.labels[theirs]
            answers[mine] = _paired(fitting)
    return answers | passed_over


def sure_logits(labels: NDArray[Any], classes: int) -> NDArray[np.float64]:
    """(…) classes, negative for none → (…, classes) logits that are sure of them."""
    return np.where(labels[..., None] == np.arange(classes), SURE, -SURE)


def _paired(fitting: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """(boxes,) which have a prediction of their own in a largest matching of (boxes, predictions)."""
    from scipy.optimize import linear_sum_assignment

    rows, columns = linear_sum_assignment(fitting, maximize=True)
    answers = np.zeros(len(fitting), np.bool_)
    answers[rows] = fitting[rows, columns]
    return answers


def _tuples(value: Any) -> Any:
    """Lists of JSON as the tuples that they were."""
    return tuple(_tuples(item) for item in value) if isinstance(value, list) else value
