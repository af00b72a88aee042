"""What augmentation does to the values of a picture, as Keras does it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageEnhance


def shift_channels(image: NDArray[np.float32], amount: float) -> NDArray[np.float32]:
    """`amount` on all values, in place, clipped to the picture's own darkest and brightest."""
    clip, bound = (np.minimum, image.max()) if amount > 0 else (np.maximum, image.min())
    np.add(image, np.float32(amount), out=image)
    clip(image, bound, out=image)
    return image


def enhance_brightness(image: NDArray[np.float32], factor: float) -> NDArray[np.float32]:
    """The picture times `factor`, by Pillow and in whole numbers: fractions are cut off before and after.

    Args:
        image: (h, w, 1, 3 or 4); alpha stays as it is. Values outside 0…255 are scaled into it first and back after.
        factor: 0 is black, 1 changes nothing.
    """
    low, high = image.min(), image.max()
    scaled = bool(low < 0 or high > 255)
    if scaled:
        image = image - low
        image = image / (image.max() or 1) * 255
    whole = image.astype(np.uint8)
    picture = Image.fromarray(whole[..., 0] if whole.shape[2] == 1 else whole)
    enhanced = np.asarray(ImageEnhance.Brightness(picture).enhance(factor), np.float32).reshape(image.shape)
    return np.asarray(enhanced / 255 * (high - low) + low, np.float32) if scaled else enhanced
