from __future__ import annotations

import numpy as np
import tensorflow as tf

import cnnkit as ck
from cnnkit.data.array_images import unlabelled

IMAGES = np.random.default_rng(0).integers(0, 256, (6, 20, 24, 3), dtype=np.uint8)
GENTLE = ck.data.Augmentation.gentle()


def test_the_views_are_those_of_training() -> None:
    (expected,) = ck.data.batches(
        unlabelled(IMAGES), ck.data.Framing("squash"), (20, 24), augment=GENTLE, seed=3, epoch=2, shuffle=False
    )
    labels = np.arange(6)
    dataset = ck.data.augmented(tf.data.Dataset.from_tensor_slices((IMAGES, labels)), GENTLE, seed=3, epoch=2)
    assert dataset.element_spec[0].shape == (20, 24, 3)
    ((images, kept),) = dataset.batch(6)
    np.testing.assert_array_equal(images, expected.images)
    np.testing.assert_array_equal(kept, labels)


def test_pictures_alone_and_another_epoch() -> None:
    pictures = tf.data.Dataset.from_tensor_slices(IMAGES)
    first, again, other = (
        np.stack(list(ck.data.augmented(pictures, GENTLE, epoch=epoch).as_numpy_iterator())) for epoch in (0, 0, 1)
    )
    np.testing.assert_array_equal(first, again)
    assert np.abs(first - other).mean() > 1


def test_keras_trains_on_it() -> None:
    model = keras_model()
    dataset = ck.data.augmented(tf.data.Dataset.from_tensor_slices((IMAGES, np.arange(6) % 2)), GENTLE)
    history = model.fit(dataset.batch(3), epochs=2, shuffle=False, verbose=0).history
    assert np.isfinite(history["loss"]).all()


def keras_model() -> tf.keras.Model:
    layers = tf.keras.layers
    model = tf.keras.Sequential([tf.keras.Input((20, 24, 3)), layers.GlobalAveragePooling2D(), layers.Dense(1)])
    model.compile(tf.keras.optimizers.SGD(1e-6), "mse")
    return model
