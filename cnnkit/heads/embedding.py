"""Embeddings: a vector per picture, of which those of one person are near to each other, also of people never seen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any, Literal, get_args

import keras
import numpy as np
from keras import ops
from numpy.typing import NDArray

from cnnkit.arguments import whole
from cnnkit.data.source import Source
from cnnkit.data.targets.labels import Labels
from cnnkit.data.targets.vectors import Vectors
from cnnkit.errors import DataError, InputError, unknown_name
from cnnkit.heads.classification import POOLING_LAYERS
from cnnkit.heads.classifier_arguments import POOLINGS, class_names
from cnnkit.heads.embedding_losses import LOSSES, EmbeddingLoss, LossKind
from cnnkit.heads.embedding_score import EmbeddingScore
from cnnkit.heads.head import Size
from cnnkit.heads.within_class import SHRINKAGE, principal_components, within_class_whitening
from cnnkit.metrics.given_arrays import real

Pooling = Literal["average", "max", "flatten"]


# Layers of the head.
PROJECTION, VECTOR, COSINES = "embedding_projection", "embedding", "cosines"
# Pictures of one person that stand side by side in a training batch where pictures are compared with each other.
SIDE_BY_SIDE = 4


@dataclass(frozen=True)
class Embedding:
    """A head whose output is a vector of unit length; made by `embedding`, which documents the fields.

    Where classes have vectors of their own the outputs are `"embedding"` and `"cosines"`, one per identity.
    """

    names: tuple[str, ...]
    loss_name: EmbeddingLoss = "arcface"
    size: int = 128
    whiten: bool = True
    margin: float | None = None
    scale: float = 30.0
    shrinkage: float = SHRINKAGE
    pooling: Pooling = "average"
    seed: int = 0

    def __post_init__(self) -> None:
        for value, what, known in (
            (self.loss_name, "a loss", get_args(EmbeddingLoss)),
            (self.pooling, "a pooling", POOLINGS),
        ):
            if value not in known:
                raise unknown_name(what, str(value), known)
        for fine, expected, received, remedy in _conditions(self):
            if not fine:
                raise InputError(expected, received, remedy)

    @property
    def target(self) -> type[Vectors]:
        """What it predicts."""
        return Vectors

    @property
    def truth(self) -> type[Labels]:
        """What it learns from: who is shown."""
        return Labels

    @property
    def taps(self) -> tuple[str, ...]:
        """The features of the cut."""
        return ()

    @property
    def group(self) -> int:
        """Pictures of one identity that stand side by side in a training batch; 1 where it does not matter."""
        return 1 if self._loss.identities else SIDE_BY_SIDE

    def build(self, features: keras.KerasTensor) -> keras.KerasTensor | dict[str, keras.KerasTensor]:
        """Pooling → dense layer → unit length → cosines with the vectors of the identities."""
        x = features
        if len(x.shape) > 2:
            x = POOLING_LAYERS[self.pooling, len(x.shape) - 2](name="embedding_pool")(x)
        initializer = keras.initializers.GlorotUniform(seed=self.seed)
        x = keras.layers.Dense(self.size, kernel_initializer=initializer, name=PROJECTION, dtype="float32")(x)
        vector = keras.layers.UnitNormalization(name=VECTOR, dtype="float32")(x)
        if not self._loss.identities:
            return vector
        spread = keras.initializers.RandomNormal(seed=self.seed + 1)
        unit = keras.constraints.UnitNorm(axis=0)
        of_identities = keras.layers.Dense(
            len(self.names),
            use_bias=False,
            kernel_initializer=spread,
            kernel_constraint=unit,
            name=COSINES,
            dtype="float32",
        )
        cosines = of_identities(vector)
        of_identities.kernel.assign(unit(of_identities.kernel))  # the constraint holds from the first step on
        return {VECTOR: vector, COSINES: cosines}

    def encode(self, truth: Any, size: Size = (0, 0)) -> NDArray[np.int32]:
        """(n,) the number of each identity; strangers have numbers behind those of the head's own.

        Raises:
            DataError: The truth is no labels.
        """
        if not isinstance(truth, Labels):
            received = f"{truth.kind} of {len(truth.names)} classes"
            raise DataError("labels, who is shown, for this head", received, "Give each picture the name of one.")
        numbers = {name: number for number, name in enumerate(self.names)}
        of_names = np.array(
            [numbers.get(name, len(numbers) + place) for place, name in enumerate(truth.names)], np.int32
        )
        return of_names[truth.values]

    def loss(self, encoded: Any, outputs: Any) -> Any:
        """(n,) of the kind that `loss_name` says; 0 for a stranger where only the head's identities have vectors."""
        function = partial(self._loss.function, margin=self._margin)
        labels = ops.convert_to_tensor(encoded)
        if not self._loss.identities:
            return function(labels, outputs)
        known = labels < len(self.names)
        losses = function(ops.where(known, labels, 0), outputs[COSINES], scale=self.scale)
        return ops.where(known, losses, 0)

    def judges(self, truth: Labels) -> bool:
        """Whether the loss says anything of pictures with this truth."""
        return not self._loss.identities or bool((self.encode(truth) < len(self.names)).any())

    def weights(self, truth: Labels) -> None:
        """Pictures weigh the same.

        Raises:
            DataError: Pictures to train on show someone who is not among the identities.
        """
        shown = {truth.names[value] for value in np.unique(truth.values)}
        if strangers := sorted(shown - set(self.names)):
            raise DataError(
                f"pictures of the {len(self.names)} identities of this head to train on",
                f"pictures of {strangers[0]!r}",
                "ck.heads.embedding(photos.train) takes all of them.",
            )

    def closed_form(
        self, features: NDArray[np.float32], encoded: NDArray[np.integer[Any]]
    ) -> dict[str, list[NDArray[Any]]]:
        """The weights of the head's layers, solved for at once: whitening within people, or principal components.

        The vectors of the identities are the mean directions of their pictures.

        Args:
            features: (n, d) of the training pictures, pooled.
            encoded: (n,) from `encode`.

        Returns:
            Layer → its weights in order.

        Raises:
            InputError: Fewer features than the vector is long.
            DataError: No identity has two pictures.
        """
        if features.shape[1] < self.size:
            remedy = f"Use embedding(..., size={features.shape[1]}), or a cut with more maps."
            raise InputError(
                f"at least {self.size} features, one per number of the vector", str(features.shape[1]), remedy
            )
        found = (
            within_class_whitening(features, encoded, self.size, shrinkage=self.shrinkage)
            if self.whiten
            else principal_components(features, self.size)
        )
        weights: dict[str, list[NDArray[Any]]] = {PROJECTION: [found.kernel, found.bias]}
        if self._loss.identities:
            sums = np.random.default_rng(self.seed).normal(scale=1e-6, size=(len(self.names), self.size))
            np.add.at(sums, encoded, found.directions(features))  # who has no picture points anywhere
            weights[COSINES] = [(sums / np.linalg.norm(sums, axis=1, keepdims=True)).T]
        return weights

    def decode(self, outputs: Any, size: Size = (0, 0)) -> Vectors:
        """(n, size) at unit length again, which the mean of two such vectors is not."""
        given = outputs[VECTOR] if isinstance(outputs, Mapping) else outputs
        vectors = np.asarray(given, np.float32)
        return Vectors(vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12))

    def score(self) -> EmbeddingScore:
        """Verification of all pairs, identification from one picture each."""
        return EmbeddingScore()

    def settings(self) -> dict[str, Any]:
        """The fields as JSON values, with `kind`."""
        return {"kind": "embedding", **asdict(self)}

    @classmethod
    def from_settings(cls, settings: Mapping[str, Any]) -> Embedding:
        """The head that `settings` described."""
        fields = {name: value for name, value in settings.items() if name != "kind"}
        return cls(**fields | {"names": tuple(fields["names"])})

    @property
    def _loss(self) -> LossKind:
        return LOSSES[self.loss_name]

    @property
    def _margin(self) -> float:
        return self._loss.margin if self.margin is None else self.margin


def embedding(
    identities: Sequence[str] | Source,
    *,
    loss: EmbeddingLoss = "arcface",
    size: int = 128,
    whiten: bool = True,
    margin: float | None = None,
    scale: float = 30.0,
    shrinkage: float = SHRINKAGE,
    pooling: Pooling = "average",
    seed: int = 0,
) -> Embedding:
    """A vector per picture, to tell people (animals, products, …) apart that nobody trained on.

    Truth is labels: whom a picture shows. Pictures to validate or evaluate on may show others, who are compared with
    each other. `ck.predict` gives a row per picture with the columns of its vector; the similarity of two pictures is
    the product of theirs, a cosine. `ck.evaluate` gives the rates of verification and identification.

    On frozen features the head has a closed form, and `ck.plans.whiten()` is the plan for it: centred, and whitened
    within people. With epochs behind it the loss goes on from there, and the vectors of the identities from their mean
    directions: from random weights a margin loss of few people does not get as far.

    Args:
        identities: Names of those to train on; or a source, `photos.train`: whom its pictures show.
        loss: `"arcface"`, `"cosface"`, `"sphereface"` (`ck.losses` has the formulas), `"softmax"` of the cosines
            without any margin, or of pictures of a batch among each other `"triplet"` and `"contrastive"`.
        size: Numbers of the vector.
        whiten: Whether the closed form whitens within people; else it is the principal components.
        margin: Of the loss; None is its paper's.
        scale: What cosines are multiplied by in a softmax: 64 suits thousands of people, 30 a few.
        shrinkage: As of `Embedding.closed_form`: the part of the covariance within people that is taken to be the same
            in all directions, 0 < s ≤ 1.
        pooling: How (h, w, c) features become a vector, as in `classifier`.
        seed: Of the initial weights.

    Raises:
        InputError: A setting out of its range.
        UnknownNameError: No such loss or pooling.

    >>> embedding(["ann", "bob"], loss="triplet").names
    ('ann', 'bob')
    """
    if isinstance(identities, Source):
        shown = np.flatnonzero(identities.counts())
        identities = [identities.classes[index] for index in shown]
    return Embedding(class_names(identities), loss, size, whiten, margin, scale, shrinkage, pooling, seed)


def _conditions(head: Embedding) -> list[tuple[bool, str, str, str]]:
    """(whether it holds, what is expected, what was received, what to do)."""
    names = head.names
    margin = head.margin
    sphere = head.loss_name == "sphereface"
    return [
        (
            len(set(names)) == len(names) > 1,
            "two or more different identities",
            f"{list(names)}"[:200],
            "photos.train.",
        ),
        (whole(head.size, 2), "size as a whole number of at least 2", repr(head.size), "128 is usual."),
        (isinstance(head.whiten, bool), "whiten as True or False", repr(head.whiten), "True is the default."),
        (margin is None or real(margin, 0), "a margin of at least 0, or None", repr(margin), "None is the paper's."),
        (
            not sphere or margin is None or whole(margin, 1),
            "a whole margin for sphereface",
            repr(margin),
            "It multiplies the angle: 4 in the paper.",
        ),
        (real(head.scale) and head.scale > 0, "a scale above 0", repr(head.scale), "30 suits few people."),
        (
            real(head.shrinkage, 0, 1) and head.shrinkage > 0,
            "0 < shrinkage <= 1",
            repr(head.shrinkage),
            "1 leaves the directions as they are.",
        ),
        (whole(head.seed, 0), "a seed as a whole number", repr(head.seed), "0 is the default."),
    ]
