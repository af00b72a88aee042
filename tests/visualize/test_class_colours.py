from __future__ import annotations

import itertools

import numpy as np
import pytest
from matplotlib.colors import to_rgb

from cnnkit.visualize.class_colours import class_colours, painted

# Linear RGB as people without cones for green or red see it (Machado, Oliveira and Fernandes 2009, severity 1).
DEUTERANOPIA = [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
PROTANOPIA = [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]


def oklab(colours: list[str], sight: list[list[float]] | None = None) -> np.ndarray:
    """(n, 3) as in Ottosson, "A perceptual color space for image processing", 2020."""
    values = np.array([to_rgb(colour) for colour in colours])
    linear = np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)
    if sight is not None:
        linear = np.clip(linear @ np.transpose(sight), 0, 1)
    cones = [
        [0.4122214708, 0.5363325363, 0.0514459929],
        [0.2119034982, 0.6806995451, 0.1073969566],
        [0.0883024619, 0.2817188376, 0.6299787005],
    ]
    axes = [
        [0.2104542553, 0.7936177850, -0.0040720468],
        [1.9779984951, -2.4285922050, 0.4505937099],
        [0.0259040371, 0.7827717662, -0.8086757660],
    ]
    return np.cbrt(linear @ np.transpose(cones)) @ np.transpose(axes)


def closest(points: np.ndarray) -> float:
    return min(float(np.linalg.norm(a - b)) for a, b in itertools.combinations(points, 2))


@pytest.mark.parametrize(
    ("count", "sight", "apart"), [(30, None, 0.08), (8, DEUTERANOPIA, 0.07), (8, PROTANOPIA, 0.09)]
)
def test_colours_can_be_told_apart(count: int, sight: list[list[float]] | None, apart: float) -> None:
    """A just noticeable difference is 0.02; with any colour vision for up to eight."""
    assert closest(oklab(class_colours(count), sight)) > apart


def test_more_classes_have_more_colours_and_keep_the_first() -> None:
    assert len(set(class_colours(150))) == 150
    assert class_colours(150)[:30] == class_colours(30)
    assert class_colours(0) == []


def test_a_mask_is_painted_with_them() -> None:
    pixels = painted(np.array([[0, 1], [2, 255]], np.uint8), 3)
    np.testing.assert_allclose(pixels[0, 1], to_rgb(class_colours(3)[1]), atol=1e-6)
    np.testing.assert_array_equal(pixels[1, 1], 1)
