"""A threshold from people whom a network was not trained on, where all that there are were trained on."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from cnnkit.arguments import whole
from cnnkit.data.source import Source
from cnnkit.data.views.view import Augmenter, Picture
from cnnkit.engines.forward import Forward
from cnnkit.errors import InputError
from cnnkit.heads.head import OpenSetHead
from cnnkit.metrics.verification import accept_threshold
from cnnkit.transfer.closed_form import put_closed_form, require_closed_form
from cnnkit.transfer.exact_head import gather
from cnnkit.transfer.feed import Feed
from cnnkit.transfer.finite import finite_features
from cnnkit.transfer.freeze import flags_kept, set_flags
from cnnkit.transfer.inference import truth_of
from cnnkit.transfer.network import Network, network_of
from cnnkit.transfer.plan import Phase
from cnnkit.transfer.tail import Tail, halve

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Mirrored:
    """Left and right swapped."""

    def apply(self, image: Picture, generator: np.random.Generator) -> Floats:
        """The picture mirrored."""
        return np.ascontiguousarray(image[:, ::-1], np.float32)


def held_out_threshold(
    network: Network,
    source: Source,
    *,
    far: float = 1e-2,
    folds: int = 4,
    augment: Augmenter | None = None,
    views: int = 1,
    flip: bool = False,
    batch_size: int = 32,
    seed: int = 0,
) -> float:
    """The cosine from which on two pictures are called the same person, so that few strangers are.

    A head that was solved for in closed form makes the pictures of its own people more alike than those of others, and
    whose pictures are more alike varies from person to person. So each part of the people is compared by a head that
    was solved for without them, and the threshold is that of all these pairs. It is for pairs: of a gallery, whose
    people are many chances of a false accept, `ck.Gallery.calibrate` has it.

    Args:
        network: With a head of `ck.heads.embedding` on a frozen backbone; it stays as it is. Where its loss trained on
            from the closed form, take validation people who were not trained on instead.
        source: The labelled pictures that it was trained on.
        far: The largest share of pairs of strangers that are accepted.
        folds: Parts of the people, each left out once; each has two people at least, who are strangers to each other.
        augment: As the network was trained with.
        views: As the network was trained with.
        flip: Whether the network is asked with mirrored pictures too.
        batch_size: Pictures at a time.
        seed: Of the views.

    Raises:
        DataError: No labelled pictures, or pictures of someone who is not among the identities of the head.
        InputError: Another head, layers that train before it, or fewer than two people for each part.
    """
    network = network_of(network)
    truth = truth_of(network, source)
    with flags_kept(network.model):
        set_flags(network, Phase("head"))
        halves = halve(network.model, network.head)
    require_closed_form(halves.tail, network.head, "closed form")
    network.head.weights(truth)
    people = np.unique(truth.strata())
    if not isinstance(network.head, OpenSetHead) or not whole(folds, 2) or 2 * folds > len(people):
        expected = "2 or more folds with two people or more in each, whose pictures are those of strangers"
        raise InputError(
            expected, f"{folds!r} folds of {len(people)} people", "4 is the default, for 8 people or more."
        )
    feed = partial(
        Feed,
        source=source,
        head=network.head,
        framing=network.framing,
        size=network.size,
        batch_size=batch_size,
        forward=None if halves.prefix is None else partial(finite_features, Forward(halves.prefix, kind="float32")),
        seed=seed,
    )
    examples = gather(feed(augment=augment, views=views), views if augment is not None else 1)
    looks = [examples.features[: len(source)]]
    if flip:
        looks.append(gather(feed(augment=Mirrored()), 1).features)
    shown = np.resize(truth.strata(), len(examples.features))
    before = halves.tail.get_weights()
    similarities = []
    try:
        for fold in range(folds):
            inside = ~np.isin(shown, people[fold::folds])
            outside = np.flatnonzero(~inside[: len(source)])
            put_closed_form(halves.tail, network.head, examples.take(inside))
            similarities.append(_of_strangers(halves.tail, [look[outside] for look in looks], shown[outside], network))
    finally:
        halves.tail.set_weights(before)
    return accept_threshold(np.concatenate(similarities), far=far)


def _of_strangers(tail: Tail, looks: list[Floats], people: NDArray[np.int64], network: Network) -> Floats:
    """The cosines of all pairs of two people, of the mean of what the tail makes of both looks at a picture."""
    vectors = sum(network.head.decode(tail.predict_on_batch(look), network.size).values for look in looks)  # type: ignore[attr-defined]  # of an embedding
    vectors = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    first, second = np.triu_indices(len(people), 1)
    apart = people[first] != people[second]
    return np.asarray((vectors[first[apart]] * vectors[second[apart]]).sum(axis=1))
