"""A view of a picture as a value: where each point of the picture lies in it, and what its pixels are.

Points are counted in continuous pixels: (0, 0) is the outer corner of the top left pixel, whose centre is (.5, .5), and
a picture of `width` pixels spans 0 … width. A matrix M says that what was at p = (x, y, 1) is at M p.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from cnnkit.data.arguments import said, size_of
from cnnkit.data.targets.bends import Bend, Bends, bent_origins, bent_points
from cnnkit.data.targets.matrices import inverse
from cnnkit.errors import InputError

Matrix: TypeAlias = NDArray[np.float64]
Picture: TypeAlias = NDArray[np.uint8] | NDArray[np.float32]
# Half a pixel: between the corner of a pixel, where it begins, and its centre, where warps count it.
HALF = 0.5


@dataclass(frozen=True, eq=False)
class View:
    """One version of a picture, with all chance drawn: the same picture gives the same pixels each time.

    Attributes:
        positions: (3, 3), from a point (x, y, 1) of the picture to that of the view. What comes to lie outside has left
            the view; and what comes from outside the picture shows no part of it, whatever fills it.
        pixels: From a picture (h, w, 3) of 0…255, of the size that the view was drawn for, to its view: float32 of the
            same range, (*size, 3). The picture itself stays as it is.
        size: (height, width) of the view; None for that of the picture.
        bends: What moves points further, after the matrix: smooth displacements in the pixels of the view, in order.

    Raises:
        InputError: Positions of another shape or whose last row is not 0, 0, 1; pixels that cannot be called; no size;
            or bends that are none.

    >>> positions = np.array([[-1.0, 0, 4], [0, 1, 0], [0, 0, 1]])
    >>> mirrored = View(positions, lambda picture: picture[:, ::-1].astype(np.float32))
    >>> (mirrored.positions @ [0.5, 0.5, 1]).tolist()  # of 4 columns the centre of the first becomes that of the last
    [3.5, 0.5, 1.0]
    >>> bool((mirrored.then(mirrored).positions == np.eye(3)).all())
    True
    """

    positions: Matrix
    pixels: Callable[[Picture], NDArray[np.float32]]
    size: tuple[int, int] | None = None
    bends: Bends = ()

    def __post_init__(self) -> None:
        try:
            matrix = np.asarray(self.positions, np.float64)
        except (TypeError, ValueError):
            matrix = np.empty(0)
        if matrix.shape != (3, 3) or matrix[2].tolist() != [0, 0, 1]:
            expected = "positions as an affine matrix of shape (3, 3) whose last row is 0, 0, 1"
            raise InputError(expected, said(self.positions), "np.eye(3) leaves every point where it is.")
        if not callable(self.pixels):
            raise InputError("pixels as a function of a picture", said(self.pixels), "It returns the picture's view.")
        object.__setattr__(self, "positions", matrix)
        if self.size is not None:
            object.__setattr__(self, "size", size_of(self.size))
        if not isinstance(self.bends, tuple) or not all(isinstance(bend, Bend) for bend in self.bends):
            raise InputError("bends as a tuple", said(self.bends), "ck.data.Elastic draws one; () bends nothing.")

    @classmethod
    def identity(cls) -> View:
        """The picture as it is; its pixels are a copy."""
        return cls(np.eye(3), as_floats)

    def then(self, other: View) -> View:
        """The view of this view: matrices multiply, bends and pixels follow each other."""
        return View(
            other.positions @ self.positions,
            lambda picture: other.pixels(self.pixels(picture)),
            other.size or self.size,
            (*(bend.framed(other.positions) for bend in self.bends), *other.bends),
        )

    def moved(self, points: Matrix) -> Matrix:
        """Where points (..., 2) of the picture lie in the view, x and y."""
        return bent_points(self.bends, points @ self.positions[:2, :2].T + self.positions[:2, 2])

    def origins(self, points: Matrix) -> Matrix:
        """Where points (..., 2) of the view were in the picture, x and y."""
        return bent_origins(self.inverse(), self.bends, points)

    def inverse(self) -> Matrix:
        """(3, 3), from a point of the view back to that of the picture, where nothing is bent."""
        return inverse(self.positions)


def as_floats(picture: Picture) -> NDArray[np.float32]:
    """A copy of the picture in float32."""
    return picture.astype(np.float32)


class Augmenter(Protocol):
    """What makes a random version of a picture.

    A value: its `repr` says all that the version depends on beside the picture and chance, and names what is kept of
    it.
    """

    def apply(self, image: Picture, generator: np.random.Generator) -> NDArray[np.float32]:
        """A version of the picture (h, w, 3), 0…255: float32 of the same shape, but for a crop. The picture stays."""


class ViewAugmenter(Augmenter, Protocol):
    """An augmenter whose versions are views, so that truth moves with the picture.

    The base of cnnkit's own and of a user's::

        @dataclass(frozen=True)
        class UpsideDown(ck.data.ViewAugmenter):
            def view(self, size, chance):
                positions = np.array([[1.0, 0, 0], [0, -1, size[0]], [0, 0, 1]])
                return ck.data.View(positions, lambda picture: picture[::-1].astype(np.float32))
    """

    @property
    def crop_size(self) -> tuple[int, int] | None:
        """(height, width) of the views of an augmenter that takes them from whole photographs instead of framed ones.

        None, the default, for one that gives views of the size of the picture.
        """
        return None

    @abstractmethod
    def view(self, size: tuple[int, int], chance: np.random.Generator) -> View:
        """A random view of pictures of one size.

        Args:
            size: (height, width) of the picture, and of its view unless that has a size of its own.
            chance: Where all random numbers come from. They are drawn here and none later, as many for each picture of
                this size, whatever it shows.
        """

    def apply(self, image: Picture, generator: np.random.Generator) -> NDArray[np.float32]:
        """The pixels of one view.

        Args:
            image: (h, w, 3), values 0…255.
            generator: Where chance comes from.

        Returns:
            (h, w, 3), float32, 0…255; of the view's own size where it has one.
        """
        return self.view((image.shape[0], image.shape[1]), generator).pixels(image)
