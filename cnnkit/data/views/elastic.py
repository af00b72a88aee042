"""Elastic deformation: pictures as of rubber, for what keeps its class however it is bent, such as cells and digits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from cnnkit.data.arguments import number, one_of, whole_number
from cnnkit.data.targets.bends import STEEPEST, Bend, centres, steepness
from cnnkit.data.views.affine import FILLS as BORDERS
from cnnkit.data.views.augmentation import FILLS
from cnnkit.data.views.view import HALF, Picture, View, ViewAugmenter
from cnnkit.errors import InputError


@dataclass(frozen=True)
class Elastic(ViewAugmenter):
    """Smooth random deformations, by Ronneberger, Fischer and Brox, "U-Net", 2015, section 3.1.

    Displacements are drawn from a Gaussian at the nodes of a coarse grid and interpolated bicubically. Simard,
    Steinkraus and Platt, 2003, section 2, draw one for each pixel and smooth them instead. Boxes, masks and points are
    bent too.

    Args:
        sigma: Standard deviation of a displacement in pixels, across and down each. The paper's 10 are for tiles of
            572 × 572. Where the displacements of a view would lay points on each other, all of them are made smaller.
        nodes: Of each side of the grid, evenly from border to border: 2 or more.
        fill: What is outside the picture, as of `Augmentation`. It has no truth.

    Raises:
        InputError: A sigma below 0, or fewer nodes.
        UnknownNameError: Another name of a fill.

    >>> view = Elastic(sigma=2).view((64, 64), np.random.default_rng(0))
    >>> point = np.array([20.0, 30.0])
    >>> bool(np.abs(view.origins(view.moved(point)) - point).max() < 1e-4)
    True
    """

    sigma: float = 10.0
    nodes: int = 3
    fill: Literal["nearest", "reflect", "wrap", "constant"] = "reflect"

    def __post_init__(self) -> None:
        expected, remedy = "sigma from 0 on, in pixels", "The paper takes 10, of pictures of 572 × 572."
        if not 0 <= number(self.sigma, "sigma", expected, remedy) < np.inf:
            raise InputError(expected, repr(self.sigma), remedy)
        whole_number(self.nodes, "nodes", least=2, remedy="The paper takes 3.")
        one_of(self.fill, "a fill", FILLS)

    def view(self, size: tuple[int, int], chance: np.random.Generator) -> View:
        """One view of pictures of a size.

        Args:
            size: (height, width) of the picture.
            chance: Every view draws two numbers per node.
        """
        drawn = chance.normal(0, self.sigma, (self.nodes, self.nodes, 2))
        bend = Bend(drawn * min(1.0, STEEPEST / max(steepness(drawn, size), STEEPEST)), size)
        return View(np.eye(3), lambda picture: self._pixels(picture, bend), bends=(bend,))

    def _pixels(self, picture: Picture, bend: Bend) -> NDArray[np.float32]:
        origins = (bend.origins(centres(bend.size)) - HALF).astype(np.float32)  # OpenCV counts from centres
        bent = cv2.remap(
            picture.astype(np.float32),
            np.ascontiguousarray(origins[..., 0]),
            np.ascontiguousarray(origins[..., 1]),
            cv2.INTER_LINEAR,
            borderMode=BORDERS[FILLS[self.fill]],
        )
        return np.asarray(bent, np.float32)
