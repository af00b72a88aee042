"""Augmentations in a `tf.data` pipeline of the user's own."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from cnnkit.data.arguments import augmenter, said, seed_of, whole_number
from cnnkit.data.random_streams import picture_bits
from cnnkit.data.views.chain import crop_size, require_boxes_to_keep
from cnnkit.data.views.view import Augmenter
from cnnkit.errors import InputError


def augmented(dataset: Any, augment: Augmenter, *, seed: int = 0, epoch: int = 0) -> Any:
    """A dataset with a random view of each picture: the views that `fit(augment=…, seed=…)` makes of the same places.

    The view of a picture is a function of seed, epoch and its place in the dataset, whatever the number of threads::

        train = tf.data.Dataset.from_tensor_slices((images, labels))
        train = ck.data.augmented(train, ck.data.Augmentation.gentle(), seed=0)
        model.fit(train.batch(32).prefetch(2), shuffle=False)

    Args:
        dataset: A `tf.data.Dataset` of pictures (h, w, 3) in 0…255, not batched; or of tuples that begin with one.
        augment: What makes a view.
        seed: Of the views.
        epoch: Another epoch, other views.

    Returns:
        The dataset, pictures float32 of the same shapes, or of the size of the crops.

    Raises:
        InputError: Something else, or crops that keep boxes: `fit` knows these, a `tf.data.Dataset` does not.
    """
    augmenter(augment)
    require_boxes_to_keep(augment, "")
    seed, epoch = seed_of(seed), whole_number(epoch, "epoch")
    if not (callable(getattr(dataset, "enumerate", None)) and callable(getattr(dataset, "map", None))):
        raise InputError("a tf.data.Dataset", said(dataset), "Of a folder: ck.fit(net, photos, augment=…) needs none.")
    import tensorflow as tf

    def view(place: Any, picture: Any) -> Any:
        def made(index: NDArray[np.int64], pixels: NDArray[Any]) -> NDArray[np.float32]:
            return augment.apply(pixels, np.random.Generator(picture_bits(seed, epoch, int(index))))

        pixels = tf.numpy_function(made, [place, picture], tf.float32)
        cropped = crop_size(augment)
        return tf.ensure_shape(pixels, picture.shape if cropped is None else (*cropped, 3))

    def with_others(place: Any, example: Any) -> Any:
        if isinstance(example, tuple):
            return view(place, example[0]), *example[1:]
        return view(place, example)

    return dataset.enumerate().map(with_others, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True)
