"""A backbone with the classifier that ImageNet gave it, as a network: it predicts, explains and is saved like any."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import keras
import pandas as pd

from cnnkit.arguments import whole
from cnnkit.backbones.extractor import backbone
from cnnkit.backbones.graph import cut_nodes, nodes
from cnnkit.backbones.truncation import truncate
from cnnkit.backbones.weights import imagenet_classes
from cnnkit.data.targets.column import ID, LABEL
from cnnkit.errors import InputError
from cnnkit.heads.classification import classifier
from cnnkit.transfer.network import Network, native_framing

# What stands between the last maps and the classifier.
VECTORS = (keras.layers.GlobalAveragePooling2D, keras.layers.GlobalMaxPooling2D, keras.layers.Flatten)


def imagenet(
    name: str = "mobilenet_v2", *, alpha: float | None = None, weights: str | Path | None = "imagenet"
) -> Network:
    """A published network with its 1,000 classes: what does it say of a photograph?

        net = ck.imagenet("mobilenet", alpha=0.25)
        ck.top(ck.predict(net, "photo.jpg"))        # the five likeliest classes, with their probabilities
        ck.visualize.gradcam_figure(net, ["photo.jpg"])

    Without a network connection it needs the weights file with the classifier and `imagenet_class_index.json`, in
    `$KERAS_HOME/models` or the folder `CNNKIT_WEIGHTS`; `cnnkit weights list` shows which are here.

    Args:
        name: One of the Keras Applications in `ck.backbones.names()`.
        alpha: Width of the MobileNets.
        weights: `"imagenet"`, a weights file with the classifier, or None for random ones.

    Returns:
        A network at its native size. Its head holds what is behind the last maps.

    Raises:
        UnknownNameError: No such backbone.
        InputError: A backbone that has no classifier, or a width that nobody publishes.
        WeightsError: A file is not here and cannot be fetched, has the wrong hash or other classes.
    """
    body = backbone(name, alpha=alpha, weights=weights, top=True)
    classes = imagenet_classes()
    if body.model.output_shape[-1] != len(classes):
        raise InputError(
            f"a classifier of the {len(classes)} classes of ImageNet",
            f"{body.model.output_shape[-1]} classes in {weights}",
            "ck.backbone(name, weights=path) takes its features, for a head of yours.",
        )
    calls = nodes(body.model)
    pooling = next(call for call in cut_nodes(body.model) if isinstance(call.layer, VECTORS))
    cut = calls[pooling.parents[0]].name
    features = replace(body, model=truncate(body.model, cut), cut=cut)
    return Network(model=body.model, backbone=features, head=classifier(classes), framing=native_framing(body))


def top(table: pd.DataFrame, count: int = 5) -> pd.DataFrame:
    """The likeliest classes of each picture.

    Args:
        table: What `ck.predict` returned.
        count: How many of each.

    Returns:
        `count` rows a picture, in its order: `id`, `rank` from 1 on, `label`, `probability`.

    Raises:
        InputError: Another table, or no whole number of at least 1.
    """
    if not isinstance(table, pd.DataFrame) or not {ID, LABEL} < set(table.columns):
        raise InputError(
            "what ck.predict returned", f"{type(table).__name__}: {table!r}"[:200], "ck.top(ck.predict(net, images))"
        )
    if not whole(count, 1):
        raise InputError("a count of at least 1, a whole number", f"count={count!r}"[:200], "5 is usual.")
    probabilities = table.drop(columns=[ID, LABEL])
    rows = [
        (identity, rank, label, probability)
        for identity, (_, row) in zip(table[ID], probabilities.iterrows(), strict=True)
        for rank, (label, probability) in enumerate(row.nlargest(count).items(), start=1)
    ]
    return pd.DataFrame(rows, columns=[ID, "rank", LABEL, "probability"])
