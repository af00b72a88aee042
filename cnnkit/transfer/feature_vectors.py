"""One vector per picture from any backbone: what distances of sets of pictures are measured on."""

from __future__ import annotations

import keras
import numpy as np
from numpy.typing import NDArray

from cnnkit.backbones.extractor import Backbone, backbone
from cnnkit.data.any_pictures import Pictures, as_source
from cnnkit.data.pipeline import batches
from cnnkit.data.views.framing import Framing
from cnnkit.errors import DataError
from cnnkit.metrics.given_arrays import whole_number
from cnnkit.transfer.network import native_framing


def feature_vectors(
    body: Backbone | keras.Model, images: Pictures, *, framing: Framing | None = None, batch_size: int = 32
) -> NDArray[np.float32]:
    """The features of pictures at a backbone's cut, the mean over the places of a map.

    `ck.metrics.frechet_distance` compares those of generated pictures with those of real ones::

        body = ck.backbone("nano", input_shape=(128, 128, 3))
        made = [ck.data.decode_bytes(png, "made") for png in ck.predict(net, photos.test)["picture"]]
        real = ck.data.swapped(photos).test
        ck.metrics.frechet_distance(ck.feature_vectors(body, made), ck.feature_vectors(body, real))

    Args:
        body: From `ck.backbone`, or a functional model that it takes without more to say.
        images: Whatever `ck.predict` takes.
        framing: How a picture meets the input size; by default as the backbone's published accuracy was measured.
        batch_size: Pictures at a time.

    Returns:
        (n, channels), in order.

    Raises:
        DataError: There are no pictures, or float pictures that seem to be scaled to 0…1.
        InputError: No backbone.
    """
    body = body if isinstance(body, Backbone) else backbone(body)
    whole_number("batch_size", batch_size)
    source, size = as_source(images), (body.settings.input_shape[0], body.settings.input_shape[1])
    if not len(source):
        raise DataError("one picture or more", "none", "Give a folder, files or arrays.")
    rows = []
    for batch in batches(source, framing or native_framing(body), size, batch_size=batch_size):
        maps = np.asarray(body.model.predict_on_batch(np.asarray(batch.images, np.float32)), np.float32)
        rows.append(maps.mean(axis=tuple(range(1, maps.ndim - 1))))
    return np.concatenate(rows)
