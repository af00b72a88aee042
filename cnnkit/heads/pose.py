"""What all heads of heatmaps share: a map per point, its loss, its decoding, and one answer per stage.

A heatmap is a distribution over places: its logits and one more, a 0 for "nowhere", go through a softmax. What is
learned is a Gaussian around the true place, or "nowhere" where the point is not shown, by cross-entropy. The papers
have the squared error to Gaussian bumps, which `objective="squares"` is.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, ClassVar, Literal, Self, get_args

import keras
import numpy as np
from numpy.typing import NDArray

from cnnkit.arguments import Argument, check_arguments, whole
from cnnkit.data.targets.points import ABSENT, VISIBLE, Points, mirror_of
from cnnkit.errors import DataError, InputError
from cnnkit.heads.classifier_arguments import class_names
from cnnkit.heads.head import Size
from cnnkit.heads.heatmap_peaks import DECODINGS, Decoding, mass_at_peak, spatial_softmax
from cnnkit.heads.pose_score import PoseScore
from cnnkit.metrics.given_arrays import real

Objective = Literal["softmax", "squares"]

# Of the weights that begin a heatmap: all places alike.
SPREAD = 0.01


def counts(*names: str) -> tuple[Argument, ...]:
    """Rows of settings that are whole numbers above 0."""
    return tuple(
        Argument(name, lambda value: whole(value, 1), f"{name} as a whole number above 0", "The default suits most.")
        for name in names
    )


COMMON = (
    Argument(
        "objective",
        lambda value: value in get_args(Objective),
        f"objective as one of {list(get_args(Objective))}",
        "'softmax' is the better one.",
    ),
    Argument(
        "decoding", lambda value: value in DECODINGS, f"decoding as one of {list(DECODINGS)}", "'local' is the default."
    ),
    Argument("spread", lambda value: real(value, 0.1), "a spread of at least 0.1 cells", "1 is the default."),
    Argument("least", lambda value: real(value, 0, 1), "least from 0 to 1", "0 shows every point."),
    Argument("seed", lambda value: whole(value, 0), "a seed as a whole number", "0 is the default."),
)


@dataclass(frozen=True)
class PoseHead(ABC):
    """A head that says where named points of one thing are; a subclass is one network.

    Its outputs are heatmaps (n, h / s, w / s, points), s its stride: one alone, or by stage `"stage1"`, `"stage2"`, …

    Attributes:
        names: Of the points.
        mirror: The index of each point's partner on the other side, as of `Points`.
        objective: `"softmax"` or `"squares"`.
        decoding: How a heatmap becomes a point, one of `DECODINGS`.
        spread: Standard deviation of the true Gaussian in cells.
        least: A point that is there with less probability is absent in what is decoded.
        seed: Of the initial weights.
        answer: The stage that is decoded; 0 is the last one.
    """

    kind: ClassVar[str]
    arguments: ClassVar[tuple[Argument, ...]] = ()

    names: tuple[str, ...]
    mirror: tuple[int, ...]
    objective: Objective = "softmax"
    decoding: Decoding = "local"
    spread: float = 1.0
    least: float = 0.1
    seed: int = 0
    answer: int = 0

    def __post_init__(self) -> None:
        check_arguments((*COMMON, *self.arguments), {name: getattr(self, name) for name in self.__dataclass_fields__})
        if not self.names or len(set(self.names)) != len(self.names):
            raise InputError("points with different names, at least one", f"{list(self.names)}", "photos.classes.")

    @property
    def target(self) -> type[Points]:
        """Points."""
        return Points

    @property
    @abstractmethod
    def taps(self) -> tuple[str, ...]:
        """As of every head."""

    @property
    def stages(self) -> int:
        """How many answers it gives, each of which has a loss."""
        return 1

    @abstractmethod
    def build(self, features: Any) -> keras.KerasTensor | dict[str, keras.KerasTensor]:
        """Heatmaps, or those of each stage by name."""

    def at_stage(self, stage: int) -> Self:
        """The same head with another stage as its answer: `ck.stage_scores` evaluates each.

        Raises:
            InputError: There is no such stage.
        """
        if not whole(stage, 1) or stage > self.stages:
            raise InputError(f"a stage from 1 to {self.stages}", repr(stage), "Counted from the input on.")
        return replace(self, answer=int(stage))

    def heatmaps(self, x: keras.KerasTensor, name: str) -> keras.KerasTensor:
        """A 1×1 convolution to one map per point, in float32 also under mixed precision."""
        initializer = keras.initializers.RandomNormal(stddev=SPREAD, seed=self.seed)
        layer = keras.layers.Conv2D(len(self.names), 1, kernel_initializer=initializer, name=name, dtype="float32")
        return layer(x)

    def encode(self, truth: Points, size: Size) -> dict[str, NDArray[np.float32]]:
        """`places` (n, k, 2), x and y as shares of the input, and `shown` (n, k), 0 or 1.

        Raises:
            DataError: The truth is of another kind, or has other points or partners.
        """
        self._check(truth)
        height, width = size
        places = truth.values / (width, height)
        return {"places": places.astype(np.float32), "shown": (truth.shown > ABSENT).astype(np.float32)}

    def loss(self, encoded: Any, outputs: Any) -> Any:
        """(n,) the sum over the stages of the mean over the points."""
        stages = list(outputs.values()) if isinstance(outputs, Mapping) else [outputs]
        loss = {"softmax": cross_entropy, "squares": squares}[self.objective]
        return sum(loss(encoded["places"], encoded["shown"], maps, self.spread) for maps in stages)

    def weights(self, truth: Points) -> None:
        """Pictures weigh the same.

        Raises:
            DataError: As of `encode`: said of all pictures before the first step.
        """
        self._check(truth)

    def decode(self, outputs: Any, size: Size) -> Points:
        """Where each point is in pixels, and as its score the probability that it is at its peak.

        A point that is somewhere in the picture with a probability below `least` is absent.
        """
        maps = self.weights_of(self.answer_of(outputs))
        rows, columns = maps.shape[1:3]
        places = DECODINGS[self.decoding](maps) * (size[1] / columns, size[0] / rows)
        surely = maps.sum(axis=(1, 2)) if self.objective == "softmax" else maps.max(axis=(1, 2))
        scores = mass_at_peak(maps) if self.objective == "softmax" else surely
        shown = np.where(surely >= self.least, VISIBLE, ABSENT)
        return Points(self.names, places, shown, np.clip(scores, 0, 1), self.mirror)

    def answer_of(self, outputs: Any) -> Any:
        """The heatmaps that are decoded."""
        if not isinstance(outputs, Mapping):
            return outputs
        return outputs[f"stage{self.answer or self.stages}"]

    def weights_of(self, maps: Any) -> NDArray[np.float64]:
        """Heatmaps as weights of at least 0: probabilities, or bumps."""
        if self.objective == "softmax":
            return spatial_softmax(maps)
        return np.maximum(np.asarray(maps, np.float64), 0)

    def mirrored(self, outputs: Any) -> Any:
        """Outputs for mirrored pictures, as of the pictures themselves: left is right, and a left hand a right one."""
        order = np.array(self.mirror)
        return keras.tree.map_structure(lambda maps: maps[:, :, ::-1][..., order], outputs)

    def score(self) -> PoseScore:
        """Object keypoint similarity and PCK."""
        return PoseScore(self.names)

    def settings(self) -> dict[str, Any]:
        """The fields as JSON values, with `kind`."""
        return {"kind": self.kind, **asdict(self)}

    @classmethod
    def from_settings(cls, settings: Mapping[str, Any]) -> Self:
        """The head that `settings` described."""
        fields: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value for name, value in settings.items()
        }
        del fields["kind"]
        return cls(**fields)

    def _check(self, truth: Points) -> None:
        if not isinstance(truth, Points) or truth.names != self.names:
            raise DataError(
                f"the points {list(self.names)} for this head",
                f"{truth.kind} of {list(truth.names)}",
                "Make the head with the points of the dataset: photos.classes.",
            )
        if truth.mirror != self.mirror:
            remedy = "Make the head with mirror=photos.train.targets.mirror."
            raise DataError(f"the partners {self.mirror} for this head", str(truth.mirror), remedy)


def partners(points: Sequence[str], mirror: Sequence[int] | None = None) -> tuple[tuple[str, ...], tuple[int, ...]]:
    """Names, and the partners that a user gives or that names with "left" and "right" have.

    Raises:
        InputError: No names, or partners that are not each other's.
    """
    names = class_names(points)
    usual = mirror_of(names) if mirror is None else tuple(mirror)
    return names, Points(names, np.zeros((0, len(names), 2)), np.zeros((0, len(names)), np.uint8), mirror=usual).mirror


# ---- Losses: true places as shares of the input, maps (n, h, w, k) ----


def cross_entropy(places: Any, shown: Any, maps: Any, spread: float) -> Any:
    """(n,) the mean over the points of −Σ q log p over all places and "nowhere".

    q is a Gaussian around the true place that sums to 1, or all of it is "nowhere". With log p = z − log(1 + Σ exp z),
    that is log(1 + Σ exp z) − Σ q z, and Σ q z is two sums, since q is a product of a row and a column.
    """
    ops = keras.ops
    maps, shown = ops.convert_to_tensor(maps), ops.convert_to_tensor(shown)
    down, across = (
        row / ops.sum(row, axis=-1, keepdims=True) for row in _gaussians(places, maps.shape[1:3], spread, 1e-12)
    )
    expected = ops.einsum("nkh,nkw,nhwk->nk", down, across, maps)
    total = ops.logaddexp(ops.logsumexp(maps, axis=(1, 2)), 0.0)
    return ops.mean(total - shown * expected, axis=1)


def squares(places: Any, shown: Any, maps: Any, spread: float) -> Any:
    """(n,) the mean over the points of Σ (map − bump)² over all places; the bump is 1 at the place, 0 if not shown."""
    ops = keras.ops
    maps, shown = ops.convert_to_tensor(maps), ops.convert_to_tensor(shown)
    down, across = _gaussians(places, maps.shape[1:3], spread, 0.0)
    bumps = ops.einsum("nkh,nkw->nhwk", down, across * shown[..., None])
    return ops.mean(ops.sum((maps - bumps) ** 2, axis=(1, 2)), axis=1)


def _gaussians(places: Any, cells: tuple[int, int], spread: float, least: float) -> tuple[Any, Any]:
    """(n, k, h) and (n, k, w) exp(−d² / 2 spread²) of the distance d of each row and column from places, in cells."""
    ops = keras.ops
    places = ops.convert_to_tensor(places)
    along = []
    for axis, count in ((1, cells[0]), (0, cells[1])):
        middles = np.arange(count, dtype=np.float32) + 0.5
        distance = middles - places[..., axis, None] * count
        along.append(ops.exp(-(distance**2) / (2 * spread**2)) + least)
    return along[0], along[1]
