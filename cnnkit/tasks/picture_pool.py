"""The pool of generated pictures from which a discriminator learns: earlier ones beside the newest."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cnnkit.transfer.checkpoint import Arrays

Floats = NDArray[np.float32]


class PicturePool:
    """Up to so many pictures; it gives back a new one or, half of the time, an earlier one whose place it takes.

    Shrivastava et al., CVPR 2017 (arXiv:1612.07828), section 2.3; Zhu et al., ICCV 2017, section 4: so that
    discriminators do not swing with the generators.

    Args:
        name: Under which a checkpoint holds it.
        size: Pictures in it at most; 0 gives every new one back.
    """

    def __init__(self, name: str, size: int) -> None:
        self._name = f"pool {name}"
        self._size = size
        self._pictures: list[Floats] = []

    def exchanged(self, pictures: Floats, chance: np.random.Generator) -> Floats:
        """As many pictures as are given.

        Args:
            pictures: (n, h, w, 3) new ones.
            chance: Decides which are exchanged.
        """
        return np.stack([self._exchanged(picture, chance) for picture in pictures])

    def _exchanged(self, picture: Floats, chance: np.random.Generator) -> Floats:
        if len(self._pictures) < self._size:
            self._pictures.append(picture)
            return picture
        if not self._size or chance.random() < 0.5:
            return picture
        place = int(chance.integers(self._size))
        earlier, self._pictures[place] = self._pictures[place], picture
        return earlier

    def arrays(self) -> Arrays:
        """What a checkpoint holds."""
        return {self._name: np.stack(self._pictures)} if self._pictures else {}

    def remember(self, arrays: Arrays) -> None:
        """Takes back what `arrays` gave."""
        self._pictures = list(arrays.get(self._name, ()))
