"""Classification: one label of two (one sigmoid unit), one of many (softmax), or any number (sigmoids)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

import keras
import numpy as np
from numpy.typing import NDArray

from cnnkit.data.targets.labels import Labels
from cnnkit.data.targets.tags import Tags
from cnnkit.data.targets.targets import Targets
from cnnkit.errors import DataError
from cnnkit.heads.calibration_record import CalibrationRecord
from cnnkit.heads.classification_score import ClassificationScore
from cnnkit.heads.classifier_arguments import (
    ClassWeight,
    GivenWeight,
    Threshold,
    check_fields,
    class_names,
    hidden_units,
    thresholds,
    weights_in_order,
)
from cnnkit.heads.head import CrossEntropy, Size
from cnnkit.heads.losses import BALANCED, FOCAL, LossName, make_loss
from cnnkit.losses.class_balance import class_balanced_weights

Pooling = Literal["average", "max", "flatten"]

# Pooling and the axes that it pools: height and width of maps, or the tokens of a transformer.
POOLING_LAYERS = {
    ("average", 2): keras.layers.GlobalAveragePooling2D,
    ("average", 1): keras.layers.GlobalAveragePooling1D,
    ("max", 2): keras.layers.GlobalMaxPooling2D,
    ("max", 1): keras.layers.GlobalMaxPooling1D,
    ("flatten", 2): keras.layers.Flatten,
    ("flatten", 1): keras.layers.Flatten,
}


@dataclass(frozen=True)
class Classifier:
    """A classification head; made by `classifier`, which documents the fields.

    Attributes:
        calibration: What `ck.calibrate` did to the output layer, or None.
    """

    classes: tuple[str, ...]
    hidden: tuple[int, ...] = ()
    dropout: float = 0.0
    pooling: Pooling = "average"
    multi_label: bool = False
    label_smoothing: float = 0.0
    class_weight: ClassWeight = None
    seed: int = 0
    loss_name: LossName = "cross_entropy"
    gamma: float = 2.0
    beta: float = 0.999
    threshold: Threshold = 0.5
    calibration: CalibrationRecord | None = None

    def __post_init__(self) -> None:
        check_fields(self)

    @property
    def names(self) -> tuple[str, ...]:
        """The classes."""
        return self.classes

    @property
    def target(self) -> type[Labels] | type[Tags]:
        """Labels, or tags where a picture may have several."""
        return Tags if self.multi_label else Labels

    @property
    def taps(self) -> tuple[str, ...]:
        """The features of the cut."""
        return ()

    @property
    def binary(self) -> bool:
        """Whether the output is one sigmoid unit: the probability of `classes[1]`."""
        return len(self.classes) == 2 and not self.multi_label

    @property
    def softmax(self) -> bool:
        """Whether the output is one distribution over the classes; else each unit is a sigmoid of its own."""
        return not self.binary and not self.multi_label

    def build(self, features: keras.KerasTensor) -> keras.KerasTensor:
        """Pooling → (dropout → dense → ReLU) for each hidden layer → dropout → output layer."""
        x = features
        if len(x.shape) > 2:
            x = POOLING_LAYERS[self.pooling, len(x.shape) - 2](name="head_pool")(x)
        for number, units in enumerate(self.hidden, start=1):
            if self.dropout:
                x = keras.layers.Dropout(self.dropout, seed=self.seed + 100 + number, name=f"head_dropout{number}")(x)
            initializer = keras.initializers.HeNormal(seed=self.seed + number)
            x = keras.layers.Dense(
                units, activation="relu", kernel_initializer=initializer, name=f"head_dense{number}"
            )(x)
        if self.dropout:
            x = keras.layers.Dropout(self.dropout, seed=self.seed + 100, name="head_dropout")(x)
        return keras.layers.Dense(
            1 if self.binary else len(self.classes),
            activation="softmax" if self.softmax else "sigmoid",
            kernel_initializer=keras.initializers.GlorotUniform(seed=self.seed),
            name="probability" if self.binary else "probabilities",
            dtype="float32",  # under mixed precision too: half precision has three digits for a probability
        )(x)

    def loss(self, encoded: Any, outputs: Any) -> Any:
        """(n,) of the kind that `loss_name` says, binary where the output is sigmoid."""
        return self.keras_loss().call(encoded, outputs)

    def keras_loss(self) -> keras.losses.Loss:
        """The same as a Keras loss, for `model.compile`."""
        return make_loss(self.loss_name, softmax=self.softmax, gamma=self.gamma, label_smoothing=self.label_smoothing)

    @property
    def cross_entropy(self) -> CrossEntropy | None:
        """The loss as the exact head solves it; None for focal losses."""
        return None if self.loss_name in FOCAL else CrossEntropy(self.softmax, float(self.label_smoothing))

    def metrics(self) -> list[keras.metrics.Metric]:
        """Accuracy: of the label, or of each yes/no decision when several labels are allowed."""
        if self.softmax:
            return [keras.metrics.CategoricalAccuracy(name="accuracy")]
        if self.threshold == 0.5:
            return [keras.metrics.BinaryAccuracy(name="accuracy")]
        return [keras.metrics.MeanMetricWrapper(self._right, name="accuracy")]

    def encode(self, truth: Targets, size: Size = (0, 0)) -> NDArray[np.float32]:
        """Labels → (n, 1) for two classes, one-hot (n, classes) for more; tags as they are. The size does not matter.

        Raises:
            DataError: The truth is of another kind, or has other classes.
        """
        if not isinstance(truth, self.target):
            expected = "tags (several labels per picture)" if self.multi_label else "labels, one class per picture,"
            remedy = "Give a 0/1 column for each class." if self.multi_label else "Use multi_label=True for several."
            raise DataError(f"{expected} for this head", f"{truth.kind} of {len(truth.names)} classes", remedy)
        if len(truth.names) != len(self.classes):
            raise DataError(
                f"truth of the {len(self.classes)} classes {list(self.classes)}",
                f"of {list(truth.names)}",
                "Make the head with classes=dataset.classes: their order is that of the labels.",
            )
        values: NDArray[Any] = truth.values
        if self.multi_label:
            return np.asarray(values, np.float32)
        if self.binary:
            return values.astype(np.float32)[:, None]
        one_hot: NDArray[np.float32] = np.eye(len(self.classes), dtype=np.float32)[values]
        return one_hot

    def weights(self, truth: Labels | Tags) -> NDArray[np.float32] | None:
        """`"balanced"`: n / (classes · n_c): each class weighs the same in total, the mean weight is 1.

        Of a class-balanced loss the weights of `ck.losses.class_balanced_weights`.
        """
        counts = truth.counts()
        if self.loss_name in BALANCED:
            weights = class_balanced_weights(counts, beta=self.beta)
        elif self.class_weight is None:
            return None
        elif self.class_weight == "balanced":
            weights = counts.sum() / (len(counts) * np.maximum(counts, 1))
        else:
            weights = np.asarray(self.class_weight)
        of_each: NDArray[np.float32] = weights.astype(np.float32)[truth.values]
        return of_each

    def decode(self, outputs: NDArray[np.float32], size: Size = (0, 0)) -> Labels | Tags:
        """(n, units) → what is decided for, with one float32 probability per class."""
        probabilities = self.probabilities(outputs).astype(np.float32, copy=False)  # of mixed_float16 float16
        decided = self.decisions(probabilities)
        if self.multi_label:
            return Tags(self.classes, decided.astype(np.float32), probabilities)
        return Labels(self.classes, decided.argmax(axis=1), probabilities)

    def score(self) -> ClassificationScore:
        """Accuracy, then the scores of the average class and of each."""
        return ClassificationScore(self.classes, multi_label=self.multi_label, decide=self.decisions)

    def probabilities(self, outputs: NDArray[np.float32]) -> NDArray[np.float32]:
        """One column a class; of one sigmoid unit p the two columns 1 − p and p."""
        return np.concatenate([1 - outputs, outputs], axis=1) if self.binary else outputs

    def decisions(self, probabilities: NDArray[Any]) -> NDArray[np.bool_]:
        """(n, classes) which classes are decided for.

        Of many the likeliest; of two the second if it reaches the threshold; of several labels all that reach theirs.
        """
        limits = np.asarray(self.threshold)
        if self.multi_label:
            return np.asarray(probabilities >= limits)
        chosen = (probabilities[:, 1] >= limits).astype(np.int64) if self.binary else probabilities.argmax(axis=1)
        return np.asarray(np.eye(len(self.classes), dtype=bool)[chosen])

    def settings(self) -> dict[str, Any]:
        """The fields as JSON values, with `kind`."""
        fields = asdict(self)
        return {"kind": "classifier", "loss": fields.pop("loss_name"), **fields}

    @classmethod
    def from_settings(cls, settings: Mapping[str, Any]) -> Classifier:
        """The head that `settings` described; what older versions did not know has its default."""
        arguments = dict(settings)
        record = arguments.pop("calibration", None)
        arguments.pop("kind", None)
        head = classifier(**arguments)
        return head if record is None else replace(head, calibration=CalibrationRecord(**record))

    def _right(self, targets: Any, outputs: Any) -> Any:
        """(n,) the share of the decisions of each row that are right."""
        limits = keras.ops.convert_to_tensor(np.atleast_1d(self.threshold), outputs.dtype)
        decided = keras.ops.cast(outputs >= limits, outputs.dtype)
        return keras.ops.mean(keras.ops.cast(decided == targets, outputs.dtype), axis=-1)


def classifier(
    classes: Sequence[str],
    *,
    hidden: int | Sequence[int] = (),
    dropout: float = 0.0,
    pooling: Pooling = "average",
    multi_label: bool = False,
    label_smoothing: float = 0.0,
    class_weight: GivenWeight = None,
    loss: LossName = "cross_entropy",
    gamma: float = 2.0,
    beta: float = 0.999,
    threshold: float | Sequence[float] | Mapping[str, float] = 0.5,
    seed: int = 0,
) -> Classifier:
    """A classification head.

    Two classes end in **one** sigmoid unit, the probability of the second class; more in a softmax;
    `multi_label=True` in one sigmoid for each class.

    Args:
        classes: Names in the order of the labels: label 0 is the first.
        hidden: Units of each hidden layer (ReLU) between the pooled features and the output; a number is one layer.
        dropout: Part of the units dropped before each dense layer while training.
        pooling: How (h, w, c) features become a vector: mean or maximum over h and w, or all of them.
        multi_label: Whether a picture may have several classes, or none.
        label_smoothing: Part of the target spread over all classes (Szegedy et al. 2016, section 7).
        class_weight: `"balanced"` weighs each class n / (classes · n_c); or one weight for each class, in the order of
            the classes, or by their names or indices in a dictionary.
        loss: `"cross_entropy"`; `"focal"`, in which easy pictures count less (Lin et al. 2017); `"class_balanced"`,
            cross-entropy weighed by the effective number of pictures of a class (Cui et al. 2019);
            `"class_balanced_focal"`, both. `ck.losses` has the formulas.
        gamma: Of focal losses: how much less an easy picture counts.
        beta: Of class-balanced losses: 0 weighs all classes alike, towards 1 by the inverse of their numbers.
        threshold: From which probability on a class is decided for: of two classes the second; of several labels one
            for all, one for each in their order, or by name. `ck.choose_threshold` chooses it on validation pictures.
        seed: Of the initial weights and of dropout.

    Raises:
        InputError: A field is out of its range or of another type, two classes share a name, or a dictionary has other
            keys than the classes.
        UnknownNameError: No such loss or pooling.

    >>> classifier(["no_person", "person"], hidden=(256,), dropout=0.3).binary
    True
    """
    names = class_names(classes)
    return Classifier(
        classes=names,
        hidden=hidden_units(hidden),
        dropout=dropout,
        pooling=pooling,
        multi_label=multi_label,
        label_smoothing=label_smoothing,
        class_weight=weights_in_order(class_weight, names),
        loss_name=loss,
        gamma=gamma,
        beta=beta,
        threshold=thresholds(threshold, names),
        seed=seed,
    )
