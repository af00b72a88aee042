"""Classification: one label of two (one sigmoid unit), one of many (softmax), or any number (sigmoids)."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal, get_args

import keras
import numpy as np
from numpy.typing import NDArray

from cnnkit.errors import DataError, InputError

Pooling = Literal["average", "max", "flatten"]
ClassWeight = Literal["balanced"] | tuple[float, ...] | None
GivenWeight = Literal["balanced"] | Sequence[float] | Mapping[str, float] | Mapping[int, float] | None

POOLING_LAYERS = {
    "average": keras.layers.GlobalAveragePooling2D,
    "max": keras.layers.GlobalMaxPooling2D,
    "flatten": keras.layers.Flatten,
}


@dataclass(frozen=True)
class Classifier:
    """A classification head; made by `classifier`, which documents the fields."""

    classes: tuple[str, ...]
    hidden: tuple[int, ...] = ()
    dropout: float = 0.0
    pooling: Pooling = "average"
    multi_label: bool = False
    label_smoothing: float = 0.0
    class_weight: ClassWeight = None
    seed: int = 0

    def __post_init__(self) -> None:
        if len(self.classes) < 2 and not self.multi_label:
            raise InputError(
                "at least two classes",
                f"classes={list(self.classes)}",
                'Name both, e.g. classes=["no_person", "person"]: one class leaves nothing to decide.',
            )
        if not self.classes or len(set(self.classes)) != len(self.classes):
            raise InputError(
                "classes with different names",
                f"{list(self.classes)}",
                "Give each class one name of its own.",
            )
        if not 0 <= self.dropout < 1:
            raise InputError("0 <= dropout < 1", f"{self.dropout}", "It is the part of the units that is dropped.")
        if not 0 <= self.label_smoothing < 1:
            raise InputError("0 <= label_smoothing < 1", f"{self.label_smoothing}", "0.1 is the usual choice.")
        if self.pooling not in POOLING_LAYERS:
            raise InputError(f"pooling of {list(get_args(Pooling))}", repr(self.pooling), "Choose one of them.")
        if any(units < 1 for units in self.hidden):
            raise InputError("positive numbers of hidden units", f"{self.hidden}", "Use hidden=() for none.")
        if isinstance(self.class_weight, str) and self.class_weight != "balanced":
            raise InputError('class_weight="balanced", weights or None', repr(self.class_weight), "Choose one of them.")
        if self.class_weight is not None and self.multi_label:
            raise InputError(
                "class_weight=None for a multi-label head",
                f"{self.class_weight!r}",
                "A picture with several labels has no single class to weigh it by.",
            )
        if isinstance(self.class_weight, tuple) and len(self.class_weight) != len(self.classes):
            raise InputError(
                f"one weight for each of the {len(self.classes)} classes",
                f"{len(self.class_weight)} weights",
                'Give them in the order of classes, or class_weight="balanced".',
            )
        if isinstance(self.class_weight, tuple) and not all(0 < weight < math.inf for weight in self.class_weight):
            raise InputError(
                "finite class weights above 0",
                f"{list(self.class_weight)}",
                "1 is the weight of an ordinary class; leave a class that shall not be learned out of the data.",
            )

    @property
    def binary(self) -> bool:
        """Whether the output is one sigmoid unit: the probability of `classes[1]`."""
        return len(self.classes) == 2 and not self.multi_label

    def build(self, features: keras.KerasTensor) -> keras.KerasTensor:
        """Pooling → (dropout → dense → ReLU) for each hidden layer → dropout → output layer."""
        x = features
        if len(x.shape) > 2:
            x = POOLING_LAYERS[self.pooling](name="head_pool")(x)
        for number, units in enumerate(self.hidden, start=1):
            if self.dropout:
                x = keras.layers.Dropout(self.dropout, seed=self.seed + 100 + number, name=f"head_dropout{number}")(x)
            initializer = keras.initializers.HeNormal(seed=self.seed + number)
            x = keras.layers.Dense(
                units, activation="relu", kernel_initializer=initializer, name=f"head_dense{number}"
            )(x)
        if self.dropout:
            x = keras.layers.Dropout(self.dropout, seed=self.seed + 100, name="head_dropout")(x)
        one_label = not self.multi_label
        return keras.layers.Dense(
            1 if self.binary else len(self.classes),
            activation="softmax" if one_label and not self.binary else "sigmoid",
            kernel_initializer=keras.initializers.GlorotUniform(seed=self.seed),
            name="probability" if self.binary else "probabilities",
        )(x)

    def loss(self) -> keras.losses.Loss:
        """Cross-entropy, binary where the output is sigmoid."""
        if self.binary or self.multi_label:
            return keras.losses.BinaryCrossentropy(label_smoothing=self.label_smoothing)
        return keras.losses.CategoricalCrossentropy(label_smoothing=self.label_smoothing)

    def metrics(self) -> list[keras.metrics.Metric]:
        """Accuracy: of the label, or of each yes/no decision when several labels are allowed."""
        if self.binary or self.multi_label:
            return [keras.metrics.BinaryAccuracy(name="accuracy")]
        return [keras.metrics.CategoricalAccuracy(name="accuracy")]

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
        """`"balanced"`: n / (classes · n_c): each class weighs the same in total, the mean weight is 1."""
        if self.class_weight is None:
            return None
        if self.class_weight == "balanced":
            weights = counts.sum() / (len(counts) * np.maximum(counts, 1))
        else:
            weights = np.asarray(self.class_weight)
        chosen: NDArray[np.float32] = weights.astype(np.float32)[labels]
        return chosen

    def probabilities(self, outputs: NDArray[np.float32]) -> NDArray[np.float32]:
        """One column a class; of one sigmoid unit p the two columns 1 − p and p."""
        return np.concatenate([1 - outputs, outputs], axis=1) if self.binary else outputs

    def decide(self, probabilities: NDArray[np.float32]) -> list[str]:
        """The likeliest class; `classes[1]` of two from 0.5 on; of several all from 0.5 on, joined by "|"."""
        if self.multi_label:
            return ["|".join(np.asarray(self.classes)[row >= 0.5]) for row in probabilities]
        if self.binary:
            return [self.classes[int(p >= 0.5)] for p in probabilities[:, 1]]
        return [self.classes[index] for index in probabilities.argmax(axis=1)]

    def settings(self) -> dict[str, Any]:
        """The fields as JSON values, with `kind`."""
        return {"kind": "classifier", **asdict(self)}


def classifier(
    classes: Sequence[str],
    *,
    hidden: int | Sequence[int] = (),
    dropout: float = 0.0,
    pooling: Pooling = "average",
    multi_label: bool = False,
    label_smoothing: float = 0.0,
    class_weight: GivenWeight = None,
    seed: int = 0,
) -> Classifier:
    """A classification head.

    Two classes end in **one** sigmoid unit, the probability of the second class; more in a softmax;
    `multi_label=True` in one sigmoid a class.

    Args:
        classes: Names in the order of the labels: label 0 is the first.
        hidden: Units of each hidden layer (ReLU) between the pooled features and the output; a number is one layer.
        dropout: Part of the units dropped before each dense layer while training.
        pooling: How (h, w, c) features become a vector: mean or maximum over h and w, or all of them.
        multi_label: Whether a picture may have several classes, or none.
        label_smoothing: Part of the target spread over all classes (Szegedy et al. 2016, section 7).
        class_weight: `"balanced"` weighs each class n / (classes · n_c); or one weight a class, in the order of the
            classes, or by their names or indices in a dictionary.
        seed: Of the initial weights and of dropout.

    Raises:
        InputError: A field is out of its range, two classes share a name, `classes` is no list, or a dictionary of
            weights has other keys than the classes.

    >>> classifier(["no_person", "person"], hidden=(256,), dropout=0.3).binary
    True
    """
    if isinstance(classes, str) or not isinstance(classes, Iterable):
        received = repr(classes).partition("\n")[0]  # a dataset prints as a table
        raise InputError("a list of class names", received, 'Give ["no_person", "person"], or photos.classes.')
    names = tuple(str(name) for name in classes)
    return Classifier(
        classes=names,
        hidden=tuple(int(units) for units in np.atleast_1d(hidden)),  # Dense refuses NumPy integers
        dropout=dropout,
        pooling=pooling,
        multi_label=multi_label,
        label_smoothing=label_smoothing,
        class_weight=_ordered(class_weight, names),
        seed=seed,
    )


def _ordered(given: GivenWeight, classes: tuple[str, ...]) -> ClassWeight:
    """The weights in the order of the classes."""
    if given is None or isinstance(given, str):
        return given
    if not isinstance(given, Mapping):
        return tuple(float(weight) for weight in np.atleast_1d(given))
    by_key: Mapping[Any, float] = given
    for keys in (classes, range(len(classes))):
        if set(by_key) == set(keys):
            return tuple(float(by_key[key]) for key in keys)
    raise InputError(
        f"a weight for each of the classes {list(classes)}, by name or by index",
        f"weights of {list(given)}",
        'Give each of them one, or class_weight="balanced".',
    )
