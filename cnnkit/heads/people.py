"""What heads share that find any number of people in one look: truth, the bones between points, and people as boxes."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, ClassVar, Self, get_args

import keras
import numpy as np
from numpy.typing import NDArray

from cnnkit.arguments import Argument, check_arguments, whole
from cnnkit.data.targets.bones import bones_of
from cnnkit.data.targets.boxes import Boxes
from cnnkit.data.targets.points import VISIBLE, Points
from cnnkit.errors import DataError, InputError
from cnnkit.heads.head import Size
from cnnkit.heads.part_assembly import ASSEMBLIES, Assembly, Floats, assembled
from cnnkit.heads.people_score import PeopleScore
from cnnkit.heads.pose import counts, partners
from cnnkit.metrics.given_arrays import real
from cnnkit.necks.levels import Levels

# People without so many joints are not told.
LEAST_JOINTS = 3

ARGUMENTS = (
    *counts("width", "most"),
    Argument("assembly", lambda value: value in get_args(Assembly), "'greedy' or 'hungarian'", "'greedy' is faster."),
    Argument("least", lambda value: real(value, 0, 1), "least from 0 to 1", "0.1 suits most."),
    Argument("seed", lambda value: whole(value, 0), "a seed as a whole number", "0 is the default."),
)


@dataclass(frozen=True)
class PeopleHead(ABC):
    """A head that finds people by their joints, which it puts together bone by bone; a subclass is one paper.

    Attributes:
        names: The one class that has the points.
        points: Their names, in the order of the truth.
        mirror: The partner of each point on the other side.
        bones: Pairs of places of points that are joined.
        stride: Of the maps.
        width: Channels of the pyramid and of the layers on it.
        assembly: Who belongs to whom, bone by bone.
        least: Joints that are less sure are none.
        most: Joints per point and picture.
        seed: Of the initial weights.
    """

    kind: ClassVar[str]
    levels: ClassVar[Mapping[int, tuple[str, ...]]]
    """Stride of the maps → the levels that they are made of."""

    names: tuple[str, ...]
    points: tuple[str, ...]
    mirror: tuple[int, ...]
    bones: tuple[tuple[int, int], ...]
    stride: int
    width: int = 64
    assembly: Assembly = "greedy"
    least: float = 0.1
    most: int = 20
    seed: int = 0

    def __post_init__(self) -> None:
        strides = list(self.levels)
        stride = Argument(
            "stride", lambda value: value in strides, f"stride as one of {strides}", f"{strides[0]} is the default."
        )
        check_arguments((*ARGUMENTS, stride), {name: getattr(self, name) for name in self.__dataclass_fields__})
        if not self.bones or any(not 0 <= end < len(self.points) for bone in self.bones for end in bone):
            raise InputError("bones as pairs of places of points", repr(self.bones), "((0, 1),) joins the first two.")
        known = {frozenset(bone) for bone in self.bones}
        if lost := [bone for bone in self.bones if frozenset(self.mirror[end] for end in bone) not in known]:
            expected = "for each bone the one between the partners of its points, which a mirrored picture shows"
            received = f"{lost[0]} alone, of points with the partners {self.mirror}"
            raise InputError(expected, received, "Add it to bones, or give other partners as mirror.")

    @property
    def target(self) -> type[Boxes]:
        """Boxes with points."""
        return Boxes

    @property
    def taps(self) -> tuple[str, ...]:
        """From the stride of the maps to 32."""
        return self.levels[self.stride]

    @abstractmethod
    def build(self, features: Levels) -> dict[str, keras.KerasTensor]:
        """As of every head."""

    @abstractmethod
    def encode(self, truth: Boxes, size: Size) -> dict[str, NDArray[np.float32]]:
        """As of every head."""

    @abstractmethod
    def loss(self, encoded: Any, outputs: Any) -> Any:
        """(n,) as of every head."""

    @abstractmethod
    def decode(self, outputs: Mapping[str, NDArray[np.float32]], size: Size) -> Boxes:
        """The people of each picture, from left to right, with their points and the box around these."""

    @abstractmethod
    def perfect(self, encoded: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        """The outputs that are sure of what `encode` gave."""

    def weights(self, truth: Boxes) -> None:
        """Pictures weigh the same.

        Raises:
            DataError: As of `encode`: said of all pictures before the first step.
        """
        self.points_of(truth)

    def score(self) -> PeopleScore:
        """COCO's average precision of keypoints."""
        return PeopleScore()

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
        return cls(**fields | {"bones": tuple((one, other) for one, other in fields["bones"])})

    def together(self, found: Sequence[tuple[Floats, Floats]], scores: Sequence[Floats]) -> NDArray[np.float64]:
        """The people of one picture.

        Args:
            found: Of each point (m, 2) the places of joints in cells, and (m,) how sure they are.
            scores: Of each bone (a, b) how well it joins each joint of its first point with each one of its second.

        Returns:
            (people, points, 3) x and y in cells and how sure it is, 0 of joints that are not found; from left to right.
        """
        people = assembled(self.bones, [ASSEMBLIES[self.assembly](table) for table in scores], scores)
        rows = np.zeros((len(people), len(self.points), 3))
        for row, person in zip(rows, people, strict=True):
            for joint, peak in person.joints.items():
                row[joint, :2], row[joint, 2] = found[joint][0][peak], found[joint][1][peak]
        rows = rows[(rows[..., 2] > 0).sum(axis=1) >= min(LEAST_JOINTS, len(self.points))]
        left = np.where(rows[..., 2] > 0, rows[..., 0], np.inf).min(axis=1, initial=np.inf)
        return np.asarray(rows[np.argsort(left, kind="stable")], np.float64)

    def as_boxes(self, people: Sequence[Floats], scale: tuple[float, float], size: Size) -> Boxes:
        """People of pictures with the box around their points.

        It reaches half a cell further, as far as the picture does: points on a line have a box with an area too.
        The score of a person is the sum of how sure its joints are, as a part of all points.

        Args:
            people: Of each picture, as of `together`.
            scale: Width and height of a cell in pixels.
            size: Of the picture.
        """
        rows = np.concatenate([np.zeros((0, len(self.points), 3)), *people])
        values, scores = rows[..., :2] * scale, rows[..., 2]
        shown, half = scores > 0, np.array(scale) / 2
        low = np.where(shown[..., None], values, np.inf).min(axis=1, initial=np.inf)
        high = np.where(shown[..., None], values, -np.inf).max(axis=1, initial=-np.inf)
        points = Points(self.points, values, (shown * VISIBLE).astype(np.uint8), scores.astype(np.float32), self.mirror)
        return Boxes(
            names=self.names,
            boxes=np.clip(np.concatenate([low - half, high + half], axis=1), 0, np.tile(size[::-1], 2)),
            labels=np.zeros(len(rows), np.int64),
            starts=np.cumsum([0, *map(len, people)]),
            scores=(scores.sum(axis=1) / len(self.points)).astype(np.float32),
            points=points,
        )

    def points_of(self, truth: Boxes) -> Points:
        """Those of the truth.

        Raises:
            DataError: Truth of another kind, or with other classes or points.
        """
        points = truth.points if isinstance(truth, Boxes) else None
        if points is None or truth.names != self.names or (points.names, points.mirror) != (self.points, self.mirror):
            received = f"{truth.kind} of {list(truth.names)}"
            raise DataError(
                f"boxes of the classes {list(self.names)} with the points {list(self.points)} for this head",
                received if points is None else f"{received} with {list(points.names)}",
                'ck.data.with_classes(photos, "person") keeps the boxes of people.',
            )
        return points


def people_arguments(
    classes: Sequence[str],
    points: Sequence[str],
    bones: Sequence[tuple[int, int]] | None,
    mirror: Sequence[int] | None,
) -> dict[str, Any]:
    """The first fields of a head: names, points, mirror and bones, COCO's skeleton by default.

    Raises:
        InputError: Several classes, points that nothing joins, or no partners.
    """
    names, sides = partners(points, mirror)
    if len(classes) != 1:
        raise InputError("one class", repr(classes), '["person"] is the usual one.')
    pairs = bones_of(names) if bones is None else tuple((int(one), int(other)) for one, other in bones)
    return {"names": tuple(classes), "points": names, "mirror": sides, "bones": pairs}
