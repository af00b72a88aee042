"""Classes added to a trained network: the head is wider, what it knows of the old classes stays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from cnnkit.arguments import list_of
from cnnkit.errors import InputError
from cnnkit.heads.classification import Classifier
from cnnkit.transfer.network import Network, attach, network_of


def add_classes(network: Network, names: Sequence[str]) -> Network:
    """A network with further classes behind the old ones, to be trained on pictures of all of them.

        wider = ck.add_classes(ck.load("runs/pets"), ["hamster"])
        ck.fit(wider, ck.data.folder("pets_and_hamsters/", classes=wider.classes), ck.plans.probe())

    The weights of the old classes are kept, so the ratios of their probabilities are what they were until it is
    trained; what is added starts at random. The one sigmoid unit z of two classes becomes the softmax of (0, z), which
    is the same. The backbone is shared with the old network, the head is not.

    Args:
        network: With a head of `ck.heads.classifier`.
        names: Of the new classes.

    Returns:
        The wider network, without a calibration and, where one unit became a softmax, without a threshold.

    Raises:
        InputError: Another head, no list of names, or a name that is there already.
    """
    network = network_of(network)
    head = network.head
    if not isinstance(head, Classifier) or not {layer.name for layer in network.model.layers} >= {_output(head)}:
        raise InputError(
            "a network with a head of ck.heads.classifier",
            f"one with {type(head).__name__}",
            "ck.attach(net.backbone, head) puts a new head on its backbone.",
        )
    if not list_of(names, str) or not names:
        raise InputError("a list of names of new classes", f"{type(names).__name__}: {names!r}"[:200], '["hamster"]')
    more = len(names)
    wider = replace(
        head,
        classes=(*head.classes, *names),
        class_weight=(*head.class_weight, *[1.0] * more) if isinstance(head.class_weight, tuple) else head.class_weight,
        threshold=(*head.threshold, *[0.5] * more)
        if isinstance(head.threshold, tuple)
        else head.threshold
        if head.multi_label
        else 0.5,
        calibration=None,
    )
    result = attach(network.backbone, wider, framing=network.framing)
    for name in result.groups["head"]:
        layer = result.model.get_layer(name)
        if name == _output(wider):
            old = network.model.get_layer(_output(head)).get_weights()
            layer.set_weights([_widened(own, kept) for own, kept in zip(layer.get_weights(), old, strict=True)])
        elif layer.weights:
            layer.set_weights(network.model.get_layer(name).get_weights())
    return result


def _output(head: Classifier) -> str:
    return "probability" if head.binary else "probabilities"


def _widened(new: NDArray[np.float32], old: NDArray[np.float32]) -> NDArray[np.float32]:
    """The kernel or bias of the wider output layer, with the old columns; those of one unit are 0 and its own."""
    columns = np.concatenate([np.zeros_like(old), old], axis=-1) if old.shape[-1] == 1 and new.shape[-1] > 2 else old
    return np.concatenate([columns, new[..., columns.shape[-1] :]], axis=-1)
