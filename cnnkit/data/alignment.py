"""Faces brought to one place: the similarity transform that moves their points onto those of a template."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

from cnnkit.data.arguments import said, size_of
from cnnkit.data.source import Reader, Source
from cnnkit.data.targets.column import numbers_of
from cnnkit.data.targets.points import Points
from cnnkit.data.views.affine import warp
from cnnkit.errors import DataError, InputError

# Where the eyes, the tip of the nose and the corners of the mouth of an upright face are in a picture of 112 × 112: the
# template of ArcFace and its predecessors (Deng et al. 2019), from the left of the picture to its right.
TEMPLATE_SIDE = 112
FIVE_POINTS = (
    (38.2946, 51.6963),
    (73.5318, 51.5014),
    (56.0252, 71.7366),
    (41.5493, 92.3655),
    (70.7299, 92.2041),
)


def similarity_transform(points: ArrayLike, target: ArrayLike) -> NDArray[np.float64]:
    """Rotation, one scale and shift that bring points nearest to others, without mirroring (Umeyama 1991, eq. 40–42).

    Args:
        points: (k, 2) x and y, two or more that differ.
        target: (k, 2) where they shall come to lie.

    Returns:
        (3, 3) to multiply (x, y, 1) by.

    Raises:
        DataError: Other shapes, or points that are all the same.

    >>> similarity_transform([[0, 0], [1, 0]], [[1, 1], [1, 3]]).round(9).tolist()
    [[0.0, -2.0, 1.0], [2.0, 0.0, 1.0], [0.0, 0.0, 1.0]]
    """
    given = numbers_of(points, "points", (None, 2), np.float64)
    wanted = numbers_of(target, "target", (len(given), 2), np.float64)
    middle, other = given.mean(axis=0), wanted.mean(axis=0)
    variance = ((given - middle) ** 2).sum() / len(given)
    if not variance > 0:
        raise DataError("points that differ", f"{len(given)} times {middle.tolist()}", "Give two or more places.")
    left, sizes, right = np.linalg.svd((wanted - other).T @ (given - middle) / len(given))
    signs = np.array([1.0, np.sign(np.linalg.det(left) * np.linalg.det(right)) or 1.0])
    turn = left @ np.diag(signs) @ right
    scale = float(sizes @ signs) / variance
    transform = np.eye(3)
    transform[:2, :2] = scale * turn
    transform[:2, 2] = other - scale * turn @ middle
    return transform


@dataclass(frozen=True, eq=False)
class AlignedReader:
    """Pictures of another reader, each moved by a transform of its own.

    Attributes:
        reader: Of the photographs.
        positions: (n,) of the photographs in it.
        transforms: (n, 3, 3) from a point of a photograph to that of the result.
        size: (height, width) of the results.
    """

    reader: Reader
    positions: NDArray[np.int64]
    transforms: NDArray[np.float64]
    size: tuple[int, int]

    def read(self, position: int) -> NDArray[np.uint8]:
        """The aligned picture; outside of its photograph it is black.

        Where it is smaller than the photograph, each pixel is a mean over its area.
        """
        photograph, transform = _shrunk(self.reader.read(int(self.positions[position])), self.transforms[position])
        # A warp asks where each pixel comes from, and counts pixels at their centres.
        back = _from_centres(np.asarray(np.linalg.inv(transform), np.float64))
        warped = warp(photograph.astype(np.float32), back, self.size, fill="grid-constant")
        return np.rint(np.clip(warped, 0, 255)).astype(np.uint8)

    def shape(self, position: int) -> tuple[int, int]:
        """Height and width of each result."""
        return self.size

    def digest(self, position: int) -> str:
        """A hash of the photograph, its transform and the size."""
        photograph = self.reader.digest(int(self.positions[position]))
        key = f"aligned areas {photograph} {self.transforms[position].tolist()} {self.size}"
        return hashlib.sha256(key.encode()).hexdigest()


def aligned(
    source: Source, points: Points, *, size: int | tuple[int, int] = TEMPLATE_SIDE, template: ArrayLike | None = None
) -> Source:
    """The same pictures turned, scaled and moved so that their points lie where those of the template do.

    A network sees eyes and mouth in the same place then, and needs not learn where faces are. With other points and
    another template it serves things other than faces.

    Args:
        source: Photographs; what is known of them goes along if it is labels, tags or vectors.
        points: Of each photograph k points, five by default: the eye on the left of the picture, the one on its right,
            the tip of the nose, the corners of the mouth on the left and on the right; two or more have to be shown.
        size: Of the results, (height, width) or the side of a square.
        template: (k, 2) where the points shall lie in the results; by default those of ArcFace's 112 × 112, scaled.

    Raises:
        DataError: Points of fewer or more photographs than the source has, a photograph with fewer than two, a template
            of another number of points, or truth that has a place.
        InputError: No source, or no points.
    """
    if not isinstance(source, Source) or not isinstance(points, Points):
        raise InputError("a source and the points of its pictures", f"{said(source)}, {said(points)}", "photos.train.")
    height, width = size_of((size, size) if not isinstance(size, tuple) else size)
    if template is None:
        template = np.array(FIVE_POINTS) * (width / TEMPLATE_SIDE, height / TEMPLATE_SIDE)
    places = numbers_of(template, "template", (len(points.names), 2), np.float64)
    if len(points) != len(source):
        raise DataError(f"points of {len(source)} pictures", f"of {len(points)}", "Give those of the same pictures.")
    if source.targets is not None and source.targets.placed:
        raise DataError("truth without a place", source.kind, "Masks, boxes and points would have to move too.")
    shown = points.shown > 0
    if (few := np.flatnonzero(shown.sum(axis=1) < 2)).size:
        received = f"{int(shown[few[0]].sum())} in {source.ids[few[0]]!r}"
        raise DataError("two points or more in each picture", received, "Leave pictures without a face out.")
    transforms = [similarity_transform(points.values[n][shown[n]], places[shown[n]]) for n in range(len(source))]
    reader = AlignedReader(source.reader, source.positions, np.array(transforms).reshape(-1, 3, 3), (height, width))
    return Source(source.ids, source.targets, reader, np.arange(len(source)))


def _shrunk(
    photograph: NDArray[np.uint8], transform: NDArray[np.float64]
) -> tuple[NDArray[np.uint8], NDArray[np.float64]]:
    """A photograph made as small as its transform would make it, by areas, and what is left of the transform.

    A warp alone looks at few pixels of many, and shows fine patterns as coarse ones.
    """
    scale = float(np.sqrt(np.linalg.det(transform[:2, :2])))
    if scale >= 1:
        return photograph, transform
    height, width = photograph.shape[:2]
    small = max(1, round(scale * width)), max(1, round(scale * height))
    back = np.diag([width / small[0], height / small[1], 1.0])
    smaller = cv2.resize(photograph, small, interpolation=cv2.INTER_AREA)
    return np.asarray(smaller, np.uint8), np.asarray(transform @ back, np.float64)


def _from_centres(matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    """A matrix of points in continuous pixels as one of pixels that are counted at their centres."""
    half = np.eye(3)
    half[:2, 2] = 0.5
    return np.asarray(np.linalg.inv(half) @ matrix @ half)
