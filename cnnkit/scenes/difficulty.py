"""How hard the pictures are: every number that decides it, in one table.

Whatever could give the label away is drawn from the same distribution for both classes: the number of large
things, their height in the picture, what stands in front of them, colours, light and the camera.

Measured with these constants (series 0, 128 px, 1,500 to train, 500 to test, flips only): MobileNet α = 0.25
with ImageNet weights, head then everything for 8 epochs, 0.91; a linear model on 32 × 32 pixels 0.51 … 0.56.
The same network from random weights reached 0.56 after 10 epochs, with constants a little harder than these.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Difficulty:
    """The constants.

    Args:
        person_share: Share of the pictures that show a person.
        figures: Weights of 1, 2, 3, … large things (people or look-alikes).
        more_people: Chance that a further figure of a person picture is a person too.
        height: Lowest and highest height of a figure, as a share of the picture.
        smaller: How much smaller than drawn a second or third figure may be, as a factor.
        tall_bias: Exponent on the random number behind the height: below 1 more large figures.
        cut_below: Chance that a figure stands so near that its lower part is outside the picture.
        cut_aside: Chance that a figure is cut by the left or right border.
        confusers: Factor on the weight of the things that look most like people (`Thing.confuser`).
        occluded: Chance that something stands in front of a figure.
        clutter: Lowest and highest number of small or far things.
        far_people: Chance of people too small to count, in a picture of either class.
        least_keypoints: How many of the seventeen keypoints of the main person must be visible, and
        least_area: how large its box must be, as a share of the picture (`PERSON_AREA` is what counts as a person).
        blur: Weights of 0, 1, 2, … passes of blur.
        background_blur: Weights of 0, 1, 2 passes of blur behind the figures.
        grain: Lowest and highest strength of sensor noise, /256 of a standard deviation of 37.
        quality: Lowest and highest JPEG quality.
        exposure: How far the gain may be from 1.
        cast: How far the gains of the channels may be from each other.
        contrast: Lowest and highest contrast.
    """

    person_share: float = 0.5
    figures: tuple[float, ...] = (3.0, 4.0, 2.0)
    more_people: float = 0.6
    height: tuple[float, float] = (0.42, 0.92)
    smaller: float = 0.75
    tall_bias: float = 0.8
    cut_below: float = 0.06
    cut_aside: float = 0.06
    confusers: float = 0.25
    occluded: float = 0.1
    clutter: tuple[int, int] = (1, 4)
    far_people: float = 0.04
    least_keypoints: int = 9
    least_area: float = 0.04
    blur: tuple[float, ...] = (6.0, 4.0, 0.5)
    background_blur: tuple[float, ...] = (4.0, 3.0, 2.0)
    grain: tuple[int, int] = (2, 22)
    quality: tuple[int, int] = (60, 95)
    exposure: float = 0.16
    cast: float = 0.06
    contrast: tuple[float, float] = (0.85, 1.1)


DIFFICULTY = Difficulty()
