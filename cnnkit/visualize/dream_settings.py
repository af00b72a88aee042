"""The settings of `dream` and `dreams`: steps, sizes, smoothness."""

from __future__ import annotations

from dataclasses import dataclass
from numbers import Integral, Real
from typing import Self, TypeGuard

from cnnkit.arguments import list_of
from cnnkit.errors import InputError

# Field → its numbers and the least of them.
LEAST: dict[str, tuple[type, int]] = {
    "steps": (Integral, 1),
    "rate": (Real, 0),
    "octaves": (Integral, 1),
    "octave_scale": (Real, 1),
    "jitter": (Integral, 0),
    "total_variation": (Real, 0),
    "bands": (Integral, 0),
}


@dataclass(frozen=True)
class DreamSettings:
    """How `dream` changes a picture step by step; the defaults are rich, `plain` is the lecture's algorithm.

    Attributes:
        steps: At each octave, at least 1.
        rate: Levels of 255 by which a step changes a value on average; of the gradient itself where `bands=0`.
        octaves: Sizes at which it dreams, each enlarged for the next with the picture's own detail put back.
        octave_scale: From one size to the next, at least 1.
        jitter: Pixels by which the picture is shifted at most before each step, at random: no seam stays in one place.
        total_variation: Weight of smoothness, the gradient of Σ|x − neighbour|, against the normalized gradient.
        bands: Frequencies of the gradient, each an octave apart, that get the same strength (its Laplacian pyramid):
            without it the finest one wins. 1 divides the gradient by its mean, 0 leaves it as it is.
        limits: What the model takes for black and white. A backbone takes 0…255.

    Raises:
        InputError: A value below its least, or something else than numbers.

    >>> DreamSettings(octaves=3, octave_scale=2).sizes(224, 224)
    [(56, 56), (112, 112), (224, 224)]
    """

    steps: int = 50
    rate: float = 1.5
    octaves: int = 4
    octave_scale: float = 1.4
    jitter: int = 16
    total_variation: float = 0.1
    bands: int = 5
    limits: tuple[float, float] = (0.0, 255.0)

    def __post_init__(self) -> None:
        for name, (kind, least) in LEAST.items():
            value = getattr(self, name)
            if not _is_number(value, kind) or not least <= value < float("inf"):
                number = "a whole number" if kind is Integral else "a number"
                raise InputError(f"{name} of at least {least}, {number}", repr(value)[:80], "The defaults suit most.")
        limits = self.limits
        if not list_of(limits, Real) or len(limits) != 2:
            raise InputError("limits as (black, white)", repr(limits)[:80], "(0, 255) and (-1, 1) are usual.")

    @classmethod
    def plain(cls, *, steps: int = 50, rate: float = 1.5, bands: int = 0) -> Self:
        """Gradient ascent and nothing else: one size, no shift, no smoothness.

        Args:
            steps: As in the class.
            rate: As in the class; with `bands=0` one that suits the layer, often 10,000 and more.
            bands: As in the class; 1 makes rates of all layers alike.
        """
        return cls(steps=steps, rate=rate, octaves=1, jitter=0, total_variation=0.0, bands=bands)

    def sizes(self, height: int, width: int) -> list[tuple[int, int]]:
        """(height, width) of each octave, from the smallest to the picture's own."""
        scales = [self.octave_scale**octave for octave in reversed(range(self.octaves))]
        return [(max(1, round(height / scale)), max(1, round(width / scale))) for scale in scales]


def _is_number(value: object, kind: type) -> TypeGuard[float]:
    return isinstance(value, kind) and not isinstance(value, bool)
