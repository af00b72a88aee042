"""Classification: one label of two (one sigmoid unit), one of many (softmax), or any number (sigmoids)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

import keras
import numpy as np
from numpy.typing import NDArray

from cnnkit.errors import DataError
from cnnkit.heads.calibration_record import CalibrationRecord
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
from cnnkit.heads.losses import BALANCED, LossName, make_loss
from cnnkit.losses.class_balance import class_balanced_weights
from cnnkit.metrics.one_against_rest import class_scores, macro_means, precision_recall_f1

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
MACRO = ("precision", "recall", "f1", "auc")
"""Scores of the average class that `evaluate` gives."""


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

    def loss(self) -> keras.losses.Loss:
        """Of the kind that `loss_name` says, binary where the output is sigmoid."""
        return make_loss(self.loss_name, softmax=self.softmax, gamma=self.gamma, label_smoothing=self.label_smoothing)

    def metrics(self) -> list[keras.metrics.Metric]:
        """Accuracy: of the label, or of each yes/no decision when several labels are allowed."""
        if self.softmax:
            return [keras.metrics.CategoricalAccuracy(name="accuracy")]
        if self.threshold == 0.5:
            return [keras.metrics.BinaryAccuracy(name="accuracy")]
        return [keras.metrics.MeanMetricWrapper(self._right, name="accuracy")]

    def encode(self, labels: NDArray[Any]) -> NDArray[np.float32]:
        """(n,) class indices → (n, 1) for two classes, one-hot (n, classes) for more; multi-label as it is.

        Raises:
            DataError: The labels do not have the form that this head needs, or an index is out of range.
        """
        if self.multi_label:
            if labels.shape[1:] != (len(self.classes),):
                raise DataError(
                    f"labels of shape (n, {len(self.classes)}) for a multi-label head",
                    f"shape {labels.shape}",
                    "Give a 0/1 column for each class.",
                )
            return np.asarray(labels, np.float32)
        if labels.ndim != 1:
            raise DataError(
                "one class index for each picture",
                f"labels of shape {labels.shape}",
                "Use multi_label=True for several.",
            )
        if labels.size and not 0 <= labels.min() <= labels.max() < len(self.classes):
            raise DataError(
                f"labels from 0 to {len(self.classes) - 1}",
                f"from {labels.min()} to {labels.max()}",
                f"The classes are {list(self.classes)}: label 0 is the first.",
            )
        if self.binary:
            return labels.astype(np.float32)[:, None]
        one_hot: NDArray[np.float32] = np.eye(len(self.classes), dtype=np.float32)[labels]
        return one_hot

    def sample_weights(self, labels: NDArray[Any], counts: NDArray[np.int64]) -> NDArray[np.float32] | None:
        """`"balanced"`: n / (classes · n_c): each class weighs the same in total, the mean weight is 1.

        Of a class-balanced loss the weights of `ck.losses.class_balanced_weights`.
        """
        if self.loss_name in BALANCED:
            weights = class_balanced_weights(counts, beta=self.beta)
        elif self.class_weight is None:
            return None
        elif self.class_weight == "balanced":
            weights = counts.sum() / (len(counts) * np.maximum(counts, 1))
        else:
            weights = np.asarray(self.class_weight)
        chosen: NDArray[np.float32] = weights.astype(np.float32)[labels]
        return chosen

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

    def decide(self, probabilities: NDArray[np.float32]) -> list[str]:
        """The class of each row that is decided for; of several all, joined by "|"."""
        names = np.asarray(self.classes)
        return ["|".join(names[row]) for row in self.decisions(probabilities)]

    def scores(self, labels: NDArray[Any], probabilities: NDArray[Any]) -> dict[str, float]:
        """What `ck.evaluate` gives beside the loss; its docstring lists the names.

        Args:
            labels: Of a source: (n,) class indices, or (n, classes) of 0 and 1.
            probabilities: (n, classes), see `probabilities`.
        """
        shown = labels.astype(bool) if self.multi_label else np.eye(len(self.classes), dtype=bool)[labels]
        decided = self.decisions(probabilities)
        of_class = class_scores(shown, decided, probabilities, self.classes)
        whole = (shown == decided).all(axis=1).mean()
        scores = {"accuracy": float((shown == decided).mean() if self.multi_label else whole)}
        if self.multi_label:
            micro = precision_recall_f1(shown.ravel(), decided.ravel())
            scores["exact_match"] = float(whole)
            scores |= macro_means(of_class, {"average_precision": "mean_average_precision"})
            scores |= dict(zip(("micro_precision", "micro_recall", "micro_f1"), micro, strict=True))
        scores |= macro_means(of_class, {name: f"macro_{name}" for name in MACRO})
        listed = ("accuracy", *MACRO, "average_precision") if self.multi_label else MACRO
        for name in listed:
            scores |= {f"{name}/{known}": row[name] for known, row in of_class.items() if name in row}
        return scores

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
